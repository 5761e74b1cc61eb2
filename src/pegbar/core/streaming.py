"""Answers of any length, in constant memory.

Rows come from a cursor in pieces of a quarter of a megabyte; the next ones are on their way while a piece is sent, and
wait for a client that reads slowly. An answer that breaks is never ended as if it were whole.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping

import structlog
from litestar.types import Receive, Scope, Send
from sqlalchemy import Executable

from pegbar.core.database import Database, Json
from pegbar.core.routing import Reply

log = structlog.get_logger()

#: A shorter list is an ordinary answer.
ORDINARY = 2**20
#: A client that takes nothing for so many seconds is gone: others wait for its connection to the database.
PATIENCE = 60.0


class Streaming:
    """An ASGI response whose body comes in pieces."""

    def __init__(self, pieces: AsyncIterator[bytes], media_type: str, headers: Mapping[str, str] | None = None) -> None:
        self._pieces, self._media_type, self._headers = pieces, media_type, headers or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {"content-type": self._media_type, **self._headers}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": raw})
            async for piece in self._pieces:
                if gone.done():
                    return
                async with asyncio.timeout(PATIENCE):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except Exception:
            # Without its last chunk the transfer is broken, and the client knows it.
            log.exception("an answer broke off", path=scope["path"])
            return
        finally:
            gone.cancel()
            await self._pieces.aclose()  # type: ignore[attr-defined]
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def stream_array(
    db: Database,
    statement: Executable,
    *,
    headers: Mapping[str, str] | None = None,
    before: bytes = b"[",
    after: bytes = b"]",
    **given: object,
) -> Json | Reply | Streaming:
    """A JSON array of rows of one column of JSON text, between what stands before and after it.

    Errors of the statement come before the first byte.
    """
    chunks = db.texts(statement, **given)
    start: list[str] = []
    try:
        while sum(map(len, start)) < ORDINARY:
            more = await anext(chunks, None)
            if more is None:
                await chunks.aclose()  # type: ignore[attr-defined]
                whole = Json(before + ",".join(start).encode() + after)
                return Reply(whole, headers=dict(headers)) if headers else whole
            start += more
    except BaseException:
        await chunks.aclose()  # type: ignore[attr-defined]
        raise
    return Streaming(_array_pieces(before, start, chunks, after), "application/json", headers)


async def _array_pieces(
    before: bytes, start: list[str], rest: AsyncIterator[list[str]], after: bytes
) -> AsyncIterator[bytes]:
    try:
        yield before + ",".join(start).encode()
        start.clear()
        async for rows in rest:
            yield ("," + ",".join(rows)).encode()
        yield after
    finally:
        await rest.aclose()  # type: ignore[attr-defined]


async def stream_lines(
    db: Database, head: bytes, statement: Executable, *, headers: Mapping[str, str] | None = None, **given: object
) -> Streaming:
    """Newline-delimited JSON: a first line, then one for each row of one column of JSON text.

    Errors of the statement come before the first byte.
    """
    chunks = db.texts(statement, **given)
    try:
        first = await anext(chunks, None) or []
    except BaseException:
        await chunks.aclose()  # type: ignore[attr-defined]
        raise
    return Streaming(_lines(head, first, chunks), "application/x-ndjson", headers)


async def _lines(head: bytes, first: list[str], rest: AsyncIterator[list[str]]) -> AsyncIterator[bytes]:
    try:
        yield b"\n".join([head, *map(str.encode, first), b""])
        async for rows in rest:
            yield "\n".join([*rows, ""]).encode()
    finally:
        await rest.aclose()  # type: ignore[attr-defined]
