"""`pegbar backup`, `pegbar backups` and `pegbar restore`."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable

from pegbar.cli import As_json, UserError, app, err, out, print_json
from pegbar.cli.place import Place, database_of
from pegbar.config import settings
from pegbar.core.backup import rows
from pegbar.core.backup.archive import Archive, Backup, verify
from pegbar.core.backup.log import recovering
from pegbar.core.backup.log.shelf import Moments, shown, sweep
from pegbar.core.backup.restoring import Part
from pegbar.core.backup.saving import Files
from pegbar.core.backup.sealing import Seal, make_key
from pegbar.core.backup.vault import vault_of
from pegbar.core.data.embedded import EmbeddedPostgres
from pegbar.core.errors import CannotRun
from pegbar.core.work import logs

backups = App(name="backups", help="Look at backups, verify and remove them.")
app.command(backups)

Where = Annotated[str | None, Parameter(help="A folder or s3://bucket/folder (PEGBAR_BACKUP_TO).")]
Key = Annotated[Path | None, Parameter(help="File of the key that encrypts them (PEGBAR_BACKUP_KEY_FILE).")]
Quiet = Annotated[bool, Parameter(negative=(), help="Show no progress.")]


def archive_of(where: str | None = None, key_file: Path | None = None) -> Archive:
    """The backups of a place, or of the settings. Raises UserError, CannotRun."""
    address = where or settings().backup_to
    if not address:
        raise UserError("Where are the backups? Give a folder or s3://bucket/folder, or set PEGBAR_BACKUP_TO.")
    path = key_file or (Path(settings().backup_key_file) if settings().backup_key_file else None)
    return Archive(vault_of(address), None if path is None else Seal.of_file(path))


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str], object]]:
    if quiet:
        yield lambda _: None
        return
    with err.status("Looking…") as status:
        yield status.update


def _refuse_overlap(where: str | None) -> None:
    """A backup inside what is backed up would hold the ones before."""
    address = where or settings().backup_to
    if "://" in address:
        return
    folder = Path(address).resolve()
    for kept in (settings().storage_folder, settings().data_folder / "postgresql"):
        if folder.is_relative_to(kept.resolve()):
            raise UserError(f"{folder} lies in {kept}, which is backed up. Choose another place, on another disk.")


@app.command
def backup(
    to: Where = None,
    /,
    place: Place | None = None,
    *,
    keep: Annotated[int | None, Parameter(help="Backups to keep, older ones go; all unless given.")] = None,
    files: Annotated[
        Files, Parameter(help="incremental reads what is new, whole reads and compares all, none takes only the rows.")
    ] = "incremental",
    key_file: Key = None,
    quiet: Quiet = False,
) -> None:
    """Copy the database and the stored files, as they are at this moment; the server may go on running."""
    from pegbar.core.backup.saving import save

    (place or Place()).settle()
    logs.configure()
    # What the server keeps is said of its own place, not of another that somebody names.
    kept = keep if keep is not None else 0 if to else settings().backup_keep
    if kept < 0:
        raise UserError("--keep takes a number from 0 on.")
    archive = archive_of(to, key_file)
    _refuse_overlap(to)
    with _progress(quiet) as progress, database_of(place, current=False) as url:
        archive.begin()
        with_base = _keeps_log(url) and (not to or to == settings().backup_to)
        done = asyncio.run(save(url, archive, files=files, with_base=with_base, progress=progress))
        removed = archive.names()[:-kept] if kept else []
        if kept:  # what a killed one left goes too
            with archive.held("removal", patience=60):
                archive.remove(removed)
                sweep(archive)
    _tell(done, removed)


def _keeps_log(url: str) -> bool:
    """Whether the log of this database is copied into the place of the settings."""
    embedded = EmbeddedPostgres(settings().data_folder)
    return url == embedded.url() and embedded.log_folder.is_dir()


def _tell(done: Backup, removed: list[str]) -> None:
    files = "no files" if done.files is None else f"{done.files:,} files ({done.file_bytes:,} bytes)"
    out.print(f"Backup {done.name}: the database ({done.database.size:,} bytes) and {files}, read back and right.")
    if done.missing:
        err.print(f"{done.missing:,} files that the database names were not in the store: they were lost before.")
    if "secret.key" not in done.kept:
        out.print(
            "It holds no secret.key: keep the SECRET_KEY of the settings elsewhere, or sessions end at a restore."
        )
    if removed:
        out.print(f"Removed: {', '.join(removed)}")


@backups.command(name="list")
def list_(where: Where = None, /, place: Place | None = None, *, key_file: Key = None, json: As_json = False) -> None:
    """List the backups of a place, oldest first. One that ended half is none."""
    (place or Place()).settle()
    archive = archive_of(where, key_file)
    archive.check()
    known = [archive.backup(name) for name in archive.names()]
    reached = {one.backup.name: one for one in recovering.possible(archive)}
    if json:
        print_json([_described(backup, reached.get(backup.name)) for backup in known])
        return
    table = RichTable("Backup", box=SIMPLE_HEAD)
    for title in ("Database", "Files", "Bytes of files", "PostgreSQL", "Pegbar", "Any moment from", "to"):
        table.add_column(title, justify="right")
    for backup in known:
        files = "none" if backup.files is None else f"{backup.files:,}"
        rest = (f"{backup.file_bytes:,}", backup.database.postgresql, backup.pegbar, *_ends(reached.get(backup.name)))
        table.add_row(backup.name, f"{backup.database.size:,}", files, *rest)
    out.print(table)


def _ends(moments: Moments | None) -> tuple[str, str]:
    """The first and the last moment to which a backup leads."""
    return ("", "") if moments is None or moments.until is None else (moments.since, shown(moments.until))


def _described(backup: Backup, moments: Moments | None) -> dict[str, object]:
    since, until = _ends(moments)
    return {
        "name": backup.name,
        "began_at": backup.began_at,
        "ended_at": backup.ended_at,
        "database_bytes": backup.database.size,
        "postgresql": backup.database.postgresql,
        "revision": backup.database.revision,
        "files": backup.files,
        "file_bytes": backup.file_bytes,
        "missing_files": backup.missing,
        "pegbar": backup.pegbar,
        "moments_from": since or None,
        "moments_to": until or None,
    }


@backups.command(name="verify")
def verify_(
    where: Where = None,
    /,
    place: Place | None = None,
    *,
    backup: Annotated[list[str] | None, Parameter(help="Which, all unless given.")] = None,
    key_file: Key = None,
    quiet: Quiet = False,
) -> None:
    """Read backups back, every byte of them."""
    (place or Place()).settle()
    archive = archive_of(where, key_file)
    archive.check()
    names, faults = backup or archive.names(), []
    with _progress(quiet) as progress:
        for name in names:
            progress(f"{name}…")
            try:
                known = archive.backup(name)
                rows.readable(archive.read(f"backups/{name}.database", known.database.digest))
                wrong = verify(archive, known, progress) + recovering.verify(archive, known, progress)
                faults += [f"{name}: {fault}" for fault in wrong]
            except CannotRun as fault:
                faults.append(f"{name}: {fault}")
    if faults:
        lines = "\n".join(f"  - {fault}" for fault in faults)
        raise UserError(f"These backups are not whole:\n{lines}\nMake another: pegbar backup --files whole")
    out.print(f"{len(names)} {'backup is' if len(names) == 1 else 'backups are'} whole.")


@backups.command
def remove(
    name: Annotated[list[str], Parameter(help="Backups, by their names.")],
    /,
    place: Place | None = None,
    *,
    where: Annotated[str | None, Parameter(name="--from", help="Where they are (PEGBAR_BACKUP_TO).")] = None,
    key_file: Key = None,
) -> None:
    """Remove backups, and the files that no other one has."""
    (place or Place()).settle()
    archive = archive_of(where, key_file)
    archive.check()
    if unknown := sorted(set(name) - set(archive.names())):
        raise UserError(f"There is no backup {unknown[0]!r}; see: pegbar backups list")
    with archive.held("removal", patience=60):
        archive.remove(name)
        objects, size = sweep(archive)
    out.print(f"Removed {len(set(name))}; {objects:,} objects ({size:,} bytes) went that no other backup has.")


@backups.command
def key(file: Path, /) -> None:
    """Make a key that encrypts backups. Keep a copy of it elsewhere: without it they cannot be read."""
    make_key(file)
    out.print(f"The key is in {file}. Keep a copy of it elsewhere: without it no backup made with it can be read.")


@app.command
def restore(
    source: Where = None,
    /,
    place: Place | None = None,
    *,
    backup: Annotated[str | None, Parameter(help="Which, the last unless given.")] = None,
    at: Annotated[
        str | None, Parameter(help="A moment to go back to, as 2026-11-30T12:34:56Z; `pegbar backups list` says which.")
    ] = None,
    only: Annotated[Part | None, Parameter(help="Only the database, or only the files.")] = None,
    resume_sending: Annotated[
        bool,
        Parameter(negative=(), help="Send what waited: mails, messages, webhooks. Else it is cancelled or paused."),
    ] = False,
    key_file: Key = None,
    quiet: Quiet = False,
) -> None:
    """Bring a backup back into an empty folder or database: all of it, a part of it, or a moment after it."""
    (place or Place()).settle()
    logs.configure()
    archive = archive_of(source, key_file)
    archive.check()
    if at is not None:
        _restore_moment(archive, _moment(at), backup, only, resume_sending=resume_sending, quiet=quiet)
        return
    from pegbar.core.backup.restoring import restore

    names = archive.names()
    if not names:
        raise UserError("There are no backups there.")
    known = archive.backup(backup or names[-1])
    with _progress(quiet) as progress:
        if only == "files":
            asyncio.run(restore(None, archive, known, only=only, progress=progress))
        else:
            with database_of(place, current=False) as url:
                asyncio.run(restore(url, archive, known, only=only, progress=progress))
                silenced = {} if resume_sending else _silence(url, f"backup {known.name}")
    out.print(f"Restored {known.name}, of {known.began_at}. Next: pegbar serve")
    if only != "files":
        _tell_rest(known, silenced)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise UserError(f"--at {text}: give a moment with its time zone, as 2026-11-30T12:34:56Z.")
    return moment


def _restore_moment(
    archive: Archive, moment: datetime, name: str | None, only: Part | None, *, resume_sending: bool, quiet: bool
) -> None:
    if settings().external_database:
        raise UserError(
            "--at is for the embedded database. A moment of an external PostgreSQL is restored by the tool that "
            "archives its log (pgBackRest, Barman, your provider); its files by: pegbar restore --only files"
        )
    if only == "files":
        raise UserError("--at goes by the rows of that moment: leave --only files out, or leave --at out.")
    reached = recovering.find(archive, moment, name)
    silenced: dict[str, int] = {}

    def ready(url: str) -> None:
        if not resume_sending:
            silenced.update(_silence(url, f"moment {shown(moment)}"))

    with _progress(quiet) as progress:
        missing = asyncio.run(
            recovering.recover(archive, reached, moment, with_files=only != "database", ready=ready, progress=progress)
        )
    out.print(f"Restored the moment {shown(moment)}, from {reached.backup.name}. Next: pegbar serve")
    if missing:
        some = ", ".join(f"{file.bucket}/{file.key}" for file in missing[:3])
        err.print(f"{len(missing):,} files that its rows name are in no backup: {some}")
    _tell_rest(reached.backup, silenced)


def _silence(url: str, what: str) -> dict[str, int]:
    """Keep a restored server from saying again what the one it is a copy of has said."""
    from pegbar.app import load_domains
    from pegbar.core.backup.quieting import quiet

    load_domains()
    return quiet(url, f"restored from the {what}: resume it if this server takes the place of the former one")


def _tell_rest(known: Backup, silenced: dict[str, int]) -> None:
    """What to know before the server is started."""
    if "secret.key" not in known.kept:
        out.print("It holds no secret.key: set the SECRET_KEY of before, or everybody must sign in again.")
    if any(silenced.values()):
        counts = ", ".join(f"{count:,} {what}" for what, count in silenced.items() if count)
        out.print(f"So that nobody hears twice: {counts}. With --resume-sending they are left as they were.")
