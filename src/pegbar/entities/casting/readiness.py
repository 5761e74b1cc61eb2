"""Counters that follow from casting: links, assets ready for a task. Source: spec entities, "Casting model"."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import any_, select

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import utc_now
from pegbar.core.live.events import event
from pegbar.entities.events import CASTING_UPDATE
from pegbar.entities.kinds import LOCK_ORDER, SHOT, is_kind
from pegbar.entities.tables import entity, entity_link
from pegbar.productions.hooks import PIPELINE_CHANGED, Pipeline

STATS_UPDATE = event("task:update-casting-stats", "task_id", "nb_assets_ready", logged=False)

_ids = param("ids")
_now = param("now")

_CASTING_SHOTS = (
    select(entity.c.id)
    .where(entity.c.project_id == param("project_id"), is_kind(SHOT))
    .where(entity.c.id.in_(select(entity_link.c.entity_in_id)))
)
_CASTERS = select(entity_link.c.entity_in_id).where(entity_link.c.entity_out_id == any_(_ids)).distinct()

#: Every entity of `ids` whose number of links to assets in use changed.
_RECOUNT = sql(
    f"""
    WITH locked AS (
      SELECT entity.id FROM entity JOIN entity_type ON entity_type.id = entity.entity_type_id
       WHERE entity.id = ANY(:ids) ORDER BY {LOCK_ORDER} FOR NO KEY UPDATE OF entity
    ), counted AS (
      SELECT locked.id, (SELECT count(*) FROM entity_link l JOIN entity a ON a.id = l.entity_out_id
                          WHERE l.entity_in_id = locked.id AND a.canceled IS NOT TRUE) AS links
        FROM locked
    )
    UPDATE entity SET nb_entities_out = counted.links, updated_at = :now
      FROM counted JOIN entity_type ON true
     WHERE entity.id = counted.id AND entity_type.id = entity.entity_type_id
       AND entity.nb_entities_out IS DISTINCT FROM counted.links
    RETURNING entity.id, entity.project_id, entity.nb_entities_out, entity_type.name = 'Shot' AS is_shot
    """  # noqa: S608 - a constant
)

#: An asset is ready for a task when the step it is good for comes no earlier than the task's in the shot's pipeline.
_READY = sql(
    """
    WITH pipeline AS (
      SELECT link.project_id, link.task_type_id, link.priority
        FROM project_task_type_link link JOIN task_type ON task_type.id = link.task_type_id
       WHERE task_type.for_entity = 'Shot'
         AND link.project_id IN (SELECT project_id FROM entity WHERE id = ANY(:ids))
    ), counted AS (
      SELECT task.id, count(asset.id) FILTER (WHERE
               (asset.is_shared AND asset.project_id <> task.project_id)
               OR (asset.ready_for IS NOT NULL AND coalesce(step.priority, 0) <= coalesce(reached.priority, -1))
             ) AS ready
        FROM task
        JOIN entity shot ON shot.id = task.entity_id
        JOIN entity_type ON entity_type.id = shot.entity_type_id AND entity_type.name = 'Shot'
        LEFT JOIN entity_link ON entity_link.entity_in_id = task.entity_id
        LEFT JOIN entity asset ON asset.id = entity_link.entity_out_id AND asset.canceled IS NOT TRUE
        LEFT JOIN pipeline step ON step.project_id = task.project_id AND step.task_type_id = task.task_type_id
        LEFT JOIN pipeline reached ON reached.project_id = task.project_id AND reached.task_type_id = asset.ready_for
       WHERE task.entity_id = ANY(:ids)
       GROUP BY task.id
    )
    UPDATE task SET nb_assets_ready = counted.ready, updated_at = :now
      FROM counted
     WHERE task.id = counted.id AND task.nb_assets_ready IS DISTINCT FROM counted.ready
    RETURNING task.id, task.project_id, task.nb_assets_ready
    """
)


_COUNTS = select(entity.c.id, entity.c.nb_entities_out).where(entity.c.id == any_(_ids))


async def counts(tx: Transaction, entity_ids: Sequence[UUID]) -> dict[UUID, int | None]:
    """The stored numbers of casting links of these entities."""
    return {row["id"]: row["nb_entities_out"] for row in await tx.rows(_COUNTS, ids=list(entity_ids))}


async def recount(tx: Transaction, entity_ids: Sequence[UUID], *, tell: bool = True) -> None:
    """Store the number of casting links of these entities; shots whose number changed are announced if `tell`."""
    for row in await tx.rows(_RECOUNT, ids=list(entity_ids), now=utc_now()):
        if tell and row["is_shot"]:
            tx.emit(
                CASTING_UPDATE[SHOT],
                project_id=row["project_id"],
                shot_id=row["id"],
                nb_entities_out=row["nb_entities_out"],
                added_asset_ids=[],
                removed_asset_ids=[],
            )


async def refresh(tx: Transaction, entity_ids: Sequence[UUID], *, tell: bool = True) -> None:
    """Bring the counters of these entities, and of the tasks of those that are shots, up to date."""
    if not entity_ids:
        return
    await recount(tx, entity_ids, tell=tell)
    for row in await tx.rows(_READY, ids=list(entity_ids), now=utc_now()):
        tx.emit(STATS_UPDATE, project_id=row["project_id"], task_id=row["id"], nb_assets_ready=row["nb_assets_ready"])


async def casters_of(tx: Transaction, asset_ids: Sequence[UUID]) -> list[UUID]:
    """The entities that cast any of these assets."""
    return await tx.column(_CASTERS, ids=list(asset_ids))


async def refresh_casting_of(tx: Transaction, asset_ids: Sequence[UUID]) -> None:
    """Bring the counters of whatever casts these assets up to date."""
    if asset_ids:
        await refresh(tx, await casters_of(tx, asset_ids))


@PIPELINE_CHANGED.register()
async def refresh_production(pipeline: Pipeline) -> None:
    """Which assets are ready for a task depends on the order of the task types."""
    await refresh(pipeline.tx, await pipeline.tx.column(_CASTING_SHOTS, project_id=pipeline.project_id))
