"""Pictures, movies and files of what a share link shows: as the logged-in routes of the same names serve them.

The object store is not named to guests: its addresses would be good for a while after the link was revoked.
Source: spec review, "GET /shared media".
"""

from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request

from pegbar.core.data.database import Database
from pegbar.core.errors import NotFound
from pegbar.core.http.downloads import download
from pegbar.core.http.routing import get
from pegbar.media import addresses
from pegbar.media.serving import kept_of, movie_of, original_of, picture_of, served_extension, tile_of
from pegbar.review.sharing.guests import actions, queries
from pegbar.review.sharing.guests.shapes import PasswordQuery
from pegbar.review.sharing.visits import by_link, no_such_link, refusal, visit
from pegbar.tasks.comments.attachments import address

AnyRequest = Request[Any, Any, Any]

_PAGE = "/shared/playlists/{token:str}"
_DECLARED: dict[str, Any] = {"access": by_link, "errors": (403, 404, 429), "tag": "Shared playlists"}
#: Files that pages show in place, so that whoever only looks needs them.
_LOOKED_AT = frozenset(
    {"png", "jpg", "jpeg", "jpe", "gif", "webp", "svg", "pdf", "md", "diff", "glb", "gltf", "mp3", "wav"}
)
_SHOWN = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/bmp", "image/avif"})


async def _preview(request: AnyRequest, db: Database, preview_id: UUID) -> asyncpg.Record:
    """A preview that the link shows; 404 and 403 as the specification has them."""
    visitor = await visit(request, db)
    row = await db.row(queries.served, preview_id=preview_id, **visitor.link)
    if row is None:
        raise no_such_link()
    actions.check_shown(row, preview_id, key="id")
    return row


@get(_PAGE + "/movies/originals/preview-files/{preview_file_id:uuid}.mp4", **_DECLARED)
async def shared_movie(preview_file_id: UUID, request: AnyRequest, query: PasswordQuery, db: Database) -> Any:
    """A movie in the best version there is."""
    return await movie_of(request, await _preview(request, db, preview_file_id), signed=False)


@get(_PAGE + "/movies/low/preview-files/{preview_file_id:uuid}.mp4", **_DECLARED)
async def shared_low_movie(preview_file_id: UUID, request: AnyRequest, query: PasswordQuery, db: Database) -> Any:
    """A movie in the lightest version there is."""
    preview = await _preview(request, db, preview_file_id)
    return await movie_of(request, preview, ("lowdef", "previews", "source"), signed=False)


@get(_PAGE + "/movies/tiles/preview-files/{preview_file_id:uuid}.png", **_DECLARED)
async def shared_tile(preview_file_id: UUID, request: AnyRequest, query: PasswordQuery, db: Database) -> Any:
    """The sheet of frames of a movie."""
    return await tile_of(request, db, await _preview(request, db, preview_file_id), signed=False)


@get(_PAGE + "/pictures/thumbnails/preview-files/{preview_file_id:uuid}.png", **_DECLARED)
async def shared_thumbnail(preview_file_id: UUID, request: AnyRequest, query: PasswordQuery, db: Database) -> Any:
    """The thumbnail of a preview."""
    return await picture_of(request, await _preview(request, db, preview_file_id), "thumbnails", signed=False)


@get(_PAGE + "/pictures/originals/preview-files/{preview_file_id:uuid}.png", **_DECLARED)
async def shared_original(preview_file_id: UUID, request: AnyRequest, query: PasswordQuery, db: Database) -> Any:
    """The picture of a preview as it was uploaded, or the chosen frame of a movie."""
    return await picture_of(request, await _preview(request, db, preview_file_id), "original", signed=False)


@get(
    _PAGE + "/pictures/originals/preview-files/{preview_file_id:uuid}.{extension:str}",
    **{**_DECLARED, "errors": (400, 403, 404, 429)},
)
async def shared_original_file(
    preview_file_id: UUID, extension: str, request: AnyRequest, query: PasswordQuery, db: Database
) -> Any:
    """The file of a preview that is no movie, as it was uploaded; of a link without downloads only what pages show."""
    preview = await _preview(request, db, preview_file_id)
    extension = served_extension(extension)
    shown_in_place = extension in _LOOKED_AT and (preview["extension"] or "").lower() in _LOOKED_AT
    if not preview["can_download"] and not shown_in_place:
        raise refusal(403, "Downloads are disabled")
    return await original_of(request, preview, extension, signed=False)


@get(_PAGE + "/preview-files/{preview_file_id:uuid}/download", **_DECLARED)
async def shared_download(preview_file_id: UUID, request: AnyRequest, query: PasswordQuery, db: Database) -> Any:
    """The file of a preview, to keep; not by a link without downloads."""
    preview = await _preview(request, db, preview_file_id)
    if not preview["can_download"]:
        raise refusal(403, "Downloads are disabled")
    return await kept_of(request, preview)


@get(_PAGE + "/pictures/thumbnails/persons/{person_id:uuid}.png", **{**_DECLARED, "errors": (404, 429)})
async def shared_avatar(person_id: UUID, request: AnyRequest, query: PasswordQuery, db: Database) -> Any:
    """The picture of somebody who wrote, or answered, a comment that guests read."""
    visitor = await visit(request, db)
    row = await db.row(queries.avatar, person_id=person_id, **visitor.link)
    if row is None:
        raise no_such_link()
    if not row["is_shown"]:
        raise NotFound("there is no avatar.")
    return await download(request, addresses.picture("thumbnails", person_id), kind="image/png", signed=False)


@get(
    _PAGE + "/attachment-files/{attachment_file_id:uuid}/file/{file_name:str}",
    **{**_DECLARED, "errors": (404, 429)},
)
async def shared_attachment(
    attachment_file_id: UUID, file_name: str, request: AnyRequest, query: PasswordQuery, db: Database
) -> Any:
    """A file of a comment that guests read; the name in the path is free."""
    visitor = await visit(request, db)
    row = await db.row(queries.attachment, attachment_id=attachment_file_id, **visitor.link)
    if row is None:
        raise no_such_link()
    if not row["is_shown"]:
        raise refusal(404, "Attachment not found")
    kind = row["mimetype"] or "application/octet-stream"
    return await download(
        request,
        address(attachment_file_id),
        kind="text/plain; charset=utf-8" if kind == "text/plain" else kind,
        name=row["name"] or file_name,
        attachment=kind not in _SHOWN,
        signed=False,
    )
