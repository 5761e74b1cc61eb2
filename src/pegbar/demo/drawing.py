"""The pictures and movies of the demo, drawn here: sky, sea, hills, a lighthouse, a kite."""

import io
import math
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE = (640, 360)
FPS, SECONDS = 24, 2
Colour = tuple[int, int, int]

#: The sky above and at the horizon, and the land, of each sequence.
_LIGHTS: tuple[tuple[Colour, Colour, Colour], ...] = (
    ((92, 107, 160), (250, 190, 150), (60, 66, 96)),
    ((70, 52, 44), (214, 150, 92), (48, 34, 30)),
    ((96, 160, 206), (224, 236, 228), (70, 110, 84)),
    ((34, 40, 58), (92, 104, 122), (22, 26, 36)),
    ((24, 22, 52), (126, 92, 150), (18, 18, 34)),
    ((140, 190, 214), (255, 226, 180), (120, 128, 110)),
)
_TIN, _TAIL, _PAPER = (206, 212, 216), (220, 84, 64), (238, 232, 220)


def _mixed(a: Colour, b: Colour, share: float) -> Colour:
    return tuple(round(x + (y - x) * share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def _view(sequence: int, shot: int, moment: float) -> Image.Image:
    """A shot at a moment between 0 and 1, without words."""
    width, height = SIZE
    top, horizon, land = _LIGHTS[sequence % len(_LIGHTS)]
    column = Image.new("RGB", (1, height))
    for y in range(height):
        column.putpixel((0, y), _mixed(top, horizon, min(y / (height * 0.7), 1)))
    picture = column.resize(SIZE)
    draw = ImageDraw.Draw(picture)
    sun = (width * (0.15 + 0.09 * (shot % 8)), height * (0.5 - 0.04 * (shot % 5)))
    draw.ellipse((sun[0] - 22, sun[1] - 22, sun[0] + 22, sun[1] + 22), fill=_mixed(horizon, (255, 255, 240), 0.7))
    for layer in range(3):
        shade = _mixed(horizon, land, 0.45 + 0.25 * layer)
        base, swing = height * (0.62 + 0.12 * layer), 26 - 4 * layer
        drift = shot * 1.7 + layer * 2.1 + moment * 0.25 * (layer + 1)
        ridge = [(x, base + swing * math.sin(x / (90 - 12 * layer) + drift)) for x in range(0, width + 8, 8)]
        draw.polygon([*ridge, (width, height), (0, height)], fill=shade)
    tower = width * (0.72 - 0.07 * (shot % 6))
    foot, head = height * 0.8, height * 0.36
    draw.polygon([(tower - 20, foot), (tower + 20, foot), (tower + 11, head), (tower - 11, head)], fill=_PAPER)
    for stripe in (0.5, 0.64):
        draw.rectangle((tower - 15, height * stripe, tower + 15, height * (stripe + 0.05)), fill=_TAIL)
    draw.rectangle((tower - 9, head - 14, tower + 9, head), fill=(255, 230, 150))
    kite = (width * (0.12 + 0.5 * moment + 0.02 * (shot % 4)), height * (0.3 - 0.1 * math.sin(moment * 5 + shot)))
    _kite(draw, kite, 24 + 4 * (shot % 4), moment)
    return picture


def _kite(draw: ImageDraw.ImageDraw, middle: tuple[float, float], size: float, moment: float) -> None:
    x, y = middle
    draw.polygon([(x, y - size), (x + size * 0.7, y), (x, y + size), (x - size * 0.7, y)], fill=_TIN)
    draw.polygon([(x, y - size), (x + size * 0.7, y), (x, y)], fill=_mixed(_TIN, (255, 255, 255), 0.6))
    tail = [(x - part * 9, y + size + part * 7 + 5 * math.sin(part * 1.3 + moment * 9)) for part in range(8)]
    draw.line(tail, fill=_TAIL, width=3)


def _titled(picture: Image.Image, title: str, line: str) -> Image.Image:
    draw = ImageDraw.Draw(picture)
    width, height = picture.size
    draw.rectangle((0, height - 34, width, height), fill=(20, 20, 24))
    draw.text((12, height - 28), title, font=_font(18), fill=(245, 245, 240))
    draw.text((width - 12, height - 25), line, font=_font(13), fill=(170, 170, 176), anchor="ra")
    return picture


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def shot_picture(sequence: int, shot: int, title: str, line: str) -> bytes:
    """A still of a shot, as PNG."""
    return _png(_titled(_view(sequence, shot, 0.4), title, line))


def poster() -> bytes:
    """The picture of the production."""
    return _png(_view(0, 3, 0.7).crop((140, 0, 500, 360)))


def asset_picture(place: int, kind: str, title: str, line: str) -> bytes:
    """A picture of an asset on grey, as PNG: kinds are told by their shapes."""
    picture = Image.new("RGB", SIZE, (58 + place % 3 * 6, 62, 70))
    draw = ImageDraw.Draw(picture)
    x, y, hue = SIZE[0] / 2, SIZE[1] / 2 - 10, place * 47 % 360
    body = Image.new("HSV", (1, 1), (hue * 255 // 360, 120, 205)).convert("RGB").getpixel((0, 0))
    draw.ellipse((x - 130, y + 100, x + 130, y + 128), fill=(40, 42, 48))
    if kind == "Character":
        draw.ellipse((x - 46, y - 118, x + 46, y - 26), fill=body)
        draw.rounded_rectangle((x - 58, y - 22, x + 58, y + 112), 40, fill=body)
        for eye in (-18, 18):
            draw.ellipse((x + eye - 7, y - 82, x + eye + 7, y - 68), fill=(20, 20, 24))
    elif kind == "Environment":
        for ridge in range(3):
            left = x - 210 + ridge * 130
            draw.polygon([(left, y + 112), (left + 90, y - 90 + ridge * 34), (left + 190, y + 112)], fill=body)
    elif kind == "FX":
        for ring in range(6, 0, -1):
            size = ring * 19
            draw.ellipse((x - size, y - size, x + size, y + size), outline=body, width=2 + ring % 3)
    else:
        draw.polygon([(x, y - 110), (x + 88, y - 52), (x + 88, y + 60), (x, y + 112)], fill=body)
        shade = tuple(int(value * 0.7) for value in body)  # type: ignore[union-attr]
        draw.polygon([(x, y - 110), (x - 88, y - 52), (x - 88, y + 60), (x, y + 112)], fill=shade)
    return _png(_titled(picture, title, line))


def _frames(sequence: int, shot: int, title: str, line: str) -> Iterator[bytes]:
    count = FPS * SECONDS
    for number in range(count):
        view = _view(sequence, shot, number / count)
        yield _titled(view, title, f"{line}  {number + 1:04}").tobytes()


def shot_movie(ffmpeg: str, sequence: int, shot: int, title: str, line: str) -> bytes:
    """A moving shot, as MP4."""
    with tempfile.TemporaryDirectory(prefix="pegbar-demo-") as folder:
        path = Path(folder) / "shot.mp4"
        source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE[0]}x{SIZE[1]}", "-r", str(FPS), "-i", "-")
        target = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", str(path))
        subprocess.run(
            [ffmpeg, "-v", "error", *source, *target],
            input=b"".join(_frames(sequence, shot, title, line)),
            check=True,
            capture_output=True,
        )
        return path.read_bytes()
