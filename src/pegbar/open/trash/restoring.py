"""Bringing back what an entry of the trash holds: all of it in one transaction, or nothing, with the reason.

What came to be missing meanwhile is treated as its removal would have treated the rows, had they been there: a column
forgets it, or a row that goes with it stays away. The things themselves do not come back without what they hang on.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Column, Table

from pegbar.core.data import belonging
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.removal import goes_of
from pegbar.core.data.schema import metadata
from pegbar.core.errors import ApiError
from pegbar.core.http.access import Caller
from pegbar.core.storage import release, revive
from pegbar.entities.actions import hold_names
from pegbar.entities.tables import entity
from pegbar.open.trash import queries, statements, telling
from pegbar.open.trash.things import things


class CannotRestore(ApiError):
    """What was deleted does not come back; the message says why."""

    status = 409


@dataclass
class Restored:
    """What came back."""

    rows: dict[str, int] = field(default_factory=dict)  #: by table
    files: int = 0
    left_out: dict[str, int] = field(default_factory=dict)  #: rows that stay away, by table: what they named is gone
    waiting: dict[str, int] = field(
        default_factory=dict
    )  #: rows that come with another entry, which has what they name
    forgotten: dict[str, int] = field(default_factory=dict)  #: references that came back empty, by table and column
    put_back: int = 0  #: rows that had stayed, and are again as they were
    written: list[dict[str, Any]] = field(default_factory=list)  #: what others have written there since: it stays


#: Tables that were emptied look small: without this, each row that comes back would look for those it names in all of
#: the table, which grows.
_BY_INDEX = sql("SELECT set_config('enable_seqscan', 'off', true)")

Doing = Callable[[str], Awaitable[None]]


class Restoration:
    """The restoration of one entry, in a transaction that has its lock."""

    def __init__(self, tx: Transaction, trash_id: UUID, doing: Doing) -> None:
        self.tx, self.trash_id, self._doing = tx, trash_id, doing
        self.restored = Restored()
        self._staged: list[Table] = []
        self._changed: dict[str, list[str]] = {}
        self._forgot: list[Column[Any]] = []

    async def run(self, caller: Caller, *, tell: bool = True) -> Restored:
        """Bring everything back. Raises CannotRestore."""
        await self.tx.row(_BY_INDEX)
        await self._stage()
        await self._leave_out()
        try:
            await self._insert()
            changed = await self._put_back()
        except asyncpg.UniqueViolationError as error:
            raise CannotRestore(_taken(error)) from None
        await self._refuse_taken_names()
        self.restored.files = await revive(self.tx, self.trash_id)
        if tell:
            await telling.tell(self.tx, caller, self._staged, changed)
        await telling.recount(self.tx, self._staged, self.restored.written)
        await self.tx.execute(queries.FORGET_REMAINDERS_OF, ids=[self.trash_id])
        await release(self.tx, [self.trash_id])
        await self.tx.execute(queries.DROP, trash_id=self.trash_id)
        return self.restored

    async def _stage(self) -> None:
        """Gather what went, as it was."""
        expected: dict[str, int] = {}
        for part in await self.tx.rows(statements.PARTS, trash_id=self.trash_id):
            table = statements.by_name(part["table_name"])
            # Persons go for good, whatever they went with.
            if table is None or table.name == "person":
                continue
            if columns := [name for name in part["columns"] if name in table.c]:
                self._changed[table.fullname] = columns
            self._forgot += [table.c[name] for name in part["forgot"] if name in table.c]
            if part["deleted"]:
                await self._doing(table.name)
                made, filled = statements.staging(table)
                await self.tx.execute(made)
                expected[table.fullname] = await self.tx.execute(filled, trash_id=self.trash_id)
                if part["deleted"] > expected[table.fullname]:  # personal data of somebody who is gone for good
                    self.restored.left_out[table.fullname] = part["deleted"] - expected[table.fullname]
                self._staged.append(table)
        if not any(expected.values()):
            raise CannotRestore("The history does not hold any more what was deleted (PEGBAR_HISTORY_DAYS).")
        for table in self._staged:
            await self._skip_those_there(table)

    async def _skip_those_there(self, table: Table) -> None:
        there = await self.tx.column(statements.already_there(table))
        if there and table.name in things():
            known = await self.tx.column(queries.THINGS_AMONG, trash_id=self.trash_id, ids=there)
            if known:
                raise CannotRestore(f"{things()[table.name]} {known[0]} is there already.")

    async def _leave_out(self) -> None:
        """Find what the rows name that is gone, until nothing more follows from that."""
        if not self._staged:
            return
        coming = frozenset(self._staged)
        checking = statements.checking(tuple(self._staged))
        while missing := await self.tx.rows(checking, trash_id=self.trash_id):
            for row in missing:
                column = metadata.tables[row["holder"]].c[row["name"]]
                forgets = goes_of(column) == "null" or (column.nullable and belonging.target_of(column) is column.table)
                if goes_of(column) == "refuse" or (row["is_thing"] and goes_of(column) != "null"):
                    raise CannotRestore(_gone(column, row["missing_id"]))
                statement = (statements.forgetting if forgets else statements.leaving_out)(column, coming)
                counts = await self.tx.row(statement, trash_id=self.trash_id)
                assert counts is not None
                name = f"{row['holder']}.{row['name']}" if forgets else row["holder"]
                _add(
                    self.restored.forgotten if forgets else self.restored.left_out,
                    name,
                    counts["lost"] - counts["wait"],
                )
                _add(self.restored.waiting, name, counts["wait"])

    async def _insert(self) -> None:
        await self._doing("inserting")
        names = {table.fullname: table for table in self._staged}
        columns = await self.tx.rows(
            statements.COLUMNS, names=list(names), targets=[statements.target(table) for table in self._staged]
        )
        inserting = statements.inserting({names[row["table_name"]]: row["columns"] for row in columns})
        self.restored.rows = {row["table_name"]: row["rows"] for row in await self.tx.rows(inserting) if row["rows"]}

    async def _put_back(self) -> dict[str, list[UUID]]:
        """What else the deletion changed; the ids of the rows that changed now, by table."""
        await self._doing("putting back")
        only = bool(await self.tx.value(queries.IS_PART, trash_id=self.trash_id))
        changed: dict[str, list[UUID]] = {}
        for name, columns in self._changed.items():
            table = metadata.tables[name]
            statement = statements.putting_back(table, columns, only_references=only)
            row = await self.tx.row(statement, trash_id=self.trash_id)
            assert row is not None
            changed[name] = row["changed"]
            self.restored.written += row["written"]
        for column in self._forgot:
            self.restored.put_back += await self.tx.execute(statements.remembering(column), trash_id=self.trash_id)
        self.restored.put_back += sum(len(ids) for ids in changed.values())
        return changed

    async def _refuse_taken_names(self) -> None:
        """Entities whose name another one has, where names are taken once; no constraint of the table says so."""
        if entity not in self._staged:
            return
        for row in await self.tx.rows(queries.KINDS_COMING):
            await hold_names(self.tx, row["kind"], row["project_id"])
        taken = await self.tx.row(queries.NAMES_TAKEN)
        if taken is not None:
            raise CannotRestore(f"name: another {taken['kind'].lower()} is called {taken['name']!r} meanwhile.")


def _add(counts: dict[str, int], name: str, number: int) -> None:
    if number:
        counts[name] = counts.get(name, 0) + number


def _gone(column: Column[Any], missing_id: UUID) -> str:
    target = belonging.target_of(column)
    assert target is not None
    return f"{column.table.name}.{column.name}: {target.name.replace('_', ' ')} {missing_id} is gone."


def _taken(error: asyncpg.UniqueViolationError) -> str:
    columns = (error.detail or "").partition("Key (")[2].partition(")=")[0]
    return f"{error.table_name}: another one with the same {columns or error.constraint_name} was made meanwhile."
