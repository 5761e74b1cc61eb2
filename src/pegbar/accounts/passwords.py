"""Password hashes: bcrypt, as existing databases hold them.

Hashing is work for the processor. It runs in threads of its own, so that nobody else waits for it: as many at once as
there are cores, behind everything else that the machine has to do. What would wait for long is refused.
"""

import os
import sys
import threading
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import bcrypt

from pegbar.accounts.threads import Threads
from pegbar.config import settings
from pegbar.core.errors import BadRequest

T = TypeVar("T")

#: bcrypt reads no further.
LONGEST = 72
#: Hashes made at once by a process.
THREADS = min(os.cpu_count() or 1, 4)
#: Hashes that a process has under way or waiting, some eight seconds of them; one address has at most half of them.
MOST = 32 * THREADS


def _behind_everybody() -> None:
    """Give way to requests: a thread of its own priority is something that Linux knows."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)


@cache
def _queue() -> Threads:
    return Threads("passwords", THREADS, MOST, _behind_everybody)


async def in_turn(client: str | None, work: Callable[..., T], *arguments: object) -> T:
    """Hash in a thread, when it is this one's turn; `client` is the address it is done for. Raises Unavailable."""
    return await _queue().run(client, work, *arguments)


@cache
def _nobodys() -> bytes:
    """Compared with when there is no account, so that the answer takes as long as for a wrong password."""
    return bcrypt.hashpw(b"", bcrypt.gensalt(settings().bcrypt_log_rounds))


def check_longest(password: str) -> None:
    """Refuse a password of which bcrypt would only read the beginning. Raises BadRequest."""
    if len(password.encode()) > LONGEST:
        raise BadRequest(f"password: it is too long, at most {LONGEST} bytes (letters beyond a to z take two to four).")


async def hash_password(password: str) -> bytes:
    """The bcrypt hash of a password. Raises BadRequest for one longer than 72 bytes."""
    check_longest(password)
    return await in_turn(None, _hash, password.encode())


def _hash(password: bytes) -> bytes:
    return bcrypt.hashpw(password, bcrypt.gensalt(settings().bcrypt_log_rounds))


async def matches(password: str, stored: bytes | None, client: str | None = None) -> bool:
    """Whether a password is the stored one. Takes the same time without a stored hash, or with an unusable one.

    Hashes made by servers that cut longer passwords go on working. Raises Unavailable.
    """
    return await in_turn(client, _matches, password.encode()[:LONGEST], stored)


def _matches(password: bytes, stored: bytes | None) -> bool:
    usable = stored is not None and stored.startswith(b"$2") and len(stored) == 60
    against = stored if usable and stored is not None else _nobodys()
    try:
        return bcrypt.checkpw(password, against) and usable
    except ValueError:
        bcrypt.checkpw(password, _nobodys())
        return False
