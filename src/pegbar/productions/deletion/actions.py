"""Deleting a production. Source: spec crud, "projects", DELETE; spec projects, Worth fixing 9.

Without force only an empty production goes: its settings, columns, log and preview account with it, but anything that
somebody made in it keeps it. With force everything goes. What a few batches can hold goes in the request's own
transaction. A larger production is hidden by the request and emptied by a job (jobs.py).
"""

from uuid import UUID

from sqlalchemy import select

from pegbar.accounts.standing import is_open_state
from pegbar.accounts.tables import person
from pegbar.core.data.changes import Change
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.removal import Gone, reaction
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest, NotFound, Refused
from pegbar.productions.deletion import queries
from pegbar.productions.deletion.emptying import remove_rest
from pegbar.productions.deletion.jobs import EMPTY
from pegbar.productions.deletion.parts import parts
from pegbar.productions.preview_account.actions import remove_account
from pegbar.productions.tables import project_removal

#: The most batches, beyond one of each part, that a request removes itself: about a second's work.
_IN_A_REQUEST = 8

_CLOSE_ACCOUNTS = sql(
    "UPDATE person SET preview_project_id = NULL, active = false WHERE preview_project_id = ANY(:ids)"
)
_IS_OPEN = select(is_open_state(param("status_id")))


async def remove_project(change: Change) -> None:
    """Clear the way for a production's row, or hide it and leave the rest to a job. An open one is never deleted."""
    assert change.before is not None
    assert change.row_id is not None
    tx, project_id = change.tx, change.row_id
    if await tx.value(queries.IS_HIDDEN, project_id=project_id):
        raise NotFound(f"There is no Project {project_id}.")  # of two who delete it at once, the other was first
    if await tx.value(_IS_OPEN, status_id=change.before["project_status_id"]):
        raise BadRequest("An open production cannot be deleted: close it first.")
    await remove_account(tx, change.caller, project_id)
    tx.deletes_for_good = False  # as the account goes, but not the production
    # The row is locked: what others were adding is counted, and nothing is added any more.
    sizes = {parts()[row["n"]]: row["rows"] for row in await tx.rows(queries.sizes(), project_id=project_id)}
    if not change.force:
        if made := [part.table.name for part, rows in sizes.items() if part.made and rows]:
            raise Refused(f"It is still used by rows of {', '.join(made)}.")
        await remove_rest(tx, project_id)
        return
    if sum(rows // part.at_once for part, rows in sizes.items()) <= _IN_A_REQUEST:
        await remove_rest(tx, project_id)
    else:
        await _hide(change, project_id, total=sum(sizes.values()))


@reaction(person.c.preview_project_id)
async def close_preview_accounts(gone: Gone) -> None:
    """A preview account made at the last moment is closed."""
    await gone.tx.execute(_CLOSE_ACCOUNTS, ids=list(gone.ids))


async def _hide(change: Change, project_id: UUID, total: int) -> None:
    """Take a production away from everybody at once; its rows follow."""
    assert change.before is not None
    now = utc_now()
    await change.tx.insert(
        project_removal,
        project_id=project_id,
        project_name=change.before["name"],
        requested_by=change.caller.id,
        requested_at=now,
        updated_at=now,
        total=total,
        removed=0,
        doing=parts()[0].what,
    )
    await change.tx.execute(queries.HIDE, project_id=project_id, hidden_name=f"deleted {project_id}")
    change.tx.defer(EMPTY, project_id=project_id)
    change.row_stays = True
