"""Makes pictures from an uploaded file. Runs as a program of its own (`python render.py REQUEST`), under limits.

Uploads are untrusted and decoders have faults, so nothing of the server is in this process: it reads one file, writes
the pictures asked for and prints their size as JSON. It imports nothing of Pegbar.

The header decides first: whether the picture is too large at all, or larger than this run is for, and how much memory
its pixels may take. They are read in strips, and shrunk as they come to a small multiple of the largest picture that is
derived. Source: spec media, "Picture pipeline"; from "Worth fixing": EXIF orientation is applied, and the height of
`previews` has a limit.
"""

import json
import math
import resource
import sys
from collections.abc import Iterator
from typing import Any

#: Seconds of processor, bytes of an output file.
_LIMITS = {
    resource.RLIMIT_CPU: 120,
    resource.RLIMIT_FSIZE: 4 * 1024**3,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_NOFILE: 64,
}
#: Bytes of address space: for the libraries and a header, and for each pixel of the picture.
_MEMORY, _MEMORY_OF_PIXEL = 768 * 1024**2, 8
#: A preview is as wide as this, and at most ten times as high.
PREVIEW_WIDTH = 1200
_TALLEST_PREVIEW = 10 * PREVIEW_WIDTH
#: Samples of the source that are in memory at a time.
_STRIP = 2**20
#: A picture of fewer pixels is shrunk by its filter alone; one of more is averaged first, to twice the size needed.
_SHRINKS_FROM = 2**24
#: The exit code for a picture that is larger than this run is for.
LARGE = 3


class Unreadable(Exception):
    """The file is no picture that can be taken; the text says why."""


class Large(Exception):
    """The picture has more pixels than this run is for: a later one makes it."""


def fit(width: int, height: int, box_width: int, box_height: int) -> tuple[int, int]:
    """The size of a picture that is contained in a box, grown when it is smaller."""
    if width < box_width and height < box_height:
        scale = min(box_width / width, box_height / height)
        width, height = max(round(width * scale), 1), max(round(height * scale), 1)
    if width * box_height == height * box_width:
        return box_width, box_height
    fitted = math.ceil(box_height * width / height)
    if fitted <= box_width:
        return fitted, box_height
    return box_width, min(math.ceil(box_width * height / width), box_height)


def preview_box(width: int, height: int) -> tuple[int, int]:
    """The box of `previews`: always 1200 wide, as high as the picture needs."""
    return PREVIEW_WIDTH, min(math.ceil(PREVIEW_WIDTH * height / width), _TALLEST_PREVIEW)


def _blank(oiio: Any, width: int, height: int, channels: int, kind: Any) -> Any:
    buffer = oiio.ImageBuf(oiio.ImageSpec(width, height, channels, kind))
    oiio.ImageBufAlgo.zero(buffer)
    return buffer


def upright(pixels: Any, orientation: int) -> Any:
    """A view of rows of pixels as they are to be seen, by their EXIF orientation (1 to 8)."""
    if orientation > 4:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels[::-1] if orientation in (3, 4, 7, 8) else pixels


class Source:
    """The picture to read: its header, then its pixels from top to bottom. Raises Unreadable and Large."""

    def __init__(self, oiio: Any, request: dict[str, Any]) -> None:
        config = oiio.ImageSpec()
        config.attribute("oiio:UnassociatedAlpha", 1)
        opened = oiio.ImageInput.open(request["source"], config)
        if opened is None:
            oiio.geterror()
            raise Unreadable("it is not a picture")
        self._oiio, self._input, self._spec = oiio, opened, opened.spec()
        self._check(request["max_pixels"])
        if self.pixels > request.get("small_pixels", self.pixels):
            raise Large
        bytes_of_pixel = max(_MEMORY_OF_PIXEL, self._spec.nchannels * self._spec.format.basesize())
        limit_memory(self.pixels * min(bytes_of_pixel, 4 * _MEMORY_OF_PIXEL))
        self.channels = min(self._spec.nchannels, 4)
        self.kind = oiio.FLOAT if request["hdr"] else oiio.UINT8
        orientation = self._spec.get_int_attribute("Orientation", 1)
        self.orientation = orientation if 1 <= orientation <= 8 else 1
        turned = self.orientation > 4
        self.width, self.height = (self._spec.height, self._spec.width)[:: 1 if turned else -1]

    @property
    def pixels(self) -> int:
        """How many pixels it has."""
        return int(self._spec.width) * int(self._spec.height) * int(self._spec.depth)

    def _check(self, most: int) -> None:
        """Refuse by the header: its dimensions, and those of whatever else it says that the file holds."""
        spec = self._spec
        if spec.width < 1 or spec.height < 1 or spec.nchannels < 1:
            raise Unreadable("it is not a picture")
        if spec.depth != 1 or spec.deep:
            raise Unreadable("it is not a flat picture")
        for part in range(max(spec.get_int_attribute("oiio:subimages", 1), 1)):
            size = spec if part == 0 else self._input.spec(part)
            if size.width * size.height * max(size.depth, 1) > most:
                raise Unreadable(f"it has {size.width} x {size.height} pixels; {most} are the most")

    def strips(self, multiple: int) -> Iterator[Any]:
        """Arrays of rows, of a number that is a multiple of this one but for the last."""
        spec, source = self._spec, self._input
        step = max(_STRIP // (spec.width * spec.nchannels), 1)
        rows = math.lcm(multiple, spec.tile_height or 1)
        step = max(step // rows, 1) * rows
        for top in range(0, spec.height, step):
            first, after = spec.y + top, spec.y + min(top + step, spec.height)
            if spec.tile_width:
                columns = (spec.x, spec.x + spec.width)
                strip = source.read_tiles(*columns, first, after, 0, 1, 0, self.channels, self.kind)
            else:
                strip = source.read_scanlines(first, after, 0, 0, self.channels, self.kind)
            if strip is None:
                raise Unreadable("it is damaged")
            yield strip.reshape(after - first, spec.width, self.channels)


def limit_memory(more: int = 0) -> None:
    """Limit the address space of this process to what its libraries need and so much more."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY + more, hard))


def _four_channels(np: Any, strip: Any, hdr: bool) -> Any:
    """Red, green, blue and alpha, multiplied, as floats from 0 to 1: what can be averaged and resized."""
    channels = strip.shape[2]
    wide = np.ones((*strip.shape[:2], 4), np.float32)
    wide[..., :3] = strip[..., :3] if channels > 2 else strip[..., :1]
    if channels in (2, 4):
        wide[..., 3] = strip[..., -1]
    if hdr:
        np.clip(wide, 0.0, 1.0, out=wide)
        np.power(wide[..., :3], 1 / 2.2, out=wide[..., :3])
    else:
        wide[..., : 4 if channels in (2, 4) else 3] /= 255
    if channels in (2, 4):
        wide[..., :3] *= wide[..., 3:]
    return wide


def _averaged(np: Any, wide: Any, by: int) -> Any:
    """A picture smaller by a whole number; what is left over at its end counts as another pixel."""
    for axis in (0, 1):
        starts = np.arange(0, wide.shape[axis], by)
        counts = np.diff(starts, append=wide.shape[axis]).astype(np.float32)
        sums = np.add.reduceat(wide, starts, axis=axis, dtype=np.float32)
        wide = sums / (counts[:, None, None] if axis == 0 else counts[None, :, None])
    return wide


def _shrunk(np: Any, strip: Any, by: int, hdr: bool) -> Any:
    """Rows of four channels, averaged. Values that nothing multiplies are averaged as they come: fewer numbers."""
    if by == 1:
        return _four_channels(np, strip, hdr)
    if hdr or strip.shape[2] in (2, 4):
        return _averaged(np, _four_channels(np, strip, hdr), by)
    return _four_channels(np, _averaged(np, strip, by), hdr)


def _factor(source: Source, output: dict[str, Any]) -> int:
    """By how much a picture may be averaged before it is resized to an output."""
    if source.pixels < _SHRINKS_FROM:
        return 1
    box = _box(source, output)
    sides = box[0] / source.width, box[1] / source.height
    needed = max(sides) if output["fit"] == "crop" else min(sides)
    return max(int(1 / needed / 2 if needed <= 1 / 4 else 1 / needed), 1)


def _box(source: Source, output: dict[str, Any]) -> tuple[int, int]:
    if output["fit"] == "preview":
        return preview_box(source.width, source.height)
    return output["width"], output["height"]


def _resized(oiio: Any, picture: Any, width: int, height: int) -> Any:
    whole = oiio.ROI(0, width, 0, height, 0, 1, 0, 4)
    return oiio.ImageBufAlgo.clamp(oiio.ImageBufAlgo.resize(picture, "lanczos3", roi=whole), 0.0, 1.0)


def _contained(oiio: Any, picture: Any, box: tuple[int, int], size: tuple[int, int]) -> Any:
    """The whole picture, of that size before it was averaged, in a box, centred on nothing."""
    width, height = fit(*size, *box)
    canvas = _blank(oiio, *box, 4, oiio.FLOAT)
    small = _resized(oiio, picture, width, height)
    oiio.ImageBufAlgo.paste(canvas, (box[0] - width) // 2, (box[1] - height) // 2, 0, 0, small)
    return canvas


def _cropped(oiio: Any, picture: Any, box: tuple[int, int]) -> Any:
    """The middle of the picture, filling a box."""
    spec = picture.spec()
    scale = max(box[0] / spec.width, box[1] / spec.height)
    width, height = min(round(box[0] / scale), spec.width), min(round(box[1] / scale), spec.height)
    left, top = (spec.width - width) // 2, (spec.height - height) // 2
    part = _blank(oiio, width, height, 4, oiio.FLOAT)
    oiio.ImageBufAlgo.paste(part, -left, -top, 0, 0, picture)
    return _resized(oiio, part, *box)


class Png:
    """A PNG that is written from top to bottom."""

    def __init__(self, oiio: Any, path: str, width: int, height: int, channels: int) -> None:
        self._oiio, self._path = oiio, path
        spec = oiio.ImageSpec(width, height, channels, oiio.UINT8)
        spec.attribute("oiio:UnassociatedAlpha", 1)
        spec.attribute("png:compressionLevel", 6)
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


def _read(oiio: Any, np: Any, source: Source, request: dict[str, Any]) -> tuple[Any, int]:
    """The picture to derive others from, and by how much it is averaged. Originals are written as it is read.

    Only a picture that lies or stands on its head is kept whole for its original, in 8 bits.
    """
    outputs = request["outputs"]
    factors = [_factor(source, output) for output in outputs if output["fit"] != "none"]
    derives, by = bool(factors), min(factors, default=1)
    originals = [
        Png(oiio, output["path"], source.width, source.height, source.channels)
        for output in outputs
        if output["fit"] == "none"
    ]
    lying = (source.width, source.height)[:: -1 if source.orientation <= 4 else 1]
    averaged = np.empty((*[-(-side // by) for side in lying], 4) if derives else 0, np.float32)
    kept, done = [], 0
    for strip in source.strips(by):
        if derives:
            rows = _shrunk(np, strip, by, request["hdr"])
            averaged[done : done + len(rows)] = rows
            done += len(rows)
        if originals and source.orientation != 1:
            kept.append(strip)
            continue
        for original in originals:
            original.add(strip)
    if kept:
        whole = upright(np.concatenate(kept), source.orientation)
        kept.clear()
        step = max(_STRIP // (source.width * source.channels), 1)
        for top in range(0, source.height, step):
            for original in originals:
                original.add(np.ascontiguousarray(whole[top : top + step]))
    for original in originals:
        original.close()
    return upright(averaged, source.orientation) if derives else averaged, by


def _make(oiio: Any, request: dict[str, Any]) -> dict[str, int]:
    source = Source(oiio, request)
    import numpy as np

    averaged, by = _read(oiio, np, source, request)
    for output in request["outputs"]:
        if output["fit"] == "none":
            continue
        box, further = _box(source, output), _factor(source, output) // by
        rows = averaged if further == 1 else _averaged(np, averaged, further)
        picture = oiio.ImageBuf(np.ascontiguousarray(rows))
        if output["fit"] == "crop":
            shaped = _cropped(oiio, picture, box)
        else:
            shaped = _contained(oiio, picture, box, (source.width, source.height))
        small = Png(oiio, output["path"], *box, 4)
        small.add(oiio.ImageBufAlgo.unpremult(shaped).get_pixels(oiio.UINT8))
        small.close()
    return {"width": source.width, "height": source.height}


def main() -> None:
    """Do what the request says, under limits; exit with 1 and a reason for no picture, with 3 for a large one."""
    for name, value in _LIMITS.items():
        resource.setrlimit(name, (value, value))
    request = json.loads(sys.argv[1])
    limit_memory()
    import OpenImageIO as oiio  # noqa: N813

    oiio.attribute("threads", 2)
    # Some formats are decoded when they are opened: what the header says counts before that.
    oiio.attribute("limits:imagesize_MB", max(request["max_pixels"] * 4 * _MEMORY_OF_PIXEL // 2**20, 1))
    try:
        print(json.dumps(_make(oiio, request)))  # noqa: T201
    except Large:
        sys.exit(LARGE)
    except Unreadable as error:
        print(json.dumps({"unreadable": str(error)}))  # noqa: T201
        sys.exit(1)
    except MemoryError:
        print(json.dumps({"unreadable": "it needs too much memory"}))  # noqa: T201
        sys.exit(1)


if __name__ == "__main__":
    main()
