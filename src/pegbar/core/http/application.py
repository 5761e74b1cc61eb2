"""The ASGI application of all operations, inside the outer shell: from a request to the endpoint and its answer.

Litestar reads requests (headers, query strings, forms) and writes short answers. Its routes and handlers are not used:
what they do besides (arguments, dependencies, guards, responses) the Endpoint does, and they took a sixth of the
processor time that the application needs for a task by its id.
"""

import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from litestar.datastructures import State
from litestar.types import Receive, Send

from pegbar.core.errors import ApiError
from pegbar.core.http.answers import error_answer, unexpected
from pegbar.core.http.body import Call
from pegbar.core.http.router import Router
from pegbar.core.http.routing import Answering, Operation


class Application:
    """Answers requests to operations. `state` is what their handlers share, at `request.app.state`."""

    def __init__(
        self,
        operations: Iterable[tuple[Operation, Answering]],
        lifespan: Callable[[], AbstractAsyncContextManager[None]],
        state: Mapping[str, Any],
    ) -> None:
        self._router = Router(operations)
        self._lifespan = lifespan
        self.state = State(dict(state), deep_copy=False)

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        scope["litestar_app"] = self
        try:
            answering, scope["path_params"] = self._router.find(scope["method"], scope["path"])
        except ApiError as refusal:
            await error_answer(refusal)(scope, receive, send)
            return
        request = Call(scope, receive, send)
        try:
            answer = await answering(request)
        except Exception as error:  # of what watches the endpoint, which answers for itself
            answer = unexpected(request, error)
        await answer(scope, receive, send)

    async def _live(self, receive: Any, send: Any) -> None:
        """Begin with the server, and end with it."""
        moment = "startup"
        await receive()
        try:
            async with self._lifespan():
                await send({"type": "lifespan.startup.complete"})
                moment = "shutdown"
                await receive()
        except BaseException:
            await send({"type": f"lifespan.{moment}.failed", "message": traceback.format_exc()})
            raise
        await send({"type": "lifespan.shutdown.complete"})
