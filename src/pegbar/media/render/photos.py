"""Pictures that other libraries read: HEIF and AVIF (pillow-heif), camera raw (rawpy), JPEG of inks (Pillow).

The first two come with the extra `pegbar[photos]`.
"""

from pathlib import Path
from typing import Any

from . import Unreadable
from .colour import Profiles
from .sources import Decoded, judge

#: The names that files of the family of HEIF give to their kind, after "ftyp".
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis")
#: Extensions of cameras: most of these files say that they are TIFF, and would give their thumbnail.
_RAW = frozenset({"cr2", "cr3", "nef", "arw", "dng", "raf", "orf", "rw2"})
_EXTRA = "install the extra pegbar[photos] to have it read"
#: Bytes of memory for a pixel: as it is decoded, and as it is converted.
_MEMORY_OF_PIXEL, _MEMORY_OF_RAW_PIXEL = 16, 64


def photo(np: Any, request: dict[str, Any]) -> Decoded | None:
    """The picture, when it is one of these formats. Raises Unreadable and Large."""
    path = Path(request["source"])
    with path.open("rb") as file:
        head = file.read(12)
    if request.get("name", "").rpartition(".")[2].lower() in _RAW:
        return _raw(np, request)
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF:
        return _by_pillow(np, request)
    return None


def inks_of_jpeg(np: Any, request: dict[str, Any]) -> Decoded:
    """A JPEG of inks, with the profile that says what they look like: OpenImageIO gives no inks of it."""
    return _by_pillow(np, request)


def _by_pillow(np: Any, request: dict[str, Any]) -> Decoded:
    from PIL import Image, ImageFile, UnidentifiedImageError

    try:
        import pillow_heif  # type: ignore[import-not-found, unused-ignore]

        pillow_heif.register_heif_opener()
    except ImportError:
        pillow_heif = None
    # The header is judged here, with a limit that can be set.
    Image.MAX_IMAGE_PIXELS = None
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        with Image.open(request["source"]) as picture:
            judge([picture.size], request, bytes_of_pixel=_MEMORY_OF_PIXEL)
            profile = picture.info.get("icc_profile")
            mode = picture.mode if picture.mode in ("L", "RGB", "RGBA", "CMYK") else "RGBA"
            pixels = np.asarray(picture.convert(mode))
    except UnidentifiedImageError:
        raise Unreadable("it is not a picture" if pillow_heif else _EXTRA) from None
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise Unreadable(f"it is damaged ({error})") from None
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    conversion, note = None, ""
    if profile:
        try:
            conversion = Profiles().conversion(np, profile, mode.removesuffix("A"))
        except ValueError as error:
            note = str(error)
    if mode == "CMYK" and conversion is None:
        raise Unreadable(note or "it is of inks, without a profile")
    source = Decoded(pixels, 3 if mode == "CMYK" else 0, conversion)
    source.note = note
    return source


def _raw(np: Any, request: dict[str, Any]) -> Decoded:
    """A camera's raw picture, developed as the camera would: its white balance, sRGB, upright."""
    try:
        import rawpy  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise Unreadable(_EXTRA) from None
    try:
        with rawpy.imread(request["source"]) as raw:
            judge([(raw.sizes.width, raw.sizes.height)], request, bytes_of_pixel=_MEMORY_OF_RAW_PIXEL)
            return Decoded(raw.postprocess(use_camera_wb=True))
    except rawpy.LibRawError as error:
        raise Unreadable(f"it is no raw picture that can be read ({error})") from None
