"""Files that are written while they arrive."""

import asyncio
import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.core.errors import StorageFull
from pegbar.core.storage import behind
from pegbar.core.storage.behind import WrittenBehind


@given(
    st.lists(st.one_of(st.binary(max_size=5000), st.integers(0, 3_000_000).map(bytes)), max_size=12),
    st.integers(0, 4096),
)
def test_pieces_lie_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], position: int
) -> None:
    path = tmp_path_factory.mktemp("behind") / "file"

    async def write() -> int:
        with path.open("wb", buffering=0) as file:
            writer = WrittenBehind(file.fileno(), path.parent, position)
            for piece in pieces:
                await writer.write(piece)
            return await writer.flush()

    end = asyncio.run(write())
    whole = b"".join(pieces)
    assert end == position + len(whole)
    assert path.read_bytes()[position:] == whole
    path.unlink()


def test_what_the_disk_says_is_told_by_a_later_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwritev", refuse)

    async def write() -> None:
        with (tmp_path / "file").open("wb", buffering=0) as file:
            writer = WrittenBehind(file.fileno(), tmp_path)
            await writer.write(bytes(behind._PIECE))
            with pytest.raises(StorageFull):
                await writer.flush()
            await writer.abandon()

    asyncio.run(write())


def test_a_file_is_not_written_once_it_was_abandoned(tmp_path: Path) -> None:
    path = tmp_path / "file"

    async def write() -> None:
        file = path.open("wb", buffering=0)
        writer = WrittenBehind(file.fileno(), tmp_path)
        await writer.write(b"a" * behind._PIECE)
        await writer.write(b"b" * 100)
        await writer.abandon()
        file.close()

    asyncio.run(write())
    assert path.read_bytes() == b"a" * behind._PIECE
