"""What new tasks must be, who gets them, and what comes first.

Assigning locks the tasks in the order of their ids, so concurrent requests queue up instead of blocking each other.
Source: spec tasks, "Access rules" and the assign operations; spec crud, "tasks" (POST, PUT) and "Worth fixing".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, Text, any_, column, func, select

from pegbar.accounts.standing import as_text, is_going, on, somebody_written, written
from pegbar.accounts.tables import person
from pegbar.core.data.changes import Change
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Uuid, utc_now
from pegbar.core.errors import ApiError, BadRequest, Forbidden, NotFound, Refused
from pegbar.core.http.access import Caller
from pegbar.entities.kinds import kind_text
from pegbar.entities.tables import entity
from pegbar.productions import actions as productions
from pegbar.productions.hooks import VALUES_CHANGED, ChangedValues
from pegbar.studio.tables import task_type
from pegbar.tasks.events import TASK_ASSIGN, TASK_UNASSIGN, TASK_UPDATE
from pegbar.tasks.hooks import TASKS_ASSIGNED, Assignment
from pegbar.tasks.tables import task, task_person_link

# A new task

_wanted = (
    func.unnest(param("names", ARRAY(Text)), param("entity_ids"), param("task_type_ids"))
    .table_valued(column("name", Text), column("entity_id", Uuid), column("task_type_id", Uuid), with_ordinality="n")
    .render_derived("wanted")
)
#: What new tasks are judged by, in their order: of an entity that there is not, nothing is told.
_NEW_TASKS = select(
    _wanted.c.n,
    entity.c.project_id,
    kind_text().label("kind"),
    task_type.c.id.label("task_type_id"),
    func.coalesce(task_type.c.for_entity, "Asset", type_=Text).label("for_entity"),
    select(task.c.id)
    .where(
        task.c.entity_id == entity.c.id,
        task.c.project_id == entity.c.project_id,
        task.c.task_type_id == task_type.c.id,
        task.c.name == _wanted.c.name,
    )
    .limit(1)
    .scalar_subquery()
    .label("same"),
).select_from(
    _wanted.join(entity, entity.c.id == _wanted.c.entity_id).outerjoin(
        task_type, task_type.c.id == _wanted.c.task_type_id
    )
)

_PREVIEW_ACCOUNTS = (
    select(person.c.id).where(person.c.id == any_(param("ids")), person.c.preview_project_id.is_not(None)).limit(1)
)


async def check_documents(changes: Sequence[Change]) -> None:
    """Refuse a task that does not fit its entity; its project is the entity's, whatever the caller says.

    Raises NotFound for an unknown task type or entity, BadRequest for a type of another kind of entity and for preview
    accounts, Refused for a second task of the same name.
    """
    for change in changes:
        change.need("task_type_id", "entity_id")
        if not change.values.get("name"):
            change.values["name"] = "main"
    names = ("name", "entity_id", "task_type_id")
    rows = await changes[0].tx.rows(
        _NEW_TASKS, **{f"{name}s": [change.values[name] for change in changes] for name in names}
    )
    by_place = {row["n"]: row for row in rows}
    wanted = set()
    for number, change in enumerate(changes, 1):
        _check_document(change, by_place.get(number))
        wanted.add(tuple(change.values[name] for name in names))
    if len(wanted) < len(changes):
        raise Refused("Task already exists.")
    for change in changes:
        await refuse_preview_accounts(change)


def _check_document(change: Change, row: asyncpg.Record | None) -> None:
    columns = change.values
    if row is None:
        raise NotFound(f"There is no entity {columns['entity_id']}.", field="entity_id")
    if row["task_type_id"] is None:
        raise NotFound(f"There is no task type {columns['task_type_id']}.", field="task_type_id")
    if row["kind"] != row["for_entity"]:
        raise BadRequest(f"task_type_id: this task type is for {row['for_entity']}, the entity is {row['kind']}.")
    if row["same"] is not None:
        raise Refused("Task already exists.")
    columns["project_id"] = row["project_id"]
    change.vouched.add("entity_id")


async def refuse_preview_accounts(change: Change) -> None:
    """Preview accounts are nobody's colleagues: they take no tasks."""
    ids = change.relations.get("assignees")
    if ids and await change.tx.value(_PREVIEW_ACCOUNTS, ids=ids) is not None:
        raise BadRequest("assignees: a preview account takes no task.")


# Who gets it


class UnknownAssignee(ApiError):
    """The person to assign does not exist. Clients look for the text under `error`."""

    status = 400

    def __init__(self, message: str) -> None:
        super().__init__(message, field="person_id", error=message)


_ASSIGNEES = select(task_person_link.c.person_id).where(task_person_link.c.task_id == param("task_id"))


async def replace_assignees(change: Change) -> None:
    """Announce the difference when an update of a task gives `assignees`: one event and notification each.

    Who gets the task enters the team, as by the routes that assign.
    """
    if "assignees" not in change.relations or change.before is None:
        return
    await refuse_preview_accounts(change)
    wanted, task_id, project_id = change.relations["assignees"], change.row_id, change.before["project_id"]
    before = await change.tx.column(_ASSIGNEES, task_id=task_id)
    added = [person_id for person_id in wanted if person_id not in set(before)]
    if project_id is not None:
        await productions.bring_into_team(change.tx, project_id, added)
    for person_id in added:
        change.tx.emit(TASK_ASSIGN, project_id=project_id, task_id=task_id, person_id=person_id)
    await TASKS_ASSIGNED.run(Assignment(change.tx, change.caller.id, [change.row(task)], added))
    for person_id in before:
        if person_id not in set(wanted):
            change.tx.emit(TASK_UNASSIGN, project_id=project_id, task_id=task_id, person_id=person_id)


#: The tasks named that exist, locked, with what decides about the caller and the assignee.
_HERE = on(somebody_written("c"), written("t.project_id"))
_SUBJECTS = sql(
    f"""
    SELECT t.id, t.project_id, tt.department_id, {as_text(_HERE.in_team)} AS in_team,
           {as_text(_HERE.role)} AS role_here,
           p.is_bot_collaboration_enabled AS bots_welcome,
           ARRAY(SELECT a.person_id FROM task_person_link a WHERE a.task_id = t.id) AS assignees
      FROM task t
      JOIN person c ON c.id = :caller_id
      LEFT JOIN project p ON p.id = t.project_id
      LEFT JOIN task_type tt ON tt.id = t.task_type_id
     WHERE t.id = ANY(:ids) AND NOT {as_text(is_going(written("t.project_id")))}
     ORDER BY t.id
       FOR NO KEY UPDATE OF t
    """  # noqa: S608 - rules of ours
)

_ASSIGNEE = sql(
    """
    SELECT o.id, o.is_bot, o.preview_project_id,
           ARRAY(SELECT d.department_id FROM department_link d WHERE d.person_id = o.id) AS departments
      FROM person o WHERE o.id = :person_id
    """
)

#: Selects the tasks that the person did not have yet: two requests at once tell them once.
_ASSIGN = sql(
    """
    WITH linked AS (
      INSERT INTO task_person_link (task_id, person_id) SELECT unnest(:ids), :person_id ON CONFLICT DO NOTHING
      RETURNING task_id
    ), changed AS (
      UPDATE task SET assigner_id = :caller_id, updated_at = :now WHERE id = ANY(:ids)
    )
    SELECT task_id FROM linked
    """
)

_LOCK = sql("SELECT id FROM task WHERE id = ANY(:ids) ORDER BY id FOR NO KEY UPDATE")

#: Pairs of tasks and persons; and those that are new once more, without production.
_ASSIGN_PAIRS = sql(
    """
    WITH wanted AS (
      SELECT t.id AS task_id, o.id AS person_id, t.project_id, min(pair.n) AS n
        FROM unnest(:task_ids, :person_ids) WITH ORDINALITY AS pair (task_id, person_id, n)
        JOIN task t ON t.id = pair.task_id
        JOIN person o ON o.id = pair.person_id
       GROUP BY t.id, o.id
    ), linked AS (
      INSERT INTO task_person_link (task_id, person_id) SELECT task_id, person_id FROM wanted ON CONFLICT DO NOTHING
      RETURNING task_id, person_id
    ), changed AS (
      UPDATE task SET assigner_id = :caller_id, updated_at = :now
       WHERE id IN (SELECT task_id FROM linked) AND id <> ALL(:just_made)
    )
    SELECT task_id, person_id, project_id, false AS is_new, n FROM wanted
     UNION ALL SELECT task_id, person_id, NULL, true, NULL FROM linked
     ORDER BY n
    """
)

#: Nobody gave the task to the person: it keeps its assigner.
_TAKE_UP = sql(
    """
    WITH linked AS (
      INSERT INTO task_person_link (task_id, person_id) VALUES (:task_id, :person_id) ON CONFLICT DO NOTHING
      RETURNING task_id
    )
    UPDATE task SET updated_at = :now WHERE id IN (SELECT task_id FROM linked)
    """
)

_UNASSIGN = sql(
    """
    WITH unlinked AS (
      DELETE FROM task_person_link
       WHERE task_id = ANY(:ids) AND (CAST(:person_id AS uuid) IS NULL OR person_id = :person_id)
      RETURNING task_id, person_id
    ), changed AS (
      UPDATE task SET updated_at = :now WHERE id = ANY(:ids)
    )
    SELECT task_id, person_id FROM unlinked ORDER BY task_id, person_id
    """
)

_PRIORITISE = sql("UPDATE task SET priority = :priority, updated_at = :now WHERE id = ANY(:ids)")


@dataclass(frozen=True)
class Assignee:
    """Somebody to assign."""

    id: UUID
    is_bot: bool
    departments: frozenset[UUID]


async def assignee(tx: Transaction, person_id: UUID | None) -> Assignee:
    """The person to assign. Raises UnknownAssignee, and BadRequest for a preview account."""
    row = None if person_id is None else await tx.row(_ASSIGNEE, person_id=person_id)
    if row is None:
        raise UnknownAssignee("person_id names nobody.")
    if row["preview_project_id"] is not None:
        raise BadRequest("person_id: a preview account takes no task.")
    return Assignee(row["id"], row["is_bot"], frozenset(row["departments"]))


async def _subjects(tx: Transaction, ids: Sequence[UUID]) -> list[asyncpg.Record]:
    return await tx.rows(_SUBJECTS, ids=list(ids))


def _plans(caller: Caller, subject: asyncpg.Record) -> bool:
    """Manages the task's production, or supervises its department."""
    if caller.is_admin or (subject["in_team"] and subject["role_here"] == "manager"):
        return True
    supervises = subject["in_team"] and subject["role_here"] == "supervisor"
    return bool(supervises and caller.covers_department(subject["department_id"]))


def _may_assign(caller: Caller, subject: asyncpg.Record, who: Assignee) -> bool:
    if _plans(caller, subject):
        supervisor = not caller.is_admin and subject["role_here"] == "supervisor" and caller.departments
        return not supervisor or bool(caller.departments & who.departments)
    own_department = subject["department_id"] is not None and subject["department_id"] in caller.departments
    return bool(subject["in_team"] and who.id == caller.id and own_department)


def _may_unassign(caller: Caller, subject: asyncpg.Record, person_id: UUID | None) -> bool:
    himself = person_id == caller.id and caller.id in subject["assignees"]
    return himself or _plans(caller, subject)


async def assign(tx: Transaction, caller: Caller, who: Assignee, ids: Sequence[UUID]) -> list[UUID]:
    """Assign a person to the tasks the caller may assign them to; those tasks.

    Who gets a task enters the team. Events, notifications (for who was not assigned yet) and the team commit together.
    """
    rows = [
        row
        for row in await _subjects(tx, ids)
        if _may_assign(caller, row, who) and (not who.is_bot or row["bots_welcome"])
    ]
    if not rows:
        return []
    task_ids = [row["id"] for row in rows]
    new = await tx.column(_ASSIGN, ids=task_ids, person_id=who.id, now=utc_now())
    for row in rows:
        tx.emit(TASK_ASSIGN, project_id=row["project_id"], task_id=row["id"], person_id=who.id)
        tx.emit(TASK_UPDATE, project_id=row["project_id"], task_id=row["id"])
    await TASKS_ASSIGNED.run(Assignment(tx, caller.id, new, [who.id]))
    for project_id in dict.fromkeys(row["project_id"] for row in rows):
        await productions.join_team(tx, project_id, who.id, None)
    return [task_id for task_id in dict.fromkeys(ids) if task_id in set(task_ids)]


async def assign_one(tx: Transaction, caller: Caller, who: Assignee, task_id: UUID) -> None:
    """Assign a person to a task. Raises NotFound, Forbidden."""
    subjects = await _subjects(tx, [task_id])
    if not subjects:
        raise NotFound(f"There is no task {task_id}.")
    if who.is_bot and not subjects[0]["bots_welcome"]:
        raise Forbidden("Bots take no task on this production.")
    if not await assign(tx, caller, who, [task_id]):
        raise Forbidden("You may not assign this person to this task.")


async def assign_pairs(
    tx: Transaction, caller_id: UUID, pairs: Sequence[tuple[UUID, UUID]], *, just_made: Sequence[UUID] = ()
) -> None:
    """Add persons to tasks, as pairs of their ids; nobody is taken off, and nobody is notified.

    Tasks that this transaction has just made have their assigner, and need not be written again.

    A few statements, however many pairs. Who gets a task enters the team, bots too, as the recordings have it. Unknown
    ids are passed over. Raises BadRequest for a preview account. Source: spec exchange, "Task step of a row".
    """
    task_ids, person_ids = [task_id for task_id, _ in pairs], [person_id for _, person_id in pairs]
    if not pairs:
        return
    if await tx.value(_PREVIEW_ACCOUNTS, ids=person_ids) is not None:
        raise BadRequest("assignees: a preview account takes no task.")
    await tx.rows(_LOCK, ids=task_ids)
    rows = await tx.rows(
        _ASSIGN_PAIRS,
        task_ids=task_ids,
        person_ids=person_ids,
        just_made=list(just_made),
        caller_id=caller_id,
        now=utc_now(),
    )
    new = {(row["task_id"], row["person_id"]) for row in rows if row["is_new"]}
    teams: dict[UUID, dict[UUID, None]] = {}
    changed: dict[UUID, UUID] = {}
    for row in rows:
        if row["is_new"]:
            continue
        task_id, person_id, project_id = row["task_id"], row["person_id"], row["project_id"]
        teams.setdefault(project_id, {})[person_id] = None
        if (task_id, person_id) in new:
            changed[task_id] = project_id
            tx.emit(TASK_ASSIGN, project_id=project_id, task_id=task_id, person_id=person_id)
    for task_id, project_id in changed.items():
        tx.emit(TASK_UPDATE, project_id=project_id, task_id=task_id)
    for project_id, members in teams.items():
        await productions.bring_into_team(tx, project_id, list(members))


async def take_up(tx: Transaction, caller: Caller, task_id: UUID) -> None:
    """Assign the caller to a task that they make files for, whoever plans it; bots only where they are welcome."""
    subjects = await _subjects(tx, [task_id])
    if not subjects or (caller.is_bot and not subjects[0]["bots_welcome"]):
        return
    project_id = subjects[0]["project_id"]
    if not await tx.execute(_TAKE_UP, task_id=task_id, person_id=caller.id, now=utc_now()):
        return
    tx.emit(TASK_ASSIGN, project_id=project_id, task_id=task_id, person_id=caller.id)
    tx.emit(TASK_UPDATE, project_id=project_id, task_id=task_id)
    await TASKS_ASSIGNED.run(Assignment(tx, caller.id, [task_id], [caller.id]))
    await productions.join_team(tx, project_id, caller.id, None)


async def clear(tx: Transaction, caller: Caller, ids: Sequence[UUID], person_id: UUID | None) -> list[UUID]:
    """Take a person, or everybody, off the tasks the caller may take them off; those tasks."""
    rows = [row for row in await _subjects(tx, ids) if _may_unassign(caller, row, person_id)]
    projects = {row["id"]: row["project_id"] for row in rows}
    if not projects:
        return []
    off: dict[UUID, list[UUID]] = {task_id: [] if person_id is None else [person_id] for task_id in projects}
    for row in await tx.rows(_UNASSIGN, ids=list(projects), person_id=person_id, now=utc_now()):
        if person_id is None:
            off[row["task_id"]].append(row["person_id"])
    kept = [task_id for task_id in dict.fromkeys(ids) if task_id in projects]
    for task_id in kept:
        for unassigned_id in off[task_id]:
            tx.emit(TASK_UNASSIGN, project_id=projects[task_id], person_id=unassigned_id, task_id=task_id)
        tx.emit(TASK_UPDATE, project_id=projects[task_id], task_id=task_id)
    return kept


async def prioritise(tx: Transaction, caller: Caller, ids: Sequence[UUID], priority: int) -> list[UUID]:
    """Give a priority to the tasks the caller plans; those tasks."""
    rows = [row for row in await _subjects(tx, ids) if _plans(caller, row)]
    projects = {row["id"]: row["project_id"] for row in rows}
    if projects:
        await tx.execute(_PRIORITISE, ids=list(projects), priority=priority, now=utc_now())
    kept = [task_id for task_id in dict.fromkeys(ids) if task_id in projects]
    for task_id in kept:
        tx.emit(TASK_UPDATE, project_id=projects[task_id], task_id=task_id)
    return kept


# Columns of productions


@VALUES_CHANGED.register()
async def tell_values_changed(changed: ChangedValues) -> None:
    """Tell of each task whose values moved or went with their column. Spec projects, "Worth fixing" 8."""
    if changed.entity_type == "Task":
        for row in changed.rows:
            changed.tx.emit(TASK_UPDATE, project_id=row["project_id"], task_id=row["id"])
