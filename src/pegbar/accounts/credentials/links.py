"""Links that set a password. Source: spec accounts, "Passwords, reset, invitation, mails".

A person has at most one good link of each kind; using one, or changing the password, ends them all.
"""

import secrets
import string
from datetime import timedelta
from urllib.parse import urlencode
from uuid import UUID

from pegbar.accounts import one_time
from pegbar.config import settings
from pegbar.core.database import Reader, Transaction

_LETTERS, _LENGTH = string.ascii_uppercase + string.digits, 64

ASKED_FOR, GIVEN, FIRST, INVITATION = "reset-asked-for", "reset-given", "reset-first", "reset-invitation"
_LIFETIMES = {
    ASKED_FOR: timedelta(hours=2),
    GIVEN: timedelta(hours=2),
    FIRST: timedelta(hours=2),
    INVITATION: timedelta(days=7),
}
KINDS = tuple(_LIFETIMES)


async def new_token(tx: Transaction, person_id: UUID, kind: str) -> str:
    """A token that sets a person's password, in the place of an earlier one of its kind."""
    token = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    await one_time.keep(tx, kind, person_id, token, _LIFETIMES[kind])
    return token


async def is_good(db: Reader, person_id: UUID, token: str) -> bool:
    """Whether a token sets this person's password."""
    return await one_time.kind_of(db, KINDS, person_id, token) is not None


async def use(tx: Transaction, person_id: UUID, token: str) -> bool:
    """Use a token up, and end every other link of the person; False when it is not good (any more)."""
    kind = await one_time.kind_of(tx, KINDS, person_id, token)
    if kind is None or await one_time.use(tx, kind, person_id, token) is None:
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
