"""Column helpers for tables, shared by every domain.

Tables, columns, types and constraints are those of an existing Kitsu database (docs/architecture.md, "The database").
A column's `default` is the value the *application* writes when a caller leaves the column out; `server_default` is
the database's own. `choice` columns are plain text in the database: the list of values is enforced here, on write.
"""

from datetime import UTC, datetime
from typing import Any, Literal
from uuid import uuid4

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    TextClause,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.schema import SchemaItem

from pegbar.core.ids import new_id

#: The tables of a Kitsu database, in the PostgreSQL schema `public`, and Pegbar's own in the schema `pegbar`.
metadata = MetaData(
    naming_convention={
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "pk": "%(table_name)s_pkey",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

OWN_SCHEMA = "pegbar"

#: What becomes of a row when the row that its column names goes for good (core/data/removal.py): it goes `with` it; the
#: column is set to `null`; whoever owns the table does what is to be done (`hook`); or what is named cannot go as long
#: as it is (`refuse`).
Goes = Literal["with", "null", "hook", "refuse"]

#: What is told of the changes of a table's rows (core/data/history.py): all of them; the row as it was when it was
#: deleted, for rows that follow from others; or nothing.
History = Literal["all", "deleted", "none"]


def names(table_name: str, goes: Goes, *, made: bool = True) -> dict[str, Any]:
    """The `info` of a column that holds ids of a table without a foreign key: as they are, or somewhere in its JSON."""
    return {"names": table_name, "goes": goes, "made": made}


def unrecorded() -> dict[str, Any]:
    """The `info` of a column whose values no history tells: secrets, and what a sign-in counts."""
    return {"history": "none"}


def utc_now() -> datetime:
    """The current time as a naive UTC datetime, as every timestamp column stores it."""
    return datetime.now(UTC).replace(tzinfo=None)


def table(name: str, *items: SchemaItem, holds_files: bool = False, history: History | None = None) -> Table:
    """A table with the usual `id`, `created_at` and `updated_at`. `history`: of productions all, unless given.

    `holds_files`: binaries are stored by its ids, in folders of their first characters, so that these are random.
    """
    return Table(
        name,
        metadata,
        Column("id", Uuid, primary_key=True, default=uuid4 if holds_files else new_id),
        Column("created_at", TIMESTAMP, default=utc_now),
        Column("updated_at", TIMESTAMP, default=utc_now),
        *items,
        info={"history": history},
    )


def link_table(name: str, *items: SchemaItem, audited: bool = False, history: History | None = None) -> Table:
    """A table whose primary key its own columns declare. `audited` adds `created_at` and `updated_at`."""
    audit = [Column(at, TIMESTAMP, default=utc_now) for at in ("created_at", "updated_at")] if audited else []
    return Table(name, metadata, *items, *audit, info={"history": history})


def own_table(name: str, *items: SchemaItem) -> Table:
    """A table of Pegbar's own, in its own PostgreSQL schema."""
    return Table(name, metadata, *items, schema=OWN_SCHEMA)


def reference(  # noqa: PLR0913 - a declaration
    to: str,
    name: str | None = None,
    *,
    nullable: bool = True,
    index: bool = True,
    on_delete: str | None = None,
    unique: bool | None = None,
    primary_key: bool = False,
    goes: Goes,
    made: bool = True,
    lent: bool = False,
    visits: bool = False,
) -> Column[Any]:
    """A foreign key to `to`.id, in the column `<to>_id` unless named.

    `goes`: what becomes of the row when the one it refers to goes for good. `made`: of rows that go with a production,
    whether somebody made them, so that they keep it unless its removal is forced. `lent`: it may name a shared asset
    of another production. `visits`: it names something of a production to which its own row does not belong.
    """
    return Column(
        name or f"{to}_id",
        Uuid,
        ForeignKey(f"{to}.id", ondelete=on_delete),
        nullable=nullable and not primary_key,
        index=index or None,
        unique=unique,
        primary_key=primary_key,
        info={"goes": goes, "made": made, "lent": lent, "visits": visits},
    )


def choice(
    name: str,
    values: tuple[str, ...],
    *,
    default: str | None = None,
    server_default: str | TextClause | None = None,
    nullable: bool = True,
    length: int = 255,
    index: bool = False,
) -> Column[Any]:
    """A text column that takes one of `values`."""
    return Column(
        name,
        String(length),
        default=default,
        server_default=server_default,
        nullable=nullable,
        index=index or None,
        info={"choices": values},
    )


def choices_of(column: Column[Any]) -> tuple[str, ...] | None:
    """The values a `choice` column takes; None for any other column."""
    return column.info.get("choices")


def flag(name: str, default: bool = False, *, nullable: bool = True, in_database: bool = False) -> Column[Any]:
    """A boolean column. `in_database` makes the default the database's too."""
    server_default = str(default).lower() if in_database else None
    return Column(name, Boolean, default=default, server_default=server_default, nullable=nullable)


def default_of(column: Column[Any]) -> Any:
    """The value the application writes when the column is left out (a fresh one for each row)."""
    default: Any = column.default
    if default is None:
        return None
    return default.arg(None) if default.is_callable else default.arg


__all__ = [
    "JSONB",
    "OWN_SCHEMA",
    "TIMESTAMP",
    "BigInteger",
    "Boolean",
    "Column",
    "Date",
    "Float",
    "Goes",
    "History",
    "Integer",
    "Numeric",
    "String",
    "Table",
    "Text",
    "Uuid",
    "choice",
    "choices_of",
    "default_of",
    "flag",
    "link_table",
    "metadata",
    "names",
    "own_table",
    "reference",
    "table",
    "unrecorded",
    "utc_now",
]
