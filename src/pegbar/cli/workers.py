"""What runs in the worker processes that Granian forks: an ASGI application, with logs and an end of its own."""

from litestar.types import ASGIApp

from pegbar.core import logs
from pegbar.core.processes import end_with_parent


def api() -> ASGIApp:
    """The application of an API worker."""
    from pegbar import app

    end_with_parent()
    logs.configure()
    return app.create()
