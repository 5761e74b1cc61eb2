"""Ids: read from text, and made for many rows at once."""

import os
import time
from uuid import UUID

from asyncpg.pgproto import pgproto


def id_of(text: str) -> UUID:
    """The id that a text is. Raises ValueError.

    It is one of the driver's, which cost a fifth of Python's own to read, to hash and to write.
    """
    try:
        return pgproto.UUID(text)
    except ValueError:  # it knows fewer ways to write one
        return UUID(text)


def new_id() -> UUID:
    """The id of a new row; SQL makes its own by `pegbar.new_id()`, random ones before PostgreSQL 18."""
    return pgproto.UUID(ids_in_order(1))


def ids_in_order(count: int) -> bytes:
    """The bytes of so many new ids, 16 for each, the later ones greater. Not for millions.

    They are UUIDs of version 7: rows that are written together lie together in the indexes of their ids, and in those
    of what names them. Random ids are all over an index: a page is read, written and logged for each row, the more the
    larger the tables are. What has stored files keeps random ones: where these lie follows from their first characters.
    """
    chance = os.urandom(10)
    before, after = (time.time_ns() // 1_000_000).to_bytes(6), chance[4:]
    # Others make ids in the same millisecond: where places begin is random, in the lower half of 26 bits.
    first = int.from_bytes(chance[:4]) % 2**25
    return b"".join([before + _placed(place) + after for place in range(first, first + count)])


def _placed(place: int) -> bytes:
    """The four bytes that hold the version, the variant and a place of 26 bits."""
    return (0x7000_8000 | (place & 0x03FF_C000) << 2 | place & 0x3FFF).to_bytes(4)
