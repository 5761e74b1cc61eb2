"""The demo as a whole: made once, taken away."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from pegbar import app
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import CannotRun
from pegbar.demo import production, story
from pegbar.demo.conversation import Voice, open_to
from pegbar.demo.making import Making, make
from pegbar.demo.pipeline import read_pipeline

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What became of it."""

    name: str
    made: bool  #: false: it was there


async def make_demo(db: Database, tell: Tell) -> Outcome:
    """Make the demo unless it is there; one that was begun and broken off is made anew. Raises CannotRun."""
    async with db.transaction() as turn:
        if not await turn.value(production.TAKE_TURN):
            raise CannotRun("Another `pegbar demo` is under way.")
        row = await production.demo(db)
        if row is not None and row["state"] == production.MADE:
            return Outcome(row["name"], made=False)
        if row is not None:
            tell("What was broken off is taken away")
            await db.write(None, lambda tx: production.take_away(tx, row["id"]))
        await _make(db, tell)
        return Outcome(story.PRODUCTION, made=True)


async def _make(db: Database, tell: Tell) -> None:
    tell("People")
    pipeline = await read_pipeline(db)
    departments = {
        side: sorted({str(row["department_id"]) for row in types if row["department_id"]})
        for side, types in pipeline.task_types.items()
    }

    async def begin(tx: Transaction) -> tuple[UUID, dict[story.Person, UUID]]:
        team = await production.engage(tx, departments)
        return await production.begin(tx, pipeline, list(team.values()), utc_now().date()), team

    project_id, team = await db.write(None, begin)
    async with open_to(app.create()) as client:
        voices = {member: Voice(client, person_id) for member, person_id in team.items()}
        await make(Making(str(project_id), pipeline, voices, tell))
    await db.write(None, lambda tx: production.finish(tx, project_id))


async def remove_demo(db: Database) -> tuple[str | None, int, list[str]]:
    """Take the demo away: the name it had, how many of its people went, and the addresses of those who stay."""
    async with db.transaction() as turn:
        if not await turn.value(production.TAKE_TURN):
            raise CannotRun("Another `pegbar demo` is under way.")
        row = await production.demo(db)
        if row is not None:
            await db.write(None, lambda tx: production.take_away(tx, row["id"]))
        removed, staying = await db.write(None, production.let_go)
        return None if row is None else row["name"], removed, staying
