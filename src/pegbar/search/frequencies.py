"""Words that very many documents have: what PostgreSQL's statistics tell of them.

They only decide in which order documents are looked through (queries.py): what is found does not depend on them, so
that a process may remember them for a while.
"""

import time
from collections.abc import Mapping

from pegbar.core.data.database import Reader
from pegbar.search import queries

#: Statistics are read again after so many seconds.
_FRESH = 60.0


class Frequencies:
    """About how many documents have a frequent word, by the word as the index has it."""

    def __init__(self) -> None:
        self._documents: Mapping[str, int] = {}
        self._read_at = -_FRESH

    async def documents(self, db: Reader) -> Mapping[str, int]:
        """As PostgreSQL's last analysis of the documents counted them."""
        now = time.monotonic()
        if now - self._read_at >= _FRESH:
            self._read_at = now
            rows = await db.rows(queries.frequencies, many=queries.MANY)
            self._documents = {row["lexeme"]: row["documents"] for row in rows}
        return self._documents


FREQUENCIES = Frequencies()
