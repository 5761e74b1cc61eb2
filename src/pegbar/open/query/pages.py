"""Where a page ends: an opaque text that the next one begins at, good for the query that it came from."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from pegbar.core.errors import Refused
from pegbar.open.query.grammar import check_text, fault
from pegbar.open.query.judging import boolean_value, id_value, number_value, text_value
from pegbar.open.query.queries import Order
from pegbar.open.query.sight import Kind

_FOREIGN = "is not from this query: it goes with the same thing, filters and sort that gave it."


def digest_of(thing: str, document: Mapping[str, Any]) -> str:
    """What says which query a cursor is of: the thing, the filters and the order."""
    parts = [thing, document.get("filters"), document.get("sort")]
    return hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest()[:24]


def cursor_text(digest: str, keys: str) -> str:
    """The cursor behind a row, whose keys are JSON."""
    return urlsafe_b64encode(f'["{digest}",{keys}]'.encode()).decode().rstrip("=")


def read(cursor: str, digest: str, orders: Sequence[Order]) -> list[tuple[str, Any] | None]:
    """The slots of the keys that a cursor holds. Raises Refused."""
    try:
        known, keys = msgspec.json.decode(
            urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=tuple[str, list[Any]]
        )
    except (ValueError, msgspec.MsgspecError, RecursionError):
        raise fault("cursor", _FOREIGN) from None
    if known != digest or len(keys) != len(orders) + 1 or keys[-1] is None:
        raise fault("cursor", _FOREIGN)
    try:
        slots = [
            _slot(order.place.kind, order.place.key is not None, key) for order, key in zip(orders, keys, strict=False)
        ]
        return [*slots, _slot("id", False, keys[-1])]
    except (ValueError, TypeError, Refused):
        raise fault("cursor", _FOREIGN) from None


def _slot(kind: Kind, in_metadata: bool, key: Any) -> tuple[str, Any] | None:
    if key is None:
        return None
    if kind == "number":
        value = number_value("cursor", key)
        return ("fraction" if isinstance(value, float) else "number"), value
    if kind == "boolean":
        return "boolean", boolean_value("cursor", key)
    text = check_text("cursor", text_value("cursor", key), 300_000)
    if kind == "id":
        return "id", id_value("cursor", text)
    if kind == "moment":
        return "moment", datetime.fromisoformat(text).replace(tzinfo=None)
    if kind == "date" and not in_metadata:
        return "date", date.fromisoformat(text)
    return "text", text
