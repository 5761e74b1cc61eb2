"""What somebody's groups at a provider make of them here: a role and departments, by the studio's mapping.

    default_role = "user"                                    # optional

    [groups."CN=Producers,OU=Groups,DC=studio,DC=example"]
    role = "manager"
    departments = ["Production"]

    [groups."layout-*"]
    departments = ["Layout"]

Of several groups the highest role counts, and all departments. Whoever is in no group of the mapping stays as they are,
unless there is a default role. Departments that the mapping does not name are managed here by hand and stay, too.

A group is named as the provider names it: by its name, its id or its DN; case and spaces around the commas of a DN do
not count. A name also means the DNs whose first part has that value, and `*` any text. Administrators are made by the
exact name alone, so that nobody who may make groups somewhere can make one that fits.

Source: issue "Single sign-on" (departments and roles from groups).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from pegbar.environment import InvalidSetting

#: Roles in the studio, the least first.
ROLES_BY_RANK = ("client", "vendor", "user", "supervisor", "manager", "admin")
Role = Literal["client", "vendor", "user", "supervisor", "manager", "admin"]

_PART = re.compile(r"((?:\\.|[^,\\])+)(?:,|$)", re.DOTALL)
_BYTES = re.compile(r"(?:\\[0-9a-fA-F]{2})+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_COMMA = re.compile(r"[\\,]")
_TYPE = re.compile(r"[a-z][a-z0-9.-]*|\d+(\.\d+)*")


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a group gives its members."""

    role: Role | None = None
    departments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Standing:
    """What a person's groups make of them."""

    #: None: the role stays as it is.
    role: str | None = None
    #: Departments they belong to, by name, of those that are managed.
    departments: frozenset[str] = frozenset()
    #: Departments that the mapping decides about: whoever is in one that is not theirs leaves it. Others stay.
    managed: frozenset[str] = frozenset()

    def departments_after(self, before: Iterable[str]) -> frozenset[str]:
        """The departments of somebody who was in these."""
        return (frozenset(before) - self.managed) | self.departments


@dataclass(frozen=True)
class GroupMapping:
    """The studio's mapping from groups to roles and departments."""

    grants: Mapping[str, Grant] = field(default_factory=dict)
    default_role: str | None = None

    def __bool__(self) -> bool:
        return bool(self.grants) or self.default_role is not None

    def standing_of(self, groups: Iterable[str]) -> Standing:
        """What the members of all these groups are here."""
        names = [_Name(group) for group in groups]
        granted = [grant for key, grant in self.grants.items() if _fits(_Name(key), grant, names)]
        if not granted and self.default_role is None:
            return Standing()
        roles = [grant.role for grant in granted if grant.role is not None]
        return Standing(
            role=max(roles, key=ROLES_BY_RANK.index, default=self.default_role),
            departments=frozenset(name for grant in granted for name in grant.departments),
            managed=frozenset(name for grant in self.grants.values() for name in grant.departments),
        )


def read_mapping(groups: Mapping[str, Any], default_role: Any = None) -> GroupMapping:
    """The mapping that a configuration describes. Raises InvalidSetting naming the group and what is wrong with it."""
    try:
        default = msgspec.convert(default_role, Role | None)
    except msgspec.ValidationError:
        raise InvalidSetting(f"default_role: {default_role!r} is not one of {', '.join(ROLES_BY_RANK[:-1])}") from None
    if default == "admin":
        raise InvalidSetting("default_role: nobody becomes an administrator by default; name their group")
    return GroupMapping({name: _grant(name, content) for name, content in groups.items()}, default)


def _grant(name: str, content: Any) -> Grant:
    try:
        grant = msgspec.convert(content, Grant)
    except msgspec.ValidationError as error:
        raise InvalidSetting(f'groups."{name}": {error}') from None
    if not name.strip():
        raise InvalidSetting("groups: a group has no name")
    if grant.role == "admin" and "*" in name:
        raise InvalidSetting(f'groups."{name}": a pattern makes no administrators; name the group in full')
    return grant


class _Name:
    """The name of a group, in a form that compares."""

    def __init__(self, written: str) -> None:
        self.parts = _parts(written)
        #: The whole of it.
        self.whole = written.strip().casefold() if self.parts is None else _joined(self.parts)
        #: What people call it: the value of the first part of a DN.
        self.short = self.whole if self.parts is None else self.parts[0][1]

    def equals(self, other: "_Name") -> bool:
        return self.whole == other.whole if self.parts is None else self.parts == other.parts


def same_name(written: str) -> str:
    """The name of a group, or a DN, in the form that compares."""
    return _Name(written).whole


def short_name(written: str) -> str:
    """What people call a group: its name, or the value of the first part of its DN."""
    return _Name(written).short


def _parts(written: str) -> tuple[tuple[str, str], ...] | None:
    """The parts of a DN as (type, value), in lower case; None for what is no DN."""
    parts, position = [], 0
    for match in _PART.finditer(written):
        kind, equals, value = match[1].partition("=")
        kind = kind.strip().casefold()
        if match.start() != position or not equals or not _TYPE.fullmatch(kind):
            return None
        parts.append((kind, _plain(value.strip()).casefold()))
        position = match.end()
    return tuple(parts) if parts and position == len(written) else None


def _plain(value: str) -> str:
    """A value of a DN without its escapes."""
    decoded = _BYTES.sub(lambda run: bytes.fromhex(run[0].replace("\\", "")).decode(errors="replace"), value)
    return _ESCAPED.sub(r"\1", decoded)


def _joined(parts: tuple[tuple[str, str], ...]) -> str:
    escaped = ((kind, _COMMA.sub(r"\\\g<0>", value)) for kind, value in parts)
    return ",".join(f"{kind}={value}" for kind, value in escaped)


def _fits(key: _Name, grant: Grant, names: list[_Name]) -> bool:
    """Whether one of the groups is what a key of the mapping means."""
    if grant.role == "admin":
        return any(key.equals(name) for name in names)
    if key.parts is not None:
        return any(matches(key.whole, name.whole) for name in names if name.parts is not None)
    return any(matches(key.whole, name.whole) or matches(key.whole, name.short) for name in names)


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern describes, in which `*` is any text. In time linear in both, about."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *middle, last = rest
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for piece in middle:
        position = text.find(piece, position, end)
        if position < 0:
            return False
        position += len(piece)
    return True
