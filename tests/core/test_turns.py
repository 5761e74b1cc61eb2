"""Nobody takes the whole of what all share: turns, allowances, and the spool of a slow reader."""

import asyncio
import errno
import os
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from pegbar.config import settings
from pegbar.core.http import streaming
from pegbar.core.http.spool import NotKept, Spool
from pegbar.core.http.streaming import Streaming
from pegbar.core.turns import Allowance, Busy, Rate, Turns

ANNE, BOB = uuid4(), uuid4()


async def _settle() -> None:
    """Let everything run that can."""
    for _ in range(20):
        await asyncio.sleep(0)


class Work:
    """Somebody who takes a place, and keeps it until told."""

    def __init__(self, turns: Turns, holder: UUID, rank: int = 0) -> None:
        self.holder, self.has_place = holder, False
        self._enough = asyncio.Event()
        self.task = asyncio.create_task(self._run(turns, holder, rank))

    async def _run(self, turns: Turns, holder: UUID, rank: int) -> None:
        async with turns.place(holder, rank):
            self.has_place = True
            await self._enough.wait()
        self.has_place = False

    async def finish(self) -> None:
        self._enough.set()
        await self.task
        await _settle()


def test_one_caller_leaves_a_place_to_the_next() -> None:
    async def day() -> None:
        turns = Turns(3, 2)
        hers = [Work(turns, ANNE) for _ in range(5)]
        await _settle()
        assert [work.has_place for work in hers] == [True, True, False, False, False]
        his = Work(turns, BOB)
        await _settle()
        assert his.has_place
        for work in (*hers, his):
            await work.finish()

    asyncio.run(day())


def test_the_small_come_before_the_large() -> None:
    async def day() -> None:
        turns = Turns(1, 1)
        first = Work(turns, ANNE)
        large = [Work(turns, ANNE, rank=1) for _ in range(3)]
        await _settle()
        small = Work(turns, BOB)
        await _settle()
        await first.finish()
        assert small.has_place
        assert not any(work.has_place for work in large)
        for work in (small, *large):
            await work.finish()

    asyncio.run(day())


def test_who_waits_with_too_much_is_refused_and_may_come_again() -> None:
    async def day() -> None:
        turns = Turns(1, 1, most_waiting=1, what="pictures")
        first, second = Work(turns, ANNE), Work(turns, ANNE)
        await _settle()
        with pytest.raises(Busy) as refused:
            async with turns.place(ANNE):
                pass
        assert refused.value.status == 429
        assert "pictures" in refused.value.message
        assert refused.value.headers["retry-after"]
        for work in (first, second):
            await work.finish()
        async with turns.place(ANNE):
            pass

    asyncio.run(day())


@given(
    st.integers(1, 4), st.integers(1, 4), st.lists(st.tuples(st.sampled_from([ANNE, BOB]), st.booleans()), max_size=25)
)
def test_places_are_bounded_and_come_back_also_from_who_gives_up(
    places: int, by_holder: int, callers: list[tuple[UUID, bool]]
) -> None:
    async def day() -> None:
        turns = Turns(places, by_holder)
        works = [(Work(turns, holder), gives_up) for holder, gives_up in callers]
        await _settle()
        for work, gives_up in works:
            held = [holding for holding, _ in works if holding.has_place]
            assert len(held) <= places
            assert all(sum(holding.holder == who for holding in held) <= by_holder for who in (ANNE, BOB))
            if gives_up and not work.has_place:
                work.task.cancel()
                await _settle()
            else:
                await work.finish()
        after = [Work(turns, who) for who in (ANNE, BOB) for _ in range(by_holder)]
        await _settle()
        assert sum(work.has_place for work in after) == min(places, 2 * by_holder)
        for work in after:
            await work.finish()

    asyncio.run(day())


@given(sizes=st.lists(st.integers(1, 300_000), max_size=25), seed=st.integers(0, 10**6))
def test_what_goes_into_a_spool_comes_out_of_it_and_its_space_is_given_back(sizes: list[int], seed: int) -> None:
    chance = random.Random(seed)
    written = [chance.randbytes(size) for size in sizes]
    folder = Path(os.environ.get("TMPDIR", "/tmp"))

    async def life() -> None:
        allowance = Allowance(10**9, 10**9)
        spool = Spool(allowance, ANNE, folder)

        async def pieces() -> AsyncIterator[bytes]:
            for piece in written:
                yield piece
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)

        filling = asyncio.create_task(spool.fill(pieces()))
        if chance.random() < 0.5:
            await filling
        read = []
        while (piece := await spool.get()) is not None:
            read.append(piece)
        await filling
        spool.close()
        assert b"".join(read) == b"".join(written)
        assert allowance.take(ANNE, 10**9)

    asyncio.run(life())


async def _of(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def test_a_spool_takes_no_more_than_its_caller_may_and_leaves_the_rest_to_others(tmp_path: Path) -> None:
    async def life() -> None:
        allowance = Allowance(3_000_000, 2_000_000)
        hers, his = Spool(allowance, ANNE, tmp_path), Spool(allowance, BOB, tmp_path)
        await hers.fill(_of(*[bytes(400_000)] * 8))
        with pytest.raises(NotKept):
            await hers.get()
        await his.fill(_of(*[bytes(400_000)] * 2))
        assert await his.get() == bytes(400_000)
        assert list(tmp_path.iterdir()) == []  # its file has no name
        hers.close()
        his.close()
        assert allowance.take(BOB, 2_000_000)

    asyncio.run(life())


class Client:
    """Takes the messages of an answer; slow, it takes no body until told."""

    def __init__(self, *, slow: bool) -> None:
        self.messages: list[Any] = []
        self.takes = asyncio.Event()
        if not slow:
            self.takes.set()

    async def send(self, message: Any) -> None:
        self.messages.append(message)
        if message["type"] == "http.response.body":
            await self.takes.wait()

    async def receive(self) -> Any:
        await asyncio.Event().wait()

    @property
    def is_whole(self) -> bool:
        return bool(self.messages) and self.messages[-1] == {
            "type": "http.response.body",
            "body": b"",
            "more_body": False,
        }


def test_an_answer_that_the_disk_does_not_take_is_broken_off_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)

    async def life() -> bool:
        client = Client(slow=True)
        answer = Streaming(_of(*[bytes(400_000)] * 8), "application/json", ANNE)
        running = asyncio.create_task(answer({"path": "/board"}, client.receive, client.send))  # type: ignore[arg-type, typeddict-item]
        await running  # while the client takes nothing
        return client.is_whole

    with structlog.testing.capture_logs() as logs:
        assert not asyncio.run(life())
    assert "No space left on device" in str(logs)


def test_who_takes_nothing_is_given_up_and_its_answer_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "settings", lambda: replace(settings(), stream_patience=0.01))
    allowance = Allowance(0, 1)
    monkeypatch.setattr(streaming, "_under_way", lambda: allowance)

    async def life() -> bool:
        client = Client(slow=True)
        await Streaming(_of(b"[1", b"]"), "application/json", ANNE)({"path": "/x"}, client.receive, client.send)  # type: ignore[arg-type, typeddict-item]
        return client.is_whole

    with structlog.testing.capture_logs() as logs:
        assert not asyncio.run(life())
    assert "its client took nothing" in str(logs)
    assert allowance.take(ANNE)


def test_an_answer_whose_rows_fail_is_broken_off() -> None:
    async def failing() -> AsyncIterator[bytes]:
        yield b"[1"
        raise ConnectionError("the database is gone")

    async def life(pieces: AsyncIterator[bytes]) -> bool:
        client = Client(slow=False)
        await Streaming(pieces, "application/json", ANNE)({"path": "/x"}, client.receive, client.send)  # type: ignore[arg-type, typeddict-item]
        return client.is_whole

    assert not asyncio.run(life(failing()))
    assert asyncio.run(life(_of(b"[1", b"]")))


def test_an_answer_counts_among_its_callers_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    allowance = Allowance(0, 1)
    monkeypatch.setattr(streaming, "_under_way", lambda: allowance)

    async def life() -> None:
        client = Client(slow=False)
        answer = Streaming(_of(b"[]"), "application/json", ANNE)
        with pytest.raises(Busy):
            Streaming(_of(b"[]"), "application/json", ANNE)
        Streaming(_of(b"[]"), "application/json", BOB)
        await answer({"path": "/x"}, client.receive, client.send)  # type: ignore[arg-type, typeddict-item]
        Streaming(_of(b"[]"), "application/json", ANNE)

    asyncio.run(life())


@given(
    per_minute=st.integers(1, 500),
    pauses=st.lists(st.floats(0, 90, allow_nan=False), max_size=80),
)
def test_a_rate_is_kept_over_any_minute_and_used_whole(per_minute: int, pauses: list[float]) -> None:
    rate, now, taken = Rate(per_minute), 1000.0, list[float]()
    for pause in pauses:
        now += pause
        wait = rate.wait(ANNE, now)
        if wait == 0:
            rate.take(ANNE, now)
            taken.append(now)
        else:
            assert rate.wait(ANNE, now + wait) < 1e-6, "it says when to come again"
            assert len([at for at in taken if at > now - 60]) >= per_minute * (1 - 1e-9) - 1, "refused for nothing"
    for start in taken:  # a whole minute's worth at once, and what comes back meanwhile
        assert len([at for at in taken if start <= at < start + 60]) <= 2 * per_minute
    assert rate.wait(BOB, now) == 0


def test_a_rate_gives_a_minute_at_once_and_then_one_at_a_time() -> None:
    rate = Rate(30)
    for _ in range(30):
        assert rate.wait(ANNE, 0.0) == 0
        rate.take(ANNE, 0.0)
    assert rate.wait(ANNE, 0.0) == pytest.approx(2)
    assert rate.wait(ANNE, 2.0) == 0
    assert Rate(0).wait(ANNE, 0.0) == 0
