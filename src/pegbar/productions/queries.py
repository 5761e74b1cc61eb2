"""Reads about productions."""

from sqlalchemy import bindparam, select

from pegbar.accounts.tables import person
from pegbar.core.schema import Uuid
from pegbar.core.wire import json_object, wire_of
from pegbar.productions.tables import project, project_person_link
from pegbar.studio.tables import project_status

PROJECT_ID = bindparam("project_id", type_=Uuid)
PERSON_ID = bindparam("person_id", type_=Uuid)

PROJECT = wire_of(project, "Project")

#: A production without its relations.
project_row = select(json_object(PROJECT)).where(project.c.id == PROJECT_ID)

#: The id of the status named Open, the oldest one if there are more.
open_status = (
    select(project_status.c.id).where(project_status.c.name == "Open").order_by(project_status.c.created_at).limit(1)
)

#: What decides whether somebody may join a team.
joining_person = select(person.c.id, person.c.preview_project_id).where(person.c.id == PERSON_ID)

#: A team member, locked against a concurrent change of role.
team_member = (
    select(project_person_link.c.role)
    .where(project_person_link.c.project_id == PROJECT_ID, project_person_link.c.person_id == PERSON_ID)
    .with_for_update()
)

_team = project_person_link
#: Whether a production exists, and what a person is in its team.
membership = (
    select(_team.c.person_id.is_not(None).label("in_team"), _team.c.role)
    .select_from(project.outerjoin(_team, (_team.c.project_id == project.c.id) & (_team.c.person_id == PERSON_ID)))
    .where(project.c.id == PROJECT_ID)
)
