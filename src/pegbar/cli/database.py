"""`pegbar db`: making, upgrading, adopting, looking at, dumping and restoring the database."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable

from pegbar.cli import UserError, app, err, out
from pegbar.cli.place import Place, database_of, give_key
from pegbar.config import settings
from pegbar.core.data import migrations
from pegbar.core.data.embedded import binary
from pegbar.core.data.major import Way

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pegbar.core.data.embedded import EmbeddedPostgres
    from pegbar.core.data.major import Plan
    from pegbar.core.data.migrations.handing_back import Parting
    from pegbar.core.data.migrations.verification import Verified

db = App(name="db", help="Make, upgrade, adopt or look at the database.")
app.command(db)


@db.command
def init(place: Place | None = None) -> None:
    """Make the tables and the default data set in a new database (`pegbar serve` does it by itself for its own)."""
    with database_of(place, current=False) as url:
        with migrations.connect(url) as connection:
            if migrations.state(connection) == "kitsu":
                raise UserError(migrations.NOT_OURS["kitsu"])
        before, after = migrations.upgrade(url)
        asyncio.run(_load_defaults(url))
        if before is None:
            out.print(f"The database is ready, at schema revision {after}, with the default data set.")
            out.print("Next: pegbar user create EMAIL --role admin, or pegbar serve, which makes an administrator.")
        elif before == after:
            out.print(f"The database was there already, at schema revision {after}. Nothing to do.")
        else:
            out.print(f"The database was there already, and is now at schema revision {after} (it was {before}).")


async def _load_defaults(url: str) -> None:
    from pegbar.core.data.database import Database
    from pegbar.studio.defaults import load_defaults

    database = Database(url, size=1)
    await database.open()
    try:
        async with database.transaction() as tx:
            await load_defaults(tx)
    finally:
        await database.close()


@db.command
def upgrade(
    place: Place | None = None,
    *,
    plan: Annotated[
        bool, Parameter(negative=(), help="Only tell what would be done, who would wait for it and how long.")
    ] = False,
    statements: Annotated[bool, Parameter(negative=(), help="With --plan: every statement.")] = False,
) -> None:
    """Bring the database to the schema that this version of Pegbar needs."""
    with database_of(place, current=False) as url:
        with migrations.connect(url) as connection:
            what = migrations.state(connection)
            if what != "ours":
                raise UserError(migrations.NOT_OURS[what])
            if plan:
                _tell_plan(connection, statements=statements)
                return
        before, after = migrations.upgrade(url)
        out.print(
            f"The schema is at revision {after} already. Nothing to do."
            if before == after
            else f"The schema went from revision {before} to {after}."
        )


@db.command
def upgrade_postgres(
    place: Place | None = None,
    *,
    from_binaries: Annotated[
        Path | None, Parameter(help="Folder of the programs of the PostgreSQL that made the database.")
    ] = None,
    by: Annotated[Way | None, Parameter(help="How: pg_upgrade where it can, dump takes longer.")] = None,
    plan: Annotated[bool, Parameter(negative=(), help="Only tell what would be done, and how long it takes.")] = False,
    remove_old: Annotated[bool, Parameter(negative=(), help="Remove old databases that upgrades have kept.")] = False,
) -> None:
    """Bring the embedded database to the major version of PostgreSQL that this Pegbar brings; the server is stopped."""
    from pegbar.core.data import major
    from pegbar.core.data.embedded import EmbeddedPostgres

    (place or Place()).settle()
    if settings().external_database:
        raise UserError("This is for the embedded database: an external PostgreSQL is upgraded by its own tools.")
    embedded = EmbeddedPostgres(settings().data_folder, settings().postgres_options)
    embedded.claim()
    try:
        if major.finish(embedded):
            out.print(f"The upgrade that was interrupted is finished: PostgreSQL {embedded.version()}.")
        if remove_old:
            _remove_old(embedded)
            return
        if embedded.exists() and embedded.version() == embedded.major():
            out.print(f"The database is PostgreSQL {embedded.version()}'s already. Nothing to do.")
            return
        planned = major.plan(embedded, from_binaries, by)
        _tell_upgrade(planned)
        if plan:
            major.check_room(planned)
            out.print("Nothing was changed.")
            return
        with err.status("Looking…") as progress:
            old = major.upgrade(embedded, planned, settings().postgres_options, progress.update)
    finally:
        embedded.stop()
    out.print(f"The database is PostgreSQL {planned.new}'s now. Next: pegbar serve")
    out.print(f"The old one is kept in {old}. Once all is well: pegbar db upgrade-postgres --remove-old", markup=False)


def _tell_upgrade(planned: "Plan") -> None:
    way = "pg_upgrade copies its files" if planned.way == "pg_upgrade" else "it is dumped and restored"
    out.print(
        f"PostgreSQL {planned.old} to {planned.new}: {way}, with the programs in {planned.binaries}. "
        f"{planned.size / 2**20:,.0f} MB, {_duration(planned.seconds)}; {planned.free / 2**20:,.0f} MB are free.",
        markup=False,
    )
    _list("Settings of its postgresql.auto.conf, which are not taken over:", list(planned.own_settings))


def _remove_old(embedded: "EmbeddedPostgres") -> None:
    from pegbar.core.data import major

    old = major.kept(embedded) if embedded.exists() else []
    for folder in old:
        shutil.rmtree(folder)
        out.print(f"Removed {folder}.", markup=False)
    if not old:
        out.print("There is no old database.")


def _tell_plan(connection: "Connection", *, statements: bool) -> None:
    """Print what an upgrade would do."""
    from pegbar.core.data.migrations.plan import plan

    waiting = plan(connection)
    if not waiting:
        out.print(f"The schema is at revision {migrations.head()} already. Nothing would be done.")
        return
    for planned in waiting:
        out.print(f"{planned.revision}  {planned.about}", markup=False, style="bold")
        out.print(f"      {_duration(planned.seconds)}, {len(planned.steps)} statements", style="dim", markup=False)
        for who, tables in planned.waiting().items():
            whom = "Who reads or writes waits" if who == "everybody" else "Who writes waits"
            out.print(f"      {whom} {_duration(planned.held)} at the most: {', '.join(tables)}", markup=False)
        for step in planned.steps:
            if statements or (step.online and step.seconds >= 1):
                beside = ", beside others" if step.online else ""
                out.print(
                    f"        {_duration(step.seconds)}{beside}: {step.statement[:200]}", style="dim", markup=False
                )
        if planned.unforeseen:
            out.print(
                f"      The rest is not foreseen: it reads what comes before ({planned.unforeseen})", markup=False
            )
    total = sum(planned.seconds for planned in waiting)
    out.print(f"{len(waiting)} migrations, {_duration(total)} in all. Nothing was changed.")


def _duration(seconds: float) -> str:
    if seconds < 1:
        return "a moment"
    return f"about {seconds:.0f} s" if seconds < 120 else f"about {seconds / 60:.0f} minutes"


@db.command
def adopt(
    place: Place | None = None,
    *,
    verify: Annotated[
        bool, Parameter(negative=(), help="Only look: read every row and report what cannot be read. Changes nothing.")
    ] = False,
) -> None:
    """Take over a database made by a Kitsu server (Zou): compare it, report, add what Pegbar needs; no row changes."""
    from pegbar.core.data.migrations import adoption

    with database_of(place, current=False) as url:
        if verify:
            _verify(url)
            return
        try:
            done = adoption.adopt(url)
        except adoption.CannotAdopt as refused:
            _list("Missing, and needed:", refused.needed)
            _list("Different, which would do no harm:", refused.differences)
            raise UserError(str(refused)) from None
        _list("Different from a fresh database, which does no harm:", done.differences)
        _list("Indexes added:", done.indexes)
        if done.already:
            out.print("The database was adopted already. No row was touched.")
        else:
            out.print("The database is adopted: the schema `pegbar` holds what Pegbar adds. No row was touched.")
            out.print("To hand it back: pegbar db hand-back")


def _verify(url: str) -> None:
    """Report whether every row of a database can be read. Raises UserError when one cannot."""
    from pegbar.accounts.administration import OPERATOR
    from pegbar.app import load_domains
    from pegbar.core.data.migrations import verification
    from pegbar.core.data.resource import Resource, every_row

    resources = {operation.returns for operation in load_domains() if isinstance(operation.returns, Resource)}
    lists = {resource.table.name: every_row(resource, OPERATOR) for resource in resources}
    with migrations.connect(url) as connection:
        if migrations.state(connection) == "empty":
            raise UserError("This database holds no Kitsu tables.")
    with err.status("Reading…") as progress:
        verified = verification.verify(url, lists, lambda name: progress.update(f"Reading {name}…"))
    _list("Missing, and needed:", verified.needed)
    _list("Different from a fresh database, which does no harm:", verified.differences)
    if verified.tables:
        out.print(_rows_table(verified.tables))
    _list("Odd, which does no harm:", verified.notes)
    _list("Wrong:", verified.faults)
    wrong = len(verified.needed) + len(verified.faults)
    if wrong:
        raise UserError(f"{wrong} {'thing is' if wrong == 1 else 'things are'} wrong with it. Nothing was changed.")
    rows = sum(table.rows for table in verified.tables)
    out.print(f"All is well: {rows:,} rows in {len(verified.tables)} tables. Nothing was changed.")


def _rows_table(tables: Sequence["Verified"]) -> RichTable:
    """How many rows each table has, of those that have any, and how many of them a list shows."""
    shown = RichTable("Table", box=SIMPLE_HEAD)
    for title in ("Rows", "Read", "Wrong"):
        shown.add_column(title, justify="right")
    for table in tables:
        if table.rows:
            read = "" if table.read is None else f"{table.read:,}"
            shown.add_row(table.table, f"{table.rows:,}", read, str(len(table.faults) or ""))
    return shown


@db.command
def hand_back(
    place: Place | None = None,
    *,
    yes: Annotated[bool, Parameter(negative=(), help="Do not ask.")] = False,
    dry_run: Annotated[bool, Parameter(negative=(), help="Only tell what would be done.")] = False,
    lose_links: Annotated[
        bool, Parameter(negative=(), help="Revoke share links that were made with a SECRET_KEY which is lost.")
    ] = False,
) -> None:
    """Give an adopted database back to the server that made it: what Pegbar added goes, all else stays as it is."""
    from pegbar.app import load_domains
    from pegbar.core.data.migrations import handing_back

    with database_of(place, current=False) as url:
        if (settings().data_folder / "secret.key").exists():
            give_key()
        load_domains()
        try:
            _tell_parting(handing_back.look(url, lose=lose_links))
            if dry_run:
                out.print("Nothing was changed: this was a dry run.")
                return
            if not yes and not _agreed("Hand the database back?"):
                raise UserError("Nothing was changed.")
            parting = handing_back.hand_back(url, lose=lose_links)
        except handing_back.CannotHandBack as refused:
            _list("Missing, and needed:", refused.needed)
            raise UserError(str(refused)) from None
    rest = "No other row was touched." if parting.rewritten else "No row was touched."
    out.print(f"The database is the other server's again. {rest}")
    out.print("To come back: pegbar db adopt")


def _tell_parting(parting: "Parting") -> None:
    out.print(
        f"The schema `pegbar` goes: {parting.tables} tables (sessions, live events, jobs), {parting.triggers} triggers."
    )
    _list("Indexes that go:", parting.indexes)
    _list("Constraints that go:", [f"{name} of {table}" for table, name in parting.constraints])
    _list("Jobs that nobody will do:", parting.waiting_jobs)
    _list("Written as the other server reads it:", parting.rewritten)
    _list("Different from a fresh database; it stays so:", parting.differences)


def _agreed(question: str) -> bool:
    """Whether whoever runs the command says yes."""
    out.print(f"{question} \\[y/N] ", end="")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _list(title: str, lines: list[str]) -> None:
    if lines:
        out.print(title)
        for line in lines:
            out.print(f"  - {line}", markup=False)


@db.command
def tallies(
    place: Place | None = None,
    *,
    recount: Annotated[
        bool, Parameter(negative=(), help="Count everything again; who writes waits until it is done.")
    ] = False,
) -> None:
    """Tell whether the counts and sums that are kept are what the rows say."""
    from pegbar.app import load_domains
    from pegbar.core.data import tallies as kept

    load_domains()
    with database_of(place) as url:
        if recount:
            with migrations.connect(url) as connection, connection.begin():
                connection.execute(kept.RECOUNT)
        with migrations.connect(url) as connection:
            connection.execution_options(isolation_level="REPEATABLE READ")
            wrong = kept.differences(connection)
            connection.rollback()
    _list("Not as the rows say:", [f"{name}: {count:,} rows" for name, count in wrong.items()])
    if wrong:
        raise UserError("Mend it with: pegbar db tallies --recount")
    out.print("All counts and sums are as the rows say.")


@db.command
def status(place: Place | None = None) -> None:
    """Tell where the database is, its version, size and schema."""
    from sqlalchemy import text
    from sqlalchemy.engine import make_url

    with database_of(place, current=False) as url, migrations.connect(url) as connection:
        version, size = connection.execute(
            text("SELECT current_setting('server_version'), pg_size_pretty(pg_database_size(current_database()))")
        ).one()
        what, revision = migrations.state(connection), migrations.revision(connection)
        standing = _standing(revision, runs_on_newer=migrations.runs_on_newer(connection))
    kind = "external" if not url.startswith("postgresql://postgres@/") else f"embedded, in {settings().data_folder}"
    notes = {"ours": standing, **migrations.NOT_OURS}
    for name, shown in (
        ("Database", f"{make_url(url).render_as_string(hide_password=True)} ({kind})"),
        ("PostgreSQL", f"{version}, {size}"),
        ("Schema", f"{f'revision {revision}, ' if revision else ''}{notes[what]}"),
    ):
        out.print(f"{name:<11}{shown}", markup=False)


def _standing(revision: str | None, *, runs_on_newer: bool) -> str:
    """How a schema of ours stands to the one that this Pegbar needs."""
    if revision == migrations.head():
        return "up to date"
    if runs_on_newer and migrations.is_newer(revision):
        return f"a newer Pegbar's, on which this one runs too (its own is {migrations.head()})"
    if revision not in migrations.revisions():
        return f"made by a newer Pegbar, which must be installed again (this one needs {migrations.head()})"
    return f"to be upgraded to {migrations.head()}: pegbar db upgrade"


@db.command
def url(place: Place | None = None) -> None:
    """Print the URL of the database, for psql, pg_dump and other tools; the embedded one must be running."""
    from pegbar.core.data.embedded import EmbeddedPostgres

    (place or Place()).settle()
    if settings().external_database:
        out.print(settings().external_database, markup=False)
        return
    embedded = EmbeddedPostgres(settings().data_folder, settings().postgres_options)
    if not embedded.serves():
        raise UserError(f"No server runs on the folder {settings().data_folder.resolve()}. Start it: pegbar serve")
    out.print(embedded.url(), markup=False)


def _run_binary(program: str, url: str, *arguments: str) -> None:
    from pegbar.core.backup.rows import reach

    address, environment = reach(url)
    command = [str(binary(program)), *address, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise UserError(f"{program} failed: {done.stderr.strip()}")


@db.command
def dump(file: Path, /, place: Place | None = None) -> None:
    """Write the whole database into a file, as it is at this moment; the server may go on running."""
    with database_of(place, current=False) as url:
        part = file.with_name(f"{file.name}.part")
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))  # it holds everybody's data
        try:
            _run_binary("pg_dump", url, "--format=custom", f"--file={part}")
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    out.print(f"The database is in {file} ({file.stat().st_size:,} bytes).", markup=False)
    out.print("The stored files (previews) and secret.key of the data folder are not: copy them too.")


@db.command
def restore(file: Path, /, place: Place | None = None) -> None:
    """Fill a new, empty database with what `pegbar db dump` wrote: all of it, or nothing."""
    if not file.is_file():
        raise UserError(f"There is no file {file}.")
    with database_of(place, current=False) as url:
        with migrations.connect(url) as connection:
            if migrations.state(connection) != "empty":
                raise UserError(
                    "This database holds something already. Restore into a new folder (--data) or database."
                )
        _run_binary("pg_restore", url, "--no-owner", "--single-transaction", "--exit-on-error", str(file))
    out.print("The database is restored. Copy the stored files and secret.key into the data folder, then: pegbar serve")
