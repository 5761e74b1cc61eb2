"""Rows that go by their number in ShotGrid. Source: spec exchange, `POST /import/shotgun/remove/…`.

A plain row goes with its own links alone: where others still refer to it, nothing is removed. Assets and tasks go with
all that belongs to them, and people leave teams as elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from pegbar.accounts.people.leaving import avatar
from pegbar.accounts.people.rules import is_protected
from pegbar.accounts.tables import person
from pegbar.core.data.changes import Relation
from pegbar.core.data.database import Transaction
from pegbar.core.data.removal import remove
from pegbar.core.errors import Forbidden
from pegbar.core.http.access import Caller
from pegbar.core.storage import mark_deleted
from pegbar.entities.removal import remove_entities, remove_or_cancel
from pegbar.entities.shapes import RELATIONS as ENTITY_RELATIONS
from pegbar.entities.tables import entity
from pegbar.exchange.shotgrid import queries
from pegbar.exchange.shotgrid.kind import Kind
from pegbar.exchange.shotgrid.kinds import ASSETS, CONNECTIONS, KINDS, TASKS
from pegbar.media.addresses import all_of_preview
from pegbar.media.tables import preview_file
from pegbar.productions.actions import leave_team
from pegbar.productions.shapes import RELATIONS as PROJECT_RELATIONS
from pegbar.productions.tables import project
from pegbar.tasks.comments.resources import comments
from pegbar.tasks.removal import remove_tasks
from pegbar.tasks.tables import comment

#: What the paths call one of a kind: singular, `project-connection` too.
REMOVABLE: dict[str, Kind] = {
    **{name.removesuffix("s") if name != "status" else name: kind for name, kind in KINDS.items()},
    "projectconnection": CONNECTIONS,
}


@dataclass(frozen=True)
class Removed:
    """What became of a row."""

    success: bool
    row_id: UUID | None = None

    @property
    def answer(self) -> dict[str, Any]:
        """As the routes say it."""
        told = {} if self.row_id is None else {"removed_instance_id": str(self.row_id)}
        return {**told, "success": self.success}


async def remove_record(tx: Transaction, caller: Caller, kind: Kind, number: int) -> Removed:
    """Remove the row of a kind that has a number; success when there is none."""
    if kind is CONNECTIONS:
        for member in await tx.rows(queries.members, number=number):
            await leave_team(tx, member["project_id"], member["person_id"])
        return Removed(True)
    row = await tx.row(queries.numbered(kind.table, kind.among), number=number)
    if row is None:
        return Removed(True)
    row_id: UUID = row["id"]
    if kind is ASSETS:
        if await tx.value(queries.worked_on, entity_id=row_id) is not None:
            await remove_or_cancel(tx, [row_id], forced=())
        else:
            await remove_entities(tx, [row_id])
        return Removed(True, row_id)
    if kind is TASKS:
        await remove_tasks(tx, [row_id])
        return Removed(True, row_id)
    return Removed(await _remove_plain(tx, caller, kind, row), row_id)


async def _remove_plain(tx: Transaction, caller: Caller, kind: Kind, row: asyncpg.Record) -> bool:
    """Remove a row with its own links and what is stored for it; False, and nothing is done, when it is still used."""
    table = kind.table
    try:
        async with tx.attempt():
            if table is person:
                _check_person(caller, row)
                await mark_deleted(tx, [avatar(row["id"])])
            if table is preview_file:
                await mark_deleted(tx, all_of_preview(row["id"], row["extension"]))
            for relation in _own_links(kind):
                await tx.delete(relation.link, **{relation.owner.name: row["id"]})
            await tx.delete(table, id=row["id"])
            await remove(tx, table, [row["id"]], only_named=True)
    except asyncpg.ForeignKeyViolationError:
        return False
    return True


def _own_links(kind: Kind) -> Sequence[Relation]:
    if kind.table is entity:
        return ENTITY_RELATIONS
    if kind.table is project:
        return PROJECT_RELATIONS
    if kind.table is comment:
        return [relation for relation in comments.relations if relation.writable]
    return kind.relations


def _check_person(caller: Caller, row: asyncpg.Record) -> None:
    if row["id"] == caller.id:
        raise Forbidden("Nobody can delete their own account.")
    if is_protected(row["email"]):
        raise Forbidden("This account is protected: it cannot be deleted.")
