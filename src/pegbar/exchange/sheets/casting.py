"""Castings from a spreadsheet. Source: spec exchange, "casting".

Links that exist are overwritten, none is removed. Rows whose asset or target does not exist are passed over, as clients
expect; a dry run says which.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.http.access import Caller
from pegbar.core.slugs import slug
from pegbar.entities.casting import actions
from pegbar.entities.casting.actions import Cast, Part
from pegbar.entities.kinds import ASSET, EPISODE, SHOT, kind_text
from pegbar.entities.tables import entity
from pegbar.exchange.sheets.columns import Blank, Column, Row, RowError, whole_number
from pegbar.exchange.sheets.importing import Sheet, Taken, nothing_for
from pegbar.exchange.sheets.naming import MAIN_PACK, Key, key
from pegbar.exchange.sheets.reports import Outcome
from pegbar.productions.tables import project
from pegbar.studio.tables import entity_type

_parent = entity.alias("parent")
_grandparent = entity.alias("grandparent")

#: All that can be cast or cast in, with the names that tell it apart.
_NAMED = (
    select(
        entity.c.id,
        entity.c.name,
        kind_text().label("kind"),
        entity_type.c.name.label("type_name"),
        _parent.c.name.label("parent_name"),
        _grandparent.c.name.label("grandparent_name"),
    )
    .select_from(
        entity.join(entity_type, entity_type.c.id == entity.c.entity_type_id)
        .outerjoin(_parent, _parent.c.id == entity.c.parent_id)
        .outerjoin(_grandparent, _grandparent.c.id == _parent.c.parent_id)
    )
    .where(entity.c.project_id == param("project_id"))
    .order_by(entity.c.created_at, entity.c.id)
)
_IS_SERIES = select(project.c.production_type == "tvshow").where(project.c.id == param("project_id"))

_EPISODE_WORD = "Episode"
_UNLABELLED = "fixed"


class Casting(Sheet):
    """A sheet of castings of one production."""

    def __init__(self, caller: Caller, project_id: UUID) -> None:
        super().__init__(caller, update=True)
        self.project_id = project_id

    async def columns(self, tx: Transaction, header: Sequence[str]) -> Sequence[Column]:
        """All but the episode and the label must be there."""
        return [
            Column("Parent", blank=Blank.TAKEN, required=True),
            Column("Name", blank=Blank.TAKEN, required=True),
            Column("Asset Type", blank=Blank.TAKEN, required=True),
            Column("Asset", blank=Blank.TAKEN, required=True),
            Column("Occurences", whole_number, required=True),
            Column("Episode", str.strip),
            Column("Label", lambda text: slug(text, "-"), blank=Blank.TAKEN),
        ]

    async def look_up(self, tx: Transaction, rows: Sequence[Row]) -> None:
        """The assets and entities that these rows name, and what is cast already."""
        self._series = bool(await tx.value(_IS_SERIES, project_id=self.project_id))
        self._assets: dict[Key, UUID] = {}
        self._targets: dict[Key, UUID] = {}
        for named in await tx.rows(_NAMED, project_id=self.project_id):
            if named["kind"] == ASSET:
                self._assets[key(named["type_name"], named["name"])] = named["id"]
            elif named["kind"] == SHOT:
                above = named["grandparent_name"] if self._series else ""
                self._targets[key(SHOT, above, named["parent_name"], named["name"])] = named["id"]
            elif named["kind"] == EPISODE:
                self._targets[key(EPISODE, named["name"])] = named["id"]
        pairs = [(self._asset(row), self._target(row)) for row in rows]
        assets = sorted({asset_id for asset_id, target_id in pairs if asset_id and target_id})
        targets = sorted({target_id for asset_id, target_id in pairs if asset_id and target_id})
        self._casts: dict[UUID, Cast] = await actions.casts(tx, self.project_id, targets, assets) if assets else {}
        self._wanted: dict[UUID, dict[UUID, Part]] = {}

    def _asset(self, row: Row) -> UUID | None:
        return self._assets.get(key(row.values["Asset Type"], row.values["Asset"]))

    def _target(self, row: Row) -> UUID | None:
        """A shot, else an asset, else an episode, which is of no other one."""
        parent, name = row.values["Parent"], row.values["Name"]
        episode = row.values.get("Episode", "") if self._series else ""
        episode = "" if episode == MAIN_PACK else episode
        target = self._targets.get(key(SHOT, episode, parent, name)) or self._assets.get(key(parent, name))
        if target is None and not episode and key(parent) == key(_EPISODE_WORD):
            target = self._targets.get(key(EPISODE, name))
        return target

    def take(self, row: Row) -> Taken:
        """An asset is cast, or cast otherwise than before."""
        values = row.values
        name = " / ".join(filter(None, (values.get("Episode"), values["Parent"], values["Name"], values["Asset"])))
        asset_id, target_id = self._asset(row), self._target(row)
        if asset_id is None:
            return Taken(Outcome.LEFT, name, note=f"There is no asset {values['Asset']} of {values['Asset Type']}.")
        if target_id is None:
            return Taken(Outcome.LEFT, name, note=f"There is no {values['Name']} in {values['Parent']}.")
        if asset_id == target_id:
            raise RowError(f"{values['Asset']} cannot be cast in itself.", "Asset")
        part = Part(values.get("Occurences", 1), values.get("Label", _UNLABELLED))
        links = self._casts[target_id].links
        wanted = self._wanted.setdefault(target_id, {})
        before = wanted.get(asset_id) or (links[asset_id].part if asset_id in links else None)
        wanted[asset_id] = part
        if before is None:
            return Taken(Outcome.CREATED, name)
        return Taken(Outcome.LEFT if before == part else Outcome.CHANGED, name)

    async def write(self, tx: Transaction) -> None:
        """Cast them, with all that follows from it."""
        diffs = [actions.including(self._casts[target_id], wanted) for target_id, wanted in self._wanted.items()]
        await actions.apply(tx, diffs)

    async def answer(self, db: Database, row_ids: Sequence[UUID | None]) -> Json:
        """Nothing for each row: links are told by events."""
        return nothing_for(row_ids)
