"""Whether every row of a database that another server filled can be read: tried, not guessed; nothing is changed.

All of it sees one snapshot, in one transaction that can only read. The schema `pegbar` need not be there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from pegbar.core.data import migrations
from pegbar.core.data.migrations import schemas
from pegbar.core.data.schema import Text, choices_of

#: Rows that are shown of those that cannot be read.
_SHOWN = 3


@dataclass
class Verified:
    """What was seen of a table."""

    table: str
    rows: int = 0
    read: int | None = None  #: rows whose JSON was made; None for a table that no list shows
    faults: list[str] = field(default_factory=list)  #: what this server cannot read, or would serve wrong
    notes: list[str] = field(default_factory=list)  #: what does no harm


@dataclass
class Verification:
    """What was seen of a database."""

    needed: list[str]  #: what its tables lack
    differences: list[str]  #: what is merely different
    tables: list[Verified] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """Everything that is wrong with its rows."""
        return [f"{table.table}: {fault}" for table in self.tables for fault in table.faults]

    @property
    def notes(self) -> list[str]:
        """Everything that is odd about its rows."""
        return [f"{table.table}: {note}" for table in self.tables for note in table.notes]


def verify(
    url: str, lists: Mapping[str, Select[Any]], seen: Callable[[str], None] = lambda table: None
) -> Verification:
    """Read every row of a database; `lists` select the JSON of a table's rows as the column `row`, by its name.

    `seen` is told of each table that is read next. Tables that lack something are not read. Raises Unreachable.
    """
    with migrations.connect(url) as connection:
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        theirs = schemas.existing(connection)
        comparison = schemas.compare(schemas.declared(), theirs)
        result = Verification(comparison.needed, comparison.differences)
        encoding = connection.execute(text("SELECT current_setting('server_encoding')")).scalar()
        if encoding != "UTF8":
            result.needed.append(f"the database holds text as {encoding}, not as UTF8")
        if not result.needed:
            tables = schemas.declared_metadata().tables
            for name in sorted(name for name, table in tables.items() if table.schema is None):
                seen(name)
                result.tables.append(_verified(connection, tables[name], theirs[name], lists.get(name)))
        connection.rollback()
    return result


def _verified(connection: Connection, table: Table, there: schemas.TableShape, rows: Select[Any] | None) -> Verified:
    verified = Verified(table.name)
    verified.rows = connection.execute(select(func.count()).select_from(table)).scalar_one()
    if not verified.rows:
        verified.read = None if rows is None else 0
        return verified
    for column in table.columns:
        verified.faults += _illegal(connection, column)
        if not column.nullable and there.columns[column.name].nullable:
            verified.faults += _counted(connection, table, column.is_(None), "{} rows have no " + column.name)
        for target, is_held in _targets(column):
            told = verified.faults if is_held else verified.notes
            nowhere = column.is_not(None) & ~_exists(column, target)
            told += _counted(
                connection, table, nowhere, f"{{}} rows name a {target.name} that is not there in {column.name}"
            )
    if rows is not None:
        verified.read, faults = _read(connection, table, rows)
        verified.faults += faults
    return verified


# Values


def _illegal(connection: Connection, column: Column[Any]) -> Iterator[str]:
    """The values of a choice column that are none of its choices."""
    choices = choices_of(column)
    if choices is None:
        return
    value: ColumnElement[Any] = column
    rows: FromClause = column.table
    if isinstance(column.type, ARRAY):
        items = func.unnest(column).table_valued("item").render_derived("items")
        value, rows = items.c.item, column.table.join(items, literal_column("true"))
    shown = cast(value, Text)
    found = select(shown, func.count()).select_from(rows).where(shown.not_in(choices)).group_by(shown).order_by(shown)
    for illegal, count in connection.execute(found.limit(_SHOWN)):
        yield f"{count} rows have the {column.name} {illegal!r}, which is none of {', '.join(choices)}"


def _targets(column: Column[Any]) -> Iterator[tuple[Table, bool]]:
    """The tables that a column refers to, and whether a foreign key is to hold that."""
    for foreign in column.foreign_keys:
        yield foreign.column.table, True
    if "names" in column.info and isinstance(column.type, Uuid):
        yield column.table.metadata.tables[column.info["names"]], False


def _exists(column: Column[Any], target: Table) -> ColumnElement[bool]:
    named = target.alias("named")
    return select(literal_column("1")).where(named.c.id == column).correlate(column.table).exists()


def _counted(connection: Connection, table: Table, condition: ColumnElement[bool], words: str) -> list[str]:
    count = connection.execute(select(func.count()).select_from(table).where(condition)).scalar_one()
    return [words.format(count)] if count else []


# Reading


def _read(connection: Connection, table: Table, rows: Select[Any]) -> tuple[int, list[str]]:
    """How many rows can be made JSON, and which cannot, with the reason."""
    failure, read = _tried(connection, rows)
    if failure is None:
        return read, []
    ids = list(connection.execute(select(table.c.id).order_by(table.c.id)).scalars())
    few = rows.where(table.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    faults: list[str] = []
    left = [ids]
    while left and len(faults) < _SHOWN:
        part = left.pop()
        failure, _ = _tried(connection, few, ids=part)
        if failure is None:
            continue
        if len(part) == 1:
            faults.append(f"the row {part[0]} cannot be read: {failure}")
        else:
            half = len(part) // 2
            left += [part[half:], part[:half]]
    return 0, faults or [f"its rows cannot be read: {failure}"]


def _tried(connection: Connection, rows: Select[Any], **parameters: Any) -> tuple[str | None, int]:
    """Why rows cannot be made JSON (None when they can), and how many can."""
    listed = rows.subquery()
    objects = select(func.count(func.json_typeof(cast(cast(listed.c.row, Text), JSON)))).select_from(listed)
    savepoint = connection.begin_nested()
    try:
        count: int = connection.execute(objects, parameters).scalar_one()
    except DBAPIError as error:
        savepoint.rollback()
        return " ".join(str(error.orig).split()), 0
    savepoint.commit()
    return None, count
