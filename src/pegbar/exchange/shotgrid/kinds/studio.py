"""People, productions and their teams, and how work is named. Source: spec exchange, "Shotgun import"."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import any_

from pegbar.accounts import shapes as people_shapes
from pegbar.accounts.people import rules
from pegbar.accounts.people.profile import email_of
from pegbar.accounts.tables import person
from pegbar.config import settings
from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import Text
from pegbar.core.data.wire import wire_of
from pegbar.core.errors import BadRequest
from pegbar.exchange.shotgrid.kind import BESIDE_IDS, BESIDE_NAMES, NUMBER, Columns, Draft, Kind, Row, by, lower
from pegbar.exchange.shotgrid.queries import (
    DEPARTMENT,
    PERSON,
    PROJECT,
    PROJECT_STATUS,
)
from pegbar.exchange.shotgrid.records import (
    Key,
    Record,
    colour,
    name_of,
    number_of,
    sg_fields,
    text_of,
    user_of,
)
from pegbar.files.trees.shipped import shipped_tree
from pegbar.productions import actions as productions
from pegbar.productions import shapes as production_shapes
from pegbar.productions.creation import ensure_open_status
from pegbar.productions.descriptors.everywhere import copy_shared_descriptors
from pegbar.productions.tables import project, project_person_link
from pegbar.studio.tables import task_status, task_type

_BLACK = "#000000"

# People

#: The address of people who are none.
_NOBODY = "changeme@email.com"
_ROLES = {"Manager": "manager", "Admin": "admin"}


def _person_columns(values: Columns, _: Record) -> Columns:
    role = _ROLES.get(values.get("permission_rule_set") or "", "user")
    return {"active": (values.get("sg_status_list") or "act") == "act", "role": role}


async def _seats(tx: Transaction, _: Sequence[Columns]) -> dict[Any, Any]:
    return {"seats": await rules.free_seats(tx)}


def _settle_person(draft: Draft) -> None:
    """Who is known keeps their record; the number of somebody who has none is kept, since tasks name people by it."""
    if draft.row is not None:
        known = draft.row.columns["shotgun_id"] is not None
        draft.columns = {} if known else {"shotgun_id": draft.columns["shotgun_id"]}
    elif draft.columns["active"]:
        if draft.facts["seats"] <= 0:
            raise BadRequest("User limit reached.")
        draft.facts["seats"] -= 1


PERSONS = Kind(
    "persons",
    "person",
    person,
    people_shapes.SAFE,
    keys=(
        Key("id", person.c.shotgun_id),
        Key("firstname", person.c.first_name),
        Key("lastname", person.c.last_name),
        Key("email", person.c.email, read=lambda value: None if value is None else email_of(value), absent="refuse"),
        Key("login", person.c.desktop_login),
        Key("sg_status_list", takes=Text, absent="keep"),
        Key("permission_rule_set", read=name_of, absent="keep"),
        Key(
            "department",
            people_shapes.DEPARTMENTS,
            read=name_of,
            names=DEPARTMENT,
            makes=lambda name, _: {"name": name, "color": _BLACK},
            absent="keep",
            null="keep",
        ),
    ),
    found_by=(NUMBER, lambda columns: None if columns.get("is_bot") else (columns["email"] or "").lower() or None),
    beside=lower(person.c.email) & person.c.is_bot.is_not(True),
    beside_values=lambda columns: columns["email"],
    skips=lambda entry: "It is nobody's address." if entry.values["email"] == _NOBODY else "",
    derive=_person_columns,
    settle=_settle_person,
    facts=_seats,
)


# Productions


async def _fresh_project(tx: Transaction, _: UUID) -> Columns:
    return {
        "project_status_id": await ensure_open_status(tx),
        "file_tree": shipped_tree(settings().default_file_tree),
    }


def _settle_project(draft: Draft) -> None:
    """What people keep about the production here stays."""
    stored = draft.row.columns["data"] if draft.row is not None else None
    if isinstance(stored, dict):
        kept = {name: value for name, value in stored.items() if not name.startswith("sg_")}
        draft.columns["data"] = kept | draft.columns["data"]


async def _share_columns(tx: Transaction, rows: Sequence[Row]) -> None:
    for row in rows:
        if row.new:
            await copy_shared_descriptors(tx, row.id)


PROJECTS = Kind(
    "projects",
    "project",
    project,
    production_shapes.PROJECT,
    keys=(
        Key("id", project.c.shotgun_id),
        Key("name", project.c.name),
        Key(
            "sg_status",
            project.c.project_status_id,
            read=text_of,
            names=PROJECT_STATUS,
            makes=lambda name, _: {"name": name, "color": _BLACK},
            absent="refuse",
            null="keep",
        ),
    ),
    derive=lambda _, record: {"data": sg_fields(record, "sg_status")},
    settle=_settle_project,
    fresh=_fresh_project,
    stored=_share_columns,
)


async def _store_members(tx: Transaction, rows: Sequence[Row]) -> None:
    """Who is new in a team is told; the numbers of connections are not."""
    members = [(row.columns["project_id"], row.columns["person_id"]) for row in rows if row.new]
    await productions.bring_into_teams(tx, members)
    changed = [row.columns for row in rows if row.new or row.changes]
    names = ("project_id", "person_id", "shotgun_id")
    numbered = [{name: columns[name] for name in names} for columns in changed]
    await tx.update_many(project_person_link, numbered, by=("project_id", "person_id"))


CONNECTIONS = Kind(
    "project-connections",
    "member of the team",
    project_person_link,
    production_shapes.PROJECT,
    keys=(
        Key("id", project_person_link.c.shotgun_id),
        Key("project", project_person_link.c.project_id, read=number_of, names=PROJECT, unknown="skip"),
        Key("user", project_person_link.c.person_id, read=user_of, names=PERSON, unknown="skip"),
    ),
    found_by=(by("project_id", "person_id"),),
    beside=project_person_link.c.project_id == any_(BESIDE_IDS),
    beside_values=lambda columns: columns["project_id"],
    store=_store_members,
    answers=project,
)


# How work is named


def _settle_step(draft: Draft) -> None:
    """A step that is there, whatever the case of its name, keeps name, kind of entity and department."""
    kept: tuple[str, ...] = ()
    if draft.twin is not None:
        kept = ("name", "for_entity", "department_id")
    elif draft.way:
        kept = ("name",)
    for name in kept:
        draft.columns.pop(name, None)


def _step(columns: Columns) -> tuple[str, str]:
    return columns["name"].lower(), (columns.get("for_entity") or "Asset").lower()


def _step_department(code: str, record: Record) -> Columns:
    return {"name": code, "color": colour(record.get("color"))}


async def _fresh_step(_: Transaction, __: UUID) -> Columns:
    return {"short_name": "", "color": _BLACK, "for_entity": "Asset"}


STEPS = Kind(
    "steps",
    "step",
    task_type,
    wire_of(task_type, "TaskType"),
    keys=(
        Key("id", task_type.c.shotgun_id),
        Key("code", task_type.c.name),
        Key("short_name", task_type.c.short_name, absent="keep", null="keep"),
        Key("color", task_type.c.color, read=colour, absent="keep", null="keep"),
        Key("entity_type", task_type.c.for_entity, absent="keep", null="keep"),
        Key(
            "code",
            task_type.c.department_id,
            slot="department",
            read=lambda value: next(iter((text_of(value) or "").split()), None),
            names=DEPARTMENT,
            makes=_step_department,
        ),
    ),
    found_by=(NUMBER, _step),
    twin=lambda columns: (*_step(columns), columns.get("department_id")),
    beside=lower(task_type.c.name),
    beside_values=lambda columns: columns["name"].lower(),
    settle=_settle_step,
    fresh=_fresh_step,
)


async def _fresh_status(_: Transaction, __: UUID) -> Columns:
    return {"color": _BLACK}


STATUSES = Kind(
    "status",
    "status",
    task_status,
    wire_of(task_status, "TaskStatus"),
    keys=(
        Key("id", task_status.c.shotgun_id),
        Key("name", task_status.c.name),
        Key("code", task_status.c.short_name),
        Key("bg_color", task_status.c.color, read=colour, absent="keep"),
    ),
    found_by=(NUMBER, by("short_name")),
    beside=task_status.c.short_name == any_(BESIDE_NAMES),
    beside_values=lambda columns: columns["short_name"],
    fresh=_fresh_status,
)
