"""Edits from a spreadsheet. Source: spec exchange, "POST …/edits", "Worth fixing" 4, 5."""

from collections.abc import Sequence
from typing import Any, ClassVar

from pegbar.core.data.database import Transaction
from pegbar.entities.kinds import EDIT
from pegbar.entities.tables import entity
from pegbar.exchange.sheets.cells import column_text
from pegbar.exchange.sheets.columns import Blank, Column, Row
from pegbar.exchange.sheets.entities import EntitySheet, Place


class Edits(EntitySheet):
    """A sheet of edits, which nobody is assigned to."""

    kind: ClassVar[str] = EDIT
    assigns: ClassVar[bool] = False
    defaults: ClassVar[dict[str, Any]] = {"description": ""}

    async def own_columns(self, tx: Transaction) -> Sequence[Column]:
        """An edit has a name and may be of an episode."""
        name = Column("Name", column_text(entity.c.name), Blank.REFUSED, required=True, key="name")
        return [name, self.in_episode(), self.described()]

    def place(self, row: Row) -> Place:
        """An edit of an episode, or of none."""
        return Place(self.special(EDIT), row.values["name"], self.episode(row))
