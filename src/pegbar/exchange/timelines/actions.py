"""A cut is imported into the shots of a production. Source: spec exchange, "EDL / OTIO import"."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pegbar.core.data.database import Database, Json, Reader, Transaction
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.ids import new_id
from pegbar.entities import events
from pegbar.entities.actions import hold_names
from pegbar.entities.kinds import EPISODE, SEQUENCE, SHOT, ensure_type
from pegbar.entities.many import New, create_many
from pegbar.exchange.timelines import naming, queries
from pegbar.exchange.timelines.frames import whole_number
from pegbar.exchange.timelines.naming import Convention, WrongConvention
from pegbar.exchange.timelines.plan import KnownShot, Plan, Scope, plan_of
from pegbar.exchange.timelines.reading.shapes import ReadClip
from pegbar.tasks.batches.actions import make_of_entities

#: Sequences that one cut makes at the most; their names are held one by one.
_MOST_NEW_SEQUENCES = 2000


@dataclass(frozen=True)
class Target:
    """What a cut is imported into: a production or an episode of it."""

    project_id: UUID
    episode_id: UUID | None
    fps: str | None
    scope: Scope

    @property
    def place(self) -> Mapping[str, UUID]:
        """The parameters of reads about it."""
        ids = {"project_id": self.project_id}
        return ids if self.episode_id is None else {**ids, "episode_id": self.episode_id}


async def target_of(
    db: Database, project_id: UUID, episode_id: UUID | None, *, convention: str | None, match_case: bool
) -> Target:
    """What a request imports into. Raises NotFound for an unknown episode, BadRequest for what does not fit."""
    row = await db.row(queries.production, project_id=project_id)
    if row is None:
        raise NotFound(f"There is no production {project_id}.")
    episode_name = ""
    if episode_id is not None:
        episode_name = await db.value(queries.name_of(EPISODE), project_id=project_id, entity_id=episode_id)
        if episode_name is None:
            raise NotFound(f"There is no episode {episode_id} in this production.")
    elif row["production_type"] == "tvshow":
        raise BadRequest("A TV show is imported episode by episode: POST /import/otio/projects/…/episodes/….")
    try:
        checked = Convention(convention or (naming.IN_PROJECT if episode_id is None else naming.IN_EPISODE))
    except WrongConvention as error:
        raise BadRequest(f"naming_convention: {error}.") from None
    return Target(project_id, episode_id, row["fps"], Scope(row["name"], episode_name, checked, match_case))


async def _known(db: Reader, target: Target) -> tuple[list[KnownShot], dict[str, UUID]]:
    """The shots of the target, and its sequences by name."""
    of_episode = target.episode_id is not None
    shots = [
        KnownShot(
            row["id"],
            row["name"],
            row["sequence"],
            whole_number(row["frame_in"]),
            whole_number(row["frame_out"]),
            row["nb_frames"],
            row["canceled"],
        )
        for row in await db.rows(queries.shots(of_episode=of_episode), **target.place)
    ]
    sequences: dict[str, UUID] = {}
    for row in await db.rows(queries.sequences(of_episode=of_episode), **target.place):
        sequences.setdefault(row["name"], row["id"])
    return shots, sequences


async def compared(db: Database, target: Target, clips: Sequence[ReadClip]) -> tuple[Plan, list[KnownShot]]:
    """What a cut would change, with all its faults, and the shots that are there. Nothing is written."""
    shots, sequences = await _known(db, target)
    return await asyncio.to_thread(plan_of, clips, target.scope, shots, sequences, whole=True), shots


async def import_clips(db: Database, author_id: UUID, target: Target, clips: Sequence[ReadClip]) -> Json:
    """Make and change the shots of a cut; `{"updated_shots": […], "created_shots": […]}`.

    Raises BadRequest for the first clip that cannot be taken, after those before it are stored with their tasks.
    """

    async def work(tx: Transaction) -> tuple[Plan, list[UUID], list[UUID]]:
        await tx.rows(queries.hold_cut, key=f"cut {target.project_id}")
        names = {clip.told.sequence.lower() for clip in clips if clip.told is not None}
        await tx.rows(queries.hold_sequences, project_id=target.project_id, names=list(names))
        shots, sequences = await _known(tx, target)
        plan = await asyncio.to_thread(plan_of, clips, target.scope, shots, sequences, whole=False)
        created_ids = await _create(tx, target, plan, sequences)
        await _reframe(tx, target, plan)
        await make_of_entities(tx, SHOT, target.project_id, created_ids)
        return plan, [*created_ids, *plan.left], list(plan.changes)

    plan, created_ids, updated_ids = await db.write(author_id, work)
    if plan.faults:
        done = len(created_ids) + len(updated_ids)
        raise BadRequest(f"{plan.faults[0].text} {done} shots of the clips before it are imported.")
    created = await db.json(queries.created_shots, ids=created_ids)
    updated = await db.json(queries.updated_shots, ids=updated_ids)
    return Json(b'{"updated_shots":' + updated + b',"created_shots":' + created + b"}")


async def _create(tx: Transaction, target: Target, plan: Plan, sequences: dict[str, UUID]) -> list[UUID]:
    """Make the shots that are new, and their sequences; the ids of the shots."""
    wanted = dict.fromkeys(cutting.sequence for cutting in plan.creations.values())
    sequences = sequences | await _create_sequences(tx, target, [name for name in wanted if name not in sequences])
    type_id = await ensure_type(tx, SHOT)
    new = [
        New(
            new_id(),
            type_id,
            cutting.name,
            sequences[cutting.sequence],
            target.episode_id,
            {
                "nb_frames": cutting.clip.nb_frames or 0,
                "data": {"frame_in": cutting.clip.frame_in, "frame_out": cutting.clip.frame_out},
            },
        )
        for cutting in plan.creations.values()
    ]
    await create_many(tx, SHOT, target.project_id, new)
    return [row.id for row in new]


async def _create_sequences(tx: Transaction, target: Target, names: Sequence[str]) -> dict[str, UUID]:
    if len(names) > _MOST_NEW_SEQUENCES:
        raise BadRequest(f"file: it would make {len(names)} sequences, which is more than {_MOST_NEW_SEQUENCES}.")
    if not names:
        return {}
    await hold_names(tx, SEQUENCE, target.project_id)
    # One of these names may have been made until now, by somebody who held it.
    there = await tx.rows(queries.sequences(of_episode=target.episode_id is not None), **target.place)
    known = {row["name"]: row["id"] for row in reversed(there)}
    type_id = await ensure_type(tx, SEQUENCE)
    new = [
        New(new_id(), type_id, name, target.episode_id, columns={"description": ""})
        for name in names
        if name not in known
    ]
    await create_many(tx, SEQUENCE, target.project_id, new)
    return {name: known[name] for name in names if name in known} | {row.name: row.id for row in new}


async def _reframe(tx: Transaction, target: Target, plan: Plan) -> None:
    """Give the shots that are there the frames of their clips."""
    if not plan.changes:
        return
    clips = [cutting.clip for cutting in plan.changes.values()]
    await tx.execute(
        queries.reframe,
        ids=list(plan.changes),
        frames_in=[clip.frame_in for clip in clips],
        frames_out=[clip.frame_out for clip in clips],
        nb_frames=[clip.nb_frames for clip in clips],
        now=utc_now(),
    )
    for shot_id in plan.changes:
        events.emit(tx, events.UPDATE, SHOT, target.project_id, shot_id)
