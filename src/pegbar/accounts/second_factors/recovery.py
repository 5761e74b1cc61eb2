"""Recovery codes: a second factor on paper. Each works once. Source: spec accounts, "Two-factor"."""

import hmac
import secrets
import string
from collections.abc import Sequence

import asyncpg
import bcrypt

from pegbar.accounts.passwords import in_turn
from pegbar.accounts.tables import person
from pegbar.core.data.database import Database
from pegbar.core.data.parameters import sql

_CODES, _LENGTH = 16, 10
_LETTERS = string.ascii_uppercase + string.digits
#: Codes are random, with more bits than anybody tries: unlike passwords they need no slow hash.
_ROUNDS = 6
#: The part of a bcrypt hash before the hash itself: version, cost and salt.
_SALT_LENGTH = 29

_USE_UP = sql(
    """
    UPDATE person SET otp_recovery_codes = array_remove(otp_recovery_codes, :code)
     WHERE id = :person_id AND :code = ANY(otp_recovery_codes)
    """,
    code=person.c.password.type,
)


async def new_codes() -> tuple[list[str], list[bytes]]:
    """Sixteen fresh codes, and what is stored of them. They share a salt, so that checking one takes one hash."""
    codes = ["".join(secrets.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(_CODES)]
    salt = bcrypt.gensalt(_ROUNDS)
    return codes, await in_turn(None, lambda: [bcrypt.hashpw(code.encode(), salt) for code in codes])


def _stored_as(code: str, stored: Sequence[bytes]) -> bytes | None:
    """The stored form of a code, if it is among them: one hash for each different salt."""
    secret = code.encode(errors="surrogatepass")[:72]
    for salt in {known[:_SALT_LENGTH] for known in stored if known.startswith(b"$2")}:
        try:
            hashed = bcrypt.hashpw(secret, salt)
        except ValueError:
            continue
        if match := next((known for known in stored if hmac.compare_digest(known, hashed)), None):
            return match
    return None


async def code_is_right(db: Database, who: asyncpg.Record, code: str, client: str) -> bool:
    """Whether a code is one of the person's, given from this address; it is used up."""
    stored = await in_turn(client, _stored_as, code.strip().upper(), who["otp_recovery_codes"] or ())
    if stored is None:
        return False
    async with db.transaction() as tx:
        return bool(await tx.execute(_USE_UP, person_id=who["id"], code=stored))
