"""The files and fields that a request sends, whether they come in its form or came before it.

    async with received_form(request) as form:
        upload = form.file()

Every route that takes files takes uploads that arrived in pieces too (`/uploads`): the parameter `upload_id`, in the
form, the JSON body or the query string, stands for the file of the field `file`; `upload_id[preview_file-0]` for that
of another field. Repeated, the second is the file of the field `file-1`, and so on.
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.core.data.parameters import about_caller
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.body import json_beside_query, url_encoded
from pegbar.core.http.forms import Form, Upload, file_name, multipart_form
from pegbar.core.http.resumable.claims import claimed

_NAMED = re.compile(r"upload_id\[([^\[\]]{1,100})\]")
#: Uploads that one request may use.
_MOST = 100


@asynccontextmanager
async def received_form(request: Request[Any, Any, Any]) -> AsyncIterator[Form]:
    """The form of a request, with the uploads that it names among its files.

    A body that is no multipart form is one without fields; a broken form is 400. An upload that is not whole, or that
    another request uses, is 409; one that is not the caller's is 404. Read it before opening a transaction: an upload
    may take an hour. What is named is used up when the request succeeds.
    """
    async with multipart_form(request) as form:
        for field, upload_id in _named(await _parameters(request, form)):
            form.files.append(await claimed(request, _caller_id(), upload_id, field))
        yield form


def _caller_id() -> UUID:
    caller_id = about_caller.get().get("caller_id")
    if caller_id is None:
        raise NotFound("there is no such upload.")
    return UUID(str(caller_id))


async def _parameters(request: Request[Any, Any, Any], form: Form) -> list[tuple[str, Any]]:
    """What names uploads, wherever it stands."""
    document = await json_beside_query(request)
    pairs: list[tuple[str, Any]] = [*request.query_params.multi_items(), *form.texts, *await url_encoded(request)]
    for name, value in document.items():
        if name == "upload_id" and isinstance(value, list):
            pairs += [(name, item) for item in value]
        elif name == "upload_id" and isinstance(value, dict):
            pairs += [(f"upload_id[{field}]", item) for field, item in value.items()]
        else:
            pairs.append((name, value))
    return [(name, value) for name, value in pairs if name.startswith("upload_id") and value not in (None, "")]


def _named(parameters: list[tuple[str, Any]]) -> Iterator[tuple[str, UUID]]:
    """The field and id of each upload that is named."""
    if len(parameters) > _MOST:
        raise BadRequest(f"upload_id: a request uses at most {_MOST} uploads.")
    plain = 0
    for name, value in parameters:
        if name == "upload_id":
            field = f"file-{plain}" if plain else "file"
            plain += 1
        elif (match := _NAMED.fullmatch(name)) is not None:
            field = match[1]
        else:
            continue
        try:
            yield field, UUID(value)
        except (ValueError, TypeError, AttributeError):
            raise BadRequest(f"{name}: {str(value)[:60]!r} is not the id of an upload.") from None


__all__ = ["Form", "Upload", "file_name", "received_form"]
