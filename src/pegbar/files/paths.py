"""The path of a file of this production: facts from the database, templates from its tree.

Source: spec media, "File tree JSON" and "Working and output files: rules" (get-or-create by name).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Table, select

from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.live.events import Event
from pegbar.entities.kinds import ASSET, kind_of
from pegbar.files import queries
from pegbar.files.events import OUTPUT_TYPE_MADE, SOFTWARE_MADE
from pegbar.files.tables import file_status, output_type
from pegbar.files.trees.rendering import Facts, NothingThere, Path, file_name_of, folder_of
from pegbar.files.trees.tree import MalformedTree
from pegbar.studio.tables import software

_KINDS = frozenset({"Shot", "Sequence", "Scene", "Episode"})


@dataclass(frozen=True)
class Default:
    """A row that is made the first time it is needed, by its name."""

    table: Table
    values: Mapping[str, Any]
    event: Event | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.values["name"])


MAX = Default(software, {"name": "3ds Max", "short_name": "max", "file_extension": ".max"}, SOFTWARE_MADE)
BLENDER = Default(software, {"name": "Blender", "short_name": "blender", "file_extension": ".blend"}, SOFTWARE_MADE)
GEOMETRY = Default(output_type, {"name": "Geometry", "short_name": "Geometry"}, OUTPUT_TYPE_MADE)
TO_REVIEW = Default(file_status, {"name": "To review", "color": "#FFFFFF"})

_NAMED = {
    table: select(table.c.id).where(table.c.name == param("name", Text))
    for table in (software, output_type, file_status)
}


async def ensure(tx: Transaction, default: Default) -> UUID:
    """The id of a default row, which is made when it is not there; requests at once make one."""
    known: UUID | None = await tx.value(_NAMED[default.table], name=default.name)
    if known is None:
        made = await tx.insert_many(default.table, [default.values], skip_existing=True)
        known = await tx.value(_NAMED[default.table], name=default.name)
        assert known is not None
        if made and default.event is not None:
            tx.emit(default.event, **{f"{default.table.name}_id": known})
    return known


@dataclass(frozen=True)
class Subject:
    """What a path is asked for. The caller must reach the entity."""

    entity_id: UUID
    task_id: UUID | None = None
    instance_id: UUID | None = None
    task_type_id: UUID | None = None
    output_type_id: UUID | None = None
    software_id: UUID | None = None
    #: The software when none is given.
    default_software: Default | None = None


@dataclass(frozen=True)
class Known:
    """The facts of a production's paths, and the tree."""

    tree: Any
    facts: Facts
    project_id: UUID

    def of(self, *, name: str, representation: str = "", revision: int = 0) -> "Known":
        """The same for one file."""
        facts = replace(self.facts, name=name, representation=representation, revision=revision)
        return replace(self, facts=facts)

    def path(self, mode: str, sep: str, *, folder_sep: str | None = None, folder_revision: int | None = None) -> Path:
        """The path of the file; the folder may have another separator and revision. Raises MalformedTree, NotFound."""
        in_folder = self.facts if folder_revision is None else self.facts.at(folder_revision)
        try:
            folder = folder_of(self.tree, mode, in_folder, folder_sep or sep)
            return Path(folder, file_name_of(self.tree, mode, self.facts))
        except NothingThere as error:
            raise NotFound(str(error)) from None


@contextmanager
def well_formed(**extra: Any) -> Iterator[None]:
    """A tree that makes no path is 400; the message names the place, and `extra` goes into the answer beside it.

    Where `extra` has `error`, the message goes under it too: clients of some routes look for it there.
    """
    try:
        yield
    except MalformedTree as error:
        more: dict[str, Any] = {key: str(error) if key == "error" else value for key, value in extra.items()}
        raise BadRequest(str(error), **more) from None


async def known(tx: Transaction, subject: Subject) -> Known:
    """The facts about what a path is asked for, in one statement; default rows that are needed are made.

    Raises NotFound for a software, an output type, a task type or an entity that is not there for the caller.
    """
    defaults = {"software": subject.default_software, "output_type": GEOMETRY if subject.task_id else None}
    row = await tx.row(
        queries.facts,
        entity_id=subject.entity_id,
        instance_id=subject.instance_id,
        task_id=subject.task_id,
        task_type_id=subject.task_type_id,
        software_id=subject.software_id,
        output_type_id=subject.output_type_id,
        **{f"{name}_name": default.name if default else None for name, default in defaults.items()},
    )
    if row is None or not row["reached"]:
        raise NotFound(f"There is no entity {subject.entity_id}.")
    for name in ("software", "output_type", "task_type"):
        row_id = getattr(subject, f"{name}_id")
        if row_id is not None and row[name] is None:
            raise NotFound(f"{name}_id: there is no {name.replace('_', ' ')} {row_id}.")
    things = {name: row[name] for name in ("software", "output_type")}
    for name, default in defaults.items():
        if things[name] is None and default is not None and (name == "software" or _wants_output_type(row["tree"])):
            things[name] = {**default.values, "id": str(await ensure(tx, default))}
    return Known(row["tree"], _facts(row, things), row["project_id"])


def _wants_output_type(tree: Any) -> bool:
    """Whether the tree speaks of output types at all: without need, none is made."""
    return "<OutputType" in str(tree)


def _facts(row: asyncpg.Record, things: Mapping[str, Any]) -> Facts:
    entity_kind = kind_of(row["entity_type"]["name"])
    kind = entity_kind.lower() if entity_kind in _KINDS else "asset"
    if row["instance"] is not None:
        kind = "instance_asset" if row["target_asset_id"] else "instance"
    is_asset = row["asset_type"] is not None and kind_of(row["asset_type"]["name"]) == ASSET
    shared = ("project", "entity", "entity_type", "parent", "grandparent", "asset", "instance")
    return Facts(
        kind=kind,
        entity_kind=entity_kind,
        asset_type=row["asset_type"] if is_asset else None,
        **{name: row[name] for name in (*shared, "task", "task_type", "department")},
        **things,
    )
