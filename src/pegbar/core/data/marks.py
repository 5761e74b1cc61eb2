"""Marks of changes, and the validators made of them.

Triggers leave a mark for each transaction that changes something of a production or of a person
(core/migrations/versions/m0006_marks.py), whoever wrote it. The sum of the marks that a snapshot sees changes with each
of them and never comes back, so it tells in a millisecond whether a costly answer is still the one a client has. It
is read before the rows, never after: a validator may be older than the rows it goes with, but not newer.
"""

import hashlib
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from sqlalchemy import BigInteger, Column, ColumnElement, Select, Text, cast, func, literal, select, text

from pegbar import __version__
from pegbar.core.data.database import Database
from pegbar.core.data.schema import Uuid, own_table
from pegbar.core.http.compression import without_coding
from pegbar.core.http.routing import Reply
from pegbar.core.work.jobs import job

mark = own_table(
    "mark",
    Column("scope", Uuid, nullable=False),
    Column("xid", BigInteger, nullable=False),
    Column("value", BigInteger, nullable=False),
)

#: The scopes of what concerns every production, and of what the studio holds beside the work in them.
EVERYTHING, STUDIO = UUID(int=0), UUID(int=1)

_CACHED = {"Cache-Control": "private, no-cache"}


def changes_of(*scopes: ColumnElement[Any]) -> Select[Any]:
    """Selects what tells one state of these scopes from another."""
    wanted = (*scopes, literal(EVERYTHING, Uuid))
    return select(cast(func.sum(mark.c.value), Text)).where(mark.c.scope.in_(wanted))


def of_studio() -> ColumnElement[str]:
    """What tells one state of all that the studio holds beside the work in its productions from another."""
    return func.coalesce(changes_of(literal(STUDIO, Uuid)).scalar_subquery(), "0")


def tag_of(state: str | None, request: Request[Any, Any, Any], *about: Any) -> str:
    """A strong ETag for a state, as this request asks for it; `about` is what else the answer depends on."""
    query = sorted(request.query_params.multi_items())
    return _tag(msgspec.json.encode([__version__, state, request.scope["path"], query, *map(str, about)]))


def _tag(seen: bytes) -> str:
    return f'"{hashlib.blake2b(seen, digest_size=16).hexdigest()}"'


def headers_of(tag: str) -> dict[str, str]:
    """The headers of an answer with a validator, and of the 304 in its place."""
    return {"ETag": tag, **_CACHED}


def unchanged(request: Request[Any, Any, Any], tag: str) -> Reply | None:
    """The 304 when the client has the answer already: `If-None-Match` names it (strongly: a weak tag never matches)."""
    known = request.headers.get("if-none-match")
    tags = [] if known is None else [part.strip() for part in known.split(",")]
    same = tag if "*" in tags else next((held for held in tags if without_coding(held) == tag), None)
    return None if same is None else Reply(status=304, headers=headers_of(same))


MERGE_MARKS = job("core.merge_marks", cron="*/10 * * * *")

#: A new mark stands for the many of its scope; the validators change once. What another run merges is left to it.
_MERGE = text(
    """
    WITH many AS (SELECT scope FROM pegbar.mark GROUP BY scope HAVING count(*) > 100),
         old AS (SELECT ctid FROM pegbar.mark WHERE scope IN (SELECT scope FROM many) FOR UPDATE SKIP LOCKED),
         gone AS (DELETE FROM pegbar.mark WHERE ctid IN (SELECT ctid FROM old) RETURNING scope)
    INSERT INTO pegbar.mark (scope) SELECT DISTINCT scope FROM gone
    """
)


@MERGE_MARKS.task
async def merge_marks(db: Database) -> None:
    """Merge the marks of what changed often."""
    async with db.transaction() as tx:
        await tx.execute(_MERGE)
