"""Routes of castings and their links. Source: spec entities, "Casting: reads", "Casting: writes", "Entity links"."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request
from sqlalchemy import Executable

from pegbar.config import settings
from pegbar.core.data.database import Database, Json, Reader, Transaction
from pegbar.core.data.values import to_int, to_timestamp, to_uuid
from pegbar.core.errors import BadRequest, Forbidden, InvalidBody, NotFound
from pegbar.core.http.access import Caller, manager_of, member_of, not_vendor
from pegbar.core.http.body import Strict, json_value, validate
from pegbar.core.http.pagination import envelope, window
from pegbar.core.http.routing import delete, found, get, put
from pegbar.entities import events, rules
from pegbar.entities.casting import actions, queries
from pegbar.entities.casting.actions import Part
from pegbar.entities.kinds import ASSET, SEQUENCE, SHOT, is_asset_type_id
from pegbar.entities.queries import place_of
from pegbar.entities.shapes import row_of_kind
from pegbar.entities.task_shapes import audience

_reads = member_of("project_id") & not_vendor
#: Castings by the id of their entity.
_BY_ENTITY = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "object"}}}
_CASTING_EVENTS = (*events.CASTING_UPDATE.values(), events.LINK_NEW, events.LINK_UPDATE)


async def _in_project(db: Reader, project_id: UUID, entity_id: UUID, kind: str | None = None) -> None:
    """404 for an unknown entity or one of another kind, 403 for one of another production."""
    row = await db.row(place_of, entity_id=entity_id)
    if row is None or kind not in (None, row["kind"]):
        raise NotFound(f"There is no such entity {entity_id}.")
    if row["project_id"] != project_id:
        raise Forbidden(f"The entity {entity_id} is of another production.")


async def _rows(db: Reader, statement: Executable, entity_id: UUID) -> Json:
    return await db.json(statement, entity_id=entity_id)


async def _castings(db: Reader, statement: Executable, **about: Any) -> Json:
    return found(await db.json_row(statement, **about))


@get("/data/projects/{project_id:uuid}/entities/{entity_id:uuid}/casting", access=_reads, returns=[queries.ENTRY])
async def entity_casting(project_id: UUID, entity_id: UUID, db: Database) -> Json:
    """The assets cast in an entity."""
    await _in_project(db, project_id, entity_id)
    return await _rows(db, queries.casting, entity_id)


@get("/data/assets/{asset_id:uuid}/casting", access=rules.sees(ASSET, "asset_id"), returns=[queries.ENTRY])
async def asset_casting(asset_id: UUID, db: Database) -> Json:
    """The assets an asset is made of."""
    return await _rows(db, queries.casting, asset_id)


@get("/data/projects/{project_id:uuid}/episodes/casting", access=_reads, returns=_BY_ENTITY)
async def episodes_casting(project_id: UUID, db: Database) -> Json:
    """The castings of the episodes of a production, by episode."""
    return await _castings(db, queries.casting_of_episodes, project_id=project_id)


@get("/data/projects/{project_id:uuid}/sequences/{sequence_id:uuid}/casting", access=_reads, returns=_BY_ENTITY)
async def sequence_casting(project_id: UUID, sequence_id: UUID, db: Database) -> Json:
    """The castings of the shots of a sequence, by shot."""
    await _in_project(db, project_id, sequence_id, SEQUENCE)
    return await _castings(db, queries.casting_of_sequence, project_id=project_id, sequence_id=sequence_id)


@get("/data/projects/{project_id:uuid}/sequences/all/casting", access=_reads, returns=_BY_ENTITY)
async def all_shots_casting(project_id: UUID, db: Database) -> Json:
    """The castings of the shots of a production, by shot."""
    return await _castings(db, queries.casting_of_all_shots, project_id=project_id)


@get(
    "/data/projects/{project_id:uuid}/episodes/{episode_id:str}/sequences/all/casting",
    access=_reads,
    returns=_BY_ENTITY,
)
async def episode_shots_casting(project_id: UUID, episode_id: str, db: Database) -> Json:
    """The castings of the shots of an episode, by shot; `all` is every shot, `main` none."""
    if episode_id == "all":
        return await _castings(db, queries.casting_of_all_shots, project_id=project_id)
    if episode_id == "main":
        return Json(b"{}")
    chosen = to_uuid(episode_id, "episode_id")
    return await _castings(db, queries.casting_of_episode_shots, project_id=project_id, episode_id=chosen)


@get("/data/projects/{project_id:uuid}/asset-types/{asset_type_id:uuid}/casting", access=_reads, returns=_BY_ENTITY)
async def asset_type_casting(project_id: UUID, asset_type_id: UUID, db: Database) -> Json:
    """The castings of the assets of a type, by asset."""
    if not await is_asset_type_id(db, asset_type_id):
        raise NotFound(f"There is no asset type {asset_type_id}.")
    return await _castings(db, queries.casting_of_asset_type, project_id=project_id, type_id=asset_type_id)


@get("/data/assets/{asset_id:uuid}/cast-in", access=rules.sees(ASSET, "asset_id"))
async def cast_in(asset_id: UUID, db: Database) -> Json:
    """Where an asset appears: shots first, then assets."""
    shots = await _rows(db, queries.cast_in_shots, asset_id)
    assets = await _rows(db, queries.cast_in_assets, asset_id)
    return Json(b"[" + b",".join(part for part in (shots[1:-1], assets[1:-1]) if part) + b"]")


@get("/data/assets/{asset_id:uuid}/assets", access=rules.sees(ASSET, "asset_id"), returns=[row_of_kind(ASSET)])
async def assets_of_asset(asset_id: UUID, db: Database, caller: Caller) -> Json:
    """The assets an asset is made of, as entities."""
    return await _rows(db, queries.assets_of(audience(caller)), asset_id)


@get("/data/shots/{shot_id:uuid}/assets", access=rules.sees(SHOT, "shot_id"), returns=[row_of_kind(ASSET)])
async def assets_of_shot(shot_id: UUID, db: Database, caller: Caller) -> Json:
    """The assets cast in a shot, as entities."""
    return await _rows(db, queries.assets_of(audience(caller)), shot_id)


def _parts(listed: Any) -> dict[UUID, Part]:
    """What a casting body asks for. An entry without an asset or a number counts for nothing; the last of two wins."""
    if not isinstance(listed, list):
        raise BadRequest("A casting must be a list.")
    parts: dict[UUID, Part] = {}
    for index, entry in enumerate(listed):
        if not isinstance(entry, dict):
            raise BadRequest(f"{index}: an entry of a casting must be an object.")
        asset_id, count, label = entry.get("asset_id"), entry.get("nb_occurences"), entry.get("label")
        if label is not None and (not isinstance(label, str) or len(label) > 80):
            raise BadRequest(f"{index}.label must be text of at most 80 characters.")
        if asset_id and count is not None:
            if isinstance(count, float) and not count.is_integer():
                raise BadRequest(f"{index}.nb_occurences must be a whole number.")
            parts[to_uuid(asset_id, f"{index}.asset_id")] = Part(to_int(f"{index}.nb_occurences", count), label or "")
    return parts


async def _replace(
    tx: Transaction, caller: Caller, project_id: UUID | None, wanted: dict[UUID, dict[UUID, Part]]
) -> None:
    assets = {asset_id for parts in wanted.values() for asset_id in parts}
    casts = await actions.casts(tx, project_id, list(wanted), sorted(assets))
    diffs = [actions.replacing(casts[entity_id], parts) for entity_id, parts in wanted.items()]
    await actions.check(tx, caller, diffs)
    await actions.apply(tx, diffs)


@put(
    "/data/projects/{project_id:uuid}/entities/{entity_id:uuid}/casting",
    access=manager_of("project_id"),
    events=_CASTING_EVENTS,
)
async def replace_casting(
    project_id: UUID, entity_id: UUID, request: Request[Any, Any, Any], tx: Transaction, caller: Caller
) -> Any:
    """Replace the casting of an entity; the body, a list of `asset_id`, `nb_occurences` and `label`, is answered."""
    body = await json_value(request)
    await _replace(tx, caller, project_id, {entity_id: _parts(body)})
    return body


class AssetPart(Strict):
    """An asset that another one is made of."""

    asset_id: UUID
    nb_occurences: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 1
    label: Annotated[str, msgspec.Meta(max_length=80)] = ""


def _asset_parts(body: Any) -> list[AssetPart]:
    if not isinstance(body, list):
        raise BadRequest("A casting must be a list.")
    parts, errors = [], []
    for index, entry in enumerate(body):
        try:
            parts.append(validate(entry, AssetPart))
        except InvalidBody as error:
            errors += [(f"{index}.{field}", message) for field, message in error.errors]
    if errors:
        raise InvalidBody(errors)
    return parts


@put(
    "/data/assets/{asset_id:uuid}/casting",
    access=rules.manages(ASSET, "asset_id"),
    events=_CASTING_EVENTS,
    returns=list[AssetPart],
)
async def replace_asset_casting(
    asset_id: UUID, request: Request[Any, Any, Any], tx: Transaction, caller: Caller
) -> Any:
    """Replace what an asset is made of."""
    parts = _asset_parts(await json_value(request))
    wanted = {part.asset_id: Part(part.nb_occurences, part.label) for part in parts}
    await _replace(tx, caller, None, {asset_id: wanted})
    return parts


@put(
    "/data/projects/{project_id:uuid}/entities/casting",
    access=manager_of("project_id"),
    events=_CASTING_EVENTS,
    returns=_BY_ENTITY,
)
async def replace_castings(project_id: UUID, request: Request[Any, Any, Any], tx: Transaction, caller: Caller) -> Any:
    """Replace the castings of several entities: an object of lists by entity."""
    body = await json_value(request)
    if not isinstance(body, dict):
        raise BadRequest("The castings must be an object of lists by entity.")
    wanted: dict[UUID, dict[UUID, Part]] = {}
    for key, listed in body.items():
        try:
            entity_id = UUID(key)
        except ValueError:
            raise NotFound(f"There is no entity {key}.") from None
        wanted[entity_id] = _parts(listed)
    await _replace(tx, caller, project_id, wanted)
    return body


class Casting(Strict):
    """An asset cast in several entities: how often (0 takes it out, null keeps the number) and under which label."""

    entity_ids: Annotated[list[UUID], msgspec.Meta(min_length=1)]
    nb_occurences: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] | None = None
    label: Annotated[str, msgspec.Meta(max_length=80)] | None = None


@put(
    "/data/projects/{project_id:uuid}/entities/casting/assets/{asset_id:uuid}",
    access=manager_of("project_id"),
    events=_CASTING_EVENTS,
    returns=_BY_ENTITY,
)
async def cast_asset(project_id: UUID, asset_id: UUID, body: Casting, tx: Transaction, caller: Caller) -> Json:
    """Cast an asset in several entities, or take it out of them; their castings are answered."""
    entity_ids = list(dict.fromkeys(body.entity_ids))
    await actions.require_asset(tx, asset_id)
    casts = await actions.casts(tx, project_id, entity_ids, [asset_id])
    if body.nb_occurences == 0:
        gone = [actions.uncasting(casts[entity_id], asset_id) for entity_id in entity_ids]
        diffs = [diff for diff in gone if diff is not None]
    else:
        diffs = [
            actions.casting(casts[entity_id], asset_id, body.nb_occurences, body.label) for entity_id in entity_ids
        ]
    await actions.check(tx, caller, diffs)
    await actions.apply(tx, diffs)
    return await _castings(tx, queries.castings, ids=entity_ids)


# Links, one by one. Source: spec entities, "Entity links"

_LAST_ID = UUID(int=2**128 - 1)


class Page(msgspec.Struct):
    """Which links: a page, or those after a date (and the id of the last link of that date, where several share it)."""

    page: int = 0
    limit: int = 0
    cursor_created_at: str | None = None
    cursor_id: UUID | None = None


@get("/data/projects/{project_id:uuid}/entity-links", access=manager_of("project_id"), errors=(400,))
async def project_links(project_id: UUID, query: Page, db: Database) -> Any:
    """Casting links of a production, oldest first: a list, a page, or what comes after a cursor."""
    size = query.limit if query.limit > 0 else settings().nb_records_per_page
    if query.cursor_created_at:
        after = {
            "cursor": to_timestamp("cursor_created_at", query.cursor_created_at),
            "cursor_id": query.cursor_id or _LAST_ID,
        }
        statement = queries.links(queries.LINK_FOR_CURSORS, after=True, limited=True)
        rows = await db.json(statement, project_id=project_id, limit=size, **after)
        return {
            "data": msgspec.Raw(rows),
            "total": await db.value(queries.number_of_links, project_id=project_id),
            "limit": size,
        }
    if query.page > 0:
        part = window(query.page, size)
        rows = await db.json(queries.links(queries.LINK, limited=True, paged=True), project_id=project_id, **part)
        total = await db.value(queries.number_of_links, project_id=project_id)
        return envelope(rows, total, query.page, part)
    if query.limit > 0:
        return await db.json(queries.links(queries.PLAIN_LINK, limited=True), project_id=project_id, limit=size)
    return await db.json(queries.links(queries.PLAIN_LINK), project_id=project_id)


@delete(
    "/data/projects/{project_id:uuid}/entity-links/{link_id:uuid}",
    access=manager_of("project_id"),
    status=200,
    events=tuple(events.CASTING_UPDATE.values()),
    returns=queries.LINK,
)
async def delete_link(project_id: UUID, link_id: UUID, tx: Transaction) -> Json:
    """Take an asset out of a casting; the link is answered. The shots of an episode keep the asset."""
    link = found(await tx.row(queries.one_link, link_id=link_id), f"The link {link_id}")
    if link["project_id"] != project_id:
        raise Forbidden(f"The link {link_id} is of another production.")
    casts = await actions.casts(tx, project_id, [link["entity_in_id"]])
    diff = actions.uncasting(casts[link["entity_in_id"]], link["entity_out_id"])
    await actions.apply(tx, [diff] if diff is not None else [], from_shots=False)
    return Json(link[0].encode())
