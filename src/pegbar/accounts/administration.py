"""Accounts made and changed by whoever runs the server. Source: spec operations, "Command line"."""

import secrets
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import func, select

from pegbar.accounts import passwords
from pegbar.accounts.credentials.actions import check_length, store_password
from pegbar.accounts.guesses import let_in_again
from pegbar.accounts.people.actions import hire
from pegbar.accounts.resources import persons
from pegbar.accounts.second_factors import actions as second_factors
from pegbar.accounts.shapes import FULL_NAME
from pegbar.accounts.tables import person
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, Token

#: Whoever may run commands on the server may do everything; they are nobody's account.
_NOBODY = UUID(int=0)
OPERATOR = Caller(
    id=_NOBODY, role="admin", token=Token(sub=_NOBODY, jti="", type="access", identity_type="operator", iat=0)
)

_ANY_PERSON = select(person.c.id).where(person.c.is_bot.is_not(True)).limit(1)
_BY_EMAIL = (
    select(person)
    .where(func.lower(person.c.email) == func.lower(param("email", Text)))
    .where(person.c.is_bot.is_not(True))
    .with_for_update()
)
_EVERYBODY = select(
    FULL_NAME,
    person.c.email,
    person.c.role,
    person.c.active,
    person.c.is_bot,
    person.c.is_guest,
    (person.c.totp_enabled | person.c.email_otp_enabled | person.c.fido_enabled).label("second_factor"),
    person.c.last_presence,
).order_by(person.c.is_bot, person.c.role, FULL_NAME, person.c.id)


async def ensure_administrator(db: Database, email: str, password: str) -> tuple[str, str] | None:
    """The e-mail and password of the first administrator, made when there is no person at all; else None.

    The password is generated when none is given.
    """
    async with db.transaction() as tx:
        if await tx.value(_ANY_PERSON) is not None:
            return None
        email, password = email or "admin@example.com", password or secrets.token_urlsafe(12)
        hashed = await passwords.hash_password(password)
        await tx.insert(
            person, first_name="Super", last_name="Admin", email=email.lower(), password=hashed, role="admin",
            phone="", desktop_login="",
        )  # fmt: skip
    return email, password


async def create_user(
    tx: Transaction, *, email: str, first_name: str, last_name: str, role: str, password: str
) -> None:
    """Add a person who can sign in. Raises BadRequest naming what is wrong."""
    check_length(password)
    names = {"first_name": first_name, "last_name": last_name}
    await hire(tx, OPERATOR, {"email": email, "role": role, "password": password, **names})


async def create_bot(tx: Transaction, *, name: str, email: str | None, role: str, until: date | None) -> str:
    """Add a bot; its token, which is told this once."""
    row: dict[str, Any] = {"first_name": name, "last_name": "", "role": role, "is_bot": True}
    if email is not None:
        row["email"] = email
    if until is not None:
        row["expiration_date"] = until.isoformat()
    _, token = await hire(tx, OPERATOR, row)
    assert token is not None
    return token


async def give_role(tx: Transaction, email: str, role: str) -> bool:
    """Give somebody a role; whether that changed anything."""
    who = await person_of(tx, email)
    if who["role"] == role:
        return False
    await persons.update(tx, OPERATOR, who["id"], {"role": role})
    return True


async def reset_password(tx: Transaction, email: str, password: str, *, disable_2fa: bool) -> None:
    """Give somebody a new password; their sessions and any lockout end."""
    check_length(password)
    who = await person_of(tx, email)
    await store_password(tx, who["id"], await passwords.hash_password(password))
    await let_in_again(tx, who["id"], (who["email"], who["desktop_login"]))
    if disable_2fa:
        await second_factors.turn_all_off(tx, who["id"])


async def everybody(db: Database) -> list[asyncpg.Record]:
    """All accounts, people before bots."""
    return await db.rows(_EVERYBODY)


async def person_of(tx: Transaction, email: str) -> asyncpg.Record:
    """The person whose address it is, locked. Raises NotFound, or BadRequest when there are several."""
    rows = await tx.rows(_BY_EMAIL, email=email)
    if not rows:
        raise NotFound(f"Nobody has the e-mail address {email}.")
    if len(rows) > 1:
        raise BadRequest(f"Several people have the e-mail address {email}.")
    return rows[0]
