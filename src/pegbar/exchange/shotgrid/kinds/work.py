"""Tasks, what is made for them and what is said of it. Source: spec exchange, "Shotgun import"."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import any_

from pegbar.core.data.database import Transaction
from pegbar.core.data.wire import wire_of
from pegbar.exchange.shotgrid.kind import BESIDE_IDS, NUMBER, Columns, Draft, Kind, by
from pegbar.exchange.shotgrid.queries import (
    ENTITY,
    PERSON,
    PROJECT,
    STATUS,
    STEP,
    TASK,
    held_tasks,
    last_revisions,
)
from pegbar.exchange.shotgrid.records import (
    Key,
    Record,
    document,
    first,
    moment,
    number_of,
    text_of,
    typed_entity,
    user_of,
)
from pegbar.media.tables import preview_file
from pegbar.tasks.batches.actions import default_status
from pegbar.tasks.comments.shapes import COMMENT
from pegbar.tasks.shapes import ASSIGNEES
from pegbar.tasks.shapes import TASK as TASK_ROW
from pegbar.tasks.tables import comment, task

# The work

_SAME_TASK = ("name", "project_id", "task_type_id", "entity_id")


def _settle_task(draft: Draft) -> None:
    if draft.way:
        draft.columns = {name: value for name, value in draft.columns.items() if name not in _SAME_TASK}


async def _fresh_task(tx: Transaction, _: UUID) -> Columns:
    return {"task_status_id": await default_status(tx, for_concept=False)}


TASKS = Kind(
    "tasks",
    "task",
    task,
    TASK_ROW,
    keys=(
        Key("id", task.c.shotgun_id),
        Key("cached_display_name", task.c.name),
        Key("step", task.c.task_type_id, read=number_of, names=STEP, absent="refuse", null="skip", unknown="skip"),
        Key("project", task.c.project_id, read=number_of, names=PROJECT, absent="refuse", null="skip", unknown="skip"),
        Key("entity", task.c.entity_id, read=typed_entity, names=ENTITY, null="skip", unknown="skip"),
        Key("start_date", task.c.start_date, absent="keep"),
        Key("due_date", task.c.due_date, absent="keep"),
        Key("sg_sort_order", task.c.sort_order, absent="keep", null="keep"),
        Key("duration", task.c.duration, absent="keep", null="keep"),
        Key(
            "sg_status_list",
            task.c.task_status_id,
            read=text_of,
            names=STATUS,
            absent="keep",
            null="keep",
            unknown="keep",
        ),
        Key("created_by", task.c.assigner_id, read=user_of, names=PERSON, absent="keep"),
        Key("task_assignees", ASSIGNEES, read=user_of, names=PERSON, many=True, absent="keep", unknown="skip"),
    ),
    found_by=(NUMBER, by(*_SAME_TASK)),
    beside=task.c.entity_id == any_(BESIDE_IDS),
    beside_values=lambda columns: columns["entity_id"],
    settle=_settle_task,
    fresh=_fresh_task,
)


async def _revisions(tx: Transaction, versions: Sequence[Columns]) -> dict[Any, Any]:
    task_ids = sorted({columns["task_id"] for columns in versions})
    await tx.execute(held_tasks, ids=task_ids)
    return {row["task_id"]: row["last"] or 0 for row in await tx.rows(last_revisions, ids=task_ids)}


def _settle_version(draft: Draft) -> None:
    """New versions of a task are its next revisions."""
    if draft.row is None:
        task_id = draft.columns["task_id"]
        draft.facts[task_id] = draft.columns["revision"] = draft.facts.get(task_id, 0) + 1


def _movie(values: Columns, _: Record) -> Columns:
    movie = values["sg_uploaded_movie"]
    return {"uploaded_movie_url": movie.get("url"), "uploaded_movie_name": movie.get("name")}


async def _fresh_version(_: Transaction, __: UUID) -> Columns:
    return {"source": "Shotgun"}


VERSIONS = Kind(
    "versions",
    "version",
    preview_file,
    wire_of(preview_file, "PreviewFile"),
    keys=(
        Key("id", preview_file.c.shotgun_id),
        Key("code", preview_file.c.name),
        Key("description", preview_file.c.description, absent="keep"),
        Key("user", preview_file.c.person_id, read=user_of, names=PERSON, absent="keep"),
        Key(
            "sg_task", preview_file.c.task_id, read=number_of, names=TASK, absent="refuse", null="skip", unknown="skip"
        ),
        Key("sg_uploaded_movie", read=document),
    ),
    found_by=(NUMBER, by("name", "task_id")),
    beside=preview_file.c.task_id == any_(BESIDE_IDS),
    beside_values=lambda columns: columns["task_id"],
    derive=_movie,
    settle=_settle_version,
    fresh=_fresh_version,
    facts=_revisions,
)


async def _fresh_note(_: Transaction, __: UUID) -> Columns:
    return {"object_type": "Task"}


NOTES = Kind(
    "notes",
    "note",
    comment,
    COMMENT,
    keys=(
        Key("id", comment.c.shotgun_id),
        Key("content", comment.c.text, read=lambda value: value if value is not None else ""),
        Key("user", comment.c.person_id, read=user_of, names=PERSON, unknown="skip"),
        Key("created_at", comment.c.created_at, read=moment),
        Key(
            "tasks",
            comment.c.object_id,
            read=first(number_of),
            names=TASK,
            absent="refuse",
            null="skip",
            unknown="skip",
        ),
    ),
    fresh=_fresh_note,
)
