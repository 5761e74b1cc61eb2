"""Where the binaries of previews and avatars lie. Source: spec media, "Storage" and "Upload kinds"."""

from functools import cache
from importlib.util import find_spec
from typing import Literal
from uuid import UUID

from pegbar.core.errors import BadRequest
from pegbar.core.storage import Address

Kind = Literal["picture", "movie", "other"]

PICTURES = frozenset({"jpe", "jpeg", "jpg", "png"})
MOVIES = frozenset({"avi", "m4v", "mkv", "mov", "mp4", "webm", "wmv"})
#: Taken with the extra `pegbar[photos]`.
PHOTOS = frozenset({"arw", "avif", "cr2", "cr3", "dng", "heic", "heif", "nef", "orf", "raf", "rw2"})
#: Kept as they come, beside thumbnails and a picture to view that are made from them. The specification knows exr, gif,
#: psb and psd of these, and no pictures of them.
VIEWABLE = PHOTOS | {"cin", "dpx", "exr", "gif", "hdr", "jp2", "jxl", "psb", "psd", "tga", "tif", "tiff", "webp"}
# fmt: off
OTHERS = VIEWABLE | frozenset({
    "ae", "ai", "blend", "clip", "comp", "diff", "exr", "fbx", "fla", "flv", "gif", "glb", "gltf", "hip", "kra", "ma",
    "mb", "md", "mp3", "obj", "pdf", "psd", "psb", "rar", "rev", "riv", "sai", "sai2", "sbbkp", "svg", "swf", "tvpp",
    "wav", "zip",
})
# fmt: on

_PREVIEW_PICTURES = ("original", "thumbnails", "thumbnails-square", "previews", "tiles")
MOVIE_PREFIXES = ("source", "previews", "lowdef")


@cache
def _reads_photos() -> bool:
    return all(find_spec(module) is not None for module in ("pillow_heif", "rawpy"))


def kind_of(extension: str) -> Kind:
    """What is done with an upload of this extension; 400 when it is not taken."""
    if extension in PHOTOS and not _reads_photos():
        message = "are taken when the server has the extra pegbar[photos] (pip install 'pegbar[photos]')"
        raise BadRequest(f"Files of the type {extension!r} {message}.")
    if extension in PICTURES:
        return "picture"
    if extension in MOVIES:
        return "movie"
    if extension in OTHERS:
        return "other"
    raise BadRequest(f"Files of the type {extension[:20]!r} are not taken as previews.")


def picture(prefix: str, of: UUID) -> Address:
    """A picture of a preview, or the thumbnail of anything else."""
    return Address("pictures", prefix, of)


def movie(prefix: str, preview_id: UUID) -> Address:
    """A version of a movie."""
    return Address("movies", prefix, preview_id)


def other(preview_id: UUID) -> Address:
    """A preview that is neither a picture nor a movie."""
    return Address("files", "previews", preview_id)


def all_of_preview(preview_id: UUID, extension: str | None = None) -> list[Address]:
    """Everything that may be stored for a preview; less when its extension tells what it is."""
    extension = (extension or "").lower()
    movies = () if extension in PICTURES | OTHERS else MOVIE_PREFIXES
    return [
        *(picture(prefix, preview_id) for prefix in _PREVIEW_PICTURES),
        *(movie(prefix, preview_id) for prefix in movies),
        *(() if extension in PICTURES | MOVIES else (other(preview_id),)),
    ]
