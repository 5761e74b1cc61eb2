"""Downloads of previews and avatars. Source: spec media, "Serving", "GET preview media", "Avatars"."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from litestar import Request

from pegbar.core.data.database import Database
from pegbar.core.errors import ApiError, BadRequest, NotFound
from pegbar.core.http.access import Caller, Rule, require, task_access
from pegbar.core.http.downloads import Download, download, media_type
from pegbar.core.http.routing import Reply, get
from pegbar.core.slugs import slug
from pegbar.core.storage import Address
from pegbar.media import addresses, queries
from pegbar.media.movies.jobs import want_tile
from pegbar.media.resources import OF_TASK

AnyRequest = Request[Any, Any, Any]
#: What serving a preview needs of it (`queries.served_preview`), as a row or from JSON.
Served = Mapping[str, Any] | asyncpg.Record

_reads = task_access(OF_TASK)
#: The thumbnails of shared assets are for everybody but vendors; the handler looks at the preview.
_thumbs = Rule(
    "member of the production (vendors with a task on the entity), or anyone for the main preview of a shared asset",
    lambda _: True,
    OF_TASK,
)
_HIGH = ("previews", "lowdef", "source")
_LOW = ("lowdef", "previews", "source")


def prefers_json(accept: str) -> bool:
    """Whether an Accept header weighs JSON above a picture."""
    weights = {"application/json": 0.0, "image/png": 0.0}
    for part in accept.split(","):
        kind, *options = [piece.strip() for piece in part.split(";")]
        weight = 1.0
        for option in options:
            if option.startswith("q="):
                try:
                    weight = float(option[2:])
                except ValueError:
                    weight = 0.0
        for wanted, best in weights.items():
            if kind in (wanted, f"{wanted.partition('/')[0]}/*", "*/*"):
                weights[wanted] = max(best, weight)
    return weights["application/json"] > weights["image/png"]


def download_name(preview: Served, *, extension: str | None = None) -> str:
    """The name of a download: where the preview belongs, or as it was uploaded when the organisation says so."""
    if preview["original_names"] and preview["original_name"]:
        name = preview["original_name"]
    else:
        words = (preview["project_name"], preview["entity_name"], preview["task_type_name"])
        name = slug("_".join([*(word or "" for word in words), f"v{preview['revision']}"]))
    # Rows of other servers may have none: it is the first then.
    position = preview["position"] or 1
    if position > 1:
        name = f"{name}-{position}"
    return f"{name}.{extension or preview['extension'] or ''}".rstrip(".")


async def _preview(db: Database, preview_id: UUID) -> asyncpg.Record:
    row = await db.row(queries.served_preview, preview_id=preview_id)
    if row is None:
        raise NotFound(f"There is no preview {preview_id}.")
    return row


def _check_thumb(caller: Caller, *, shared: bool) -> None:
    shared = shared and caller.role_here != "vendor"
    require(shared or (caller.is_member and caller.reaches_entity), f"Access needs: {_thumbs.text}.")


def _waiting(request: AnyRequest, preview: Served) -> Reply | None:
    """The answer while a preview has no files yet."""
    if preview["status"] != "processing":
        return None
    if prefers_json(request.headers.get("accept", "*/*")):
        body: dict[str, Any] = {"status": "processing", "preview_file_id": str(preview["id"])}
        return Reply(body, status=202, headers={"retry-after": "5", "cache-control": "no-store"})
    missing = ApiError("Preview file was not found.", status=404)
    missing.headers["cache-control"] = "no-store"
    raise missing


def _id(preview: Served) -> UUID:
    preview_id = preview["id"]
    return preview_id if isinstance(preview_id, UUID) else UUID(preview_id)


def _original_size(preview: Served) -> int | None:
    """The size that the stored picture of a preview has; None for other kinds, whose row has another file's."""
    return preview["file_size"] if preview["extension"] == "png" else None


# For whoever may: callers by their rule below, guests by that of their link (review/sharing). `signed` as `download`.


async def picture_of(request: AnyRequest, preview: Served, prefix: str, *, signed: bool = True) -> Reply | Download:
    """A picture of a preview."""
    waiting = _waiting(request, preview)
    if waiting is not None:
        return waiting
    size = _original_size(preview) if prefix == "original" else None
    address = addresses.picture(prefix, _id(preview))
    return await download(request, address, kind="image/png", size=size, signed=signed)


async def tile_of(request: AnyRequest, db: Database, preview: Served, *, signed: bool = True) -> Reply | Download:
    """The sheet of frames of a movie; one that is missing is made by a job for the next time."""
    try:
        return await picture_of(request, preview, "tiles", signed=signed)
    except NotFound:
        if preview["extension"] == "mp4" and preview["status"] == "ready":
            await want_tile(db, _id(preview))
        raise


def served_extension(extension: str) -> str:
    """An extension under which files of previews are served, in lower case; 400 for any other."""
    extension = extension.lower()
    if extension not in addresses.PICTURES | addresses.OTHERS:
        raise BadRequest(f"Previews of the type {extension[:20]!r} are not served here.")
    return extension


async def original_of(request: AnyRequest, preview: Served, extension: str, *, signed: bool = True) -> Reply | Download:
    """The file of a preview that is no movie, as it was uploaded."""
    of = _id(preview)
    address = addresses.picture("original", of) if extension == "png" else addresses.other(of)
    return _waiting(request, preview) or await download(request, address, kind=media_type(extension), signed=signed)


async def kept_of(request: AnyRequest, preview: Served) -> Reply | Download:
    """The file of a preview, to keep, named after where it belongs."""
    of = _id(preview)
    versions = {"png": [addresses.picture("original", of)], "mp4": movie_versions(preview, _HIGH)}.get(
        preview["extension"] or "", [addresses.other(of)]
    )
    kind, name = media_type(preview["extension"]), download_name(preview)
    size = _original_size(preview)
    return _waiting(request, preview) or await download(
        request, *versions, kind=kind, name=name, attachment=True, size=size
    )


async def movie_of(
    request: AnyRequest,
    preview: Served,
    order: tuple[str, ...] = _HIGH,
    *,
    keep: bool = False,
    signed: bool = True,
) -> Reply | Download:
    """A movie, in the first of these versions that there is."""
    waiting = _waiting(request, preview)
    if waiting is not None:
        return waiting
    name = download_name(preview, extension="mp4") if keep else ""
    versions = movie_versions(preview, order)
    return await download(request, *versions, kind="video/mp4", name=name, attachment=keep, signed=signed)


def movie_versions(preview: Served, order: tuple[str, ...]) -> list[Address]:
    """The versions of a movie, those it is known to have first."""
    known = preview["movie_prefixes"] if isinstance(preview["movie_prefixes"], list) else []
    ordered = [prefix for prefix in order if prefix in known] + [prefix for prefix in order if prefix not in known]
    return [addresses.movie(prefix, _id(preview)) for prefix in ordered]


# By the rule of the caller


async def _picture(request: AnyRequest, caller: Caller, prefix: str, *, thumb: bool = False) -> Reply | Download:
    """A picture of the preview that came along with the caller: thumbnails are asked for by the thousand."""
    assert caller.along is not None, "there is a place, so there is a preview"
    # Its id is the one that was asked for, read already.
    preview = msgspec.json.decode(caller.along) | {"id": caller.subject_id}
    if thumb:
        _check_thumb(caller, shared=preview["shared_main"])
    return await picture_of(request, preview, prefix)


@get("/pictures/thumbnails/preview-files/{instance_id:uuid}.png", access=_thumbs, along=queries.SHOWN)
async def preview_thumbnail(request: AnyRequest, caller: Caller) -> Any:
    """The thumbnail of a preview, 150 x 100."""
    return await _picture(request, caller, "thumbnails", thumb=True)


@get("/pictures/thumbnails-square/preview-files/{instance_id:uuid}.png", access=_thumbs, along=queries.SHOWN)
async def preview_square_thumbnail(request: AnyRequest, caller: Caller) -> Any:
    """The square thumbnail of a preview, 100 x 100."""
    return await _picture(request, caller, "thumbnails-square", thumb=True)


@get("/pictures/originals/preview-files/{instance_id:uuid}.png", access=_thumbs, along=queries.SHOWN)
async def preview_original(request: AnyRequest, caller: Caller) -> Any:
    """The picture of a preview as it was uploaded, or the chosen frame of a movie."""
    return await _picture(request, caller, "original", thumb=True)


@get("/pictures/previews/preview-files/{instance_id:uuid}.png", access=_reads, along=queries.SHOWN)
async def preview_picture(request: AnyRequest, caller: Caller) -> Any:
    """The picture of a preview, 1200 wide."""
    return await _picture(request, caller, "previews")


@get("/movies/tiles/preview-files/{instance_id:uuid}.png", access=_reads, along=queries.SHOWN)
async def preview_tile(request: AnyRequest, db: Database, caller: Caller) -> Any:
    """The sheet of frames of a movie; one that is missing is made by a job for the next time."""
    assert caller.along is not None
    return await tile_of(request, db, msgspec.json.decode(caller.along))


@get("/pictures/originals/preview-files/{instance_id:uuid}.{extension:str}", access=_reads)
async def preview_original_file(instance_id: UUID, extension: str, request: AnyRequest, db: Database) -> Any:
    """The file of a preview that is no movie, as it was uploaded."""
    extension = served_extension(extension)
    return await original_of(request, await _preview(db, instance_id), extension)


@get("/pictures/originals/preview-files/{instance_id:uuid}/download", access=_reads)
async def preview_download(instance_id: UUID, request: AnyRequest, db: Database) -> Any:
    """The file of a preview, to keep, named after where it belongs."""
    return await kept_of(request, await _preview(db, instance_id))


@get("/movies/originals/preview-files/{instance_id:uuid}.mp4", access=_reads)
async def movie_original(instance_id: UUID, request: AnyRequest, db: Database) -> Any:
    """A movie in the best version there is."""
    return await movie_of(request, await _preview(db, instance_id))


@get("/movies/low/preview-files/{instance_id:uuid}.mp4", access=_reads)
async def movie_low(instance_id: UUID, request: AnyRequest, db: Database) -> Any:
    """A movie in the lightest version there is."""
    return await movie_of(request, await _preview(db, instance_id), _LOW)


@get("/movies/source/preview-files/{instance_id:uuid}.mp4", access=_reads)
async def movie_source(instance_id: UUID, request: AnyRequest, db: Database) -> Any:
    """A movie as it was uploaded, where it was kept."""
    await _preview(db, instance_id)
    return await download(request, addresses.movie("source", instance_id), kind="video/mp4")


@get("/movies/originals/preview-files/{instance_id:uuid}/download", access=_reads)
async def movie_download(instance_id: UUID, request: AnyRequest, db: Database) -> Any:
    """A movie, to keep, named after where it belongs."""
    return await movie_of(request, await _preview(db, instance_id), keep=True)
