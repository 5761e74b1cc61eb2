"""Request bodies and query strings, validated into msgspec Structs. Source: spec accounts, "HTTP conventions".

"Blank = absent" in query strings is from spec tasks.
"""

import re
from collections.abc import AsyncGenerator
from functools import lru_cache
from typing import Any, TypeVar, get_args
from uuid import UUID

import msgspec
from litestar import Request
from litestar.connection.base import empty_receive, empty_send
from litestar.datastructures import Headers, MultiDict
from litestar.exceptions import ClientException
from msgspec import UNSET
from multidict import CIMultiDict

from pegbar.config import settings
from pegbar.core.data.values import check_text
from pegbar.core.errors import ApiError, BadRequest, HungUp, InvalidBody, TooLarge, WrongContentType
from pegbar.core.http.forms import multipart_form

AnyRequest = Request[Any, Any, Any]
S = TypeVar("S")
Q = TypeVar("Q", bound=msgspec.Struct)

_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])', re.DOTALL)
_BOOLEANS = {"yes": True, "y": True, "on": True, "t": True, "no": False, "n": False, "off": False, "f": False}
#: Where a request keeps its document between the access rule and the handler.
_DOCUMENT = "pegbar.document"
#: And the bytes of its body.
_RAW = "pegbar.body"
_INDEX = re.compile(r"\[(\d+)\]")
_AT = re.compile(r"^(?P<message>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)


class Call(Request[Any, Any, Any]):
    """A request of this server: what is blank in its query string is empty, what no column can hold is refused."""

    def __init__(self, scope: Any, receive: Any = empty_receive, send: Any = empty_send) -> None:
        super().__init__(scope, receive, send)
        self._read_headers: Headers | None = None

    @property
    def headers(self) -> Headers:
        """The headers, read at their first use: by half of what Litestar takes to find out what it was given."""
        if self._read_headers is None:
            pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.scope["headers"]]
            self._read_headers = Headers(CIMultiDict(pairs))
        return self._read_headers

    @property
    def query_params(self) -> MultiDict[Any]:
        """The parameters; one that holds nothing but white space is there, and empty. Raises Refused."""
        params = super().query_params
        for name, value in params.multi_items():
            if "\0" in value:
                check_text(name, value)
        if not any(value.isspace() for value in params.values()):
            return params
        return MultiDict((name, "" if value.isspace() else value) for name, value in params.multi_items())

    async def stream(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes, once: how long it may be is judged where it is received. Raises HungUp."""
        assert self.is_connected, "the body was read before"
        more = True
        while more:
            message: Any = await self.receive()
            if message["type"] != "http.request":
                raise HungUp("The caller hung up before the end of the body.")
            if body := message.get("body", b""):
                yield body
            more = message.get("more_body", False)
        self.is_connected = False


def with_body(scope: Any, body: bytes) -> Call:
    """A request whose body has been received."""

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    return Call(scope, receive=receive)


def with_document(scope: Any, document: Any) -> Call:
    """A request whose JSON body is made here."""

    async def receive() -> Any:
        return {"type": "http.request", "body": msgspec.json.encode(document), "more_body": False}

    scope[_DOCUMENT] = document
    return Call(scope, receive=receive)


def document_of(request: AnyRequest) -> Any:
    """The JSON of a request that was made here or read before; None when it has none."""
    return request.scope.get(_DOCUMENT)


class Strict(msgspec.Struct, forbid_unknown_fields=False):
    """Base of request bodies: unknown keys are ignored. Numbers and booleans may be spelled out, text is text."""


async def raw_json(request: AnyRequest) -> bytes:
    """The bytes of a JSON body, within the limits of size and depth. Kept for a mutation that runs again."""
    if _RAW in request.scope:
        return request.scope[_RAW]  # type: ignore[literal-required,no-any-return]
    limit = settings().max_json_length
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise TooLarge(f"A JSON body is limited to {limit} bytes.")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLarge(f"A JSON body is limited to {limit} bytes.")
        parts.append(part)
    body = b"".join(parts)
    _check_depth(body)
    request.scope[_RAW] = body  # type: ignore[literal-required]
    return body


def _check_depth(body: bytes) -> None:
    deepest = settings().max_json_depth
    if body.count(b"[") + body.count(b"{") <= deepest:
        return
    depth = 0
    for match in _BRACKETS.finditer(body):
        if match[1]:
            depth += 1
            if depth > deepest:
                raise BadRequest(f"A JSON body may be nested {deepest} levels deep.")
        elif match[2]:
            depth -= 1


def _is_json(request: AnyRequest) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def decode_json(body: bytes) -> Any:
    """A decoded JSON document; 400 when it is not one."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise ApiError(f"The body is not valid JSON: {error}.", status=400) from None
    except (UnicodeDecodeError, RecursionError):
        raise ApiError("The body is not valid JSON.", status=400) from None


async def json_value(request: AnyRequest) -> Any:
    """The JSON of a request where only JSON is read, of whatever type: 415 for another content type."""
    if _DOCUMENT not in request.scope:
        if not _is_json(request):
            raise WrongContentType("The body must be JSON, with the content type application/json.")
        request.scope[_DOCUMENT] = decode_json(await raw_json(request))  # type: ignore[literal-required]
    return request.scope[_DOCUMENT]  # type: ignore[literal-required]


async def json_document(request: AnyRequest) -> dict[str, Any]:
    """The JSON object of a request where only JSON is read: 415 for another content type, 400 for anything else."""
    document = await json_value(request)
    if not isinstance(document, dict):
        raise BadRequest("The body must be a JSON object.")
    return document


async def json_beside_query(request: AnyRequest) -> dict[str, Any]:
    """The JSON object that a read takes where its query string says nothing; empty without one."""
    if not _is_json(request):
        return {}
    body = await raw_json(request)
    document = decode_json(body) if body.strip() else {}
    return document if isinstance(document, dict) else {}


async def read_body(request: AnyRequest, kind: type[S]) -> S:
    """The body as a Struct: its JSON, else the form and the query string as text.

    A number or boolean may be text (`"2"`, `"true"`, `"yes"`), as forms send them; a number is not taken for text.
    """
    document: Any = None
    if _is_json(request):
        try:
            document = decode_json(await raw_json(request))
        except TooLarge:
            raise
        except ApiError:
            document = None
    if document is None:
        document = await _form_and_query(request)
    return body_of(document, kind)


def body_of(document: Any, kind: type[S]) -> S:
    """A document as the Struct that a body is."""
    if isinstance(document, dict):
        document = _with_booleans(document, kind)
    return validate(document, kind, strict=False)


def _with_booleans(document: dict[str, Any], kind: Any) -> dict[str, Any]:
    """The words for true and false that msgspec does not know, in the fields that are booleans."""
    words = {name: value.lower() for name in _booleans(kind) if isinstance(value := document.get(name), str)}
    return document | {name: _BOOLEANS[word] for name, word in words.items() if word in _BOOLEANS}


@lru_cache
def _booleans(kind: type[Any]) -> tuple[str, ...]:
    """The fields of a Struct that take a boolean and no text."""
    taken = {field.encode_name: {field.type, *get_args(field.type)} for field in msgspec.structs.fields(kind)}
    return tuple(name for name, types in taken.items() if bool in types and str not in types)


async def _form_and_query(request: AnyRequest) -> dict[str, Any]:
    document: dict[str, Any] = {name: request.query_params[name] for name in request.query_params}
    content = request.headers.get("content-type", "")
    if content.startswith("multipart/form-data"):
        async with multipart_form(request) as parts:
            document.update(parts.fields)
    else:
        document.update(await url_encoded(request))
    return document


async def url_encoded(request: AnyRequest) -> list[tuple[str, str]]:
    """The fields of a form that was sent as a query string is; none of any other body."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return []
    try:
        form = await request.form()
    except ClientException as error:
        raise BadRequest(f"The form cannot be read: {error.detail}") from None
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]


def _split(error: msgspec.ValidationError) -> tuple[str, str]:
    match = _AT.match(str(error))
    assert match is not None
    message, path = match["message"], _INDEX.sub(r".\1", match["path"] or "").strip(".")
    missing = re.match(r"Object missing required field `(.+)`", message)
    if missing:
        return f"{path}.{missing[1]}".strip("."), "This field is required."
    return path, message


def validate(document: Any, kind: type[S], *, strict: bool = True) -> S:
    """The document as a Struct, or InvalidBody with one entry for each field at fault."""
    try:
        return msgspec.convert(document, kind, strict=strict)
    except msgspec.ValidationError as error:
        if not isinstance(document, dict):
            raise InvalidBody([("", "The body must be a JSON object.")]) from None
        raise InvalidBody(_every_error(document, kind, strict) or [_split(error)]) from None


def _every_error(document: dict[str, Any], kind: Any, strict: bool) -> list[tuple[str, str]]:
    errors = []
    for field in msgspec.structs.fields(kind):
        if field.encode_name not in document:
            if field.required:
                errors.append((field.encode_name, "This field is required."))
            continue
        try:
            msgspec.convert(document[field.encode_name], field.type, strict=strict)
        except msgspec.ValidationError as error:
            path, message = _split(error)
            errors.append((f"{field.encode_name}.{path}".strip("."), message))
    return errors


def read_query(request: AnyRequest, kind: type[S]) -> S:
    """The query string as a Struct; `list` fields take a repeated parameter, booleans only `true` (any case).

    An empty parameter is absent, but for a field whose default is UNSET: that one tells the two apart.
    """
    document: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):  # type: ignore[arg-type]
        values = request.query_params.getall(field.encode_name, [])
        if not field.required and field.default is not UNSET:
            values = [value for value in values if value]
        if not values:
            continue
        if field.type is bool:
            document[field.encode_name] = values[0].lower() == "true"
        elif getattr(field.type, "__origin__", None) is list:
            document[field.encode_name] = values
        else:
            document[field.encode_name] = values[0]
    try:
        return msgspec.convert(document, kind, strict=False)
    except msgspec.ValidationError as error:
        path, message = _split(error)
        raise BadRequest(f"{path}: {message}" if path else message) from None


async def query_or_body(request: AnyRequest, query: Q) -> Q:
    """A query string, with what it leaves out taken from a JSON body if there is one."""
    if not _is_json(request):
        return query
    document = await json_document(request)
    left_out = {name: value for name, value in document.items() if name not in request.query_params}
    return validate({**msgspec.structs.asdict(query), **left_out}, type(query), strict=False)


def read_id(name: str, text: str) -> UUID:
    """An id of a query string; 400 for anything else."""
    try:
        return UUID(text)
    except ValueError:
        raise BadRequest(f"Invalid UUID format for {name}: {text}") from None


def query_id(request: AnyRequest, name: str) -> UUID | None:
    """The id under a name of the query string, if it is there; 400 for anything else."""
    text = request.query_params.get(name)
    return None if text is None else read_id(name, text)
