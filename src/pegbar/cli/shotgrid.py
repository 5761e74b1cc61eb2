"""`pegbar import shotgrid`: a studio comes over from its ShotGrid site."""

import asyncio
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import msgspec
from cyclopts import App, Parameter
from rich.box import SIMPLE_HEAD
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from pegbar.cli import UserError, app, err, out
from pegbar.cli.place import Place, with_database

if TYPE_CHECKING:
    from pegbar.exchange.shotgrid.site.mapping import Document
    from pegbar.exchange.shotgrid.site.report import SiteReport

imports = App(name="import", help="Bring over what another system holds.")
app.command(imports)

KEY_VARIABLE = "PEGBAR_SHOTGRID_KEY"


def _flag(text: str) -> Any:
    return Parameter(negative=(), help=text)


@Parameter(name="*")
@dataclass(kw_only=True)
class Login:
    """Which site, and how it knows us."""

    url: Annotated[str, Parameter(help="The site, such as https://studio.shotgrid.autodesk.com.")]
    "The site, such as https://studio.shotgrid.autodesk.com."
    script: Annotated[str, Parameter(help="Name of a script made under Admin > Scripts of the site.")]
    "Name of a script made under Admin > Scripts of the site."
    key: Annotated[str | None, Parameter(help=f"Its application key; better in {KEY_VARIABLE} or in a file.")] = field(
        default=None, repr=False
    )
    "Its application key; better in PEGBAR_SHOTGRID_KEY or in a file."
    key_file: Annotated[Path | None, Parameter(help="File that holds the key.")] = None
    "File that holds the key."

    def secret(self) -> str:
        """The application key, wherever it is given. It is never shown."""
        if self.key is not None and self.key_file is not None:
            raise UserError("Give --key or --key-file, not both.")
        key = os.environ.get(KEY_VARIABLE, "") if self.key is None else self.key
        if self.key_file is not None:
            key = self.key_file.read_text(encoding="utf-8")
            if self.key_file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
                err.print(f"{self.key_file} can be read by others. Mend it: chmod 600 {self.key_file}", markup=False)
        if not key.strip():
            raise UserError(f"The key of the script is missing: set {KEY_VARIABLE}, or give --key-file or --key.")
        return key.strip()


@Parameter(name="*")
@dataclass(kw_only=True)
class Extent:
    """What of it is brought over."""

    dry_run: Annotated[bool, _flag("Only tell what would come over.")] = False
    "Only tell what would come over."
    full: Annotated[bool, _flag("Compare everything again, not only what changed since the last run.")] = False
    "Compare everything again, not only what changed since the last run."
    no_files: Annotated[bool, _flag("Leave movies, pictures and attachments for another run.")] = False
    "Leave movies, pictures and attachments for another run."
    remove_gone: Annotated[
        bool, _flag("Take away what was deleted in ShotGrid; assets and shots with tasks are canceled.")
    ] = False
    "Take away what was deleted in ShotGrid; assets and shots with tasks are canceled."


@imports.command
def shotgrid(
    place: Place | None = None,
    *,
    login: Login,
    project: Annotated[
        list[str] | None, Parameter(help="Production to bring over; several times for several.", negative=())
    ] = None,
    mapping: Annotated[Path | None, Parameter(help="What becomes what (docs/shotgrid.md).")] = None,
    write_mapping: Annotated[
        Path | None, Parameter(help="Write a mapping file with all that the site has, and do nothing else.")
    ] = None,
    extent: Extent | None = None,
    as_: Annotated[
        str | None, Parameter(name="--as", help="E-mail address of the administrator in whose name it is done.")
    ] = None,
    report: Annotated[Path | None, Parameter(help="Write the report to this file, as JSON.")] = None,
) -> None:
    """Bring productions over from a ShotGrid site, with people, versions and their movies, notes and attachments.

    Run it as often as you like: it asks for what changed since the last run, and goes on where it was stopped.
    """
    from pegbar.exchange.shotgrid.site import mapping as mappings
    from pegbar.exchange.shotgrid.site.report import SiteReport

    if write_mapping is not None:
        write_mapping.write_text(asyncio.run(_mapping_file(login, write_mapping.name)), encoding="utf-8")
        out.print(f"{write_mapping} says what becomes what. Change it, then give it as --mapping.", markup=False)
        return
    document = None if mapping is None else mappings.read(mapping)
    wanted = extent or Extent()
    done = SiteReport(dry_run=wanted.dry_run)
    secret = login.secret()

    async def bring(db: Any) -> None:
        await _bring(db, (login, secret), project or [], document, await _administrator(db, as_), wanted, done)

    try:
        with_database(place, bring, size=6)
    except KeyboardInterrupt:
        err.print("Stopped. Run the same command again: it goes on from here.")
        raise
    finally:
        if report is not None:
            report.write_bytes(msgspec.json.format(msgspec.json.encode(done.document())) + b"\n")
    _show(done)


async def _mapping_file(login: Login, name: str) -> str:
    """The text of a mapping file with all that the site has."""
    from pegbar.exchange.shotgrid.site.client import Site
    from pegbar.exchange.shotgrid.site.mapping import written
    from pegbar.exchange.shotgrid.site.survey import survey

    async with Site.open(login.url, login.script, login.secret()) as site:
        return written((await survey(site)).contents, name)


async def _bring(
    db: Any,
    login: tuple[Login, str],
    names: Sequence[str],
    document: "Document | None",
    caller_id: UUID,
    extent: Extent,
    done: "SiteReport",
) -> None:
    """Sign in, look at the site, and bring productions over."""
    from pegbar.exchange.shotgrid.site.client import Site
    from pegbar.exchange.shotgrid.site.importing import Import, Production
    from pegbar.exchange.shotgrid.site.mapping import mapped
    from pegbar.exchange.shotgrid.site.survey import productions, survey

    async with Site.open(login[0].url, login[0].script, login[1]) as site:
        done.url = site.url
        rows = await productions(site, names)
        seen = await survey(site)
        with _bars() as bars:
            await Import(
                db=db,
                site=site,
                caller_id=caller_id,
                survey=seen,
                mapping=mapped(seen.contents, document),
                productions=[Production(row) for row in rows],
                report=done,
                progress=bars,
                full=extent.full,
                files=not extent.no_files,
                remove_gone=extent.remove_gone,
                dry_run=extent.dry_run,
            ).run()


async def _administrator(db: Any, email: str | None) -> UUID:
    from pegbar.exchange.shotgrid.site import queries

    person_id: UUID | None = await db.value(queries.administrator, email=email)
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
