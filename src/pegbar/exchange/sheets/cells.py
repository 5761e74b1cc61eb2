"""Readers of the cells that sheets of assets, shots and edits share. Source: spec exchange, "Shared columns"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from pegbar.core.data.schema import Column as TableColumn
from pegbar.core.data.values import accept, check_text
from pegbar.exchange.sheets.columns import Blank, Column, Reader, RowError, yes_or_no

#: The key of a column whose values are metadata: `(DATA, field_name)`.
DATA = "data"


def column_text(column: TableColumn[Any]) -> Reader:
    """Reads text that a column of a table takes."""
    return lambda text: accept(column, text)


def plain_text(text: str) -> str:
    """Reads any text that can be stored."""
    check_text("it", text)
    return text


def truth(text: str) -> str:
    """Reads a boolean of the metadata, which are stored as words; a blank cell stays one."""
    return str(yes_or_no(text)).lower() if text.strip() else ""


def status_named(statuses: Sequence[asyncpg.Record]) -> Reader:
    """Reads the name or the short name of a task status, in any case; a name comes before a short name."""
    known: dict[str, UUID] = {}
    for name in ("name", "short_name"):
        for row in statuses:
            known.setdefault(row[name].strip().lower(), row["id"])

    def read(text: str) -> UUID:
        status_id = known.get(text.strip().lower())
        if status_id is None:
            raise RowError(f"There is no task status named {text.strip()[:200]}.")
        return status_id

    return read


@dataclass(frozen=True)
class Persons:
    """Everybody, by their full name, e-mail address or id in lower case."""

    known: Mapping[str, UUID]
    preview_accounts: frozenset[UUID]

    @staticmethod
    def of(rows: Sequence[asyncpg.Record]) -> "Persons":
        """The persons of rows, of which the first has a name."""
        known: dict[str, UUID] = {str(row["id"]): row["id"] for row in rows}
        for key in ("email", "full_name"):
            for row in rows:
                if row[key]:
                    known.setdefault(row[key].strip().lower(), row["id"])
        return Persons(known, frozenset(row["id"] for row in rows if row["is_preview_account"]))

    def named(self, text: str) -> UUID:
        """Reads somebody."""
        person_id = self.known.get(text.strip().lower())
        if person_id is None:
            raise RowError(f"There is nobody named {text.strip()[:200]}.")
        return person_id

    def assignee(self, text: str) -> UUID:
        """Reads somebody who takes tasks."""
        person_id = self.named(text)
        if person_id in self.preview_accounts:
            raise RowError(f"{text.strip()[:200]} is a preview account, which takes no task.")
        return person_id

    def stored(self, text: str) -> str:
        """Reads somebody as metadata hold them; a blank cell stays one."""
        return str(self.named(text)) if text.strip() else ""


def metadata_columns(descriptors: Sequence[asyncpg.Record], persons: Persons) -> list[Column]:
    """The columns of metadata; a blank cell is a value like any other."""
    readers: dict[str, Reader] = {"boolean": truth, "person": persons.stored}
    return [
        Column(row["name"], readers.get(row["data_type"], plain_text), Blank.TAKEN, key=(DATA, row["field_name"]))
        for row in descriptors
    ]
