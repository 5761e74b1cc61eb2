"""What consumers do: take events, hand them to workers on lease, forget those that are acknowledged.

All workers of a consumer take turns at its row. What is taken from the log is written down, with the cursor, before it
is handed out, so nothing that a worker lost is lost: when its lease ends, exactly the events that it did not
acknowledge are handed out again. While a worker has an event about a thing, nobody else is given a later one about it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import ApiError, NotFound
from pegbar.core.live import cursors
from pegbar.core.live.cursors import Cursor, Gone
from pegbar.core.live.events import CURSOR_DAYS
from pegbar.open.feed.consumers import queries
from pegbar.open.feed.filters import Filter
from pegbar.open.feed.tables import consumer

#: Consumers of one person.
_MOST = 50
#: Events that a consumer has taken and not acknowledged: more are not taken.
_IN_HAND = 10_000
#: How often the log is read for one batch, where few of its events are the consumer's.
_READS = 10


class Batch(msgspec.Struct):
    """Events for one worker: their JSON, in order, and the lease by which they are acknowledged."""

    lease_id: UUID
    events: list[str]
    until: datetime | None
    more: bool
    consumer_id: UUID
    only: Filter
    next_end: float | None  #: seconds until what others have may come again


class TooMany(ApiError):
    """As many consumers as one may have."""

    status = 409


def _absent(name: str) -> NotFound:
    return NotFound(f"There is no consumer {name!r}.")


async def _held(tx: Transaction, person_id: UUID, name: str) -> asyncpg.Record:
    row = await tx.row(queries.HELD, person_id=person_id, name=name)
    if row is None:
        raise _absent(name)
    return row


def filter_of(row: asyncpg.Record) -> Filter:
    """The filter of a consumer's row."""
    return msgspec.convert(row["filter"], Filter)


async def put(tx: Transaction, person_id: UUID, name: str, only: Filter, begin: Cursor) -> bool:
    """Make a consumer that begins at a cursor, or give one another filter; whether it is new."""
    row = await tx.row(queries.HELD, person_id=person_id, name=name)
    if row is None:
        if await tx.value(queries.NUMBER, person_id=person_id) >= _MOST:
            raise TooMany(f"You have {_MOST} consumers already. Delete one that nobody uses.")
        values = {"person_id": person_id, "name": name, "filter": msgspec.to_builtins(only)}
        if await tx.insert_many(consumer, [{**values, "cursor": cursors.written(begin)}], skip_existing=True):
            return True
        row = await _held(tx, person_id, name)  # another worker was quicker
    if filter_of(row) != only:
        await tx.update(consumer, row["id"], filter=msgspec.to_builtins(only))
        await tx.execute(queries.FORGET_OTHERS, consumer_id=row["id"], **only.parameters)
    return False


async def lease(tx: Transaction, person_id: UUID, name: str, *, most: int, seconds: float) -> Batch:
    """Hand out the next events that nobody has. Raises Gone for a consumer that is behind what is kept."""
    row = await _held(tx, person_id, name)
    only, lease_id = filter_of(row), uuid4()
    batch = Batch(lease_id, [], None, more=False, consumer_id=row["id"], only=only, next_end=None)
    await _hand_out(tx, batch, person_id, most, seconds)
    batch.more = len(batch.events) == most
    cursor, room, wanted = cursors.parsed(row["cursor"]), _IN_HAND - row["taken"], most
    while len(batch.events) < most and room > 0:
        # What was taken may all be about things that other workers have: then more is, and more each time.
        cursor, taken = await _take(tx, batch, cursor, person_id, min(wanted, room))
        room, wanted = room - taken, 4 * wanted
        await _hand_out(tx, batch, person_id, most, seconds)
        if not (taken and batch.more):
            break
    await tx.update(
        consumer, row["id"], cursor=cursors.written(cursor), fetched_at=utc_now(), updated_at=row["updated_at"]
    )
    if not batch.events:
        batch.next_end = await tx.value(queries.NEXT_END, consumer_id=row["id"])
    return batch


async def _take(tx: Transaction, batch: Batch, cursor: Cursor, person_id: UUID, most: int) -> tuple[Cursor, int]:
    """Take what follows a cursor, so many events at the most; where it goes on, and how many were taken."""
    taken = 0
    try:
        for _ in range(_READS):
            page = await queries.take(tx, batch.consumer_id, cursor, batch.only, person_id, most=most - taken)
            cursor, batch.more = page.cursor, page.more
            taken += page.told
            if taken == most or not page.more:
                break
    except Gone:
        if batch.events:
            return cursor, 0  # to be told when those are done
        raise Gone(
            f"The consumer is behind the events that are kept ({CURSOR_DAYS} days). Look at the state of"
            f" things, and say where it goes on: POST /open/v1/consumers/{{name}}/replay."
        ) from None
    return cursor, taken


async def _hand_out(tx: Transaction, batch: Batch, person_id: UUID, most: int, seconds: float) -> None:
    """Lease events that nobody has; those that the owner may not see any more are forgotten."""
    rows: list[Any] = []
    while left := most - len(batch.events):
        rows = await tx.rows(
            queries.LEASE,
            consumer_id=batch.consumer_id,
            lease_id=batch.lease_id,
            reader_id=person_id,
            most=left,
            seconds=seconds,
        )
        if any(not row["kept"] for row in rows):
            raise Gone(
                "Events that were not acknowledged are kept no longer. Look at the state of things, and say where the"
                " consumer goes on: POST /open/v1/consumers/{name}/replay."
            )
        batch.events += [row["event"] for row in rows if row["visible"]]
        batch.until = next((row["until"] for row in rows), batch.until)
        unseen = [row["number"] for row in rows if not row["visible"]]
        if not unseen:
            return
        await tx.execute(queries.FORGET, consumer_id=batch.consumer_id, numbers=unseen)


async def acknowledge(tx: Transaction, person_id: UUID, name: str, lease_id: UUID, event_ids: list[UUID] | None) -> int:
    """Forget the events of a lease, or some of them; their number."""
    row = await _held(tx, person_id, name)
    done = await tx.execute(queries.ACKNOWLEDGE, consumer_id=row["id"], lease_id=lease_id, event_ids=event_ids)
    if done and await tx.value(queries.HAS_WAITING, consumer_id=row["id"]):
        tx.notify(queries.CHANNEL, str(row["id"]))
    return done


async def replay(tx: Transaction, person_id: UUID, name: str, begin: Cursor) -> None:
    """Have a consumer go on from a cursor; what its workers have in hand is over."""
    row = await _held(tx, person_id, name)
    await tx.execute(queries.FORGET_ALL, consumer_id=row["id"])
    await tx.update(consumer, row["id"], cursor=cursors.written(begin))
    tx.notify(queries.CHANNEL, str(row["id"]))


async def remove(tx: Transaction, person_id: UUID, name: str) -> None:
    """Delete a consumer."""
    if not await tx.delete(consumer, person_id=person_id, name=name):
        raise _absent(name)
