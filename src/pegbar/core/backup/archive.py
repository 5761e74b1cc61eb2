"""What lies in a vault: backups, their files by content, and the hold that one writer at a time has. Blocking."""

import gzip
import hashlib
import hmac
import os
import socket
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any, TypeVar

import msgspec
import psutil

from pegbar.core.backup.sealing import Damaged, Seal, sealed_size
from pegbar.core.backup.vault import Kept, Vault
from pegbar.core.errors import CannotRun

HEAD, HOLD = "archive.json", "writer/hold.json"
#: How often a writer renews its hold, and after how long without it another may take it.
_RENEWED, _GIVEN_UP = 60, timedelta(minutes=10)
#: What is over in a moment, and others wait for.
BRIEF = "copy of new files"


class File(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A stored file of a backup; `version` is what its store says of it, `digest` the SHA-256 of its content."""

    bucket: str
    key: str
    size: int
    version: str
    digest: str


class Rows(msgspec.Struct, frozen=True):
    """The database of a backup."""

    size: int
    digest: str
    postgresql: str
    revision: str | None


class Base(msgspec.Struct, frozen=True):
    """The files of the embedded database's folder, copied while it ran: where a way to later moments begins.

    `system` and `timeline` say of which log the way consists, `stop` from which segment on; `ended_at` is the first
    moment that it leads to; `unpacked` counts bytes.
    """

    size: int
    digest: str
    unpacked: int
    system: str
    timeline: int
    start: str
    stop: str
    ended_at: datetime


class Backup(msgspec.Struct, frozen=True):
    """What a backup holds. `kept` are small files of the data folder, `missing` files that the rows name in vain."""

    name: str
    began_at: str
    ended_at: str
    pegbar: str
    database: Rows
    files: int | None
    file_bytes: int
    files_digest: str
    missing: int
    kept: dict[str, str]
    base: Base | None = None


class _Head(msgspec.Struct):
    format: int
    seal: str
    check: str


class _Hold(msgspec.Struct):
    host: str
    process: int
    began_at: str
    purpose: str


class _Busy(CannotRun):
    """Somebody writes there."""

    def __init__(self, purpose: str, message: str) -> None:
        super().__init__(message)
        self.purpose = purpose


class Archive:
    """The backups of a vault, read and written with a seal or without."""

    def __init__(self, vault: Vault, seal: Seal | None) -> None:
        self._vault, self._seal, self._hold = vault, seal, b""

    def begin(self) -> None:
        """Make the vault an archive at first use. Raises CannotRun over files of others, or for a wrong key."""
        if self._read_head() is None:
            for folder in ("files", "backups"):
                if next(self._vault.listed(folder), None) is not None:
                    raise CannotRun(f"There is a folder {folder!r} already, and no backups: choose an empty place.")
            check = self._seal.digest("check") if self._seal else ""
            head = _Head(1, "aes-256-gcm" if self._seal else "none", check)
            self._vault.create(HEAD, msgspec.json.encode(head))
        self.check()

    def check(self) -> None:
        """Raise CannotRun unless this is an archive and the seal is its own."""
        head = self._read_head()
        if head is None:
            raise CannotRun("There are no backups there: it holds no archive.json.")
        if head.format != 1:
            raise CannotRun(f"These backups have the format {head.format}, of a newer Pegbar; this one reads 1.")
        if head.seal == "none":
            if self._seal is not None:
                raise CannotRun("The backups there are not encrypted: leave the key out, or use another place.")
        elif self._seal is None:
            raise CannotRun("The backups there are encrypted: give their key (--key-file or PEGBAR_BACKUP_KEY_FILE).")
        elif not hmac.compare_digest(head.check, self._seal.digest("check")):
            raise CannotRun("The key is not the one that these backups were made with.")

    def _read_head(self) -> _Head | None:
        try:
            return _decoded(b"".join(self._vault.get(HEAD)), _Head, HEAD)
        except KeyError:
            return None

    @contextmanager
    def held(self, purpose: str, *, patience: float = 0.0) -> Iterator[None]:
        """Keep other writers off. Raises CannotRun while one is at work, after so many seconds if it is `BRIEF`."""
        mine = _Hold(socket.gethostname(), os.getpid(), _now(), purpose)
        content = msgspec.json.encode(mine)
        if not self._vault.create(HOLD, content):
            self._wait_for_hold(patience)
            if not self._vault.create(HOLD, content):
                raise CannotRun("Another command writes there at this moment. Try again when it has ended.")
        self._hold, ended = content, Event()

        def renew() -> None:
            while not ended.wait(_RENEWED):
                with suppress(CannotRun, OSError):  # ten minutes' time to succeed
                    if self._is_mine():
                        self._vault.put(HOLD, [content])

        renewing = Thread(target=renew, daemon=True)
        renewing.start()
        try:
            yield
        finally:
            ended.set()
            renewing.join()
            if self._is_mine():
                self._vault.remove(HOLD)

    def _is_mine(self) -> bool:
        try:
            return b"".join(self._vault.get(HOLD)) == self._hold
        except KeyError:
            return False

    def _wait_for_hold(self, patience: float) -> None:
        """Wait for the end of what is over soon. Raises CannotRun over all else that lives."""
        deadline = time.monotonic() + patience
        while True:
            try:
                return self._drop_dead_hold()
            except _Busy as busy:
                if busy.purpose != BRIEF or time.monotonic() > deadline:
                    raise
            time.sleep(0.2)

    def _drop_dead_hold(self) -> None:
        try:
            hold = _decoded(b"".join(self._vault.get(HOLD)), _Hold, HOLD)
        except KeyError:
            return
        kept = next(self._vault.listed("writer"), None)
        here = hold.host == socket.gethostname()
        dead = here and not psutil.pid_exists(hold.process)
        if kept is not None and not dead and datetime.now(UTC) - kept.modified < _GIVEN_UP:
            raise _Busy(
                hold.purpose,
                f"A {hold.purpose} is under way there since {hold.began_at} (process {hold.process} on {hold.host}). "
                "Try again when it has ended; one that was killed elsewhere is given up after ten minutes.",
            )
        self._vault.remove(HOLD)

    def write(self, path: str, plain: Iterable[bytes]) -> tuple[int, str]:
        """Keep an object; the size and SHA-256 of what went in."""
        size, digest = 0, hashlib.sha256()

        def measured() -> Iterator[bytes]:
            nonlocal size
            for chunk in plain:
                size += len(chunk)
                digest.update(chunk)
                yield chunk

        self._vault.put(path, self._seal.close(path, measured()) if self._seal else measured())
        return size, digest.hexdigest()

    def read(self, path: str, digest: str) -> Iterator[bytes]:
        """The bytes of an object. Raises Damaged, at the latest at its end, when they are not those of the digest."""
        seen = hashlib.sha256()
        for chunk in self.opened(path):
            seen.update(chunk)
            yield chunk
        if seen.hexdigest() != digest:
            raise Damaged(f"{path} of the archive is damaged: its checksum is another.")

    def opened(self, path: str) -> Iterator[bytes]:
        """The bytes of an object, judged by nothing but the seal. Raises Damaged."""
        sealed = self._vault.get(path)
        try:
            yield from self._seal.open(path, sealed) if self._seal else sealed
        except KeyError:
            raise Damaged(f"{path} of the archive is missing.") from None

    def listed(self, folder: str) -> Iterator[Kept]:
        """The objects below a folder."""
        return self._vault.listed(folder)

    def has(self, path: str) -> bool:
        """Whether there is an object."""
        try:
            next(iter(self._vault.get(path)), b"")
        except KeyError:
            return False
        return True

    def drop(self, path: str) -> None:
        """Remove an object, if it is there."""
        self._vault.remove(path)

    def verify_object(self, path: str, digest: str) -> None:
        """Read an object back. Raises Damaged."""
        for _ in self.read(path, digest):
            pass

    def path_of(self, digest: str) -> str:
        """Where a content lies. With a key the name tells nobody else which content it is."""
        name = self._seal.digest(f"file {digest}") if self._seal else digest
        return f"files/{name[:2]}/{name}"

    def contents(self) -> dict[str, int]:
        """The files that are kept, with their sizes as they lie there."""
        return {kept.path: kept.size for kept in self._vault.listed("files")}

    def size_of(self, plain: int) -> int:
        """The bytes that so many take in the vault."""
        return sealed_size(plain) if self._seal else plain

    def write_files(self, name: str, files: Iterable[File]) -> str:
        """Keep the list of a backup's files; its digest."""
        lines = (msgspec.json.encode(file) + b"\n" for file in files)
        return self.write(f"backups/{name}.files", _packed(lines))[1]

    def files_of(self, backup: Backup) -> Iterator[File]:
        """The files of a backup. Raises Damaged."""
        if backup.files is None:
            return
        path = f"backups/{backup.name}.files"
        chunks = list(self.read(path, backup.files_digest))  # judged whole before a line is believed
        for line in gzip.decompress(b"".join(chunks)).splitlines():
            yield _decoded(line, File, path)

    def list_backup(self, backup: Backup) -> None:
        """Write the last object of a backup: from now on it is there. Raises CannotRun when the hold was lost."""
        if not self._is_mine():
            raise CannotRun("Another command took the place over: this one gave no sign of life for ten minutes.")
        self.write(f"backups/{backup.name}.json", [msgspec.json.encode(backup)])

    def names(self) -> list[str]:
        """The backups, oldest first."""
        return sorted(
            kept.path.removeprefix("backups/").removesuffix(".json")
            for kept in self._vault.listed("backups")
            if kept.path.endswith(".json")
        )

    def backup(self, name: str) -> Backup:
        """One backup. Raises CannotRun or Damaged."""
        path = f"backups/{name}.json"
        if name not in self.names():
            raise CannotRun(f"There is no backup {name!r}; see: pegbar backups list")
        return _decoded(b"".join(self.opened(path)), Backup, path)

    def remove(self, names: Iterable[str]) -> None:
        """Remove backups: first what lists them, so that none is listed that is not whole."""
        for name in names:
            for ending in ("json", "files", "database", "base"):
                self._vault.remove(f"backups/{name}.{ending}")

    def sweep(self, others: Set[str] = frozenset()) -> tuple[int, int]:
        """Remove what no backup names, but for contents that `others` name; how many objects and bytes went.

        Raises Damaged, removing nothing.
        """
        names = set(self.names())
        used = {self.path_of(digest) for digest in others}
        used |= {self.path_of(file.digest) for name in names for file in self.files_of(self.backup(name))}
        unused = [kept for kept in self._vault.listed("files") if kept.path not in used]
        unused += [kept for kept in self._vault.listed("backups") if _backup_of(kept) not in names]
        for kept in unused:
            self._vault.remove(kept.path)
        return len(unused), sum(kept.size for kept in unused)


def verify(archive: Archive, backup: Backup, checked: Callable[[str], Any]) -> list[str]:
    """Read back all that a backup names; what is wrong with it. Rows are judged by whoever can read them."""
    faults, seen = [], set()
    try:
        files = list(archive.files_of(backup))
    except (Damaged, zlib.error, OSError, EOFError) as damaged:
        return [str(damaged)]
    for file in files:
        if file.digest in seen:
            continue
        seen.add(file.digest)
        try:
            archive.verify_object(archive.path_of(file.digest), file.digest)
        except Damaged as damaged:
            faults.append(f"{file.bucket}/{file.key}: {damaged}")
        checked(file.key)
    return faults


def _backup_of(kept: Kept) -> str:
    return kept.path.removeprefix("backups/").partition(".")[0]


def _packed(lines: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    for line in lines:
        if packed := packer.compress(line):
            yield packed
    yield packer.flush()


_Kind = TypeVar("_Kind")


def _decoded(content: bytes, kind: type[_Kind], path: str) -> _Kind:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError:
        raise Damaged(f"{path} of the archive is damaged: it cannot be read.") from None


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
