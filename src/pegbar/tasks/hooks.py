"""Where higher domains take part in what happens to tasks and comments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import TIMESTAMP, Boolean, Uuid
from pegbar.core.hooks import Hook, StatementHook


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


@dataclass(frozen=True)
class CommentAdded:
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


@dataclass(frozen=True)
class CommentEdited:
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


@dataclass(frozen=True)
class ReplyAdded:
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


@dataclass(frozen=True)
class CommentLeft:
    """A comment that goes to another task."""

    tx: Transaction
    comment_id: UUID
    now: datetime


@dataclass(frozen=True)
class ReplyRemoved:
    """An answer that is taken back."""

    tx: Transaction
    comment_id: UUID
    reply_id: UUID
    now: datetime


#: Notifications are written, and forgotten, in the statements that write and remove what they tell.
COMMENT_ADDED: StatementHook[CommentAdded] = StatementHook("a comment comes to a task", _TYPES)
COMMENT_EDITED: StatementHook[CommentEdited] = StatementHook("the text of a comment becomes another one", _TYPES)
COMMENT_LEFT: StatementHook[CommentLeft] = StatementHook("a comment leaves its task for another", _TYPES)
REPLY_ADDED: StatementHook[ReplyAdded] = StatementHook("a comment is answered", _TYPES)
REPLY_REMOVED: StatementHook[ReplyRemoved] = StatementHook("an answer is taken back", _TYPES)


@dataclass(frozen=True)
class Assignment:
    """Tasks that persons got."""

    tx: Transaction
    author_id: UUID
    task_ids: Sequence[UUID]
    person_ids: Sequence[UUID]


#: Notifications tell the persons.
TASKS_ASSIGNED: Hook[Assignment] = Hook("persons get tasks")
