"""The rows of a backup: one snapshot of them, written and read by the programs of PostgreSQL. Blocking."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psycopg
from sqlalchemy.engine import make_url

from pegbar.core.data.embedded import CannotStart, binary
from pegbar.core.errors import CannotRun
from pegbar.core.storage.register import NO_PURGE

_CHUNK = 1024**2
_REVISION = "SELECT version_num FROM pegbar.alembic_version"
_BEGIN = """
    SELECT pg_export_snapshot(), current_setting('server_version'), to_regclass('pegbar.alembic_version')::text
"""
_REGISTERED = """
    SELECT bucket, key FROM stored_file WHERE deleted_at IS NULL AND purged_at IS NULL
"""
#: What was marked meanwhile is purged now. Nobody waits for it.
_PURGE_AGAIN = """
    SELECT pegbar.procrastinate_defer_jobs_v1(ARRAY[
             ROW('default', 'storage.purge', -1, NULL, NULL, '{}'::jsonb, NULL)::pegbar.procrastinate_job_to_defer_v1])
     WHERE EXISTS (SELECT FROM stored_file WHERE deleted_at IS NOT NULL AND purged_at IS NULL)
"""


@dataclass(frozen=True)
class Snapshot:
    """A moment of the database that programs can share as long as its connection lives."""

    url: str
    id: str
    postgresql: str
    revision: str | None
    _connection: "psycopg.Connection[tuple[object, ...]]"

    def registered(self) -> set[tuple[str, str]]:
        """The bucket and key of each file that is registered as stored."""
        return {(str(bucket), str(key)) for bucket, key in self._connection.execute(_REGISTERED).fetchall()}

    def release(self) -> None:
        """Let go of it: as long as it is held, the database keeps what was deleted since."""
        self._connection.close()

    def dump(self) -> Iterator[bytes]:
        """All rows, as pg_dump writes them. Raises CannotRun when it fails, so that nothing of it is kept."""
        program = _program("pg_dump", int(self.postgresql.partition(".")[0]))
        yield from output([program, "--format=custom", "--compress=gzip:1", f"--snapshot={self.id}"], self.url)


@contextmanager
def snapshot_of(url: str) -> Iterator[Snapshot]:
    """A snapshot of a database whose files are not purged meanwhile. Raises CannotRun."""
    with _connect(url) as holder, _connect(url) as reader:
        holder.autocommit = True
        holder.execute("SET lock_timeout = '60s'")
        try:
            holder.execute(f"SELECT pg_advisory_lock({NO_PURGE})")
        except psycopg.errors.LockNotAvailable:
            raise CannotRun("Another backup of this database is under way.") from None
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.read_only = True
        reader.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        row = reader.execute(_BEGIN).fetchone()
        assert row is not None
        revision = reader.execute(_REVISION).fetchone() if row[2] else None
        try:
            yield Snapshot(url, str(row[0]), str(row[1]), None if revision is None else str(revision[0]), reader)
        finally:
            if not holder.broken:
                holder.execute(f"SELECT pg_advisory_unlock({NO_PURGE})")
                if revision:
                    holder.execute(_PURGE_AGAIN)


def _connect(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    try:
        return psycopg.connect(url, connect_timeout=10, application_name="pegbar backup")
    except psycopg.OperationalError as error:
        raise CannotRun(f"Cannot connect to the database: {' '.join(str(error).split())}") from None


def readable(dump: Iterable[bytes]) -> None:
    """Read a dump to its end as a restore does, writing nothing. Raises CannotRun."""
    _feed([_program("pg_restore", 0), "--file=/dev/null"], None, dump)


def restore(url: str, dump: Iterable[bytes]) -> None:
    """Write the rows of a dump into an empty database: all of them, or none. Raises CannotRun."""
    program = _program("pg_restore", 0)
    options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error"]
    _feed([program, *options], url, dump)


def _program(name: str, version: int) -> str:
    """A program of PostgreSQL that knows servers of a version: ours, else the system's. Raises CannotRun."""
    known = []
    with suppress(CannotStart):
        known.append(str(binary(name)))
    if (systems := shutil.which(name)) is not None:
        known.append(systems)
    newest = 0
    for program in known:
        if not Path(program).exists():
            continue
        told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        major = int(told.split()[2].partition(".")[0])
        if major >= version:
            return program
        newest = max(newest, major)
    if newest:
        raise CannotRun(
            f"The database is PostgreSQL {version}, newer than the {name} here ({newest}). Install its client programs "
            f"(postgresql-client-{version}) so that {name} is in the PATH."
        )
    raise CannotRun(f"There is no {name} here. Install the client programs of PostgreSQL.")


def reach(url: str | None) -> tuple[list[str], dict[str, str]]:
    """How a program of PostgreSQL reaches a database: its password is not among the arguments, which all may read."""
    if url is None:
        return [], dict(os.environ)
    known = make_url(url)
    password = {} if known.password is None else {"PGPASSWORD": str(known.password)}
    shown = known._replace(password=None).render_as_string(hide_password=False)
    return [f"--dbname={shown}"], {**os.environ, **password}


def output(command: list[str], url: str, messages: IO[bytes] | None = None) -> Iterator[bytes]:
    """What a program of PostgreSQL writes of a database; what it says besides goes to `messages`. Raises CannotRun."""
    arguments, environment = reach(url)
    with tempfile.TemporaryFile() if messages is None else nullcontext(messages) as errors:
        with subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, stderr=errors, env={**environment, "LC_ALL": "C"}
        ) as process:
            assert process.stdout is not None
            try:
                while chunk := process.stdout.read(_CHUNK):
                    yield chunk
            except BaseException:
                process.kill()
                raise
        _check(command, process.returncode, errors)


def _feed(command: list[str], url: str | None, chunks: Iterable[bytes]) -> None:
    arguments, environment = reach(url)
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors, env=environment
        )
        assert process.stdin is not None
        try:
            for chunk in chunks:
                process.stdin.write(chunk)
            process.stdin.close()
        except BrokenPipeError:
            pass  # it says itself why it reads no more
        except BaseException:
            process.kill()  # before it sees an end: what it has is not whole
            process.wait()
            raise
        _check(command, process.wait(), errors)


def _check(command: list[str], code: int, errors: IO[bytes]) -> None:
    if code:
        errors.seek(0)
        reason = errors.read().decode(errors="replace").strip() or f"exit code {code}"
        raise CannotRun(f"{Path(command[0]).name} failed: {reason}")
