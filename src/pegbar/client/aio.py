"""The client that is awaited: what `Pegbar` has (sync.py), for programs with an event loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, TypeVar

import httpx

from pegbar.client import events, past
from pegbar.client.batch import Batch
from pegbar.client.calls import Account, Call, Row, Sending, changing, document, reading
from pegbar.client.errors import refusal
from pegbar.client.events import Event, Stream
from pegbar.client.past import Slice
from pegbar.client.query import Group, Page, QueryBuilder
from pegbar.client.sync import SILENCE

T = TypeVar("T")


class AsyncQuery(QueryBuilder):
    """A query; `async for` over it gives its rows."""

    client: "AsyncPegbar"

    async def __aiter__(self) -> AsyncIterator[Row]:
        cursor = None
        while True:
            page = await self.page(cursor)
            for row in page.rows:
                yield row
            if (cursor := page.next) is None:
                return

    async def page(self, cursor: str | None = None) -> Page:
        """The rows from a cursor on."""
        return await self.client.do(self.page_call(cursor))

    async def first(self) -> Row | None:
        """The first row."""
        return next(iter((await self.client.do(self.page_call(None, 1))).rows), None)

    async def count(self) -> int:
        """How many rows there are."""
        (group,) = await self.summarize("count")
        return int(next(iter(group.values.values())))

    async def summarize(self, *summaries: Any, by: Sequence[Any] = ()) -> list[Group]:
        """Sums, as `Query.summarize`."""
        return await self.client.do(self.summary_call(summaries, by))


class AsyncPegbar:
    """A server, as somebody calls it. As `Pegbar`."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        email: str | None = None,
        password: str | None = None,
        otp: str | None = None,
        timeout: float = 60.0,
        attempts: int = 6,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.account = Account(url, token, email, password, otp, attempts)
        self._http = httpx.AsyncClient(timeout=timeout, transport=transport)
        self._sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def __aenter__(self) -> "AsyncPegbar":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def do(self, call: Call[T]) -> T:
        """The answer of a call."""
        if (signing_in := self.account.must_sign_in(call)) is not None:
            self.account.token = await self.do(signing_in)
        sending = Sending(call, self.account.attempts)
        has_signed_in = False
        while True:
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = await self._http.request(**self.account.arguments(call))
            except httpx.TransportError as error:
                outcome = error
            if not has_signed_in and (signing_in := self.account.must_sign_in(call, outcome)) is not None:
                self.account.token, has_signed_in = await self.do(signing_in), True
            elif (pause := sending.pause(outcome)) is None:
                return sending.result(outcome)
            else:
                await self._sleep(pause)

    async def get(self, path: str, **params: Any) -> Any:
        """`GET`."""
        return await self.do(reading(path, **params))

    async def post(self, path: str, body: Any = None, *, keyed: bool = True) -> Any:
        """`POST`, done once. `keyed=False` for routes that take no Idempotency-Key."""
        return await self.do(changing("POST", path, body, keyed=keyed))

    async def put(self, path: str, body: Any = None, *, keyed: bool = True) -> Any:
        """`PUT`, likewise."""
        return await self.do(changing("PUT", path, body, keyed=keyed))

    async def delete(self, path: str, *, keyed: bool = True) -> Any:
        """`DELETE`, likewise."""
        return await self.do(changing("DELETE", path, keyed=keyed))

    def query(self, thing: str) -> AsyncQuery:
        """Rows of `tasks`, `shots`, `comments` and more."""
        return AsyncQuery(self, thing)

    @asynccontextmanager
    async def batch(self, *, dry_run: bool = False) -> AsyncIterator[Batch]:
        """Operations that are done in one transaction when the block ends: all, or none."""
        batch = Batch(dry_run=dry_run)
        yield batch
        if batch.steps:
            await self.do(batch.call())

    def events(
        self,
        *,
        start: str | None = None,
        name: Sequence[str] | str = (),
        project_id: str | None = None,
        thing: str | None = None,
        id: str | None = None,  # noqa: A002 - as the route has it
    ) -> AsyncIterator[Event]:
        """What happens, for ever, as `Pegbar.events`; without a `start` from the first step on."""
        return self._heard(Stream(start, name=name, project_id=project_id, thing=thing, id=id))

    async def _heard(self, stream: Stream) -> AsyncIterator[Event]:
        if stream.start in (None, "now"):
            stream.start = await self.do(events.NOW)
        failures = 0
        while True:
            try:
                async for event in self._listen(stream):
                    failures = 0
                    yield event
            except httpx.TransportError:
                failures += 1
            await self._sleep(min(stream.come_back * 2 ** min(failures, 5), 60))

    async def _listen(self, stream: Stream) -> AsyncIterator[Event]:
        if (signing_in := self.account.must_sign_in(stream.call)) is not None:
            self.account.token = await self.do(signing_in)
        timeout = httpx.Timeout(30, read=SILENCE)
        async with self._http.stream(**self.account.arguments(stream.call), timeout=timeout) as response:
            if response.status_code == 200:
                async for line in response.aiter_lines():
                    if (event := stream.take(line)) is not None:
                        yield event
                return
            await response.aread()
        if (signing_in := self.account.must_sign_in(stream.call, response)) is not None:
            self.account.token = await self.do(signing_in)
        elif response.status_code not in (429, 502, 503, 504):
            raise refusal(response.status_code, document(response))

    async def consumer(
        self,
        name: str,
        *,
        start: str | None = None,
        names: Sequence[str] = (),
        project_id: str | None = None,
        thing: str | None = None,
        id: str | None = None,  # noqa: A002 - as the route has it
    ) -> "AsyncConsumer":
        """A place in the feed that the server keeps, made if it is new."""
        await self.do(events.put_consumer(name, start, names=list(names), project_id=project_id, thing=thing, id=id))
        return AsyncConsumer(self, name)

    def history(self, thing: str | None = None, row_id: str | None = None, **filters: Any) -> AsyncIterator[Row]:
        """Changes, newest first, as `Pegbar.history`."""
        return self._pages(lambda cursor: past.changes(thing, row_id, cursor, filters))

    async def as_it_was(self, thing: str, row_id: str, moment: str) -> Row:
        """A row at a moment (UTC)."""
        return await self.do(past.as_it_was(thing, row_id, moment))

    async def board(self, project_id: str, moment: str | None = None, kind: str = "shots") -> list[Row]:
        """Shots, assets… with their tasks at a moment."""
        return await self.do(past.board(project_id, moment, kind))

    async def undo(self, *, dry_run: bool = False, **what: Any) -> Row:
        """Take back a `change_id`, `request_id`, `batch_id` or `import_id`."""
        return await self.do(past.undo(dry_run, what))

    def trash(self, **filters: Any) -> AsyncIterator[Row]:
        """What was deleted, latest first, as `Pegbar.trash`."""
        return self._pages(lambda cursor: past.trash(cursor, filters))

    async def restore(self, trash_id: str, *, dry_run: bool = False) -> Row:
        """Bring an entry of the trash back."""
        return await self.do(past.restore(trash_id, dry_run))

    async def _pages(self, call: Callable[[str | None], Call[Slice]]) -> AsyncIterator[Row]:
        cursor = None
        while True:
            part = await self.do(call(cursor))
            for row in part.rows:
                yield row
            if (cursor := part.next) is None:
                return


class AsyncConsumer:
    """A named place in the feed, as `Consumer`."""

    def __init__(self, client: AsyncPegbar, name: str) -> None:
        self._client, self.name = client, name

    async def __aiter__(self) -> AsyncIterator[Event]:
        while True:
            batch = await self.fetch()
            for event in batch.events:
                yield event
            await self.acknowledge(batch)

    async def fetch(self, limit: int = 100, *, wait: float = 30, lease: float = 60) -> events.Batch:
        """The next events that no other worker has, for `lease` seconds; waits up to `wait` seconds for one."""
        return await self._client.do(events.fetch(self.name, limit, wait, lease))

    async def acknowledge(self, batch: events.Batch) -> None:
        """These are done with, and never come again."""
        if batch.lease is not None:
            await self._client.do(events.acknowledge(self.name, batch))

    async def replay(self, start: str) -> None:
        """Go on from a cursor or a date."""
        await self._client.post(f"/open/v1/consumers/{self.name}/replay", {"from": start})

    async def delete(self) -> None:
        """Forget it."""
        await self._client.delete(f"/open/v1/consumers/{self.name}")


__all__ = ["AsyncConsumer", "AsyncPegbar", "AsyncQuery"]
