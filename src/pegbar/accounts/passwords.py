"""Password hashes: bcrypt, as existing databases hold them.

Hashing runs in threads, so that nobody else waits for it.
"""

import asyncio
from functools import cache

import bcrypt

from pegbar.config import settings

#: bcrypt reads no further.
_LONGEST = 72


@cache
def _nobodys() -> bytes:
    """Compared with when there is no account, so that the answer takes as long as for a wrong password."""
    return bcrypt.hashpw(b"", bcrypt.gensalt(settings().bcrypt_log_rounds))


async def hash_password(password: str) -> bytes:
    """The bcrypt hash of a password's first 72 bytes."""
    salt = bcrypt.gensalt(settings().bcrypt_log_rounds)
    return await asyncio.to_thread(bcrypt.hashpw, password.encode()[:_LONGEST], salt)


async def matches(password: str, stored: bytes | None) -> bool:
    """Whether a password is the stored one. Takes the same time without a stored hash, or with an unusable one."""
    usable = stored is not None and stored.startswith(b"$2") and len(stored) == 60
    against = stored if usable and stored is not None else await asyncio.to_thread(_nobodys)
    same = await asyncio.to_thread(_check, password.encode()[:_LONGEST], against)
    return same and usable


def _check(password: bytes, stored: bytes) -> bool:
    try:
        return bcrypt.checkpw(password, stored)
    except ValueError:
        return False
