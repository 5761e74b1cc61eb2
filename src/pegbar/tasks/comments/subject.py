"""The task that somebody comments: everything the rules of a comment need, in one statement that locks the task.

The statement takes any number of comments that are going to be made.

Whom a text names is found here too: mentions of people and departments, hashtags of task types. A name counts when
nothing that could belong to it follows: the end, a space, punctuation or a new line.
Source: spec tasks, "Posting a comment", "Parsing the text".
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec
from msgspec.structs import replace

from pegbar.accounts.standing import as_text, members, on, somebody_written, written
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Boolean, Integer, Uuid
from pegbar.core.data.unnest import AboutRows
from pegbar.core.errors import NotFound
from pegbar.entities.kinds import CONCEPT, kind_of
from pegbar.tasks.state import Status, TaskState

K = TypeVar("K")


class Wish(msgspec.Struct, frozen=True):  # as all here: quick to make, an import has thousands
    """A comment that is going to be made: on which task, with which status (None: the task's own), by whom."""

    task_id: UUID
    status_id: UUID | None
    author_id: UUID
    text: str
    hashtags: bool = True  #: those of the text count

    @property
    def names_people(self) -> bool:
        return "@" in self.text

    @property
    def names_tasks(self) -> bool:
        return self.hashtags and "#" in self.text


class Automation(msgspec.Struct, frozen=True):
    """What a status sets off: a comment on the next task, or the asset's readiness."""

    id: UUID
    out_field_type: str
    out_task_type_id: UUID | None
    out_task_status_id: UUID | None
    import_last_revision: bool
    out_task_id: UUID | None


class Subject(msgspec.Struct, frozen=True):
    """A task, locked, with the status that a comment is about to give it and whom the comment may name."""

    wish: Wish
    task_id: UUID
    project_id: UUID
    entity_id: UUID
    parent_id: UUID | None
    task_type_id: UUID | None
    task_type_name: str
    department_id: UUID | None
    kind: str
    state: TaskState
    status: Status
    status_name: str
    artists_allowed: bool
    clients_allowed: bool
    max_retakes: int
    author_id: UUID
    author_is_client: bool
    named_in_thread: bool
    team: list[tuple[UUID, str]] = []
    departments: list[tuple[UUID, str]] = []
    siblings: list[tuple[UUID, str]] = []
    automations: list[Automation] = []
    #: What the task is already written as, by whoever made it in this transaction and knew this comment.
    written: TaskState | None = None

    @property
    def is_concept(self) -> bool:
        return self.kind == CONCEPT

    @property
    def changes_status(self) -> bool:
        return self.status.id != self.state.task_status_id

    def after(self, state: TaskState, status: Status) -> "Subject":
        """The same once a comment with this status has left the task in this state."""
        return replace(self, state=state, status=status if self.wish.status_id is None else self.status)


#: Whom a comment may name.
_TEAM = f"""
    SELECT ROW(o.id, concat_ws(' ', nullif(o.first_name, ''), nullif(o.last_name, '')))
      FROM person o
     WHERE o.id IN {as_text(members(written("p.id")))} AND o.preview_project_id IS NULL
     ORDER BY o.id
"""  # noqa: S608 - rules of ours
_DEPARTMENTS = "SELECT ROW(d.id, d.name) FROM department d ORDER BY d.id"

_WISH = {"place": Integer, "task_id": Uuid, "status_id": Uuid, "author_id": Uuid, "names_tasks": Boolean}


def _written(wishes: str) -> str:
    """The subjects of wishes. Names of people are the same for a production: many comments read them on their own."""
    return f"""
    SELECT wish.place, t.id AS task_id, t.project_id, t.entity_id, e.parent_id, t.task_type_id,
           coalesce(tt.name, '') AS task_type_name, tt.department_id, et.name AS entity_type_name,
           t.task_status_id, coalesce(t.retake_count, 0) AS retake_count, t.real_start_date, t.end_date, t.done_date,
           t.last_comment_date,
           s.id AS status_id, s.name AS status_name, s.is_done, s.is_retake, s.is_wip, s.is_feedback_request,
           coalesce(s.is_artist_allowed, true) AS artists_allowed,
           coalesce(sl.is_client_allowed, s.is_client_allowed, true) AS clients_allowed,
           p.max_retakes, e.data ->> 'max_retakes' AS entity_max_retakes,
           a.id AS author_id,
           coalesce({as_text(on(somebody_written("a"), written("t.project_id")).has_role("client"))}, false)
             AS author_is_client,
           CASE WHEN :asks_thread THEN EXISTS (
             SELECT 1 FROM comment c
              WHERE c.object_id = t.id
                AND (EXISTS (SELECT 1 FROM comment_mentions m WHERE m.comment = c.id AND m.person = :caller_id)
                  OR EXISTS (SELECT 1 FROM comment_department_mentions m
                               JOIN department_link d ON d.department_id = m.department
                              WHERE m.comment = c.id AND d.person_id = :caller_id)
                  OR EXISTS (SELECT 1 FROM jsonb_array_elements(
                                    CASE jsonb_typeof(c.replies) WHEN 'array' THEN c.replies END) r
                              WHERE r -> 'mentions' @> to_jsonb(CAST(:caller_id AS text))
                                 OR EXISTS (SELECT 1 FROM department_link d WHERE d.person_id = :caller_id
                                             AND r -> 'department_mentions' @> to_jsonb(d.department_id::text)))))
           ELSE false END AS named_in_thread,
           CASE WHEN :names_people THEN ARRAY({_TEAM}) END AS team,
           CASE WHEN :names_people THEN ARRAY({_DEPARTMENTS}) END AS departments,
           CASE WHEN wish.names_tasks THEN ARRAY(
             SELECT ROW(o.id, ot.name) FROM task o JOIN task_type ot ON ot.id = o.task_type_id
              WHERE o.entity_id = t.entity_id AND o.task_type_id <> t.task_type_id ORDER BY ot.name, o.name) END
             AS siblings,
           CASE WHEN wish.status_id IS NOT NULL THEN ARRAY(
             SELECT ROW(sa.id, sa.out_field_type, sa.out_task_type_id, sa.out_task_status_id,
                        coalesce(sa.import_last_revision, false),
                        (SELECT o.id FROM task o
                          WHERE o.entity_id = t.entity_id AND o.task_type_id = sa.out_task_type_id
                          ORDER BY o.name, o.id LIMIT 1))
               FROM project_status_automation_link al JOIN status_automation sa ON sa.id = al.status_automation_id
               LEFT JOIN project_task_type_link pin
                      ON pin.project_id = t.project_id AND pin.task_type_id = sa.in_task_type_id
               LEFT JOIN project_task_type_link pout
                      ON pout.project_id = t.project_id AND pout.task_type_id = sa.out_task_type_id
              WHERE al.project_id = t.project_id AND sa.archived IS NOT TRUE
                AND sa.in_task_type_id = t.task_type_id AND sa.in_task_status_id = s.id
                AND lower(coalesce(sa.entity_type, 'asset')) = CASE
                      WHEN et.name IN ('Shot', 'Sequence', 'Episode', 'Scene', 'Edit', 'Concept', 'ConceptFolder')
                      THEN lower(et.name) ELSE 'asset' END
                AND (sa.out_field_type = 'ready_for' OR coalesce(pin.priority, 0) <= coalesce(pout.priority, 0))
              ORDER BY sa.created_at, sa.id) END AS automations
      FROM ({wishes}) AS wish
      JOIN task t ON t.id = wish.task_id
      JOIN project p ON p.id = t.project_id
      JOIN entity e ON e.id = t.entity_id
      JOIN entity_type et ON et.id = e.entity_type_id
      LEFT JOIN task_type tt ON tt.id = t.task_type_id
      LEFT JOIN task_status s ON s.id = coalesce(wish.status_id, t.task_status_id)
      LEFT JOIN project_task_status_link sl ON sl.project_id = t.project_id AND sl.task_status_id = s.id
      LEFT JOIN person a ON a.id = wish.author_id
     ORDER BY wish.place
       FOR NO KEY UPDATE OF t
    """  # noqa: S608 - rules of ours


_SUBJECTS = AboutRows(_WISH, _written, caller_id=Uuid, asks_thread=Boolean, names_people=Boolean)

_NAMES = sql(
    f"""
    SELECT p.id AS project_id, ARRAY({_TEAM}) AS team, ARRAY({_DEPARTMENTS}) AS departments
      FROM project p WHERE p.id = ANY(:ids)
    """  # noqa: S608 - rules of ours
)

#: All are held in the order of their ids; those of the whole entity where a comment with hashtags may go to them.
#: A statement of its own: what is read of a task, its status too, may be something else once it is held.
_LOCK = sql(
    """
    SELECT id FROM task WHERE id IN (
             SELECT unnest(:task_ids)
             UNION SELECT o.id FROM task t JOIN task o ON o.entity_id = t.entity_id WHERE t.id = ANY(:naming_ids))
     ORDER BY id FOR NO KEY UPDATE
    """
)


#: How many one statement reads at most: others are served between two.
_AT_ONCE = 1000


async def load(tx: Transaction, wish: Wish, *, caller_id: UUID | None = None) -> Subject:
    """Lock the task and read what a comment needs; with `caller_id`, whether the thread names the caller too.

    Raises NotFound for an unknown task, status or author.
    """
    (subject,) = await load_many(tx, [wish], caller_id=caller_id)
    return subject


async def load_many(tx: Transaction, wishes: Sequence[Wish], *, caller_id: UUID | None = None) -> list[Subject]:
    """What `load` reads, for each of these comments: a few statements, however many they are.

    Raises NotFound for the first with an unknown task, status or author.
    """
    if not wishes:
        return []
    alone = len(wishes) == 1
    if not alone or wishes[0].names_tasks or wishes[0].status_id is None:
        naming_ids = [wish.task_id for wish in wishes if wish.names_tasks]
        await tx.rows(_LOCK, task_ids=[wish.task_id for wish in wishes], naming_ids=naming_ids)
    subjects: list[Subject] = []
    for first in range(0, len(wishes), _AT_ONCE):
        subjects += await _read(tx, wishes[first : first + _AT_ONCE], caller_id, with_names=alone)
    return subjects if alone else await _with_names(tx, subjects)


async def _read(tx: Transaction, wishes: Sequence[Wish], caller_id: UUID | None, *, with_names: bool) -> list[Subject]:
    columns = {name: [getattr(wish, name) for wish in wishes] for name in _WISH if name != "place"}
    statement, params = _SUBJECTS.of({"place": range(len(wishes)), **columns})
    rows = await tx.rows(
        statement,
        caller_id=caller_id,
        asks_thread=caller_id is not None,
        names_people=with_names and any(wish.names_people for wish in wishes),
        **params,
    )
    by_place = {row["place"]: row for row in rows}
    return [_subject(wish, by_place.get(place)) for place, wish in enumerate(wishes)]


async def _with_names(tx: Transaction, subjects: list[Subject]) -> list[Subject]:
    """Add whom the comments may name to those that name somebody."""
    project_ids = list({subject.project_id for subject in subjects if subject.wish.names_people})
    rows = await tx.rows(_NAMES, ids=project_ids) if project_ids else []
    names = {
        row["project_id"]: {"team": _pairs(row["team"]), "departments": _pairs(row["departments"])} for row in rows
    }
    return [
        replace(subject, **names[subject.project_id]) if subject.wish.names_people else subject for subject in subjects
    ]


#: The fields of a subject that are columns of its row.
_AS_READ = (
    "task_id",
    "project_id",
    "entity_id",
    "parent_id",
    "task_type_id",
    "task_type_name",
    "department_id",
    "status_name",
    "artists_allowed",
    "clients_allowed",
    "author_id",
    "author_is_client",
    "named_in_thread",
)


def _subject(wish: Wish, row: asyncpg.Record | None) -> Subject:
    if row is None:
        raise NotFound(f"There is no task {wish.task_id}.")
    if row["status_id"] is None:
        raise NotFound(f"task_status_id: there is no task status {wish.status_id}.", field="task_status_id")
    if row["author_id"] is None:
        raise NotFound(f"person_id: there is nobody with the id {wish.author_id}.", field="person_id")
    return Subject(
        wish=wish,
        **{name: row[name] for name in _AS_READ},
        kind=kind_of(row["entity_type_name"]),
        state=TaskState(
            row["task_status_id"],
            row["retake_count"],
            row["real_start_date"],
            row["end_date"],
            row["done_date"],
            row["last_comment_date"],
        ),
        status=status_of(row, "status_id"),
        max_retakes=_cap(row["max_retakes"], row["entity_max_retakes"]),
        team=_pairs(row["team"]),
        departments=_pairs(row["departments"]),
        siblings=_pairs(row["siblings"]),
        automations=[Automation(*columns) for columns in row["automations"] or ()],
    )


def status_of(row: asyncpg.Record, key: str = "id") -> Status:
    """The status in a row that holds its flags."""
    return Status(
        row[key],
        is_done=bool(row["is_done"]),
        is_retake=bool(row["is_retake"]),
        is_wip=bool(row["is_wip"]),
        is_feedback_request=bool(row["is_feedback_request"]),
    )


def _pairs(rows: list[Any] | None) -> list[tuple[UUID, str]]:
    return [(row[0], row[1]) for row in rows or ()]


def _cap(of_project: int | None, of_entity: str | None) -> int:
    """How many retakes a task may have; 0 for any number. The entity's own cap counts where the production has one."""
    if not of_project or of_project < 0:
        return 0
    try:
        return of_project if of_entity is None else int(float(of_entity))
    except (ValueError, OverflowError):
        return of_project


def named(text: str, mark: str, names: Iterable[tuple[K, str]], *, any_case: bool = False) -> list[K]:
    """The keys of the names that stand in the text after a mark, in their order; of two names the longer counts."""
    known = [(key, name.lower() if any_case else name) for key, name in names if name]
    if not known or mark not in text:
        return []
    longest_first = sorted({name for _, name in known}, key=len, reverse=True)
    pattern = re.escape(mark) + "(" + "|".join(re.escape(name) for name in longest_first) + r")(?!\w)"
    present = set(re.findall(pattern, text.lower() if any_case else text))
    return [key for key, name in known if name in present]
