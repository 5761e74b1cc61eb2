"""Who the people of a directory are here. Source: spec operations, "LDAP sync"; spec accounts, 6."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

import asyncpg
from sqlalchemy import Text, select
from sqlalchemy.dialects.postgresql import insert

from pegbar.accounts.sign_on.ldap.entries import Entry
from pegbar.accounts.sign_on.ldap.proving import Newcomer
from pegbar.accounts.sign_on.persons import Identity, Settled, settle
from pegbar.accounts.sign_on.providers import Ldap
from pegbar.accounts.sign_on.refusals import SignOnRefused
from pegbar.accounts.sign_on.tables import directory_person
from pegbar.accounts.tables import person
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import param

T = TypeVar("T")

_HOME = select(directory_person.c.directory).where(directory_person.c.person_id == param("person_id"))
_DIRECTORY = param("directory", Text)
_SETTLE_HOME = (
    insert(directory_person)
    .values(person_id=param("person_id"), directory=_DIRECTORY)
    .on_conflict_do_update(
        index_elements=["person_id"],
        set_={"directory": _DIRECTORY},
        where=directory_person.c.directory != _DIRECTORY,
    )
)


def identity_of(directory: Ldap, entry: Entry, groups: tuple[str, ...], *, subject: str | None = None) -> Identity:
    """Somebody of a directory, as the one place that makes and changes persons wants to know them."""
    return Identity(
        protocol="ldap",
        issuer=directory.name,
        subject=entry.uid if subject is None else subject,
        email=entry.emails[0],
        other_emails=entry.emails[1:],
        first_name=entry.first_name,
        last_name=entry.last_name,
        desktop_login=entry.login,
        active=entry.active,
        groups=groups if directory.mapping else None,
    )


async def settle_in(tx: Transaction, directory: Ldap, identity: Identity) -> Settled:
    """The person that somebody of a directory is, as of this directory. Raises SignOnRefused."""
    settled = await settle(tx, directory, identity)
    person_id: UUID = settled.person["id"]
    home = await tx.value(_HOME, person_id=person_id)
    if home is not None and home != directory.name:
        raise SignOnRefused(f"{settled.person['email']} belongs to the directory {home}.")
    if not settled.person["is_generated_from_ldap"]:
        await tx.update(person, person_id, is_generated_from_ldap=True)
    await tx.execute(_SETTLE_HOME, person_id=person_id, directory=directory.name)
    return settled


async def welcome(tx: Transaction, newcomer: Newcomer) -> asyncpg.Record:
    """The account of somebody who proved to be in a directory. Raises SignOnRefused.

    Nobody switches on, by signing in, an account that the studio switched off, nor takes over one by an address that
    they may have written into the directory themselves: who was here before comes over with `pegbar directory sync`.
    """
    identity = identity_of(newcomer.directory, newcomer.entry, newcomer.groups)
    settled = await settle_in(tx, newcomer.directory, replace(identity, active=None))
    if settled.bound and not settled.created:
        raise SignOnRefused("There is an account of this address already, which does not come from the directory yet.")
    return settled.person


class _TakeBack(Exception):
    """Ends a transaction that was tried."""


async def taken_back(db: Database, work: Callable[[Transaction], Awaitable[T]]) -> T:
    """What the work returns, in a transaction that keeps nothing of it."""
    done: list[T] = []
    try:
        async with db.transaction() as tx:
            done.append(await work(tx))
            raise _TakeBack
    except _TakeBack:
        return done[0]


async def would_be(db: Database, directory: Ldap, identity: Identity) -> Settled:
    """What would become of somebody of a directory. Raises SignOnRefused."""
    return await taken_back(db, lambda tx: settle_in(tx, directory, identity))
