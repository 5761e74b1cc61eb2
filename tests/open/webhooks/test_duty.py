"""The duty of job workers that serves webhooks."""

import asyncio
from typing import Any

import pytest

from pegbar.open.webhooks import duty


class _Connection:
    """One that hears nothing."""

    def is_closed(self) -> bool:
        return False

    def terminate(self) -> None:
        pass


class _Database:
    """One without webhooks, which counts how often it is asked for any."""

    def __init__(self) -> None:
        self.looks = 0

    async def value(self, _: Any) -> bool:
        self.looks += 1
        return False


class _Sender:
    def __init__(self, _: _Database) -> None:
        pass

    async def close(self) -> None:
        pass


def test_a_server_without_webhooks_looks_for_them_only_when_something_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    news: list[Any] = []

    async def listening(_: _Database, heard: Any) -> _Connection:
        news.append(heard)
        return _Connection()

    monkeypatch.setattr(duty, "_listening", listening)
    monkeypatch.setattr(duty, "Sender", _Sender)
    monkeypatch.setattr(duty, "_LOOK_AGAIN", 3600)
    monkeypatch.setattr(duty, "_LEAST", 0)
    database = _Database()

    async def turns() -> None:
        for _ in range(100):
            await asyncio.sleep(0)

    async def idle() -> None:
        serving = asyncio.create_task(duty.deliver(database))  # type: ignore[arg-type]
        await turns()
        assert database.looks == 1
        news[0].heard()
        await turns()
        assert database.looks == 2
        serving.cancel()

    asyncio.run(idle())
