"""Assets from a spreadsheet. Source: spec exchange, "POST …/assets", "Worth fixing" 3, 5."""

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from pegbar.core.data.database import Transaction
from pegbar.core.data.values import accept
from pegbar.entities.assets.actions import ensure_asset_type
from pegbar.entities.kinds import ASSET, SHOT, SPECIAL
from pegbar.entities.tables import entity
from pegbar.exchange.sheets import queries
from pegbar.exchange.sheets.cells import DATA, column_text, plain_text
from pegbar.exchange.sheets.columns import Blank, Column, Reader, Row, RowError, named
from pegbar.exchange.sheets.entities import EntitySheet, Entry, Place
from pegbar.productions.settings import actions as settings
from pegbar.productions.settings.links import ASSET_TYPE
from pegbar.studio.tables import entity_type

_SPECIAL = frozenset(name.lower() for name in SPECIAL)


class Assets(EntitySheet):
    """A sheet of assets. A production has each name of a type once, whatever the episode."""

    kind: ClassVar[str] = ASSET
    named_below: ClassVar[bool] = False

    def is_for(self, for_entity: str | None) -> bool:
        """Task types for nothing in particular are for assets."""
        return for_entity in (None, ASSET)

    async def own_columns(self, tx: Transaction) -> Sequence[Column]:
        """An asset has a type and a name."""
        types = await tx.rows(queries.TYPES, project_id=self.project_id)
        self._is_limited = any(row["is_used"] for row in types)
        self._workflows: dict[UUID, set[UUID]] = {}
        for type_id, task_type_id in await tx.rows(queries.WORKFLOWS):
            self._workflows.setdefault(type_id, set()).add(task_type_id)
        of_shots = {row["name"]: row["id"] for row in self.project_task_types if row["for_entity"] == SHOT}
        ready_for = named({**of_shots, "": None}, "task type of shots")
        return [
            Column(
                "Type", self._type({row["name"].lower() for row in types}), Blank.REFUSED, required=True, key="type"
            ),
            Column("Name", column_text(entity.c.name), Blank.REFUSED, required=True, key="name"),
            self.in_episode(),
            self.described(),
            Column("Ready for", ready_for, Blank.TAKEN, key="ready_for"),
            Column("Resolution", plain_text, Blank.TAKEN, key=(DATA, "resolution")),
        ]

    def _type(self, known: set[str]) -> Reader:
        def read(text: str) -> str:
            name: str = accept(entity_type.c.name, text.strip())
            if name.lower() in _SPECIAL:
                raise RowError(f"{name} is no type of assets.")
            if self._is_limited and name.lower() not in known:
                raise RowError(f"There is no asset type named {name}.")
            return name

        return read

    def place(self, row: Row) -> Place:
        """An asset of a type."""
        return Place(self.type_named(row.values["type"]), row.values["name"], self.episode(row))

    def values(self, row: Row, entry: Entry, patch: dict[str, Any]) -> dict[str, Any]:
        """It moves to another episode only when the file says which."""
        values = super().values(row, entry, patch)
        if "episode" in row.values:
            episode = self.episode(row)
            values["source_id"] = None if episode is None else episode.id
        return values

    def tasks_of(self, entry: Entry, *, is_new: bool) -> list[UUID]:
        """The workflow of its type, or of all assets; it is completed whenever a row names the asset."""
        type_id = entry.place.type.id
        own = None if type_id is None else self._workflows.get(type_id)
        return [row["id"] for row in self.task_types if own is None or row["id"] in own]

    async def write_types(self, tx: Transaction) -> None:
        """Make the types that are missing; a production that has chosen types takes others in."""
        for needed in self._types:
            if not needed.is_needed:
                continue
            if needed.id is None:
                needed.id = await ensure_asset_type(tx, needed.name)
            if self._is_limited and not needed.is_used:
                await settings.add(tx, ASSET_TYPE, self.project_id, needed.id)
                needed.is_used = True
