"""Changes of a casting. Source: spec entities, "Casting model".

A change is a difference: links that stay keep their ids, dates and `data`. What an episode casts follows its shots.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Integer, any_, bindparam, delete, func, or_, select, text

from pegbar.core.access import Caller
from pegbar.core.database import Transaction
from pegbar.core.errors import BadRequest, Forbidden, NotFound
from pegbar.core.schema import TIMESTAMP, String, Uuid, utc_now
from pegbar.entities import events
from pegbar.entities.casting import readiness
from pegbar.entities.kinds import ASSET, EPISODE, SHOT, is_kind, kind_text
from pegbar.entities.tables import entity, entity_link
from pegbar.productions.tables import project_person_link


class Part(NamedTuple):
    """How an asset takes part: how often, and under which label."""

    nb_occurences: int
    label: str


class Link(NamedTuple):
    """A stored link to an asset."""

    id: UUID
    part: Part


@dataclass(frozen=True)
class Cast:
    """An entity whose casting changes: a shot, an episode, an asset made of others, anything else."""

    id: UUID
    kind: str
    project_id: UUID
    episode_id: UUID | None  #: of a shot


_ids = bindparam("ids", type_=ARRAY(Uuid))
_entity_id = bindparam("entity_id", type_=Uuid)
_sequence = entity.alias("sequence")

_CASTS = (
    select(entity.c.id, kind_text().label("kind"), entity.c.project_id, _sequence.c.parent_id.label("episode_id"))
    .select_from(entity.outerjoin(_sequence, _sequence.c.id == entity.c.parent_id))
    .where(entity.c.id == any_(_ids))
    .order_by(entity.c.id)
    .with_for_update(of=entity)
)
_LINKS = select(entity_link.c.id, entity_link.c.entity_out_id, entity_link.c.nb_occurences, entity_link.c.label).where(
    entity_link.c.entity_in_id == _entity_id
)

_TEAMS = select(project_person_link.c.project_id).where(
    project_person_link.c.person_id == bindparam("person_id", type_=Uuid)
)
#: Assets that may be cast in a production: its own, shared ones, those of productions the caller works on.
_ALLOWED = (
    select(entity.c.id)
    .where(entity.c.id == any_(_ids), is_kind(ASSET))
    .where(
        or_(
            entity.c.project_id == bindparam("project_id", type_=Uuid),
            entity.c.is_shared,
            entity.c.project_id.in_(_TEAMS),
            bindparam("everywhere", type_=entity.c.is_shared.type),
        )
    )
)
_ASSET = select(entity.c.id).where(entity.c.id == _entity_id, is_kind(ASSET))
_UNLINK = delete(entity_link).where(entity_link.c.entity_in_id == _entity_id, entity_link.c.entity_out_id == any_(_ids))

_RELINK = text(
    """
    UPDATE entity_link SET nb_occurences = given.occurences, label = given.label, updated_at = :now
      FROM unnest(:ids ::uuid[], :occurences ::int[], :labels ::text[]) AS given (id, occurences, label)
     WHERE entity_link.id = given.id
    """
).bindparams(
    bindparam("now", type_=TIMESTAMP),
    _ids,
    bindparam("occurences", type_=ARRAY(Integer)),
    bindparam("labels", type_=ARRAY(String)),
)

_NOT_IN_EPISODE = select(func.unnest(_ids)).except_(
    select(entity_link.c.entity_out_id).where(entity_link.c.entity_in_id == _entity_id)
)

_OUT_OF_SHOTS = text(
    """
    DELETE FROM entity_link USING entity shot, entity sequence, entity_type
     WHERE entity_link.entity_in_id = shot.id AND entity_link.entity_out_id = ANY(:ids)
       AND shot.parent_id = sequence.id AND sequence.parent_id = :entity_id
       AND entity_type.id = shot.entity_type_id AND entity_type.name = 'Shot'
    RETURNING entity_link.entity_in_id AS shot_id, entity_link.entity_out_id AS asset_id
    """
).bindparams(_ids, _entity_id)

#: Automatic links of an episode to assets that none of its shots casts any more.
_OUT_OF_EPISODE = text(
    """
    DELETE FROM entity_link
     WHERE entity_in_id = :entity_id AND entity_out_id = ANY(:ids) AND data->'auto' = 'true'::jsonb
       AND NOT EXISTS (
         SELECT 1 FROM entity_link other
           JOIN entity shot ON shot.id = other.entity_in_id
           JOIN entity sequence ON sequence.id = shot.parent_id
           JOIN entity_type ON entity_type.id = shot.entity_type_id AND entity_type.name = 'Shot'
          WHERE other.entity_out_id = entity_link.entity_out_id AND sequence.parent_id = :entity_id)
    RETURNING entity_out_id
    """
).bindparams(_ids, _entity_id)

_COUNTS = select(entity.c.id, entity.c.nb_entities_out).where(entity.c.id == any_(_ids))


async def casts(tx: Transaction, project_id: UUID | None, entity_ids: Sequence[UUID]) -> dict[UUID, Cast]:
    """The entities whose casting is about to change, locked. 404 for an unknown one, 403 for another production's."""
    rows = await tx.rows(_CASTS, ids=list(entity_ids))
    found = {row["id"]: Cast(**dict(row)) for row in rows}
    for each in entity_ids:
        if each not in found:
            raise NotFound(f"There is no entity {each}.")
        if project_id is not None and found[each].project_id != project_id:
            raise Forbidden(f"The entity {each} is of another production.")
    return found


async def check_assets(tx: Transaction, caller: Caller, cast: Cast, asset_ids: Sequence[UUID]) -> None:
    """Refuse what is no asset, is the entity itself, or is of a production the caller does not see."""
    allowed = await tx.column(
        _ALLOWED,
        ids=list(asset_ids),
        project_id=cast.project_id,
        person_id=caller.id,
        everywhere=caller.is_admin,
    )
    refused = set(asset_ids) - set(allowed) | ({cast.id} & set(asset_ids))
    if refused:
        raise BadRequest(f"asset_id: {', '.join(sorted(map(str, refused)))} cannot be cast here.")


async def require_asset(tx: Transaction, asset_id: UUID) -> None:
    """404 unless this is an asset."""
    if await tx.value(_ASSET, entity_id=asset_id) is None:
        raise NotFound(f"There is no asset {asset_id}.")


async def _links(tx: Transaction, cast: Cast) -> dict[UUID, Link]:
    rows = await tx.rows(_LINKS, entity_id=cast.id)
    return {
        row["entity_out_id"]: Link(
            row["id"], Part(1 if row["nb_occurences"] is None else row["nb_occurences"], row["label"] or "")
        )
        for row in rows
    }


async def replace_casting(tx: Transaction, cast: Cast, wanted: Mapping[UUID, Part]) -> None:
    """Make the casting of an entity exactly this."""
    links = await _links(tx, cast)
    removed = sorted(links.keys() - wanted.keys())
    await _unlink(tx, cast, removed)
    added = await _link(tx, cast, links, wanted)
    await _announce(tx, cast, added, removed)


async def cast_in(tx: Transaction, cast: Cast, asset_id: UUID, nb_occurences: int | None, label: str | None) -> None:
    """Cast an asset in an entity; None keeps the number or the label there is."""
    links = await _links(tx, cast)
    now = links[asset_id].part if asset_id in links else Part(1, "")
    part = Part(now.nb_occurences if nb_occurences is None else nb_occurences, now.label if label is None else label)
    added = await _link(tx, cast, links, {asset_id: part})
    await _announce(tx, cast, added, [])


async def uncast(tx: Transaction, cast: Cast, asset_id: UUID, *, from_shots: bool = True) -> None:
    """Take an asset out of the casting of an entity, if it is in it."""
    if asset_id not in await _links(tx, cast):
        return
    await _unlink(tx, cast, [asset_id], from_shots=from_shots)
    await _announce(tx, cast, [], [asset_id])


async def _unlink(tx: Transaction, cast: Cast, asset_ids: Sequence[UUID], *, from_shots: bool = True) -> None:
    if not asset_ids:
        return
    if cast.kind == EPISODE and from_shots:
        await _take_out_of_shots(tx, cast, asset_ids)
    await tx.execute(_UNLINK, entity_id=cast.id, ids=list(asset_ids))


async def _take_out_of_shots(tx: Transaction, episode: Cast, asset_ids: Sequence[UUID]) -> None:
    gone: dict[UUID, list[UUID]] = defaultdict(list)
    for row in await tx.rows(_OUT_OF_SHOTS, ids=list(asset_ids), entity_id=episode.id):
        gone[row["shot_id"]].append(row["asset_id"])
    await readiness.refresh(tx, list(gone), tell=False)
    counts = {row["id"]: row["nb_entities_out"] for row in await tx.rows(_COUNTS, ids=list(gone))} if gone else {}
    for shot_id, removed in gone.items():
        _emit_casting(tx, SHOT, episode.project_id, shot_id, counts[shot_id], [], sorted(removed))


async def _link(tx: Transaction, cast: Cast, links: Mapping[UUID, Link], wanted: Mapping[UUID, Part]) -> list[UUID]:
    """Add the links that are missing and change those that differ; the assets added."""
    new = {asset_id: part for asset_id, part in wanted.items() if asset_id not in links}
    if cast.kind == SHOT and cast.episode_id is not None and new:
        await _follow_in_episode(tx, cast, new)
    rows = [
        {"id": uuid4(), "entity_in_id": cast.id, "entity_out_id": asset_id, **part._asdict()}
        for asset_id, part in new.items()
    ]
    await tx.insert_many(entity_link, rows)
    for row in rows:
        tx.emit(
            events.LINK_NEW,
            project_id=cast.project_id,
            entity_link_id=row["id"],
            entity_in_id=cast.id,
            entity_out_id=row["entity_out_id"],
            nb_occurences=row["nb_occurences"],
        )
    changed = {
        asset_id: part for asset_id, part in wanted.items() if asset_id in links and part != links[asset_id].part
    }
    await _relink(tx, cast, {links[asset_id].id: part for asset_id, part in changed.items()})
    if cast.kind == EPISODE:
        for asset_id in [*new, *changed]:
            tx.emit(events.UPDATE[ASSET], project_id=cast.project_id, asset_id=asset_id)
    return sorted(new)


async def _relink(tx: Transaction, cast: Cast, changed: Mapping[UUID, Part]) -> None:
    """Store new numbers and labels of links."""
    if not changed:
        return
    await tx.execute(
        _RELINK,
        ids=list(changed),
        occurences=[part.nb_occurences for part in changed.values()],
        labels=[part.label for part in changed.values()],
        now=utc_now(),
    )
    for link_id, part in changed.items():
        tx.emit(
            events.LINK_UPDATE,
            project_id=cast.project_id,
            entity_link_id=link_id,
            nb_occurences=part.nb_occurences,
        )


async def _follow_in_episode(tx: Transaction, shot: Cast, new: Mapping[UUID, Part]) -> None:
    """The episode of a shot casts by itself what the shot casts."""
    missing = await tx.column(_NOT_IN_EPISODE, ids=list(new), entity_id=shot.episode_id)
    rows = [
        {
            "entity_in_id": shot.episode_id,
            "entity_out_id": asset_id,
            "nb_occurences": 1,
            "label": new[asset_id].label,
            "data": {"auto": True},
        }
        for asset_id in sorted(missing)
    ]
    if not await tx.insert_many(entity_link, rows, skip_existing=True):
        return
    assert shot.episode_id is not None
    await readiness.recount(tx, [shot.episode_id])
    for row in rows:
        tx.emit(events.UPDATE[ASSET], project_id=shot.project_id, asset_id=row["entity_out_id"])


async def _leave_episode(tx: Transaction, shot: Cast, removed: Sequence[UUID]) -> None:
    """What a shot casts no more leaves its episode, unless another shot or a hand keeps it there."""
    episode_id = shot.episode_id
    if episode_id is None or not removed:
        return
    gone = sorted(await tx.column(_OUT_OF_EPISODE, entity_id=episode_id, ids=list(removed)))
    if not gone:
        return
    await readiness.recount(tx, [episode_id])
    (count,) = await tx.rows(_COUNTS, ids=[episode_id])
    for asset_id in gone:
        _emit_casting(tx, EPISODE, shot.project_id, episode_id, count["nb_entities_out"], [], [asset_id])
        tx.emit(events.UPDATE[ASSET], project_id=shot.project_id, asset_id=asset_id)


async def _announce(tx: Transaction, cast: Cast, added: Sequence[UUID], removed: Sequence[UUID]) -> None:
    """Count again, tell what changed, and let the episode follow."""
    if cast.kind == SHOT:
        await readiness.refresh(tx, [cast.id], tell=False)
    else:
        await readiness.recount(tx, [cast.id])
    (count,) = await tx.rows(_COUNTS, ids=[cast.id])
    kind = cast.kind if cast.kind in (SHOT, EPISODE) else ASSET
    _emit_casting(tx, kind, cast.project_id, cast.id, count["nb_entities_out"], added, removed)
    if cast.kind == SHOT:
        await _leave_episode(tx, cast, removed)


def _emit_casting(
    tx: Transaction,
    kind: str,
    project_id: UUID,
    entity_id: UUID,
    count: int | None,
    added: Sequence[UUID],
    removed: Sequence[UUID],
) -> None:
    tx.emit(
        events.CASTING_UPDATE[kind],
        project_id=project_id,
        nb_entities_out=count,
        added_asset_ids=list(added),
        removed_asset_ids=list(removed),
        **{events.key_of(kind): entity_id},
    )
