"""Previews: made, uploaded, put in order, chosen, drawn on. Source: spec media, operations of the same paths."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.config import settings
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.filters import uuid_filter
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, Rule, admin, not_client, require, task_access, task_action
from pegbar.core.http.body import Strict
from pegbar.core.http.idempotency import STORES
from pegbar.core.http.routing import delete, get, path_uuid, post, put
from pegbar.core.http.uploads import received_form
from pegbar.media import actions, publishing, queries
from pegbar.media.resources import OF_TASK, may_annotate, preview_files
from pegbar.media.revisions import add_preview
from pegbar.tasks.comments.access import check_sees


class NewPreview(Strict):
    """What a new preview may be told."""

    revision: int | str | None = None


class MainPreview(Strict):
    """The frame of a movie that stands for it."""

    frame_number: int | str | None = None


class Position(Strict):
    """A place among the previews of a revision, from 1."""

    position: int | str = 0


class Annotations(Strict):
    """What changes in the drawings over a preview."""

    additions: list[dict[str, Any]] = msgspec.field(default_factory=list)
    updates: list[dict[str, Any]] = msgspec.field(default_factory=list)
    deletions: list[dict[str, Any]] = msgspec.field(default_factory=list)


class UploadOptions(msgspec.Struct):
    """How an upload is dealt with."""

    no_job: bool = False
    normalize: bool = True


class Unfinished(msgspec.Struct):
    """How many previews, and which one they come after."""

    limit: int | None = None
    cursor_preview_file_id: str | None = None


@get("/data/playlists/preview-files/running", access=admin, errors=(400,))
async def unfinished_previews(query: Unfinished, db: Database) -> Json:
    """The previews of open productions that are processing, broken or missing, newest first."""
    params: dict[str, Any] = {}
    if query.limit is not None:
        params["limit"] = actions.at_least_zero("limit", query.limit)
    if query.cursor_preview_file_id is not None:
        cursor = uuid_filter(query.cursor_preview_file_id)
        params["before"] = await db.value(queries.created_at_of, preview_id=cursor)
        if params["before"] is None:
            raise BadRequest(f"cursor_preview_file_id: there is no preview {cursor}.")
    return await db.json(queries.unfinished_previews["limit" in params, "before" in params], **params)


_OF_PREVIEW = OF_TASK.renamed("preview_file_id")


_adds_to_comment = task_action("task_id").further("comments hidden from the caller's role are refused")


@post("/actions/tasks/{task_id:uuid}/comments/{comment_id:uuid}/add-preview", access=_adds_to_comment)
async def add_preview_to_comment(
    task_id: UUID, comment_id: UUID, body: NewPreview, tx: Transaction, caller: Caller
) -> Json:
    """Add an empty preview to a comment, to upload a file to."""
    await check_sees(tx, caller, task_id, comment_id)
    revision = None if body.revision in (None, "") else actions.at_least_zero("revision", body.revision)
    preview_id = await add_preview(tx, caller.id, task_id, comment_id, revision)
    return await actions.with_comments(tx, preview_id)


@post(
    "/actions/tasks/{task_id:uuid}/comments/{comment_id:uuid}/preview-files/{preview_file_id:uuid}",
    access=_adds_to_comment,
)
async def add_extra_preview(
    task_id: UUID, comment_id: UUID, preview_file_id: UUID, tx: Transaction, caller: Caller
) -> Json:
    """Add an empty preview beside another one, in the same revision."""
    await check_sees(tx, caller, task_id, comment_id)
    await actions.check_on_comment(tx, task_id, comment_id, preview_file_id)
    preview_id = await add_preview(tx, caller.id, task_id, comment_id)
    return await actions.with_comments(tx, preview_id)


@delete(
    "/actions/tasks/{task_id:uuid}/comments/{comment_id:uuid}/preview-files/{preview_file_id:uuid}",
    access=_adds_to_comment,
    malformed=400,
)
async def remove_preview_from_comment(
    request: Request[Any, Any, Any],
    task_id: UUID,
    comment_id: UUID,
    preview_file_id: UUID,
    tx: Transaction,
    caller: Caller,
) -> None:
    """Remove a preview of a comment, with its files; managers may purge them at once with `?force=true`."""
    force = request.query_params.get("force", "").lower() == "true"
    require(not force or caller.manages, "Only managers of the production purge files at once.")
    await check_sees(tx, caller, task_id, comment_id)
    await actions.check_on_comment(tx, task_id, comment_id, preview_file_id)
    await actions.remove_from_comment(tx, task_id, comment_id, preview_file_id, force=force)


@delete("/data/preview-files/{instance_id:str}", access=preview_files.access.delete, tag="preview_file")
async def delete_preview(request: Request[Any, Any, Any], instance_id: str, tx: Transaction) -> None:
    """Delete a preview; its task and entity show the next one."""
    force = request.query_params.get("force", "").lower() == "true"
    await actions.remove(tx, path_uuid(instance_id), force=force)


@post(
    "/pictures/preview-files/{instance_id:uuid}",
    access=task_action(OF_TASK),
    files=True,
    errors=(400, 413, 429),
    unkeyed=STORES,
)
async def upload_preview(
    request: Request[Any, Any, Any], instance_id: UUID, query: UploadOptions, db: Database, caller: Caller
) -> Json:
    """Upload the file of a preview (multipart field `file`): a picture, a movie or any other kind that is taken."""
    in_job = settings().enable_job_queue and not query.no_job
    async with received_form(request) as form:
        return await publishing.publish(
            db, caller.id, instance_id, form.file(), in_job=in_job, normalize=query.normalize
        )


@put(
    "/actions/preview-files/{preview_file_id:uuid}/set-main-preview",
    access=task_access(_OF_PREVIEW) & not_client,
)
async def set_main_preview(preview_file_id: UUID, body: MainPreview, db: Database, caller: Caller) -> Json:
    """Make a preview the one that stands for its entity; of a movie, a frame (from 1) may be chosen."""
    if body.frame_number in (None, ""):
        return await db.write(caller.id, lambda tx: actions.set_main(tx, preview_file_id))
    frame = actions.at_least_zero("frame_number", body.frame_number)
    return await actions.set_main_frame(db, caller.id, preview_file_id, frame, in_job=settings().enable_job_queue)


@put("/actions/preview-files/{preview_file_id:uuid}/update-position", access=task_action(_OF_PREVIEW))
async def update_position(preview_file_id: UUID, body: Position, tx: Transaction) -> Json:
    """Move a preview among those of its revision."""
    return await actions.move(tx, preview_file_id, actions.at_least_zero("position", body.position))


_annotates = Rule(
    "manager, client or supervisor of the task's department",
    may_annotate,
    _OF_PREVIEW,
)


@put("/actions/preview-files/{preview_file_id:uuid}/update-annotations", access=_annotates)
async def update_annotations(preview_file_id: UUID, body: Annotations, tx: Transaction, caller: Caller) -> Json:
    """Add, replace and remove drawings over a preview."""
    return await actions.annotate(tx, caller.id, preview_file_id, body.additions, body.updates, body.deletions)
