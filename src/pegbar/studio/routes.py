"""Routes of the studio's tables that are not generic. Source: spec crud, "task-types", "salary-scales"."""

from typing import Any
from uuid import UUID

from pegbar.core.data.database import Json, Transaction
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import admin
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import get, post
from pegbar.studio import actions, queries
from pegbar.studio.resources import salary_scales, task_types


class Order(Strict):
    """Task types in the order wanted."""

    task_type_ids: list[UUID]


@post(
    "/actions/task-types/reorder",
    access=admin,
    status=200,
    tag="Task types",
    returns=[task_types],
    events=[actions.TYPE_UPDATE],
    errors=(400,),
)
async def reorder_task_types(body: Order, tx: Transaction) -> Json:
    """Order task types: their priority becomes their place in the list."""
    await actions.reorder_task_types(tx, body.task_type_ids)
    return await tx.json(queries.task_types_in_order, ids=body.task_type_ids)


@get("/data/salary-scales", access=admin, tag="Salary scales", returns=salary_scales)
async def list_salary_scales(tx: Transaction) -> Json:
    """List salary-scales: one for each department, position and seniority; those missing are added at zero."""
    await actions.add_missing_scales(tx)
    return await tx.json(queries.salary_scales)


@post("/data/salary-scales", access=admin, tag="Salary scales", errors=(400,))
async def create_salary_scale(document: dict[str, Any]) -> None:
    """Refused: the list has every combination already."""
    raise BadRequest("Salary scales are made by listing them; change one with PUT.")
