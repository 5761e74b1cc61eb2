"""Setting passwords. Source: spec accounts, "Passwords, reset, invitation, mails"."""

from uuid import UUID

import asyncpg
from sqlalchemy import bindparam, select

from pegbar.accounts import passwords, sessions
from pegbar.accounts.tables import person
from pegbar.config import settings
from pegbar.core.access import Caller, Token
from pegbar.core.database import Database, Transaction
from pegbar.core.errors import BadRequest, Forbidden
from pegbar.core.routing import found
from pegbar.core.schema import Uuid

#: Somebody whose account is about to be changed; nobody else changes it meanwhile.
LOCKED = select(person).where(person.c.id == bindparam("person_id", type_=Uuid)).with_for_update()


def check_length(password: str) -> None:
    """Refuse a password shorter than the setting allows."""
    shortest = settings().min_password_length
    if len(password) < shortest:
        raise BadRequest(f"The password is too short: it needs at least {shortest} characters.")


def is_protected(email: str | None) -> bool:
    """Whether only its owner may change this account."""
    return email is not None and email.lower() in {each.lower() for each in settings().protected_accounts}


def check_may_set_password(caller: Caller, target: asyncpg.Record) -> None:
    """Refuse what even an administrator must not: protected accounts, and other administrators' passwords."""
    if target["id"] == caller.id:
        return
    if is_protected(target["email"]):
        raise BadRequest("This account is protected: only its owner can change its password.")
    if target["role"] == "admin" and target["password"] is not None:
        raise BadRequest("The password of another studio manager is theirs to change.")


async def human(tx: Transaction, person_id: UUID) -> asyncpg.Record:
    """The locked row of a human: 404 for nobody, 403 for a bot."""
    target: asyncpg.Record = found(await tx.row(LOCKED, person_id=person_id), "This person")
    if target["is_bot"]:
        raise Forbidden("A bot has no password, invitation or second factor.")
    return target


async def store_password(tx: Transaction, person_id: UUID, hashed: bytes, *, keep: Token | None = None) -> None:
    """Store a password; every other session of the person ends."""
    await tx.update(person, person_id, password=hashed)
    await sessions.end_sessions(tx, person_id, keep=keep)


async def set_password_of(db: Database, caller: Caller, person_id: UUID, password: str) -> None:
    """Give somebody a new password, as an administrator."""
    check_length(password)
    hashed = await passwords.hash_password(password)
    async with db.transaction(caller.id) as tx:
        target = await human(tx, person_id)
        check_may_set_password(caller, target)
        await store_password(tx, person_id, hashed, keep=caller.token)
