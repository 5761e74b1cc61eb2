"""What people read in a browser when a sign-in does not end in the web UI."""

import html
from importlib.resources import files
from string import Template

from pegbar.config import settings
from pegbar.core.http.routing import Reply

#: What is about one sign-in is kept by no cache, and its address is told to no other site.
PRIVATE = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


def page(title: str, message: str, status: int) -> Reply:
    """A page with a message, and the way back to the web UI."""
    template = Template(files(__package__).joinpath("page.html").read_text(encoding="utf-8"))
    words = {"title": title, "message": message, "root": settings().public_url}
    text = template.substitute({name: html.escape(word) for name, word in words.items()})
    headers = {"content-security-policy": _POLICY, **PRIVATE}
    return Reply(text, status=status, media_type="text/html; charset=utf-8", headers=headers)
