"""What an episode casts follows its shots. Source: spec entities, "Auto episode link".

An asset that a shot casts is cast in its episode too, by a link marked `auto`; it leaves the episode with the last shot
that casts it. What a hand puts in the episode stays, and what a hand takes out of it leaves its shots.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from sqlalchemy import ARRAY, text

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import String, Uuid, utc_now
from pegbar.entities import events
from pegbar.entities.casting import readiness
from pegbar.entities.kinds import ASSET, EPISODE, SHOT


class Caster(Protocol):
    """An entity with a casting."""

    @property
    def id(self) -> UUID: ...
    @property
    def kind(self) -> str: ...
    @property
    def project_id(self) -> UUID: ...
    @property
    def episode_id(self) -> UUID | None: ...


_PAIRS = (param("episodes", ARRAY(Uuid)), param("assets", ARRAY(Uuid)))

_FOLLOW = text(
    """
    INSERT INTO entity_link (id, created_at, updated_at, entity_in_id, entity_out_id, nb_occurences, label, data)
    SELECT pegbar.new_id(), :now, :now, new.episode_id, new.asset_id, 1, new.label, '{"auto": true}'
      FROM unnest(:episodes ::uuid[], :assets ::uuid[], :labels ::text[]) AS new (episode_id, asset_id, label)
        ON CONFLICT (entity_in_id, entity_out_id) DO NOTHING
    RETURNING entity_in_id AS episode_id, entity_out_id AS asset_id
    """
).bindparams(*_PAIRS, param("labels", ARRAY(String)), param("now"))

_OUT_OF_SHOTS = text(
    """
    DELETE FROM entity_link
     USING unnest(:episodes ::uuid[], :assets ::uuid[]) AS gone (episode_id, asset_id),
           entity shot, entity sequence, entity_type
     WHERE entity_link.entity_in_id = shot.id AND entity_link.entity_out_id = gone.asset_id
       AND shot.parent_id = sequence.id AND sequence.parent_id = gone.episode_id
       AND entity_type.id = shot.entity_type_id AND entity_type.name = 'Shot'
    RETURNING entity_link.entity_in_id AS shot_id, entity_link.entity_out_id AS asset_id, shot.project_id
    """
).bindparams(*_PAIRS)

#: Automatic links of episodes to assets that none of their shots casts any more.
_LET_GO = text(
    """
    DELETE FROM entity_link USING unnest(:episodes ::uuid[], :assets ::uuid[]) AS gone (episode_id, asset_id)
     WHERE entity_in_id = gone.episode_id AND entity_out_id = gone.asset_id AND data->'auto' = 'true'::jsonb
       AND NOT EXISTS (
         SELECT 1 FROM entity_link other
           JOIN entity shot ON shot.id = other.entity_in_id
           JOIN entity sequence ON sequence.id = shot.parent_id
           JOIN entity_type ON entity_type.id = shot.entity_type_id AND entity_type.name = 'Shot'
          WHERE other.entity_out_id = gone.asset_id AND sequence.parent_id = gone.episode_id)
    RETURNING entity_in_id AS episode_id, entity_out_id AS asset_id
    """
).bindparams(*_PAIRS)


async def follow(tx: Transaction, new: Sequence[tuple[Caster, UUID, str]]) -> None:
    """Cast in their episodes what shots now cast, under the same label."""
    if not new:
        return
    labels = {(shot.episode_id, asset_id): label for shot, asset_id, label in reversed(new)}
    projects = {shot.episode_id: shot.project_id for shot, _, _ in new}
    rows = await tx.rows(
        _FOLLOW,
        episodes=[episode_id for episode_id, _ in labels],
        assets=[asset_id for _, asset_id in labels],
        labels=list(labels.values()),
        now=utc_now(),
    )
    if not rows:
        return
    await readiness.recount(tx, sorted({row["episode_id"] for row in rows}))
    for row in rows:
        tx.emit(events.UPDATE[ASSET], project_id=projects[row["episode_id"]], asset_id=row["asset_id"])


async def let_go(tx: Transaction, gone: Sequence[tuple[Caster, UUID]]) -> None:
    """Take out of their episodes what shots cast no more, unless another shot or a hand keeps it there."""
    if not gone:
        return
    pairs = {(shot.episode_id, asset_id): shot for shot, asset_id in gone}
    episodes, assets = [episode_id for episode_id, _ in pairs], [asset_id for _, asset_id in pairs]
    rows = await tx.rows(_LET_GO, episodes=episodes, assets=assets)
    if not rows:
        return
    episode_ids = sorted({row["episode_id"] for row in rows})
    await readiness.recount(tx, episode_ids)
    counts = await readiness.counts(tx, episode_ids)
    for episode_id, asset_id in sorted((row["episode_id"], row["asset_id"]) for row in rows):
        project_id = pairs[episode_id, asset_id].project_id
        _tell(tx, EPISODE, project_id, episode_id, counts[episode_id], [], [asset_id])
        tx.emit(events.UPDATE[ASSET], project_id=project_id, asset_id=asset_id)


async def take_out_of_shots(tx: Transaction, gone: Sequence[tuple[Caster, UUID]]) -> None:
    """Take assets that leave an episode out of its shots."""
    if not gone:
        return
    removed: dict[tuple[UUID, UUID], list[UUID]] = defaultdict(list)
    episodes, assets = [episode.id for episode, _ in gone], [asset_id for _, asset_id in gone]
    for row in await tx.rows(_OUT_OF_SHOTS, episodes=episodes, assets=assets):
        removed[row["project_id"], row["shot_id"]].append(row["asset_id"])
    if not removed:
        return
    shot_ids = sorted(shot_id for _, shot_id in removed)
    await readiness.refresh(tx, shot_ids, tell=False)
    counts = await readiness.counts(tx, shot_ids)
    for (project_id, shot_id), asset_ids in removed.items():
        _tell(tx, SHOT, project_id, shot_id, counts[shot_id], [], sorted(asset_ids))


def tell(tx: Transaction, cast: Caster, count: int | None, added: Sequence[UUID], removed: Sequence[UUID]) -> None:
    """Tell that the casting of an entity changed."""
    kind = cast.kind if cast.kind in (SHOT, EPISODE) else ASSET
    _tell(tx, kind, cast.project_id, cast.id, count, added, removed)


def _tell(
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
