"""The headers of tus 1.0: what a client says of a file, and what an answer says of an upload.

Standard: https://tus.io/protocols/resumable-upload, version 1.0.0, with the extensions named in EXTENSIONS.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote

from litestar import Request

from pegbar.config import settings
from pegbar.core.errors import ApiError, BadRequest
from pegbar.core.http.forms import file_name
from pegbar.core.http.resumable.actions import ALGORITHMS, Checksum, NewUpload

AnyRequest = Request[Any, Any, Any]

VERSION = "1.0.0"
EXTENSIONS = ("creation", "creation-with-upload", "expiration", "termination", "checksum")
PIECE = "application/offset+octet-stream"
#: Characters of Upload-Metadata.
_LONGEST_METADATA = 8192
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}", re.ASCII)


class OtherVersion(ApiError):
    """A version of the protocol that is not spoken here: 412."""

    status = 412


class WrongPiece(ApiError):
    """Bytes of another content type: 415."""

    status = 415


def spoken() -> Mapping[str, str]:
    """What every answer says: the version, what else is understood, and that nothing is to be kept."""
    longest = settings().max_content_length
    return {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": ",".join(EXTENSIONS),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
        **({"Tus-Max-Size": str(longest)} if longest else {}),
        "Cache-Control": "no-store",
    }


def check_version(request: AnyRequest) -> None:
    """Raise OtherVersion for a request of another version; one that says none is taken for ours."""
    version = request.headers.get("tus-resumable", VERSION)
    if version != VERSION:
        raise OtherVersion(f"Tus-Resumable: version {version[:20]!r} is not spoken here, {VERSION} is.")


def number(request: AnyRequest, header: str) -> int:
    """A header that is a whole number of bytes; 400 without it."""
    text = request.headers.get(header.lower(), "")
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise BadRequest(f"{header}: a whole number of bytes is required.")
    return int(text)


def new_upload(request: AnyRequest) -> NewUpload:
    """The file that a creation announces."""
    if "upload-defer-length" in request.headers:
        raise BadRequest("Upload-Defer-Length: the length must be known; send Upload-Length.")
    metadata = request.headers.get("upload-metadata", "")
    pairs = read_metadata(metadata)
    kind = pairs.get("filetype") or pairs.get("type") or ""
    return NewUpload(
        name=file_name(pairs.get("filename") or pairs.get("name") or ""),
        content_type=kind if _MEDIA_TYPE.fullmatch(kind) else "application/octet-stream",
        metadata=metadata,
        length=number(request, "Upload-Length"),
    )


def read_metadata(text: str) -> dict[str, str]:
    """The pairs of Upload-Metadata: a key and a base64 text each, separated by commas."""
    if len(text) > _LONGEST_METADATA:
        raise BadRequest(f"Upload-Metadata: at most {_LONGEST_METADATA} characters.")
    pairs = {}
    for item in text.split(",") if text.strip() else ():
        key, _, value = item.strip().partition(" ")
        if not key.isascii() or not key:
            raise BadRequest("Upload-Metadata: each pair is a key and a text in base64, separated by a space.")
        try:
            pairs[key] = base64.b64decode(value.strip(), validate=True).decode(errors="replace")
        except (binascii.Error, ValueError):
            raise BadRequest(f"Upload-Metadata: the value of {key[:40]!r} is not base64.") from None
    return pairs


def checksum(request: AnyRequest) -> Checksum | None:
    """What the bytes of a request must add up to, if it says."""
    text = request.headers.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, encoded = text.strip().partition(" ")
    if algorithm not in ALGORITHMS:
        raise BadRequest(f"Upload-Checksum: {algorithm[:20]!r} is none of {', '.join(ALGORITHMS)}.")
    try:
        return Checksum(algorithm, base64.b64decode(encoded.strip(), validate=True))
    except (binascii.Error, ValueError):
        raise BadRequest("Upload-Checksum: the checksum is not base64.") from None


def announced(request: AnyRequest) -> int | None:
    """The length of the body, if it is known."""
    text = request.headers.get("content-length", "")
    return int(text) if text.isdigit() else None


def check_piece(request: AnyRequest) -> None:
    """Raise WrongPiece unless the body is a piece of an upload."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != PIECE:
        raise WrongPiece(f"The body of this request must have the content type {PIECE}.")


def expiry(moment: datetime) -> str:
    """A time of the database (UTC) as headers have it."""
    return format_datetime(moment.replace(microsecond=0, tzinfo=UTC), usegmt=True)


def location(request: AnyRequest, upload_id: Any) -> str:
    """The address of a new upload, from the address of the request: what proxies call that one is their affair."""
    name = quote(str(upload_id))
    return name if request.scope["raw_path"].endswith(b"/") else f"uploads/{name}"
