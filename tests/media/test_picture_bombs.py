"""Files that lie, and files that explode: refused or tolerated, each with its cause and in little memory."""

import asyncio
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pegbar.core.work import programs
from pegbar.core.work.confined import Limits, Outcome
from pegbar.media import render
from tests.media.files import exr_header, flat, gif, png_with, psd, tiff, written, zlib_bomb
from tests.media.publishing import png_of
from tests.media.rendering import COLOUR, measured

#: More than the libraries need for a small picture, far less than any of the bombs would take.
LITTLE = 250 * 2**20

#: Files that say they have 10^10 pixels.
BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG": lambda: png_of(100_000, 100_000, 8, 2, b"", packed=b"x"),
    "EXR": lambda: exr_header(100_000, 100_000),
    "PSB": lambda: psd((1, 2, 3), version=2, said=(100_000, 100_000)),
    "TIFF": lambda: tiff(100_000, 100_000, 122, 64),
    "HDR": lambda: b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 100000 +X 100000\n",
}

#: Files that promise more than they hold.
LIES: dict[str, Callable[[], bytes]] = {
    "an EXR that ends after its header": lambda: exr_header(4000, 3000),
    "a TIFF whose strip lies beyond its end": lambda: tiff(64, 64, 2**31, 4096),
    "a TIFF whose strip is said to be long": lambda: tiff(4000, 4000, 122, 2**31),
    "a PSD without pixels": lambda: psd((1, 2, 3), said=(4000, 4000))[:40],
    "a JPEG 2000 of rubbish": lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(200),
    "a DPX of rubbish": lambda: b"SDPX" + b"\xff" * 3000,
    "nothing": lambda: b"",
}


@pytest.mark.parametrize("what", BOMBS)
def test_a_file_of_too_many_pixels_is_refused_by_its_header(tmp_path: Path, what: str) -> None:
    source = tmp_path / "upload"
    source.write_bytes(BOMBS[what]())
    code, answer, memory = measured(source, "contain")
    assert code == 1, answer
    assert "MB image from a" in answer["unreadable"] or "100000x100000" in answer["unreadable"]
    assert str(tmp_path) not in answer["unreadable"]
    assert memory < LITTLE


@pytest.mark.parametrize("what", LIES)
def test_a_file_that_promises_too_much_is_refused_in_little_memory(tmp_path: Path, what: str) -> None:
    source = tmp_path / "upload"
    source.write_bytes(LIES[what]())
    code, answer, memory = measured(source, "contain")
    assert code == 1, answer
    assert answer["unreadable"].startswith(("it is damaged", "it is not a picture"))
    assert memory < LITTLE


def test_channels_that_are_not_there_are_blank(tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(psd((1, 2, 3), channels=56, said=(4000, 4000)))
    code, answer, memory = measured(source, "contain")
    assert code in (0, 1), answer
    assert memory < LITTLE


@pytest.mark.parametrize(
    "chunk",
    [
        (b"zTXt", b"Comment\0\0" + zlib_bomb(2**30)),
        (b"iCCP", b"profile\0\0" + zlib_bomb(2**30)),
        (b"iTXt", b"Comment\0\1\0\0\0" + zlib_bomb(2**30)),
    ],
    ids=["text", "profile", "international text"],
)
def test_what_a_picture_says_about_itself_may_not_explode(tmp_path: Path, chunk: tuple[bytes, bytes]) -> None:
    source = tmp_path / "upload"
    source.write_bytes(png_with(chunk))
    assert source.stat().st_size < 2 * 2**20
    code, answer, memory = measured(source, "contain")
    assert (code, answer.get("width")) == (0, 8)
    assert memory < LITTLE


def test_of_an_animation_of_100_000_frames_one_is_read(tmp_path: Path) -> None:
    source = tmp_path / "upload"
    source.write_bytes(gif(100_000))
    code, answer, memory = measured(source, "contain")
    assert (code, answer) == (0, {"width": 1, "height": 1})
    assert memory < LITTLE


def test_a_window_larger_than_its_picture_counts_too(tmp_path: Path) -> None:
    pixels = flat((0.1, 0.1, 0.1), 8, 8)
    source = written(tmp_path / "a.exr", pixels, "half", place=(0, 0, 100_000, 100_000))
    code, answer, memory = measured(source, "contain")
    assert code == 1
    assert "it has 100000 x 100000" in answer["unreadable"]
    assert memory < LITTLE


def _run(folder: Path, request: str, *, reads: Path, memory: int = 2**30) -> Outcome:
    limits = Limits(memory=memory, processor=60, longest=120, file_size=2**30)
    return asyncio.run(programs.run(render.PROGRAM, request, folder=folder, reads=[reads], limits=limits))


def _request(source: Path, folder: Path, **more: object) -> str:
    import json

    outputs = [{"path": str(folder / "out"), "fit": "contain", "width": 60, "height": 40}]
    request = {"source": str(source), "outputs": outputs, "hdr": False, "max_pixels": 2**27, "colour": COLOUR, **more}
    return json.dumps(request)


def test_the_program_reads_its_file_and_no_neighbour(tmp_path: Path) -> None:
    folder = tmp_path / "scratch"
    folder.mkdir()
    source = written(tmp_path / "mine.exr", flat((0.18, 0.18, 0.18)), "half")
    neighbour = written(tmp_path / "theirs.exr", flat((0.18, 0.18, 0.18)), "half")
    mine = _run(folder, _request(source, folder), reads=source)
    assert mine.code == 0, mine.complaint
    assert (folder / "out").stat().st_size > 0
    theirs = _run(folder, _request(neighbour, folder), reads=source)
    if not _landlock():
        pytest.skip("this kernel has no Landlock, which keeps programs from other files")
    assert theirs.code == 1
    away = _run(folder, _request(source, tmp_path), reads=source)
    assert away.code == 1
    assert not (tmp_path / "out").exists()


def _landlock() -> bool:
    import ctypes

    version = ctypes.CDLL(None).syscall(444, None, ctypes.c_long(0), ctypes.c_long(1)) if sys.platform == "linux" else 0
    return int(version) >= 1


def test_a_picture_that_needs_more_memory_than_it_may_take_is_refused(tmp_path: Path) -> None:
    source = written(tmp_path / "large.exr", flat((0.18, 0.18, 0.18), 5000, 3000), "half")
    outputs = [{"path": str(tmp_path / "out"), "fit": "crop", "width": 4000, "height": 2500}]
    done = _run(tmp_path, _request(source, tmp_path, outputs=outputs), reads=source, memory=400 * 2**20)
    assert done.code != 0
    assert not (tmp_path / "out").exists() or not (tmp_path / "out").stat().st_size


@pytest.mark.parametrize("at", [0, 100, 1000, 5000])
@pytest.mark.parametrize("extension", ["exr", "tif", "png", "jpg", "webp", "jp2", "jxl", "tga", "dpx", "gif"])
def test_damaged_files_are_shown_or_refused_never_worse(tmp_path: Path, extension: str, at: int) -> None:
    source = written(tmp_path / f"a.{extension}", flat((0.2, 0.4, 0.6)), "half" if extension == "exr" else "uint8")
    content = bytearray(source.read_bytes())
    for place in range(at % max(len(content), 1), len(content), 97):
        content[place] ^= 0x5A
    source.write_bytes(content)
    code, answer, memory = measured(source, "contain")
    assert code in (0, 1)
    assert set(answer) <= {"unreadable", "width", "height", "note"}
    assert answer
    assert memory < LITTLE


def test_a_hundred_thousand_pages_are_not_all_looked_at(tmp_path: Path) -> None:
    page = tiff(8, 8, 0, 64)
    directory = page[8:-64]
    pages = bytearray(b"II*\0" + struct.pack("<I", 8 + 64) + page[-64:])
    for _ in range(100_000):
        after = len(pages) + len(directory)
        pages += directory[:-4].replace(struct.pack("<HHII", 273, 4, 1, 0), struct.pack("<HHII", 273, 4, 1, 8))
        pages += struct.pack("<I", after)
    source = tmp_path / "upload"
    source.write_bytes(pages[:-4] + bytes(4))
    code, answer, memory = measured(source, "contain")
    assert (code, answer.get("width")) == (0, 8)
    assert memory < LITTLE
