"""Routes of productions and their teams. Source: spec projects; spec crud, "projects", "project-templates"."""

from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.kept import Kept
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, at, authenticated, manager_of, member_of
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import delete, found, get, path_uuid, post, put
from pegbar.productions import actions, queries, shapes
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.productions.resources import projects

#: A role within one production; administrators are so everywhere.
TeamRole = Literal["user", "supervisor", "manager", "client", "vendor"]

#: The open productions of a person, or of all administrators: clients and scripts begin with them.
_open: Kept[Json] = Kept(32 << 20)


# Productions


@get(
    "/data/projects/open",
    access=authenticated,
    along=queries.STATE_OF_STUDIO,
    returns=[shapes.FULL_FOR_ADMINS],
    tag="Projects",
)
async def open_projects(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Json:
    """Open productions of the caller's teams (all of them for an administrator), with settings and descriptors."""
    name = request.query_params.get("name")
    if name is not None:
        return await _list(db, caller, queries.open_projects, name)
    viewer, state = None if caller.is_admin else caller.id, str(caller.along)
    rows = _open.get(viewer, state)
    if rows is None:
        rows = await _list(db, caller, queries.open_projects, None)
        _open.put(viewer, state, rows, len(rows))
    return rows


@get("/data/projects/all", access=authenticated, returns=[projects], tag="Projects", errors=(404,))
async def all_projects(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Json:
    """Productions of the caller's teams (all of them for an administrator), open and closed; or the one of a name."""
    name = request.query_params.get("name")
    rows = await _list(db, caller, queries.all_projects, name)
    if name is not None and rows == b"[]":
        raise NotFound(f"There is no production named {name}.")
    return rows


async def _list(db: Database, caller: Caller, statements: Any, name: str | None) -> Json:
    statement = statements(caller.is_admin, name is not None)
    params = {} if name is None else {"name": name}
    return await db.json(statement, **params)


@get(
    "/data/projects/{instance_id:str}",
    access=member_of(at("project", "instance_id")),
    returns=projects,
    tag="Projects",
    errors=(400, 404),
)
async def read_project(request: Request[Any, Any, Any], instance_id: str, db: Database, caller: Caller) -> Json:
    """Read one of projects: with its relations, settings and the descriptors the caller may see, unless told not to."""
    flag = request.query_params.get("relations")
    wire = shapes.named_project(caller)
    if flag is None or flag.lower() == "true":
        wire = shapes.full_project(caller)
    statement = queries.one_project(wire)
    row = await db.json_row(statement, project_id=path_uuid(instance_id))
    return found(row, "The production")


# Teams


class NewMember(Strict):
    """Who joins a team, and as what; without a role, as what they are in the studio."""

    person_id: UUID
    role: TeamRole | None = None


class MemberRole(Strict):
    """The role of a team member; null inherits the one they have in the studio."""

    role: TeamRole | None = None


class TeamRoleSet(msgspec.Struct):
    """A member and their role on the production."""

    project_id: UUID
    person_id: UUID
    role: TeamRole | None


@get(
    "/data/projects/{project_id:uuid}/team",
    access=member_of("project_id"),
    returns=[{"anyOf": [{"$ref": "#/components/schemas/Person"}, {"type": "object"}]}],
    tag="Projects",
)
async def team(project_id: UUID, db: Database, caller: Caller) -> Json:
    """The team of a production, each with their role there; managers see whole persons."""
    statement = queries.team(shapes.team_member(caller))
    return await db.json(statement, project_id=project_id)


@post(
    "/data/projects/{project_id:uuid}/team",
    access=manager_of("project_id"),
    events=(PROJECT_CHANGED,),
    returns=projects,
    errors=(400,),
    tag="Projects",
)
async def join_team(project_id: UUID, body: NewMember, tx: Transaction) -> Json:
    """Put a person in the team of a production, or change the role of a member."""
    await actions.join_team(tx, project_id, body.person_id, body.role)
    return await queries.project_row(tx, project_id)


@put(
    "/data/projects/{project_id:uuid}/team/{person_id:str}",
    access=manager_of("project_id"),
    events=(PROJECT_CHANGED,),
    returns=TeamRoleSet,
    errors=(400,),
    tag="Projects",
)
async def set_team_role(project_id: UUID, person_id: str, body: MemberRole, tx: Transaction) -> TeamRoleSet:
    """Set the role of a team member on this production."""
    await actions.set_team_role(tx, project_id, path_uuid(person_id), body.role)
    return TeamRoleSet(project_id, path_uuid(person_id), body.role)


@delete(
    "/data/projects/{project_id:uuid}/team/{person_id:str}",
    access=manager_of("project_id"),
    events=(PROJECT_CHANGED,),
    tag="Projects",
)
async def leave_team(project_id: UUID, person_id: str, tx: Transaction) -> None:
    """Take a person out of the team of a production."""
    await actions.leave_team(tx, project_id, path_uuid(person_id))
