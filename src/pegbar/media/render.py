"""Makes pictures from an uploaded file. Runs as a program of its own (`python render.py REQUEST`), under limits.

Uploads are untrusted and decoders have faults, so nothing of the server is in this process: it reads one file, writes
the pictures asked for and prints their size as JSON. It imports nothing of Pegbar. Source: spec media, "Picture
pipeline"; from "Worth fixing": EXIF orientation is applied, and the height of `previews` has a limit.
"""

import json
import math
import resource
import sys
from typing import Any

#: Bytes of address space, seconds of processor, bytes of an output file.
_LIMITS = {
    resource.RLIMIT_AS: 6 * 1024**3,
    resource.RLIMIT_CPU: 300,
    resource.RLIMIT_FSIZE: 4 * 1024**3,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_NOFILE: 64,
}
#: A preview is as wide as this, and at most ten times as high.
PREVIEW_WIDTH = 1200
_TALLEST_PREVIEW = 10 * PREVIEW_WIDTH


class Unreadable(Exception):
    """The file is no picture that can be taken; the text says why."""


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


def _load(oiio: Any, request: dict[str, Any]) -> Any:
    """The pixels of the source, upright, without its metadata."""
    asked = oiio.ImageSpec()
    asked.attribute("oiio:UnassociatedAlpha", 1)
    source = oiio.ImageBuf(request["source"], 0, 0, asked)
    spec = source.spec()
    if source.has_error or spec.width < 1 or spec.height < 1:
        raise Unreadable("it is not a picture")
    if spec.width * spec.height * spec.depth > request["max_pixels"]:
        raise Unreadable(f"it has {spec.width} x {spec.height} pixels; {request['max_pixels']} are the most")
    kind = oiio.FLOAT if request["hdr"] else oiio.UINT8
    if not source.read(0, 0, True, kind):
        raise Unreadable("it is damaged")
    source = oiio.ImageBufAlgo.reorient(source)
    spec = source.spec()
    channels = min(spec.nchannels, 4)
    clean = _blank(oiio, spec.width, spec.height, channels, kind)
    if spec.nchannels > channels:
        source = oiio.ImageBufAlgo.channels(source, tuple(range(channels)))
    oiio.ImageBufAlgo.paste(clean, -spec.x, -spec.y, 0, 0, source)
    if clean.has_error:
        raise Unreadable("it is damaged")
    return clean


def _four_channels(oiio: Any, picture: Any, hdr: bool) -> Any:
    """Red, green, blue and alpha, multiplied, as floats: what resizing needs."""
    order = {1: (0, 0, 0, 1.0), 2: (0, 0, 0, 1), 3: (0, 1, 2, 1.0), 4: (0, 1, 2, 3)}[picture.nchannels]
    spread = oiio.ImageBufAlgo.channels(picture, order, ("R", "G", "B", "A"))
    spec = spread.spec()
    wide = _blank(oiio, spec.width, spec.height, 4, oiio.FLOAT)
    oiio.ImageBufAlgo.paste(wide, 0, 0, 0, 0, spread)
    if hdr:
        wide = oiio.ImageBufAlgo.pow(oiio.ImageBufAlgo.clamp(wide, 0.0, 1.0), 1 / 2.2)
    return wide if picture.nchannels in (1, 3) else oiio.ImageBufAlgo.premult(wide)


def _resized(oiio: Any, picture: Any, width: int, height: int) -> Any:
    whole = oiio.ROI(0, width, 0, height, 0, 1, 0, 4)
    return oiio.ImageBufAlgo.clamp(oiio.ImageBufAlgo.resize(picture, "lanczos3", roi=whole), 0.0, 1.0)


def _contained(oiio: Any, picture: Any, box: tuple[int, int]) -> Any:
    """The whole picture in a box, centred on nothing."""
    spec = picture.spec()
    width, height = fit(spec.width, spec.height, *box)
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


def _save(oiio: Any, picture: Any, path: str) -> None:
    spec = picture.spec()
    clean = oiio.ImageSpec(spec.width, spec.height, spec.nchannels, oiio.UINT8)
    clean.attribute("oiio:UnassociatedAlpha", 1)
    clean.attribute("png:compressionLevel", 6)
    output = oiio.ImageOutput.create("png")
    if output is None or not output.open(path, clean):
        raise OSError(f"{path} cannot be written: {output.geterror() if output else oiio.geterror()}")
    written = output.write_image(picture.get_pixels(oiio.UINT8))
    if not output.close() or not written:
        raise OSError(f"{path} cannot be written: {output.geterror()}")


def _make(oiio: Any, request: dict[str, Any]) -> dict[str, int]:
    picture = _load(oiio, request)
    size = {"width": picture.spec().width, "height": picture.spec().height}
    wide = None
    for output in request["outputs"]:
        if output["fit"] == "none":
            _save(oiio, picture, output["path"])
            continue
        if wide is None:
            wide = _four_channels(oiio, picture, request["hdr"])
        box = preview_box(**size) if output["fit"] == "preview" else (output["width"], output["height"])
        shaped = (_cropped if output["fit"] == "crop" else _contained)(oiio, wide, box)
        _save(oiio, oiio.ImageBufAlgo.unpremult(shaped), output["path"])
    return size


def main() -> None:
    """Do what the request says, under limits; exit with 1 and a reason when the file is no picture."""
    for name, value in _LIMITS.items():
        resource.setrlimit(name, (value, value))
    import OpenImageIO as oiio  # noqa: N813

    oiio.attribute("threads", 2)
    try:
        print(json.dumps(_make(oiio, json.loads(sys.argv[1]))))  # noqa: T201
    except Unreadable as error:
        print(json.dumps({"unreadable": str(error)}))  # noqa: T201
        sys.exit(1)
    except MemoryError:
        print(json.dumps({"unreadable": "it needs too much memory"}))  # noqa: T201
        sys.exit(1)


if __name__ == "__main__":
    main()
