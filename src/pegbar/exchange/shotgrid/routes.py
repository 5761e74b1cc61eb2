"""Routes of scripts that bring a studio over from ShotGrid. Source: spec exchange, "Shotgun import"."""

from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.values import check_json, to_int
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, admin
from pegbar.core.http.body import json_document, json_value
from pegbar.core.http.routing import delete, get, post
from pegbar.core.http.streaming import stream_array
from pegbar.core.live.events import Event
from pegbar.entities import events as entity_events
from pegbar.entities.kinds import ASSET
from pegbar.entities.kinds import KINDS as ENTITY_KINDS
from pegbar.exchange.shotgrid import failures, queries
from pegbar.exchange.shotgrid.importing import import_records
from pegbar.exchange.shotgrid.kind import Kind
from pegbar.exchange.shotgrid.kinds import ASSETS, CONNECTIONS, KINDS, PROJECTS, TASKS
from pegbar.exchange.shotgrid.removing import REMOVABLE, remove_record
from pegbar.productions.events import DESCRIPTOR_NEW, PROJECT_CHANGED
from pegbar.studio.resources import entity_types
from pegbar.tasks.events import TASK_DELETE

_TAG = "ShotGrid"
_ALONE = "an import is a request of its own"
_RECORDS = {"type": "array", "items": {"type": "object"}}
_NUMBER = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}

_TOLD: dict[Kind, tuple[Event, ...]] = {
    ASSETS: (entity_types.events["new"], entity_events.UPDATE[ASSET]),
    PROJECTS: (DESCRIPTOR_NEW,),
    CONNECTIONS: (PROJECT_CHANGED,),
}
_TOLD_OF_REMOVAL: dict[Kind, tuple[Event, ...]] = {
    ASSETS: (entity_events.UPDATE[ASSET], *[entity_events.DELETE[kind] for kind in ENTITY_KINDS], TASK_DELETE),
    TASKS: (TASK_DELETE,),
    CONNECTIONS: (PROJECT_CHANGED,),
}


def _declare_import(path: str, kind: Kind) -> None:
    answers = kind.table if kind.answers is None else kind.answers
    statement = queries.in_order(answers, kind.wire)

    async def take(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Json:
        records = await json_value(request)
        if not isinstance(records, list):
            raise BadRequest("The body must be a list of records.")
        report = await import_records(db, caller.id, kind.name, records, count_castings=False)
        return await db.json(statement, ids=report.ids)

    post(
        f"/import/shotgun/{path}",
        access=admin,
        status=200,
        tag=_TAG,
        summary=f"Import {path} of ShotGrid",
        description="The rows of the records are answered, but of those that are passed over. The first record that is "
        "refused ends the import: 400 says which and why, and those before it are kept.",
        body_schema=_RECORDS,
        returns=[kind.wire],
        events=_TOLD.get(kind, ()),
        errors=(400,),
    )(take)


def _declare_removal(path: str, kind: Kind) -> None:
    async def take_out(request: Request[Any, Any, Any], tx: Transaction, caller: Caller) -> dict[str, Any]:
        document = await json_document(request)
        if document.get("id") is None:
            raise BadRequest("id is required.")
        removed = await remove_record(tx, caller, kind, to_int("id", document["id"]))
        return removed.answer

    post(
        f"/import/shotgun/remove/{path}",
        access=admin,
        status=200,
        tag=_TAG,
        summary=f"Remove a {path} that is gone in ShotGrid",
        alone=_ALONE,
        description="`success` is false, and nothing is removed, when others still refer to the row; true also when "
        "there is none of that kind and number.",
        body_schema=_NUMBER,
        returns={
            "type": "object",
            "properties": {"removed_instance_id": {"type": "string"}, "success": {"type": "boolean"}},
        },
        events=_TOLD_OF_REMOVAL.get(kind, ()),
        errors=(400,),
    )(take_out)


for _name, _kind in {**KINDS, "projectconnections": CONNECTIONS}.items():
    _declare_import(_name, _kind)
for _name, _kind in REMOVABLE.items():
    _declare_removal(_name, _kind)


@get("/import/shotgun/errors", access=admin, tag=_TAG, returns=[queries.ERROR])
async def import_errors(db: Database, caller: Caller) -> Any:
    """The failures that scripts noted, oldest first."""
    return await stream_array(db, caller, queries.errors)


@post(
    "/import/shotgun/errors", access=admin, tag=_TAG, body_schema={}, returns=queries.ERROR, errors=(400,), alone=_ALONE
)
async def note_import_error(request: Request[Any, Any, Any], tx: Transaction) -> Json:
    """Note a failure: any JSON."""
    event_data = await json_value(request)
    check_json("The body", event_data)
    return await failures.note(tx, event_data)


@delete("/import/shotgun/errors/{error_id:uuid}", access=admin, tag=_TAG, errors=(404,), alone=_ALONE)
async def forget_import_error(error_id: UUID, tx: Transaction) -> None:
    """Forget a failure."""
    if not await failures.forget(tx, error_id):
        raise NotFound(f"There is no import error {error_id}.")
