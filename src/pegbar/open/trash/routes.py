"""The trash: what was deleted, restored or purged. Source: issue 13, "Trash"."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, Place, Rule, in_query, manager_of
from pegbar.core.http.routing import Reply, delete, get, post
from pegbar.open.trash import actions, queries, shapes
from pegbar.open.trash.jobs import kept_days
from pegbar.open.trash.shapes import ListQuery, RestoreBody

_TAG = "Trash"
_AT = "/open/v1/trash/{trash_id:uuid}"
#: Of things of the studio, and of a production that is gone, for studio managers alone.
_MANAGERS = manager_of(Place("project", "trash_id", queries.PRODUCTION_OF_ENTRY))
_LISTING = Rule(
    "manager of the production or, when none is named, of any",
    lambda caller: caller.manages or (caller.project_id is None and "manager" in {caller.role, *caller.roles}),
    in_query("project", "project_id"),
)


@get("/open/v1/trash", access=_LISTING, returns=shapes.LIST, errors=(400, 403), tag=_TAG)
async def list_trash(query: ListQuery, db: Database, caller: Caller) -> Json:
    """What was deleted, latest first: who deleted what, when, from which production, and how much went with it.

    Managers see what was of the productions whose managers they are; studio managers see all. Narrowed by
    `project_id`, `person_id` (who deleted it), `thing_id` (a shot, a task… that was deleted), `kind`, `since`, `until`.
    Answers `{"entries": […], "cursor": str | null}`: the cursor asks for the next page.
    """
    if not 1 <= query.limit <= shapes.MOST_LISTED:
        raise BadRequest(f"limit must be from 1 to {shapes.MOST_LISTED}.", field="limit")
    params = {name: _plain(value) for name, value in msgspec.structs.asdict(query).items() if value is not UNSET}
    limit, cursor = params.pop("limit"), params.pop("cursor", None)
    filters = set(params)
    if cursor:
        params["after_at"], params["after_id"] = shapes.place_of(cursor)
        filters.add("after")
    statement = queries.entries(frozenset(filters), caller.is_admin)
    rows = await db.rows(statement, days=kept_days(), most=limit + 1, **params)
    following = None
    if len(rows) > limit:
        following = shapes.cursor_after(rows[limit - 1]["deleted_at"], rows[limit - 1]["id"])
    listed = ",".join(row[2] for row in rows[:limit])
    return Json(f'{{"entries":[{listed}],"cursor":{msgspec.json.encode(following).decode()}}}'.encode())


def _plain(value: Any) -> Any:
    """A moment as the columns store it."""
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) and value.tzinfo else value


@get(_AT, access=_MANAGERS, returns=shapes.WITH_CONTENTS, errors=(403, 404), tag=_TAG)
async def read_trash(trash_id: UUID, db: Database) -> Json:
    """An entry with its contents: the first rows of each table, and what else changed with the deletion.

    The list's keys, `contents` (`{"task": [{"id", "name"}], …}`, a hundred a table) and `changed`
    (`[{"table", "id", "columns"}]`). `doing` tells what a large restoration is at.
    """
    entry = await db.json_row(queries.ONE, trash_id=trash_id, days=kept_days())
    contents = await db.json_row(queries.CONTENTS, trash_id=trash_id, most=100)
    if entry is None or contents is None:
        raise NotFound(f"There is no entry {trash_id} in the trash.")
    return Json(entry[:-1] + b"," + contents[1:])


@post(
    f"{_AT}/restore",
    access=_MANAGERS,
    status=200,
    returns=shapes.RESTORED,
    errors=(400, 403, 404, 409),
    tag=_TAG,
)
async def restore_trash(trash_id: UUID, body: RestoreBody, db: Database, caller: Caller) -> Reply:
    """Bring an entry back whole: its rows with the same ids, links and files, and what had forgotten them.

    All or nothing: 409 with the reason when something it hung on is gone, or a name or another value that may be there
    once is taken. `dry_run` tells what would come back. More than 5,000 rows are brought back by a job: 202, and the
    entry tells how it goes (`state`, `doing`, `error`) until it is no longer in the trash. What came back is told by
    the events of new rows.
    """
    outcome = await actions.restore(db, caller, trash_id, dry_run=body.dry_run)
    if outcome.restored is None:
        return _answer(trash_id, "restoring", {}, status=202)
    state = "would be restored" if body.dry_run else "restored"
    return _answer(trash_id, state, msgspec.to_builtins(outcome.restored), status=200)


def _answer(trash_id: UUID, state: str, facts: dict[str, Any], *, status: int) -> Reply:
    return Reply(msgspec.json.encode({"id": trash_id, "state": state, **facts}), status=status)


@delete(_AT, access=_MANAGERS, errors=(403, 404, 409), tag=_TAG)
async def purge_trash(trash_id: UUID, tx: Transaction) -> None:
    """Let an entry go for good, now: its files, and what its rows were, out of the history too.

    That there were such rows, and who deleted them when, stays in the history.
    """
    await actions.purge(tx, trash_id)
