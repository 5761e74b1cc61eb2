"""What a studio works with, as far as the demo uses it: it adds nothing to the studio's own types and statuses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import select

from pegbar.core.data.database import Database
from pegbar.core.errors import CannotRun
from pegbar.demo import story
from pegbar.demo.plan import Stage
from pegbar.entities.kinds import is_asset_type
from pegbar.studio.tables import entity_type, task_status, task_type

Row = Mapping[str, Any]

#: Steps of the pipeline that the demo uses at most, of those a studio has for assets and for shots.
_MOST_STEPS = {"Asset": 4, "Shot": 5}

_STATUSES = (
    select(task_status)
    .where(task_status.c.archived.is_not(True), task_status.c.for_concept.is_not(True))
    .order_by(task_status.c.priority, task_status.c.name)
)
_TASK_TYPES = (
    select(task_type).where(task_type.c.archived.is_not(True)).order_by(task_type.c.priority, task_type.c.name)
)
_ASSET_TYPES = (
    select(entity_type)
    .where(entity_type.c.archived.is_not(True), is_asset_type(entity_type.c.id))
    .order_by(entity_type.c.name)
)


@dataclass(frozen=True)
class Pipeline:
    """Types and statuses, with their ids as text."""

    asset_types: Sequence[Row]
    task_types: Mapping[str, Sequence[Row]]  #: by "Asset" and "Shot", in their order
    statuses: Mapping[Stage, Row]


async def read_pipeline(db: Database) -> Pipeline:
    """The pipeline of the studio. Raises CannotRun when it lacks what a production needs."""
    task_types = [_row(row) for row in await db.rows(_TASK_TYPES)]
    asset_types = [_row(row) for row in await db.rows(_ASSET_TYPES)]
    by_side = {
        side: [row for row in task_types if row["for_entity"] == side][:most] for side, most in _MOST_STEPS.items()
    }
    if not asset_types or not all(by_side.values()):
        raise CannotRun(
            "The studio has no asset types, or no task types of assets or of shots. Make some, or load the defaults: "
            "pegbar db init"
        )
    known = {row["name"].lower(): row for row in asset_types}
    named = [known[kind.lower()] for kind in story.ASSETS if kind.lower() in known]
    return Pipeline(named or asset_types[:4], by_side, _by_stage([_row(row) for row in await db.rows(_STATUSES)]))


def _row(row: asyncpg.Record) -> dict[str, Any]:
    return {name: str(value) if name == "id" else value for name, value in row.items()}


def _by_stage(statuses: Sequence[dict[str, Any]]) -> dict[Stage, dict[str, Any]]:
    """A status for each stage; stages that a studio does not tell apart share one."""

    def flagged(flag: str, instead: dict[str, Any] | None = None) -> dict[str, Any]:
        row = next((row for row in statuses if row.get(flag)), instead)
        if row is None:
            raise CannotRun(f"The studio has no task status with {flag}: make one first.")
        return row

    todo = flagged("is_default")
    wip = flagged("is_wip", todo)
    review = flagged("is_feedback_request", wip)
    ready = next((row for row in statuses if row["name"].lower() == "ready to start"), todo)
    return {
        "todo": todo,
        "ready": ready,
        "wip": wip,
        "review": review,
        "retake": flagged("is_retake", wip),
        "done": flagged("is_done"),
    }
