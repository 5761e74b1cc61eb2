"""Ids of the events of a log: UUIDs of version 7, which grow with the time.

Rows that are written together lie together in the index of their ids. Random ids are all over it: a page is read,
written and logged for each row. Others keep random ids: where files lie follows from the first characters of theirs.
"""

import os
import time

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


def _placed(place: int) -> bytes:
    """The four bytes that hold the version, the variant and a place."""
    return (0x7000_8000 | (place & 0x03FF_C000) << 2 | place & 0x3FFF).to_bytes(4)
