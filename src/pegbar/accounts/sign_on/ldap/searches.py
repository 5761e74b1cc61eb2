"""What is looked for in a directory: its people, one of them, their groups. Blocking.

Source: spec operations, "LDAP sync". An answer that is not whole is none: whoever would be missing was switched off.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pegbar.accounts.sign_on.groups import same_name, short_name
from pegbar.accounts.sign_on.ldap.connection import spoken
from pegbar.accounts.sign_on.ldap.entries import (
    ATTRIBUTES,
    Attributes,
    Entry,
    entry_of,
    is_microsofts,
    login_attribute,
    photo_of,
)
from pegbar.accounts.sign_on.ldap.outcomes import DirectoryAway
from pegbar.accounts.sign_on.providers import Ldap

if TYPE_CHECKING:
    import ldap3

_PAGE = 500
#: As the protocol and ldap3 know them.
_SUCCESS, _NO_SUCH_OBJECT = 0, 32
_SUBTREE, _BASE = "SUBTREE", "BASE"
_PAGED_RESULTS = "1.2.840.113556.1.4.319"
_GROUPS = "(|(objectClass=group)(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"
_MEMBERS = ("member", "uniqueMember")


def _pages(
    connection: "ldap3.Connection", base: str, condition: str, attributes: Sequence[str], scope: str = _SUBTREE
) -> Iterator[tuple[str, Attributes]]:
    """The entries that fit, page by page. Raises DirectoryAway unless the directory says that these are all."""
    cookie = None
    while True:
        with spoken(connection.server.host):
            connection.search(
                base, condition, scope, attributes=list(attributes), paged_size=_PAGE, paged_cookie=cookie
            )
        result = connection.result
        if result["result"] != _SUCCESS:
            detail = f": {result['message']}" if result.get("message") else ""
            hint = ": there is no such entry" if result["result"] == _NO_SUCH_OBJECT else detail
            raise DirectoryAway(
                f"{connection.server.host}: a search below {base} ended with {result['description']}{hint}"
            )
        for row in connection.response:
            if row["type"] == "searchResEntry":  # references to other servers are left alone
                yield row["dn"], row["raw_attributes"]
        control = (result.get("controls") or {}).get(_PAGED_RESULTS)
        cookie = control["value"]["cookie"] if control else None
        if not cookie:
            return


def _escaped(value: str) -> str:
    from ldap3.utils.conv import escape_filter_chars

    escaped: str = escape_filter_chars(value)
    return escaped


def _person(directory: Ldap, *conditions: str) -> str:
    """The filter of people who fit all conditions."""
    kept = ["(objectClass=person)"]
    if is_microsofts(directory):
        kept.append("(!(objectClass=computer))")
    if directory.user_filter:
        kept.append(directory.user_filter)
    return f"(&{''.join([*kept, *conditions])})"


def people(connection: "ldap3.Connection", directory: Ldap, groups: "Groups") -> Iterator[Entry]:
    """All people of the directory, those of its group alone if it has one; excluded accounts too."""
    conditions = []
    if directory.group and is_microsofts(directory):
        members_of = "".join(f"(memberOf={_escaped(dn)})" for dn in groups.below(directory.group))
        conditions.append(f"(|{members_of})")
    for dn, attributes in _pages(connection, directory.base_dn, _person(directory, *conditions), ATTRIBUTES):
        entry = entry_of(directory, dn, attributes)
        if entry is not None and (not directory.group or groups.has(directory.group, entry)):
            yield entry


def one_to_sign_in(connection: "ldap3.Connection", directory: Ldap, name: str, *, by_address: bool) -> Entry | None:
    """Whoever has this login, or address; None for nobody, and for several, of whom nobody can tell who is meant."""
    escaped = _escaped(name)
    condition = f"({login_attribute(directory)}={escaped})"
    if by_address:
        condition = f"(|{condition}(mail={escaped}))"
    rows = list(_pages(connection, directory.base_dn, _person(directory, condition), ATTRIBUTES))
    entries = [entry for dn, attributes in rows if (entry := entry_of(directory, dn, attributes)) is not None]
    return entries[0] if len(entries) == 1 else None


def photo(connection: "ldap3.Connection", dn: str) -> bytes:
    """The photo of an entry; nothing when it has none any more."""
    rows = _pages(connection, dn, "(objectClass=*)", ATTRIBUTES, _BASE)
    return next((photo_of(attributes) for _, attributes in rows), b"")


@dataclass
class Groups:
    """The groups of a directory: which are in which, and who is in them."""

    #: The groups that a DN is directly in, by the DN as it compares.
    _of: dict[str, set[str]] = field(default_factory=dict)
    #: The same for logins, where groups name their members so.
    _of_login: dict[str, set[str]] = field(default_factory=dict)
    #: Every group's DN as it is written, by the DN as it compares.
    _written: dict[str, str] = field(default_factory=dict)
    #: The groups of a name, that is of the first part of their DN.
    _of_name: dict[str, set[str]] = field(default_factory=dict)

    def add(self, dn: str, members: Sequence[str], logins: Sequence[str], parents: Sequence[str]) -> None:
        """A group, with its members and the groups that it is in."""
        key = self._know(dn)
        for member in members:
            self._of.setdefault(same_name(member), set()).add(key)
        for login in logins:
            self._of_login.setdefault(login.lower(), set()).add(key)
        for parent in parents:
            self._of.setdefault(key, set()).add(self._know(parent))

    def _know(self, dn: str) -> str:
        """A group, as it compares."""
        key = same_name(dn)
        if key not in self._written:
            self._written[key] = dn
            self._of_name.setdefault(short_name(dn), set()).add(key)
        return key

    def _closure(self, direct: set[str]) -> set[str]:
        reached, ahead = set(direct), list(direct)
        while ahead:
            for parent in self._of.get(ahead.pop(), ()):
                if parent not in reached:
                    reached.add(parent)
                    ahead.append(parent)
        return reached

    def _keys(self, entry: Entry) -> set[str]:
        direct = {same_name(dn) for dn in entry.groups}
        direct |= self._of.get(same_name(entry.dn), set()) | self._of_login.get(entry.login.lower(), set())
        return self._closure(direct)

    def of(self, entry: Entry) -> tuple[str, ...]:
        """The DNs of all groups that somebody is in, by others too."""
        for dn in entry.groups:
            self._know(dn)
        return tuple(sorted(self._written[key] for key in self._keys(entry)))

    def _named(self, group: str) -> set[str]:
        """The groups that a setting means, by DN or by name."""
        return {same_name(group)} if "=" in group else self._of_name.get(same_name(group), set())

    def has(self, group: str, entry: Entry) -> bool:
        """Whether somebody is in a group."""
        for dn in entry.groups:  # some may be elsewhere than groups are looked for
            self._know(dn)
        return not self._named(group).isdisjoint(self._keys(entry))

    def below(self, group: str) -> list[str]:
        """A group and all that are in it, by their DNs. Raises DirectoryAway when there is none."""
        named = self._named(group)
        below = [dn for key, dn in self._written.items() if not named.isdisjoint(self._closure({key}))]
        if not below:
            below = [group] if "=" in group else []
        if not below:
            raise DirectoryAway(f"there is no group {group}")
        return sorted(below)


def groups(connection: "ldap3.Connection", directory: Ldap) -> Groups:
    """The groups, when somebody's matter."""
    known = Groups()
    if not (directory.group or directory.mapping):
        return known
    # Active Directory answers long lists of members in pieces; there, people and groups name what they are in.
    attributes = ("memberOf",) if is_microsofts(directory) else (*_MEMBERS, "memberUid", "memberOf")
    for dn, values in _pages(connection, directory.group_base_dn or directory.base_dn, _GROUPS, attributes):
        by_name = {name.lower(): [value.decode(errors="replace") for value in held] for name, held in values.items()}
        members = [member for name in _MEMBERS for member in by_name.get(name.lower(), ())]
        known.add(dn, members, by_name.get("memberuid", ()), by_name.get("memberof", ()))
    return known
