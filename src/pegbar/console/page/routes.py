"""The page of the console: one document, its style and its modules, all from here. Nothing in it is secret.

Whoever is not signed in gets a form to sign in; anybody but a studio manager is told so, with 403: by the page in a
browser, by the JSON of every other error elsewhere.
"""

from functools import cache
from importlib.resources import files
from typing import Any

from litestar import Request

from pegbar.accounts.callers import RequestCallers
from pegbar.core.data.database import Database
from pegbar.core.errors import ApiError, Forbidden, NotFound
from pegbar.core.http.access import anyone, authenticated
from pegbar.core.http.routing import Reply, get
from pegbar.core.http.static import etag_of, not_modified

_TAG = "Console"
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
#: What the answer at the page's address depends on.
_VARY = "Accept, Cookie, Authorization"


@cache
def _assets() -> dict[str, bytes]:
    """The files of the page by name."""
    return {file.name: file.read_bytes() for file in files(__package__).joinpath("assets").iterdir() if file.is_file()}


def _sent(name: str, request: Request[Any, Any, Any], status: int = 200) -> Reply:
    content = _assets()[name]
    media_type = _TYPES[name.rpartition(".")[2]]
    headers = {**_HEADERS, "etag": etag_of(content)}
    if status == 200 and not_modified(dict(request.scope["headers"]), headers["etag"]):
        return Reply(b"", status=304, media_type=media_type, headers=headers)
    return Reply(content, status=status, media_type=media_type, headers=headers)


async def _is_refused(request: Request[Any, Any, Any], db: Database) -> bool:
    """Whether somebody is signed in who is no studio manager."""
    callers = RequestCallers(db)
    try:
        caller = await callers.resolve(callers.identify(request), authenticated, None)
    except ApiError:  # not signed in, or not any more: there is a form for that
        return False
    return not caller.is_admin


@get("/console", access=anyone, tag=_TAG, hidden=True, errors=(403,))
async def page(request: Request[Any, Any, Any], db: Database) -> Reply:
    """The console, in a browser."""
    if request.scope["raw_path"].endswith(b"/"):  # what the page names stands beside it
        return Reply(b"", status=308, media_type="text/html", headers={"location": "../console"})
    refused = await _is_refused(request, db)
    if refused and "text/html" not in request.headers.get("accept", ""):
        refusal = Forbidden()
        refusal.headers["vary"] = _VARY
        raise refusal
    reply = _sent("console.html", request, 403 if refused else 200)
    reply.headers["vary"] = _VARY
    if reply.status != 200:
        reply.headers.pop("etag")
    return reply


@get("/console/assets/{name:str}", access=anyone, tag=_TAG, hidden=True)
async def asset(name: str, request: Request[Any, Any, Any]) -> Reply:
    """A module, the style or the icon of the console."""
    if name not in _assets() or name.endswith(".html"):
        raise NotFound(f"The console has no file {name!r}.")
    return _sent(name, request)
