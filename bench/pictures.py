"""Thumbnails of a 4K picture against the bare calls of OpenImageIO: `python -m bench.pictures`.

Prints processor seconds: the machines are noisy. Ours includes the confinement, the process and the checks.
"""

import asyncio
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813

from pegbar.media.pictures import DERIVED, rendered

_BARE = """
import OpenImageIO as oiio, sys
oiio.attribute("threads", 2)
picture = oiio.ImageBuf(sys.argv[1])
picture.read()
for number, (width, height) in enumerate(((150, 84), (100, 56), (1200, 675))):
    roi = oiio.ROI(0, width, 0, height, 0, 1, 0, 3)
    oiio.ImageBufAlgo.resize(picture, "lanczos3", roi=roi).write(f"{sys.argv[2]}/{number}.png", "uint8")
"""


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _picture(folder: Path, name: str, kind: str) -> Path:
    random = np.random.default_rng(1)
    pixels = np.kron(random.random((270, 480, 3)), np.ones((8, 8, 1))) + 0.02 * random.random((2160, 3840, 3))
    path = folder / name
    assert oiio.ImageBuf(pixels.clip(0, 1).astype(np.float32)).write(str(path), kind)
    return path


async def _ours(source: Path) -> None:
    async with rendered(source, DERIVED, holder=None, name=source.name):
        pass


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for source in (_picture(folder, "4k.png", "uint8"), _picture(folder, "4k.exr", "half")):
            started = _spent()
            subprocess.run([sys.executable, "-I", "-c", _BARE, source, folder], check=True)
            between = _spent()
            asyncio.run(_ours(source))
            bare, ours = between - started, _spent() - between
            print(f"{source.name}: bare {bare:.1f} s, pegbar {ours:.1f} s of processor, {ours / bare:.2f}x")


if __name__ == "__main__":
    main()
