"""Accounts made and changed from the command line."""

import secrets
from uuid import UUID

from sqlalchemy import bindparam, func, select

from pegbar.accounts import passwords
from pegbar.accounts.tables import person
from pegbar.core.database import Database, Transaction

_ANY_PERSON = select(person.c.id).where(person.c.is_bot.is_not(True)).limit(1)
BY_EMAIL = (
    select(person)
    .where(func.lower(person.c.email) == func.lower(bindparam("email")))
    .where(person.c.is_bot.is_not(True))
)


async def ensure_administrator(db: Database, email: str, password: str) -> tuple[str, str] | None:
    """The e-mail and password of the first administrator, made when there is no person at all; else None.

    The password is generated when none is given.
    """
    email, password = email or "admin@example.com", password or secrets.token_urlsafe(12)
    hashed = await passwords.hash_password(password)
    async with db.transaction() as tx:
        if await tx.value(_ANY_PERSON) is not None:
            return None
        await create_administrator(tx, email, hashed)
    return email, password


async def create_administrator(tx: Transaction, email: str, hashed: bytes) -> UUID | None:
    """Insert an administrator."""
    return await tx.insert(
        person, first_name="Super", last_name="Admin", email=email.lower(), password=hashed, role="admin",
        phone="", desktop_login="",
    )  # fmt: skip
