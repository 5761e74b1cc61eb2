"""The JSON of a row, written by PostgreSQL.

A read selects one text column that already is the JSON object of its row; Python joins the rows and sends them.
For the 12,500 tasks of the benchmark that takes a quarter of the Python time of fetching columns and encoding
them, and the event loop is free meanwhile (docs/architecture.md, "Rows to JSON").

Formats (spec crud, "Values in and out"): uuid lowercase text; date YYYY-MM-DD; timestamp YYYY-MM-DDTHH:MM:SS; a float
always has a decimal; jsonb as it is.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Float,
    FromClause,
    LargeBinary,
    Select,
    String,
    Subquery,
    Text,
    Uuid,
    case,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSON, JSONB, TIMESTAMP
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import UserDefinedType

#: PostgreSQL takes a hundred arguments in a call.
_MOST_ARGUMENTS = 90


#: A limit that cuts nothing off. With one, PostgreSQL sorts rows first and writes their JSON then; without, it sorts
#: the texts, and a stream waits for all of them.
EVERY_ROW = literal_column("9223372036854775807", BigInteger)


class Wire(dict[str, ColumnElement[Any]]):
    """The keys of a JSON object and what fills them. Compared by identity, so that statements are cached by it."""

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def but(self, *without: str, **more: ColumnElement[Any]) -> "Wire":
        """A copy with keys left out, replaced or added."""
        return Wire({**{key: value for key, value in self.items() if key not in without}, **more})

    def only(self, *keys: str) -> "Wire":
        """A copy with these keys."""
        return Wire({key: self[key] for key in keys})


class JsonText(UserDefinedType[str]):
    """Text that already is JSON."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "text"


def word(text: str) -> ColumnElement[str]:
    """A constant of ours as SQL text."""
    return literal_column("'" + text.replace("'", "''") + "'", Text)


def json_text(expression: ColumnElement[Any]) -> ColumnElement[str]:
    """The JSON text of a value; SQL NULL stays NULL."""
    kind = expression.type
    if isinstance(kind, JsonText):
        return expression
    if isinstance(kind, Uuid | Date):
        return word('"').concat(cast(expression, Text)).concat(word('"'))
    if isinstance(kind, TIMESTAMP):
        # A third quicker than to_char.
        return cast(func.to_json(func.date_trunc(word("second"), expression)), Text)
    if isinstance(kind, Float):
        return _float_text(expression)
    if isinstance(kind, String | ARRAY):
        return cast(func.to_json(expression), Text)
    return cast(expression, Text)


def json_or_null_text(expression: ColumnElement[Any]) -> ColumnElement[str]:
    """The JSON text of a value; `null` for SQL NULL."""
    return func.coalesce(json_text(expression), word("null"), type_=Text)


def _float_text(value: ColumnElement[float]) -> ColumnElement[str]:
    """`120.0` rather than `120`; null for what JSON cannot say (minus itself it is no zero)."""
    whole = (value == func.trunc(value)) & (func.abs(value) < literal_column("1e15"))
    return case(
        (whole, cast(cast(value, BigInteger), Text).concat(word(".0"))),
        (value - value == literal_column("0"), cast(value, Text)),
        else_=word("null"),
    )


class _Pair(ColumnElement[str]):
    """A key with the JSON text of its value, or null. What it consists of is made when a statement is compiled.

    There are thousands of them, most in statements that a process never runs.
    """

    __visit_name__ = "json_pair"
    _traverse_internals = [  # noqa: RUF012 - as SQLAlchemy declares it
        ("start", InternalTraversal.dp_string),
        ("value", InternalTraversal.dp_clauseelement),
    ]
    type = Text()

    def __init__(self, key: str, value: ColumnElement[Any], comma: str) -> None:
        self.start, self.value = f'{comma}"{key}":', value

    @property
    def _from_objects(self) -> list[FromClause]:
        return self.value._from_objects


@compiles(_Pair)
def _compile_pair(pair: _Pair, compiler: SQLCompiler, **options: Any) -> str:
    text = word(pair.start).concat(json_text(pair.value))
    return compiler.process(func.coalesce(text, word(pair.start + "null"), type_=Text), **options)


def concatenated(parts: list[ColumnElement[str]]) -> ColumnElement[str]:
    """All parts in one string; NULL parts are empty."""
    while len(parts) > _MOST_ARGUMENTS:
        parts = [
            func.concat(*parts[i : i + _MOST_ARGUMENTS], type_=Text) for i in range(0, len(parts), _MOST_ARGUMENTS)
        ]
    return func.concat(*parts, type_=Text)


def json_object(wire: Mapping[str, ColumnElement[Any]], *, end: ColumnElement[str] | None = None) -> ColumnElement[str]:
    """A JSON object with these keys; `end` is the text that ends it, where that is more than a brace."""
    pairs: list[ColumnElement[str]] = [
        _Pair(key, value, "," if i else "{") for i, (key, value) in enumerate(wire.items())
    ]
    return cast(concatenated([*(pairs or [word("{")]), word("}") if end is None else end]), JsonText())


def json_values(wire: Mapping[str, ColumnElement[Any]]) -> ColumnElement[str]:
    """A JSON array of the values of these keys, in their order: a row whose keys are stated once for all."""
    values = [func.coalesce(json_text(value), word("null"), type_=Text) for value in wire.values()]
    parts = [part for value in values for part in (word(","), value)][1:]
    return cast(concatenated([word("["), *parts, word("]")]), JsonText())


def json_or_null(present: ColumnElement[Any], wire: Mapping[str, ColumnElement[Any]]) -> ColumnElement[str]:
    """The object when `present` is not null, else null: for the optional side of an outer join."""
    return case((present.is_(None), word("null")), else_=json_object(wire)).cast(JsonText())


def rows_of(table: FromClause, wire: Mapping[str, ColumnElement[Any]], name: str) -> Subquery:
    """The rows of a table with the keys of a wire as their columns, for `row_json`."""
    columns = [_as_json_has_it(value).label(key) for key, value in wire.items()]
    return select(*columns).select_from(table).subquery(name)


def _as_json_has_it(value: ColumnElement[Any]) -> ColumnElement[Any]:
    kind = value.type
    if isinstance(kind, TIMESTAMP):
        return func.date_trunc(word("second"), value, type_=kind)
    return cast(json_text(value), JSON) if isinstance(kind, JsonText | Float) else value


def row_json(rows: Subquery) -> ColumnElement[str]:
    """The JSON object of a row of `rows_of`; null where an outer join has none.

    The same text as `json_object` makes. That takes seven nodes of a plan for each key, which PostgreSQL sets up at
    every execution, and this takes one: for one row it is quicker, while for many rows it is slower.
    """
    return func.coalesce(cast(func.row_to_json(rows.table_valued()), Text), word("null"), type_=JsonText())


def json_list(query: Select[Any]) -> ColumnElement[str]:
    """A JSON array of the one column that a correlated `query` selects."""
    inner = query.subquery()
    (column,) = inner.c
    items = word("[").concat(func.string_agg(json_text(column), word(","))).concat(word("]"))
    listed = select(func.coalesce(items, word("[]"))).select_from(inner).scalar_subquery()
    return cast(listed, JsonText())


def json_map(query: Select[Any]) -> ColumnElement[str]:
    """A JSON object of the rows of a correlated `query` of two columns: a key without quotes in it, and its value."""
    inner = query.subquery()
    key, value = inner.c
    pair = word('"').concat(cast(key, Text)).concat(word('":')).concat(func.coalesce(json_text(value), word("null")))
    pairs = word("{").concat(func.string_agg(pair, word(","))).concat(word("}"))
    listed = select(func.coalesce(pairs, word("{}"))).select_from(inner).scalar_subquery()
    return cast(listed, JsonText())


def constant(value: str) -> ColumnElement[str]:
    """A constant string as a JSON value, such as a row's `type`."""
    return literal_column("'\"" + value.replace("'", "''") + "\"'", JsonText())


def wire_of(table: FromClause, kind: str | None = None, *, without: frozenset[str] = frozenset()) -> Wire:
    """The keys of a row: its columns but binary ones and those left out, and its `type`."""
    wire = Wire({c.name: c for c in table.columns if c.name not in without and not _binary(c.type)})
    if kind is not None:
        wire["type"] = constant(kind)
    return wire


def _binary(kind: Any) -> bool:
    return isinstance(kind, LargeBinary) or (isinstance(kind, ARRAY) and isinstance(kind.item_type, LargeBinary))


__all__ = [
    "EVERY_ROW",
    "JSONB",
    "Boolean",
    "JsonText",
    "Wire",
    "concatenated",
    "constant",
    "json_list",
    "json_map",
    "json_object",
    "json_or_null",
    "json_text",
    "json_values",
    "row_json",
    "rows_of",
    "wire_of",
    "word",
]
