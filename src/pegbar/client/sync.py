"""The client that waits for its answers."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
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

T = TypeVar("T")
#: Seconds without a byte after which a stream is opened again: the server says something more often.
SILENCE = 60.0


class Query(QueryBuilder):
    """A query; iterating over it gives its rows."""

    client: "Pegbar"

    def __iter__(self) -> Iterator[Row]:
        cursor = None
        while True:
            page = self.page(cursor)
            yield from page.rows
            if (cursor := page.next) is None:
                return

    def page(self, cursor: str | None = None) -> Page:
        """The rows from a cursor on."""
        return self.client.do(self.page_call(cursor))

    def first(self) -> Row | None:
        """The first row."""
        return next(iter(self.client.do(self.page_call(None, 1)).rows), None)

    def count(self) -> int:
        """How many rows there are."""
        (group,) = self.summarize("count")
        return int(next(iter(group.values.values())))

    def summarize(self, *summaries: Any, by: Sequence[Any] = ()) -> list[Group]:
        """Sums: `"count"`, `"sum(estimation)"`, `"average(duration)"`…, by paths or `{"field", "type": "month"}`."""
        return self.client.do(self.summary_call(summaries, by))


class Pegbar:
    """A server, as somebody calls it: with a `token` (of a bot, or of Gazu), or with an address and a password.

    What passes (a connection that breaks, a server that starts again, too many requests) is waited for, `attempts`
    times; what changes something is done once however often it had to be sent. Raises `Refused` and `Unreachable`.
    """

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
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.account = Account(url, token, email, password, otp, attempts)
        self._http = httpx.Client(timeout=timeout, transport=transport)
        self._sleep: Callable[[float], None] = time.sleep

    def __enter__(self) -> "Pegbar":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def do(self, call: Call[T]) -> T:
        """The answer of a call."""
        if (signing_in := self.account.must_sign_in(call)) is not None:
            self.account.token = self.do(signing_in)
        sending = Sending(call, self.account.attempts)
        has_signed_in = False
        while True:
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = self._http.request(**self.account.arguments(call))
            except httpx.TransportError as error:
                outcome = error
            if not has_signed_in and (signing_in := self.account.must_sign_in(call, outcome)) is not None:
                self.account.token, has_signed_in = self.do(signing_in), True
            elif (pause := sending.pause(outcome)) is None:
                return sending.result(outcome)
            else:
                self._sleep(pause)

    # Any route

    def get(self, path: str, **params: Any) -> Any:
        """`GET`: `pegbar.get("/data/projects/open")`."""
        return self.do(reading(path, **params))

    def post(self, path: str, body: Any = None, *, keyed: bool = True) -> Any:
        """`POST`, done once. `keyed=False` for routes that take no Idempotency-Key."""
        return self.do(changing("POST", path, body, keyed=keyed))

    def put(self, path: str, body: Any = None, *, keyed: bool = True) -> Any:
        """`PUT`, likewise."""
        return self.do(changing("PUT", path, body, keyed=keyed))

    def delete(self, path: str, *, keyed: bool = True) -> Any:
        """`DELETE`, likewise."""
        return self.do(changing("DELETE", path, keyed=keyed))

    # Query and batch

    def query(self, thing: str) -> Query:
        """Rows of `tasks`, `shots`, `comments`… (`GET /open/v1/query` tells all)."""
        return Query(self, thing)

    @contextmanager
    def batch(self, *, dry_run: bool = False) -> Generator[Batch, None, None]:
        """Operations that are done in one transaction when the block ends: all, or none."""
        batch = Batch(dry_run=dry_run)
        yield batch
        if batch.steps:
            self.do(batch.call())

    # Events

    def events(
        self,
        *,
        start: str | None = None,
        name: Sequence[str] | str = (),
        project_id: str | None = None,
        thing: str | None = None,
        id: str | None = None,  # noqa: A002 - as the route has it
    ) -> Iterator[Event]:
        """What happens, for ever: none missing and none twice, however often the connection breaks.

        From `start` on, a cursor or a date; without it from now. An event's `cursor` is the `start` of a program that
        comes back. Raises Gone for a cursor older than what the server keeps.
        """
        # What now is must not be asked again when the first connection breaks.
        begin = self.do(events.NOW) if start in (None, "now") else start
        return self._heard(Stream(begin, name=name, project_id=project_id, thing=thing, id=id))

    def _heard(self, stream: Stream) -> Iterator[Event]:
        failures = 0
        while True:
            try:
                for event in self._listen(stream):
                    failures = 0
                    yield event
            except httpx.TransportError:
                failures += 1
            self._sleep(min(stream.come_back * 2 ** min(failures, 5), 60))

    def _listen(self, stream: Stream) -> Iterator[Event]:
        """The events of one connection; none when the server is to be asked later."""
        if (signing_in := self.account.must_sign_in(stream.call)) is not None:
            self.account.token = self.do(signing_in)
        timeout = httpx.Timeout(30, read=SILENCE)
        with self._http.stream(**self.account.arguments(stream.call), timeout=timeout) as response:
            if response.status_code == 200:
                for line in response.iter_lines():
                    if (event := stream.take(line)) is not None:
                        yield event
                return
            response.read()
        if (signing_in := self.account.must_sign_in(stream.call, response)) is not None:
            self.account.token = self.do(signing_in)
        elif response.status_code not in (429, 502, 503, 504):
            raise refusal(response.status_code, document(response))

    def consumer(
        self,
        name: str,
        *,
        start: str | None = None,
        names: Sequence[str] = (),
        project_id: str | None = None,
        thing: str | None = None,
        id: str | None = None,  # noqa: A002 - as the route has it
    ) -> "Consumer":
        """A place in the feed that the server keeps, made if it is new: for daemons, of which several may share one."""
        self.do(events.put_consumer(name, start, names=list(names), project_id=project_id, thing=thing, id=id))
        return Consumer(self, name)

    # The past

    def history(self, thing: str | None = None, row_id: str | None = None, **filters: Any) -> Iterator[Row]:
        """Changes, newest first: of a row (`"tasks"`, its id), or of a production (`project_id=`).

        Filters: `field`, `person_id`, `from_`, `to`, `change_id`, `request_id`.
        """
        return self._pages(lambda cursor: past.changes(thing, row_id, cursor, filters))

    def as_it_was(self, thing: str, row_id: str, moment: str) -> Row:
        """A row at a moment (UTC)."""
        return self.do(past.as_it_was(thing, row_id, moment))

    def board(self, project_id: str, moment: str | None = None, kind: str = "shots") -> list[Row]:
        """Shots, assets… with their tasks at a moment."""
        return self.do(past.board(project_id, moment, kind))

    def undo(self, *, dry_run: bool = False, **what: Any) -> Row:
        """Take back a `change_id`, `request_id`, `batch_id` or `import_id`. Raises Conflict."""
        return self.do(past.undo(dry_run, what))

    def trash(self, **filters: Any) -> Iterator[Row]:
        """What was deleted, latest first: `project_id`, `person_id`, `thing_id`, `kind`, `since`, `until`."""
        return self._pages(lambda cursor: past.trash(cursor, filters))

    def restore(self, trash_id: str, *, dry_run: bool = False) -> Row:
        """Bring an entry of the trash back. Raises Conflict with the reason when that cannot be."""
        return self.do(past.restore(trash_id, dry_run))

    def _pages(self, call: Callable[[str | None], Call[Slice]]) -> Iterator[Row]:
        cursor = None
        while True:
            part = self.do(call(cursor))
            yield from part.rows
            if (cursor := part.next) is None:
                return


class Consumer:
    """A named place in the feed. Iterating over it gives events as they come, and acknowledges what was taken."""

    def __init__(self, client: Pegbar, name: str) -> None:
        self._client, self.name = client, name

    def __iter__(self) -> Iterator[Event]:
        """Events for ever. They count as done when the loop asks for the next batch: what it raises in comes again."""
        while True:
            batch = self.fetch()
            yield from batch.events
            self.acknowledge(batch)

    def fetch(self, limit: int = 100, *, wait: float = 30, lease: float = 60) -> events.Batch:
        """The next events that no other worker has, for `lease` seconds; waits up to `wait` seconds for one."""
        return self._client.do(events.fetch(self.name, limit, wait, lease))

    def acknowledge(self, batch: events.Batch) -> None:
        """These are done with, and never come again."""
        if batch.lease is not None:
            self._client.do(events.acknowledge(self.name, batch))

    def replay(self, start: str) -> None:
        """Go on from a cursor or a date."""
        self._client.post(f"/open/v1/consumers/{self.name}/replay", {"from": start})

    def delete(self) -> None:
        """Forget it."""
        self._client.delete(f"/open/v1/consumers/{self.name}")


__all__ = ["SILENCE", "Consumer", "Pegbar", "Query"]
