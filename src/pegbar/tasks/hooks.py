"""Where higher domains take part in what happens to tasks and comments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import fields
from sqlalchemy import ARRAY

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import TIMESTAMP, Boolean, Uuid
from pegbar.core.hooks import Hook, StatementHook

M = TypeVar("M", bound=msgspec.Struct)


@dataclass(frozen=True)
class RevisionImport:
    """The previews of a task's last revision are to follow its status to a comment of the next task."""

    tx: Transaction
    from_task_id: UUID
    to_task_id: UUID
    to_comment_id: UUID
    project_id: UUID
    author_id: UUID


#: An automation takes the last revision to the next task: media copies the previews, whose files it owns.
REVISION_IMPORTED: Hook[RevisionImport] = Hook("an automation takes the last revision to the next task")


@dataclass(frozen=True)
class PreviewsOrphaned:
    """The comment that held these previews is gone; so are its links to them."""

    tx: Transaction
    preview_file_ids: Sequence[UUID]


#: Media removes the previews (rows, files, main previews) with the comment that held them.
PREVIEWS_ORPHANED: Hook[PreviewsOrphaned] = Hook("a comment with previews is gone")


# What people may want to be told

_IDS = "comment_id task_id project_id task_type_id parent_id author_id starter_id reply_id"
_TYPES: dict[str, Any] = {
    **dict.fromkeys(_IDS.split(), Uuid),
    **dict.fromkeys(("persons", "departments", "repliers"), ARRAY(Uuid)),
    **dict.fromkeys(("for_client", "by_client", "changes_status"), Boolean),
    **dict.fromkeys(("at", "now"), TIMESTAMP),
}


def _told(moment: str, kind: type[M], *, key: str = "comment_id") -> StatementHook[M]:
    """A moment that people may want to be told of: its fields are the columns that statements find."""
    types = {field.name: _TYPES[field.name] for field in fields(kind) if field.name in _TYPES}
    return StatementHook(moment, key=key, types=types)


class CommentAdded(msgspec.Struct, frozen=True):
    """A comment that comes to a task: posted, or moved from another one."""

    tx: Transaction
    comment_id: UUID
    task_id: UUID
    project_id: UUID
    task_type_id: UUID | None
    parent_id: UUID | None  #: what the entity lies below
    author_id: UUID
    persons: Sequence[UUID]  #: whom the text names
    departments: Sequence[UUID]
    for_client: bool
    by_client: bool
    changes_status: bool
    at: datetime  #: when it was made
    now: datetime


class CommentEdited(msgspec.Struct, frozen=True):
    """A comment whose text becomes another one."""

    tx: Transaction
    comment_id: UUID
    task_id: UUID
    project_id: UUID
    author_id: UUID
    persons: Sequence[UUID]  #: whom the text names now
    departments: Sequence[UUID]
    for_client: bool
    by_client: bool
    now: datetime


class ReplyAdded(msgspec.Struct, frozen=True):
    """An answer to a comment."""

    tx: Transaction
    comment_id: UUID
    task_id: UUID
    project_id: UUID
    reply_id: UUID
    author_id: UUID
    starter_id: UUID  #: the author of the comment
    repliers: Sequence[UUID]  #: who answered before
    persons: Sequence[UUID]  #: whom the text names
    departments: Sequence[UUID]
    for_client: bool
    by_client: bool  #: the comment is a client's
    now: datetime


class CommentLeft(msgspec.Struct, frozen=True):
    """A comment that goes to another task."""

    tx: Transaction
    comment_id: UUID
    now: datetime


class ReplyRemoved(msgspec.Struct, frozen=True):
    """An answer that is taken back."""

    tx: Transaction
    comment_id: UUID
    reply_id: UUID
    now: datetime


#: Notifications are written, and forgotten, in the statements that write and remove what they tell.
COMMENT_ADDED = _told("a comment comes to a task", CommentAdded)
COMMENT_EDITED = _told("the text of a comment becomes another one", CommentEdited)
COMMENT_LEFT = _told("a comment leaves its task for another", CommentLeft)
REPLY_ADDED = _told("a comment is answered", ReplyAdded, key="reply_id")
REPLY_REMOVED = _told("an answer is taken back", ReplyRemoved, key="reply_id")


@dataclass(frozen=True)
class Assignment:
    """Tasks that persons got."""

    tx: Transaction
    author_id: UUID
    task_ids: Sequence[UUID]
    person_ids: Sequence[UUID]


#: Notifications tell the persons.
TASKS_ASSIGNED: Hook[Assignment] = Hook("persons get tasks")
