"""What is sent at once, what the stream's own task finishes, and that the order stays."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from pegbar.core.http.access import Token
from pegbar.core.live.cursors import Cursor
from pegbar.open.feed.filters import Filter
from pegbar.open.feed.listeners import Listener
from pegbar.open.feed.outlet import Outlet


class Client:
    """Takes what is sent while it has room; else it is waited for until it reads."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.has: list[bytes] = []
        self.reads = asyncio.Event()
        self.error: Exception | None = None

    async def send(self, message: Any) -> None:
        if self.error is not None:
            raise self.error
        while self.room == 0:
            await asyncio.sleep(0)
            await self.reads.wait()
        self.room -= 1
        self.has.append(message["body"])

    def read(self, room: int) -> None:
        self.room += room
        self.reads.set()
        self.reads = asyncio.Event()


def _cursor(position: int) -> Cursor:
    return Cursor("1:1:", 0, "2:2:", position)


def _listener(outlet: Outlet) -> Listener:
    return Listener(Token(uuid4(), "jti", "access", "person", 0), Filter(), outlet)


async def _turns() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_slow_client_is_told_everything_in_order_and_a_quick_one_at_once() -> None:
    async def scenario() -> None:
        client = Client(room=2)
        outlet = Outlet(client.send, patience=60)
        listener = _listener(outlet)

        async def stream() -> None:
            while piece := await listener.taken():
                await outlet.send(piece)

        task = asyncio.create_task(stream())
        await _turns()
        listener.tell(b"one", _cursor(1))
        assert client.has == [b"one"]  # no task had a turn
        assert listener.cursor == _cursor(1)
        for number, text in enumerate((b"two", b"three", b"four", b"five"), 2):
            listener.tell(text, _cursor(number))
        await _turns()
        assert client.has == [b"one", b"two"]
        client.read(1)
        await _turns()
        listener.tell(b"six", _cursor(6))
        client.read(5)
        await _turns()
        assert b"".join(client.has) == b"onetwothreefourfivesix"
        assert listener.cursor == _cursor(6)
        listener.end("over")
        await task

    asyncio.run(scenario())


def test_who_takes_nothing_is_given_up_and_errors_are_the_streams() -> None:
    async def scenario() -> None:
        client = Client(room=0)
        with pytest.raises(TimeoutError):
            await Outlet(client.send, patience=0.01).send(b"never")
        client.error = OSError("hung up")
        outlet = Outlet(client.send, patience=60)
        listener = _listener(outlet)
        task = asyncio.create_task(listener.taken())
        await _turns()
        listener.tell(b"lost", _cursor(1))  # raises nothing here
        with pytest.raises(OSError, match="hung up"):
            await task

    asyncio.run(scenario())
