"""Reads for drawing annotations."""

from pegbar.entities.tables import entity
from pegbar.media.queries import served_preview
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project

#: What is drawn on a preview, on what, and what the result is called.
annotated_preview = served_preview.add_columns(
    preview_file.c.annotations,
    preview_file.c.width,
    preview_file.c.height,
    preview_file.c.data["imported_only"].label("imported_only"),
    entity.c.data["fps"].astext.label("entity_fps"),
    project.c.fps.label("project_fps"),
)
