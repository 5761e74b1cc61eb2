"""The row of the demo and its people: found again, begun, taken away. What is in it is made in `making.py`."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from uuid import UUID

import asyncpg
from sqlalchemy import ARRAY, any_, exists, func, select, text

from pegbar.accounts.administration import OPERATOR, reset_password
from pegbar.accounts.people.actions import dismiss, edit, hire
from pegbar.accounts.standing import is_going
from pegbar.accounts.tables import person
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text
from pegbar.demo import plan, story
from pegbar.demo.pipeline import Pipeline
from pegbar.productions.resources import projects
from pegbar.productions.tables import project, project_person_link
from pegbar.studio.tables import project_status

#: The key of a production's `data` that tells the demo, whatever somebody calls it since.
MARK = "pegbar_demo"
MAKING, MADE = "making", "made"

#: Held while a demo is made or taken away, by a transaction that does nothing else.
TAKE_TURN = text("SELECT pg_try_advisory_xact_lock(hashtext('pegbar.demo'))")
_DEMO = (
    select(project.c.id, project.c.name, project.c.data, project.c.data[MARK].astext.label("state"))
    .where(project.c.data.has_key(MARK), ~is_going(project.c.id))
    .order_by(project.c.created_at)
    .limit(1)
)
_PEOPLE = select(person.c.id, func.lower(person.c.email).label("email")).where(
    func.lower(person.c.email) == any_(param("emails", ARRAY(Text))), person.c.is_bot.is_not(True)
)
_CLOSED = select(project_status.c.id).where(func.lower(project_status.c.name) == param("name", Text)).limit(1)
_IN_A_TEAM = select(
    exists().where(project_person_link.c.person_id == param("person_id"), ~is_going(project_person_link.c.project_id))
)


async def demo(db: Database) -> asyncpg.Record | None:
    """The production of the demo, if there is one."""
    return await db.row(_DEMO)


async def people(tx: Transaction | Database) -> dict[str, UUID]:
    """The people of the demo that there are, by their addresses."""
    rows = await tx.rows(_PEOPLE, emails=[member.email for member in story.PEOPLE])
    return {row["email"]: row["id"] for row in rows}


async def engage(tx: Transaction, departments: Mapping[str, Sequence[str]]) -> dict[story.Person, UUID]:
    """Hire the people of the demo, without a password; those who are there work again."""
    known, team = await people(tx), {}
    for member in story.PEOPLE:
        document = {
            "first_name": member.first_name,
            "last_name": member.last_name,
            "role": member.role,
            "departments": list(departments.get(member.side, ())),
        }
        if person_id := known.get(member.email):
            await edit(tx, OPERATOR, person_id, {"active": True, "departments": document["departments"]})
        else:
            person_id, _ = await hire(tx, OPERATOR, {**document, "email": member.email})
        team[member] = person_id
    return team


async def begin(tx: Transaction, pipeline: Pipeline, team: Sequence[UUID], today: date) -> UUID:
    """The production itself, empty."""
    types = [row["id"] for rows in pipeline.task_types.values() for row in rows]
    return await projects.create(
        tx,
        OPERATOR,
        {
            "name": story.PRODUCTION,
            "description": story.DESCRIPTION,
            "data": {MARK: MAKING},
            "production_type": "short",
            "production_style": "3d",
            "fps": "24",
            "ratio": "16:9",
            "resolution": "1280x720",
            "start_date": str(today - timedelta(days=plan.BEHIND)),
            "end_date": str(today + timedelta(days=plan.AHEAD)),
            "is_set_preview_automated": True,
            "team": [str(person_id) for person_id in team],
            "task_types": types,
            "task_statuses": list({row["id"]: None for row in pipeline.statuses.values()}),
            "asset_types": [row["id"] for row in pipeline.asset_types],
        },
    )


async def finish(tx: Transaction, project_id: UUID) -> None:
    """Say that the demo is whole."""
    await projects.update(tx, OPERATOR, project_id, {"data": {MARK: MADE}})


async def take_away(tx: Transaction, project_id: UUID) -> None:
    """Close the production and delete it with all that is in it; a large one goes bit by bit, in a job."""
    closed = await tx.value(_CLOSED, name="closed")
    closed = closed or await tx.insert(project_status, name="Closed", color="#000000")
    await projects.update(tx, OPERATOR, project_id, {"project_status_id": str(closed)})
    await projects.remove(tx, OPERATOR, project_id, force=True)


async def let_go(tx: Transaction) -> tuple[int, list[str]]:
    """Remove the people of the demo: how many, and the addresses of those who stay, since other teams have them."""
    removed, staying = 0, []
    for email, person_id in sorted((await people(tx)).items()):
        if await tx.value(_IN_A_TEAM, person_id=person_id):
            staying.append(email)
        else:
            await dismiss(tx, OPERATOR, person_id, force=True)
            removed += 1
    return removed, staying


async def let_in(tx: Transaction) -> list[tuple[story.Person, str]]:
    """Give the people of the demo new passwords; who has which."""
    known, given = await people(tx), []
    for member in story.PEOPLE:
        if member.email in known:
            password = secrets.token_urlsafe(9)
            await reset_password(tx, member.email, password, disable_2fa=False)
            given.append((member, password))
    return given
