"""The JSON of comments, as they are told and as they are sent.

Source: spec tasks, "Comment row", JSON variants; POST /actions/tasks/{task_id}/comment.
"""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from sqlalchemy import ColumnElement, Select, Text, Uuid, case, cast, exists, func, literal_column, select
from sqlalchemy.dialects.postgresql import JSONB

from pegbar.accounts.shapes import SHORT
from pegbar.accounts.tables import person
from pegbar.core.data.changes import Relation
from pegbar.core.data.values import check_json, check_text
from pegbar.core.data.wire import JsonText, Wire, json_list, json_object, json_text, wire_of
from pegbar.core.errors import ApiError, BadRequest, InvalidBody, NotFound
from pegbar.core.http.body import Strict, decode_json
from pegbar.core.storage import stored_file
from pegbar.media.tables import preview_file
from pegbar.studio.tables import task_status
from pegbar.tasks.tables import (
    attachment_file,
    comment,
    comment_acknoledgments,
    comment_department_mentions,
    comment_mentions,
    comment_preview_link,
)

PREVIEWS = Relation("previews", comment_preview_link.c.comment, comment_preview_link.c.preview_file)
MENTIONS = Relation("mentions", comment_mentions.c.comment, comment_mentions.c.person)
DEPARTMENT_MENTIONS = Relation(
    "department_mentions", comment_department_mentions.c.comment, comment_department_mentions.c.department
)
ACKNOWLEDGEMENTS = Relation("acknowledgements", comment_acknoledgments.c.comment, comment_acknoledgments.c.person)

#: Every column.
COMMENT = wire_of(comment, "Comment")

ATTACHMENT = wire_of(attachment_file).only("id", "name", "extension", "size")
ATTACHMENT_WITH_REPLY = ATTACHMENT.but(reply_id=attachment_file.c.reply_id)
PREVIEW = wire_of(preview_file).only(
    "id",
    "task_id",
    "revision",
    "extension",
    "width",
    "height",
    "duration",
    "status",
    "validation_status",
    "original_name",
    "position",
    "annotations",
)


#: Attachments whose file is known to be gone, or never came, cannot be fetched: a comment does not offer them.
_GONE = exists().where(
    stored_file.c.bucket == literal_column("'files'"),
    stored_file.c.key == literal_column("'attachments-'", Text).concat(cast(attachment_file.c.id, Text)),
    stored_file.c.deleted_at.is_not(None),
)


def _attachments(wire: Wire) -> ColumnElement[str]:
    return json_list(
        select(json_object(wire))
        .where(attachment_file.c.comment_id == comment.c.id, ~_GONE)
        .order_by(attachment_file.c.created_at, attachment_file.c.id)
        .correlate(comment)
    )


def _previews_of() -> Select[Any]:
    return (
        select(json_object(PREVIEW))
        .join(comment_preview_link, comment_preview_link.c.preview_file == preview_file.c.id)
        .where(comment_preview_link.c.comment == comment.c.id)
        .order_by(preview_file.c.position, preview_file.c.created_at)
        .correlate(comment)
    )


#: A comment's previews, and what clients get of them.
PREVIEW_OBJECTS = json_list(_previews_of())
PREVIEW_OBJECTS_FOR_CLIENTS = json_list(_previews_of().where(preview_file.c.validation_status != "rejected"))
ATTACHMENTS = _attachments(ATTACHMENT)
ATTACHMENTS_WITH_REPLY = _attachments(ATTACHMENT_WITH_REPLY)
ATTACHMENT_IDS = json_list(
    select(attachment_file.c.id).where(attachment_file.c.comment_id == comment.c.id).correlate(comment)
)
AUTHOR = select(json_object(SHORT)).where(person.c.id == comment.c.person_id).correlate(comment).scalar_subquery()
_editor = person.alias("editor")
EDITOR = (
    select(json_object(wire_of(_editor).only("id", "first_name", "last_name", "has_avatar", "role")))
    .where(_editor.c.id == comment.c.editor_id)
    .correlate(comment)
    .scalar_subquery()
)
STATUS = (
    select(json_object(wire_of(task_status, "TaskStatus")))
    .where(task_status.c.id == comment.c.task_status_id)
    .correlate(comment)
    .scalar_subquery()
)
STATUS_IN_SHORT = (
    select(json_object(wire_of(task_status).only("id", "name", "short_name", "color")))
    .where(task_status.c.id == comment.c.task_status_id)
    .correlate(comment)
    .scalar_subquery()
)


_UUID = "'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'"


def _replies() -> ColumnElement[str]:
    """The replies, each with its author."""
    replier = person.alias("replier")
    elements = func.jsonb_array_elements(comment.c.replies).table_valued("value", with_ordinality="n", name="reply")
    reply = elements.render_derived(name="reply")
    short = wire_of(replier).only("id", "first_name", "last_name", "has_avatar", "role")
    short["full_name"] = func.concat_ws(
        " ", func.nullif(replier.c.first_name, ""), func.nullif(replier.c.last_name, ""), type_=Text
    )
    author = cast(cast(json_object(short), Text), JSONB)
    value = literal_column("reply.value", JSONB)
    person_id = value.op("->>")(literal_column("'person_id'"))
    replied_by = case((person_id.op("~")(literal_column(_UUID)), cast(person_id, Uuid)))
    whole = value.op("||")(
        func.jsonb_build_object(literal_column("'person'"), case((replier.c.id.is_not(None), author)))
    )
    listed = (
        select(cast(whole, JSONB).label("whole"))
        .select_from(reply.outerjoin(replier, replier.c.id == replied_by))
        .order_by(literal_column("reply.n"))
        .correlate(comment)
    )
    some = (func.jsonb_typeof(comment.c.replies) == literal_column("'array'")) & (
        comment.c.replies != literal_column("'[]'::jsonb")
    )
    return case((some, json_list(listed)), else_=literal_column("'[]'", Text)).cast(JsonText())


REPLIES = _replies()

#: With the ids of everything that hangs on it.
WITH_IDS = COMMENT.but(
    previews=PREVIEWS.ids(comment),
    mentions=MENTIONS.ids(comment),
    department_mentions=DEPARTMENT_MENTIONS.ids(comment),
    acknowledgements=ACKNOWLEDGEMENTS.ids(comment),
    attachment_files=ATTACHMENT_IDS,
)
#: The answer to posting it.
POSTED = WITH_IDS.but(attachment_files=ATTACHMENTS, task_status=STATUS, person=AUTHOR)
#: In the thread of its task.
LISTED = WITH_IDS.but(
    person=AUTHOR,
    editor=EDITOR,
    task_status=STATUS_IN_SHORT,
    previews=PREVIEW_OBJECTS,
    attachment_files=ATTACHMENTS_WITH_REPLY,
    replies=REPLIES,
)
#: One row read through its table.
READ = WITH_IDS.but(person=AUTHOR, replies=REPLIES, attachment_files=ATTACHMENTS)


def _unless_hidden(shown: ColumnElement[bool], value: ColumnElement[str], hidden: str) -> ColumnElement[str]:
    """The JSON of a value, or what stands in its place when the comment itself is not for the caller."""
    return case((shown, json_text(value)), else_=literal_column(f"'{hidden}'", Text)).cast(JsonText())


def listed_for_clients(shown: ColumnElement[bool]) -> Wire:
    """The thread as a client gets it: of a comment that is not for them only the pictures."""
    hidden = {
        "text": '""',
        "attachment_files": "[]",
        "checklist": "[]",
        "replies": "[]",
        "links": "[]",
        "mentions": "[]",
        "department_mentions": "[]",
        "acknowledgements": "[]",
        "data": "null",
    }
    wire = LISTED.but(previews=PREVIEW_OBJECTS_FOR_CLIENTS)
    return wire.but(**{key: _unless_hidden(shown, wire[key], instead) for key, instead in hidden.items()})


# As they are sent

_DATE = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")


class PostedComment(Strict):
    """A comment with the status it gives its task. Forms send the lists as JSON text."""

    task_status_id: str
    comment: str = ""
    checklist: list[Any] | str | None = None
    links: list[Any] | str | None = None
    person_id: str = ""
    created_at: str = ""
    for_client: bool | str | int = False

    def items(self, name: str) -> list[Any]:
        """A list of the body, from JSON or from text holding JSON."""
        value = getattr(self, name)
        if isinstance(value, str):
            value = _parsed(name, value)
        if value is None:
            return []
        if not isinstance(value, list):
            raise BadRequest(f"{name} must be a list.")
        check_json(name, value)
        return value

    @property
    def text(self) -> str:
        """The text, or 400 when it cannot be stored."""
        check_text("comment", self.comment)
        return self.comment

    @property
    def link_texts(self) -> list[str]:
        """The links, stored as text."""
        return [link if isinstance(link, str) else msgspec.json.encode(link).decode() for link in self.items("links")]

    @property
    def is_for_client(self) -> bool:
        """Whether it is for clients; a form sends text."""
        value = self.for_client
        return value.lower() in ("true", "1", "yes", "on") if isinstance(value, str) else bool(value)

    @property
    def date(self) -> datetime | None:
        """The date to give it; None when absent or not a date."""
        if not _DATE.fullmatch(self.created_at):
            return None
        try:
            return datetime.fromisoformat(self.created_at)
        except ValueError:
            return None


def _parsed(name: str, value: str) -> Any:
    if not value.strip():
        return None
    try:
        return decode_json(value.encode())
    except (ApiError, UnicodeEncodeError):
        raise InvalidBody([(name, "This is not a JSON list.")]) from None


def known_id(name: str, value: str) -> UUID:
    """An id of a body; one that is no UUID names nothing: 404."""
    try:
        return UUID(value)
    except ValueError:
        raise NotFound(f"{name} names nothing.", field=name) from None


def is_form(request: Request[Any, Any, Any]) -> bool:
    """Whether the request is a form with files."""
    return str(request.headers.get("content-type", "")).lower().startswith("multipart/form-data")
