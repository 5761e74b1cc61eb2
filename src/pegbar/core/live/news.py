"""Reading the outbox from where one has read to: every event once, whatever the order in which transactions commit."""

from typing import NamedTuple, Self

import asyncpg

from pegbar.core.data.database import Database
from pegbar.core.live.events import OUTBOX_NEWS

#: Events that are read at once.
_MOST = 2000


class Snapshot(NamedTuple):
    """Which transactions are seen: those below `end`, but for the ones that were still running."""

    end: int
    running: tuple[int, ...]

    @classmethod
    def read(cls, text: str) -> Self:
        """From PostgreSQL's text, `oldest:end:running,running…`."""
        _, end, running = text.split(":")
        return cls(int(end), tuple(int(xid) for xid in running.split(",") if xid))


class Cursor(NamedTuple):
    """All of `seen`, and of what `reading` shows besides, the positions up to `position`."""

    seen: Snapshot
    reading: str | None = None
    position: int = 0


class Page(NamedTuple):
    """Events, and from where to go on: at once if there is more."""

    events: list[asyncpg.Record]
    after: Cursor
    more: bool


_NOTHING = Snapshot(0, ())


async def now(db: Database) -> Cursor:
    """What is committed now is seen."""
    return (await news(db, Cursor(_NOTHING), anybody=False)).after


async def news(db: Database, cursor: Cursor, *, anybody: bool = True) -> Page:
    """The next events; without anybody to tell them to, none, and the cursor of this moment.

    A database that was put back to an earlier state starts anew: its next transactions take numbers that were seen.
    """
    rows = await db.rows(
        OUTBOX_NEWS,
        anybody=anybody,
        xmax=cursor.seen.end,
        running=cursor.seen.running,
        reading=cursor.reading,
        position=cursor.position,
        most=_MOST,
    )
    snapshot = rows[0]["snapshot"]
    events = [row for row in rows if row["position"] is not None]
    if not anybody or Snapshot.read(snapshot).end < cursor.seen.end:
        return Page([], Cursor(Snapshot.read(snapshot)), more=False)
    reading = cursor.reading or snapshot
    if len(events) == _MOST:
        return Page(events, Cursor(cursor.seen, reading, events[-1]["position"]), more=True)
    return Page(events, Cursor(Snapshot.read(reading)), more=cursor.reading is not None)
