"""Reads about productions."""

from functools import lru_cache
from uuid import UUID

from sqlalchemy import Executable, String, func, select

from pegbar.accounts.standing import CALLER, is_going, is_open, teams
from pegbar.accounts.tables import person
from pegbar.core.data import marks
from pegbar.core.data.compiled import planned_once
from pegbar.core.data.database import Json, Reader
from pegbar.core.data.parameters import param
from pegbar.core.data.wire import Wire, json_object
from pegbar.core.http.routing import found
from pegbar.productions import shapes
from pegbar.productions.tables import project, project_person_link

PROJECT_ID = param("project_id")
PERSON_ID = param("person_id")
_NAME = param("name", String)

#: A production without its relations.
_project_row = select(json_object(shapes.PROJECT)).where(project.c.id == PROJECT_ID)


async def project_row(db: Reader, project_id: UUID) -> Json:
    """A production without its relations; 404 when it is gone."""
    return found(await db.json_row(_project_row, project_id=project_id), "The production")


#: The productions whose team holds the caller.
in_own_team = project.c.id.in_(teams(CALLER))


@lru_cache
def one_project(wire: Wire) -> Executable:
    """A production in a shape."""
    return planned_once(select(json_object(wire)).select_from(project).where(project.c.id == PROJECT_ID))


#: Selects, beside the caller, what tells one state of all that open productions are made of from another.
STATE_OF_STUDIO = select(marks.of_studio())


@lru_cache
def open_projects(for_admin: bool, named: bool) -> Executable:
    """The open productions that concern the caller; `name` is exact."""
    wire = shapes.FULL_FOR_ADMINS if for_admin else shapes.FULL
    rows = select(json_object(wire)).select_from(project).order_by(project.c.name)
    rows = rows.where(is_open(to_admins=True)) if for_admin else rows.where(is_open(), in_own_team)
    return planned_once(rows.where(project.c.name == _NAME) if named else rows)


@lru_cache
def all_projects(for_admin: bool, named: bool) -> Executable:
    """The productions that concern the caller, open and closed; an administrator's `name` is a pattern."""
    wire = shapes.PROJECT if for_admin else shapes.PROJECT_SHOWN
    if for_admin and not named:
        wire = shapes.OVERVIEW
    rows = select(json_object(wire)).select_from(project).order_by(project.c.name)
    rows = rows.where(~is_going(project.c.id) if for_admin else in_own_team)
    if not named:
        return rows
    matches = project.c.name.ilike(_NAME) if for_admin else func.lower(project.c.name) == func.lower(_NAME)
    return rows.where(matches).limit(1)


@lru_cache
def team(wire: Wire) -> Executable:
    """The members of a team, with their role in it."""
    return (
        select(json_object(wire))
        .select_from(person.join(project_person_link, project_person_link.c.person_id == person.c.id))
        .where(project_person_link.c.project_id == PROJECT_ID)
    )


#: What decides whether somebody may join a team.
joining_person = select(person.c.id, person.c.preview_project_id).where(person.c.id == PERSON_ID)

#: The role of a team member.
team_role = (
    select(project_person_link.c.role)
    .where(project_person_link.c.project_id == PROJECT_ID, project_person_link.c.person_id == PERSON_ID)
    .with_for_update()
)

#: The production, locked: what is numbered or unique within it is added one after the other.
locked_project = select(project.c.id).where(project.c.id == PROJECT_ID).with_for_update(key_share=True)
