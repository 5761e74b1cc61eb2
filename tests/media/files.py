"""Files of the field's formats, and files that lie."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio

from tests.media.publishing import png_of

Pixels = Any


def flat(colour: tuple[float, ...], width: int = 60, height: int = 40) -> Pixels:
    """Pixels of one colour."""
    return np.full((height, width, len(colour)), colour, np.float32)


def written(
    path: Path,
    pixels: Pixels,
    kind: str = "",
    names: tuple[str, ...] = (),
    place: tuple[int, int, int, int] | None = None,
    **attributes: Any,
) -> Path:
    """A picture in the format of its name; `place` is x and y of its pixels and the size of what it is shown in."""
    height, width, channels = pixels.shape
    spec = oiio.ImageSpec(width, height, channels, kind or "uint8")
    if names:
        spec.channelnames = names
    if place:
        spec.x, spec.y, spec.full_width, spec.full_height = place
    for name, value in attributes.items():
        spec.attribute(name.replace("__", ":"), *value if isinstance(value, tuple) else (value,))
    output = oiio.ImageOutput.create(str(path))
    assert output is not None, oiio.geterror()
    assert output.open(str(path), spec), output.geterror()
    assert output.write_image(np.ascontiguousarray(pixels)), output.geterror()
    assert output.close()
    return path


def parts(path: Path, *layers: tuple[Pixels, tuple[str, ...]]) -> Path:
    """An EXR of several parts."""
    specs = []
    for number, (pixels, names) in enumerate(layers):
        spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], "half")
        spec.channelnames = names
        spec.attribute("name", f"part{number}")
        specs.append(spec)
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), tuple(specs)), output.geterror()
    for number, (pixels, _) in enumerate(layers):
        if number:
            assert output.open(str(path), specs[number], "AppendSubimage"), output.geterror()
        assert output.write_image(np.ascontiguousarray(pixels)), output.geterror()
    assert output.close()
    return path


def deep(path: Path, colour: tuple[float, float, float, float]) -> Path:
    """An EXR of one deep sample a pixel."""
    spec = oiio.ImageSpec(8, 4, 5, "float")
    spec.channelnames, spec.deep = ("R", "G", "B", "A", "Z"), True
    buffer = oiio.ImageBuf(spec)
    for y in range(4):
        for x in range(8):
            buffer.set_deep_samples(x, y, 0, 1)
            for channel, value in enumerate((*colour, 1.0)):
                buffer.set_deep_value(x, y, 0, channel, 0, value)
    assert buffer.write(str(path)), buffer.geterror()
    return path


def psd(
    colour: tuple[int, ...], *, version: int = 1, channels: int | None = None, said: tuple[int, int] | None = None
) -> bytes:
    """A Photoshop file (version 2: PSB) of one colour, without layers: three channels are RGB, four are CMYK.

    It may lie about the number of its channels, and about its width and height.
    """
    width, height = 6, 4
    mode = {1: 1, 3: 3, 4: 4}[len(colour)]
    wide, high = said or (width, height)
    head = struct.pack(">4sH6xHIIHH", b"8BPS", version, channels or len(colour), high, wide, 8, mode)
    sections = b"\0" * 4 + b"\0" * 4 + b"\0" * (4 if version == 1 else 8)
    inks = [255 - value for value in colour] if mode == 4 else colour
    return head + sections + b"\0\0" + b"".join(bytes([value]) * (width * height) for value in inks)


def gif(frames: int) -> bytes:
    """An animated GIF of one white pixel and then black ones."""
    head = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    image = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02"
    return head + image + b"\x4c\x01\0" + (image + b"\x44\x01\0") * (frames - 1) + b";"


def exr_header(width: int, height: int) -> bytes:
    """The header of an EXR that says it is so large, and nothing else."""

    def attribute(name: bytes, kind: bytes, value: bytes) -> bytes:
        return name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value

    box = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    channels = b"".join(name + b"\0" + struct.pack("<iB3xii", 1, 0, 1, 1) for name in (b"B", b"G", b"R")) + b"\0"
    return (
        struct.pack("<ii", 20000630, 2)
        + attribute(b"channels", b"chlist", channels)
        + attribute(b"compression", b"compression", b"\x03")
        + attribute(b"dataWindow", b"box2i", box)
        + attribute(b"displayWindow", b"box2i", box)
        + attribute(b"lineOrder", b"lineOrder", b"\0")
        + attribute(b"pixelAspectRatio", b"float", struct.pack("<f", 1))
        + attribute(b"screenWindowCenter", b"v2f", struct.pack("<ff", 0, 0))
        + attribute(b"screenWindowWidth", b"float", struct.pack("<f", 1))
        + b"\0"
    )


def tiff(width: int, height: int, strip_at: int, strip_size: int) -> bytes:
    """A grey TIFF of one strip, which may lie about where it is and how long."""
    entries = [
        (256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, strip_at), (277, 3, 1),
        (278, 4, height), (279, 4, strip_size),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", t, k, 1, v) for t, k, v in entries)
    return b"II*\0" + struct.pack("<I", 8) + directory + b"\0\0\0\0" + b"\x80" * 64


def zlib_bomb(size: int) -> bytes:
    """So many zeros (whole megabytes), a thousandth as long: a packed megabyte again and again, with their sum."""
    packer = zlib.compressobj(9)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    megabyte = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.flush()[:-4]
    checksum = (size % 65521) << 16 | 1
    return head + megabyte * (size // 2**20) + end + checksum.to_bytes(4, "big")


def png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    """A small PNG with these chunks before its pixels."""
    return png_of(8, 8, 8, 2, b"".join(b"\0" + bytes((200, 40, 40)) * 8 for _ in range(8)), *chunks)


def matrix_profile(primaries: tuple[tuple[float, float], ...], gamma: float) -> bytes:
    """A display profile of these primaries (x and y of red, green, blue; the white is D65) and this gamma."""
    white = np.array([0.95047, 1.0, 1.08883])
    columns = np.array([[x / y, 1, (1 - x - y) / y] for x, y in primaries]).T
    matrix = columns * np.linalg.solve(columns, white)
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    d50 = np.array([0.9642, 1.0, 0.8249])
    adapted = np.linalg.inv(bradford) @ np.diag((bradford @ d50) / (bradford @ white)) @ bradford @ matrix

    def fixed(values: Any) -> bytes:
        return b"".join(struct.pack(">i", round(value * 65536)) for value in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(80 - 1)
    tags = [(b"desc", text), (b"cprt", b"text\0\0\0\0none\0\0\0\0"), (b"wtpt", b"XYZ \0\0\0\0" + fixed(d50))]
    for letter, column in zip(b"rgb", adapted.T, strict=True):
        tags.append((bytes([letter]) + b"XYZ", b"XYZ \0\0\0\0" + fixed(column)))
        tags.append((bytes([letter]) + b"TRC", curve))
    table, data, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags:
        table += name + struct.pack(">II", at + len(data), len(value))
        data += value + b"\0" * (-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(data), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + fixed(d50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def inks_profile() -> bytes:
    """A profile of inks, as printers have, but small: light is what the inks leave of white."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 2)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    # Cyan takes lightness only: unlike in any other reading of these numbers, the picture is grey.
    lightness = (1 - grid[:, 3]) * (1 - 0.5 * grid[:, 0])
    lab = np.stack([lightness * 0xFF00, np.full(16, 0x8000), np.full(16, 0x8000)], axis=-1).astype(">u2")
    identity = np.array([0, 0xFFFF], ">u2").tobytes()
    table = b"mft2\0\0\0\0" + bytes([4, 3, 2, 0]) + struct.pack(">9i", *[65536, 0, 0, 0, 65536, 0, 0, 0, 65536])
    table += struct.pack(">HH", 2, 2) + identity * 4 + lab.tobytes() + identity * 3
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"inks\0" + bytes(79)
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", round(0.9642 * 65536), 65536, round(0.8249 * 65536))
    tags = [(b"desc", text), (b"cprt", b"text\0\0\0\0none\0\0\0\0"), (b"wtpt", white), (b"A2B0", table)]
    entries, data, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, value in tags:
        entries += name + struct.pack(">II", at + len(data), len(value))
        data += value + b"\0" * (-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(data), b"lcms", 0x02400000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + white[8:]
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + entries + data


def saved(picture: Any, kind: str, **options: Any) -> bytes:
    """The bytes of a picture of Pillow's."""
    target = io.BytesIO()
    picture.save(target, kind, **options)
    return target.getvalue()
