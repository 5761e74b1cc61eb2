"""The statements that Pegbar runs for a request, found by answering it once with its own handlers."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
from sqlalchemy import Executable

from pegbar.accounts.callers import RequestCallers
from pegbar.app import answering, load_domains
from pegbar.core.data.database import Database, Reader
from pegbar.core.http.access import Token
from pegbar.core.http.application import Application
from pegbar.core.http.endpoint import Endpoint

#: SQL and its arguments.
Statements = list[tuple[str, list[Any]]]


class _Admin(RequestCallers):
    """Callers that are all one administrator."""

    def __init__(self, db: Database, person_id: UUID) -> None:
        super().__init__(db)
        self._token = Token(
            sub=person_id, jti="bench", type="access", identity_type="person", iat=time.time(), exp=None
        )

    def identify(self, request: Any, expected: Any = "access") -> Token:
        return self._token


async def record(url: str, paths: list[str]) -> Mapping[str, Statements]:
    """The statements of GET requests by an administrator, but the first one, which is about the caller."""
    ran: Statements = []
    bind = Reader._bind

    def kept(reader: Reader, statement: Executable, params: Mapping[str, Any]) -> tuple[str, list[Any]]:
        ran.append(bind(reader, statement, params))
        return ran[-1]

    database = Database(url, size=2)
    await database.open()
    connection = await asyncpg.connect(url)
    person_id = await connection.fetchval("SELECT id FROM person WHERE email = 'admin@example.com'")
    await connection.close()
    callers = _Admin(database, person_id)
    endpoints = [Endpoint(operation, database, callers) for operation in load_domains()]
    api = Application(answering(endpoints), nullcontext, {"database": database})
    Reader._bind = kept  # type: ignore[method-assign]
    found = {}
    try:
        for path in paths:
            ran.clear()
            await _get(api, path)
            # A generic read gets its row with the caller: then that statement is the read.
            found[path] = ran[1:] or ran[:]
    finally:
        Reader._bind = bind  # type: ignore[method-assign]
        await database.close()
    return found


async def _get(api: Any, path: str) -> None:
    parts = urlsplit(path)
    statuses, asked = [], []

    async def receive() -> dict[str, Any]:
        if asked:
            await asyncio.Event().wait()  # the client stays
        asked.append(True)
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": parts.path, "raw_path": parts.path.encode(), "query_string": parts.query.encode(), "root_path": "",
        "headers": [(b"host", b"bench")], "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 1), "state": {},
    }  # fmt: skip
    await api(scope, receive, send)
    assert statuses == [200], (path, statuses)
