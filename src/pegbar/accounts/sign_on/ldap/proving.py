"""Whether a password is somebody's in their directory. Source: spec accounts, 6 ("LDAP") and "Login flow".

Everybody takes the same way: whom no directory knows is looked for and refused there under a name of chance, so that
neither the answer nor its time tells who has an account, or of which kind.
"""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import select

from pegbar.accounts.sign_on.ldap import searches
from pegbar.accounts.sign_on.ldap.connection import (
    Credentials,
    connected,
    in_thread,
    is_plausible,
    of_login,
    of_service,
)
from pegbar.accounts.sign_on.ldap.entries import Entry, is_excluded
from pegbar.accounts.sign_on.ldap.outcomes import BindRefused
from pegbar.accounts.sign_on.providers import Ldap, sign_on
from pegbar.accounts.sign_on.tables import directory_person
from pegbar.config import settings
from pegbar.core.data.database import Reader
from pegbar.core.data.parameters import param

if TYPE_CHECKING:
    import ldap3

log = structlog.get_logger()

_NOBODY = UUID(int=0)
_HOME = select(directory_person.c.directory).where(directory_person.c.person_id == param("person_id"))


@dataclass(frozen=True)
class Proof:
    """What a directory says of somebody who signs in."""

    right: bool
    #: The password was right, and has to be changed in the directory.
    expired: bool = False
    #: Somebody who has no account here, where the directory could be read.
    newcomer: "Newcomer | None" = None


@dataclass(frozen=True)
class Newcomer:
    """Somebody whom a directory knows, and nobody here."""

    directory: Ldap
    entry: Entry
    groups: tuple[str, ...]


def directories() -> tuple[Ldap, ...]:
    """The directories of this server, in order."""
    return sign_on().ldap


def is_of_directory(who: asyncpg.Record | None) -> bool:
    """Whether somebody's password is a directory's to say, and none of ours."""
    with_directory = settings().auth_strategy == "auth_remote_ldap" or bool(directories())
    return with_directory and who is not None and bool(who["is_generated_from_ldap"])


def local_passwords_count() -> bool:
    """Whether others sign in with a password that is kept here."""
    return settings().auth_strategy != "auth_remote_ldap" or settings().ldap_fallback


async def prove(db: Reader, who: asyncpg.Record | None, typed: str, password: str, network: str) -> Proof:
    """What the directory of a person says; for nobody, the first one of whoever it knows by the name that was typed.

    Raises DirectoryAway.
    """
    home = await db.value(_HOME, person_id=_NOBODY if who is None else who["id"])
    # Who came from no directory that is known came from the one that was there first.
    directory = next((row for row in directories() if row.name == home), None if home else directories()[0])
    if directory is None:
        log.warning("somebody signs in whose directory is not set up any more", directory=home)
        directory, login = directories()[0], ""
    elif who is None:
        login = typed.strip() if directory.create else ""
    else:
        login = (who["desktop_login"] or "") if is_of_directory(who) else ""
    meant = is_plausible(login, password)
    if not meant:
        login, password = f"nobody-{secrets.token_hex(6)}", secrets.token_urlsafe(12)
    try:
        newcomer = await in_thread(directory, network, _bind, directory, login, password, who is None)
    except BindRefused as refused:
        return Proof(False, expired=refused.expired and meant)
    return Proof(meant, newcomer=newcomer if meant else None)


def _bind(directory: Ldap, login: str, password: str, is_new: bool) -> Newcomer | None:
    """Who proves to be somebody, when they are new. Raises BindRefused, DirectoryAway."""
    entry = None
    credentials = of_login(directory, login, password)
    if directory.user:
        try:
            with connected(directory, of_service(directory)) as reading:
                entry = searches.one_to_sign_in(reading, directory, login, by_address=is_new)
        except BindRefused as refused:
            log.warning("the directory refuses LDAP_USER", directory=directory.name, reason=str(refused))
        else:
            if entry is None or not entry.active:
                # As long as for somebody: refused all the same.
                credentials = of_login(directory, login, secrets.token_urlsafe(12))
            else:
                credentials = of_entry(directory, entry, password)
    with connected(directory, credentials) as own:
        if not is_new:
            return None
        if not directory.user:
            return _newcomer(own, directory, searches.one_to_sign_in(own, directory, login, by_address=False))
    with connected(directory, of_service(directory)) as reading:
        return _newcomer(reading, directory, entry)


def of_entry(directory: Ldap, entry: Entry, password: str) -> Credentials:
    """Somebody whose entry is known: by its DN, but for NTLM, which knows logins alone."""
    by_login = of_login(directory, entry.login, password)
    return by_login if by_login.with_ntlm else Credentials(entry.dn, password)


def _newcomer(reading: "ldap3.Connection", directory: Ldap, entry: Entry | None) -> Newcomer | None:
    """Somebody new with their groups, if they are one of those who come over. Raises DirectoryAway."""
    if entry is None or not entry.active or is_excluded(directory, entry.login):
        return None
    groups = searches.groups(reading, directory)
    if directory.group and not groups.has(directory.group, entry):
        return None
    return Newcomer(directory, entry, groups.of(entry))
