"""What happens in review rooms, written to the database. Source: spec review, "Review rooms".

A process knows its own sockets (`Seats`) and writes them whole, so that writing again mends whatever went wrong. A
change of a room is a transaction that has its turn: what it tells is told in the order of commits, the same for
everybody.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pegbar.core.data.database import Database, Reader, Transaction
from pegbar.review.rooms import queries
from pegbar.review.rooms.messages import encoded, pieces
from pegbar.review.rooms.state import State, shown

PEOPLE_UPDATED = "preview-room:room-people-updated"
ROOM_UPDATED = "preview-room:room-updated"


@dataclass
class Seat:
    """A socket in a room: whether it hears what is said, is one of the people, and may say something."""

    person_id: UUID
    speaks: bool
    listens: bool = False
    in_people: bool = False


Seats = Mapping[str, Seat]


@asynccontextmanager
async def turn(db: Database, room_id: UUID) -> AsyncIterator[Transaction]:
    """A transaction that changes a room, one after the other."""
    async with db.transaction() as tx:
        await tx.row(queries.take_turn, room=str(room_id))
        yield tx


async def settle(tx: Transaction, room_id: UUID, node: int, seats: Seats, first_state: State | None = None) -> bool:
    """Write who of a process is in a room; whether that changes who is in it.

    `first_state` is what an empty room looks at from now on. Sockets of processes that are gone are taken out.
    """
    before = await tx.column(queries.people, playlist_id=room_id)
    await tx.execute(queries.clear_dead, playlist_id=room_id)
    await tx.execute(queries.drop_empty, playlist_id=room_id)
    await tx.execute(
        queries.settle,
        playlist_id=room_id,
        node=node,
        sockets=list(seats),
        person_ids=[seat.person_id for seat in seats.values()],
        in_people=[seat.in_people for seat in seats.values()],
    )
    if first_state is not None:
        await tx.execute(queries.begin_state, playlist_id=room_id, state=first_state)
    await tx.execute(queries.drop_empty, playlist_id=room_id)
    return bool(before != await tx.column(queries.people, playlist_id=room_id))


async def tell_people(tx: Transaction, room_id: UUID) -> None:
    """Tell everybody who is in a room."""
    people = await tx.column(queries.people, playlist_id=room_id)
    await tell(tx, room_id, PEOPLE_UPDATED, {"people": people, "playlist_id": str(room_id), "id": str(room_id)})


async def tell_state(tx: Transaction, room_id: UUID) -> None:
    """Tell everybody what a room looks at, if somebody is in it."""
    state = await tx.value(queries.state_of, playlist_id=room_id)
    if state is not None:
        people = await tx.column(queries.people, playlist_id=room_id)
        await tell(tx, room_id, ROOM_UPDATED, shown(room_id, state, people))


async def change_state(tx: Transaction, room_id: UUID, change: State, *, only_newcomer: bool) -> None:
    """Change what a room looks at, and tell everybody. A room without people keeps nothing of it."""
    state = await tx.value(queries.change_state, playlist_id=room_id, change=change)
    people = await tx.column(queries.people, playlist_id=room_id)
    after = shown(room_id, change if state is None else state, people)
    await tell(tx, room_id, ROOM_UPDATED, {"only_newcomer": only_newcomer, **after})


async def tell(db: Reader, room_id: UUID, event: str, payload: Any) -> None:
    """Say something in a room."""
    text = encoded(event, payload)
    assert text is not None
    await say(db, pieces(room_id, text))


async def say(db: Reader, notifications: Sequence[str]) -> None:
    """Notify every process of what is said."""
    await db.row(queries.tell, pieces=list(notifications))
