"""The end of the log as a process follows it: read once after each commit, whatever the number of listeners.

A `Tail` has a cursor of its own. After a notification it reads what is new, asks once who of all listeners may see
which production (accounts/callers.py, as the sockets do), and gives each what is theirs. A listener joins at the end of
such a round: all that the tail's snapshot shows then it reads from the database, all that comes after it is told. So
nothing is missed between the two, and nothing comes twice. A lost connection loses nothing: the cursor stays.

It runs as long as there are listeners, and a while longer.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import asyncpg
import structlog

from pegbar.accounts.callers import RequestCallers
from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.data.faults import answer_to, connect
from pegbar.core.live.cursors import Cursor, Gone, stem
from pegbar.core.live.events import CHANNEL
from pegbar.core.live.sockets import Audience
from pegbar.core.work import draining
from pegbar.open.feed import queries
from pegbar.open.feed.consumers.queries import CHANNEL as CONSUMERS
from pegbar.open.feed.filters import Filter
from pegbar.open.feed.listeners import Listener, Waiter
from pegbar.open.feed.shapes import SHARED

log = structlog.get_logger()

#: Seconds between looks for events that nobody told of.
_LOOK_EVERY = 1.0
#: How many events are read at once.
_AT_ONCE = 1000
#: Seconds for which it goes on without listeners: clients that wait for batches come and go.
_IDLE = 60.0
_ANSWER = 5.0
#: Listeners told between two turns of others on the event loop.
_IN_A_ROW = 200
_KEEP_ALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
STOPPING = "The server is stopping."
_REFUSED = "Your session is over, or your account is closed."


#: The roles that somebody has in the productions of some events; None for a studio manager.
Sight = frozenset[tuple[UUID, str]] | None
_NONE: frozenset[tuple[UUID, str]] = frozenset()


class Tail:
    """Reads what is new for the listeners of a process."""

    def __init__(self, db: Database) -> None:
        self._db, self._callers = db, RequestCallers(db)
        self._listeners: dict[Listener, None] = {}
        self._joining: list[tuple[Listener, asyncio.Future[Cursor]]] = []
        self._awake = asyncio.Event()
        self._cursor: Cursor | None = None
        self._task: asyncio.Task[None] | None = None
        draining.when_letting_go(self._let_go)

    async def join(self, listener: Listener) -> Cursor:
        """Have a listener told what comes after the cursor that is answered, until it leaves."""
        if draining.is_letting_go():
            listener.end(STOPPING)
        joined: asyncio.Future[Cursor] = asyncio.get_running_loop().create_future()
        self._joining.append((listener, joined))
        self._awake.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())
        return await joined

    def leave(self, listener: Listener) -> None:
        """Tell a listener nothing more."""
        self._listeners.pop(listener, None)

    def _let_go(self) -> None:
        for listener in [*self._listeners, *(listener for listener, _ in self._joining)]:
            listener.end(STOPPING)

    async def _run(self) -> None:
        delay = 0.1
        while True:
            try:
                await self._follow()
            except Exception as error:
                if answer_to(error) is None or isinstance(error, Gone):
                    # A fault of ours would be met again, and in another database nobody is where they were: listeners
                    # come back and read on by themselves.
                    log.error("the feed could not be told", exc_info=error)
                    self._cursor = None
                    for listener in [*self._listeners]:
                        listener.end("The server failed.")
                        self.leave(listener)
                else:
                    log.warning("cannot read the feed; trying again", error=str(error), seconds=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
            else:
                return

    async def _follow(self) -> None:
        """Read after each notification, on a connection that hears them, until nobody listens any more."""
        connection = await connect(self._db.url, server_settings={"application_name": "pegbar feed", **_KEEP_ALIVE})
        try:
            connection.add_termination_listener(lambda _: self._awake.set())
            await connection.add_listener(CHANNEL, lambda *_: self._awake.set())
            await connection.add_listener(CONSUMERS, lambda *heard: self._wake(str(heard[-1])))
            await self._rounds(connection)
        finally:
            if not connection.is_closed():
                with suppress(Exception):
                    await connection.close(timeout=2)

    def _wake(self, consumer_id: str) -> None:
        """Workers of a consumer that wait look again."""
        for listener in self._listeners:
            if isinstance(listener, Waiter) and str(listener.consumer_id) == consumer_id:
                listener.awake.set()

    async def _rounds(self, connection: asyncpg.Connection) -> None:
        clock = asyncio.get_running_loop().time
        said = busy = clock()
        while not connection.is_closed():
            self._awake.clear()
            await self._round()
            if self._listeners:
                busy = clock()
            elif clock() - busy > _IDLE and not self._joining:
                return
            left = said + settings().feed_keep_alive - clock()
            with suppress(TimeoutError):
                async with asyncio.timeout(max(min(left, _LOOK_EVERY), 0)):
                    await self._awake.wait()
            if clock() - said >= settings().feed_keep_alive:
                said = clock()
                await connection.execute("SELECT 1", timeout=_ANSWER)
                await self._keep_alive()

    async def _round(self) -> None:
        """Read what is new and tell it, then let in those who want to join."""
        if not self._listeners:
            # Nobody needs what was told meanwhile.
            self._cursor = await queries.now(self._db) if self._joining else None
        while self._listeners and await self._page():
            pass
        joining, self._joining = self._joining, []
        for listener, joined in joining:
            if not joined.done():
                assert self._cursor is not None
                self._listeners[listener] = None
                joined.set_result(self._cursor)

    async def _page(self) -> bool:
        """Tell the next events; whether there are more."""
        assert self._cursor is not None
        events, within, after = await queries.for_all(self._db, self._cursor, most=_AT_ONCE)
        if events:
            await self._tell(events, within)
        if len(events) == _AT_ONCE:
            self._cursor = Cursor(within.seen, within.at, within.reading, events[-1]["position"])
            return True
        whole, self._cursor = self._cursor.reading is None, after
        return not whole

    async def _tell(self, events: Sequence[Any], within: Cursor) -> None:
        """Give each listener the events that they may see and want, as one piece of text.

        Those of the same sight and the same filter are told the same. Who has a sight of their own, as vendors and
        clients have, reads what is told of changes by themselves.
        """
        after = Cursor(within.seen, within.at, within.reading, events[-1]["position"])
        for (sight, person, only), listeners in (await self._groups(events)).items():
            text = _frames(events, stem(within), sight, person, only)
            for number, listener in enumerate(listeners if text != b"" else ()):
                if text is None:
                    listener.leave_behind()
                else:
                    listener.tell(text, after)
                if number % _IN_A_ROW == 0:
                    await asyncio.sleep(0)

    async def _groups(self, events: Sequence[Any]) -> dict[Any, list[Listener]]:
        """The listeners by what they see of these events, and what they want; others are let go of."""
        projects = {row["project_id"] for row in events if row["project_id"] is not None}
        persons = {row["person_id"] for row in events if row["person_id"] is not None}
        audience, roles = await asyncio.gather(self._audience(), self._roles(projects))
        groups: dict[Any, list[Listener]] = defaultdict(list)
        for listener in list(self._listeners):
            token = listener.token
            if token.jti not in audience.projects:
                self._refuse(listener)
                continue
            sight = None if token.jti in audience.admins else roles.get(token.sub, _NONE)
            groups[sight, token.sub if token.sub in persons else None, listener.only].append(listener)
        return groups

    async def _roles(self, projects: Collection[UUID]) -> Mapping[UUID, frozenset[tuple[UUID, str]]]:
        """What role each listener's person has in these productions."""
        if not projects:
            return {}
        roles = defaultdict(set)
        person_ids = {listener.token.sub for listener in self._listeners}
        for row in await self._db.rows(queries.SIGHTS, person_ids=list(person_ids), project_ids=list(projects)):
            roles[row["person_id"]].add((row["project_id"], row["role"]))
        return {person_id: frozenset(here) for person_id, here in roles.items()}

    def _refuse(self, listener: Listener) -> None:
        listener.end(_REFUSED)
        self.leave(listener)

    async def _audience(self) -> Audience:
        """Who may still listen, by the id of the token."""
        return await self._callers.audience({listener.token.jti: listener.token for listener in self._listeners}, [])

    async def _keep_alive(self) -> None:
        """Let go of those who may listen no longer, and say to the others that nothing happened."""
        audience = await self._audience()
        for listener in list(self._listeners):
            if listener.token.jti not in audience.projects:
                self._refuse(listener)
            elif self._cursor is not None and self._cursor.reading is None:
                listener.keep_alive(self._cursor)


def _frames(events: Sequence[Any], beginning: str, sight: Sight, person: UUID | None, only: Filter) -> bytes | None:
    """What those of a sight who want some events are told of all; None when each has a sight of their own."""
    frames = []
    for row in events:
        known = _sight_of(row, sight, person)
        if known is None or not only.matches(row["name"], row["project_id"], row["payload"]):
            continue
        if known not in SHARED and row["change_id"] is not None:
            return None
        changes = (row[known] or "") if known in SHARED else ""
        data = f"{row['beginning']}{changes}]}}"
        frames.append(f"id: {beginning}.{row['position']}\nevent: {row['name']}\ndata: {data}\n\n")
    return "".join(frames).encode()


def _sight_of(row: Any, sight: Sight, person: UUID | None) -> str | None:
    """With which sight somebody hears an event; None when they do not. A studio manager's sight is None."""
    if row["person_id"] is not None and row["person_id"] != person:
        return None
    if sight is None:
        return "admin"
    role = next((role for project_id, role in sight if project_id == row["project_id"]), None)
    return "all" if role is None and (row["project_id"] is None or row["person_id"] is not None) else role


_tails: WeakKeyDictionary[Database, Tail] = WeakKeyDictionary()


def tail_of(db: Database) -> Tail:
    """The tail of a process, by its database."""
    if db not in _tails:
        _tails[db] = Tail(db)
    return _tails[db]
