"""The sheets of the whole studio: people, productions, task types, tasks, hours. Source: spec exchange, "CSV export".

Any production manager of the studio gets them, of all productions: clients of the API rely on it. A studio that wants
it otherwise sets PEGBAR_EXPORT_OWN_PRODUCTIONS. What is personal in a record is never told to others than those who are
told it by the record itself (accounts/people/shapes.py).
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, Text, and_, case, cast, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from pegbar.accounts.people.shapes import MANAGED
from pegbar.accounts.shapes import FULL_NAME
from pegbar.accounts.standing import CALLER, IS_OPEN_STATUS, is_going, is_open, knows_salary_of, teams
from pegbar.accounts.tables import department, department_link, person
from pegbar.core.data.parameters import param
from pegbar.entities.kinds import SHOT, is_kind
from pegbar.entities.tables import entity
from pegbar.exchange.exports.cells import words
from pegbar.exchange.exports.export import Column, Export
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type, project_status, studio, task_status, task_type
from pegbar.tasks.tables import task, task_person_link
from pegbar.timesheets.tables import time_spent

_C = "C"
_parent, _grandparent = entity.alias("parent"), entity.alias("grandparent")
_assigner = person.alias("assigner")


def _by(*columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """An order of texts that no database has otherwise."""
    return [column.collate(_C) for column in columns]


def _shown(rows: Select[Any], ids: Select[Any] | None) -> Select[Any]:
    """Rows of all productions but those that are being deleted; with `ids`, of those for all but studio managers."""
    rows = rows.where(~is_going(project.c.id))
    return rows if ids is None else rows.where(or_(CALLER.is_admin, project.c.id.in_(ids)))


# People

_DEPARTMENTS = (
    select(func.string_agg(department.c.name, aggregate_order_by(words(","), department.c.name.collate(_C))))
    .select_from(department_link.join(department, department.c.id == department_link.c.department_id))
    .where(department_link.c.person_id == person.c.id)
    .correlate(person)
    .scalar_subquery()
)
_IS_WHOLE = or_(CALLER.is_admin, person.c.id == CALLER.id, MANAGED)


def _personal(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return case((_IS_WHOLE, column))


PERSONS = Export(
    words("kitsu people export"),
    (
        Column("First Name", "first_name"),
        Column("Last Name", "last_name"),
        Column("Email", "email"),
        Column("Phone", "phone"),
        Column("Role", "role", "plain"),
        Column("Departments", "departments"),
        Column("Studio", "studio"),
        Column("Country", "country"),
        Column("Contract Type", "contract_type", "plain"),
        Column("Position", "position", "plain"),
        Column("Seniority", "seniority", "plain"),
        Column("Daily Salary", "daily_salary", "number"),
        Column("Active", "active", "plain"),
    ),
    [
        select(
            *(person.c[name] for name in ("first_name", "last_name", "email", "role", "position", "seniority")),
            *(_personal(person.c[name]).label(name) for name in ("phone", "country", "contract_type")),
            _DEPARTMENTS.label("departments"),
            studio.c.name.label("studio"),
            case((knows_salary_of(CALLER, person.c.id), person.c.daily_salary)).label("daily_salary"),
            case((person.c.active.is_(False), words("no")), else_=words("yes")).label("active"),
        )
        .select_from(person.outerjoin(studio, studio.c.id == person.c.studio_id))
        .where(person.c.is_bot.is_not(True), person.c.is_guest.is_not(True), person.c.preview_project_id.is_(None))
        .order_by(*_by(func.lower(person.c.first_name), func.lower(person.c.last_name)), person.c.id)
    ],
)


# Productions and task types


@lru_cache
def projects(*, own: bool) -> Export:
    """All productions, or those of the caller's teams."""
    rows: Select[Any] = select(project.c.name.label("name"), project_status.c.name.label("status")).select_from(
        project.outerjoin(project_status, project_status.c.id == project.c.project_status_id)
    )
    rows = _shown(rows, teams(CALLER) if own else None)
    columns = (Column("Name", "name"), Column("Status", "status"))
    return Export(words("kitsu export"), columns, [rows.order_by(*_by(project.c.name), project.c.id)])


TASK_TYPES = Export(
    words("kitsu export"),
    (Column("Department", "department"), Column("Name", "name")),
    [
        select(department.c.name.label("department"), task_type.c.name.label("name"))
        .select_from(task_type.join(department, department.c.id == task_type.c.department_id))
        .order_by(*_by(department.c.name, task_type.c.name), task_type.c.id)
    ],
)


# Tasks

_LED = teams(CALLER, "manager")


def _day(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast(moment, Date)


_NAMES = FULL_NAME.element
_ASSIGNEES = (
    select(func.string_agg(_NAMES, aggregate_order_by(words(", "), _NAMES.collate(_C))))
    .select_from(task_person_link.join(person, person.c.id == task_person_link.c.person_id))
    .where(task_person_link.c.task_id == task.c.id)
    .correlate(task)
    .scalar_subquery()
)
_ASSIGNER = case(
    (
        _assigner.c.id.is_not(None),
        func.concat_ws(
            words(" "),
            func.nullif(_assigner.c.first_name, words("")),
            func.nullif(_assigner.c.last_name, words("")),
            type_=Text,
        ),
    )
)
_TASKS = (
    task.join(project, project.c.id == task.c.project_id)
    .join(project_status, and_(project_status.c.id == project.c.project_status_id, IS_OPEN_STATUS))
    .join(entity, entity.c.id == task.c.entity_id)
    .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
    .join(task_type, task_type.c.id == task.c.task_type_id)
    .join(task_status, task_status.c.id == task.c.task_status_id)
    .outerjoin(_parent, _parent.c.id == entity.c.parent_id)
    .outerjoin(_grandparent, _grandparent.c.id == _parent.c.parent_id)
    .outerjoin(_assigner, _assigner.c.id == task.c.assigner_id)
)


@lru_cache
def tasks(*, own: bool) -> Export:
    """The tasks of open productions, or of those among them that the caller manages."""
    rows = select(
        project.c.name.label("project"),
        task_type.c.name.label("task_type"),
        _grandparent.c.name.label("episode"),
        _parent.c.name.label("sequence"),
        entity_type.c.name.label("entity_type"),
        entity.c.name.label("entity"),
        _ASSIGNER.label("assigner"),
        _ASSIGNEES.label("assignees"),
        task.c.duration.label("duration"),
        task.c.estimation.label("estimation"),
        _day(task.c.start_date).label("start"),
        _day(task.c.due_date).label("due"),
        _day(task.c.real_start_date).label("begun"),
        _day(task.c.end_date).label("validated"),
        task_status.c.name.label("status"),
    ).select_from(_TASKS)
    order = (
        *(project.c.name, task_type.c.name, task.c.name),
        *(_grandparent.c.name, _parent.c.name, entity_type.c.name, entity.c.name),
    )
    columns = (
        Column("Project", "project"),
        Column("Task Type", "task_type"),
        Column("Episode", "episode"),
        Column("Sequence", "sequence"),
        Column("Entity Type", "entity_type"),
        Column("Entity", "entity"),
        Column("Assigner", "assigner"),
        Column("Assignees", "assignees"),
        Column("Duration", "duration", "measure"),
        Column("Estimation", "estimation", "measure"),
        Column("Start date", "start", "plain"),
        Column("Due date", "due", "plain"),
        Column("WIP date", "begun", "plain"),
        Column("Validation date", "validated", "plain"),
        Column("Task Status", "status"),
    )
    return Export(
        words("kitsu tasks export"), columns, [_shown(rows, _LED if own else None).order_by(*_by(*order), task.c.id)]
    )


# Hours

_NOW_THERE = func.timezone(param("timezone", Text), func.now())
_PATH = case(
    (
        is_kind(SHOT),
        func.concat_ws(words(" / "), _grandparent.c.name, _parent.c.name, entity.c.name, type_=Text),
    ),
    else_=entity.c.name,
)
_TIME_SPENTS = (
    time_spent.join(person, person.c.id == time_spent.c.person_id)
    .join(task, task.c.id == time_spent.c.task_id)
    .join(project, project.c.id == task.c.project_id)
    .join(task_type, task_type.c.id == task.c.task_type_id)
    .join(entity, entity.c.id == task.c.entity_id)
    .join(entity_type, entity_type.c.id == entity.c.entity_type_id)
    .outerjoin(_parent, _parent.c.id == entity.c.parent_id)
    .outerjoin(_grandparent, _grandparent.c.id == _parent.c.parent_id)
)


@lru_cache
def time_spents(*, own: bool) -> Export:
    """The hours spent on open productions. Takes `timezone`, in which the file's name tells the day."""
    rows = (
        select(
            project.c.name.label("project"),
            _NAMES.label("person"),
            entity_type.c.name.label("entity_type"),
            _PATH.label("entity"),
            task_type.c.name.label("task_type"),
            time_spent.c.date.label("date"),
            time_spent.c.duration.label("duration"),
        )
        .select_from(_TIME_SPENTS)
        .where(is_open(to_admins=True))
    )
    order = _by(person.c.last_name, project.c.name, entity_type.c.name, entity.c.name)
    columns = (
        Column("Project", "project"),
        Column("Person", "person"),
        Column("Entity Type Name", "entity_type"),
        Column("Entity", "entity"),
        Column("Task Type", "task_type"),
        Column("Date", "date", "plain"),
        Column("Time spent", "duration", "measure"),
    )
    today = func.to_char(_NOW_THERE, words("YYYY_MM_DD"))
    name = func.concat(words("kitsu "), today, words(" open projects time spents export"), type_=Text)
    return Export(
        name, columns, [_shown(rows, _LED if own else None).order_by(time_spent.c.date, *order, time_spent.c.id)]
    )
