"""The review rooms of a process: its sockets in them, what they say, what they hear.

State and presence are in the database (`actions.py`); here is only what this process's sockets are to each room.
Whether they may be there is asked again whenever somebody committed something that emitted events (a team, a role, a
playlist that changed), and once a second at least, before anything more is heard or said. A process is known by a lock
of its listening connection: rows of one whose lock is gone are taken out by the others. Source: spec review, "Review
rooms".
"""

import asyncio
import contextlib
import random
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from pegbar.core.data.database import Database
from pegbar.core.data.faults import answer_to
from pegbar.core.errors import Unavailable
from pegbar.core.live.conversations import Conversation, Sockets, Speaker, on
from pegbar.review.rooms import actions, queries
from pegbar.review.rooms.actions import PEOPLE_UPDATED, ROOM_UPDATED, Seat
from pegbar.review.rooms.messages import Assembly, Message, encoded, pieces
from pegbar.review.rooms.state import State, change

log = structlog.get_logger()
#: Seconds between looks for processes that are gone, and for how long an answer to who may be in a room is good.
_LOOK_EVERY = 1.0
#: Rooms that one socket may be in: a tab shows one playlist.
_ROOMS_OF_SOCKET = 16
#: Changes of rooms that are written at once: requests have the other connections.
_AT_ONCE = 3
#: Seconds that somebody who enters waits for the listening connection, when it was lost.
_PATIENCE = 5.0

Place = tuple[UUID, str]


class Rooms(Conversation):
    """What only exists between sockets: it is neither logged nor told to who reads on from a cursor.

    The payload of each is an object with the `playlist_id` of the room; docs/reviews.md says what else it holds.
    """

    channel = queries.CHANNEL
    title = "Review rooms"

    def __init__(self, db: Database, sockets: Sockets) -> None:
        super().__init__(db, sockets)
        self._rooms: dict[UUID, dict[str, Seat]] = {}
        self._states: dict[UUID, State] = {}  #: what each room was last heard to look at, should the database forget it
        self._unsettled: set[UUID] = set()  #: rooms to be written again
        self._untold: set[UUID] = set()  #: rooms in which everybody is told who is there, be it the same
        self._unheard: set[UUID] = set()  #: rooms in which something may have been missed
        self._node: int | None = None
        self._listening = asyncio.Event()
        self._assembly = Assembly()
        self._heard: asyncio.Queue[Message] = asyncio.Queue()
        self._needed = asyncio.Event()  #: the rooms want to be looked after now
        self._tasks: list[asyncio.Task[None]] = []
        self._looked_at = 0.0
        self._changed = True  #: standing may have
        self._looking, self._saying = asyncio.Lock(), asyncio.Lock()
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._to_say: list[str] = []

    # What clients say

    @on("preview-room:open-playlist", tells=(PEOPLE_UPDATED,))
    async def open(self, speaker: Speaker, _: str, arguments: tuple[Any, ...]) -> None:
        """The socket hears the room from now on."""
        if (room_id := _room_of(arguments)) is None:
            return
        seat = await self._enter(speaker, room_id)
        if seat is not None:
            seat.listens = True
            await self._settle(room_id)

    @on("preview-room:close-playlist", tells=())
    async def close(self, speaker: Speaker, _: str, arguments: tuple[Any, ...]) -> None:
        """The socket hears the room no more."""
        room_id = _room_of(arguments)
        if room_id is not None and (seat := self._seat(speaker, room_id)) is not None:
            seat.listens = False
            if self._tidy(room_id, speaker.socket):
                await self._settle(room_id, tell=False)

    @on("preview-room:join", tells=(PEOPLE_UPDATED, ROOM_UPDATED))
    async def join(self, speaker: Speaker, _: str, arguments: tuple[Any, ...]) -> None:
        """The person is one of the room's people; what they send is what an empty room looks at."""
        room_id, first_state = _room_of(arguments), _change_in(arguments)
        if room_id is None or first_state is None:
            return
        seat = await self._enter(speaker, room_id)
        if seat is not None:
            seat.in_people = True
            await self._settle(room_id, first_state)

    @on("preview-room:leave", tells=(PEOPLE_UPDATED,))
    async def leave(self, speaker: Speaker, _: str, arguments: tuple[Any, ...]) -> None:
        """The person is none of the people any more, unless in another tab."""
        room_id = _room_of(arguments)
        if room_id is not None and (seat := self._seat(speaker, room_id)) is not None:
            seat.in_people = False
            self._tidy(room_id, speaker.socket)
            await self._settle(room_id)

    @on(ROOM_UPDATED)
    async def update(self, speaker: Speaker, _: str, arguments: tuple[Any, ...]) -> None:
        """The room looks at what is sent; a second argument `true` says that it is for who just came."""
        room_id, changed = _room_of(arguments), _change_in(arguments)
        if room_id is None or changed is None or not await self._may_speak(speaker, room_id):
            return
        only_newcomer = len(arguments) > 1 and arguments[1] is True
        async with self._at_once, actions.turn(self.db, room_id) as tx:
            await actions.change_state(tx, room_id, changed, only_newcomer=only_newcomer)

    @on(
        "preview-room:add-annotation",
        "preview-room:remove-annotation",
        "preview-room:update-annotation",
        "preview-room:change-version",
        "preview-room:panzoom-changed",
        "preview-room:comparison-panzoom-changed",
    )
    async def relay(self, speaker: Speaker, event: str, arguments: tuple[Any, ...]) -> None:
        """Everybody in the room is told, the sender too."""
        room_id = _room_of(arguments)
        if room_id is None or not await self._may_speak(speaker, room_id):
            return
        text = encoded(event, arguments[0])
        if text is not None:
            await speaker.spend(len(text))
            await self._say(pieces(room_id, text))

    # Who is where

    def _seat(self, speaker: Speaker, room_id: UUID) -> Seat | None:
        return self._rooms.get(room_id, {}).get(speaker.socket)

    async def _enter(self, speaker: Speaker, room_id: UUID) -> Seat | None:
        """The seat of a socket that may be in a room, a new one if it has none; None when it may not."""
        if speaker.socket not in await self.sockets.still_good([speaker.socket]):
            await self.sockets.hang_up(speaker.socket)
            return None
        rows = await self.db.rows(queries.may_enter, person_ids=[speaker.token.sub], playlist_ids=[room_id])
        seat = self._seat(speaker, room_id)
        if not rows or seat is not None:
            return seat if rows else None
        if sum(speaker.socket in seats for seats in self._rooms.values()) >= _ROOMS_OF_SOCKET:
            return None
        seat = Seat(speaker.token.sub, rows[0]["speaks"])
        self._rooms.setdefault(room_id, {})[speaker.socket] = seat
        self._changed = True  # it may have while the database was asked
        return seat

    async def _may_speak(self, speaker: Speaker, room_id: UUID) -> bool:
        await self._look()
        seat = self._seat(speaker, room_id)
        return seat is not None and seat.listens and seat.speaks

    def _tidy(self, room_id: UUID, socket: str) -> bool:
        """Forget a seat that is for nothing; whether it was."""
        seat = self._rooms[room_id][socket]
        if seat.listens or seat.in_people:
            return False
        self._take_out((room_id, socket))
        return True

    def _take_out(self, place: Place) -> None:
        room_id, socket = place
        self._rooms[room_id].pop(socket, None)
        self._unsettled.add(room_id)
        if not self._rooms[room_id]:
            del self._rooms[room_id]
            self._states.pop(room_id, None)

    def left(self, socket: str) -> None:
        """A socket is gone from all its rooms."""
        places = [(room_id, seats[socket]) for room_id, seats in self._rooms.items() if socket in seats]
        for room_id, seat in places:
            self._take_out((room_id, socket))
            if seat.in_people:
                self._untold.add(room_id)
        if places:
            self._needed.set()

    async def _settle(self, room_id: UUID, first_state: State | None = None, *, tell: bool = True) -> None:
        """Write who of this process is in a room, and tell everybody (who must be told when that changes).

        With a first state, tell what the room looks at too: somebody joined, or has not heard for a while.
        """
        self._unsettled.add(room_id)
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._listening.wait()
        except TimeoutError:
            raise Unavailable("The process is not connected to the database.") from None
        try:
            async with self._at_once, actions.turn(self.db, room_id) as tx:
                assert self._node is not None
                self._unsettled.discard(room_id)
                seats = dict(self._rooms.get(room_id, {}))
                if await actions.settle(tx, room_id, self._node, seats, first_state) or tell:
                    await actions.tell_people(tx, room_id)
                if first_state is not None:
                    await actions.tell_state(tx, room_id)
        except BaseException:
            self._unsettled.add(room_id)
            raise

    # Who may be there

    async def _look(self) -> None:
        """Take out who may be in a room no more, unless that is known for a moment."""
        async with self._looking:
            now = asyncio.get_running_loop().time()
            if not self._changed and now < self._looked_at + _LOOK_EVERY:
                return
            self._changed = False
            try:
                await self._look_at(
                    {(room, socket): seat for room, seats in self._rooms.items() for socket, seat in seats.items()}
                )
            except BaseException:
                self._changed = True
                raise
            self._looked_at = now

    async def _look_at(self, seats: Mapping[Place, Seat]) -> None:
        if not seats:
            return
        places, sockets = list(seats), {socket for _, socket in seats}
        good = await self.sockets.still_good(sockets)
        rows = await self.db.rows(
            queries.may_enter,
            person_ids=[seat.person_id for seat in seats.values()],
            playlist_ids=[room_id for room_id, _ in places],
        )
        allowed = {places[row["place"]]: row["speaks"] for row in rows if places[row["place"]][1] in good}
        for (room_id, socket), seat in seats.items():
            if self._rooms.get(room_id, {}).get(socket) is not seat:
                continue  # it left meanwhile
            if (room_id, socket) in allowed:
                seat.speaks = allowed[room_id, socket]
            else:
                self._take_out((room_id, socket))
                self._needed.set()
        for socket in sockets - good:
            await self.sockets.hang_up(socket)

    # Saying and hearing

    async def _say(self, notifications: Sequence[str]) -> None:
        """Say something in all processes; who says something while another commit is under way shares the next."""
        self._to_say += notifications
        async with self._saying:
            together, self._to_say = self._to_say, []
            if together:
                # Who hangs up now takes nobody else's words along.
                await asyncio.shield(actions.say(self.db, together))

    def notified(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        """Put together what is said in a room."""
        message = self._assembly.add(str(payload))
        if message is not None and message.room_id in self._rooms:
            self._heard.put_nowait(message)

    def committed(self) -> None:
        """Standing may have changed: what is said from now on is heard by who may hear it now."""
        self._changed = True

    async def _pass_on(self) -> None:
        while True:
            message = await self._heard.get()
            try:
                await self._look()
                seats = self._rooms.get(message.room_id, {})
                if seats and message.is_a(ROOM_UPDATED):
                    self._states[message.room_id] = message.payload
                listeners = [socket for socket, seat in seats.items() if seat.listens]
                await self.sockets.send(message.text, listeners)
            except Exception as error:
                _tell("what was said in a review room was not passed on", error)

    # The process

    async def start(self) -> None:
        """Pass on what is heard, and look after the rooms."""
        self._tasks = [asyncio.create_task(self._pass_on()), asyncio.create_task(self._look_after())]

    async def stop(self) -> None:
        """Take everybody out: the others need not find out that this process is gone."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        rooms, self._rooms = self._unsettled | self._rooms.keys(), {}
        if not self._listening.is_set():
            return
        for room_id in rooms:
            with contextlib.suppress(Exception):
                await self._settle(room_id)

    async def listening(self, connection: asyncpg.Connection) -> None:
        """Be a process of a new number, and write everybody again under it."""
        self._assembly.clear()
        node = 0
        while not node or not await connection.fetchval(queries.be_node, node):
            node = random.randrange(1, 2**31)  # noqa: S311 - any free one
        self._node = node
        self._unsettled |= self._rooms.keys() | set(await self.db.column(queries.rooms_of_dead))
        self._unheard |= self._rooms.keys()
        self._changed = True
        self._listening.set()

    def deaf(self) -> None:
        """Nobody enters until it listens again: the number is gone with the connection."""
        self._listening.clear()

    async def _look_after(self) -> None:
        """Mend what could not be written, take out who may be there no more, and those of processes that are gone."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY):
                    await self._needed.wait()
            self._needed.clear()
            try:
                if self._listening.is_set():
                    await self._mend()
            except Exception as error:
                _tell("review rooms could not be looked after; trying again", error)
                await asyncio.sleep(_LOOK_EVERY)

    async def _mend(self) -> None:
        await self._look()
        if self._rooms:
            self._unsettled.update(await self.db.column(queries.rooms_of_dead))
        for room_id in list(self._unsettled):
            missed, told = room_id in self._unheard, room_id in self._untold
            self._untold.discard(room_id)
            first_state = change(self._states.get(room_id, {})) if missed else None
            await self._settle(room_id, first_state, tell=told or missed)
            self._unheard.discard(room_id)


def _tell(what: str, error: Exception) -> None:
    if answer_to(error) is None:
        log.error(what, exc_info=error)
    else:
        log.warning(what, error=str(error))


def _room_of(arguments: tuple[Any, ...]) -> UUID | None:
    """The room that a payload is about; None when it says none."""
    payload = arguments[0] if arguments else None
    playlist_id = payload.get("playlist_id") if isinstance(payload, dict) else None
    try:
        return UUID(playlist_id) if isinstance(playlist_id, str) else None
    except ValueError:
        return None


def _change_in(arguments: tuple[Any, ...]) -> State | None:
    return change(arguments[0]) if arguments and isinstance(arguments[0], dict) else None
