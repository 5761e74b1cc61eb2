"""Changes of castings. Source: spec entities, "Casting model".

A change is a difference: links that stay keep their ids, dates and `data`. All differences of a request are checked
first, then written together, in the same few statements however many entities they are about.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, Integer, any_, delete, or_, select

from pegbar.accounts.standing import CALLER, teams
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import String, utc_now
from pegbar.core.errors import BadRequest, Forbidden, NotFound
from pegbar.core.http.access import Caller
from pegbar.entities import events
from pegbar.entities.casting import episodes, readiness
from pegbar.entities.kinds import ASSET, EPISODE, LOCK_ORDER, SHOT, is_kind, kind_text
from pegbar.entities.tables import entity, entity_link


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
    links: dict[UUID, Link] = field(default_factory=dict)  #: what it casts, by asset


@dataclass(frozen=True)
class Diff:
    """What changes in the casting of an entity."""

    cast: Cast
    added: Mapping[UUID, Part] = field(default_factory=dict)
    changed: Mapping[UUID, Part] = field(default_factory=dict)
    removed: Sequence[UUID] = ()


_ids = param("ids")
_entity_id = param("entity_id")
_sequence = entity.alias("sequence")

#: Assets about to be cast stay as they are meanwhile: whether they are ready is counted below.
_HOLD_ASSETS = sql("SELECT id FROM entity WHERE id = ANY(:ids) ORDER BY id FOR SHARE")

#: Entities whose casting is about to change and the episodes of those that are shots.
_HOLD_CASTS = sql(
    f"""
    SELECT entity.id FROM entity JOIN entity_type ON entity_type.id = entity.entity_type_id
     WHERE entity.id IN (SELECT unnest(:ids) UNION ALL
                         SELECT sequence.parent_id FROM entity shot JOIN entity sequence ON sequence.id = shot.parent_id
                          WHERE shot.id = ANY(:ids))
     ORDER BY {LOCK_ORDER} FOR NO KEY UPDATE OF entity
    """  # noqa: S608 - a constant
)

_CASTS = (
    select(entity.c.id, kind_text().label("kind"), entity.c.project_id, _sequence.c.parent_id.label("episode_id"))
    .select_from(entity.outerjoin(_sequence, _sequence.c.id == entity.c.parent_id))
    .where(entity.c.id == any_(_ids))
)
_LINKS = select(
    entity_link.c.id,
    entity_link.c.entity_in_id,
    entity_link.c.entity_out_id,
    entity_link.c.nb_occurences,
    entity_link.c.label,
).where(entity_link.c.entity_in_id == any_(_ids))

#: Assets that may be cast in a production: its own, shared ones, those of productions the caller works on.
_ALLOWED = (
    select(entity.c.id)
    .where(entity.c.id == any_(_ids), is_kind(ASSET))
    .where(
        or_(
            entity.c.project_id == param("project_id"),
            entity.c.is_shared,
            entity.c.project_id.in_(teams(CALLER, without=("client", "vendor"))),
            param("everywhere", entity.c.is_shared.type),
        )
    )
)
_ASSET = select(entity.c.id).where(entity.c.id == _entity_id, is_kind(ASSET))
_UNLINK = delete(entity_link).where(entity_link.c.id == any_(_ids))

_RELINK = sql(
    """
    UPDATE entity_link SET nb_occurences = new.occurences, label = new.label, updated_at = :now
      FROM unnest(:ids ::uuid[], :occurences ::int[], :labels ::text[]) AS new (id, occurences, label)
     WHERE entity_link.id = new.id
    """,
    occurences=ARRAY(Integer),
    labels=ARRAY(String),
)


async def casts(
    tx: Transaction, project_id: UUID | None, entity_ids: Sequence[UUID], asset_ids: Sequence[UUID] = ()
) -> dict[UUID, Cast]:
    """The entities whose casting is about to change, with what they cast; others wait until this transaction ends.

    404 for an unknown one, 403 for another production's.
    """
    if asset_ids:
        await tx.execute(_HOLD_ASSETS, ids=list(asset_ids))
    await tx.execute(_HOLD_CASTS, ids=list(entity_ids))
    of_entity = {row["id"]: Cast(**dict(row)) for row in await tx.rows(_CASTS, ids=list(entity_ids))}
    for entity_id in entity_ids:
        if entity_id not in of_entity:
            raise NotFound(f"There is no entity {entity_id}.")
        if project_id is not None and of_entity[entity_id].project_id != project_id:
            raise Forbidden(f"The entity {entity_id} is of another production.")
    for row in await tx.rows(_LINKS, ids=list(entity_ids)):
        count = 1 if row["nb_occurences"] is None else row["nb_occurences"]
        of_entity[row["entity_in_id"]].links[row["entity_out_id"]] = Link(row["id"], Part(count, row["label"] or ""))
    return of_entity


async def require_asset(tx: Transaction, asset_id: UUID) -> None:
    """404 unless this is an asset."""
    if await tx.value(_ASSET, entity_id=asset_id) is None:
        raise NotFound(f"There is no asset {asset_id}.")


def including(cast: Cast, wanted: Mapping[UUID, Part], removed: Sequence[UUID] = ()) -> Diff:
    """These are among the casting of an entity."""
    links = cast.links
    return Diff(
        cast,
        added={asset_id: part for asset_id, part in wanted.items() if asset_id not in links},
        changed={
            asset_id: part for asset_id, part in wanted.items() if asset_id in links and part != links[asset_id].part
        },
        removed=sorted(removed),
    )


def replacing(cast: Cast, wanted: Mapping[UUID, Part]) -> Diff:
    """The casting of an entity becomes exactly this."""
    return including(cast, wanted, list(cast.links.keys() - wanted.keys()))


def casting(cast: Cast, asset_id: UUID, nb_occurences: int | None, label: str | None) -> Diff:
    """An asset is cast in an entity; None keeps the number or the label there is."""
    now = cast.links[asset_id].part if asset_id in cast.links else Part(1, "")
    part = Part(now.nb_occurences if nb_occurences is None else nb_occurences, now.label if label is None else label)
    return including(cast, {asset_id: part})


def uncasting(cast: Cast, asset_id: UUID) -> Diff | None:
    """An asset is taken out of the casting of an entity; None when it is not in it."""
    return Diff(cast, removed=[asset_id]) if asset_id in cast.links else None


async def check(tx: Transaction, caller: Caller, diffs: Sequence[Diff]) -> None:
    """Refuse to cast what is no asset, the entity itself, or what is of a production the caller does not see.

    What is cast already may stay, however it got there.
    """
    for project_id in {diff.cast.project_id for diff in diffs if diff.added}:
        here = [diff for diff in diffs if diff.cast.project_id == project_id]
        wanted = {asset_id for diff in here for asset_id in diff.added}
        allowed = await tx.column(
            _ALLOWED,
            ids=list(wanted),
            project_id=project_id,
            everywhere=caller.is_admin,
        )
        refused = wanted - set(allowed) | {diff.cast.id for diff in here if diff.cast.id in diff.added}
        if refused:
            raise BadRequest(f"asset_id: {', '.join(sorted(map(str, refused)))} cannot be cast here.")


async def apply(tx: Transaction, diffs: Sequence[Diff], *, from_shots: bool = True) -> None:
    """Change castings; what leaves an episode leaves its shots too (`from_shots`), and episodes follow their shots."""
    of_episodes = [diff for diff in diffs if diff.cast.kind == EPISODE]
    if from_shots:
        await episodes.take_out_of_shots(
            tx, [(diff.cast, asset_id) for diff in of_episodes for asset_id in diff.removed]
        )
    gone = [diff.cast.links[asset_id].id for diff in diffs for asset_id in diff.removed]
    if gone:
        await tx.execute(_UNLINK, ids=gone)
    of_shots = [(diff.cast, diff) for diff in diffs if diff.cast.kind == SHOT and diff.cast.episode_id is not None]
    await episodes.follow(
        tx, [(cast, asset_id, part.label) for cast, diff in of_shots for asset_id, part in diff.added.items()]
    )
    await _link(tx, diffs)
    await _relink(tx, diffs)
    for diff in of_episodes:
        for asset_id in [*diff.added, *diff.changed]:
            tx.emit(events.UPDATE[ASSET], project_id=diff.cast.project_id, asset_id=asset_id)
    await _announce(tx, diffs)
    await episodes.let_go(tx, [(cast, asset_id) for cast, diff in of_shots for asset_id in diff.removed])


async def _link(tx: Transaction, diffs: Sequence[Diff]) -> None:
    """Add the links that are missing."""
    rows = [
        (diff.cast, {"id": uuid4(), "entity_in_id": diff.cast.id, "entity_out_id": asset_id, **part._asdict()})
        for diff in diffs
        for asset_id, part in diff.added.items()
    ]
    await tx.insert_many(entity_link, [row for _, row in rows])
    for cast, row in rows:
        tx.emit(
            events.LINK_NEW,
            project_id=cast.project_id,
            entity_link_id=row["id"],
            entity_in_id=cast.id,
            entity_out_id=row["entity_out_id"],
            nb_occurences=row["nb_occurences"],
        )


async def _relink(tx: Transaction, diffs: Sequence[Diff]) -> None:
    """Store new numbers and labels of links."""
    changed = [
        (diff.cast, diff.cast.links[asset_id].id, part) for diff in diffs for asset_id, part in diff.changed.items()
    ]
    if not changed:
        return
    await tx.execute(
        _RELINK,
        ids=[link_id for _, link_id, _ in changed],
        occurences=[part.nb_occurences for _, _, part in changed],
        labels=[part.label for _, _, part in changed],
        now=utc_now(),
    )
    for cast, link_id, part in changed:
        tx.emit(
            events.LINK_UPDATE,
            project_id=cast.project_id,
            entity_link_id=link_id,
            nb_occurences=part.nb_occurences,
        )


async def _announce(tx: Transaction, diffs: Sequence[Diff]) -> None:
    """Count again, and tell what changed."""
    ids = [diff.cast.id for diff in diffs]
    await readiness.refresh(tx, ids, tell=False)
    counts = await readiness.counts(tx, ids)
    for diff in diffs:
        episodes.tell(tx, diff.cast, counts[diff.cast.id], sorted(diff.added), diff.removed)
