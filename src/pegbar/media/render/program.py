"""Shrinks a picture as it is read, and writes what is derived from it.

It is read in strips, and averaged as they come to a small multiple of the largest picture that is derived. Light is
averaged as light, and shown through its display when it is small: that is most of the work (OpenColorIO) saved.
"""

import json
import sys
from typing import Any

from . import LARGE, Large, Unreadable, fit, preview_box
from .colour import BRIGHTEST, Display, Meaning, light_of_film
from .photos import inks_of_jpeg, photo
from .sources import STRIP, File, Source, limit_memory

LOADS = ("numpy", "OpenImageIO", "PIL.Image", "PIL.ImageCms")
#: A picture of fewer pixels is not averaged to less than twice the size needed; a larger one may be.
_SHRINKS_FROM = 2**24
#: Of PNG: a third of the time of the usual level 6, and larger by a twentieth.
_COMPRESSION = 4
#: The filter of light: the dark rings of a sharper one would show at every lamp.
_SOFT = "blackman-harris"


class Picture:
    """A source, with what its numbers mean. Raises Unreadable and Large."""

    def __init__(self, oiio: Any, np: Any, request: dict[str, Any]) -> None:
        self._oiio, self._np = oiio, np
        self.source = self._opened(request)
        self._clamped = bool(request["hdr"])
        self._display: Display | None = None
        self._meaning = Meaning()
        if self.source.scene and not self._clamped:
            self._display = Display(oiio, {**request["colour"], "name": request.get("name", "")})
            self._meaning = self._display.meaning(self.source.spec, self.source.file_format)

    def _opened(self, request: dict[str, Any]) -> Source:
        photograph = photo(self._np, request)
        if photograph is not None:
            return photograph
        file = File(self._oiio, self._np, request)
        return inks_of_jpeg(self._np, request) if file.inks_of_jpeg else file

    @property
    def plain(self) -> bool:
        """Whether it is bytes of colours alone: nothing can be seen through it, and no value is out of bounds."""
        return not self.source.floating and self.source.channels in (1, 3)

    def wide(self, rows: Any) -> Any:
        """Red, green, blue and alpha, multiplied, as floats: what can be averaged and resized."""
        np, source, channels = self._np, self.source, rows.shape[2]
        alpha = channels in (2, 4)
        wide = np.ones((*rows.shape[:2], 4), np.float32)
        wide[..., :3] = rows[..., :3] if channels > 2 else rows[..., :1]
        if alpha:
            wide[..., 3] = rows[..., -1]
        if not source.floating:
            wide[..., : 4 if alpha else 3] /= 255
        else:
            np.nan_to_num(wide, copy=False, nan=0.0, posinf=BRIGHTEST, neginf=0.0)
            np.clip(wide, -BRIGHTEST, BRIGHTEST, out=wide)
            np.clip(wide[..., 3], 0.0, 1.0, out=wide[..., 3])
            if self._clamped:
                np.clip(wide, 0.0, 1.0, out=wide)
                np.power(wide[..., :3], 1 / 2.2, out=wide[..., :3])
        if alpha and not source.premultiplied:
            wide[..., :3] *= wide[..., 3:]
        return wide

    def resized(self, wide: Any, width: int, height: int) -> Any:
        """A picture of four multiplied channels in another size."""
        if self._display is None or self._meaning.film:
            return _sharply_resized(self._np, wide, width, height, planes=3 if self.plain else 4)
        whole = self._oiio.ROI(0, width, 0, height, 0, 1, 0, 4)
        buffer = self._oiio.ImageBufAlgo.resize(_buffer(self._oiio, self._np, wide), _SOFT, roi=whole)
        return buffer.get_pixels(self._oiio.FLOAT)

    def visible(self, wide: Any) -> Any:
        """A picture of four multiplied channels as it is on a screen: from 0 to 1, not multiplied."""
        np = self._np
        if not self.plain:
            alpha = wide[..., 3:]
            wide[..., :3] /= np.where(alpha == 0, 1, alpha)
        if self._display is not None:
            if self._meaning.film:
                wide[..., :3] = light_of_film(np, wide[..., :3])
            wide = self._display.shown(_buffer(self._oiio, np, wide), self._meaning).get_pixels(self._oiio.FLOAT)
            np.nan_to_num(wide, copy=False, nan=0.0, posinf=1.0, neginf=0.0)
        return np.clip(wide, 0.0, 1.0, out=wide)

    def visible_rows(self, rows: Any) -> Any:
        """Rows as they are on a screen, for a picture that is not resized."""
        if not self.source.floating:
            return rows
        shown = self.visible(self.wide(rows))
        return self._np.ascontiguousarray(shown[..., {1: [0], 2: [0, 3], 3: [0, 1, 2]}.get(rows.shape[2], slice(None))])


def _sharply_resized(np: Any, wide: Any, width: int, height: int, planes: int) -> Any:
    """Resized for a screen, by Pillow: it goes by rows and columns in turn, in a tenth of OpenImageIO's time."""
    from PIL import Image

    resized = np.ones((height, width, wide.shape[2]), np.float32)
    for place in range(planes):
        plane = Image.fromarray(np.ascontiguousarray(wide[..., place]))
        resized[..., place] = plane.resize((width, height), Image.Resampling.LANCZOS)
    return np.clip(resized, 0.0, 1.0, out=resized)


def _buffer(oiio: Any, np: Any, pixels: Any) -> Any:
    buffer = oiio.ImageBuf(np.ascontiguousarray(pixels))
    spec = buffer.specmod()
    spec.channelnames, spec.alpha_channel = ("R", "G", "B", "A"), 3
    return buffer


def upright(pixels: Any, orientation: int) -> Any:
    """A view of rows of pixels as they are to be seen, by their EXIF orientation (1 to 8)."""
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels[::-1] if orientation in (3, 4, 7, 8) else pixels


def averaged(np: Any, wide: Any, by: int) -> Any:
    """A picture smaller by a whole number; what is left over at its end counts as another pixel."""
    for axis in (0, 1):
        starts = np.arange(0, wide.shape[axis], by)
        counts = np.diff(starts, append=wide.shape[axis]).astype(np.float32)
        sums = np.add.reduceat(wide, starts, axis=axis, dtype=np.float32)
        wide = sums / (counts[:, None, None] if axis == 0 else counts[None, :, None])
    return wide


def _shrunk(np: Any, picture: Picture, rows: Any, by: int) -> Any:
    """Rows of four channels, averaged. Values that nothing multiplies are averaged as they come: fewer numbers."""
    if by == 1:
        return picture.wide(rows)
    if picture.plain:
        return picture.wide(averaged(np, rows, by))
    return averaged(np, picture.wide(rows), by)


def _factor(source: Source, output: dict[str, Any]) -> int:
    """By how much a picture may be averaged before it is resized to an output."""
    box = _box(source, output)
    sides = box[0] / source.width, box[1] / source.height
    needed = max(sides) if output["fit"] == "crop" else min(sides)
    if needed <= 1 / 4:
        return int(1 / needed / 2)
    return max(int(1 / needed), 1) if source.pixels >= _SHRINKS_FROM else 1


def _box(source: Source, output: dict[str, Any]) -> tuple[int, int]:
    if output["fit"] == "preview":
        return preview_box(source.width, source.height)
    return output["width"], output["height"]


def _shown(np: Any, picture: Picture, wide: Any, size: tuple[int, int]) -> Any:
    """A picture of four multiplied channels on a screen, in eight bits."""
    return (picture.visible(picture.resized(wide, *size)) * 255 + 0.5).astype(np.uint8)


def _contained(np: Any, picture: Picture, wide: Any, box: tuple[int, int]) -> Any:
    """The whole picture in the middle of a box; around it, nothing."""
    width, height = fit(picture.source.width, picture.source.height, *box)
    left, top = (box[0] - width) // 2, (box[1] - height) // 2
    canvas = np.zeros((box[1], box[0], 4), np.uint8)
    canvas[top : top + height, left : left + width] = _shown(np, picture, wide, (width, height))
    return canvas


def _cropped(np: Any, picture: Picture, wide: Any, box: tuple[int, int]) -> Any:
    """The middle of the picture, filling a box."""
    whole_height, whole_width = wide.shape[:2]
    scale = max(box[0] / whole_width, box[1] / whole_height)
    width, height = min(round(box[0] / scale), whole_width), min(round(box[1] / scale), whole_height)
    left, top = (whole_width - width) // 2, (whole_height - height) // 2
    return _shown(np, picture, wide[top : top + height, left : left + width], box)


class Png:
    """A PNG that is written from top to bottom."""

    def __init__(self, oiio: Any, path: str, width: int, height: int, channels: int) -> None:
        self._oiio, self._path = oiio, path
        spec = oiio.ImageSpec(width, height, channels, oiio.UINT8)
        spec.attribute("oiio:UnassociatedAlpha", 1)
        spec.attribute("png:compressionLevel", _COMPRESSION)
        self._output, self._next = oiio.ImageOutput.create("png"), 0
        if self._output is None or not self._output.open(path, spec):
            raise OSError(f"{path} cannot be written: {self._output.geterror() if self._output else oiio.geterror()}")

    def add(self, rows: Any) -> None:
        """The next rows."""
        first, self._next = self._next, self._next + rows.shape[0]
        if not self._output.write_scanlines(first, self._next, 0, rows):
            raise OSError(f"{self._path} cannot be written: {self._output.geterror()}")

    def close(self) -> None:
        """Finish it."""
        if not self._output.close():
            raise OSError(f"{self._path} cannot be written: {self._output.geterror()}")


def _read(oiio: Any, np: Any, picture: Picture, outputs: list[dict[str, Any]]) -> tuple[Any, int]:
    """The picture to derive others from, and by how much it is averaged. Originals are written as it is read.

    Only a picture that lies or stands on its head is kept whole for its original, in 8 bits.
    """
    source = picture.source
    factors = [_factor(source, output) for output in outputs if output["fit"] != "none"]
    derives, by = bool(factors), min(factors, default=1)
    originals = [
        Png(oiio, output["path"], source.width, source.height, source.channels)
        for output in outputs
        if output["fit"] == "none"
    ]
    lying = (source.width, source.height)[:: -1 if source.orientation <= 4 else 1]
    small = np.empty((*[-(-side // by) for side in lying], 4) if derives else 0, np.float32)
    kept, done = [], 0
    for strip in source.strips(np, by):
        if derives:
            rows = _shrunk(np, picture, strip, by)
            small[done : done + len(rows)] = rows
            done += len(rows)
        if originals and source.orientation != 1:
            kept.append(picture.visible_rows(strip))
            continue
        for original in originals:
            original.add(np.ascontiguousarray(picture.visible_rows(strip)))
    if kept:
        whole = upright(np.concatenate(kept), source.orientation)
        kept.clear()
        step = max(STRIP // (source.width * source.channels), 1)
        for top in range(0, source.height, step):
            for original in originals:
                original.add(np.ascontiguousarray(whole[top : top + step]))
    for original in originals:
        original.close()
    return upright(small, source.orientation) if derives else small, by


def _seen(small: Any, source: Source) -> Any:
    """A picture whose alpha says that nothing is to be seen of it shows its colours: so renderers leave it often."""
    if source.premultiplied and small[..., :3].any() and not small[..., 3].any():
        small[..., 3] = 1
    return small


def make(oiio: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Make what the request names; the size of the picture, and what is not as it should be (`note`)."""
    import numpy as np

    picture = Picture(oiio, np, request)
    source = picture.source
    derived = [output for output in request["outputs"] if output["fit"] != "none"]
    small, by = _read(oiio, np, picture, request["outputs"])
    small = _seen(small, source) if derived else small
    for output in derived:
        box, further = _box(source, output), _factor(source, output) // by
        wide = small if further == 1 else averaged(np, small, further)
        png = Png(oiio, output["path"], *box, 4)
        png.add((_cropped if output["fit"] == "crop" else _contained)(np, picture, wide, box))
        png.close()
    return {"width": source.width, "height": source.height, **({"note": source.note} if source.note else {})}


def main() -> None:
    """Do what the request says; exit with 1 and a reason for no picture, with LARGE for a large one."""
    request = json.loads(sys.argv[1])
    limit_memory()
    import OpenImageIO as oiio  # noqa: N813

    oiio.attribute("threads", 2)
    # Sizes are judged in sources.py, which tells them. What is decoded when it is opened meets the limit of memory.
    oiio.attribute("limits:imagesize_MB", 2**31 - 1)
    try:
        print(json.dumps(make(oiio, request)))  # noqa: T201
    except Large:
        sys.exit(LARGE)
    except Unreadable as error:
        print(json.dumps({"unreadable": str(error)}))  # noqa: T201
        sys.exit(1)
    except MemoryError:
        print(json.dumps({"unreadable": "it needs too much memory"}))  # noqa: T201
        sys.exit(1)
