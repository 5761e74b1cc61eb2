"""What clients say through their sockets, declared by domains and dispatched by core/live/sockets.py.

    class Rooms(Conversation):
        channel = "pegbar_rooms"

        @on("preview-room:leave", tells=("preview-room:room-people-updated",))
        async def leave(self, speaker: Speaker, event: str, arguments: tuple[Any, ...]) -> None: ...

Each process that holds sockets has one instance of every conversation. What one says is heard in all processes through
a PostgreSQL channel, which is listened to on the connection that hears of commits: so what was said after a commit that
wrote events is heard after it. Source: spec review, "Realtime server".
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, TypeVar

import asyncpg

from pegbar.core.data.database import Database
from pegbar.core.http.access import Token

#: What one socket may say: so many events and bytes a second on average, so many at once. It waits when it says more.
_EVENTS, _EVENTS_AT_ONCE = 120.0, 480.0
_BYTES, _BYTES_AT_ONCE = 1e6, 4e6
#: A client that polls may send several requests at once: more than so many that wait are not heard.
_WAITING = 64


@dataclass
class Allowance:
    """So much a second, and so much at once; who takes more waits until it is there again."""

    rate: float
    most: float
    left: float = 0.0
    counted_at: float = 0.0

    def take(self, amount: float, now: float) -> float:
        """Take an amount; the seconds to wait until it is there."""
        if self.counted_at:
            self.left = min(self.most, self.left + (now - self.counted_at) * self.rate)
        else:
            self.left = self.most
        self.counted_at = now
        self.left -= amount
        return max(0.0, -self.left / self.rate)


@dataclass(eq=False)
class Speaker:
    """A socket that says something, and what it may still say."""

    socket: str
    token: Token
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    events: Allowance = field(default_factory=lambda: Allowance(_EVENTS, _EVENTS_AT_ONCE))
    bytes: Allowance = field(default_factory=lambda: Allowance(_BYTES, _BYTES_AT_ONCE))

    async def hear(self, handle: Callable[[], Awaitable[None]]) -> None:
        """Handle what the socket said: one after the other, not faster than it may, and not what piles up."""
        if self.waiting >= _WAITING:
            return
        self.waiting += 1
        try:
            async with self.turn:
                await _wait(self.events, 1)
                await handle()
        finally:
            self.waiting -= 1

    async def spend(self, size: int) -> None:
        """Wait until the socket may pass on so many bytes."""
        await _wait(self.bytes, size)


async def _wait(allowance: Allowance, amount: float) -> None:
    seconds = allowance.take(amount, asyncio.get_running_loop().time())
    if seconds:
        await asyncio.sleep(seconds)


class Sockets(Protocol):
    """The sockets of the process, as a conversation knows them."""

    async def send(self, event: str, to: Collection[str]) -> None:
        """Send an event to some sockets: a JSON array of its name and its payload, which is passed on as it stands."""

    async def still_good(self, sockets: Collection[str]) -> frozenset[str]:
        """Those whose tokens and accounts are still good, as the database says now."""

    async def hang_up(self, socket: str) -> None:
        """Disconnect one."""


Handler = Callable[[Speaker, str, tuple[Any, ...]], Awaitable[None]]
H = TypeVar("H", bound=Callable[..., Awaitable[None]])


@dataclass(frozen=True)
class Said:
    """An event that clients send: who handles it, and what it makes the server tell."""

    name: str
    method: str
    tells: tuple[str, ...]
    text: str


#: Every conversation declared.
declared: list[type["Conversation"]] = []


def on(*names: str, tells: tuple[str, ...] | None = None) -> Callable[[H], H]:
    """Declare that a method handles events of clients: `tells` are those that it sends on, their own name unless given.

    The method takes the speaker, the name of the event, and its arguments.
    """

    def mark(method: H) -> H:
        text = (method.__doc__ or "").partition("\n")[0].removesuffix(".")
        method.said = [  # type: ignore[attr-defined]
            Said(name, method.__name__, (name,) if tells is None else tells, text) for name in names
        ]
        return method

    return mark


class Conversation:
    """Something that clients say to each other; one instance in each process that holds sockets."""

    channel: ClassVar[str]
    title: ClassVar[str]
    #: The events of clients, by name.
    hears: ClassVar[dict[str, Said]]

    def __init_subclass__(cls) -> None:
        """Declare it, with the events that its methods handle."""
        marked = [said for method in vars(cls).values() for said in getattr(method, "said", ())]
        cls.hears = {said.name: said for said in marked}
        declared.append(cls)

    def __init__(self, db: Database, sockets: Sockets) -> None:
        self.db, self.sockets = db, sockets

    def handlers(self) -> dict[str, Handler]:
        """What handles the events of clients, by name."""
        return {name: getattr(self, said.method) for name, said in self.hears.items()}

    async def listening(self, connection: asyncpg.Connection) -> None:
        """The process listens (again), on this connection: what was said meanwhile it has not heard."""

    def deaf(self) -> None:
        """The connection was lost."""

    def notified(self, connection: Any, pid: int, channel: str, payload: object) -> None:
        """Something was said on the channel."""

    def committed(self) -> None:
        """Somebody committed something that emitted events: standing may have changed."""

    def left(self, socket: str) -> None:
        """A socket is gone."""

    async def start(self) -> None:
        """Begin, with the process."""

    async def stop(self) -> None:
        """End, with the process."""


def documentation() -> str:
    """What docs/events.md says of conversations."""
    lines: list[str] = []
    for conversation in declared:
        about = " ".join((conversation.__doc__ or "").split())
        lines += ["", f"## {conversation.title}", about, ""]
        lines += ["| a client sends | what happens | everybody there is sent |", "| --- | --- | --- |"]
        for said in conversation.hears.values():
            tells = ", ".join("the same" if name == said.name else f"`{name}`" for name in said.tells)
            lines.append(f"| `{said.name}` | {said.text} | {tells} |")
    return "\n".join([*lines, ""])
