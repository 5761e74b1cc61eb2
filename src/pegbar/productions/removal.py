"""Deleting a production. Source: spec crud, "projects", DELETE.

Without force only an empty production goes: its settings, log and preview account with it, but anything that somebody
made in it keeps it. With force everything in it goes first, in the same transaction: each domain deletes its own rows
(hooks.PROJECT_REMOVED), in the order of foreign keys.
"""

from sqlalchemy import bindparam, select

from pegbar.core.errors import BadRequest
from pegbar.core.events import event
from pegbar.core.resource import Change
from pegbar.core.schema import Uuid
from pegbar.productions import queries
from pegbar.productions.hooks import PROJECT_REMOVED, Removal, about_project

PERSON_DELETED = event("person:delete", "person_id", scoped=False)

_IS_OPEN = select(queries.open_status.scalar_subquery() == bindparam("status_id", type_=Uuid))


#: The account that only looks at this production, and what an account that only looks owns.
(_ACCOUNT,) = about_project("SELECT id FROM person WHERE preview_project_id = :project_id")
_REMOVE_ACCOUNT = about_project(
    "DELETE FROM login_log WHERE person_id IN {account}",
    "DELETE FROM desktop_login_log WHERE person_id IN {account}",
    "DELETE FROM department_link WHERE person_id IN {account}",
    "DELETE FROM project_person_link WHERE person_id IN {account}",
    "DELETE FROM notification WHERE person_id IN {account}",
    "DELETE FROM subscription WHERE person_id IN {account}",
    "DELETE FROM api_event WHERE user_id IN {account}",
    "DELETE FROM person WHERE preview_project_id = :project_id",
    account="SELECT id FROM person WHERE preview_project_id = :project_id",
)

_REMOVE_LOG = about_project("DELETE FROM api_event WHERE project_id = :project_id")

_REMOVE_OWN = about_project(
    "DELETE FROM budget_entry WHERE budget_id IN (SELECT id FROM budget WHERE project_id = :project_id)",
    "DELETE FROM budget WHERE project_id = :project_id",
    """DELETE FROM department_metadata_descriptor_link
        WHERE metadata_descriptor_id IN (SELECT id FROM metadata_descriptor WHERE project_id = :project_id)""",
    "DELETE FROM metadata_descriptor WHERE project_id = :project_id",
)


async def remove_project(change: Change) -> None:
    """Clear the way for a production's row. An open production is never deleted."""
    assert change.before is not None
    assert change.row_id is not None
    tx, project_id = change.tx, change.row_id
    if await tx.value(_IS_OPEN, status_id=change.before["project_status_id"]):
        raise BadRequest("An open production cannot be deleted: close it first.")
    removal = Removal(tx, project_id)
    if change.force:
        await PROJECT_REMOVED.run(removal)
        await removal.run(_REMOVE_OWN)
    for row in await removal.rows(_ACCOUNT):
        tx.emit(PERSON_DELETED, person_id=row["id"])
    await removal.run((*_REMOVE_ACCOUNT, *_REMOVE_LOG))
