"""Routes that comment many tasks. Source: spec tasks, comment-many and copy-client-comments."""

import re
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.values import check_text
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, at, manager_of, member_of
from pegbar.core.http.body import Strict, decode_json, json_value
from pegbar.core.http.routing import post
from pegbar.core.http.uploads import Form, received_form
from pegbar.tasks.comments import many
from pegbar.tasks.comments.attachments import StoredFile, discard, keep
from pegbar.tasks.comments.bodies import is_form
from pegbar.tasks.comments.routes import written
from pegbar.tasks.comments.shapes import POSTED
from pegbar.tasks.events import COMMENT_NEW, NEWS_NEW, TASK_STATUS_CHANGED, TASK_UPDATE

_PATH = "/actions/projects/{project_id:uuid}/tasks"
_EVENTS = (COMMENT_NEW, TASK_UPDATE, TASK_STATUS_CHANGED, NEWS_NEW)
_COMMENTS_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "object_id": {"type": "string", "format": "uuid", "description": "The task"},
            "task_status_id": {"type": "string", "format": "uuid"},
            "comment": {"type": "string"},
            "links": {"type": "array", "items": {"type": "string"}},
        },
    },
}
_ATTACHED = re.compile(r"attachment_file-(\d{1,6})(?:-\d+)?")


@post(
    _PATH + "/comment-many",
    access=member_of(at("project", "project_id")).further("comments on tasks they may not act on are passed over"),
    returns=[POSTED],
    events=_EVENTS,
    errors=(400, 403, 404),
    body_schema=_COMMENTS_SCHEMA,
)
async def comment_many(project_id: UUID, request: Request[Any, Any, Any], db: Database, caller: Caller) -> Json:
    """Comment many tasks at once, all or none: a JSON list, or a form with `comments` and `attachment_file-{i}-{j}`.

    Answers the comments posted. 403 for a status that the caller's role may not give, 400 when retakes are used up.
    """
    async with received_form(request) as form:
        words = many.words_of(decode_json(_comments(form)) if is_form(request) else await json_value(request))
        if any(each.field.startswith("preview_file") for each in form.files):
            raise BadRequest("Previews are added to a comment once it is posted.")
        files = await keep(form)
    by_place: dict[int, list[StoredFile]] = {}
    for each in files:
        if match := _ATTACHED.fullmatch(each.field):
            by_place.setdefault(int(match[1]), []).append(each)

    async def say(tx: Transaction) -> tuple[Json, set[int]]:
        return await many.say_many(tx, caller, words, by_place)

    posted, places = await written(db, caller, say, files)
    taken = {each.id for place in places for each in by_place.get(place, ())}
    await discard([each for each in files if each.id not in taken])
    return posted


def _comments(form: Form) -> bytes:
    if "comments" not in form.fields:
        raise BadRequest("The form has no field comments.")
    return form.fields["comments"].encode()


class ClientComments(Strict):
    """The tasks whose last client comment is said again, and what comes before it."""

    task_ids: Annotated[list[UUID], msgspec.Meta(min_length=1)]
    prefix: str = ""


@post(
    _PATH + "/copy-client-comments",
    access=manager_of("project_id"),
    returns=[POSTED],
    events=_EVENTS,
    errors=(400,),
)
async def copy_client_comments(project_id: UUID, body: ClientComments, tx: Transaction, caller: Caller) -> Json:
    """Say again, for the studio, what clients said last on tasks; the comments, by their tasks' ids."""
    check_text("prefix", body.prefix)
    return await many.copy_last_of_clients(tx, caller, project_id, body.task_ids, body.prefix)
