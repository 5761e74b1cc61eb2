"""Backgrounds that light 3D previews: upload and download. Source: spec media, "preview-background-files".

From "Worth fixing": a refused upload keeps the row and what was stored before.
"""

from typing import Any
from uuid import UUID

from litestar import Request
from sqlalchemy import select

from pegbar.core.data.database import Database, Json
from pegbar.core.data.parameters import param
from pegbar.core.errors import BadRequest, MethodNotAllowed, NotFound
from pegbar.core.http.access import Caller, admin, anyone, authenticated
from pegbar.core.http.downloads import download, media_type
from pegbar.core.http.idempotency import STORES
from pegbar.core.http.routing import get, post
from pegbar.core.http.uploads import received_form
from pegbar.core.storage import record, store
from pegbar.media import addresses
from pegbar.media.events import BACKGROUND_ADD_FILE, BACKGROUND_UPDATE
from pegbar.media.pictures import BACKGROUND_THUMBNAIL, rendered
from pegbar.media.resources import preview_backgrounds
from pegbar.media.tables import preview_background_file

AnyRequest = Request[Any, Any, Any]
_BACKGROUND = select(
    preview_background_file.c.id, preview_background_file.c.extension, preview_background_file.c.original_name
).where(preview_background_file.c.id == param("row_id"))


@post(
    "/pictures/preview-background-files/{instance_id:uuid}",
    access=admin,
    events=(BACKGROUND_UPDATE, BACKGROUND_ADD_FILE),
    files=True,
    errors=(400, 404, 429),
    unkeyed=STORES,
)
async def upload_background(instance_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Json:
    """Upload the picture of a background (multipart field `file`): a Radiance HDR."""
    if await db.row(_BACKGROUND, row_id=instance_id) is None:
        raise NotFound(f"There is no preview background {instance_id}.")
    async with received_form(request) as form:
        upload = form.file()
        if upload.extension != "hdr":
            raise BadRequest("A preview background must be a file of the type hdr.")
        async with rendered(upload.path, (BACKGROUND_THUMBNAIL,), holder=caller.id, hdr=True) as picture:
            thumbnail = addresses.picture("thumbnails", instance_id)
            background = addresses.picture("preview-backgrounds", instance_id)
            stored = [
                (background, await store().put(background, upload.path)),
                (thumbnail, await store().put(thumbnail, picture.files["thumbnails"])),
            ]
    async with db.transaction(caller.id) as tx:
        columns = {"extension": "hdr", "original_name": upload.stem[:250], "file_size": upload.size}
        await tx.update(preview_background_file, instance_id, **columns)
        for address, size in stored:
            await record(tx, address, size)
        tx.emit(BACKGROUND_UPDATE, preview_background_file_id=instance_id)
        tx.emit(BACKGROUND_ADD_FILE, preview_background_file_id=instance_id, extension="hdr")
        return await preview_backgrounds.read(tx, caller, instance_id)


@get("/pictures/preview-background-files/{instance_id:uuid}.{extension:str}", access=authenticated)
async def read_background(instance_id: UUID, extension: str, request: AnyRequest, db: Database) -> Any:
    """The picture of a background, as it was uploaded."""
    row = await db.row(_BACKGROUND, row_id=instance_id)
    if row is None or row["extension"] != extension.lower():
        raise NotFound("there is no such background.")
    return await download(
        request,
        addresses.picture("preview-backgrounds", instance_id),
        kind=media_type(row["extension"]),
        name=f"{row['original_name']}.{row['extension']}",
    )


@get("/pictures/thumbnails/preview-background-files/{instance_id:uuid}.png", access=authenticated)
async def background_thumbnail(instance_id: UUID, request: AnyRequest) -> Any:
    """The thumbnail of a background, 300 x 200."""
    return await download(request, addresses.picture("thumbnails", instance_id), kind="image/png")


@post(
    "/pictures/thumbnails/preview-background-files/{instance_id:str}.png",
    access=anyone,
    errors=(405,),
    hidden=True,
)
async def background_thumbnail_is_made(instance_id: str) -> None:
    """Not an upload route: the thumbnail is made when the background is uploaded."""
    raise MethodNotAllowed(f"405 Method Not Allowed: the thumbnail of {instance_id} is made from its picture.")
