"""What bodies about the things used hold: ids, numbers, how a task type is used. Source: spec projects."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from pegbar.core.errors import BadRequest
from pegbar.core.http.body import Strict

BITRATES = ("hd_bitrate_compression", "ld_bitrate_compression")
#: A place in an order.
Priority = Annotated[int, Meta(ge=-(2**31), lt=2**31)]


def read_uuid(name: str, value: Any) -> UUID:
    """An id of a body; 400 naming the field when it is none."""
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        raise BadRequest(f"{name}: {value!r} is not a UUID.") from None


def read_uuids(name: str, value: Any) -> list[UUID]:
    """A list of ids of a body; 400 naming the field when it is none."""
    if not isinstance(value, list):
        raise BadRequest(f"{name} must be a list of ids.")
    return list(dict.fromkeys(read_uuid(name, item) for item in value))


def read_integer(name: str, value: Any) -> int | None:
    """A whole number of a body, or null; 400 naming the field when it is neither."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**31):
        return value
    raise BadRequest(f"{name}: {value!r} is not a whole number.")


class UsedTaskType(Strict):
    """A task type to use, and how. What is left out of a link that exists stays as it is."""

    task_type_id: str
    priority: Priority | None = None
    hd_bitrate_compression: int | UnsetType | None = UNSET
    ld_bitrate_compression: int | UnsetType | None = UNSET
    is_client_visible: bool | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of the link that it writes."""
        optional = {name: getattr(self, name) for name in ("priority", "is_client_visible")}
        bitrates = {name: getattr(self, name) for name in BITRATES if getattr(self, name) is not UNSET}
        return {**{name: value for name, value in optional.items() if value is not None}, **bitrates}
