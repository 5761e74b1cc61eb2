"""Where higher domains take part in what happens to tasks and comments."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pegbar.core.data.database import Transaction
from pegbar.core.hooks import Hook


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


@dataclass(frozen=True)
class TaskRemoval:
    """Tasks about to be removed for good. Their rows and comments still exist; nothing may refer to them afterwards."""

    tx: Transaction
    task_ids: Sequence[UUID]
    #: Their entities and production go too: every binary is removed, not only marked, and nothing takes its place.
    whole: bool = False


#: Tasks are removed with all that belongs to them: whoever owns rows that refer to tasks deletes them.
#: Orders: files -10 (working files and what was made from them), media 0 (previews), planning 10.
TASKS_REMOVED: Hook[TaskRemoval] = Hook("tasks are removed with what belongs to them")
