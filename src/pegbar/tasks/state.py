"""What a status does to a task: the one place that knows. Source: spec tasks, "Task state" and "Worth fixing".

The same function is used when a comment is posted and when a task is worked out again from its comments (one was
deleted, moved, edited, or posted with an older date), so both always agree.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import reduce
from uuid import UUID

import msgspec
from msgspec.structs import replace


class Status(msgspec.Struct, frozen=True):
    """A task status and what it stands for."""

    id: UUID
    is_done: bool = False
    is_retake: bool = False
    is_wip: bool = False
    is_feedback_request: bool = False


class TaskState(msgspec.Struct, frozen=True):
    """The columns of a task that its comments decide."""

    task_status_id: UUID | None = None
    retake_count: int = 0
    real_start_date: datetime | None = None
    end_date: datetime | None = None
    done_date: datetime | None = None
    last_comment_date: datetime | None = None


def after_status(task: TaskState, status: Status, at: datetime) -> TaskState:
    """The task after a comment with this status at this time. A status given again changes no count and no date."""
    commented = replace(task, task_status_id=status.id, last_comment_date=at)
    if status.id == task.task_status_id:
        return commented
    end_date = task.end_date if status.is_done else None
    return replace(
        commented,
        retake_count=task.retake_count + status.is_retake,
        real_start_date=at if status.is_wip and task.real_start_date is None else task.real_start_date,
        end_date=at if status.is_feedback_request else end_date,
        done_date=at if status.is_done else None,
    )


def after_comments(default_status_id: UUID | None, comments: Iterable[tuple[Status, datetime]]) -> TaskState:
    """The task after these comments, oldest first, from its first status on."""
    return reduce(
        lambda task, comment: after_status(task, *comment), comments, TaskState(task_status_id=default_status_id)
    )


def next_moment(task: TaskState, at: datetime) -> datetime:
    """When a newest comment was made: after the last one, though the clock or the caller tells only the second."""
    last = task.last_comment_date
    return at if last is None or at > last else last + timedelta(microseconds=1)


def is_latest(task: TaskState, at: datetime) -> bool:
    """Whether a comment of this time is the newest of the task, to the second."""
    last = task.last_comment_date
    return last is None or last.replace(microsecond=0) <= at.replace(microsecond=0)
