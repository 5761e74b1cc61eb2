"""A released build of the web UI in an archive: what may be in it, and unpacking it.

Whoever made the archive may mean harm: nothing is written before all names, kinds and sizes are judged, and nothing is
written outside the folder that is named.
"""

import gzip
import os
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from pegbar.core.errors import CannotRun

#: A build has some hundred files and some ten megabytes; an archive of it fewer.
LARGEST_ARCHIVE, LARGEST, MOST = 128 * 2**20, 256 * 2**20, 20_000
_LARGEST_DIRECTORY = 8 * 2**20
_PIECE = 2**20
_INDEX = "index.html"
#: What macOS adds to its archives.
_NOT_OURS = "__MACOSX"
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, EOFError, zlib.error, struct.error)


class BadArchive(CannotRun):
    """An archive that holds no web UI, or what no web UI holds; the message says what."""


@dataclass(frozen=True)
class _Entry:
    """A file of an archive."""

    path: PurePosixPath
    size: int
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, into: Path) -> None:
    """Unpack the folder of an archive that holds `index.html` into an empty folder. Raises BadArchive."""
    size = archive.stat().st_size
    if size > LARGEST_ARCHIVE:
        raise BadArchive(f"{archive} has {size} bytes; the build of a web UI has at most {LARGEST_ARCHIVE}.")
    try:
        with archive.open("rb") as file, _entries(file, into) as entries:
            files = _judged(entries)
            for path, entry in files.items():
                _write(entry, into / path)
    except BadArchive as error:
        raise BadArchive(f"{archive} is no build of a web UI: {error}") from None
    except _DAMAGED as error:
        raise BadArchive(f"{archive} is damaged: {error}") from None


@contextmanager
def _entries(file: BinaryIO, beside: Path) -> Iterator[Iterable[_Entry]]:
    """The files of an archive, whose kind is told by how it begins."""
    start = file.read(4)
    file.seek(0)
    if start.startswith(b"\x1f\x8b"):
        # In a file, since a reader of tar goes back and forth, and takes long names into memory whole.
        with tempfile.TemporaryFile(dir=beside.parent) as plain:
            _decompress(file, plain)
            with tarfile.open(fileobj=plain, mode="r:", errors="surrogateescape") as tar:
                yield _of_tar(tar)
    elif start.startswith(b"PK"):
        _check_directory(file)
        with zipfile.ZipFile(file) as archive:
            yield _of_zip(archive)
    else:
        raise BadArchive("it is neither a tar.gz nor a zip.")


def _decompress(file: BinaryIO, into: BinaryIO) -> None:
    most = LARGEST + MOST * 2 * tarfile.BLOCKSIZE
    with gzip.open(file) as plain:
        while piece := plain.read(_PIECE):
            into.write(piece)
            if into.tell() > most:
                raise BadArchive(f"unpacked it has more than {LARGEST} bytes.")
    into.seek(0)


def _check_directory(file: BinaryIO) -> None:
    """Refuse a zip whose table of contents would fill the memory before a line of it is judged."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(end - 2**16 - 22, 0))
    tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) < place + 22:
        raise BadArchive("its end is missing.")
    if struct.unpack_from("<I", tail, place + 12)[0] > _LARGEST_DIRECTORY or b"PK\x06\x07" in tail:
        raise BadArchive(f"it has more than {MOST} files.")
    file.seek(0)


def _of_tar(tar: tarfile.TarFile) -> Iterator[_Entry]:
    for member in tar:
        path = _path(member.name)
        if member.isdir():
            yield _Entry(path, -1, _nothing)
        elif member.isreg() and not member.issparse():
            yield _Entry(path, member.size, lambda member=member: _opened(tar, member))  # type: ignore[misc]
        else:
            what = "a link" if member.issym() or member.islnk() else "neither a file nor a folder"
            raise BadArchive(f"{member.name!r} is {what}.")


def _opened(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    assert file is not None, "it is a regular file"
    return file


def _of_zip(archive: zipfile.ZipFile) -> Iterator[_Entry]:
    for info in archive.infolist():
        path = _path(info.orig_filename)
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            what = "a link" if kind == stat.S_IFLNK else "neither a file nor a folder"
            raise BadArchive(f"{info.orig_filename!r} is {what}.")
        if info.flag_bits & 1:
            raise BadArchive(f"{info.orig_filename!r} is encrypted.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BadArchive(f"{info.orig_filename!r} is compressed in a way that is not read here.")
        size = -1 if info.is_dir() else info.file_size
        yield _Entry(path, size, lambda info=info: archive.open(info))  # type: ignore[misc]


def _nothing() -> IO[bytes]:
    raise AssertionError("a folder is not opened")


def _path(name: str) -> PurePosixPath:
    """Where an entry is in its archive. Raises BadArchive for names that lead out of a folder, or may somewhere."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    try:
        fits = all(len(part.encode()) <= 255 for part in parts) and len(name.encode()) <= 1024
    except UnicodeEncodeError:
        fits = False
    if not fits or any(character in "\\:" or not character.isprintable() for character in name):
        raise BadArchive(f"{name[:200]!r} is no name of a file.")
    if name.startswith("/") or ".." in parts:
        raise BadArchive(f"{name!r} leads out of the archive.")
    return PurePosixPath(*parts)


def _judged(entries: Iterable[_Entry]) -> dict[PurePosixPath, _Entry]:
    """The files below the folder of the one `index.html`, by their path in it. Raises BadArchive."""
    files: dict[PurePosixPath, _Entry] = {}
    size = number = 0
    for entry in entries:
        number += 1
        size += max(entry.size, 0)
        if number > MOST:
            raise BadArchive(f"it has more than {MOST} files.")
        if size > LARGEST:
            raise BadArchive(f"unpacked it has more than {LARGEST} bytes.")
        if entry.size < 0 or entry.path.parts[:1] == (_NOT_OURS,):
            continue
        if entry.path in files:
            raise BadArchive(f"'{entry.path}' is in it twice.")
        files[entry.path] = entry
    for path in files:
        if blocked := next((parent for parent in path.parents if parent in files), None):
            raise BadArchive(f"'{blocked}' is a file and a folder.")
    indexes = [path for path in files if path.name == _INDEX]
    if len(indexes) != 1:
        many = ", ".join(f"'{path}'" for path in indexes[:3])
        raise BadArchive(f"it holds {len(indexes)} times {_INDEX} ({many})." if many else f"it holds no {_INDEX}.")
    root = indexes[0].parent
    return {path.relative_to(root): entry for path, entry in files.items() if path.is_relative_to(root)}


def _write(entry: _Entry, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with entry.open() as source, path.open("xb") as target:
        shutil.copyfileobj(source, target, _PIECE)  # no more than was judged: both readers stop at the size they tell
        if target.tell() != entry.size:
            raise BadArchive(f"'{entry.path}' has not the {entry.size} bytes that it should have.")
