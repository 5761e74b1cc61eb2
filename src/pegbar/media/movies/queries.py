"""Reads about movies."""

from sqlalchemy import select, text

from pegbar.core.data.parameters import param, sql
from pegbar.entities.tables import entity
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project, project_task_type_link
from pegbar.tasks.tables import task

_link = project_task_type_link

#: What decides how a movie is made, with the production that hears of it.
movie_state = (
    select(
        preview_file.c.id,
        preview_file.c.status,
        preview_file.c.extension,
        preview_file.c.original_name,
        preview_file.c.data,
        preview_file.c.duration,
        task.c.project_id,
        entity.c.data["fps"].astext.label("entity_fps"),
        entity.c.data["resolution"].astext.label("entity_resolution"),
        project.c.fps.label("project_fps"),
        project.c.resolution.label("project_resolution"),
        _link.c.hd_bitrate_compression.label("task_type_hd"),
        _link.c.ld_bitrate_compression.label("task_type_ld"),
        project.c.hd_bitrate_compression.label("project_hd"),
        project.c.ld_bitrate_compression.label("project_ld"),
    )
    .select_from(preview_file)
    .outerjoin(task, task.c.id == preview_file.c.task_id)
    .outerjoin(entity, entity.c.id == task.c.entity_id)
    .outerjoin(project, project.c.id == task.c.project_id)
    .outerjoin(_link, (_link.c.project_id == project.c.id) & (_link.c.task_type_id == task.c.task_type_id))
    .where(preview_file.c.id == param("preview_id"))
)

#: Notes how far a movie is, for whoever reads the preview meanwhile.
note_progress = sql(
    """
    UPDATE preview_file SET data = coalesce(data, '{}'::jsonb) || jsonb_build_object('progress', :percent ::int)
     WHERE id = :preview_id
    """
)

#: Takes a movie in hand once more; how often that was done. What killed its worker each time would kill the next one.
begin_movie = sql(
    """
    UPDATE preview_file
       SET data = coalesce(data, '{}'::jsonb)
                  || jsonb_build_object('attempts', coalesce((data ->> 'attempts')::int, 0) + 1, 'progress', 0)
     WHERE id = :preview_id
    RETURNING (data ->> 'attempts')::int
    """
)

#: Lets a missing sheet of frames be made, at most once an hour: the row tells when it was.
claim_missing_tile = text(
    """
    INSERT INTO preview_file_storage_state (id, created_at, updated_at, preview_file_id, bucket, prefix, state)
    VALUES (pegbar.new_id(), :now ::timestamp, :now ::timestamp, :preview_id ::uuid, 'pictures', 'tiles', 'missing')
    ON CONFLICT (preview_file_id, bucket, prefix) DO UPDATE SET updated_at = EXCLUDED.updated_at, state = 'missing'
     WHERE preview_file_storage_state.updated_at < EXCLUDED.updated_at - interval '1 hour'
    RETURNING id
    """
)
tile_is_there = text(
    """
    UPDATE preview_file_storage_state SET state = 'ok', updated_at = :now ::timestamp
     WHERE preview_file_id = :preview_id ::uuid AND bucket = 'pictures' AND prefix = 'tiles'
    """
)

_SELECTED = """
    preview_file p JOIN task t ON t.id = p.task_id JOIN project j ON j.id = t.project_id
      LEFT JOIN entity e ON e.id = t.entity_id
 WHERE p.extension = 'mp4' AND p.original_name IS NOT NULL AND (:project ::text IS NULL OR j.name = :project ::text)
"""
_UNDER_WAY = """
    EXISTS (SELECT 1 FROM pegbar.procrastinate_jobs q
             WHERE q.task_name = 'media.make_movie' AND q.status IN ('todo', 'doing')
               AND q.args ->> 'preview_id' = p.id::text)
"""

has_project = text("SELECT 1 FROM project WHERE name = :project ::text")
#: The number of movies by their status.
movie_counts = text(f"SELECT p.status, count(*) AS count FROM {_SELECTED} GROUP BY p.status")  # noqa: S608 - constants
#: Movies that are not ready, the oldest first.
unready_movies = text(
    f"""
    SELECT p.id::text, p.status::text, j.name AS project, e.name AS entity, p.original_name, p.revision,
           p.data ->> 'error' AS error, (p.data ->> 'progress')::int AS progress, p.updated_at, {_UNDER_WAY} AS queued
      FROM {_SELECTED} AND p.status <> 'ready' ORDER BY p.updated_at LIMIT :most ::int
    """  # noqa: S608 - constants
)
#: Movies to make again that nobody is making: those of these states, and those that wait for a job that is not there.
movies_to_make = text(
    f"""
    SELECT p.id, p.status::text, t.project_id FROM {_SELECTED}
       AND (p.status::text = ANY(:states ::text[]) OR p.status = 'processing') AND NOT {_UNDER_WAY}
     ORDER BY p.created_at FOR UPDATE OF p
    """  # noqa: S608 - constants
)
wait_again = text(
    """
    UPDATE preview_file SET status = 'processing', updated_at = :now ::timestamp,
           data = coalesce(data, '{}'::jsonb) - '{error,progress,attempts}'::text[]
     WHERE id = ANY(:preview_ids ::uuid[]) AND status <> 'ready'
    """
)
#: Of these movies: the status and progress of each, and whether it is still to be made.
movies_under_way = text(
    f"""
    SELECT p.status::text, coalesce((p.data ->> 'progress')::int, 0) AS progress, {_UNDER_WAY} AS queued
      FROM preview_file p WHERE p.id = ANY(:preview_ids ::uuid[])
    """  # noqa: S608 - constants
)
has_worker = text(
    "SELECT 1 FROM pegbar.procrastinate_workers WHERE last_heartbeat > now() - interval '1 minute' LIMIT 1"
)
