"""Setting passwords. Source: spec accounts, "Passwords, reset, invitation, mails"."""

from uuid import UUID

import asyncpg
from sqlalchemy import select

from pegbar.accounts import mails, passwords, queries, sessions, sign_in
from pegbar.accounts.credentials import links
from pegbar.accounts.guesses import Guesses
from pegbar.accounts.people.rules import is_protected
from pegbar.accounts.sign_on.ldap.proving import is_of_directory
from pegbar.accounts.tables import person
from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.errors import ApiError, BadRequest, Forbidden
from pegbar.core.http.access import Caller, Token
from pegbar.core.http.routing import found

#: Somebody whose account is about to be changed; nobody else changes it meanwhile.
LOCKED = select(person).where(person.c.id == param("person_id")).with_for_update()


#: Whom no name names: looked up all the same, so that the answer takes as long.
_NOBODY = UUID(int=0)


def check_length(password: str) -> None:
    """Refuse a password shorter than the setting allows, or longer than what hashes take in."""
    shortest = settings().min_password_length
    if len(password) < shortest:
        raise BadRequest(f"The password is too short: it needs at least {shortest} characters.")
    passwords.check_longest(password)


def check_typed_twice(password: str, again: str) -> None:
    """Refuse two different passwords."""
    if password != again:
        raise BadRequest("The two passwords are not the same.")


def check_kept_here(who: asyncpg.Record | None) -> None:
    """Refuse a new password for somebody whose password the studio's directory keeps: it would open nothing."""
    if is_of_directory(who):
        raise BadRequest("This password is kept in the directory of the studio: change it there.")


def check_may_set_password(caller: Caller, target: asyncpg.Record) -> None:
    """Refuse what even an administrator must not: protected accounts, and other administrators' passwords."""
    check_kept_here(target)
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
    """Store a password. Every link that sets one, and every other session of the person, ends."""
    await tx.update(person, person_id, password=hashed)
    await links.forget(tx, person_id)
    await sessions.end_sessions(tx, person_id, keep=keep)


async def set_password_of(db: Database, caller: Caller, person_id: UUID, password: str, address: str | None) -> None:
    """Give somebody a new password, as an administrator, and tell them."""
    check_length(password)
    hashed = await passwords.hash_password(password)
    async with db.transaction(caller.id) as tx:
        check_may_set_password(caller, await human(tx, person_id))
        await store_password(tx, person_id, hashed, keep=caller.token)
        by_manager = person_id != caller.id
        tx.defer(mails.TELL_PASSWORD_CHANGED, person_id=person_id, address=address, by_manager=by_manager)


async def change_own_password(
    db: Database, guesses: Guesses, caller: Caller, old: str, password: str, again: str, address: str | None
) -> None:
    """Change the caller's password, given the old one; their other sessions end. Failures are counted."""
    target = await guesses.of_person(caller.id)
    found(target.who, "This person")
    check_kept_here(target.who)
    try:
        await sign_in.check_password(guesses, target, old)
    except sign_in.SignInRefused as refused:
        raise _old_refused(refused) from None
    check_length(password)
    check_typed_twice(password, again)
    hashed = await passwords.hash_password(password)
    async with db.transaction(caller.id) as tx:
        await tx.row(LOCKED, person_id=caller.id)
        try:
            await sign_in.admit(tx, guesses, target)
        except sign_in.SignInRefused as refused:
            raise _old_refused(refused) from None
        await store_password(tx, caller.id, hashed, keep=caller.token)
        tx.defer(mails.TELL_PASSWORD_CHANGED, person_id=caller.id, address=address, by_manager=False)


def _old_refused(refused: sign_in.SignInRefused) -> ApiError:
    answer = ApiError(refused.message if refused.extra else "The old password is wrong.", status=400, **refused.extra)
    answer.headers = refused.headers
    return answer


async def reset_password(
    db: Database, guesses: Guesses, identifier: str, token: str, password: str, again: str
) -> None:
    """Set a password with the token of a link; every session of the person ends."""
    await guesses.check()
    who = await db.row(queries.person_to_sign_in, identifier=identifier.strip())
    if not await links.is_good(db, _NOBODY if who is None else who["id"], token) or who is None:
        await guesses.failed()
        raise _bad_link()
    check_kept_here(who)
    check_length(password)
    check_typed_twice(password, again)
    hashed = await passwords.hash_password(password)
    async with db.transaction(who["id"]) as tx:
        if not await links.use(tx, who["id"], token):
            raise _bad_link()
        await store_password(tx, who["id"], hashed)
        await guesses.remember(tx, who["id"])


def _bad_link() -> ApiError:
    # The web UI looks for these words (spec clients, "Errors").
    return ApiError("Wrong or expired token: ask for a new link.", status=400)


async def invite(tx: Transaction, person_id: UUID) -> None:
    """Mail somebody a link to set their first password."""
    target = await human(tx, person_id)
    if not target["email"]:
        raise BadRequest("This person has no e-mail address.")
    tx.defer(mails.SEND_INVITATION, person_id=person_id)


async def link_for(tx: Transaction, caller: Caller, person_id: UUID) -> str:
    """A link for an administrator to pass on, which sets somebody's password."""
    target = await human(tx, person_id)
    check_may_set_password(caller, target)
    if not target["email"]:
        raise BadRequest("This person has no e-mail address.")
    return links.url(target["email"], await links.new_token(tx, person_id, links.PASSED_ON))
