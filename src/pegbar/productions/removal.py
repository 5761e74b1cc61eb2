"""Deleting a production. Source: spec crud, "projects", DELETE.

Without force only an empty production goes: its settings, log and preview account with it, but anything that somebody
made in it keeps it. With force everything in it goes first, in the same transaction: each domain deletes its own rows
(hooks.PROJECT_REMOVED), in the order of foreign keys.
"""

from sqlalchemy import Executable, bindparam, select, text

from pegbar.core.errors import BadRequest
from pegbar.core.events import event
from pegbar.core.resource import Change
from pegbar.core.schema import Uuid
from pegbar.productions import queries
from pegbar.productions.hooks import PROJECT_REMOVED, Removal
from pegbar.productions.queries import PROJECT_ID

PERSON_DELETED = event("person:delete", "person_id", scoped=False)

_IS_OPEN = select(queries.open_status.scalar_subquery() == bindparam("status_id", type_=Uuid))


def _sql(statement: str) -> Executable:
    return text(statement).bindparams(PROJECT_ID)


#: The account that only looks at this production, and what an account that only looks owns.
_ACCOUNT = _sql("SELECT id FROM person WHERE preview_project_id = :project_id")
_OF_ACCOUNT = "IN (SELECT id FROM person WHERE preview_project_id = :project_id)"
_REMOVE_ACCOUNT = tuple(
    _sql(f"DELETE FROM {table} WHERE {column} {_OF_ACCOUNT}")  # noqa: S608 - names of ours
    for table, column in (
        ("login_log", "person_id"),
        ("desktop_login_log", "person_id"),
        ("department_link", "person_id"),
        ("project_person_link", "person_id"),
        ("notification", "person_id"),
        ("subscription", "person_id"),
        ("api_event", "user_id"),
        ("person", "id"),
    )
)

_REMOVE_LOG = _sql("DELETE FROM api_event WHERE project_id = :project_id")

_REMOVE_OWN = (
    _sql("DELETE FROM budget_entry WHERE budget_id IN (SELECT id FROM budget WHERE project_id = :project_id)"),
    _sql("DELETE FROM budget WHERE project_id = :project_id"),
    _sql(
        "DELETE FROM department_metadata_descriptor_link WHERE metadata_descriptor_id IN"
        " (SELECT id FROM metadata_descriptor WHERE project_id = :project_id)"
    ),
    _sql("DELETE FROM metadata_descriptor WHERE project_id = :project_id"),
)


async def remove_project(change: Change) -> None:
    """Clear the way for a production's row. An open production is never deleted."""
    assert change.before is not None
    assert change.row_id is not None
    tx, project_id = change.tx, change.row_id
    if await tx.value(_IS_OPEN, status_id=change.before["project_status_id"]):
        raise BadRequest("An open production cannot be deleted: close it first.")
    if change.force:
        await PROJECT_REMOVED.run(Removal(tx, project_id))
        for statement in _REMOVE_OWN:
            await tx.execute(statement, project_id=project_id)
    for person_id in await tx.column(_ACCOUNT, project_id=project_id):
        tx.emit(PERSON_DELETED, person_id=person_id)
    for statement in (*_REMOVE_ACCOUNT, _REMOVE_LOG):
        await tx.execute(statement, project_id=project_id)
