"""What rows of a sheet do to tasks: make them, assign them, comment them. Source: spec exchange, "Task step of a row".

Rows are judged by what is known of the tasks. Where a status sets off others, comments are posted task type by task
type, and judged once more right before.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pegbar.core.data.database import Transaction
from pegbar.core.http.access import Caller
from pegbar.exchange.sheets import queries
from pegbar.exchange.sheets.columns import Row
from pegbar.tasks.actions import assign_pairs
from pegbar.tasks.batches.actions import create_missing
from pegbar.tasks.comments.posting import NewComment, post_allowed
from pegbar.tasks.comments.subject import Wish, load_many

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

    async def write(self, tx: Transaction, caller: Caller, project_id: UUID, turns: Sequence[Collection[UUID]]) -> None:
        """Make the tasks, assign them, post the comments, those on tasks of the types of one turn after the other."""
        missing = [key for key, task in self._tasks.items() if task.id is None]
        if missing:
            made = await create_missing(tx, project_id, missing)
            for key in missing:
                self._tasks[key].id = made[key]
        added = [(_id(task), who) for task in self._tasks.values() for who in task.added]
        await assign_pairs(tx, caller.id, added, just_made=[_id(self._tasks[key]) for key in missing])
        for type_ids in turns:
            tasks = [task for (_, type_id), task in self._tasks.items() if type_id in type_ids and task.works]
            await _post(tx, caller, tasks)


def _id(task: _Task) -> UUID:
    assert task.id is not None
    return task.id


async def _post(tx: Transaction, caller: Caller, tasks: Sequence[_Task]) -> None:
    """Post what is to be said on these tasks. Retakes over the cap are passed over."""
    ids = [_id(task) for task in tasks]
    statuses = {row["id"]: row["task_status_id"] for row in await tx.rows(queries.STATUSES_OF_TASKS, ids=ids)}
    wishes = []
    for task in tasks:
        task_id = _id(task)
        for work in task.works:
            if work.speaks(statuses[task_id]):
                wishes.append(Wish(task_id, work.status_id, caller.id, work.comment or ""))
                statuses[task_id] = work.status_id or statuses[task_id]
    subjects = await load_many(tx, wishes)
    await post_allowed(tx, [(subject, NewComment(subject.wish.text)) for subject in subjects])
