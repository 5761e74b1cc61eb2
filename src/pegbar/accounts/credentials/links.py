"""Links that set a password. Source: spec accounts, "Passwords, reset, invitation, mails".

Links are good beside one another, so that another one takes none away; using one, or changing the password,
ends them all.
"""

import secrets
import string
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import select

from pegbar.accounts import one_time
from pegbar.accounts.tables import person
from pegbar.config import settings
from pegbar.core.data.database import Reader, Transaction
from pegbar.core.data.parameters import param

_LETTERS, _LENGTH = string.ascii_uppercase + string.digits, 64

REQUESTED, PASSED_ON, FIRST, INVITATION = "reset-asked-for", "reset-given", "reset-first", "reset-invitation"
_LIFETIMES = {
    REQUESTED: timedelta(hours=2),
    PASSED_ON: timedelta(hours=2),
    FIRST: timedelta(hours=2),
    INVITATION: timedelta(days=7),
}
KINDS = tuple(_LIFETIMES)
#: One mail at a time, so that each counts those before it.
_HELD = select(person.c.id).where(person.c.id == param("person_id")).with_for_update(key_share=True)
#: Links of a kind that are good at a time.
_MOST = 5


async def requested_token(tx: Transaction, person_id: UUID) -> str | None:
    """A token to mail to whoever asks; None for somebody who was mailed five that are good: anybody can ask."""
    await tx.row(_HELD, person_id=person_id)
    if await one_time.count(tx, REQUESTED, person_id) >= _MOST:
        return None
    return await new_token(tx, person_id, REQUESTED)


async def new_token(tx: Transaction, person_id: UUID, kind: str) -> str:
    """A token that sets a person's password; of six of a kind the oldest is over."""
    token = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    await one_time.keep_beside(tx, kind, person_id, token, _LIFETIMES[kind], most=_MOST)
    return token


async def is_good(db: Reader, person_id: UUID, token: str) -> bool:
    """Whether a token sets this person's password."""
    return await one_time.is_good(db, KINDS, person_id, token)


async def use(tx: Transaction, person_id: UUID, token: str) -> bool:
    """Use a token up, and end every other link of the person; False when it is not good (any more)."""
    if await one_time.use(tx, KINDS, person_id, token) is None:
        return False
    await one_time.forget(tx, KINDS, person_id)
    return True


async def forget(tx: Transaction, person_id: UUID) -> None:
    """End every link of a person."""
    await one_time.forget(tx, KINDS, person_id)


def url(email: str, token: str, *, invitation: bool = False) -> str:
    """The page of the web UI where a token is used."""
    query = {"email": email, "token": token} | ({"type": "new"} if invitation else {})
    return f"{settings().public_url}/reset-change-password?{urlencode(query)}"
