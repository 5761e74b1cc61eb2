"""Who serves the review rooms. Source: spec review, "Transport"."""

from typing import Any

from pegbar.accounts.instance.health import NAME
from pegbar.core.http.access import authenticated
from pegbar.core.http.routing import get, post


@get("/rooms", access=authenticated)
async def rooms() -> Any:
    """The name of the server of review rooms."""
    return {"name": f"{NAME} Review rooms"}


@post("/rooms", access=authenticated, status=200)
async def rooms_again() -> Any:
    """The same."""
    return {"name": f"{NAME} Review rooms"}
