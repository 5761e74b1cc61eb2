"""What the movie of a playlist is made of: the stored versions of its movies. Source: spec review, "Build jobs"."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from pegbar.config import settings
from pegbar.core.data.database import Reader
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.storage import Address, Binary, store
from pegbar.media.movies.encoding import encoding_wanted
from pegbar.media.movies.workshop import VERSIONS
from pegbar.media.serving import movie_versions
from pegbar.review.builds import queries
from pegbar.review.builds.plan import Look, Options, Piece, digest_of

#: Questions that the storage is asked at once.
_AT_ONCE = 16
_STATUSES = {"processing": "is still being made", "broken": "is broken", "missing": "is missing"}


class NoMovie(BadRequest):
    """No movie can be made of a playlist; the message says why, and of which of its entries."""


@dataclass(frozen=True)
class Inputs:
    """The movies of a playlist in order, how the production wants them, and what tells this movie from others."""

    pieces: list[Piece]
    look: Look
    digest: str


async def facts_of(db: Reader, playlist_id: UUID) -> Mapping[str, Any]:
    """What is known of a playlist. Raises NotFound."""
    facts = await db.row(queries.playlist_facts, playlist_id=playlist_id)
    if facts is None:
        raise NotFound(f"There is no playlist {playlist_id}.")
    return dict(facts)


def label(preview: asyncpg.Record) -> str:
    """A preview as people call it: "SQ01 / SH010 Animation v3"."""
    words = (preview["entity_name"], preview["task_type_name"], f"v{preview['revision']}")
    return " ".join(word for word in words if word)


async def first_stored(addresses: Sequence[Address]) -> Binary | None:
    """The first of these that is stored."""
    for address in addresses:
        binary = await store().stat(address)
        if binary is not None:
            return binary
    return None


async def all_stored(choices: Sequence[Sequence[Address]]) -> list[Binary | None]:
    """Of each choice the first that is stored, in order."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(addresses: Sequence[Address]) -> Binary | None:
        async with turns:
            return await first_stored(addresses)

    return await asyncio.gather(*map(one, choices))


async def inputs_of(db: Reader, playlist_id: UUID, options: Options) -> Inputs:
    """What the movie of a playlist is made of. Raises NotFound, and NoMovie when there is none to be made."""
    facts = await facts_of(db, playlist_id)
    rows = await db.rows(queries.pieces_of_playlist, playlist_id=playlist_id)
    movies = [row for row in rows if row["extension"] == "mp4"]
    if not movies:
        raise NoMovie("No entry of the playlist shows a movie.")
    pieces = []
    binaries = await all_stored([movie_versions(row, VERSIONS) for row in movies])
    for row, binary in zip(movies, binaries, strict=True):
        if row["status"] in _STATUSES:
            raise NoMovie(f"{label(row)}: its movie {_STATUSES[row['status']]}.")
        if binary is None:
            raise NoMovie(f"{label(row)}: its movie is not stored any more.")
        pieces.append(Piece(row["id"], label(row), binary.address, binary.etag))
    most = settings().movie_highdef_bitrate
    look = Look(facts["fps"], facts["resolution"], min(facts["hd_bitrate_compression"] or most, most))
    return Inputs(pieces, look, digest_of(pieces, options, look, encoding_wanted()))
