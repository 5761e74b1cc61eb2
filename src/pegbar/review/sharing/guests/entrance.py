"""Where a browser is asked for the password of a share link.

The page of the web UI asks for none. This one does, leaves the pass in a cookie (visits.py), and leads there; by a link
without a password it leads there at once. It looks the same whether there is such a link or not.
"""

import re
from html import escape
from typing import Any

from litestar import Request

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.errors import TooManyRequests
from pegbar.core.http.body import Strict, read_body
from pegbar.core.http.routing import Reply, get, post
from pegbar.core.messages.languages import language_of, texts_of
from pegbar.review.sharing.addresses import public_url
from pegbar.review.sharing.guests import queries
from pegbar.review.sharing.visits import by_link, visit

AnyRequest = Request[Any, Any, Any]

_PATH = "/shared/playlists/{token:str}/enter"
_DECLARED: dict[str, Any] = {"access": by_link, "errors": (404, 429), "tag": "Shared playlists", "hidden": True}
_SPOKEN = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z]{2})?")
_PAGE = """\
<!DOCTYPE html>
<html lang="{lang}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title></head>
<body style="margin:0;padding:24px;background:#f4f4f5;font-family:Helvetica,Arial,sans-serif;color:#222">
<form method="post" style="max-width:360px;margin:10vh auto;padding:32px;background:#fff;border-radius:8px">
<h1 style="margin-top:0;font-size:20px">{title}</h1>
<p role="alert">{note}</p>
<p><label>{label}<br><input type="password" name="password" required autofocus autocomplete="off"
 style="width:100%;box-sizing:border-box;padding:8px;font-size:16px"></label></p>
<p style="margin-bottom:0"><button style="padding:8px 24px;font-size:16px">{button}</button></p>
</form>
</body></html>
"""


class Password(Strict):
    """What was typed."""

    password: str = ""


def _page(request: AnyRequest, note: str = "", *, status: int = 200) -> Reply:
    spoken = _SPOKEN.match(request.headers.get("accept-language", ""))
    language = language_of(spoken[0] if spoken else None)
    texts = texts_of("pegbar.review.sharing", language)["enter"]
    words = {name: escape(texts[name]) for name in ("title", "label", "button")}
    html = _PAGE.format(lang=language[:2], note=escape(texts[note]) if note else "", **words)
    return Reply(html, status=status, media_type="text/html; charset=utf-8", headers=_headers())


def _headers() -> dict[str, str]:
    # A form may lead only where its policy says, also by a redirection.
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; "
        f"form-action 'self' {settings().domain_protocol}://{settings().domain_name}"
    )
    return {"content-security-policy": policy, "cache-control": "no-store", "referrer-policy": "no-referrer"}


async def _let_in(request: AnyRequest, db: Database, password: str) -> Reply | None:
    """The way to the page for who may see it, else None."""
    visitor = await visit(request, db, password=password)
    if await db.row(queries.link, **visitor.link) is None:
        return None
    headers = {"location": public_url(visitor.token), "cache-control": "no-store"}
    return Reply(status=303, headers=headers, cookies=visitor.cookies)


@get(_PATH, **_DECLARED)
async def ask_for_password(request: AnyRequest, db: Database) -> Reply:
    """Ask a browser for the password of a share link."""
    return await _let_in(request, db, "") or _page(request)


@post(_PATH, **_DECLARED, takes=Password)
async def enter_with_password(request: AnyRequest, db: Database) -> Reply:
    """Let a browser in that knows the password of a share link."""
    body = await read_body(request, Password)
    try:
        way = await _let_in(request, db, body.password)
    except TooManyRequests as error:
        page = _page(request, "wait", status=429)
        page.headers |= error.headers
        return page
    return way or _page(request, "wrong" if body.password else "", status=403 if body.password else 200)
