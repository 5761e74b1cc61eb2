"""Frames of shots from the length of their previews. Source: spec shots, "set-shot-nb-frames"."""

from typing import Any
from uuid import UUID

from litestar import Request
from sqlalchemy import bindparam, text

from pegbar.core.data.database import Transaction
from pegbar.core.data.filters import uuid_filter
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Uuid, utc_now
from pegbar.core.http.access import manager_of
from pegbar.core.http.routing import post
from pegbar.entities.events import UPDATE
from pegbar.entities.kinds import SHOT

#: round() of a double is half to even, as the API counts frames.
_SET = text(
    """
    WITH newest AS (
      SELECT DISTINCT ON (shot.id) shot.id,
             round(coalesce(preview.duration, 0) * CASE WHEN project.fps ~ '^[0-9]+([.][0-9]+)?$'
                                                        THEN project.fps::float8 ELSE 25 END)::int AS frames
        FROM entity shot
        JOIN entity_type ON entity_type.id = shot.entity_type_id AND entity_type.name = 'Shot'
        JOIN project ON project.id = shot.project_id
        JOIN task ON task.entity_id = shot.id AND task.task_type_id = :task_type_id
        JOIN preview_file preview ON preview.task_id = task.id AND preview.status = 'ready'
        LEFT JOIN entity sequence ON sequence.id = shot.parent_id
       WHERE shot.project_id = :project_id
         AND (CAST(:episode_id AS uuid) IS NULL OR sequence.parent_id = :episode_id)
       ORDER BY shot.id, preview.created_at DESC, preview.id
    ), changed AS (
      UPDATE entity SET updated_at = :now, nb_frames = newest.frames
        FROM newest WHERE entity.id = newest.id AND entity.nb_frames IS DISTINCT FROM newest.frames
      RETURNING entity.id
    )
    SELECT newest.id, newest.frames, changed.id IS NOT NULL AS changed FROM newest LEFT JOIN changed USING (id)
    """
).bindparams(
    param("now"),
    *[bindparam(name, type_=Uuid) for name in ("project_id", "task_type_id", "episode_id")],
)


@post(
    "/actions/projects/{project_id:uuid}/task-types/{task_type_id:uuid}/set-shot-nb-frames",
    access=manager_of("project_id"),
    status=200,
    events=[UPDATE[SHOT]],
    errors=(400,),
    malformed=400,
)
async def set_shot_frames(
    project_id: UUID, task_type_id: UUID, request: Request[Any, Any, Any], tx: Transaction
) -> Any:
    """Set the frames of the shots that have a finished preview of a task type, from the newest one's length."""
    episode = request.query_params.get("episode_id")
    rows = await tx.rows(
        _SET,
        project_id=project_id,
        task_type_id=task_type_id,
        episode_id=uuid_filter(episode) if episode else None,
        now=utc_now(),
    )
    for row in rows:
        if row["changed"]:
            tx.emit(UPDATE[SHOT], project_id=project_id, shot_id=row["id"])
    return [{"id": row["id"], "nb_frames": row["frames"]} for row in rows]
