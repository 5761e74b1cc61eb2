"""Values that callers write into columns: what is taken, and how. Source: spec crud, "Values in and out"."""

import math
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ARRAY, BigInteger, Boolean, Date, Float, Integer, LargeBinary, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from pegbar.core.data.database import JSON_NULL
from pegbar.core.data.schema import Column, choices_of
from pegbar.core.errors import BadRequest, Refused

_INT_RANGE = {Integer: 2**31, BigInteger: 2**63}


def accept(column: Column[Any], value: Any) -> Any:
    """The value to store, or 400 naming the column and the reason."""
    if value is None:
        if not column.nullable:
            raise Refused(f"{column.name} must not be null.", field=column.name)
        return JSON_NULL if isinstance(column.type, JSONB) else None
    choices = choices_of(column)
    if choices is not None and not isinstance(column.type, ARRAY):
        if value not in choices:
            raise BadRequest(f"{column.name}: {value!r} is not one of {', '.join(choices)}.")
        return value
    return _typed(column, value)


def accept_choice(column: Column[Any], value: Any) -> None:
    """Refuse a value, null included, that is not among the column's choices."""
    choices = choices_of(column) or ()
    if value not in choices:
        raise BadRequest(f"{column.name}: {value!r} is not one of {', '.join(choices)}.")


def _typed(column: Column[Any], value: Any) -> Any:
    kind = column.type
    if isinstance(kind, JSONB):
        check_json(column.name, value)
        return value
    if isinstance(kind, Uuid):
        return to_uuid(value, column.name)
    if isinstance(kind, Boolean):
        return _to_bool(column.name, value)
    if isinstance(kind, Integer):
        return to_int(column.name, value, _INT_RANGE[BigInteger if isinstance(kind, BigInteger) else Integer])
    if isinstance(kind, Float):
        return to_float(column.name, value)
    if isinstance(kind, TIMESTAMP):
        return to_timestamp(column.name, value)
    if isinstance(kind, Date):
        return to_date(column.name, value)
    if isinstance(kind, String):
        return _to_text(column.name, value, kind.length)
    if isinstance(kind, ARRAY):
        return _to_array(column, kind, value)
    assert isinstance(kind, LargeBinary), kind
    raise Refused(f"{column.name} cannot be written.", field=column.name)


def to_uuid(value: Any, name: str) -> UUID:
    """A UUID from text; 400 otherwise."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise Refused(f"{name}: {value!r} is not a UUID.", field=name) from None


def _to_bool(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in (0, 1) and isinstance(value, int):
        return bool(value)
    raise Refused(f"{name}: {value!r} is not a boolean.", field=name)


def to_int(name: str, value: Any, limit: int = 2**31) -> int:
    """A whole number; text is parsed, a float is rounded half to even."""
    try:
        number = int(value) if isinstance(value, str) else round(value)
    except (ValueError, TypeError, OverflowError):
        raise Refused(f"{name}: {value!r} is not a whole number.", field=name) from None
    if not -limit <= number < limit:
        raise Refused(f"{name}: {number} is out of range.", field=name)
    return int(number)


def to_float(name: str, value: Any) -> float:
    """A finite number; text is parsed."""
    try:
        number = float(value)
    except (ValueError, TypeError, OverflowError):
        raise Refused(f"{name}: {value!r} is not a number.", field=name) from None
    if not math.isfinite(number):
        raise Refused(f"{name}: {value!r} is not a finite number.", field=name)
    return number


def to_timestamp(name: str, value: Any) -> datetime:
    """A naive UTC timestamp from ISO 8601 text; an offset is dropped, not converted."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    try:
        return datetime.fromisoformat(value).replace(tzinfo=None)
    except (ValueError, TypeError):
        raise BadRequest(f"{name}: {value!r} is not a date and time (YYYY-MM-DDTHH:MM:SS).") from None


def to_date(name: str, value: Any) -> date:
    """A date from ISO 8601 text; a time in it is dropped."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        return datetime.fromisoformat(value).date()
    except (ValueError, TypeError):
        raise BadRequest(f"{name}: {value!r} is not a date (YYYY-MM-DD).") from None


def _to_text(name: str, value: Any, longest: int | None) -> str:
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, str):
        text = value
    elif isinstance(value, int | float):
        text = str(value)
    else:
        raise Refused(f"{name} must be text.", field=name)
    if longest is not None and len(text) > longest:
        raise Refused(f"{name} is limited to {longest} characters.", field=name)
    check_text(name, text)
    return text


def check_text(name: str, text: str) -> None:
    """Refuse what PostgreSQL cannot hold in text: NUL and lone surrogates."""
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise Refused(f"{name} holds a character that cannot be stored.", field=name)


def _to_array(column: Column[Any], kind: ARRAY[Any], value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Refused(f"{column.name} must be a list.", field=column.name)
    choices = choices_of(column)
    for item in value:
        if choices is not None and item not in choices:
            raise BadRequest(f"{column.name}: {item!r} is not one of {', '.join(choices)}.")
    if isinstance(kind.item_type, String):
        return [_to_text(column.name, item, kind.item_type.length) for item in value]
    return value


def check_json(name: str, value: Any) -> None:
    """Refuse JSON that PostgreSQL cannot hold: NUL and lone surrogates in any string of it."""
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        raise Refused(f"{name} holds a character that cannot be stored.", field=name) from None
    if "\\u0000" in text and "\0" in _strings(value):
        raise Refused(f"{name} holds a character that cannot be stored.", field=name)


def _strings(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(_strings(key) + _strings(item) for key, item in value.items())
    return "".join(_strings(item) for item in value) if isinstance(value, list) else ""
