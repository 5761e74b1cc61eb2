"""What a production is made of. Source: spec exchange, "Shotgun import"."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import any_

from pegbar.core.data.changes import Relation
from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import Integer
from pegbar.entities.events import UPDATE
from pegbar.entities.kinds import ASSET, EPISODE, SCENE, SEQUENCE, SHOT, ensure_type, is_kind
from pegbar.entities.shapes import UNTYPED
from pegbar.entities.tables import entity, entity_link
from pegbar.exchange.shotgrid.kind import BESIDE_NAMES, Columns, Draft, Kind, Skip, by
from pegbar.exchange.shotgrid.linking import replace_links
from pegbar.exchange.shotgrid.queries import (
    ASSET_TYPE,
    ENTITY,
    PROJECT,
    PROJECT_NAMED,
    numbered_assets,
)
from pegbar.exchange.shotgrid.records import (
    Entry,
    Key,
    Record,
    entity_of,
    first,
    name_of,
    number_of,
    sg_fields,
    text_of,
)

# The story


def _project_named() -> Key:
    return Key("project", entity.c.project_id, read=name_of, names=PROJECT_NAMED, null="skip", unknown="skip")


def _fresh(kind: str) -> Any:
    async def fresh(tx: Transaction, caller_id: UUID) -> Columns:
        return {"created_by": caller_id, "entity_type_id": await ensure_type(tx, kind)}

    return fresh


def _story(name: str, kind: str, *keys: Key, **more: Any) -> Kind:
    """A kind of entities."""
    common = (Key("id", entity.c.shotgun_id), Key("code", entity.c.name))
    more.setdefault("fresh", _fresh(kind))
    return Kind(name, kind.lower(), entity, UNTYPED, keys=(*common, *keys), among=is_kind(kind), **more)


_DESCRIPTION = Key("description", entity.c.description, absent="keep")
_NAMED = entity.c.name == any_(BESIDE_NAMES)

EPISODES = _story("episodes", EPISODE, _project_named(), _DESCRIPTION)


def _settle_sequence(draft: Draft) -> None:
    """A name under an episode is taken once; who comes second keeps away, and changes nothing but a description."""
    if draft.twin is not None and draft.row is None:
        raise Skip("There is a sequence of this name already.")
    if draft.twin is not None:
        draft.columns = {name: draft.columns[name] for name in ("description",) if name in draft.columns}


SEQUENCES = _story(
    "sequences",
    SEQUENCE,
    _project_named(),
    _DESCRIPTION,
    Key("episode", entity.c.parent_id, read=entity_of(EPISODE), names=ENTITY, absent="keep"),
    twin=by("name", "parent_id", "project_id"),
    beside=_NAMED,
    beside_values=lambda columns: columns["name"],
    settle=_settle_sequence,
)

SCENES = _story(
    "scenes",
    SCENE,
    _project_named(),
    Key(
        "sequence_sg_scenes_1_sequences",
        entity.c.parent_id,
        read=first(entity_of(SEQUENCE)),
        names=ENTITY,
        absent="keep",
    ),
)

_CASTING = Relation("entities_out", entity_link.c.entity_in_id, entity_link.c.entity_out_id)


async def _fresh_asset(_: Transaction, caller_id: UUID) -> Columns:
    return {"created_by": caller_id}


def _settle_asset(draft: Draft) -> None:
    if draft.row is None and draft.columns.get("entity_type_id") is None:
        raise Skip("sg_asset_type is null.")
    if draft.twin is not None and draft.twin is not draft.row:
        raise Skip("There is an asset of this type and name already.")


async def _assemble(tx: Transaction, taken: Sequence[tuple[Entry, UUID]]) -> Iterable[UUID]:
    """Each asset that others name as their parent is made of exactly those."""
    children: dict[int, list[UUID]] = defaultdict(list)
    for entry, asset_id in taken:
        for _, number in entry.values.get("parents", ()):
            children[number].append(asset_id)
    if not children:
        return ()
    parents: dict[int, Any] = {}
    for row in await tx.rows(numbered_assets, keys=list(children)):
        parents.setdefault(row["shotgun_id"], row)
    wanted = {
        row["id"]: [child for child in dict.fromkeys(children[number]) if child != row["id"]]
        for number, row in parents.items()
    }
    changed = await replace_links(tx, _CASTING, wanted)
    for row in parents.values():
        if row["id"] in changed:
            tx.emit(UPDATE[ASSET], project_id=row["project_id"], asset_id=row["id"])
    return changed


ASSETS = _story(
    "assets",
    ASSET,
    Key("project", entity.c.project_id, read=number_of, names=PROJECT, null="skip", unknown="skip"),
    _DESCRIPTION,
    Key(
        "sg_asset_type",
        entity.c.entity_type_id,
        read=lambda value: (text_of(value) or "").strip().lower(),
        names=ASSET_TYPE,
        makes=lambda _, record: {"name": record["sg_asset_type"].strip()},
        absent="refuse",
        null="keep",
        unknown="skip",
    ),
    Key("parents", read=entity_of(ASSET), many=True, absent="keep"),
    fresh=_fresh_asset,
    twin=lambda columns: (
        None
        if columns.get("canceled")
        else tuple(columns.get(name) for name in ("name", "project_id", "entity_type_id"))
    ),
    beside=_NAMED,
    beside_values=lambda columns: columns["name"],
    settle=_settle_asset,
    finish=_assemble,
)


def _shot_columns(values: Columns, record: Record) -> Columns:
    start, length = values["sg_cut_in"], values["sg_cut_duration"]
    end = None if start is None else start + (length or 0)
    fields = sg_fields(record, "sg_cut_in", "sg_cut_out", "sg_sequence")
    return {"data": {**fields, "frame_in": start, "frame_out": end}}


SHOTS = _story(
    "shots",
    SHOT,
    _project_named(),
    Key("sg_sequence", entity.c.parent_id, read=entity_of(SEQUENCE), names=ENTITY, absent="keep"),
    Key("sg_scene", entity.c.source_id, read=entity_of(SCENE), names=ENTITY, absent="keep"),
    Key("sg_cut_in", takes=Integer),
    Key("sg_cut_duration", takes=Integer),
    Key("assets", _CASTING, read=entity_of(ASSET), names=ENTITY, many=True, absent="empty"),
    derive=_shot_columns,
)
