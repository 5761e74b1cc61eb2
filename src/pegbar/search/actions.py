"""What an operator does to the search: writing all its documents anew, looking whether it can do all it does."""

from collections.abc import Callable
from uuid import UUID

import msgspec
from sqlalchemy import func, select, text

from pegbar.core.data.database import Database
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text
from pegbar.search.tables import document

#: The tables of which rows are found.
SOURCES = ("project", "person", "entity", "playlist", "comment")

_REWRITE = select(func.pegbar.search_rewrite(param("source", Text), param("after_id")))
_TIDY = text("SELECT pegbar.search_tidy()")
_USE_SIMILARITY = text("SELECT pegbar.search_use_similarity()")
#: Whether similar words are found by their index.
USES_SIMILARITY = text("SELECT to_regclass('pegbar.ix_search_word_similar') IS NOT NULL")
_COUNTS = select(document.c.kind, func.count()).group_by(document.c.kind).order_by(document.c.kind)

#: What to do where typing errors are found by their first letter only.
ADVICE = (
    "The database has no extension pg_trgm, and this user may not create it: search finds words and parts of words, "
    "but typing errors only where the first letter is right. As a superuser run: CREATE EXTENSION pg_trgm; "
    "then, as anybody: pegbar search reset"
)


class State(msgspec.Struct):
    """How many rows of each kind can be found, and whether similar words are found by their index."""

    documents: dict[str, int]
    similarity: bool


async def state(db: Database) -> State:
    """How the search is."""
    return State({row[0]: row[1] for row in await db.rows(_COUNTS)}, await db.value(USES_SIMILARITY))


async def reset(db: Database, told: Callable[[str], None] = lambda _: None) -> State:
    """Write all documents anew, while people work; `told` hears which table is read.

    A batch is a transaction: nobody waits for more than one.
    """
    async with db.transaction() as tx:
        await tx.value(_USE_SIMILARITY)
    for source in SOURCES:
        told(source)
        last: UUID | None = UUID(int=0)
        while last is not None:
            async with db.transaction() as tx:
                last = await tx.value(_REWRITE, source=source, after_id=last)
    told("words")
    async with db.transaction() as tx:
        await tx.value(_TIDY)
    return await state(db)
