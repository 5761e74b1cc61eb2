"""The search. Source: spec review, "POST /data/search"."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from pegbar.core.data.database import Database, Json
from pegbar.core.http.access import Caller, authenticated
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import post
from pegbar.search.reading import Search, Wanted
from pegbar.search.shapes import DEFAULT

#: Shorter queries are answered with nothing.
_SHORTEST = 3


class SearchBody(Strict):
    """What to look for: in which indexes, in which production, and which page of each index."""

    query: str
    project_id: UUID | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 3
    offset: Annotated[int, Meta(ge=0, le=1000)] = 0
    index_names: list[str] | None = None
    entity_types: list[UUID] | None = None


@post("/data/search", access=authenticated.further("what they may see"), status=200, errors=(400,))
async def search(body: SearchBody, db: Database, caller: Caller) -> Json:
    """Assets, shots, sequences, edits, episodes, persons, productions (`projects`), playlists and comments, by index.

    Names, what is above them, descriptions and metadata are searched: by words and beginnings of words, then by parts
    of words and with typing errors. A query of less than three characters finds nothing: `{}`.
    """
    if len(body.query.strip()) < _SHORTEST:
        return Json(b"{}")
    names = DEFAULT if body.index_names is None else body.index_names
    wanted = Wanted(body.query, names, body.limit, body.offset, body.project_id, body.entity_types)
    return await db.reading(lambda reader: Search(reader, caller, wanted).run())
