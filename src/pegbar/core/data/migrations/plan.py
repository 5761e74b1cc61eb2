"""What an upgrade would do: its statements, what each locks and how long that takes, by the rows that there are.

The migrations are run against a connection that reads for real and only takes note of what would be changed.
"""

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from pegbar.core.data import migrations


@dataclass(frozen=True)
class Step:
    """A statement, what it locks of whom, who waits meanwhile, and about how many seconds."""

    statement: str
    table: str
    waits: str  #: who waits for it: `nobody`, `writers` or `everybody`
    seconds: float
    online: bool = False  #: made beside others, outside the migration's transaction


@dataclass
class Planned:
    """A migration that waits."""

    revision: str
    about: str
    steps: list[Step] = field(default_factory=list)
    #: Why the rest could not be foreseen: it reads what an earlier one makes.
    unforeseen: str = ""

    @property
    def seconds(self) -> float:
        """How long it takes in all."""
        return sum(step.seconds for step in self.steps)

    @property
    def held(self) -> float:
        """How long its locks are held at the most: to the end of its one transaction."""
        return sum(step.seconds for step in self.steps if not step.online)

    def waiting(self) -> dict[str, list[str]]:
        """The tables whose locks are waited for, by who waits: everybody, or those who write."""
        by_table: dict[str, str] = {}
        for step in self.steps:
            if step.waits != "nobody" and by_table.get(step.table) != "everybody":
                by_table[step.table] = step.waits
        return {
            who: sorted(table for table, waits in by_table.items() if waits == who)
            for who in ("everybody", "writers")
            if who in by_table.values()
        }


#: Rows a second: read and sorted for an index, written anew, changed. Cautious: of a small machine with cold caches.
_INDEXED, _REWRITTEN, _CHANGED = 200_000, 100_000, 20_000

_NAME = r'(?:ONLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"?((?:\w+"?\."?)?\w+)"?'
#: Statements that touch a table of others: pattern, who waits, rows a second (None: a moment).
_RULES: tuple[tuple[re.Pattern[str], str, int | None], ...] = tuple(
    (re.compile(pattern.replace("NAME", _NAME), re.IGNORECASE | re.DOTALL), waits, speed)
    for pattern, waits, speed in (
        (r"CREATE\s+(?:UNIQUE\s+)?INDEX\s+CONCURRENTLY\b.*?\sON\s+NAME", "nobody", _INDEXED),
        (r"CREATE\s+(?:UNIQUE\s+)?INDEX\b.*?\sON\s+NAME", "writers", _INDEXED),
        (r"DROP\s+INDEX\s+CONCURRENTLY\s+NAME", "nobody", None),
        (r"DROP\s+(?:INDEX|TABLE)\s+NAME", "everybody", None),
        (r"ALTER\s+TABLE\s+NAME\b.*\bTYPE\b", "everybody", _REWRITTEN),
        (r"ALTER\s+TABLE\s+NAME\b.*\bNOT\s+VALID\b", "everybody", None),
        (r"ALTER\s+TABLE\s+NAME\b.*\b(?:ADD\s+CONSTRAINT|ADD\s+PRIMARY|SET\s+NOT\s+NULL)\b", "everybody", _INDEXED),
        (r"ALTER\s+TABLE\s+NAME", "everybody", None),
        (r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:CONSTRAINT\s+)?TRIGGER\b.*?\sON\s+NAME", "writers", None),
        (r"DROP\s+TRIGGER\b.*?\sON\s+NAME", "everybody", None),
        (r"UPDATE\s+NAME", "nobody", _CHANGED),
        (r"DELETE\s+FROM\s+NAME", "nobody", _CHANGED),
        (r"INSERT\s+INTO\b.*?\bSELECT\b.*?\sFROM\s+NAME", "nobody", _CHANGED),
        (r"SELECT\b.*?\sFROM\s+NAME", "nobody", _CHANGED),  # of a script: it calls what writes
        (r"TRUNCATE\s+(?:TABLE\s+)?NAME", "everybody", None),
    )
)
_MADE = re.compile(r"CREATE\s+TABLE\s+" + _NAME, re.IGNORECASE)
_READS = re.compile(r"\s*(SELECT|SHOW)\b", re.IGNORECASE)
#: A comment, a quoted text or name, a body between dollars, or a semicolon.
_TOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"|(\$\w*\$).*?\1|(;)", re.DOTALL)


def statements_of(script: str) -> Iterator[str]:
    """The statements of a script, without comments."""
    current, place = "", 0
    for token in _TOKEN.finditer(script):
        current += script[place : token.start()]
        place = token.end()
        if token[2]:
            if current.strip():
                yield current.strip()
            current = ""
        elif not token[0].startswith(("--", "/*")):
            current += token[0]
    current += script[place:]
    if current.strip():
        yield current.strip()


class _Recording:
    """A connection that reads, and takes note of everything else."""

    def __init__(self, real: Connection) -> None:
        self._real = real
        self.changes: list[str] = []
        self.connection = SimpleNamespace(driver_connection=SimpleNamespace(execute=self._script))

    def _script(self, script: str) -> None:
        self.changes += statements_of(script)

    def execute(self, statement: Any, parameters: Any = None) -> Any:
        if _READS.match(str(statement)):
            return self._real.execute(statement, parameters)
        self._script(str(statement))
        return SimpleNamespace(rowcount=0, scalar=lambda: None)


@contextmanager
def _in_place_of_alembic(recording: _Recording) -> Iterator[None]:
    """Have the `op` of migrations work with the recording."""
    from alembic.operations import Operations

    @contextmanager
    def autocommit_block() -> Iterator[None]:
        yield

    context: Any = SimpleNamespace(
        impl=SimpleNamespace(bind=recording), bind=recording, opts={}, autocommit_block=autocommit_block
    )
    with Operations.context(context):
        yield


def plan(connection: Connection) -> list[Planned]:
    """The migrations that wait for a database of ours, in order. Nothing is changed. Raises OldSchema."""
    connection.rollback()
    connection.execute(text("SET TRANSACTION READ ONLY"))
    current = migrations.revision(connection)
    migrations.check_known(connection, current)
    rows = {name: max(count, 0) for name, count in connection.execute(text(_ROWS))}
    if migrations.is_newer(current):
        return []
    known, made = migrations.revisions(), set[str]()
    waiting = known[known.index(current) + 1 :] if current is not None else known
    return [_planned(connection, revision, rows, made) for revision in waiting]


_ROWS = """
SELECT CASE n.nspname WHEN 'public' THEN '' ELSE n.nspname || '.' END || c.relname, c.reltuples::bigint
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('public', 'pegbar')
"""


def _planned(connection: Connection, revision: str, rows: dict[str, int], made: set[str]) -> Planned:
    module = _module(revision)
    planned = Planned(revision, (module.__doc__ or "").strip().partition("\n")[0])
    recording = _Recording(connection)
    try:
        with _in_place_of_alembic(recording):
            module.upgrade()
    except DBAPIError as error:
        connection.rollback()
        connection.execute(text("SET TRANSACTION READ ONLY"))
        planned.unforeseen = " ".join(str(error.orig).split())[:200]
    for statement in recording.changes:
        if table := _MADE.match(statement):
            made.add(_plain(table[1]))
        planned.steps.append(_step(statement, rows, made))
    return planned


def _module(revision: str) -> Any:
    import pkgutil

    from pegbar.core.data.migrations import versions

    (name,) = [
        found.name for found in pkgutil.iter_modules(versions.__path__) if found.name.startswith(f"m{revision}_")
    ]
    return importlib.import_module(f"{versions.__name__}.{name}")


def _plain(name: str) -> str:
    return name.replace('"', "").removeprefix("public.").lower()


def _step(statement: str, rows: dict[str, int], made: set[str]) -> Step:
    shown = " ".join(statement.split())
    for pattern, waits, speed in _RULES:
        if match := pattern.match(statement):
            table = _plain(match[1])
            if table in made:  # nobody knows it yet
                return Step(shown, table, "nobody", 0.0)
            seconds = rows.get(table, 0) / speed if speed else 0.0
            return Step(shown, table, waits, seconds, online="CONCURRENTLY" in shown.upper())
    return Step(shown, "", "nobody", 0.0)
