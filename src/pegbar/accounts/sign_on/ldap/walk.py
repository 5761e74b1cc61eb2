"""The steps of a trial with a directory: is it there, may it be read, who is in it; and of one person's sign-in."""

import asyncio
from collections.abc import AsyncIterator

from pegbar.accounts.sign_on.ldap import searches
from pegbar.accounts.sign_on.ldap.connection import (
    Credentials,
    connected,
    is_encrypted,
    is_plausible,
    of_login,
    of_service,
    opened,
)
from pegbar.accounts.sign_on.ldap.entries import Entry, is_excluded, login_attribute
from pegbar.accounts.sign_on.ldap.outcomes import BindRefused, DirectoryAway
from pegbar.accounts.sign_on.ldap.people import identity_of, would_be
from pegbar.accounts.sign_on.ldap.proving import of_entry
from pegbar.accounts.sign_on.ldap.sync import Member, read
from pegbar.accounts.sign_on.providers import Ldap
from pegbar.accounts.sign_on.refusals import SignOnRefused
from pegbar.accounts.sign_on.walks import Step, outcome_of
from pegbar.core.data.database import Database

_PLAIN = "passwords cross the network readable: LDAP_SSL (ssl) or PEGBAR_LDAP_START_TLS (start_tls) keeps them private"
_REACH = (
    "Is LDAP_HOST (host) right, and LDAP_PORT (port): 389, or 636 with LDAP_SSL (ssl)? Where a certificate is refused, "
    "PEGBAR_LDAP_CA_FILE (ca_file) names the studio's authority, and the host is written as in the certificate."
)
_READER = (
    "LDAP_USER (user) is a DN, such as cn=reader,dc=studio,dc=example, or a login; LDAP_PASSWORD (password) is its "
    "password. Without one people sign in, and do not come over."
)
_EXPIRED = "The password is right, and expired in the directory: they change it there."
_LOGIN = (
    "The login is the attribute {} of the entry. Without an account that reads, people are directly below LDAP_BASE_DN "
    "(base_dn)."
)
_PEOPLE = "LDAP_BASE_DN (base_dn) is where people are, LDAP_GROUP (group) and user_filter narrow them."


async def walk(directory: Ldap) -> AsyncIterator[Step]:
    """Is it there, with TLS; may it be read; whom it holds."""
    nobody = Credentials("", "")
    try:
        connection = await asyncio.to_thread(opened, directory, nobody)
    except DirectoryAway as away:
        yield Step("Connection", failure=str(away), advice=_REACH)
        return
    host = connection.server.host
    await asyncio.to_thread(connection.strategy.close)
    if not is_encrypted(directory):
        private = _PLAIN
    else:
        private = "with TLS, and its certificate checked" if directory.verify else "with TLS, its certificate unchecked"
    yield Step("Connection", (f"{host}:{connection.server.port}", private))
    if not directory.user:
        yield Step("Account that reads", ("none: people sign in by their login, and do not come over",))
        return
    name = of_service(directory).name
    try:
        await asyncio.to_thread(_bind, directory, of_service(directory))
    except (BindRefused, DirectoryAway) as refused:
        yield Step("Account that reads", (name,), failure=str(refused), advice=_READER)
        return
    yield Step("Account that reads", (name,))
    try:
        members = await asyncio.to_thread(read, directory)
    except DirectoryAway as away:
        yield Step("People", failure=str(away), advice=_PEOPLE)
        return
    yield Step("People", _about(directory, members))


def _bind(directory: Ldap, credentials: Credentials) -> None:
    with connected(directory, credentials):
        pass


def _about(directory: Ldap, members: list[Member]) -> tuple[str, ...]:
    entries = [member.entry for member in members]
    numbers = {
        "active": sum(entry.active for entry in entries),
        "without an id that lasts": sum(not entry.uid for entry in entries),
        "with a photo": sum(bool(entry.photo) for entry in entries),
        "excluded": sum(is_excluded(directory, entry.login) for entry in entries),
    }
    told = [f"{len(entries)} people", ", ".join(f"{number} {what}" for what, number in numbers.items())]
    if directory.mapping:
        mapped = sum(directory.mapping.standing_of(member.groups).role is not None for member in members)
        told.append(f"{mapped} get a role from their groups")
    return tuple(told)


async def walk_of(db: Database, directory: Ldap, login: str, password: str) -> AsyncIterator[Step]:
    """A sign-in of somebody: are they let in, what the directory tells of them, what would come of it."""
    if not is_plausible(login, password):
        yield Step("Sign-in", failure="no directory takes an empty login or password for somebody")
        return
    try:
        entry, groups, name = await asyncio.to_thread(_sign_in, directory, login, password)
    except BindRefused as refused:
        advice = _EXPIRED if refused.expired else _LOGIN.format(login_attribute(directory))
        yield Step("Sign-in", failure=str(refused), advice=advice)
        return
    except DirectoryAway as away:
        yield Step("Sign-in", failure=str(away), advice=_REACH)
        return
    yield Step("Sign-in", (f"as {name}",))
    if entry is None:
        yield Step("Entry", failure="it cannot be read", advice=_READER)
        return
    yield Step("Entry", _of_entry(entry, groups))
    try:
        settled = await would_be(db, directory, identity_of(directory, entry, groups))
    except SignOnRefused as refused:
        yield Step("What would come of it", failure=refused.message)
        return
    yield Step("What would come of it", outcome_of(settled))


def _sign_in(directory: Ldap, login: str, password: str) -> tuple[Entry | None, tuple[str, ...], str]:
    """Somebody's entry, groups, and the name that let them in. Raises BindRefused, DirectoryAway."""
    entry, groups = None, searches.Groups()
    credentials = of_login(directory, login, password)
    if directory.user:
        with connected(directory, of_service(directory)) as reading:
            groups = searches.groups(reading, directory)
            entry = searches.one_to_sign_in(reading, directory, login, by_address=True)
        if entry is None:
            raise BindRefused(f"there is no {login} below {directory.base_dn}, or more than one")
        credentials = of_entry(directory, entry, password)
    with connected(directory, credentials) as own:
        if entry is None:
            entry = searches.one_to_sign_in(own, directory, login, by_address=False)
    return entry, () if entry is None else groups.of(entry), credentials.name


def _of_entry(entry: Entry, groups: tuple[str, ...]) -> tuple[str, ...]:
    about = {
        "login": entry.login,
        "name": f"{entry.first_name} {entry.last_name}".strip(),
        "e-mail": ", ".join(entry.emails),
        "id": entry.uid or "none that lasts",
        "active": "yes" if entry.active else "no",
        "groups": "; ".join(groups) or "none that matter",
    }
    return tuple(f"{what}: {value}" for what, value in about.items())
