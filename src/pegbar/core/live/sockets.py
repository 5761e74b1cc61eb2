"""Live events over Socket.IO, namespace `/events`. Source: spec review, "Realtime server".

A process holds its own sockets. When it is told of commits that wrote events, and once a second, it reads what is new
in the outbox and sends each event to the sockets of the people who may see it: an event of a production to its members
and the administrators, an event for one person to them, the others to everyone signed in. Who may see what is asked of
the database at each delivery. Where it has read to is a snapshot (core/live/news.py): neither a lost connection nor a
process that died before it told anybody makes it miss or repeat something. A client that lost its socket catches up
with `GET /data/events/since`.

What clients say themselves goes to the conversations that domains declare (core/live/conversations.py).
"""

import asyncio
import logging
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol
from urllib.parse import parse_qs
from uuid import UUID

import asyncpg
import msgspec
import socketio
import structlog
from litestar.types import Receive

from pegbar.core.data.database import Database
from pegbar.core.data.faults import answer_to, connect
from pegbar.core.errors import InternalError
from pegbar.core.http.access import Caller, Rule, Token, authenticated
from pegbar.core.live import conversations, news
from pegbar.core.live.conversations import Speaker
from pegbar.core.live.events import CHANNEL
from pegbar.core.work import draining, metrics

log = structlog.get_logger()
NAMESPACE = "/events"
#: Clients may connect here besides; nothing is sent on it.
_DEFAULT = "/"
#: Seconds without a word from the database before the listening connection is tried, and for its answer. The database
#: lets go of a process that does not answer either.
_SILENCE, _ANSWER = 10.0, 5.0
_KEEP_ALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
#: The kind of a Socket.IO packet that is an event.
_EVENT = 2
#: A client that has not taken so many messages is hung up on: it takes none.
_NOT_TAKEN = 5000
#: Seconds between looks for clients that came back to a server that stops.
_HANG_UP_EVERY = 0.2
#: Seconds that clients have to take what they were sent before.
_LAST_WORDS = 1.0
#: Seconds before events that could not be read are tried again, at first and at most.
_DELIVER_AGAIN, _RARELY = 0.5, 5.0
#: Seconds between looks for events that nobody told of.
_LOOK_EVERY = 1.0


#: Where Engine.IO logs what a client did: asked for a session that ended, spoke another version, sent what is no
#: packet. Our own handlers raise nothing there.
_ABOUT_CLIENTS = frozenset({"_log_error_once", "run_async_handler", "_websocket_handler"})
_BAD_POST = "post request handler error"


def _complaint_of_a_client(record: logging.LogRecord) -> bool:
    """Keep what Engine.IO says of a client's request out of errors.

    Clients are told by their answer; a tab that closes or a server that was started again is nothing to mend.
    """
    if record.funcName in _ABOUT_CLIENTS or record.msg == _BAD_POST:
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
    return record.levelno >= logging.getLogger("engineio").getEffectiveLevel()


def _tell(what: str, error: Exception, **more: Any) -> None:
    """Log why something is tried again: whole when it is a fault of ours."""
    if answer_to(error) is None:
        log.error(what, exc_info=error, **more)
    else:
        log.warning(what, error=str(error), **more)


async def _until_lost(connection: asyncpg.Connection, lost: asyncio.Event) -> None:
    """Return when a connection was lost, be it to a silent network."""
    while not lost.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(lost.wait(), _SILENCE)
            return
        await connection.execute("SELECT 1", timeout=_ANSWER)


class Audience(NamedTuple):
    """The sockets that may listen now, and the productions among those asked about that each may see."""

    admins: frozenset[str]
    projects: dict[str, frozenset[UUID]]  #: of every socket still allowed, administrators' too


class Listeners(Protocol):
    """Who is behind a socket, and what they may see (accounts/callers.py)."""

    def token_of(self, headers: Any, offered: str | None) -> Token: ...

    async def resolve(self, token: Token, rule: Rule, key: UUID | None, method: str = "GET") -> Caller: ...

    async def audience(self, sockets: dict[str, Token], projects: Sequence[UUID]) -> Audience: ...


class Realtime:
    """The sockets of one process, fed from the outbox."""

    def __init__(self, db: Database, listeners: Listeners) -> None:
        self._db, self._listeners = db, listeners
        self._speakers: dict[str, Speaker] = {}
        self._told = asyncio.Event()  #: of commits, since the last look
        self._cursor: news.Cursor | None = None  #: how far clients were told; none without clients
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = False
        self._conversations = [conversation(db, self) for conversation in conversations.declared]
        self._handlers = {
            name: handler for conversation in self._conversations for name, handler in conversation.handlers().items()
        }
        # What a client says is handled before more is read from it: in order, and no faster than it is taken.
        # No CORS headers: browsers reach the sockets from the origin of the web UI.
        self.server = socketio.AsyncServer(
            async_mode="asgi",
            async_handlers=False,
            cors_allowed_origins=[],
            namespaces=[NAMESPACE, _DEFAULT],
            max_http_buffer_size=1_000_000,
        )
        self.server.on("connect", self._authenticate, namespace=_DEFAULT)
        self.server.on("connect", self._connect, namespace=NAMESPACE)
        self.server.on("disconnect", self._disconnect, namespace=NAMESPACE)
        self.server.on("*", self._heard, namespace=NAMESPACE)
        logging.getLogger("engineio.server").addFilter(_complaint_of_a_client)
        self._answer = socketio.ASGIApp(self.server)

    async def asgi(self, scope: Any, receive: Receive, send: Any) -> None:
        """The ASGI application of the sockets."""
        # A tab that closes may still ask for a session that it has just ended: it is as good as unknown.
        sid = parse_qs(scope["query_string"].decode("latin-1")).get("sid", [""])[0]
        ended = self.server.eio.sockets.get(sid)
        if ended is not None and ended.closed:
            self.server.eio.sockets.pop(sid, None)
        with suppress(ValueError):  # a client sent what is no packet: its connection ends
            await self._answer(scope, receive, send)

    async def start(self) -> None:
        """Listen for commits and deliver their events, until `stop`."""
        listening = asyncio.Event()
        for conversation in self._conversations:
            await conversation.start()
        self._tasks = [asyncio.create_task(self._listen(listening)), asyncio.create_task(self._deliver())]
        draining.when_letting_go(self._let_go)
        await listening.wait()

    @property
    def connected(self) -> int:
        """How many clients are connected here."""
        return len(self._speakers)

    async def stop(self) -> None:
        """Stop delivering and disconnect."""
        for conversation in self._conversations:
            await conversation.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._hang_up()
        await self.server.shutdown()

    def _let_go(self) -> None:
        """Hang up, so that the server can stop: it waits for every open connection."""
        self._closing = True
        self._tasks.append(asyncio.create_task(self._keep_hanging_up()))

    async def _keep_hanging_up(self) -> None:
        # Clients come back at once, as long as there is somebody to connect to.
        while True:
            await self._hang_up()
            await asyncio.sleep(_HANG_UP_EVERY)

    async def _hang_up(self) -> None:
        for socket in list(self._speakers):
            with suppress(Exception):
                await self.server.disconnect(socket, namespace=NAMESPACE)
        if self.server.eio.sockets:
            with suppress(TimeoutError):  # a client that is gone without a word takes none either
                async with asyncio.timeout(_LAST_WORDS):
                    await self.server.eio.disconnect()

    # Sockets

    async def _authenticate(self, _: str, environ: dict[str, Any], auth: Any = None) -> Token:
        """The token of a handshake. Raises what refuses the connection, with a message for the client."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in environ["asgi.scope"]["headers"]}
        if self._closing:
            raise socketio.exceptions.ConnectionRefusedError("The server is stopping.")
        offered = auth.get("token") if isinstance(auth, dict) else None
        try:
            token = self._listeners.token_of(headers, offered if isinstance(offered, str) else None)
            await self._listeners.resolve(token, authenticated, None)
            if self._cursor is None:
                now = await news.now(self._db)
                self._cursor = self._cursor or now
        except Exception as error:
            refusal = answer_to(error)
            if refusal is None:
                _tell("a socket could not be let in", error)
                refusal = InternalError("The server failed. Try again in a moment.")
            raise socketio.exceptions.ConnectionRefusedError(refusal.message) from None
        return token

    async def _connect(self, socket: str, environ: dict[str, Any], auth: Any = None) -> None:
        self._speakers[socket] = Speaker(socket, await self._authenticate(socket, environ, auth))

    async def _disconnect(self, socket: str, *_: Any) -> None:
        # Nothing is waited for: Socket.IO takes no note of a task that is cancelled here.
        self._speakers.pop(socket, None)
        for conversation in self._conversations:
            conversation.left(socket)

    async def _heard(self, event: str, socket: str, *arguments: Any) -> None:
        """What a client said. Events that nobody declared are ignored, and nothing is answered."""
        speaker, handler = self._speakers.get(socket), self._handlers.get(event)
        if speaker is None or handler is None:
            return
        if speaker.token.exp is not None and speaker.token.exp <= time.time():
            await self.hang_up(socket)
            return
        try:
            await speaker.hear(lambda: handler(speaker, event, arguments))
        except Exception as error:
            _tell("what a client said was lost", error, event=event)

    # What conversations ask for

    async def send(self, event: str, to: Collection[str]) -> None:
        """Send an event to some sockets: a JSON array of its name and its payload, which is passed on as it stands."""
        for socket in to:
            connection = self.server.manager.eio_sid_from_sid(socket, NAMESPACE)
            if socket not in self._speakers or connection not in self.server.eio.sockets:
                continue
            if self.server.eio.sockets[connection].queue.qsize() < _NOT_TAKEN:
                await self.server.eio.send(connection, f"{_EVENT}{NAMESPACE},{event}")
            else:
                await self.hang_up(socket)

    async def still_good(self, sockets: Collection[str]) -> frozenset[str]:
        """Those whose tokens and accounts are still good, as the database says now."""
        tokens = {socket: self._speakers[socket].token for socket in sockets if socket in self._speakers}
        return frozenset((await self._listeners.audience(tokens, [])).projects) if tokens else frozenset()

    async def hang_up(self, socket: str) -> None:
        """Disconnect one."""
        with suppress(Exception):  # it may be gone already
            await self.server.disconnect(socket, namespace=NAMESPACE)

    # Commits

    async def _listen(self, listening: asyncio.Event) -> None:
        """Keep a listening connection; after losing one, catch up."""
        delay = 0.1
        while True:
            connection = None
            try:
                connection = await connect(
                    self._db.url, server_settings={"application_name": "pegbar events", **_KEEP_ALIVE}
                )
                lost = asyncio.Event()
                connection.add_termination_listener(lambda _, lost=lost: lost.set())
                await connection.add_listener(CHANNEL, self._notified)
                self._told.set()
                for conversation in self._conversations:
                    await connection.add_listener(conversation.channel, conversation.notified)
                    await conversation.listening(connection)
                listening.set()
                delay = 0.1
                await _until_lost(connection, lost)
                log.warning("the connection that listens for events was lost; reconnecting")
            except Exception as error:
                _tell("cannot listen for events; trying again", error, seconds=delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, 5.0)
            finally:
                for conversation in self._conversations:
                    conversation.deaf()
                if connection is not None and not connection.is_closed():
                    with suppress(Exception):
                        await connection.close(timeout=2)

    def _notified(self, *_: object) -> None:
        self._told.set()
        for conversation in self._conversations:
            conversation.committed()

    async def _deliver(self) -> None:
        pause = _LOOK_EVERY
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), pause)
            was_told = self._told.is_set()
            self._told.clear()
            try:
                while await self._deliver_news(was_told=was_told):
                    pass
                pause = _LOOK_EVERY
            except Exception as error:
                pause = min(pause * 2, _RARELY) if pause != _LOOK_EVERY else _DELIVER_AGAIN
                _tell("cannot read events; trying again", error, seconds=pause)

    async def _deliver_news(self, *, was_told: bool) -> bool:
        """Send what is new to those who may see it; whether there is more."""
        if not self._speakers:
            self._cursor = None  # who connects hears what is new from then on
        if self._cursor is None:
            return False
        page = await news.news(self._db, self._cursor)
        if page.events:
            if not was_told:
                for conversation in self._conversations:
                    conversation.committed()
            projects = list({event["project_id"] for event in page.events if event["project_id"] is not None})
            # Those that connect meanwhile are not asked about, and are not to be taken for refused.
            sockets = {socket: speaker.token for socket, speaker in self._speakers.items()}
            audience = await self._listeners.audience(sockets, projects)
            self._cursor = page.after  # what cannot be sent is not tried again: clients ask for what they missed
            for socket in sockets.keys() - audience.projects.keys():
                await self.hang_up(socket)
                self._speakers.pop(socket, None)
            for event in page.events:
                try:
                    await self._send(event, audience)
                except Exception as error:
                    _tell("an event was not sent", error, event=event["name"])
        self._cursor = page.after
        return page.more

    async def _send(self, event: asyncpg.Record, audience: Audience) -> None:
        sockets = [socket for socket in self._speakers if self._may_see(socket, event, audience)]
        if sockets:
            metrics.delivered(event["created_at"])
            payload = {**msgspec.json.decode(event["payload"]), "event_id": str(event["event_id"])}
            await self.server.emit(event["name"], payload, to=sockets, namespace=NAMESPACE)

    def _may_see(self, socket: str, event: asyncpg.Record, audience: Audience) -> bool:
        if socket not in audience.projects:
            return False
        if event["person_id"] is not None:
            return bool(self._speakers[socket].token.sub == event["person_id"])
        if event["project_id"] is None or socket in audience.admins:
            return True
        return event["project_id"] in audience.projects[socket]
