"""Uploads that survive a broken connection: tus 1.0, for files of any size. Standard: tus.io, version 1.0.0.

What is uploaded here belongs to its uploader alone, until a request uses it in place of a file (`upload_id`).
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from pegbar.core.data.database import Database
from pegbar.core.http.access import Caller, Rule
from pegbar.core.http.idempotency import RESUMES
from pegbar.core.http.resumable import actions, queries
from pegbar.core.http.routing import Reply, delete, get, post, route
from pegbar.media.uploads import tus
from pegbar.media.uploads.tus import AnyRequest

_owner = Rule("anyone signed in, for uploads of their own", lambda _: True, narrowed=True)
_uploads: dict[str, Any] = {"access": _owner, "headers": tus.spoken, "tag": "uploads", "unkeyed": RESUMES}


class KnownUpload(msgspec.Struct):
    """An upload: `received` of its `length` bytes are on the server's disk."""

    id: UUID
    name: str
    content_type: str
    length: int
    received: int
    is_complete: bool
    created_at: datetime
    expires_at: datetime


def _known(row: asyncpg.Record) -> KnownUpload:
    return KnownUpload(
        id=row["id"],
        name=row["name"],
        content_type=row["content_type"],
        length=row["length"],
        received=row["received"],
        is_complete=row["received"] == row["length"],
        created_at=row["created_at"].replace(microsecond=0),
        expires_at=row["expires_at"].replace(microsecond=0),
    )


def _standing(row: asyncpg.Record) -> dict[str, str]:
    return {"upload-offset": str(row["received"]), "upload-expires": tus.expiry(row["expires_at"])}


@get("/uploads", returns=[KnownUpload], **_uploads)
async def own_uploads(db: Database, caller: Caller) -> list[KnownUpload]:
    """The caller's uploads that are unfinished or not used yet, oldest first."""
    return [_known(row) for row in await db.rows(queries.all_of_person, person_id=caller.id)]


@post("/uploads", errors=(400, 409, 412, 413, 429, 460, 507), **_uploads)
async def begin_upload(request: AnyRequest, db: Database, caller: Caller) -> Reply:
    """Begin an upload (tus creation): `Upload-Length` bytes, named by `Upload-Metadata`.

    `Location` is where it goes on. A body of the type application/offset+octet-stream is its first piece. 413 for more
    than is taken, 429 for too many unfinished ones, 507 when the disk has no room.
    """
    tus.check_version(request)
    new = tus.new_upload(request)
    begins = request.headers.get("content-type", "").startswith(tus.PIECE)
    checksum = tus.checksum(request)
    row = await actions.begin(db, caller.id, new)
    if begins:
        try:
            await _append(request, db, caller, row["id"], 0, checksum)
        except BaseException:
            # The client does not know its address.
            await actions.remove(db, caller.id, row["id"])
            raise
        row = await actions.find(db, caller.id, row["id"])
    return Reply(status=201, headers={"location": tus.location(request, row["id"]), **_standing(row)})


@get("/uploads/{upload_id:uuid}", returns=KnownUpload, errors=(404, 412), **_uploads)
async def read_upload(upload_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Reply:
    """How far an upload is; HEAD tells the same in headers (tus)."""
    tus.check_version(request)
    row = await actions.find(db, caller.id, upload_id)
    headers = {**_standing(row), "upload-length": str(row["length"])}
    if row["metadata"]:
        headers["upload-metadata"] = row["metadata"]
    return Reply(_known(row), headers=headers)


@route(
    "PATCH",
    "/uploads/{upload_id:uuid}",
    status=204,
    errors=(400, 404, 408, 409, 412, 413, 415, 423, 460, 507),
    **_uploads,
)
async def continue_upload(upload_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Reply:
    """Send bytes of an upload from `Upload-Offset` on (tus).

    409 when it stands elsewhere, 423 while another request writes to it, 460 when the bytes are not those of
    `Upload-Checksum`. What came before a connection broke stays, and HEAD tells how much that is.
    """
    tus.check_version(request)
    await actions.find(db, caller.id, upload_id)
    tus.check_piece(request)
    offset = tus.number(request, "Upload-Offset")
    await _append(request, db, caller, upload_id, offset, tus.checksum(request))
    row = await actions.find(db, caller.id, upload_id)
    return Reply(status=204, headers=_standing(row))


async def _append(
    request: AnyRequest, db: Database, caller: Caller, upload_id: UUID, offset: int, checksum: actions.Checksum | None
) -> int:
    pieces: AsyncIterator[bytes] = request.stream()
    announced = tus.announced(request)
    return await actions.append(db, caller.id, upload_id, offset, pieces, announced=announced, checksum=checksum)


@delete("/uploads/{upload_id:uuid}", errors=(404, 409, 412), **_uploads)
async def remove_upload(upload_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> None:
    """Remove an upload and its bytes (tus termination)."""
    tus.check_version(request)
    await actions.remove(db, caller.id, upload_id)


@post("/uploads/{upload_id:uuid}", hidden=True, **_uploads)
async def overridden(upload_id: UUID, request: AnyRequest, db: Database, caller: Caller) -> Any:
    """PATCH for clients behind proxies that do not take it, or what `X-HTTP-Method-Override` says (tus)."""
    if request.headers.get("x-http-method-override", "").upper() == "DELETE":
        return await remove_upload(upload_id, request, db, caller)
    return await continue_upload(upload_id, request, db, caller)
