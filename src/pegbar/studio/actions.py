"""The rules of the studio's tables. Source: spec crud, the sections of their names."""

from uuid import UUID

from sqlalchemy import Table, func, text, update

from pegbar.accounts.tables import POSITIONS, SENIORITIES
from pegbar.core.data.changes import Change
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest, Conflict
from pegbar.core.live.events import event
from pegbar.planning.tables import schedule_item
from pegbar.productions.tables import project_task_type_link
from pegbar.studio import queries
from pegbar.studio.tables import entity_type, task_status, task_type

#: Of those that a new order moves.
TYPE_UPDATE = event("task-type:update", "task_type_id", scoped=False)
#: Of the status that was the default before.
STATUS_UPDATE = event("task-status:update", "task_status_id", scoped=False)

_FOR_CONCEPT = func.coalesce(task_status.c.for_concept, False)
_CLEAR_DEFAULT = (
    update(task_status)
    .where(
        task_status.c.is_default,
        param("for_concept") == _FOR_CONCEPT,
        func.coalesce(task_status.c.id != param("row_id"), True),
    )
    .values(is_default=False, updated_at=param("now", task_status.c.updated_at.type))
    .returning(task_status.c.id)
)

_REORDER = sql(
    """
    UPDATE task_type SET priority = numbered.n, updated_at = :now
      FROM (SELECT id, min(n) AS n FROM unnest(:ids ::uuid[]) WITH ORDINALITY AS listed (id, n) GROUP BY id) AS numbered
     WHERE task_type.id = numbered.id AND task_type.priority IS DISTINCT FROM numbered.n
    RETURNING task_type.id
    """,
    now=task_type.c.updated_at.type,
)

_MISSING_SCALES = """
    FROM department d, unnest(:positions ::text[]) AS p (position), unnest(:seniorities ::text[]) AS s (seniority)
   WHERE NOT EXISTS (SELECT 1 FROM salary_scale k WHERE k.department_id = d.id AND k.position = p.position
                        AND k.seniority = s.seniority)
"""
_ANY_MISSING_SCALE = text(f"SELECT EXISTS (SELECT 1 {_MISSING_SCALES})")
_HOLD_SCALES = text("SELECT pg_advisory_xact_lock(hashtext('pegbar.salary_scales'))")
_ADD_SCALES = sql(
    f"""
    INSERT INTO salary_scale (id, department_id, position, seniority, salary, created_at, updated_at)
    SELECT pegbar.new_id(), d.id, p.position, s.seniority, 0, :now, :now {_MISSING_SCALES}
    """,
    now=task_type.c.updated_at.type,
)


async def _refuse_same_name(change: Change, table: Table) -> None:
    if change.before is None and change.values.get("name") is None:
        raise BadRequest("name is required.")
    if change.changes("name") and await change.tx.value(
        queries.same_name(table), name=change.values["name"], row_id=change.row_id
    ):
        raise BadRequest(f"name: there is one named {change.values['name']} already.")


async def prepare_name(change: Change) -> None:
    """A name that must be there, and is told so like other missing parameters."""
    if change.document.get("name") is None and (change.before is None or "name" in change.document):
        raise BadRequest("name is required.")


async def check_entity_type(change: Change) -> None:
    """No two entity types have the same name, whatever its case."""
    await _refuse_same_name(change, entity_type)


async def check_task_type(change: Change) -> None:
    """No two task types have the same name, whatever its case."""
    await _refuse_same_name(change, task_type)


async def free_task_type(change: Change) -> None:
    """A task type in use stays, unless forced: then its schedule items and places in productions go first."""
    task_type_id = change.row(task_type)
    if change.force:
        await change.tx.delete(schedule_item, task_type_id=task_type_id)
        await change.tx.delete(project_task_type_link, task_type_id=task_type_id)
        return
    row = await change.tx.row(queries.uses_of_task_type, task_type_id=task_type_id)
    assert row is not None
    if any(row):
        raise Conflict(f"This task type is used by {row[0]} schedule items and {row[1]} productions.")


async def reorder_task_types(tx: Transaction, ids: list[UUID]) -> None:
    """Give task types the priority of their place in a list; ids of none are passed over."""
    for task_type_id in await tx.column(_REORDER, ids=ids, now=utc_now()):
        tx.emit(TYPE_UPDATE, task_type_id=task_type_id)


async def check_task_status(change: Change) -> None:
    """One status is the default of concepts, and one of everything else."""
    if change.after("is_default") and (change.changes("is_default") or change.changes("for_concept")):
        for_concept = bool(change.after("for_concept"))
        params = {"for_concept": for_concept, "row_id": change.row_id, "now": utc_now()}
        for status_id in await change.tx.column(_CLEAR_DEFAULT, **params):
            change.tx.emit(STATUS_UPDATE, task_status_id=status_id)


async def check_plugin(change: Change) -> None:
    """Addresses are stored in lower case."""
    if change.values.get("maintainer_email"):
        change.values["maintainer_email"] = change.values["maintainer_email"].lower()


async def add_missing_scales(tx: Transaction) -> None:
    """Every department has a salary for each position and seniority: add those missing, at zero."""
    params = {"positions": list(POSITIONS), "seniorities": list(SENIORITIES)}
    if await tx.value(_ANY_MISSING_SCALE, **params):
        await tx.execute(_HOLD_SCALES)
        await tx.execute(_ADD_SCALES, now=utc_now(), **params)
