"""Rows as parameters: each column travels as one array, so that a statement takes any number of rows."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import ARRAY
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.types import to_instance

_DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]


def rows_of(kinds: Mapping[str, Any], parameter: Callable[[int, str], str]) -> str:
    """`SELECT … FROM unnest(…)`: rows with columns of these types.

    `parameter` writes the one of a column, from its place and name.
    """
    written = {name: str(to_instance(kind).compile(dialect=_DIALECT)) for name, kind in kinds.items()}
    # unnest would flatten arrays of arrays, and lists in JSON: both travel as PostgreSQL's text for them.
    arrays = ", ".join(
        f"CAST({parameter(place, name)} AS {'text' if _is_text(kinds[name]) else kind}[])"
        for place, (name, kind) in enumerate(written.items())
    )
    taken = ", ".join(f'n{place}::{kind} AS "{name}"' for place, (name, kind) in enumerate(written.items()))
    columns = ", ".join(f"n{place}" for place in range(len(written)))
    return f"SELECT {taken} FROM unnest({arrays}) AS n ({columns})"  # noqa: S608 - names and types of columns


def array_for(kind: Any, values: Iterable[Any]) -> list[Any]:
    """The values of a column as its parameter takes them."""
    if not _is_text(kind):
        return list(values)
    as_text = _array_text if isinstance(to_instance(kind), ARRAY) else _json_text
    return [None if value is None else as_text(value) for value in values]


def _is_text(kind: Any) -> bool:
    return isinstance(to_instance(kind), ARRAY | JSONB)


def _json_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _array_text(items: Iterable[Any]) -> str:
    """PostgreSQL's text for an array of strings or ids."""
    quoted = (str(item).replace("\\", "\\\\").replace('"', '\\"') for item in items)
    return "{" + ",".join(f'"{item}"' for item in quoted) + "}"
