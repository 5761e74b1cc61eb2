"""Reads for drawing annotations."""

from sqlalchemy import select

from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Text
from pegbar.entities.tables import entity
from pegbar.media.queries import served_preview
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project
from pegbar.tasks.tables import task

#: What is drawn on a preview, on what, and what the result is called.
annotated_preview = served_preview.add_columns(
    preview_file.c.annotations,
    preview_file.c.width,
    preview_file.c.height,
    preview_file.c.data["imported_only"].label("imported_only"),
    entity.c.data["fps"].astext.label("entity_fps"),
    project.c.fps.label("project_fps"),
)

#: The movies with annotations of the production of a name, or of all.
annotated_movies = sql(
    """
    SELECT preview_file.id
      FROM preview_file
      LEFT JOIN task ON task.id = preview_file.task_id
      LEFT JOIN project ON project.id = task.project_id
     WHERE preview_file.extension = 'mp4'
       AND jsonb_typeof(preview_file.annotations) = 'array'
       AND preview_file.annotations <> '[]'
       AND (CAST(:project AS text) IS NULL OR project.name = :project)
     ORDER BY project.name, preview_file.created_at, preview_file.id
    """,
    project=Text,
)

#: What is drawn on a movie, which nobody else changes meanwhile, and at which rate it runs.
locked_annotations = (
    select(
        preview_file.c.annotations,
        task.c.project_id,
        project.c.name.label("project_name"),
        entity.c.name.label("entity_name"),
        entity.c.data["fps"].astext.label("entity_fps"),
        project.c.fps.label("project_fps"),
    )
    .select_from(
        preview_file.outerjoin(task, task.c.id == preview_file.c.task_id)
        .outerjoin(entity, entity.c.id == task.c.entity_id)
        .outerjoin(project, project.c.id == task.c.project_id)
    )
    .where(preview_file.c.id == param("preview_id"))
    .with_for_update(of=preview_file)
)
