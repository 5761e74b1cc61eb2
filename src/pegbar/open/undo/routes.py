"""Undo."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from pegbar.core.data.database import Database
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, authenticated
from pegbar.core.http.routing import post
from pegbar.open.undo import actions
from pegbar.open.undo.actions import Outcome


class Undo(msgspec.Struct, forbid_unknown_fields=True):
    """What to take back: one of a transaction, a request, a batch or an import."""

    change_id: int | UnsetType = UNSET
    request_id: UUID | UnsetType = UNSET
    batch_id: UUID | UnsetType = UNSET
    import_id: UUID | UnsetType = UNSET
    dry_run: bool = False


_MANAGERS = authenticated.further("managers of every production that was changed; studio managers what is the studio's")


@post("/open/v1/undo", access=_MANAGERS, status=200, returns=Outcome, errors=(400, 404, 409), tag="Open: history")
async def undo(body: Undo, db: Database, caller: Caller) -> Outcome:
    """Take back what a transaction (`change_id`), a request, a batch or an import changed: all of it, or nothing.

    Answers `{undone, change_id, created, updated, deleted, dry_run}`: the changes taken back, the change that did it
    (which can be undone in turn) and the rows of each table. Rows that were made go, with what only follows from them;
    rows that were deleted come back with their ids; columns go back, documents key by key. Events tell of all of it.

    409 when others have changed the same since, with `conflicts`: `[{table, key, field, reason, person_id, at}]`.
    With `dry_run` everything is done, told and rolled back. 404 for changes that are not known (any more), 403 unless
    the caller manages every production that they are about, 400 for changes of accounts and for more than 50,000 rows.
    Source: issue "open platform", 6.
    """
    chosen = {
        name: value
        for name in ("change_id", "request_id", "batch_id", "import_id")
        if (value := getattr(body, name)) is not UNSET
    }
    if len(chosen) != 1:
        raise BadRequest("One of change_id, request_id, batch_id and import_id is required.")
    ((which, value),) = chosen.items()
    if isinstance(value, int) and not 0 < value < 2**63:
        raise BadRequest("change_id: there is no such number.")
    known = value if which in ("change_id", "request_id") else str(value)
    return await actions.undo(db, caller, which, known, dry_run=body.dry_run)
