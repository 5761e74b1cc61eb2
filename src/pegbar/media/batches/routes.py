"""Routes that publish comments with their files and previews. Source: spec media, batch-comment."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.config import settings
from pegbar.core.data.database import Database, Json
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, authenticated
from pegbar.core.http.body import decode_json, json_value
from pegbar.core.http.routing import post
from pegbar.core.http.uploads import received_form
from pegbar.media.batches import actions as batch_comments
from pegbar.media.events import PREVIEW_ADD_FILE, PREVIEW_NEW
from pegbar.media.queries import PREVIEW
from pegbar.tasks.comments.access import member_of_task
from pegbar.tasks.comments.shapes import POSTED, is_form
from pegbar.tasks.events import COMMENT_NEW, NEWS_NEW, TASK_STATUS_CHANGED, TASK_UPDATE

_PUBLISHED = {
    "allOf": [POSTED, {"type": "object", "properties": {"preview_files": {"type": "array", "items": PREVIEW}}}]
}
_DECLARED: dict[str, Any] = {
    "returns": [_PUBLISHED],
    "events": (COMMENT_NEW, TASK_UPDATE, TASK_STATUS_CHANGED, NEWS_NEW, PREVIEW_NEW, PREVIEW_ADD_FILE),
    "errors": (400, 403, 404),
    "files": True,
    "body_schema": {
        "type": "object",
        "required": ["comments"],
        "properties": {
            "comments": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["task_status_id", "text"],
                    "properties": {
                        "task_id": {"type": "string", "format": "uuid"},
                        "task_status_id": {"type": "string", "format": "uuid"},
                        "text": {"type": "string"},
                        "person_id": {"type": "string", "format": "uuid"},
                        "created_at": {"type": "string"},
                        "checklist": {"type": "array", "items": {"type": "object"}},
                        "links": {"type": "array", "items": {"type": "string"}},
                    },
                },
            }
        },
    },
}


class Publishing(msgspec.Struct):
    """How previews are dealt with."""

    no_job: bool = False
    normalize: bool = True


async def _publish(
    request: Request[Any, Any, Any], db: Database, caller: Caller, query: Publishing, task_id: UUID | None
) -> Json:
    in_job = settings().enable_job_queue and not query.no_job
    async with received_form(request) as form:
        if is_form(request):
            if "comments" not in form.fields:
                raise BadRequest("comments is required.")
            document: Any = {"comments": decode_json(form.fields["comments"].encode())}
        else:
            document = await json_value(request)
        batch = batch_comments.batch_of(document, form, task_id)
        return await batch_comments.publish(db, caller, batch, in_job=in_job, normalize=query.normalize)


@post(
    "/actions/tasks/{task_id:uuid}/batch-comment", access=member_of_task.further("refused as a single one"), **_DECLARED
)
async def publish_on_task(
    task_id: UUID, request: Request[Any, Any, Any], query: Publishing, db: Database, caller: Caller
) -> Json:
    """Post comments on a task, with their files `attachment_file-{i}` and previews `preview_file-{i}`.

    A JSON object, or a form whose field `comments` is a JSON list. All comments are posted or none.
    """
    return await _publish(request, db, caller, query, task_id)


@post("/actions/tasks/batch-comment", access=authenticated.further("who may comment each of the tasks"), **_DECLARED)
async def publish_on_tasks(request: Request[Any, Any, Any], query: Publishing, db: Database, caller: Caller) -> Json:
    """The same for comments on several tasks: each names its `task_id`."""
    return await _publish(request, db, caller, query, None)
