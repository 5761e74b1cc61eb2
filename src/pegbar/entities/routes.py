"""How entities of any kind are made, changed and removed. Source: spec crud, "entities"; spec entities, "Deletion"."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.many import creates_together
from pegbar.core.data.values import to_uuid
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, Place, Rule, at, manager_of, require
from pegbar.core.http.body import json_value
from pegbar.core.http.routing import Part, Together, found, path_uuid, post, put
from pegbar.entities import editing, events, removal, rules
from pegbar.entities.kinds import ASSET, CONCEPT, EDIT, SHOT
from pegbar.entities.queries import one, several
from pegbar.entities.regular import Forced
from pegbar.entities.resources import entities
from pegbar.entities.shapes import UNTYPED_WITH_RELATIONS


async def _made(tx: Transaction, entity_ids: Sequence[UUID]) -> Sequence[Json]:
    """What is answered for new entities."""
    texts = {row["id"]: row["row"] for row in await tx.rows(several(UNTYPED_WITH_RELATIONS), ids=list(entity_ids))}
    return [Json(texts[entity_id].encode()) for entity_id in entity_ids]


def _plain(params: Mapping[str, Any], document: dict[str, Any]) -> object | None:
    """Which entity an update is about, if it changes nothing from which more follows than many do at once."""
    if not document.keys() & entities.writes.update <= editing.PLAIN:
        return None
    return str(params["instance_id"]).lower()


async def _update_many(tx: Transaction, parts: Sequence[Part]) -> Sequence[Json]:
    ids = [path_uuid(part.params["instance_id"]) for part in parts]
    updates = [(part.caller, entity_id, part.document) for part, entity_id in zip(parts, ids, strict=True)]
    await editing.update_many(tx, updates)
    return await entities.read_many(tx, [(part.caller, entity_id) for part, entity_id in zip(parts, ids, strict=True)])


@post(
    "/data/entities",
    access=manager_of(Place("project", "project_id", in_body=True)),
    events=tuple(events.NEW.values()),
    tag="Entities",
    returns=entities,
    together=creates_together(entities, _made),
)
async def create_entity(tx: Transaction, caller: Caller, document: dict[str, Any]) -> Json:
    """Create one of entities."""
    entity_id = await entities.create(tx, caller, document)
    return found(await tx.json_row(one(UNTYPED_WITH_RELATIONS), entity_id=entity_id))


@put(
    "/data/entities/{instance_id:str}",
    access=rules.edits,
    events=tuple(events.UPDATE.values()),
    tag="Entities",
    returns=entities,
    together=Together(_plain, _update_many),
)
async def update_entity(instance_id: str, tx: Transaction, caller: Caller, document: dict[str, Any]) -> Json:
    """Update one of entities."""
    entity_id = path_uuid(instance_id)
    await editing.update_entity(tx, caller, entity_id, document)
    return await entities.read(tx, caller, entity_id)


_in_team = Rule("member of the production", lambda caller: caller.is_member, at("project", "project_id")).further(
    "managers, and others what they created"
)


@post(
    "/actions/projects/{project_id:uuid}/delete-entities",
    access=_in_team,
    status=200,
    events=[names[kind] for kind in (ASSET, SHOT, EDIT, CONCEPT) for names in (events.UPDATE, events.DELETE)],
    body_schema={"type": "array", "items": {"type": "string", "format": "uuid"}},
    errors=(400,),
    returns=list[UUID],
)
async def delete_entities(
    project_id: UUID, request: Request[Any, Any, Any], query: Forced, tx: Transaction, caller: Caller
) -> list[UUID]:
    """Remove assets, shots, edits and concepts, as their own routes do; one that is canceled already goes for good.

    The ids done are answered, in the order of the request. Whoever may not remove one of them removes none.
    """
    body = await json_value(request)
    if not isinstance(body, list):
        raise BadRequest("The body must be a list of ids.")
    wanted = [to_uuid(item, str(index)) for index, item in enumerate(body)]
    rows = await removal.removable(tx, project_id, wanted)
    for row in rows.values():
        allowed = caller.manages or (caller.in_team and row["created_by"] == caller.id)
        require(allowed, f"You may not remove the entity {row['id']}.")
    entity_ids = [entity_id for entity_id in dict.fromkeys(wanted) if entity_id in rows]
    forced = {row["id"] for row in rows.values() if query.force or row["canceled"] or row["kind"] == CONCEPT}
    await removal.remove_or_cancel(tx, entity_ids, forced)
    return [entity_id for entity_id in wanted if entity_id in rows]
