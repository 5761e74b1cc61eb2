"""The default data set: what a new studio starts with. Source: spec operations, "Base data (init-data)"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Table, bindparam, func, select

from pegbar.accounts.tables import department
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.studio.tables import entity_type, organisation, project_status, task_status, task_type

#: name, short name, colour, flags
_STATUSES: list[tuple[str, str, str, dict[str, bool]]] = [
    ("Todo", "todo", "#f5f5f5", {"is_default": True}),
    ("Work In Progress", "wip", "#3273dc", {"is_wip": True}),
    ("Waiting For Approval", "wfa", "#ab26ff", {"is_feedback_request": True}),
    ("Retake", "retake", "#ff3860", {"is_retake": True}),
    ("Done", "done", "#22d160", {"is_done": True}),
    ("Ready To Start", "ready", "#fbc02d", {}),
    ("Neutral", "neutral", "#CCCCCC", {"is_default": True, "for_concept": True}),
    ("Approved", "approved", "#66BB6A", {"for_concept": True}),
    ("Rejected", "rejected", "#E81123", {"for_concept": True}),
]
_ENTITY_TYPES = ["Shot", "Sequence", "Episode", "Edit"]


@dataclass(frozen=True)
class Kind:
    """The defaults of a kind of studio."""

    asset_types: list[str]
    departments: dict[str, str]
    #: department, name, colour, priority, entity
    task_types: Sequence[tuple[str | None, str, str, int, str]]


_3D_DEPARTMENTS = {
    "Modeling": "#78909C",
    "Animation": "#009688",
    "FX": "#26C6DA",
    "Compositing": "#F06292",
    "Concept": "#8D6E63",
    "Layout": "#7CB342",
}
_3D_ASSETS = [
    ("Concept", "Concept", "#8D6E63", 1, "Asset"),
    ("Modeling", "Modeling", "#78909C", 2, "Asset"),
    ("Modeling", "Shading", "#64B5F6", 3, "Asset"),
    ("Animation", "Rigging", "#9CCC65", 4, "Asset"),
]
_3D_SHOTS = [
    ("Concept", "Storyboard", "#43A047", 1, "Shot"),
    ("Layout", "Layout", "#7CB342", 2, "Shot"),
    ("Animation", "Animation", "#009688", 3, "Shot"),
    ("Compositing", "Lighting", "#F9A825", 4, "Shot"),
    ("FX", "FX", "#26C6DA", 5, "Shot"),
    ("Compositing", "Rendering", "#F06292", 6, "Shot"),
    ("Compositing", "Compositing", "#ff5252", 7, "Shot"),
]
_CONCEPT = (None, "Concept", "#8D6E63", 1, "Concept")
_GAMES_DEPARTMENTS = {
    "Game Design": "#7B1FA2",
    "Level Design": "#00897B",
    "Character Art": "#78909C",
    "Environment Art": "#43A047",
    "Animation": "#009688",
    "VFX": "#26C6DA",
    "QA": "#E53935",
}

KINDS: Mapping[str, Kind] = {
    "3d": Kind(
        ["Character", "Prop", "Environment", "FX"],
        _3D_DEPARTMENTS,
        [*_3D_ASSETS, *_3D_SHOTS, ("Compositing", "Edit", "#9b298c", 8, "Edit"), _CONCEPT],
    ),
    "vfx": Kind(
        ["Character", "Prop", "Environment", "FX", "Vehicle"],
        {**_3D_DEPARTMENTS, "Matchmove": "#5C6BC0", "DMP": "#8D6E63"},
        [
            *_3D_ASSETS,
            *_3D_SHOTS,
            ("Matchmove", "Matchmove", "#5C6BC0", 1, "Shot"),
            ("Matchmove", "Rotomation", "#7986CB", 2, "Shot"),
            ("DMP", "DMP", "#A1887F", 8, "Shot"),
            ("Compositing", "Edit", "#9b298c", 9, "Edit"),
            _CONCEPT,
        ],
    ),
    "2d": Kind(
        ["Character", "Prop", "Background", "FX"],
        {name: _3D_DEPARTMENTS[name] for name in ("Concept", "Layout", "Animation", "Compositing")},
        [
            ("Concept", "Concept", "#8D6E63", 1, "Asset"),
            ("Concept", "Storyboard", "#43A047", 1, "Shot"),
            ("Layout", "Layout", "#7CB342", 2, "Shot"),
            ("Animation", "Animation", "#009688", 3, "Shot"),
            ("Animation", "Clean-up", "#4DB6AC", 4, "Shot"),
            ("Compositing", "Color", "#F9A825", 5, "Shot"),
            ("Compositing", "Compositing", "#ff5252", 6, "Shot"),
            ("Compositing", "Edit", "#9b298c", 7, "Edit"),
            _CONCEPT,
        ],
    ),
    "games": Kind(
        ["Character", "Prop", "Environment", "FX", "UI"],
        _GAMES_DEPARTMENTS,
        [
            *[
                (name, name, color, priority, "Asset")
                for priority, (name, color) in enumerate(_GAMES_DEPARTMENTS.items(), 1)
                if name != "QA"
            ],
            ("Character Art", "Concept", "#8D6E63", 1, "Concept"),
            ("QA", "QA", "#E53935", 1, "Shot"),
        ],
    ),
}


async def load_defaults(tx: Transaction, kind: str = "3d") -> None:
    """Add what is missing of the default data set; what is there stays as it is."""
    chosen = KINDS[kind]
    if await tx.value(select(func.count()).select_from(organisation)) == 0:
        await tx.insert(organisation, name="Kitsu")
    for name in ("Open", "Closed"):
        await _ensure(tx, project_status, name, color="#000000")
    for name in [*_ENTITY_TYPES, *chosen.asset_types]:
        await _ensure(tx, entity_type, name)
    for name, short_name, color, flags in _STATUSES:
        await _ensure_status(tx, name, short_name, color, flags)
    departments = {name: await _ensure(tx, department, name, color=color) for name, color in chosen.departments.items()}
    for department_name, name, color, priority, for_entity in chosen.task_types:
        columns = {"color": color, "priority": priority, "short_name": ""}
        await _ensure_task_type(tx, name, for_entity, departments.get(department_name or ""), **columns)


def _by_name(table: Table) -> Any:
    return select(table.c.id).where(func.lower(table.c.name) == func.lower(bindparam("name"))).limit(1)


async def _ensure(tx: Transaction, table: Table, name: str, **columns: Any) -> UUID:
    existing_id: UUID | None = await tx.value(_by_name(table), name=name)
    row_id = existing_id or await tx.insert(table, name=name, **columns)
    assert row_id is not None
    return row_id


async def _ensure_status(tx: Transaction, name: str, short_name: str, color: str, flags: dict[str, bool]) -> None:
    same = (task_status.c.name == bindparam("name")) | (task_status.c.short_name == bindparam("short_name"))
    if flags.get("is_default"):
        for_concept = param("for_concept", task_status.c.for_concept.type)
        same |= task_status.c.is_default.is_(True) & (func.coalesce(task_status.c.for_concept, False) == for_concept)
        params: dict[str, Any] = {"for_concept": flags.get("for_concept", False)}
    else:
        params = {}
    statement = select(task_status.c.id).where(same).limit(1)
    if await tx.value(statement, name=name, short_name=short_name, **params) is None:
        await tx.insert(task_status, name=name, short_name=short_name, color=color, **flags)


async def _ensure_task_type(
    tx: Transaction, name: str, for_entity: str, department_id: UUID | None, **columns: Any
) -> None:
    known = _by_name(task_type).where(func.coalesce(task_type.c.for_entity, "Asset") == bindparam("for_entity"))
    if await tx.value(known, name=name, for_entity=for_entity) is None:
        await tx.insert(task_type, name=name, for_entity=for_entity, department_id=department_id, **columns)
