"""What is told of rows that came back, and what is counted again because of them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Table

from pegbar.core.data import resource as resources
from pegbar.core.data.changes import Change
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.resource import Resource
from pegbar.core.http.access import Caller
from pegbar.entities import events
from pegbar.entities.casting import readiness
from pegbar.entities.kinds import kind_of_type
from pegbar.entities.tables import entity, entity_link
from pegbar.open.trash import statements
from pegbar.productions.tables import project
from pegbar.tasks import recount as of_tasks
from pegbar.tasks.tables import task

#: Events about rows of a table: who has more to hear reads the list again.
_MOST_TOLD = 1000

_CASTING = sql("SELECT DISTINCT entity_in_id FROM pg_temp.trash_entity_link WHERE entity_in_id IS NOT NULL")


def _resources() -> dict[str, Resource]:
    return {resource.table.fullname: resource for resource in resources.declared}


async def tell(tx: Transaction, caller: Caller, staged: Sequence[Table], changed: Mapping[str, Sequence[UUID]]) -> None:
    """Tell of what came back as of something new, and of what changed with it; of a production, only itself."""
    told = _resources()
    for table in [project] if project in staged else staged:
        if table.fullname in told:
            rows = await tx.rows(statements.things_of(table), most=_MOST_TOLD)
            for row in rows:
                await told[table.fullname].tell(_written(tx, caller, row), "new")
    if project in staged:
        return
    for name, ids in changed.items():
        if name in told and ids:
            for row in await tx.rows(statements.rows_of(told[name].table), ids=list(ids)[:_MOST_TOLD]):
                if name == entity.name:
                    kind = await kind_of_type(tx, row["entity_type_id"])
                    events.emit(tx, events.UPDATE, kind, row["project_id"], row["id"])
                else:
                    await told[name].tell(_written(tx, caller, row), "update")


def _written(tx: Transaction, caller: Caller, row: asyncpg.Record) -> Change:
    """A row that was written otherwise than by its resource."""
    return Change(tx, caller, {}, values=dict(row), row_id=row["id"])


async def recount(tx: Transaction, staged: Sequence[Table], written: Iterable[Mapping[str, Any]]) -> None:
    """Sums that somebody has changed since are worked out again: to put them back would be wrong.

    How much is cast is counted in any case: links may come back after what they link.
    """
    ids: dict[str, set[UUID]] = {}
    for row in written:
        ids.setdefault(row["table"], set()).add(UUID(row["id"]))
    for task_id in sorted(ids.get(task.name, ())):
        await of_tasks.from_comments(tx, task_id)
    await of_tasks.lock_hours(tx, sorted(ids.get(task.name, ())))
    await of_tasks.from_hours(tx, sorted(ids.get(task.name, ())))
    casting = await tx.column(_CASTING) if entity_link in staged else []
    await readiness.refresh(tx, sorted({*casting, *ids.get(entity.name, ())}))
