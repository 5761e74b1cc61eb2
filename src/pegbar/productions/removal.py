"""Deleting a production. Source: spec crud, "projects", DELETE.

Without force only an empty production goes: its settings, columns, log and preview account with it, but anything that
somebody made in it keeps it. With force everything in it goes first, in the same transaction: each domain deletes its
own rows (hooks.PROJECT_REMOVED), in the order of foreign keys.
"""

from sqlalchemy import bindparam, select

from pegbar.core.errors import BadRequest
from pegbar.core.resource import Change
from pegbar.core.schema import Uuid
from pegbar.productions import queries
from pegbar.productions.hooks import PROJECT_REMOVED, Removal, about_project
from pegbar.productions.preview_account.actions import remove_account

_IS_OPEN = select(queries.open_status.scalar_subquery() == bindparam("status_id", type_=Uuid))


_REMOVE_LOG = about_project(
    "DELETE FROM api_event WHERE project_id = :project_id",
    "DELETE FROM pegbar.budget_revision WHERE project_id = :project_id",
)

_REMOVE_BUDGETS = about_project(
    "DELETE FROM budget_entry WHERE budget_id IN (SELECT id FROM budget WHERE project_id = :project_id)",
    "DELETE FROM budget WHERE project_id = :project_id",
)

_REMOVE_DESCRIPTORS = about_project(
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
        await removal.run(_REMOVE_BUDGETS)
    await remove_account(tx, change.caller, project_id)
    await removal.run((*_REMOVE_DESCRIPTORS, *_REMOVE_LOG))
