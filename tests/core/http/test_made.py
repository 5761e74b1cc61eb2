"""Answers that are made while they are sent."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any

import pytest

from pegbar.core.errors import BadRequest
from pegbar.core.http.answers import guarded
from pegbar.core.http.downloads import HEAD_ONLY
from pegbar.core.http.made import Growing, GrowingFile

Make = Callable[[Growing], Awaitable[None]]


def in_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """The test, run to its end by an event loop of its own."""

    @wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 60))

    return run


class Reader:
    """A client: what it was sent, and its hanging up."""

    def __init__(self, **scope: Any) -> None:
        self.scope = {"type": "http", "path": "/made", "method": "GET", "path_params": {}, "headers": [], **scope}
        self.messages: list[Any] = []
        self.came = asyncio.Event()
        self.hung_up = asyncio.Event()

    async def receive(self) -> Any:
        await self.hung_up.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.messages.append(message)
        self.came.set()

    async def wait_for_body(self, length: int) -> None:
        while len(self.body) < length:
            self.came.clear()
            await self.came.wait()

    async def gets(self, make: Make) -> None:
        response = guarded(GrowingFile(make, kind="application/zip", name="a.zip", attachment=True))
        await response(self.scope, self.receive, self.send)  # type: ignore[arg-type]

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def is_whole(self) -> bool:
        return self.messages[-1].get("more_body") is False


@in_loop
async def test_what_is_whole_is_sent_before_the_rest_is_made(tmp_path: Path) -> None:
    path, more = tmp_path / "made", asyncio.Event()
    reader = Reader()

    async def make(growing: Growing) -> None:
        path.write_bytes(b"first??")
        growing.reach(path, 5)
        await more.wait()
        path.write_bytes(b"first, and the rest")
        growing.reach(path, 19)
        path.unlink()  # its name goes with the folder, before it is sent

    answering = asyncio.create_task(reader.gets(make))
    await reader.wait_for_body(5)
    assert (reader.status, reader.body, reader.is_whole) == (200, b"first", False)
    more.set()
    await answering
    assert (reader.body, reader.is_whole) == (b"first, and the rest", True)
    assert (b"content-disposition", b"attachment; filename=a.zip") in reader.messages[0]["headers"]


@in_loop
async def test_a_client_that_hangs_up_ends_the_making(tmp_path: Path) -> None:
    path, ended = tmp_path / "made", asyncio.Event()
    reader = Reader()

    async def make(growing: Growing) -> None:
        path.write_bytes(b"first")
        growing.reach(path, 5)
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    answering = asyncio.create_task(reader.gets(make))
    await reader.wait_for_body(5)
    reader.hung_up.set()
    await answering
    assert ended.is_set()
    assert (reader.body, reader.is_whole) == (b"first", False)


@in_loop
async def test_a_client_that_hangs_up_before_the_first_bytes_ends_the_making() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()
    reader = Reader()

    async def make(_: Growing) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    answering = asyncio.create_task(reader.gets(make))
    await begun.wait()
    reader.hung_up.set()
    await answering
    assert (ended.is_set(), reader.messages) == (True, [])


@in_loop
async def test_what_fails_at_once_is_an_error_and_what_fails_later_breaks_off(tmp_path: Path) -> None:
    path = tmp_path / "made"

    async def refuse(_: Growing) -> None:
        raise BadRequest("There is nothing to draw.")

    async def fail(growing: Growing) -> None:
        path.write_bytes(b"first")
        growing.reach(path, 5)
        await sent.wait()
        raise BadRequest("The second cannot be drawn.")

    sent = asyncio.Event()
    refused, broken = Reader(), Reader()
    await refused.gets(refuse)
    assert (refused.status, b"nothing to draw" in refused.body) == (400, True)
    answering = asyncio.create_task(broken.gets(fail))
    await broken.wait_for_body(5)
    sent.set()
    await answering
    assert (broken.status, broken.body, broken.is_whole) == (200, b"first", False)


@pytest.mark.parametrize("size", [0, 3 * 2**18 + 7])
@in_loop
async def test_all_of_it_is_sent_whatever_its_size(tmp_path: Path, size: int) -> None:
    path = tmp_path / "made"
    data = bytes(range(256)) * (size // 256 + 1)

    async def make(growing: Growing) -> None:
        path.write_bytes(data[:size])
        growing.reach(path, size)

    reader, head = Reader(), Reader(**{HEAD_ONLY: True})
    await reader.gets(make)
    await head.gets(make)
    assert (reader.status, reader.body == data[:size], reader.is_whole) == (200, True, True)
    assert (head.status, head.body, head.is_whole) == (200, b"", True)
