"""Answers of any length, in constant memory."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
from litestar.types import Receive, Scope, Send
from sqlalchemy import Executable

from pegbar.core.database import Database, Json, json_array

#: Rows fetched and sent at a time; a list that fits in one chunk is an ordinary answer.
CHUNK = 1000


class Streaming:
    """An ASGI response whose body comes in pieces."""

    def __init__(
        self, pieces: AsyncIterator[bytes], media_type: str, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        self._pieces, self._media_type, self._headers = pieces, media_type, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", self._media_type.encode()), *self._headers]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            async for piece in self._pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        finally:
            await self._pieces.aclose()  # type: ignore[attr-defined]
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def stream_array(
    db: Database, statement: Executable, *, headers: Sequence[tuple[bytes, bytes]] = (), **given: Any
) -> Json | Streaming:
    """A JSON array of rows of one column of JSON text. Errors of the statement come before the first byte.

    `headers` are those of the answer when it is a stream.
    """
    chunks = db.stream(statement, chunk=CHUNK, **given)
    try:
        first: Sequence[asyncpg.Record] = await anext(chunks, [])
        if len(first) < CHUNK:
            await chunks.aclose()  # type: ignore[attr-defined]
            return json_array(first)
    except BaseException:
        await chunks.aclose()  # type: ignore[attr-defined]
        raise
    return Streaming(_array_pieces(first, chunks), "application/json", headers)


async def _array_pieces(
    first: Sequence[asyncpg.Record], rest: AsyncIterator[Sequence[asyncpg.Record]]
) -> AsyncIterator[bytes]:
    try:
        yield b"[" + json_array(first)[1:-1]
        async for rows in rest:
            yield b"," + json_array(rows)[1:-1]
        yield b"]"
    finally:
        await rest.aclose()  # type: ignore[attr-defined]


async def lines(db: Database, head: bytes, statement: Executable, **given: Any) -> AsyncIterator[bytes]:
    """Newline-delimited JSON: a first line, then one for each row of one column of JSON text."""
    yield head + b"\n"
    chunks = db.stream(statement, chunk=CHUNK, **given)
    try:
        async for rows in chunks:
            if rows:
                yield "".join([f"{row[0]}\n" for row in rows]).encode()
    finally:
        await chunks.aclose()  # type: ignore[attr-defined]
