"""Requests of people to the application, in this process: the demo is made by what the API does, without a server."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
from litestar.types import ASGIApp

from pegbar.accounts import tokens
from pegbar.core.errors import CannotRun

#: Seconds; a movie is made before its upload is answered.
_PATIENCE = 600


class Voice:
    """Somebody who calls the API."""

    def __init__(self, client: httpx.AsyncClient, person_id: UUID) -> None:
        self._client = client
        self.id = str(person_id)
        access, _ = tokens.session(person_id, skip_2fa_setup=True)
        self._headers = {"authorization": f"Bearer {access}"}

    async def ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        """The answer to a request. Raises CannotRun with what the API says against it."""
        return await self._answer(method, path, json=body, params=query)

    async def upload(self, path: str, name: str, content: bytes) -> Any:
        """The answer to a file that is sent as a form sends it."""
        return await self._answer("POST", path, files={"file": (name, content)})

    async def _answer(self, method: str, path: str, **options: Any) -> Any:
        if options.get("json") is None:
            options.pop("json", None)
        answer = await self._client.request(method, f"/api{path}", headers=self._headers, **options)
        if answer.status_code >= 400:
            raise CannotRun(f"{method} {path} was refused ({answer.status_code}): {_message(answer)}")
        return answer.json() if answer.content else None


def _message(answer: httpx.Response) -> str:
    try:
        document = answer.json()
    except ValueError:
        return answer.text[:500]
    return str(document.get("message", document)) if isinstance(document, Mapping) else str(document)[:500]


@asynccontextmanager
async def open_to(application: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that is started for it, and stopped after it."""
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    async with (
        _started(application),
        httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=_PATIENCE) as client,
    ):
        yield client


@asynccontextmanager
async def _started(application: ASGIApp) -> AsyncIterator[None]:
    """Run the application's start before and its end after (ASGI lifespan)."""
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    heard: asyncio.Queue[Any] = asyncio.Queue()
    scope: Any = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}

    async def send(message: Any) -> None:
        await heard.put(message)

    running = asyncio.ensure_future(application(scope, said.get, send))  # type: ignore[arg-type]
    await said.put({"type": "lifespan.startup"})
    answered = asyncio.ensure_future(heard.get())
    await asyncio.wait({running, answered}, return_when=asyncio.FIRST_COMPLETED)
    if not answered.done() or answered.result()["type"] != "lifespan.startup.complete":
        answered.cancel()
        await asyncio.gather(running)  # it raises why
        raise CannotRun("The application did not start.")
    try:
        yield
    finally:
        await said.put({"type": "lifespan.shutdown"})
        await running
