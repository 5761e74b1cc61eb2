"""One row of every table, all referring to each other: whatever a route asks for, there is one."""

import re
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, Boolean, Date, Float, Integer, LargeBinary, String, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from pegbar.app import load_domains
from pegbar.core.data.schema import choices_of, metadata
from pegbar.core.http.routing import Operation

_PARAMETER = re.compile(r"\{(\w+):(\w+)\}")
#: The table whose row a path parameter names, where it is not the parameter's own name.
_TABLES = {"asset_type_id": "entity_type", "asset_id": "entity", "instance_id": ""}
#: References left empty: they would make the row another kind of row.
_EMPTY = {
    ("person", "preview_project_id"),
    ("entity", "parent_id"),
    ("entity", "source_id"),
    ("production_schedule_version", "production_schedule_from"),
    ("attachment_file", "chat_message_id"),
}


class Rows:
    """The id of the one row of each table. `given` are rows made by the API, which are used as they are."""

    def __init__(self, connection: psycopg.Connection, given: dict[str, str]) -> None:
        load_domains()
        self._connection = connection
        self.ids: dict[str, UUID] = {name: UUID(value) for name, value in given.items()}
        self._making: set[str] = set()
        for table in metadata.tables.values():
            if table.schema is None:
                self.of(table)

    def of(self, table: Table) -> UUID:
        """The id of the table's row, made if need be."""
        if table.name not in self.ids:
            self._making.add(table.name)
            self.ids[table.name] = self.another(table)
            self._making.discard(table.name)
        return self.ids[table.name]

    def another(self, table: Table, **given: Any) -> UUID:
        """The id of one more row, with these values."""
        values = {column.name: self._value(table, column) for column in table.columns if column.name not in given}
        values = {name: value for name, value in {**values, **given}.items() if value is not None}
        columns = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join(["%s"] * len(values))
        self._connection.execute(
            f"INSERT INTO {table.fullname} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING", list(values.values())
        )
        return values.get("id") or uuid4()

    def _value(self, table: Table, column: Any) -> Any:
        for foreign in column.foreign_keys:
            if (table.name, column.name) in _EMPTY or foreign.column.table.name in self._making:
                return None
            return self.of(foreign.column.table)
        if column.name == "object_id":
            return self.ids.get("task" if table.name == "comment" else "entity")
        if (choices := choices_of(column)) and not isinstance(column.type, ARRAY):
            return choices[0]
        if (column.nullable and not column.primary_key) or column.identity is not None or column.server_default:
            return None
        if column.primary_key and isinstance(column.type, Integer):  # numbered by the database: 1 may be taken
            return None
        return self._plain(column)

    def _plain(self, column: Any) -> Any:
        kind = column.type
        if isinstance(kind, Uuid):
            return uuid4()
        if isinstance(kind, String):
            return uuid4().hex[: kind.length or 20]
        if isinstance(kind, Boolean):
            return False
        if isinstance(kind, Integer | Float):
            return 1
        if isinstance(kind, Date | TIMESTAMP):
            return "2031-01-05"
        if isinstance(kind, JSONB):
            return Jsonb([])
        assert isinstance(kind, LargeBinary | ARRAY), column
        return b"" if isinstance(kind, LargeBinary) else []


def row_for(operation: Operation, name: str, rows: Rows) -> UUID | None:
    """The row that a path parameter means."""
    table = _TABLES.get(name, name.removesuffix("_id"))
    if not table:
        table = getattr(getattr(operation.returns, "table", None), "name", "")
    return rows.ids.get(table)


def path_of(operation: Operation, rows: Rows) -> str | None:
    """The operation's path with ids of our rows; None when it takes something else."""
    path = operation.path
    for name, kind in _PARAMETER.findall(path):
        row = row_for(operation, name, rows) if name.endswith("_id") else None
        if row is None:
            return None
        path = path.replace(f"{{{name}:{kind}}}", str(row))
    return path
