"""Getting the bars of a schedule, making those that are missing. Source: spec projects, "schedule-items"."""

from typing import Any
from uuid import UUID

import asyncpg

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller
from pegbar.planning.items import queries
from pegbar.planning.items.queries import Kind
from pegbar.planning.resources import schedule_items
from pegbar.productions.queries import locked_project


async def bars(db: Database, caller: Caller, project_id: UUID, kind: Kind, **of: Any) -> Json:
    """The bars of a production: one statement, unless some must be made first.

    Those are made with the production locked, as POST /data/schedule-items does: of two who look at once, one makes
    them.
    """
    row = await _read(db, kind, project_id, of)
    if row["missing"]:
        await db.write(caller.id, lambda tx: _add_missing(tx, kind, project_id, of))
        row = await _read(db, kind, project_id, of)
    return Json(f"[{row['rows']}]".encode())


async def _read(db: Database, kind: Kind, project_id: UUID, of: dict[str, Any]) -> asyncpg.Record:
    row = await db.row(queries.items(kind), project_id=project_id, **of)
    assert row is not None
    if not row["known"]:
        raise NotFound(f"There is no task type {of['task_type_id']}.")
    return row


async def _add_missing(tx: Transaction, kind: Kind, project_id: UUID, of: dict[str, Any]) -> None:
    await tx.row(locked_project, project_id=project_id)
    now = utc_now()
    item_ids = await tx.column(queries.add_missing(kind), project_id=project_id, now=now, today=now.date(), **of)
    for schedule_item_id in item_ids:
        tx.emit(schedule_items.events["new"], project_id=project_id, schedule_item_id=schedule_item_id)
