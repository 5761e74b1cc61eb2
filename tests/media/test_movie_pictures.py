"""The pictures of a movie are made of its first frame while the rest of it is encoded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pegbar.media.movies import making
from pegbar.media.movies.making import Derived, is_whole
from pegbar.media.pictures import Rendered, UnreadablePicture
from tests.media.publishing import png


class Painter:
    """Stands for the process that makes pictures."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *refusals: bool) -> None:
        self.begun = self.ended = 0
        self.refusals = list(refusals)
        self.waits = asyncio.Event()
        self.waits.set()
        monkeypatch.setattr(making, "rendered", self.rendered)

    @asynccontextmanager
    async def rendered(self, *_: Any, **__: Any) -> AsyncIterator[Rendered]:
        self.begun += 1
        try:
            await self.waits.wait()
            if self.refusals and self.refusals.pop(0):
                raise UnreadablePicture("It is cut off.")
            yield Rendered(64, 32, {})
        finally:
            self.ended += 1


def test_a_png_is_whole_once_its_end_is_written(tmp_path: Path) -> None:
    data, path = png(), tmp_path / "first.png"
    assert not is_whole(path)
    for length in (0, 5, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        assert not is_whole(path), length
    path.write_bytes(data)
    assert is_whole(path)


def test_pictures_begin_once_when_the_frame_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = tmp_path / "first.png"

    async def make() -> None:
        painter = Painter(monkeypatch)
        async with AsyncExitStack() as stack:
            derived = Derived(frame, None, stack)
            derived.begin()
            await asyncio.sleep(0)
            assert painter.begun == 0
            frame.write_bytes(png())
            derived.begin()
            derived.begin()
            assert (await derived.pictures()).width == 64
            assert (painter.begun, painter.ended) == (1, 0), "its files are there until the movie is stored"
        assert painter.ended == 1

    asyncio.run(make())


def test_pictures_end_with_an_encoder_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = tmp_path / "first.png"
    frame.write_bytes(png())

    async def make() -> None:
        painter = Painter(monkeypatch)
        painter.waits.clear()
        async with AsyncExitStack() as stack:
            Derived(frame, None, stack).begin()
            await asyncio.sleep(0)
            assert (painter.begun, painter.ended) == (1, 0)
        assert painter.ended == 1

    asyncio.run(make())


@pytest.mark.parametrize("is_readable_later", [True, False])
def test_a_frame_that_was_written_again_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_readable_later: bool
) -> None:
    frame = tmp_path / "first.png"
    frame.write_bytes(png())

    async def make() -> None:
        painter = Painter(monkeypatch, True, not is_readable_later)
        async with AsyncExitStack() as stack:
            derived = Derived(frame, None, stack)
            derived.begin()
            if is_readable_later:
                assert (await derived.pictures()).height == 32
            else:
                with pytest.raises(UnreadablePicture):
                    await derived.pictures()
        assert (painter.begun, painter.ended) == (2, 2)

    asyncio.run(make())
