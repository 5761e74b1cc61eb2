"""Shots from a spreadsheet. Source: spec exchange, "POST …/shots", "Worth fixing" 2."""

from collections.abc import Sequence
from typing import Any, ClassVar

from pegbar.core.data.database import Transaction
from pegbar.entities.kinds import EPISODE, SEQUENCE, SHOT
from pegbar.entities.tables import entity
from pegbar.exchange.sheets.cells import DATA, column_text, plain_text
from pegbar.exchange.sheets.columns import Blank, Column, Row, whole_number
from pegbar.exchange.sheets.entities import Above, EntitySheet, Entry, Place

_NAME = column_text(entity.c.name)


class Shots(EntitySheet):
    """A sheet of shots."""

    kind: ClassVar[str] = SHOT
    kinds_above: ClassVar[tuple[str, ...]] = (EPISODE, SEQUENCE)
    defaults: ClassVar[dict[str, Any]] = {"nb_frames": 0}

    async def own_columns(self, tx: Transaction) -> Sequence[Column]:
        """Where a shot is must be there; a TV show has episodes, elsewhere they are passed over."""
        episode = [Column("Episode", _NAME, Blank.REFUSED, required=True, key="episode")] if self.is_show else []
        return [
            *episode,
            Column("Sequence", _NAME, Blank.REFUSED, required=True, key="sequence"),
            Column("Name", _NAME, Blank.REFUSED, required=True, key="name"),
            self.described(),
            Column("Nb Frames", whole_number, aliases=("Frames",), key="nb_frames"),
            Column("Frame In", whole_number, aliases=("In",), key=(DATA, "frame_in")),
            Column("Frame Out", whole_number, aliases=("Out",), key=(DATA, "frame_out")),
            Column("FPS", plain_text, Blank.TAKEN, key=(DATA, "fps")),
            Column("Resolution", plain_text, Blank.TAKEN, key=(DATA, "resolution")),
        ]

    async def find_above(self, tx: Transaction, rows: Sequence[Row]) -> None:
        """Learn which episodes and sequences of the rows there are."""
        if self.is_show:
            names = {row.values["episode"] for row in rows}
            await self.find_known(tx, EPISODE, [(name, None) for name in names], anywhere=True)
        wanted = {(row.values["sequence"], self._episode(row)) for row in rows}
        await self.find_known(tx, SEQUENCE, wanted)

    def _episode(self, row: Row) -> Above | None:
        return self.above(EPISODE, row.values["episode"]) if self.is_show else None

    def place(self, row: Row) -> Place:
        """A shot of a sequence."""
        sequence = self.above(SEQUENCE, row.values["sequence"], self._episode(row))
        return Place(self.special(SHOT), row.values["name"], sequence)

    def values(self, row: Row, entry: Entry, patch: dict[str, Any]) -> dict[str, Any]:
        """Its number of frames is that of its range when the row gives a range and no number."""
        values = super().values(row, entry, patch)
        if "nb_frames" not in values and not patch.keys().isdisjoint(("frame_in", "frame_out")):
            first, last = ({**entry.data, **patch}.get(key) for key in ("frame_in", "frame_out"))
            if type(first) is int and type(last) is int and last > first:
                values["nb_frames"] = last - first + 1
        return values
