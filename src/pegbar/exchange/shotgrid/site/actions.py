"""What comes over from a ShotGrid site and stands in no record: frames, bids, castings of assets, columns, settings."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec
from sqlalchemy import ARRAY

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Boolean, Float, Integer, Text, utc_now
from pegbar.entities import events as entity_events
from pegbar.entities.casting import actions as casting
from pegbar.entities.casting.actions import Part
from pegbar.entities.kinds import SHOT
from pegbar.exchange.shotgrid.site import queries
from pegbar.exchange.shotgrid.site.client import Row
from pegbar.exchange.shotgrid.site.mapping import Column
from pegbar.exchange.shotgrid.site.records import frames, values
from pegbar.productions.actions import touch
from pegbar.productions.descriptors.values import TEMPORAL
from pegbar.productions.events import DESCRIPTOR_NEW
from pegbar.productions.settings import actions as settings
from pegbar.productions.settings.links import ASSET_TYPE, TASK_STATUS
from pegbar.productions.tables import metadata_descriptor, project
from pegbar.tasks.events import TASK_UPDATE

#: A row of the site, with the id of what stands for it here.
Pair = tuple[UUID, Row]

_SHOTS = sql(
    """
    UPDATE entity SET nb_frames = coalesce(shot.frames, entity.nb_frames), updated_at = :now,
                      description = CASE WHEN shot.described THEN shot.description ELSE entity.description END
      FROM unnest(:ids ::uuid[], :frames ::int[], :descriptions ::text[], :described ::bool[])
        AS shot (id, frames, description, described)
     WHERE entity.id = shot.id
       AND (coalesce(shot.frames, entity.nb_frames) IS DISTINCT FROM entity.nb_frames
            OR shot.described AND shot.description IS DISTINCT FROM entity.description)
    RETURNING entity.id
    """,
    frames=ARRAY(Integer),
    descriptions=ARRAY(Text),
    described=ARRAY(Boolean),
)
_TASKS = sql(
    """
    UPDATE task SET estimation = bid.minutes, updated_at = :now
      FROM unnest(:ids ::uuid[], :minutes ::float[]) AS bid (id, minutes)
     WHERE task.id = bid.id AND bid.minutes IS DISTINCT FROM task.estimation
    RETURNING task.id
    """,
    minutes=ARRAY(Float),
)
#: Values of the columns of the boards: those of the site's fields become what they are there, others stay.
_VALUES = sql(
    """
    UPDATE entity SET data = row.data, updated_at = :now
      FROM (SELECT e.id, (coalesce(nullif(e.data, 'null'), '{}') - :keys ::text[]) || there.data ::jsonb AS data
              FROM unnest(:ids ::uuid[], :texts ::text[]) AS there (id, data) JOIN entity e ON e.id = there.id) AS row
     WHERE entity.id = row.id AND row.data IS DISTINCT FROM coalesce(nullif(entity.data, 'null'), '{}')
    RETURNING entity.id
    """,
    keys=ARRAY(Text),
    texts=ARRAY(Text),
)


async def complete_shots(tx: Transaction, project_id: UUID, pairs: Sequence[Pair]) -> set[UUID]:
    """Give shots the number of their frames and their description; those that changed."""
    changed = await tx.column(
        _SHOTS,
        ids=[shot_id for shot_id, _ in pairs],
        frames=[frames(row) for _, row in pairs],
        descriptions=[row.get("description") for _, row in pairs],
        described=["description" in row for _, row in pairs],
        now=utc_now(),
    )
    for shot_id in changed:
        entity_events.emit(tx, entity_events.UPDATE, SHOT, project_id, shot_id)
    return set(changed)


async def complete_tasks(tx: Transaction, project_id: UUID, pairs: Sequence[Pair]) -> set[UUID]:
    """Give tasks their bid, in minutes, where they have one; those that changed."""
    bids = {task_id: float(row["est_in_mins"]) for task_id, row in pairs if row.get("est_in_mins") is not None}
    changed = await tx.column(_TASKS, ids=list(bids), minutes=list(bids.values()), now=utc_now())
    for task_id in changed:
        tx.emit(TASK_UPDATE, project_id=project_id, task_id=task_id)
    return set(changed)


async def fill_columns(
    tx: Transaction, project_id: UUID, kind: str, columns: Sequence[Column], pairs: Sequence[Pair]
) -> set[UUID]:
    """Give entities what the site holds under these columns, and the boards those that hold something; what changed."""
    if not columns or not pairs:
        return set()
    await add_columns(tx, project_id, kind, values_of([row for _, row in pairs], columns))
    changed = await tx.column(
        _VALUES,
        ids=[entity_id for entity_id, _ in pairs],
        texts=[msgspec.json.encode(values(row, columns)).decode() for _, row in pairs],
        keys=[column.key for column in columns],
        now=utc_now(),
    )
    for entity_id in changed:
        entity_events.emit(tx, entity_events.UPDATE, kind, project_id, entity_id)
    return set(changed)


async def cast_assets(tx: Transaction, project_id: UUID, pairs: Sequence[Pair]) -> tuple[set[UUID], set[int]]:
    """Make assets consist of their sub-assets: those that changed, and the numbers of those whose parts are not here.

    Parts that are not here yet are added when they are.
    """
    made_of = {asset_id: [part["id"] for part in row.get("assets") or ()] for asset_id, row in pairs if "assets" in row}
    if not made_of:
        return set(), set()
    numbers = sorted({number for parts in made_of.values() for number in parts})
    known = {
        row["shotgun_id"]: row["id"] for row in await tx.rows(queries.assets, project_id=project_id, numbers=numbers)
    }
    incomplete = {row["id"] for asset_id, row in pairs if not set(made_of.get(asset_id, ())) <= known.keys()}
    casts = await casting.casts(tx, None, sorted(made_of), sorted(known.values()))
    diffs = []
    for asset_id, parts in made_of.items():
        cast = casts[asset_id]
        wanted = {
            known[number]: cast.links[known[number]].part if known[number] in cast.links else Part(1, "")
            for number in parts
            if number in known and known[number] != asset_id
        }
        if wanted.keys() != cast.links.keys():
            diffs.append(casting.replacing(cast, wanted))
    if diffs:
        await casting.apply(tx, diffs)
    return {diff.cast.id for diff in diffs}, incomplete


async def add_columns(tx: Transaction, project_id: UUID, entity_type: str, columns: Sequence[Column]) -> int:
    """Give the boards of a production these columns, unless it has them; how many are new."""
    present = await tx.rows(queries.columns, project_id=project_id, entity_type=entity_type)
    keys, names = {row["field_name"] for row in present}, {row["name"].lower() for row in present}
    rows = []
    for column in columns:
        if column.key in keys:
            continue
        name = column.name if column.name.lower() not in names else f"{column.name[:100]} (ShotGrid)"
        rows.append(
            {
                "id": uuid4(),
                "project_id": project_id,
                "entity_type": entity_type,
                "name": name,
                "field_name": column.key,
                "data_type": column.data_type,
                "choices": list(column.choices),
            }
        )
    await tx.insert_many(metadata_descriptor, rows)
    for row in rows:
        tx.emit(DESCRIPTOR_NEW, project_id=project_id, metadata_descriptor_id=row["id"])
    return len(rows)


async def complete_settings(tx: Transaction, project_id: UUID) -> bool:
    """Let a production use the task types, statuses and asset types of what it holds; whether anything changed.

    With episodes it is a series.
    """
    row = await tx.row(queries.unused_settings, project_id=project_id, temporal=list(TEMPORAL))
    assert row is not None
    for task_type_id in row["task_types"]:
        await settings.use_task_type(tx, project_id, task_type_id, {})
    for link, ids in ((TASK_STATUS, row["task_statuses"]), (ASSET_TYPE, row["asset_types"])):
        for other_id in ids:
            await settings.add(tx, link, project_id, other_id)
    becomes_series = bool(row["has_episodes"]) and row["production_type"] != "tvshow"
    if becomes_series:
        await tx.update(project, project_id, production_type="tvshow")
        await touch(tx, project_id)
    return becomes_series or any(row[name] for name in ("task_types", "task_statuses", "asset_types"))


async def adopt_task_types(tx: Transaction, steps: Sequence[Row], names: Mapping[int, str]) -> set[int]:
    """Let task types that are here stand for the steps of the same work; the ids of steps that have one.

    A task type that is here keeps its name, colour and department.
    """
    rows = await tx.rows(queries.task_types)
    taken = {row["shotgun_id"] for row in rows}
    free: dict[tuple[str, str], UUID] = {}
    for row in rows:
        if row["shotgun_id"] is None:
            free.setdefault((row["name"], row["for_entity"]), row["id"])
    adopted: dict[UUID, int] = {}
    for step in steps:
        task_type_id = free.get((names[step["id"]].lower(), step.get("entity_type") or "Asset"))
        if step["id"] not in taken and task_type_id is not None:
            adopted[task_type_id] = step["id"]
    if adopted:
        await tx.rows(queries.adopt_task_types, ids=list(adopted), numbers=list(adopted.values()))
    return (taken & names.keys()) | set(adopted.values())


def values_of(rows: Sequence[Row], columns: Sequence[Column]) -> list[Column]:
    """The columns under which any of the rows holds something."""
    empty: tuple[Any, ...] = (None, "", [], {})
    return [column for column in columns if any(row.get(column.field) not in empty for row in rows)]
