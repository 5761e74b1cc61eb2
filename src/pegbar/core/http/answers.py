"""Answers as they leave: of what a handler returns, of what went wrong, of what is made while it is sent."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog
from litestar import Request
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Receive, Scope, Send

from pegbar.config import settings
from pegbar.core.data.faults import answer_to
from pegbar.core.errors import ApiError, InternalError
from pegbar.core.http.routing import Reply

log = structlog.get_logger()


def with_headers(app: ASGIApp, headers: Sequence[tuple[bytes, bytes]]) -> ASGIApp:
    """The response with more headers."""
    return _extended(app, lambda: headers) if headers else app


def telling(statements: list[str], app: ASGIApp) -> ASGIApp:
    """The response with a header for the number of statements made before its first byte."""
    return _extended(app, lambda: [(b"server-timing", f'db;desc="{len(statements)} statements"'.encode())])


def _extended(app: ASGIApp, headers: Callable[[], Sequence[tuple[bytes, bytes]]]) -> ASGIApp:
    """The response with the headers that are known when it begins."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *headers()]}
            await send(message)

        await app(scope, receive, sending)

    return respond


def answer(reply: Reply, status: int = 200) -> ASGIResponse:
    """The response of a Reply."""
    body = reply.body
    if body is None:
        body = b""
    elif isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = msgspec.json.encode(body)
    headers = [*reply.headers.items(), *(("set-cookie", cookie) for cookie in reply.cookies)]
    return ASGIResponse(
        body=body,
        status_code=reply.status or status,
        media_type=reply.media_type,
        headers=headers,
    )


def error_answer(error: ApiError) -> ASGIResponse:
    """The response of an error."""
    return answer(Reply(error.body, status=error.status, headers=error.headers))


def failure(request: Request[Any, Any, Any], error: Exception) -> ASGIResponse:
    """The response to a request that failed; what whoever runs the server must know of is logged."""
    refusal = answer_to(error)
    if refusal is None:
        return unexpected(request, error)
    if refusal is not error and refusal.status >= 500:
        where = {"method": request.method, "path": told_path(request.scope)}
        log.error("a request was not served", reason=refusal.message, **where, error=_words(error))
    return error_answer(refusal)


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def told_path(scope: Mapping[str, Any]) -> str:
    """The path of a request as the log tells it: a parameter `token` is a secret."""
    path: str = scope["path"]
    token = scope.get("path_params", {}).get("token")
    return path.replace(token, "…") if token else path


def guarded(app: ASGIApp) -> ASGIApp:
    """An answer that is made while it is sent: one that fails before its first byte is answered as any other."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, sending)
        except Exception as error:
            if not begun:
                request: Request[Any, Any, Any] = Request(scope)
                await failure(request, error)(scope, receive, send)
                return
            # Without its end the transfer is broken, and the client knows it.
            known = answer_to(error) is not None
            log.error(
                "an answer broke off", path=told_path(scope), error=_words(error), exc_info=None if known else error
            )

    return respond


def unexpected(request: Request[Any, Any, Any], error: Exception) -> ASGIResponse:
    """The response to a fault of ours: logged whole, told only in debug mode."""
    log.error("a request failed", method=request.method, path=told_path(request.scope), exc_info=error)
    if settings().debug:
        return error_answer(InternalError(str(error), stacktrace="".join(traceback.format_exception(error))))
    return error_answer(InternalError("Internal server error."))
