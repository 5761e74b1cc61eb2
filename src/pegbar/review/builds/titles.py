"""Titles over the movies of a playlist: small pictures, which ffmpeg lays over the frames.

They are drawn here, not by ffmpeg: not every ffmpeg can write, and names of entities never become part of a command.
"""

from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from pegbar.media.movies.plan import Size

if TYPE_CHECKING:
    from PIL import ImageFont

#: By the height of the movie: letters, and the ground around them. No title is wider than this share of the movie.
_LETTERS, _GROUND, _WIDEST = 0.028, 0.4, 0.94
_SMALLEST, _LONGEST = 8, 200
_WHITE, _SHADE = (255, 255, 255, 255), (0, 0, 0, 150)


@cache
def _font(size: int) -> "ImageFont.FreeTypeFont":
    from PIL import ImageFont

    font = files("pegbar.media.drawings").joinpath("fonts", "DejaVuSans.ttf").read_bytes()
    return ImageFont.truetype(BytesIO(font), size)


def draw_title(text: str, canvas: Size, path: Path) -> None:
    """Write a picture (PNG) of a title for a movie of that size."""
    from PIL import Image, ImageDraw  # only where movies are made

    words = "".join(letter if letter.isprintable() else " " for letter in text)[:_LONGEST].strip() or " "
    size = max(round(canvas[1] * _LETTERS), _SMALLEST)
    most = canvas[0] * _WIDEST - 2 * size * _GROUND
    width = _font(size).getlength(words)
    if width > most:
        size = max(int(size * most / width), _SMALLEST)
        width = _font(size).getlength(words)
    ground = round(size * _GROUND)
    picture = Image.new("RGBA", (min(round(width) + 2 * ground, canvas[0]), size + 2 * ground), _SHADE)
    ImageDraw.Draw(picture).text((ground, ground), words, _WHITE, _font(size), anchor="lt")
    picture.save(path, "PNG", compress_level=1)
