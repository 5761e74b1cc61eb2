"""Keys of ShotGrid records: what their values are, what they fill and what they name.

    Key("code", entity.c.name)                                              a value that fills a column
    Key("sg_sequence", entity.c.parent_id, names=ENTITY, read=linked)       a link to what was imported before
    Key("task_assignees", ASSIGNEES, names=PERSON, read=people, many=True)  several of them

Reading needs no database: it tells values that fit from those that do not, and records that are passed over.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from sqlalchemy import Executable, Table
from sqlalchemy.types import TypeEngine

from pegbar.core.data.changes import Relation
from pegbar.core.data.schema import Column
from pegbar.core.data.values import accept, check_text, to_int
from pegbar.core.errors import ApiError, BadRequest
from pegbar.core.live.events import Event

Record = Mapping[str, Any]
#: What a target is found by: a number of ShotGrid, a name, or a kind of entity and a number.
TargetKey = Hashable

#: Whatever has users' place in a link and is none. Their numbers are those of other tables.
_NO_USERS = ("Group", "ApiUser", "ClientUser")


@dataclass(frozen=True, eq=False)
class Target:
    """Rows that records name: the statement selects what they are found by, and their id, for those among `:keys`."""

    what: str
    lookup: Executable
    parameter: Callable[[TargetKey], Any] = lambda key: key  #: of `keys`, for a key
    makes: Table | None = None  #: where those that are missing are made
    made: Event | None = None  #: what tells of one that was made
    refuses: frozenset[TargetKey] = frozenset()  #: keys that are never made

    def describe(self, key: TargetKey) -> str:
        """One of them in a sentence."""
        if isinstance(key, tuple):
            return f"{str(key[0]).lower()} {key[1]}"
        return f"{self.what} {key!r}"


@dataclass(frozen=True, eq=False)
class Key:
    """A key of a record.

    `read` turns its value into what fills the column, or into the key of the target it names; None passes for nothing.
    `many`: it holds a list of links. `absent`: a record without the key is skipped, refused, or taken as saying nothing
    about it ("keep": the row keeps what it has, a new one gets its default) or as holding nothing ("empty"). `null`:
    likewise a record where it is null. `unknown`: likewise one that names what is not there, or it names nothing.
    """

    name: str
    fills: Column[Any] | Relation | None = None
    read: Callable[[Any], Any] | None = None
    names: Target | None = None
    makes: Callable[[Any, Record], Mapping[str, Any]] | None = None  #: the columns of a target that is missing
    many: bool = False
    takes: type[TypeEngine[Any]] | None = None  #: what it holds, when it fills no column by itself
    slot: str = ""  #: where the value is kept, when another key of the same name is read too
    absent: Literal["skip", "refuse", "keep", "empty"] = "skip"
    null: Literal["take", "skip", "keep"] = "take"
    unknown: Literal["skip", "keep", "drop"] = "drop"

    @cached_property
    def place(self) -> str:
        """Where the value of a record is kept."""
        return self.slot or self.name

    @cached_property
    def relation(self) -> Relation | None:
        """The relation that it replaces."""
        return self.fills if isinstance(self.fills, Relation) else None

    @cached_property
    def _column(self) -> Column[Any] | None:
        """A column that takes what the key does and has its name, for refusals to tell."""
        if self.takes is not None:
            return Column(self.name, self.takes)
        if self.names is not None or not isinstance(self.fills, Column):
            return None
        nullable = self.fills.nullable and self.name != "id"
        return Column(self.name, self.fills.type, nullable=nullable, info=dict(self.fills.info))

    def value(self, value: Any) -> Any:
        """The value as it is used. Raises ApiError when it does not fit."""
        if self.many:
            if value is not None and not isinstance(value, list):
                raise BadRequest(f"{self.name} must be a list.")
            assert self.read is not None
            keys = [self.read(item) for item in value or ()]
            return list(dict.fromkeys(key for key in keys if key is not None))
        if self.read is not None:
            value = self.read(value)
        return value if self._column is None else accept(self._column, value)


@dataclass
class Entry:
    """A record that was read: the values at their places, or why it is not taken."""

    index: int
    record: Record
    number: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    skipped: str = ""
    refused: str = ""
    refused_key: str = ""


def read(keys: Sequence[Key], index: int, record: Any) -> Entry:
    """Read a record; whatever is wrong with it is said by the entry."""
    if not isinstance(record, dict):
        return Entry(index, {}, refused="A record must be an object.")
    entry = Entry(index, record)
    for key in keys:
        there = key.name in record or key.absent == "empty"
        value = record.get(key.name)
        if not there and key.absent == "refuse":
            entry.refused, entry.refused_key = entry.refused or f"{key.name} is missing.", entry.refused_key or key.name
        if not there and key.absent == "skip":
            entry.skipped = entry.skipped or f"{key.name} is missing."
        if there and value is None and key.null == "skip":
            entry.skipped = entry.skipped or f"{key.name} is null."
        if not there or (value is None and key.null != "take"):
            continue
        try:
            entry.values[key.place] = key.value(value)
        except ApiError as error:
            if not entry.refused:
                entry.refused, entry.refused_key = error.message, key.name
    number = entry.values.get("id")
    entry.number = number if isinstance(number, int) else None
    return entry


# Readers


def number_of(value: Any) -> int | None:
    """The number of what a link names: `{"id": 7, …}`."""
    if value is None:
        return None
    if not isinstance(value, dict) or value.get("id") is None:
        raise BadRequest("a link must be an object with an id.")
    return to_int("id", value["id"])


def name_of(value: Any) -> str | None:
    """The name of what a link names: `{"name": "Agent 327", …}`."""
    if value is None:
        return None
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise BadRequest("a link must be an object with a name.")
    check_text("name", value["name"])
    return str(value["name"])


def user_of(value: Any) -> int | None:
    """The number of the user that a link names; None for groups, scripts and clients, who are numbered apart."""
    number = number_of(value)
    return None if number is None or value.get("type") in _NO_USERS else number


def entity_of(kind: str) -> Callable[[Any], tuple[str, int] | None]:
    """Reads links to entities of a kind, whatever type they say."""

    def read_link(value: Any) -> tuple[str, int] | None:
        number = number_of(value)
        return None if number is None else (kind, number)

    return read_link


def typed_entity(value: Any) -> tuple[str, int] | None:
    """The kind and number of the entity that a link names by its type."""
    number = number_of(value)
    if number is None:
        return None
    if not isinstance(value.get("type"), str):
        raise BadRequest("a link must be an object with a type.")
    return value["type"], number


def first(read_link: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Reads the first link of a list; None of an empty one."""

    def read_first(value: Any) -> Any:
        if value is not None and not isinstance(value, list):
            raise BadRequest("it must be a list.")
        return read_link(value[0]) if value else None

    return read_first


def text_of(value: Any) -> str | None:
    """Text that names something."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRequest("it must be text.")
    check_text("it", value)
    return value


def colour(value: Any) -> str:
    """`#rrggbb` of "r,g,b"; black for null."""
    if value is None:
        return "#000000"
    parts = value.split(",") if isinstance(value, str) else []
    numbers = [int(part) for part in parts if part.strip().isascii() and part.strip().isdigit()]
    if len(parts) != 3 or len(numbers) != 3 or max(numbers) > 255:
        raise BadRequest(f"{value!r} is not a colour (r,g,b).")
    return "#{:02x}{:02x}{:02x}".format(*numbers)


def moment(value: Any) -> Any:
    """The date and time, without what follows the seconds."""
    return value[:19] if isinstance(value, str) else value


def document(value: Any) -> Mapping[str, Any]:
    """An object; null is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRequest("it must be an object.")
    return value


def sg_fields(record: Record, *without: str) -> dict[str, Any]:
    """The fields of a studio's own: keys that start with `sg_` and are not null."""
    return {
        name: value
        for name, value in record.items()
        if name.startswith("sg_") and value is not None and name not in without
    }
