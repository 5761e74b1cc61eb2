"""Opens a picture of any format: a header that is judged first, then its rows from top to bottom."""

import resource
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from . import MEMORY, MOST_MEMORY_OF_PIXEL, Large, Unreadable
from .colour import Conversion, Profiles, is_scene
from .layers import chosen

#: Bytes of address space for each pixel of the picture: at least, and for deep samples (as far as the process may).
_MEMORY_OF_PIXEL, _MEMORY_OF_DEEP = 8, 256
#: Samples of the source that are in memory at a time.
STRIP = 2**20
#: Parts of a file (EXR) and pages (TIFF) that are looked at, and rows that may fail before the rest is given up.
_MOST_PARTS, _MOST_FAILURES = 256, 16


#: How files of some formats start, and an extension of theirs.
_STARTS = {
    b"\x89PNG": "png", b"\xff\xd8": "jpg", b"\x76\x2f\x31\x01": "exr", b"8BPS": "psd", b"II*\0": "tif",
    b"MM\0*": "tif", b"#?": "hdr", b"SDPX": "dpx", b"XPDS": "dpx", b"GIF8": "gif", b"RIFF": "webp",
    b"\xff\x0a": "jxl", b"\0\0\0\x0cJXL ": "jxl", b"\0\0\0\x0cjP  ": "jp2",
}  # fmt: skip


def limit_memory(more: int = 0) -> None:
    """Limit the address space of this process to what its libraries need and so much more."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    bound = MEMORY + more
    resource.setrlimit(resource.RLIMIT_AS, (bound if hard == resource.RLIM_INFINITY else min(bound, hard), hard))


def judge(sizes: Sequence[tuple[int, int]], request: dict[str, Any], *, bytes_of_pixel: int) -> None:
    """Take the sizes that a header says, and the memory that their pixels need. Raises Unreadable and Large."""
    most = request["max_pixels"]
    for width, height in sizes:
        if width < 1 or height < 1:
            raise Unreadable("it is not a picture")
        if width * height > most:
            raise Unreadable(f"it has {width} x {height} pixels; {most} are the most")
    pixels = max(width * height for width, height in sizes)
    if pixels > request.get("small_pixels", pixels):
        raise Large
    limit_memory(pixels * max(bytes_of_pixel, _MEMORY_OF_PIXEL))


class Source:
    """A picture to read. `channels` (1 to 4) and the type of its rows are those that come out of `strips`."""

    scene = False  #: whether it must be shown through a colour configuration
    floating = False  #: whether its rows are floats; else they are bytes
    file_format = ""
    spec: Any = None  #: what OpenImageIO says of it
    premultiplied = False  #: whether its colours are multiplied by its alpha
    conversion: Conversion | None = None  #: to sRGB, of the rows as they are read
    note = ""  #: what is not as it should be

    def __init__(self, width: int, height: int, channels: int, orientation: int = 1) -> None:
        self._stored_size, self.channels = (width, height), channels
        self.orientation = orientation if 1 <= orientation <= 8 else 1

    @property
    def width(self) -> int:
        """Its width as it is to be seen."""
        return self._stored_size[self.orientation > 4]

    @property
    def height(self) -> int:
        """Its height as it is to be seen."""
        return self._stored_size[self.orientation <= 4]

    @property
    def pixels(self) -> int:
        """How many pixels it has."""
        return self.width * self.height

    def rows(self) -> Iterator[Any]:
        """Arrays of rows, of any number, as they are read."""
        raise NotImplementedError

    def _finished(self, np: Any, strip: Any) -> Any:
        """Rows in sRGB, where a profile says how; their alpha stays."""
        if self.conversion is None:
            return strip
        if self.channels in (2, 4):
            return np.dstack([self.conversion(strip[..., :-1]), strip[..., -1:]])
        return self.conversion(strip)

    def strips(self, np: Any, multiple: int) -> Iterator[Any]:
        """Arrays of rows, of a number that is a multiple of this one but for the last."""
        waiting: list[Any] = []
        count = 0
        for rows in self.rows():
            piece = self._finished(np, rows)
            waiting.append(piece)
            count += len(piece)
            whole = count // multiple * multiple
            if whole:
                strip = piece if len(waiting) == 1 else np.concatenate(waiting)
                yield strip[:whole]
                waiting, count = [strip[whole:]] * (count > whole), count - whole
        if count:
            yield np.concatenate(waiting)


class Decoded(Source):
    """A picture that is in memory."""

    def __init__(self, pixels: Any, channels: int = 0, conversion: Conversion | None = None) -> None:
        super().__init__(pixels.shape[1], pixels.shape[0], channels or pixels.shape[2])
        self._pixels, self.conversion = pixels, conversion

    def rows(self) -> Iterator[Any]:
        step = max(STRIP // (self._pixels.shape[1] * self._pixels.shape[2]), 1)
        for top in range(0, len(self._pixels), step):
            yield self._pixels[top : top + step]


class File(Source):
    """A picture that OpenImageIO reads as it goes. Raises Unreadable and Large."""

    inks_of_jpeg = False  #: whether it is better read by `photos.inks_of_jpeg`

    def __init__(self, oiio: Any, np: Any, request: dict[str, Any]) -> None:
        self._oiio, self._np, self._path = oiio, np, request["source"]
        self._input = self._opened()
        self.file_format = self._input.format_name()
        part = self._part(request)
        self.spec = spec = self._input.spec(part)
        self._part_number = part
        _, picked = chosen(spec.channelnames, spec.alpha_channel)
        self._window = spec.x, spec.y
        size = (spec.full_width, spec.full_height) if self.file_format == "openexr" else (spec.width, spec.height)
        self._origin = (spec.full_x, spec.full_y) if self.file_format == "openexr" else (spec.x, spec.y)
        super().__init__(*size, len(picked), spec.get_int_attribute("Orientation", 1))
        self.scene = request["hdr"] or is_scene(oiio, spec, self.file_format)
        self.floating = self.scene or (self.file_format == "openexr")
        self.premultiplied = len(picked) in (2, 4) and not spec.get_int_attribute("oiio:UnassociatedAlpha", 0)
        if not self.scene:
            self.conversion = self._profile(picked)
        self._first, self._after = min(picked), max(picked) + 1
        places = [place - self._first for place in picked]
        self._places = None if places == list(range(self._after - self._first)) else places
        self._failures = 0

    def _opened(self, **options: int) -> Any:
        config = self._oiio.ImageSpec()
        for name, value in {"UnassociatedAlpha": 1, **options}.items():
            config.attribute(f"oiio:{name}", value)
        opened = self._oiio.ImageInput.open(self._path, config)
        if opened is None:
            self._oiio.geterror()
            raise Unreadable(f"it is not a picture{self._complaint()}")
        return opened

    def _complaint(self) -> str:
        """What is wrong with the file, as the reader of the format says that it starts like.

        OpenImageIO asks that reader alone, and tells what it says, when the name has its extension.
        """
        with Path(self._path).open("rb") as file:
            start = file.read(8)
        extension = next((extension for beginning, extension in _STARTS.items() if start.startswith(beginning)), None)
        if extension is None:
            return ""
        with TemporaryDirectory() as folder:
            named = Path(folder) / f"file.{extension}"
            named.symlink_to(Path(self._path).resolve())
            self._oiio.ImageInput.open(str(named))
            complaint = " ".join(self._oiio.geterror().replace(str(named), "the file").split())
        return f" ({complaint[:300]})" if complaint else ""

    def _part(self, request: dict[str, Any]) -> int:
        """The part that is the picture: of an EXR, the one whose channels look most like it; else the first.

        Refuses by the headers: their dimensions, and those of whatever else they say that the file holds.
        """
        windowed, ranks, specs = self.file_format == "openexr", [], []
        for number in range(min(max(self._input.spec().get_int_attribute("oiio:subimages", 1), 1), _MOST_PARTS)):
            spec = self._input.spec(number)
            if number and spec.width < 1:  # fewer parts than the first one says
                break
            ranks.append(chosen(spec.channelnames, spec.alpha_channel)[0])
            specs.append(spec)
        if any(spec.depth > 1 for spec in specs):
            raise Unreadable("it is not a flat picture")
        part = ranks.index(min(ranks)) if windowed else 0
        sizes = [(spec.width, spec.height) for spec in specs]
        sizes += [(spec.full_width, spec.full_height) for spec in specs if windowed]
        needed = min(specs[part].nchannels * specs[part].format.basesize(), MOST_MEMORY_OF_PIXEL)
        judge(sizes, request, bytes_of_pixel=_MEMORY_OF_DEEP if specs[part].deep else needed)
        return part

    def _profile(self, picked: list[int]) -> Conversion | None:
        """The conversion by the picture's ICC profile. Inks are read as such when there is one."""
        profile = self.spec.getattribute("ICCProfile")
        if profile is None:
            return None
        inks = self.spec.get_string_attribute("oiio:ColorSpace") == "CMYK" or (
            self.spec.get_string_attribute(f"{self.file_format}:ColorSpace") == "CMYK"
        )
        mode = "CMYK" if inks else "RGB" if len(picked) > 2 else "L"
        try:
            conversion = Profiles().conversion(self._np, self._np.asarray(profile, self._np.uint8).tobytes(), mode)
        except ValueError as error:
            self.note = str(error)
            return None
        self.inks_of_jpeg = inks and self.file_format == "jpeg"
        if inks and not self.inks_of_jpeg:
            raw = self._opened(RawColor=1)
            if raw.spec(self._part_number).nchannels < 4:
                self.note = "its ICC profile is of inks, which this format does not give"
                return None
            self._input = raw
            picked[:] = [0, 1, 2, 3]
            self.channels, self.premultiplied = 3, False
        return conversion

    def rows(self) -> Iterator[Any]:
        """Rows of what is shown: of an EXR its display window, elsewhere what there is."""
        if self.spec.deep:
            yield from Decoded(self._flattened()).rows()
        elif self._origin == self._window and (self.spec.width, self.spec.height) == self._stored_size:
            yield from self._read()
        else:
            yield from self._in_window()

    def _read(self) -> Iterator[Any]:
        """The rows that the file holds. Rows that cannot be read stay blank; Unreadable when none of the first can."""
        spec = self.spec
        unit = spec.tile_height or 1
        step = max(STRIP // (spec.width * (self._after - self._first)) // unit, 1) * unit
        for top in range(0, spec.height, step):
            first, after = spec.y + top, spec.y + min(top + step, spec.height)
            strip = self._between(first, after)
            if strip is None:
                strip = self._salvaged(first, after, must=top == 0)
            strip = strip.reshape(after - first, spec.width, -1)
            yield strip if self._places is None else strip[..., self._places]

    def _between(self, first: int, after: int) -> Any:
        kind = self._oiio.FLOAT if self.floating else self._oiio.UINT8
        if self._failures > _MOST_FAILURES:
            return None
        channels = (self._first, self._after, kind)
        if self.spec.tile_width:
            columns = (self.spec.x, self.spec.x + self.spec.width)
            return self._input.read_tiles(self._part_number, 0, *columns, first, after, 0, 1, *channels)
        return self._input.read_scanlines(self._part_number, 0, first, after, 0, *channels)

    def _salvaged(self, first: int, after: int, *, must: bool) -> Any:
        np, whole = self._np, not self.spec.tile_width
        kind = np.float32 if self.floating else np.uint8
        rows = np.zeros((after - first, self.spec.width, self._after - self._first), kind)
        done = 0
        for row in range(first, after) if whole else ():
            read = self._between(row, row + 1)
            if read is not None:
                rows[row - first] = read.reshape(self.spec.width, -1)
                done += 1
            else:
                self._failures += 1
                if self._failures > _MOST_FAILURES:
                    break
        if must and not done:
            raise Unreadable("it is damaged")
        self._failures += not whole
        self.note = "it is damaged: a part of it is blank"
        return rows

    def _in_window(self) -> Iterator[Any]:
        """The rows of the display window; black, and clear where there is alpha, where the file holds nothing."""
        np, (width, height) = self._np, self._stored_size
        left, top = self._window[0] - self._origin[0], self._window[1] - self._origin[1]
        step = max(STRIP // (width * self.channels), 1)
        kind = np.float32 if self.floating else np.uint8

        def blank(rows: int) -> Iterator[Any]:
            for start in range(0, rows, step):
                yield np.zeros((min(step, rows - start), width, self.channels), kind)

        yield from blank(min(max(top, 0), height))
        at, done = top, min(max(top, 0), height)
        for strip in self._read():
            piece = strip[max(-at, 0) : max(min(len(strip), height - at), 0)]
            at += len(strip)
            if not len(piece):
                continue
            canvas = np.zeros((len(piece), width, self.channels), kind)
            inside = piece[:, max(-left, 0) : max(width - left, 0)]
            canvas[:, max(left, 0) : max(left, 0) + inside.shape[1]] = inside
            done += len(piece)
            yield canvas
            if at >= height:
                break
        yield from blank(height - done)

    def _flattened(self) -> Any:
        """The picture of deep samples, laid over each other, in its display window."""
        deep = self._oiio.ImageBuf(self._path, self._part_number, 0)
        flat = self._oiio.ImageBufAlgo.flatten(deep)
        if flat.has_error or deep.has_error:
            raise Unreadable("it is damaged")
        spec = flat.spec()
        right, bottom = spec.full_x + spec.full_width, spec.full_y + spec.full_height
        window = self._oiio.ROI(spec.full_x, right, spec.full_y, bottom, 0, 1, 0, spec.nchannels)
        _, picked = chosen(spec.channelnames, spec.alpha_channel)
        return flat.get_pixels(self._oiio.FLOAT, window)[..., picked]
