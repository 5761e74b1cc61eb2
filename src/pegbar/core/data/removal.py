"""What becomes of the rows that name a row that goes for good: read off the columns (`goes=`, core/data/schema.py).

    reference("person", goes="with")                   the row goes too, and so on: others may name it
    reference("person", "created_by", goes="null")     the row stays and forgets the person
    reference("person", goes="hook")                   the domain of the table does what is to be done:

    @reaction(time_spent.c.person_id)
    async def forget_hours(gone: Gone) -> None: ...

`name_no_more(tx, person, [person_id])` does all of it for some rows of a table, in the order that foreign keys ask for.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from sqlalchemy import ARRAY, Column, Executable, Select, Table, any_, bindparam, delete, select, update

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import Goes, Uuid, metadata


@dataclass(frozen=True)
class Gone:
    """Rows about to be removed, which nothing may name afterwards."""

    tx: Transaction
    ids: Sequence[UUID]


Reaction = Callable[[Gone], Awaitable[None]]

_reactions: dict[Column[UUID], Reaction] = {}


def reaction(*columns: Column[UUID]) -> Callable[[Reaction], Reaction]:
    """Declare what is done about these columns, which say `goes="hook"`, when what they name goes."""

    def add(react: Reaction) -> Reaction:
        for column in columns:
            assert goes_of(column) == "hook", f"{column} does not say that it has a hook"
            assert column not in _reactions, f"{column} has two hooks"
            _reactions[column] = react
        return react

    return add


def goes_of(column: Column[UUID]) -> Goes | None:
    """What a column declares to become of its row."""
    goes: Goes | None = column.info.get("goes")
    return goes


def columns_naming(table: Table) -> Iterator[Column[UUID]]:
    """The columns that hold ids of a table: its foreign keys, and those that say so themselves."""
    for holder in metadata.tables.values():
        for column in holder.columns:
            named = any(foreign.column.table is table for foreign in column.foreign_keys)
            if named or column.info.get("names") == table.name:
                yield column


def undeclared(table: Table, path: tuple[Table, ...] = ()) -> list[str]:
    """What keeps the rows of a table from being removed: columns that say nothing, cannot do it or have no hook."""
    faults = []
    for column in columns_naming(table):
        match goes_of(column):
            case "with" if column.table in (*path, table):
                faults.append(f"{column}: it goes with rows of its own kind")
            case "with" if isinstance(column.table, Table):
                faults += undeclared(column.table, (*path, table))
            case "null" if not column.nullable:
                faults.append(f"{column}: it takes no null")
            case "hook" if column not in _reactions:
                faults.append(f"{column}: it has no hook")
            case None:
                faults.append(f"{column}: nothing says what becomes of it")
    return faults


@dataclass(frozen=True)
class _Step:
    """A statement with the parameter `ids`; or a reaction to the removal of the rows that a statement selects."""

    statement: Executable | None = None
    react: Reaction | None = None
    doomed: Select[tuple[UUID]] | None = None


_IDS = bindparam("ids", type_=ARRAY(Uuid))


@lru_cache
def _steps(table: Table) -> tuple[_Step, ...]:
    faults = undeclared(table)
    assert not faults, faults
    return tuple(_steps_of(table, None))


def _steps_of(table: Table, doomed: Select[tuple[UUID]] | None) -> Iterator[_Step]:
    """What is done before rows of a table go: those of `doomed`, else those of the parameter. Hooks come first."""
    columns = list(columns_naming(table))
    reactions = dict.fromkeys(_reactions[column] for column in columns if goes_of(column) == "hook")
    yield from (_Step(react=react, doomed=doomed) for react in reactions)
    for column in columns:
        holder = column.table
        assert isinstance(holder, Table)
        theirs = column == any_(_IDS) if doomed is None else column.in_(doomed)
        if goes_of(column) == "with":
            if next(columns_naming(holder), None) is not None:
                yield from _steps_of(holder, select(holder.c.id).where(theirs))
            yield _Step(delete(holder).where(theirs))
        elif goes_of(column) == "null":
            yield _Step(update(holder).where(theirs).values({column.name: None}))


async def name_no_more(tx: Transaction, table: Table, ids: Sequence[UUID]) -> None:
    """Remove or change every row that names one of these rows of a table, which then can be deleted.

    The caller holds their locks: who comes later with a foreign key to them waits, and is refused. Columns without a
    foreign key are as they were when their statement ran.
    """
    ids = list(ids)
    for step in _steps(table):
        if step.statement is not None:
            await tx.execute(step.statement, ids=ids)
        elif step.react is not None:
            doomed = ids if step.doomed is None else await tx.column(step.doomed, ids=ids)
            await step.react(Gone(tx, doomed))
