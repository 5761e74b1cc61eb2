"""The query string of a listing: filters, pages, fields, relations. Source: spec crud, "List: GET /data/<path>"."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Date,
    Float,
    Integer,
    String,
    Uuid,
    any_,
    bindparam,
    false,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from pegbar.config import settings
from pegbar.core.data import values
from pegbar.core.data.schema import Column
from pegbar.core.errors import ApiError, BadRequest, Refused
from pegbar.environment import FALSE, TRUE

Operator = Literal["equal", "in", "like", "has", "never"]
_RESERVED = frozenset({"page", "limit", "relations", "fields"})


@dataclass(frozen=True)
class Filter:
    """One condition of a listing: how an attribute is compared. Its value is the parameter `f_<attribute>`."""

    attribute: str
    operator: Operator

    @property
    def parameter(self) -> str:
        return f"f_{self.attribute}"


@dataclass
class Listing:
    """What a query string asks of a listing."""

    filters: tuple[Filter, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)
    page: int | None = None
    limit: int = 100
    relations: bool = False
    fields: frozenset[str] | None = None
    plain: bool = True  #: no parameter at all

    @property
    def offset(self) -> int:
        return ((self.page or 0) - 1) * self.limit


#: A filter that is not a column: turns the text of a parameter into its value, and the value into a condition.
@dataclass(frozen=True)
class Special:
    """A filter on something that is not a column of the table."""

    parse: Callable[[str], Any]
    condition: ColumnElement[bool]  #: with the bindparam `f_<name>`


def parse_listing(
    query: Iterable[tuple[str, str]],
    columns: Mapping[str, Column[Any]],
    relations: Iterable[str],
    specials: Mapping[str, Special],
) -> Listing:
    """The listing a query string asks for. Raises BadRequest naming the parameter."""
    first: dict[str, str] = {}
    for name, text in query:
        first.setdefault(name, text)
    listing = Listing(plain=not first)
    _read_page(first, listing)
    listing.relations = first.get("relations", "").lower() == "true"
    if first.get("fields"):
        listing.fields = frozenset(part.strip() for part in first["fields"].split(",")) | {"id", "type"}
    chosen: list[Filter] = []
    for name, text in first.items():
        if name in specials:
            listing.params[f"f_{name}"] = specials[name].parse(text)
            chosen.append(Filter(name, "equal"))
        elif name in relations:
            listing.params[f"f_{name}"] = uuid_filter(text)
            chosen.append(Filter(name, "has"))
        elif name in columns and name not in _RESERVED:
            operator, value = _column_filter(columns[name], name, text)
            if operator != "never":
                listing.params[f"f_{name}"] = value
            chosen.append(Filter(name, operator))
    listing.filters = tuple(sorted(chosen, key=lambda condition: condition.attribute))
    return listing


def _integer(first: Mapping[str, str], name: str, default: int) -> int:
    text = first.get(name, "")
    if not text:
        return default
    try:
        number = int(text)
    except ValueError:
        raise BadRequest(f"{name}: {text!r} is not a whole number.") from None
    if abs(number) >= 2**31:
        raise BadRequest(f"{name}: {text!r} is out of range.")
    return number


def _read_page(first: Mapping[str, str], listing: Listing) -> None:
    page = _integer(first, "page", -1)
    limit = _integer(first, "limit", 0)
    listing.limit = limit or settings().nb_records_per_page
    if page >= 0:
        if limit < 0:
            raise BadRequest("limit must not be negative.")
        listing.page = page


def uuid_filter(text: str) -> UUID:
    """A UUID of a query string, or 400."""
    try:
        return UUID(text)
    except ValueError:
        raise BadRequest(f"Invalid UUID value: {text}") from None


def text_list(text: str) -> list[str]:
    """The texts of a filter: one, or those of a JSON list. 400 when it begins like a list and is none."""
    items = [text]
    if text.startswith("["):
        try:
            items = msgspec.json.decode(text, type=list[str])
        except (msgspec.DecodeError, msgspec.ValidationError):
            raise BadRequest(f"{text!r} is not a JSON list of texts.") from None
    for item in items:
        values.check_text("A filter", item)
    return items


def _column_filter(column: Column[Any], name: str, text: str) -> tuple[Operator, Any]:
    if isinstance(column.type, JSONB):
        return "never", None
    if name == "name":
        values.check_text(name, text)
        return "like", text
    if not text.startswith("["):
        return "equal", _parse(column, name, text)
    try:
        items = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise BadRequest(f"{name}: {text!r} is not a JSON list.") from None
    if not isinstance(items, list):
        raise BadRequest(f"{name}: {text!r} is not a JSON list.")
    return "in", [_parse(column, name, item) for item in items if item is not None]


def _parse(column: Column[Any], name: str, value: Any) -> Any:
    """The value a filter compares with, from text (or an item of a JSON list)."""
    kind = column.type
    try:
        if isinstance(kind, Uuid):
            return uuid_filter(value if isinstance(value, str) else str(value))
        if isinstance(kind, Boolean):
            return _parse_bool(name, value)
        if isinstance(kind, Integer):
            return values.to_int(name, value, 2**63)
        if isinstance(kind, Float):
            return values.to_float(name, value)
        if isinstance(kind, TIMESTAMP):
            return values.to_timestamp(name, value)
        if isinstance(kind, Date):
            return values.to_date(name, value)
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        values.check_text(name, text)
    except Refused as refused:
        raise ApiError(refused.message, status=400) from None
    return text.lower() if name == "email" else text


def _parse_bool(name: str, value: Any) -> bool:
    text = str(value).lower()
    if text not in TRUE | FALSE:
        raise BadRequest(f"{name}: {value!r} is neither true nor false.")
    return text in TRUE


def condition(chosen: Filter, column: Column[Any]) -> ColumnElement[bool]:
    """The SQL of a filter on a column."""
    if chosen.operator == "never" or isinstance(column.type, ARRAY):
        return false()
    kind: Any = Float if isinstance(column.type, Float) else column.type
    left: ColumnElement[Any] = column
    if isinstance(column.type, Integer):
        from sqlalchemy import BigInteger

        kind = BigInteger()
    if isinstance(column.type, String):
        from sqlalchemy import Text

        kind = Text()
        if column.name == "email":
            left = func.lower(column)
    value: Any = bindparam(chosen.parameter, type_=ARRAY(kind) if chosen.operator == "in" else kind)
    if chosen.operator == "like":
        return column.ilike(value)
    return left == any_(value) if chosen.operator == "in" else left == value
