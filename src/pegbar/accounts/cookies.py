"""Cookies of browser sessions. Source: spec accounts, "Tokens" and "Worth fixing".

Browsers get their tokens in cookies that scripts of a page cannot read. The refresh cookie is set for each path that
browsers may know the refresh route by: behind `/api`, and at the root.
"""

import re

from pegbar.accounts.addresses import AnyRequest, is_https
from pegbar.accounts.callers import ACCESS_COOKIE, REFRESH_COOKIE
from pegbar.config import settings

_BROWSERS = re.compile(r"\b(?:Chrome|HeadlessChrome|CriOS|Firefox|FxiOS|Safari|Edg|Edge|OPR|Opera|Brave|Vivaldi)/")
#: Desktop applications that carry a browser engine keep their tokens themselves.
_APPLICATIONS = re.compile(r"\b(?:Electron|QtWebEngine)/")

_YEAR = 31_540_000


def is_browser(request: AnyRequest) -> bool:
    """Whether the caller is a web browser, by its user agent."""
    agent = request.headers.get("user-agent", "")
    return bool(_BROWSERS.search(agent)) and not _APPLICATIONS.search(agent)


def _cookie(request: AnyRequest, name: str, value: str, path: str, age: int) -> str:
    secure = "; Secure" if is_https(request) else ""
    return f"{name}={value}; Path={path}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}"


def access_cookie(request: AnyRequest, token: str) -> list[str]:
    """The `Set-Cookie` values that give a browser an access token."""
    return [_cookie(request, ACCESS_COOKIE, token, "/", _YEAR)]


def session_cookies(request: AnyRequest, access: str, refresh: str) -> list[str]:
    """The `Set-Cookie` values that give a browser the tokens of a session."""
    paths = settings().refresh_cookie_paths
    return access_cookie(request, access) + [_cookie(request, REFRESH_COOKIE, refresh, path, _YEAR) for path in paths]


def cleared_cookies(request: AnyRequest) -> list[str]:
    """The `Set-Cookie` values that take them away."""
    paths = settings().refresh_cookie_paths
    return [_cookie(request, ACCESS_COOKIE, "", "/", 0)] + [
        _cookie(request, REFRESH_COOKIE, "", path, 0) for path in paths
    ]
