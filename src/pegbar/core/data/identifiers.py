"""Ids of new rows: UUIDs of version 7, which grow with the time.

Rows that are written together lie together in the indexes of their ids, and in those of what names them. Random ids are
all over an index: a page is read, written and logged for each row, the more the larger the tables are.
"""

import os
import time
from uuid import UUID

#: An id is the millisecond in 6 bytes, a place among those that were made together in 26 bits, and 48 random bits.
_PLACES = 2**26
#: Where places begin is random, too: others make ids in the same millisecond.
_FIRST_PLACES = _PLACES // 2


def ids_in_order(count: int) -> bytes:
    """The bytes of so many new ids, 16 for each, the later ones greater. Not for millions."""
    chance = os.urandom(10)
    before, after = (time.time_ns() // 1_000_000).to_bytes(6), chance[4:]
    first = int.from_bytes(chance[:4]) % _FIRST_PLACES
    return b"".join([before + _placed(place) + after for place in range(first, first + count)])


def new_id() -> UUID:
    """An id."""
    return UUID(bytes=ids_in_order(1))


def _placed(place: int) -> bytes:
    """The four bytes that hold the version, the variant and a place."""
    return (0x7000_8000 | (place & 0x03FF_C000) << 2 | place & 0x3FFF).to_bytes(4)


#: SQL: an id. It is a random one where PostgreSQL makes no others yet, before version 18.
NEW_ID = "pegbar.new_id()"
