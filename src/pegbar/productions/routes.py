"""Routes of productions. Source: spec projects."""

from typing import Any, Literal
from uuid import UUID

from pegbar.core.access import manager_of
from pegbar.core.body import Strict
from pegbar.core.database import Json, Transaction
from pegbar.core.routing import delete, found, path_uuid, post, put
from pegbar.productions import actions, queries
from pegbar.productions.events import PROJECT_CHANGED

#: A role within one production; administrators are so everywhere.
TeamRole = Literal["user", "supervisor", "manager", "client", "vendor"]


class NewMember(Strict):
    """Who joins a team, and as what; without a role, as what they are in the studio."""

    person_id: UUID
    role: TeamRole | None = None


class MemberRole(Strict):
    """The role of a team member; null inherits the one they have in the studio."""

    role: TeamRole | None = None


async def _row(tx: Transaction, project_id: UUID) -> Json:
    return found(await tx.json_row(queries.project_row, project_id=project_id), "The production")


@post(
    "/data/projects/{project_id:uuid}/team", access=manager_of("project_id"), events=(PROJECT_CHANGED,), errors=(400,)
)
async def join_team(project_id: UUID, body: NewMember, tx: Transaction) -> Json:
    """Put a person in the team of a production, or change the role of a member."""
    await actions.join_team(tx, project_id, body.person_id, body.role)
    return await _row(tx, project_id)


@put(
    "/data/projects/{project_id:uuid}/team/{person_id:str}",
    access=manager_of("project_id"),
    events=(PROJECT_CHANGED,),
    errors=(400,),
)
async def set_team_role(project_id: UUID, person_id: str, body: MemberRole, tx: Transaction) -> Any:
    """Set the role of a team member on this production."""
    await actions.set_team_role(tx, project_id, path_uuid(person_id), body.role)
    return {"project_id": project_id, "person_id": path_uuid(person_id), "role": body.role}


@delete(
    "/data/projects/{project_id:uuid}/team/{person_id:str}", access=manager_of("project_id"), events=(PROJECT_CHANGED,)
)
async def leave_team(project_id: UUID, person_id: str, tx: Transaction) -> None:
    """Take a person out of the team of a production."""
    await actions.leave_team(tx, project_id, path_uuid(person_id))
