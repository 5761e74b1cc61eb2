"""Rows that go for good, with what names them: read off the columns (`goes=`, core/data/schema.py).

    reference("task", goes="with")                     the row goes too, and what names it in turn
    reference("person", "created_by", goes="null")     the row stays and forgets the person
    reference("project_status", goes="refuse")         what is named cannot go as long as this row is there
    reference("person", goes="hook")                   the domain of the table does what is to be done:

    @reaction(time_spent.c.person_id)
    async def forget_hours(gone: Gone) -> None: ...

Stored files, events and sums are the business of those who own a table, whatever its rows go with:

    @going(preview_file)
    async def withdraw(removal: Removal, preview_ids: list[UUID]) -> AsyncIterator[None]:
        rows = await removal.tx.rows(…)     # they are still there
        yield
        removal.tx.emit(PREVIEW_DELETE, …)  # they are gone

`remove(tx, task, task_ids)` collects what goes, table by table in the order of the references, locked against new
references; runs the reactions and the first halves of the hooks; forgets and deletes all in one statement; and runs the
second halves. Hooks of rows that name others run before those of the rows they name.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Column, Executable, Table, bindparam, text

from pegbar.core.data.compiled import compiled
from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import Goes, Uuid, metadata


@dataclass(frozen=True)
class Gone:
    """Rows about to be removed, which nothing may name afterwards."""

    tx: Transaction
    ids: Sequence[UUID]


@dataclass
class Removal:
    """Rows that go together.

    `production`: the one that goes, when they go with it. `force`: what is stored for them is removed, not only marked.
    """

    tx: Transaction
    root: Table
    ids: Mapping[str, list[UUID]] = field(default_factory=dict)  #: by the name of the table, where they are known
    force: bool = False
    production: UUID | None = None

    def goes(self, table: Table) -> list[UUID]:
        """The rows of a table that go."""
        return self.ids.get(table.fullname, [])


Reaction = Callable[[Gone], Awaitable[None]]
Hook = Callable[[Removal, list[UUID]], AsyncIterator[None]]

_reactions: dict[Column[Any], Reaction] = {}
_hooks: dict[Table, list[Hook]] = {}


def reaction(*columns: Column[Any]) -> Callable[[Reaction], Reaction]:
    """Declare what is done about these columns, which say `goes="hook"`, when what they name goes."""

    def add(react: Reaction) -> Reaction:
        for column in columns:
            assert goes_of(column) == "hook", f"{column} does not say that it has a hook"
            assert column not in _reactions, f"{column} has two hooks"
            _reactions[column] = react
        return react

    return add


def going(table: Table) -> Callable[[Hook], Hook]:
    """Declare what is done when rows of a table go: before they do, and after it."""

    def add(hook: Hook) -> Hook:
        _hooks.setdefault(table, []).append(hook)
        return hook

    return add


def goes_of(column: Column[Any]) -> Goes | None:
    """What a column declares to become of its row."""
    goes: Goes | None = column.info.get("goes")
    return goes


def columns_naming(table: Table) -> tuple[Column[Any], ...]:
    """The columns that hold ids of a table: its foreign keys, and those that say so themselves."""
    return _columns_naming(table, len(metadata.tables))


@cache
def _columns_naming(table: Table, _tables: int) -> tuple[Column[Any], ...]:
    return tuple(
        column
        for holder in metadata.tables.values()
        for column in holder.columns
        if any(foreign.column.table is table for foreign in column.foreign_keys)
        or column.info.get("names") == table.name
    )


def _naming(table: Table, *goes: Goes, only_named: bool = False) -> list[Column[Any]]:
    return [
        column
        for column in columns_naming(table)
        if goes_of(column) in goes and not (only_named and column.foreign_keys)
    ]


def _table(column: Column[Any]) -> Table:
    assert isinstance(column.table, Table)
    return column.table


def undeclared(table: Table) -> list[str]:
    """What keeps the rows of a table from being removed: columns that say nothing, cannot do it or have no hook."""
    faults = []
    for doomed in _doomed_tables(table):
        for column in columns_naming(doomed):
            match goes_of(column):
                case "with" if column.table is doomed:
                    faults.append(f"{column}: it goes with rows of its own kind")
                case "null" if not column.nullable:
                    faults.append(f"{column}: it takes no null")
                case "hook" if column not in _reactions:
                    faults.append(f"{column}: it has no hook")
                case "refuse" if column.table not in _doomed_tables(table):
                    faults.append(f"{column}: it refuses")
                case None:
                    faults.append(f"{column}: nothing says what becomes of it")
    return faults


@lru_cache
def _doomed_tables(root: Table, only_named: bool = False) -> tuple[Table, ...]:
    """The tables of which rows go with those of a table, itself first, and each after all that it names."""
    names: dict[Table, set[Table]] = {root: set()}
    waiting = [root]
    while waiting:
        table = waiting.pop()
        for column in _naming(table, "with", only_named=only_named and table is root):
            holder = _table(column)
            if holder not in names:
                names[holder] = set()
                waiting.append(holder)
            if holder is not table:
                names[holder].add(table)
    order: list[Table] = []
    while len(order) < len(names):
        ready = [table for table in names if table not in order and names[table] <= set(order)]
        assert ready, f"{[table.name for table in names if table not in order]} go with each other"
        order += ready
    return tuple(order)


def _is_collected(table: Table) -> bool:
    """Whether it matters which rows of a table go: something names them, is done about them, or they may stay."""
    may_stay = any(goes_of(column) == "null" for column in table.columns)
    return "id" in table.c and (may_stay or table in _hooks or bool(columns_naming(table)))


@lru_cache
def _levels(root: Table, only_named: bool) -> tuple[tuple[Table, ...], ...]:
    """The tables whose rows are collected, those of a level after all that they name."""
    depth = {root: 0}
    for table in _doomed_tables(root, only_named)[1:]:
        named = [
            column_table
            for column_table in depth
            if any(column.table is table for column in _naming(column_table, "with"))
        ]
        depth[table] = 1 + max(depth[column_table] for column_table in named)
    levels: dict[int, list[Table]] = {}
    for table, level in depth.items():
        if table is not root and _is_collected(table):
            levels.setdefault(level, []).append(table)
    return tuple(tuple(levels[level]) for level in sorted(levels))


def _parameter(table: Table) -> str:
    return f"of_{table.name}"


def _goes_with(table: Table, doomed: frozenset[Table], root: Table, only_named: bool) -> str | None:
    """SQL: whether a row of a table goes with collected rows; None when none can."""
    conditions = [
        f"{column.name} = ANY(:{_parameter(named)})"
        for named in _doomed_tables(root, only_named)
        if named in doomed
        for column in _naming(named, "with", only_named=only_named and named is root)
        if column.table is table
    ]
    return " OR ".join(conditions) or None


def _statement(sql: str) -> Executable:
    statement = text(sql)
    names = [name for name in statement.compile().params if name.startswith("of_")]
    return statement.bindparams(*[bindparam(name, type_=ARRAY(Uuid)) for name in names])


@lru_cache(512)
def _collecting(
    level: tuple[Table, ...], doomed: frozenset[Table], root: Table, only_named: bool
) -> tuple[Executable, tuple[Table, ...]] | None:
    """The rows of a level's tables that go with those collected before, locked: a column of ids for each table."""
    conditions = {table: _goes_with(table, doomed, root, only_named) for table in level}
    tables = tuple(table for table in level if conditions[table] is not None)
    if not tables:
        return None
    parts = ", ".join(
        f"doomed_{table.name} AS (SELECT id FROM {table.fullname} WHERE {conditions[table]} ORDER BY id FOR UPDATE)"  # noqa: S608
        for table in tables
    )
    columns = ", ".join(f"ARRAY(SELECT id FROM doomed_{table.name})" for table in tables)  # noqa: S608 - as above
    return _statement(f"WITH {parts} SELECT {columns}"), tables


def _forgetting(doomed: frozenset[Table]) -> Iterator[str]:
    """SQL: what stays forgets what goes, table by table: a row is changed once in a statement."""
    forgotten: dict[Table, list[tuple[str, str]]] = {}
    for named in sorted(doomed, key=lambda table: table.name):
        for column in _naming(named, "null"):
            forgotten.setdefault(_table(column), []).append((column.name, f":{_parameter(named)}"))
    for holder, pairs in forgotten.items():
        values = ", ".join(f"{name} = CASE WHEN {name} = ANY({ids}) THEN NULL ELSE {name} END" for name, ids in pairs)
        condition = " OR ".join(f"{name} = ANY({ids})" for name, ids in pairs)
        stays = f" AND id <> ALL(:{_parameter(holder)})" if holder in doomed else ""
        yield f"UPDATE {holder.fullname} SET {values} WHERE ({condition}){stays}"  # noqa: S608


@lru_cache(512)
def _deleting(doomed: frozenset[Table], root: Table, only_named: bool, keep: bool) -> Executable | None:
    """One statement that forgets and deletes: foreign keys are checked at its end, so that no order matters."""
    statements = list(_forgetting(doomed - {root} if only_named else doomed))
    for table in _doomed_tables(root, only_named):
        if table is root:
            if not (keep or only_named):
                statements.append(f"DELETE FROM {table.fullname} WHERE id = ANY(:{_parameter(table)})")  # noqa: S608
        elif table in doomed:
            statements.append(f"DELETE FROM {table.fullname} WHERE id = ANY(:{_parameter(table)})")  # noqa: S608
        elif not _is_collected(table) and (condition := _goes_with(table, doomed, root, only_named)) is not None:
            statements.append(f"DELETE FROM {table.fullname} WHERE {condition}")  # noqa: S608 - names of ours
    if not statements:
        return None
    parts = ", ".join(f"part{number} AS ({statement})" for number, statement in enumerate(statements))
    return _statement(f"WITH {parts} SELECT 1")


async def _collect(removal: Removal, ids: Sequence[UUID], only_named: bool) -> frozenset[Table]:
    """Find all that goes; the tables that have such rows."""
    doomed: dict[Table, list[UUID]] = {removal.root: list(ids)}
    for level in _levels(removal.root, only_named):
        collecting = _collecting(level, frozenset(doomed), removal.root, only_named)
        if collecting is not None:
            statement, tables = collecting
            row = await removal.tx.row(statement, **_parameters(statement, doomed))
            assert row is not None
            doomed |= {table: found for table, found in zip(tables, row.values(), strict=True) if found}
    removal.ids = {table.fullname: found for table, found in doomed.items()}
    return frozenset(doomed)


def _parameters(statement: Executable, doomed: Mapping[Table, list[UUID]]) -> dict[str, list[UUID]]:
    required = compiled(statement).required
    return {_parameter(table): ids for table, ids in doomed.items() if _parameter(table) in required}


async def remove(
    tx: Transaction,
    table: Table,
    ids: Sequence[UUID],
    *,
    keep: bool = False,
    only_named: bool = False,
    force: bool = False,
    production: UUID | None = None,
) -> None:
    """Remove rows of a table, and remove or change every row that names them.

    `keep`: the rows themselves stay, for the caller to delete. `only_named`: nor does anything go that a foreign key
    holds, as the caller has seen to it. `force` and `production`: see Removal.

    The caller holds the locks of the rows: who comes later with a foreign key to them waits, and is refused.
    """
    if not ids:
        return
    faults = [] if only_named else _faults(table)
    assert not faults, faults
    removal = Removal(tx, table, force=force or production is not None, production=production)
    doomed = await _collect(removal, ids, only_named)
    order = _doomed_tables(table, only_named)
    if not only_named:
        for named in order:
            if named in doomed:
                columns = _naming(named, "hook")
                for react in dict.fromkeys(_reactions[column] for column in columns):
                    await react(Gone(tx, removal.goes(named)))
    async with AsyncExitStack() as afterwards:
        # The last one entered is the first one left: hooks of what is named enter first.
        for named in order:
            if named in doomed and not (named is table and (keep or only_named)):
                for hook in _hooks.get(named, []):
                    await afterwards.enter_async_context(asynccontextmanager(hook)(removal, removal.goes(named)))
        statement = _deleting(doomed, table, only_named, keep)
        if statement is not None:
            known = {metadata.tables[name]: row_ids for name, row_ids in removal.ids.items()}
            await tx.execute(statement, **_parameters(statement, known))


@lru_cache
def _faults(table: Table) -> list[str]:
    return undeclared(table)
