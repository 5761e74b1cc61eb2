"""Pages for people: the landing page and the browsable documentation. They need nothing from the internet."""

from collections.abc import Sequence
from functools import cached_property
from importlib.resources import files
from typing import Any

import msgspec

from pegbar.core.http import openapi
from pegbar.core.http.routing import Operation, Reply
from pegbar.core.http.static import etag_of, not_modified

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_ASSETS = frozenset({"style.css", "script.js", "landing.js", "icon.svg"})
#: Everything these pages use comes from this server.
_POLICY = "default-src 'self'; frame-ancestors 'self'"


class Pages:
    """What `/`, `/docs` and `/openapi.json` answer."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = operations

    @cached_property
    def _document(self) -> bytes:
        return msgspec.json.encode(openapi.document(self._operations))

    def find(self, path: str, headers: dict[bytes, bytes]) -> Reply | None:
        """The page at a path, if there is one."""
        if path in ("/openapi.json", "/openapi-raw.json"):
            return _cached(self._document, "application/json", headers)
        if path in ("/docs/", "/apidocs", "/apidocs/"):
            where = "docs" if path == "/apidocs" else "../docs"
            return Reply(b"", status=308, media_type="text/html", headers={"location": where})
        if path == "/docs":
            return _page("docs.html", headers)
        folder, _, name = path.rpartition("/")
        return _page(name, headers) if folder == "/docs" and name in _ASSETS else None

    def landing(self, headers: dict[bytes, bytes]) -> Reply:
        """What a browser gets at the root."""
        return _page("landing.html", headers)


def _page(name: str, headers: dict[bytes, bytes]) -> Reply:
    content = files(__name__).joinpath(name).read_bytes()
    return _cached(content, _TYPES[name.rpartition(".")[2]], headers, {"content-security-policy": _POLICY})


def _cached(content: bytes, media_type: str, request: dict[bytes, bytes], more: dict[str, str] | None = None) -> Reply:
    """Content that browsers keep and ask about again."""
    tag = etag_of(content)
    headers: dict[str, Any] = {"etag": tag, "cache-control": "no-cache", **(more or {})}
    if not_modified(request, tag):
        return Reply(b"", status=304, media_type=media_type, headers=headers)
    return Reply(content, media_type=media_type, headers=headers)
