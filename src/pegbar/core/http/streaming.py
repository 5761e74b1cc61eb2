"""Answers of any length, in constant memory.

Rows come from a cursor in pieces of a quarter of a megabyte, as fast as the database gives them. What the client has
not taken waits in a spool (core/http/spool.py), so that the connection goes back to its pool when the rows are read,
however slowly they are taken. A client that takes nothing for a while is given up; an answer that breaks is never
ended as if it were whole.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Any

import structlog
from litestar.types import Receive, Scope, Send
from sqlalchemy import Executable

from pegbar.config import settings
from pegbar.core.data.database import Database, Json
from pegbar.core.http.access import Caller
from pegbar.core.http.routing import Reply
from pegbar.core.http.spool import NotKept, Spool
from pegbar.core.turns import Allowance, Busy, Holder

log = structlog.get_logger()

#: A shorter list is an ordinary answer.
ORDINARY = 2**20


@cache
def _spooled() -> Allowance:
    """The bytes that slow readers of this process make it keep on disk."""
    return Allowance(settings().spool_limit, settings().spool_per_person)


@cache
def _under_way() -> Allowance:
    """The long answers that are being sent."""
    return Allowance(0, settings().streams_per_person)


class ClientGone(Exception):
    """The client hung up."""


class Streaming:
    """An ASGI response whose body comes in pieces. Raises Busy for a caller who has as many under way as one may."""

    def __init__(
        self, pieces: AsyncIterator[bytes], media_type: str, holder: Holder, headers: Mapping[str, str] | None = None
    ) -> None:
        self._pieces, self._media_type, self._headers = pieces, media_type, headers or {}
        self._holder = holder
        if not _under_way().take(holder):
            most = _under_way().by_holder
            raise Busy(f"{most} long answers are being sent to you already. Read them first, then try again.")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        spool = Spool(_spooled(), self._holder, settings().upload_folder)
        filling = asyncio.create_task(spool.fill(self._pieces))
        gone = asyncio.create_task(_disconnected(receive, spool))
        try:
            whole = await self._is_sent(spool, scope, send)
        finally:
            for task in (gone, filling):
                task.cancel()
            await asyncio.gather(gone, filling, return_exceptions=True)
            await self._pieces.aclose()  # type: ignore[attr-defined]
            spool.close()
            _under_way().give_back(self._holder)
        if whole:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _is_sent(self, spool: Spool, scope: Scope, send: Send) -> bool:
        """Send what comes out of the spool; whether that was everything.

        When it was not, the answer is left without its last chunk: the transfer is broken, and the client knows it.
        """
        path = scope["path"]
        try:
            await self._send(spool, send)
        except ClientGone:
            return False
        except TimeoutError:
            log.warning("an answer broke off: its client took nothing", path=path, seconds=settings().stream_patience)
        except NotKept as error:
            log.error("an answer broke off: its client is slow, and it cannot be kept", path=path, error=str(error))
        except Exception:
            log.exception("an answer broke off", path=path)
        else:
            return True
        return False

    async def _send(self, spool: Spool, send: Send) -> None:
        sending = asyncio.create_task(self._send_pieces(spool, send))
        # An answer that cannot go on does not wait until its client takes what was sent before.
        spool.when_failed(sending.cancel)
        try:
            await sending
        except asyncio.CancelledError:
            if spool.error is None:
                raise
            raise spool.error from None

    async def _send_pieces(self, spool: Spool, send: Send) -> None:
        headers = {"content-type": self._media_type, **self._headers}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        patience = settings().stream_patience
        await send({"type": "http.response.start", "status": 200, "headers": raw})
        while (piece := await spool.get()) is not None:
            async with asyncio.timeout(patience):
                await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _disconnected(receive: Receive, spool: Spool) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    spool.fail(ClientGone())


async def stream_array(
    db: Database,
    caller: Caller,
    statement: Executable,
    *,
    headers: Mapping[str, str] | None = None,
    before: bytes = b"[",
    after: bytes = b"]",
    **params: Any,
) -> Json | Reply | Streaming:
    """A JSON array of rows of one column of JSON text, between what stands before and after it.

    Errors of the statement come before the first byte, and so does Busy.
    """
    chunks = db.texts(caller.id, statement, **params)
    start: list[str] = []
    try:
        while sum(map(len, start)) < ORDINARY:
            more = await anext(chunks, None)
            if more is None:
                await chunks.aclose()  # type: ignore[attr-defined]
                whole = Json(_array(start, before, after))
                return Reply(whole, headers=dict(headers)) if headers else whole
            start += more
        return Streaming(_array_pieces(before, start, chunks, after), "application/json", caller.id, headers)
    except BaseException:
        await chunks.aclose()  # type: ignore[attr-defined]
        raise


def _array(rows: list[str], before: bytes, after: bytes = b"") -> bytes:
    """The rows between what stands before and after them, copied once: a megabyte takes as long as a short query."""
    if rows:
        rows[0] = before.decode() + rows[0]
        rows[-1] += after.decode()
        return ",".join(rows).encode()
    return before + after


async def _array_pieces(
    before: bytes, start: list[str], rest: AsyncIterator[list[str]], after: bytes
) -> AsyncIterator[bytes]:
    try:
        yield _array(start, before)
        start.clear()
        async for rows in rest:
            yield ",".join(("", *rows)).encode()
        yield after
    finally:
        await rest.aclose()  # type: ignore[attr-defined]


async def stream_lines(
    db: Database,
    caller: Caller,
    head: bytes,
    statement: Executable,
    *,
    headers: Mapping[str, str] | None = None,
    **params: Any,
) -> Streaming:
    """Newline-delimited JSON: a first line, then one for each row of one column of JSON text.

    Errors of the statement come before the first byte, and so does Busy.
    """
    chunks = db.texts(caller.id, statement, **params)
    try:
        first = await anext(chunks, None) or []
        return Streaming(_lines(head, first, chunks), "application/x-ndjson", caller.id, headers)
    except BaseException:
        await chunks.aclose()  # type: ignore[attr-defined]
        raise


async def _lines(head: bytes, first: list[str], rest: AsyncIterator[list[str]]) -> AsyncIterator[bytes]:
    try:
        yield b"\n".join([head, *map(str.encode, first), b""])
        async for rows in rest:
            yield "\n".join([*rows, ""]).encode()
    finally:
        await rest.aclose()  # type: ignore[attr-defined]


async def stream_text(
    texts: AsyncIterator[list[str]],
    caller: Caller,
    start: list[str],
    media_type: str,
    headers: Mapping[str, str] | None = None,
) -> Streaming:
    """Text in pieces: those that were read already to learn of errors, then the others. Raises Busy."""
    try:
        return Streaming(_pieces(start, texts), media_type, caller.id, headers)
    except BaseException:
        await texts.aclose()  # type: ignore[attr-defined]
        raise


async def _pieces(start: list[str], rest: AsyncIterator[list[str]]) -> AsyncIterator[bytes]:
    try:
        yield "".join(start).encode()
        async for rows in rest:
            yield "".join(rows).encode()
    finally:
        await rest.aclose()  # type: ignore[attr-defined]
