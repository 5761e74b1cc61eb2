"""What becomes of an encoder whose threads wait for each other."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from pegbar.media.movies.encoding import Work, encoding_wanted, limits_of, run_ffmpeg
from pegbar.media.movies.workshop import UnreadableMovie


def _made_by(script: str, folder: Path) -> int:
    wanted = encoding_wanted()
    work = Work(folder, [], replace(limits_of(1, 1, wanted), still=2.0))
    return asyncio.run(run_ffmpeg(["sh", "-c", script], work, wanted))


def test_an_encoder_that_stands_still_is_begun_again(tmp_path: Path) -> None:
    assert _made_by("if [ -e begun ]; then echo frame=7; else touch begun; exec sleep 100; fi", tmp_path) == 7


def test_one_that_stands_still_twice_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(UnreadableMovie) as refused:
        _made_by("exec sleep 100", tmp_path)
    assert "stood still, twice" in refused.value.message
