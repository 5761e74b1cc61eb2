"""Writes about productions: the rules of creation, teams and settings."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import String, Uuid, utc_now
from pegbar.core.errors import BadRequest
from pegbar.productions import queries
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.productions.hooks import TEAM_LEFT, Parting
from pegbar.productions.queries import PERSON_ID, PROJECT_ID
from pegbar.productions.tables import project, project_person_link, team_addition

_JOIN = (
    insert(project_person_link)
    .values(project_id=PROJECT_ID, person_id=PERSON_ID, role=param("role", String))
    .on_conflict_do_nothing()
)

_ADDITION = insert(team_addition).values(project_id=PROJECT_ID, person_id=PERSON_ID, added_by=param("added_by", Uuid))
_NOTE_ADDITION = _ADDITION.on_conflict_do_update(
    index_elements=["project_id", "person_id"], set_={"added_by": _ADDITION.excluded.added_by}
)

#: Who was not in the team; that somebody put them there is noted.
_BRING = sql(
    """
    WITH brought AS (
      INSERT INTO project_person_link (project_id, person_id)
      SELECT project_id, person.id FROM unnest(:project_ids, :person_ids) AS wanted (project_id, person_id)
        JOIN person ON person.id = wanted.person_id
      ON CONFLICT DO NOTHING RETURNING project_id, person_id
    ), noted AS (
      INSERT INTO pegbar.team_addition (project_id, person_id, added_by)
      SELECT project_id, person_id, :author_id FROM brought WHERE CAST(:author_id AS uuid) IS NOT NULL
      ON CONFLICT (project_id, person_id) DO UPDATE SET added_by = excluded.added_by
    )
    SELECT DISTINCT project_id FROM brought
    """
)

_SET_ROLE = (
    update(project_person_link)
    .where(project_person_link.c.project_id == PROJECT_ID, project_person_link.c.person_id == PERSON_ID)
    .values(role=param("role", String))
)


async def touch(tx: Transaction, project_id: UUID) -> None:
    """Mark a production as changed, and tell."""
    await tx.update(project, project_id, updated_at=utc_now())
    tx.emit(PROJECT_CHANGED, project_id=project_id)


async def join_team(tx: Transaction, project_id: UUID, person_id: UUID, role: str | None) -> None:
    """Put a person in the team, or give a member a role. Without a role a member keeps theirs."""
    person = await tx.row(queries.joining_person, person_id=person_id)
    if person is None:
        raise BadRequest("person_id names nobody.")
    if person["preview_project_id"] not in (None, project_id):
        raise BadRequest("person_id: a preview account belongs to the team of its own production only.")
    changed = await tx.execute(_JOIN, project_id=project_id, person_id=person_id, role=role)
    if changed:
        await _note_addition(tx, project_id, person_id)
    if not changed and role is not None:
        before = await tx.value(queries.team_role, project_id=project_id, person_id=person_id)
        changed = before != role
        if changed:
            await tx.execute(_SET_ROLE, project_id=project_id, person_id=person_id, role=role)
    if changed:
        await touch(tx, project_id)


async def _note_addition(tx: Transaction, project_id: UUID, person_id: UUID) -> None:
    if tx.author_id is not None:
        await tx.execute(_NOTE_ADDITION, project_id=project_id, person_id=person_id, added_by=tx.author_id)


async def bring_into_team(tx: Transaction, project_id: UUID, person_ids: Sequence[UUID]) -> None:
    """Who is given something to do on a production is in its team; those who are keep their role."""
    await bring_into_teams(tx, [(project_id, person_id) for person_id in person_ids])


async def bring_into_teams(tx: Transaction, members: Sequence[tuple[UUID, UUID]]) -> None:
    """The same for many productions: pairs of a production and a person."""
    if not members:
        return
    project_ids, person_ids = zip(*members, strict=True)
    ids = {"project_ids": list(project_ids), "person_ids": list(person_ids)}
    for project_id in sorted(await tx.column(_BRING, author_id=tx.author_id, **ids)):
        await touch(tx, project_id)


async def set_team_role(tx: Transaction, project_id: UUID, person_id: UUID, role: str | None) -> None:
    """Give a member a role on the production; None inherits the person's own."""
    person = await tx.row(queries.joining_person, person_id=person_id)
    if person is not None and person["preview_project_id"] is not None:
        raise BadRequest("person_id: a preview account always is a client.")
    if not await tx.execute(_SET_ROLE, project_id=project_id, person_id=person_id, role=role):
        raise BadRequest("person_id is not in the team of this production.")
    await touch(tx, project_id)


async def leave_team(tx: Transaction, project_id: UUID, person_id: UUID) -> None:
    """Take a person out of the team, its chats and subscriptions; their assignments stay."""
    if await tx.delete(project_person_link, project_id=project_id, person_id=person_id):
        await TEAM_LEFT.run(Parting(tx, project_id, person_id))
    await touch(tx, project_id)
