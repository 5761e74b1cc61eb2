"""Filling a schedule version and applying it. Source: spec projects, "Production schedule versions"; Worth fixing 13.

A version that was applied is locked: it tells what the production's dates came from, so that filling it again is
refused. It may be applied again, which takes the production back to it.
"""

from uuid import UUID

import asyncpg

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.live.events import event
from pegbar.planning.tables import production_schedule_version
from pegbar.planning.versions import queries
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.productions.tables import project
from pegbar.tasks.events import TASK_UPDATE

#: The generic route's `production-schedule-version:update` tells of the row, this one of what the version plans.
VERSION_CHANGED = event("production_schedule_version:update", "production_schedule_version_id")


async def _locked_versions(tx: Transaction, *version_ids: UUID) -> dict[UUID, asyncpg.Record]:
    """Versions by id, which nobody else changes or fills until the commit. Raises NotFound."""
    rows = {row["id"]: row for row in await tx.rows(queries.locked_versions, ids=list(version_ids))}
    for version_id in version_ids:
        if version_id not in rows:
            raise NotFound(f"There is no schedule version {version_id}.")
    return rows


def _check_open(version: asyncpg.Record) -> None:
    if version["locked"]:
        raise BadRequest("locked: the version is locked, what it plans cannot be replaced.")


async def take_from_production(tx: Transaction, version_id: UUID) -> int:
    """Fill a version with the dates, estimations and assignees of the production's tasks; how many tasks."""
    version = (await _locked_versions(tx, version_id))[version_id]
    _check_open(version)
    taken = await tx.execute(queries.take_tasks, version_id=version_id, now=utc_now())
    await tx.execute(queries.forget_assignees, version_id=version_id)
    await tx.execute(queries.assign_as_tasks, version_id=version_id)
    return taken


async def take_from_version(tx: Transaction, version_id: UUID, source_id: UUID) -> int:
    """Fill a version with what another one plans; how many tasks. Tasks that the other lacks are left as they are."""
    if source_id == version_id:
        raise BadRequest("production_schedule_version_id: a version cannot be filled from itself.")
    versions = await _locked_versions(tx, version_id, source_id)
    version = versions[version_id]
    if versions[source_id]["project_id"] != version["project_id"]:
        raise BadRequest("production_schedule_version_id: the version belongs to another production.")
    _check_open(version)
    both = {"version_id": version_id, "source_id": source_id}
    taken = await tx.execute(queries.take_version, **both, now=utc_now())
    await tx.execute(queries.forget_assignees_of_version, **both)
    await tx.execute(queries.assign_as_version, **both)
    await tx.update(production_schedule_version, version_id, production_schedule_from=source_id, updated_at=utc_now())
    _tell(tx, version)
    return taken


async def apply(tx: Transaction, version_id: UUID) -> int:
    """Give the tasks the dates and estimations of a version, and lock it; how many tasks."""
    version = (await _locked_versions(tx, version_id))[version_id]
    project_id, now = version["project_id"], utc_now()
    changed = await tx.column(queries.apply_to_tasks, version_id=version_id, now=now)
    await tx.update(production_schedule_version, version_id, locked=True, updated_at=now)
    await tx.update(project, project_id, from_schedule_version_id=version_id, updated_at=now)
    for task_id in changed:
        tx.emit(TASK_UPDATE, project_id=project_id, task_id=task_id)
    _tell(tx, version)
    tx.emit(PROJECT_CHANGED, project_id=project_id)
    return len(changed)


def _tell(tx: Transaction, version: asyncpg.Record) -> None:
    tx.emit(
        VERSION_CHANGED,
        project_id=version["project_id"],
        production_schedule_version_id=version["id"],
    )
