"""What rows of a sheet do to tasks: make them, assign them, comment them. Source: spec exchange, "Task step of a row".

Rows are judged by what is known of the tasks. Where a status sets off others, comments are posted task type by task
type, and judged once more right before.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from msgspec.structs import replace

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import utc_now
from pegbar.core.http.access import Caller
from pegbar.exchange.sheets import queries
from pegbar.exchange.sheets.columns import Row
from pegbar.tasks.actions import assign_pairs
from pegbar.tasks.batches.actions import NO_STATES, Pair, create_missing, default_status
from pegbar.tasks.comments.posting import NewComment, post_allowed
from pegbar.tasks.comments.subject import Subject, Wish, load_many, status_of
from pegbar.tasks.state import TaskState, after_status

#: The keys of the columns of a task type: `(STATUS, task_type_id)`.
STATUS, COMMENT, ASSIGNEES = "status", "comment", "assignees"


@dataclass(frozen=True)
class Work:
    """What a row says of a task."""

    task_type_id: UUID
    status_id: UUID | None
    comment: str | None  #: None when the file has no such column
    assignees: Sequence[UUID]

    @property
    def is_wanted(self) -> bool:
        """Whether the row says anything of it."""
        return self.status_id is not None or bool(self.comment) or bool(self.assignees)

    def speaks(self, status_id: UUID | None) -> bool:
        """Whether a comment is posted on a task in this status."""
        return self.comment is not None or self.status_id not in (None, status_id)


def work_of(row: Row, task_type_ids: Iterable[UUID]) -> list[Work]:
    """What a row says of tasks of these types, in their order."""
    values = row.values
    works = [
        Work(
            type_id, values.get((STATUS, type_id)), values.get((COMMENT, type_id)), values.get((ASSIGNEES, type_id), ())
        )
        for type_id in task_type_ids
    ]
    return [work for work in works if work.is_wanted]


@dataclass
class _Task:
    """A task that is there, or has to be made; its status as far as it is known."""

    id: UUID | None = None
    status_id: UUID | None = None
    assignees: set[UUID] = field(default_factory=set)
    added: list[UUID] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    before: TaskState | None = None  #: what it would be without its comment, when it is made as it is with it


class TaskStep:
    """The tasks of the entities of a batch, by entity and task type, and what becomes of them."""

    def __init__(self) -> None:
        self._tasks: dict[tuple[UUID, UUID], _Task] = {}

    async def look_up(self, tx: Transaction, entity_ids: Sequence[UUID]) -> None:
        """Learn which tasks there are."""
        self._tasks = {}
        for row in await tx.rows(queries.TASKS, ids=list(entity_ids)) if entity_ids else ():
            known = _Task(row["id"], row["task_status_id"], set(row["assignees"]))
            self._tasks[row["entity_id"], row["task_type_id"]] = known

    def need(self, entity_id: UUID, task_type_ids: Iterable[UUID]) -> bool:
        """Have these tasks made if they are missing; whether one was."""
        missing = [(entity_id, type_id) for type_id in task_type_ids if (entity_id, type_id) not in self._tasks]
        self._tasks.update({key: _Task() for key in missing})
        return bool(missing)

    def take(self, entity_id: UUID, works: Sequence[Work]) -> bool:
        """Have this done to tasks of an entity; whether that changes something."""
        changes = self.need(entity_id, [work.task_type_id for work in works])
        for work in works:
            task = self._tasks[entity_id, work.task_type_id]
            added = [person_id for person_id in work.assignees if person_id not in task.assignees]
            task.assignees.update(added)
            task.added += added
            changes = changes or bool(added) or work.speaks(task.status_id)
            task.status_id = work.status_id or task.status_id
            task.works.append(work)
        return changes

    async def write(
        self, tx: Transaction, caller: Caller, project_id: UUID, turns: Sequence[Collection[UUID]], *, foresees: bool
    ) -> None:
        """Make the tasks, assign them, post the comments, those on tasks of the types of one turn after the other.

        It `foresees` what comments make of new tasks unless some set off others.
        """
        missing = [key for key, task in self._tasks.items() if task.id is None]
        new: frozenset[UUID] = frozenset()
        if missing:
            first = TaskState(await default_status(tx, for_concept=False))
            states = await self._foreseen(tx, missing, first) if foresees else NO_STATES
            task_ids, new = await create_missing(tx, project_id, missing, states)
            for key in missing:
                task = self._tasks[key]
                task.id = task_ids[key]
                task.before = first if key in states and task.id in new else None
        added = [(_id(task), who) for task in self._tasks.values() for who in task.added]
        await assign_pairs(tx, caller.id, added, just_made=list(new))
        for type_ids in turns:
            tasks = [task for (_, type_id), task in self._tasks.items() if type_id in type_ids and task.works]
            await _post(tx, caller, tasks)

    async def _foreseen(self, tx: Transaction, missing: Sequence[Pair], first: TaskState) -> Mapping[Pair, TaskState]:
        """What the comment on each new task makes of it, if it is one; nothing when hashtags lead to other tasks."""
        if any("#" in (work.comment or "") for task in self._tasks.values() for work in task.works):
            return NO_STATES
        works = {key: task.works[0] for key in missing if len((task := self._tasks[key]).works) == 1}
        wanted = {
            key: work.status_id or first.task_status_id
            for key, work in works.items()
            if work.speaks(first.task_status_id)
        }
        rows = await tx.rows(queries.STATUSES_WITH_IDS, ids=list(set(wanted.values())))
        statuses = {row["id"]: status_of(row) for row in rows}
        now = utc_now()
        return {
            key: after_status(first, statuses[status_id], now + timedelta(microseconds=number))
            for number, (key, status_id) in enumerate(wanted.items())
            if status_id in statuses
        }


def _id(task: _Task) -> UUID:
    assert task.id is not None
    return task.id


async def _post(tx: Transaction, caller: Caller, tasks: Sequence[_Task]) -> None:
    """Post what is to be said on these tasks. Retakes over the cap are passed over."""
    ids = [_id(task) for task in tasks if task.before is None]
    statuses = {row["id"]: row["task_status_id"] for row in await tx.rows(queries.STATUSES_OF_TASKS, ids=ids)}
    wishes = []
    before: list[TaskState | None] = []
    for task in tasks:
        task_id = _id(task)
        for work in task.works:
            if task.before is None:
                if not work.speaks(statuses[task_id]):
                    continue
                statuses[task_id] = work.status_id or statuses[task_id]
            wishes.append(Wish(task_id, work.status_id, caller.id, work.comment or ""))
            before.append(task.before)
    subjects = await load_many(tx, wishes)
    await post_allowed(tx, [_said(*about) for about in zip(subjects, before, strict=True)])


def _said(subject: Subject, before: TaskState | None) -> tuple[Subject, NewComment]:
    """What is said of a task. It was as `before` when it is written already as this will have it."""
    text = subject.wish.text
    if before is None:
        return subject, NewComment(text)
    written = subject.state
    return replace(subject, state=before, written=written), NewComment(text, created_at=written.last_comment_date)
