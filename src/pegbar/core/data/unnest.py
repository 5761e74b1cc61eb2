"""Rows as parameters: each column travels as one array, so that a statement takes any number of rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import ARRAY, TextClause, bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.types import to_instance

_DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]


def rows_of(kinds: Mapping[str, Any], parameter: Callable[[int, str], str]) -> str:
    """`SELECT … FROM unnest(…)`: rows with columns of these types.

    `parameter` writes the one of a column, from its place and name.
    """
    written = {name: _name_of(kind) for name, kind in kinds.items()}
    # unnest would flatten arrays of arrays, and lists in JSON: both travel as PostgreSQL's text for them.
    arrays = ", ".join(
        f"CAST({parameter(place, name)} AS {'text' if _is_text(kinds[name]) else kind}[])"
        for place, (name, kind) in enumerate(written.items())
    )
    taken = ", ".join(f'n{place}::{kind} AS "{name}"' for place, (name, kind) in enumerate(written.items()))
    columns = ", ".join(f"n{place}" for place in range(len(written)))
    return f"SELECT {taken} FROM unnest({arrays}) AS n ({columns})"  # noqa: S608 - names and types of columns


def array_for(kind: Any, values: Sequence[Any]) -> Sequence[Any]:
    """The values of a column as its parameter takes them."""
    if not _is_text(kind):
        return values
    as_text = _array_text if isinstance(to_instance(kind), ARRAY) else _json_text
    return [None if value is None else as_text(value) for value in values]


class AboutRows:
    """A statement about rows that are its parameters.

    `write` makes it of a SELECT of these rows; `types` are those of its other parameters. A single row is plain
    parameters instead of arrays: PostgreSQL then knows its number, and keeps the plan instead of making one each time.
    """

    def __init__(self, columns: Mapping[str, Any], write: Callable[[str], str], **types: Any) -> None:
        self._columns, self._write = columns, write
        self._types = [bindparam(name, type_=kind) for name, kind in types.items()]
        self._statement = cache(self._written)

    def of(self, rows: Mapping[str, Sequence[Any]]) -> tuple[TextClause, dict[str, Any]]:
        """The statement for these rows, given by column, and their parameters."""
        alone = len(next(iter(rows.values()))) == 1
        if alone:
            return self._statement(alone), {name: rows[name][0] for name in self._columns}
        return self._statement(alone), {name: array_for(kind, rows[name]) for name, kind in self._columns.items()}

    def _written(self, alone: bool) -> TextClause:
        if alone:
            values = (f'CAST(:{name} AS {_name_of(kind)}) AS "{name}"' for name, kind in self._columns.items())
            return text(self._write(f"SELECT {', '.join(values)}")).bindparams(*self._types)
        return text(self._write(rows_of(self._columns, lambda _, name: f":{name}"))).bindparams(*self._types)


def _name_of(kind: Any) -> str:
    return str(to_instance(kind).compile(dialect=_DIALECT))


def _is_text(kind: Any) -> bool:
    return isinstance(to_instance(kind), ARRAY | JSONB)


def _json_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _array_text(items: Iterable[Any]) -> str:
    """PostgreSQL's text for an array of strings or ids."""
    quoted = (str(item).replace("\\", "\\\\").replace('"', '\\"') for item in items)
    return "{" + ",".join(f'"{item}"' for item in quoted) + "}"
