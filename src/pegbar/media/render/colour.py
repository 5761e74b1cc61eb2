"""What the numbers of a picture mean, and how they become sRGB.

Scene-linear pictures (EXR, Radiance HDR, other floats) and logarithmic ones (Cineon, DPX) are shown through a display
and a view of an OpenColorIO configuration. Others are taken as they come, or by their ICC profile.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import Unreadable

#: How the spaces of files are called by their primaries, x and y of red, green, blue and white (OpenEXR's attribute).
_PRIMARIES = {
    "lin_rec709_scene": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06),
    "lin_ap0_scene": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077),
    "lin_ap1_scene": (0.713, 0.293, 0.165, 0.830, 0.128, 0.044),
    "lin_p3d65_scene": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),
    "lin_rec2020_scene": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),
}
#: What a picture that is made for screens says of itself.
_FOR_SCREENS = ("srgb", "g22_", "g24_", "g18_", "rec709", "gamma", "bt709")
#: Cineon's film: the code values of black and white, and density by code value and its gamma.
_BLACK, _WHITE, _DENSITY, _GAMMA = 95, 685, 0.002, 0.6
#: The largest half float. What is brighter, or no number, would spoil all around it.
BRIGHTEST = 65504.0


@dataclass(frozen=True)
class Meaning:
    """What the numbers of a picture are: of a space of the configuration (None: for screens), on film (Cineon)."""

    space: str | None = None
    film: bool = False

    @property
    def managed(self) -> bool:
        """Whether it is to be shown through the configuration."""
        return self.space is not None


class Display:
    """A display and a view of a configuration. Raises Unreadable naming what it does not have."""

    def __init__(self, oiio: Any, colour: dict[str, str]) -> None:
        self._oiio, self._colour, self.config = oiio, colour, oiio.ColorConfig(colour["config"])
        if complaint := self.config.geterror():
            raise Unreadable(f"the colour configuration {colour['config']!r} cannot be used: {complaint}")
        self._display = self._one_of("display", self.config.getDisplayNames(), self.config.getDefaultDisplayName())
        views = self.config.getViewNames(self._display)
        self._view = self._one_of("view", views, self.config.getDefaultViewName(self._display))

    def _one_of(self, what: str, names: list[str], default: str) -> str:
        name = self._colour.get(what) or default
        if name not in names:
            known = ", ".join(names) or "none"
            raise Unreadable(f"the colour configuration has no {what} {name!r} (it has: {known})")
        return name

    def _knows(self, name: str) -> bool:
        return bool(name) and self.config.getColorSpaceIndex(self.config.resolve(name)) >= 0

    def _chosen(self, what: str, default: str) -> str:
        """The space that the server or the production says, else the default."""
        name = self._colour.get(what, "")
        if name and not self._knows(name):
            raise Unreadable(f"the colour configuration has no colour space {name!r}")
        return name or default

    def meaning(self, spec: Any, file_format: str) -> Meaning:
        """What the numbers of a picture are, by the rules of the configuration, its header, and the settings."""
        embedded = spec.get_string_attribute("oiio:ColorSpace")
        name = self._colour.get("name", "")
        ruled = ""
        if name and not self.config.filepathOnlyMatchesDefaultRule(name):
            ruled = self.config.getColorSpaceFromFilepath(name)
        if is_film(spec, file_format):
            space = ruled or self._chosen("log", "")
            if space:
                return Meaning(space)
            return Meaning("lin_rec709_scene" if self._knows("lin_rec709_scene") else self._working, film=True)
        if ruled:
            return Meaning(ruled)
        if self._knows(embedded):
            return Meaning(embedded)
        by_primaries = _space_of_primaries(spec.getattribute("chromaticities"))
        if self._knows(by_primaries):
            return Meaning(by_primaries)
        return Meaning(self._chosen("linear", self._working))

    @property
    def _working(self) -> str:
        space = self.config.getColorSpaceNameByRole("scene_linear")
        if not space:
            raise Unreadable("the colour configuration has no role scene_linear: set PEGBAR_OCIO_LINEAR_SPACE")
        return str(space)

    def shown(self, picture: Any, meaning: Meaning) -> Any:
        """A picture (unmultiplied, with alpha) as it is on the display."""
        algorithms = self._oiio.ImageBufAlgo
        picture = algorithms.ociodisplay(
            picture, self._display, self._view, meaning.space, unpremult=False, colorconfig=self._colour["config"]
        )
        if picture.has_error:
            raise Unreadable(f"the colour configuration cannot show it: {picture.geterror()}")
        return picture


def is_film(spec: Any, file_format: str) -> bool:
    """Whether a picture holds the densities of a film, by its header."""
    if file_format == "cineon":
        return True
    return file_format == "dpx" and spec.get_string_attribute("oiio:ColorSpace") == "KodakLog"


def is_scene(oiio: Any, spec: Any, file_format: str) -> bool:
    """Whether a picture holds light or densities that must be shown through a configuration, by its header.

    A DPX of ten bits or fewer that says it is linear is not: no eye would take its shadows, and encoders write so of
    what is made for screens.
    """
    embedded = spec.get_string_attribute("oiio:ColorSpace").lower()
    if is_film(spec, file_format) or file_format == "hdr":
        return True
    if file_format in ("png", "jpeg", "jpegxl") or embedded.startswith(_FOR_SCREENS):
        return False
    if file_format == "openexr" or spec.format in (oiio.FLOAT, oiio.HALF, oiio.DOUBLE):
        return True
    return bool(embedded.startswith("lin") and spec.get_int_attribute("oiio:BitsPerSample", 8) >= 16)


def _space_of_primaries(values: Any) -> str:
    """The name of the linear space that OpenEXR's `chromaticities` describe; empty for none that is known."""
    if not isinstance(values, tuple | list) or len(values) < 6:
        return ""
    for space, primaries in _PRIMARIES.items():
        if all(abs(value - primary) < 0.005 for value, primary in zip(values, primaries, strict=False)):
            return space
    return ""


def light_of_film(np: Any, rgb: Any) -> Any:
    """Scene light of Cineon's code values (0 to 1 for 0 to 1023): black is 0, white is 1."""
    light = np.power(10.0, (rgb * 1023 - _WHITE) * (_DENSITY / _GAMMA))
    black = 10.0 ** ((_BLACK - _WHITE) * (_DENSITY / _GAMMA))
    return ((light - black) / (1 - black)).astype(np.float32)


#: Turns rows of bytes (of 1, 3 or, for inks, 4 channels) into sRGB: 1 channel stays 1, the others become 3.
Conversion = Callable[[Any], Any]


class Profiles:
    """Conversions by ICC profiles, with LittleCMS. OpenColorIO takes few profiles, and none of inks."""

    def __init__(self) -> None:
        from PIL import Image, ImageCms

        self._image, self._cms = Image, ImageCms
        self._srgb = ImageCms.createProfile("sRGB")

    def conversion(self, np: Any, profile: bytes, mode: str) -> Conversion | None:
        """The conversion of pictures of that mode (L, RGB, CMYK); None when it would change nothing.

        Raises ValueError for a profile that cannot be used.
        """
        try:
            source = self._cms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            if space != {"L": "GRAY"}.get(mode, mode):
                raise ValueError(f"its ICC profile is of the kind {space}, it is {mode}")
            intent = self._cms.Intent.RELATIVE_COLORIMETRIC
            flags = self._cms.Flags.BLACKPOINTCOMPENSATION
            transform = self._cms.buildTransform(source, self._srgb, mode, "RGB", intent, flags)
        except (self._cms.PyCMSError, OSError, TypeError) as error:
            raise ValueError(f"its ICC profile cannot be used: {error}") from None

        def convert(rows: Any) -> Any:
            height, width = rows.shape[:2]
            picture = self._image.frombytes(mode, (width, height), np.ascontiguousarray(rows).tobytes())
            converted = np.asarray(transform.apply(picture)).reshape(height, width, 3)
            return converted[..., :1] if mode == "L" else converted

        return None if mode != "CMYK" and self._changes_nothing(np, convert, mode) else convert

    @staticmethod
    def _changes_nothing(np: Any, convert: Conversion, mode: str) -> bool:
        """Whether a profile is sRGB in all but its name: most are, and need no conversion."""
        levels = np.arange(0, 256, 15, dtype=np.uint8)
        if mode == "L":
            probe = levels.reshape(1, -1, 1)
        else:
            probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
        return bool(np.abs(convert(probe).astype(int) - probe).max() <= 1)
