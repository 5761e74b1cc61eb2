"""Events of previews. Source: spec media, "Preview lifecycle"; spec events."""

from pegbar.core.live.events import event

PREVIEW_NEW = event("preview-file:new", "preview_file_id", "comment_id")
PREVIEW_UPDATE = event(
    "preview-file:update", "preview_file_id", "status", text="`status` only when it was written or is processing."
)
PREVIEW_PROGRESS = event(
    "preview-file:progress",
    "preview_file_id",
    "progress",
    logged=False,
    text="Percent of a movie under way, at most twice a second.",
)
PREVIEW_DELETE = event("preview-file:delete", "preview_file_id")
PREVIEW_ADD_FILE = event(
    "preview-file:add-file", "comment_id", "task_id", "preview_file_id", "revision", "extension", "status"
)
PREVIEW_SET_MAIN = event("preview-file:set-main", "entity_id", "preview_file_id", "preview_file_status")
PREVIEW_ANNOTATED = event("preview-file:annotation-update", "preview_file_id", "person_id", "updated_at")
BACKGROUND_UPDATE = event("preview-background-file:update", "preview_background_file_id", scoped=False)
BACKGROUND_ADD_FILE = event("preview-background-file:add-file", "preview_background_file_id", "extension", scoped=False)
PERSON_SET_THUMBNAIL = event("person:set-thumbnail", "person_id", scoped=False)
ORGANISATION_SET_THUMBNAIL = event("organisation:set-thumbnail", "organisation_id", scoped=False)
PROJECT_SET_THUMBNAIL = event("project:set-thumbnail", "project_id", scoped=False)
