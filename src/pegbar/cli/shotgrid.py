"""`pegbar import shotgrid`: a studio comes over from its ShotGrid site."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from rich.box import SIMPLE_HEAD
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from pegbar.cli import UserError, app, err, out
from pegbar.cli.place import Place, with_database

if TYPE_CHECKING:
    from pegbar.exchange.shotgrid.site.report import SiteReport

imports = App(name="import", help="Bring over what another system holds.")
app.command(imports)

KEY_VARIABLE = "PEGBAR_SHOTGRID_KEY"
_AGAIN = "Run the same command again: it goes on from here."


def _flag(text: str) -> Any:
    return Parameter(negative=(), help=text)


@imports.command
def shotgrid(  # noqa: PLR0913 - options
    place: Place | None = None,
    *,
    url: Annotated[str, Parameter(help="The site, such as https://studio.shotgrid.autodesk.com.")],
    script: Annotated[str, Parameter(help="Name of a script made under Admin > Scripts of the site.")],
    key: Annotated[
        str | None, Parameter(help=f"Its application key; better in {KEY_VARIABLE} or a file: processes show options.")
    ] = None,
    key_file: Annotated[Path | None, Parameter(help="File that holds the key.")] = None,
    project: Annotated[
        list[str] | None, Parameter(help="Production to bring over; several times for several.", negative=())
    ] = None,
    mapping: Annotated[Path | None, Parameter(help="What becomes what (docs/shotgrid.md).")] = None,
    write_mapping: Annotated[
        Path | None, Parameter(help="Write a mapping file with all that the site has, and do nothing else.")
    ] = None,
    dry_run: Annotated[bool, _flag("Only tell what would come over.")] = False,
    full: Annotated[bool, _flag("Compare everything again, not only what changed since the last run.")] = False,
    no_files: Annotated[bool, _flag("Leave movies, pictures and attachments for another run.")] = False,
    remove_gone: Annotated[
        bool, _flag("Take away what was deleted in ShotGrid; assets and shots with tasks are canceled.")
    ] = False,
    as_: Annotated[
        str | None, Parameter(name="--as", help="E-mail address of the administrator in whose name it is done.")
    ] = None,
    report: Annotated[Path | None, Parameter(help="Write the report to this file, as JSON.")] = None,
) -> None:
    """Bring productions over from a ShotGrid site, with people, versions and their movies, notes and attachments.

    Run it as often as you like: it asks for what changed since the last run, and goes on where it was stopped.
    """
    from pegbar.exchange.shotgrid.site import mapping as mappings
    from pegbar.exchange.shotgrid.site.client import Site
    from pegbar.exchange.shotgrid.site.survey import productions, survey

    secret = _key(key, key_file)
    document = None if mapping is None else mappings.read(mapping)

    async def write() -> None:
        async with Site.open(url, script, secret) as site:
            contents = (await survey(site)).contents
        assert write_mapping is not None
        write_mapping.write_text(mappings.written(contents, write_mapping.name), encoding="utf-8")
        out.print(f"{write_mapping} says what becomes what. Change it, then give it as --mapping.", markup=False)

    if write_mapping is not None:
        import asyncio

        asyncio.run(write())
        return

    async def bring(db: Any) -> "SiteReport":
        from pegbar.exchange.shotgrid.site.importing import Import, Production
        from pegbar.exchange.shotgrid.site.report import SiteReport

        async with Site.open(url, script, secret) as site:
            wanted = [Production(row) for row in await productions(site, project or [])]
            seen = await survey(site)
            mapped = mappings.mapped(seen.contents, document)
            done = SiteReport(site.url, dry_run=dry_run)
            with _bars() as bars:
                run = Import(
                    db=db,
                    site=site,
                    caller_id=await _administrator(db, as_),
                    survey=seen,
                    mapping=mapped,
                    productions=wanted,
                    report=done,
                    progress=bars,
                    full=full,
                    files=not no_files,
                    remove_gone=remove_gone,
                    dry_run=dry_run,
                    digest=hashlib.sha256(f"1 {site.url} {mapped.digest}".encode()).hexdigest()[:40],
                )
                try:
                    await run.run()
                finally:
                    if report is not None:
                        _write(report, done)
            return done

    try:
        _show(with_database(place, bring, size=6))
    except KeyboardInterrupt:
        err.print(f"Stopped. {_AGAIN}")
        raise


def _key(key: str | None, file: Path | None) -> str:
    """The application key, wherever it is given. It is never shown."""
    if key is not None and file is not None:
        raise UserError("Give --key or --key-file, not both.")
    if file is not None:
        if file.exists() and file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            err.print(f"{file} can be read by others. Mend it: chmod 600 {file}", markup=False)
        key = file.read_text(encoding="utf-8")
    secret = (os.environ.get(KEY_VARIABLE, "") if key is None else key).strip()
    if not secret:
        raise UserError(f"The key of the script is missing: set {KEY_VARIABLE}, or give --key-file or --key.")
    return secret


async def _administrator(db: Any, email: str | None) -> Any:
    from pegbar.exchange.shotgrid.site import queries

    person_id = await db.value(queries.administrator, email=email)
    if person_id is None:
        who = f"{email} is no active administrator here" if email else "There is no administrator yet"
        raise UserError(f"{who}. Make one: pegbar user create EMAIL --role admin")
    return person_id


class _Rate(ProgressColumn):
    """Rows, or files, a second."""

    def render(self, task: Task) -> Text:
        """Draw it."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.1f}/s", style="progress.data.speed")


class Bars:
    """Shows how far the import is: a bar at a time."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._current: Any = None

    def begin(self, label: str, total: int | None) -> None:
        """Begin the next bar."""
        if self._current is not None:
            self._progress.stop_task(self._current)
        self._current = self._progress.add_task(label, total=total)

    def advance(self, count: int) -> None:
        """Move the bar on."""
        if self._current is not None:
            self._progress.advance(self._current, count)


@contextmanager
def _bars() -> Iterator[Bars]:
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        yield Bars(progress)


def _write(path: Path, done: "SiteReport") -> None:
    import msgspec

    path.write_bytes(msgspec.json.format(msgspec.json.encode(done.document())) + b"\n")


def _show(done: "SiteReport") -> None:
    from pegbar.exchange.shotgrid.site.report import WHAT, examples

    table = Table("", *(what.capitalize() for what in WHAT), box=SIMPLE_HEAD)
    for tally in done.tallies.values():
        if tally.counts:
            table.add_row(tally.label, *(f"{tally.counts[what]:,}" for what in WHAT))
    out.print(table)
    for label, reason, ids in done.skipped():
        out.print(f"{label} skipped, {len(ids):,}: {reason} ({examples(ids)})", markup=False)
    for remark in done.remarks:
        out.print(remark, markup=False)
    came = done.total("created", "changed")
    if done.dry_run:
        out.print(f"Nothing was written. {came:,} rows and files would come over.")
    else:
        out.print(f"{came:,} rows and files came over." if came else "Nothing changed since the last run.")
