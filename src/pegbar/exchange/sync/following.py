"""Following another server by its events: what changes there changes here a moment later.

Events name rows. Those of a page are read together, by their ids, and written as a pull writes them; what is there no
more goes here too. `GET /data/events/since` of a Pegbar misses nothing, whatever was down in between; of other servers
`GET /data/events/last` is read back to the last event known. An event is told here again when its rows changed, so that
people at work see it at once; since rows that are the same are not written, two servers may follow each other.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.data.database import Database, Transaction
from pegbar.core.errors import ApiError, CannotRun
from pegbar.core.live import events as live
from pegbar.entities.kinds import KINDS
from pegbar.exchange.sync import peers, queries
from pegbar.exchange.sync.actions import Writer
from pegbar.exchange.sync.parts import Part, part_of, parts
from pegbar.exchange.sync.remote import Refusal, Remote
from pegbar.exchange.sync.staging import Staging

#: Events of a page, and pages of a log that are read back before a full comparison is quicker.
_PAGE, _MOST_PAGES = 500, 200
#: What comes with a row without an event of its own, by the column that names it.
_COME_WITH = {"comment": ("attachment_file", "news", "notification"), "playlist": ("notification",)}
#: Keys of payloads that name rows of a table by another name.
_NAMES = {
    **{kind.key: "entity" for kind in KINDS.values()},
    "asset_type_id": "entity_type",
    "descriptor_id": "metadata_descriptor",
}


class Lost(Exception):
    """The other server does not know any more what happened since: everything is to be compared."""


@dataclass(frozen=True)
class Happened:
    """An event of the other server."""

    name: str
    data: dict[str, Any]
    project_id: UUID | None

    @property
    def subject(self) -> str:
        """What it is about, such as `shot`."""
        return self.name.partition(":")[0]


@dataclass
class Page:
    """Events in their order, and where to go on."""

    events: list[Happened]
    cursor: Any
    more: bool


# Feeds


async def feed_start(remote: Remote) -> dict[str, Any]:
    """A cursor of this moment."""
    try:
        answer = await remote.get("/data/events/since")
        return {"since": str(answer["cursor"])}
    except (Refusal, TypeError, KeyError):
        rows = await remote.get("/data/events/last", limit=1)
        return {"last": str(rows[0]["id"]) if isinstance(rows, list) and rows else None}


async def feed_next(remote: Remote, cursor: Any) -> Page:
    """The events since a cursor. Raises Lost when they are not known any more."""
    if "since" in cursor:
        try:
            answer = await remote.get("/data/events/since", cursor=cursor["since"], limit=_PAGE)
            return Page(list(_read(answer["events"])), {"since": str(answer["cursor"])}, bool(answer["more"]))
        except Refusal as refusal:
            raise Lost(str(refusal)) from None
        except (TypeError, KeyError):
            raise CannotRun("GET /data/events/since of the other server answers no events.") from None
    pages: list[list[Any]] = []
    before: dict[str, Any] = {}
    for _ in range(_MOST_PAGES):
        rows = await remote.get("/data/events/last", limit=_PAGE, **before)
        if not isinstance(rows, list):
            raise CannotRun("GET /data/events/last of the other server answers no list.")
        ids = [str(row.get("id")) for row in rows if isinstance(row, dict)]
        if cursor["last"] in ids:
            pages.append(rows[: ids.index(cursor["last"])])
            break
        pages.append(rows)
        if len(rows) < _PAGE:
            if cursor["last"] is None:
                break
            raise Lost("the last event known is not in its log any more")
        before = {"cursor_event_id": ids[-1]}
    else:
        raise Lost("too much happened since")
    newest_first = [row for page in pages for row in page]
    newest = str(newest_first[0].get("id")) if newest_first else cursor["last"]
    return Page(list(_read(newest_first[::-1])), {"last": newest}, more=False)


_NAME = re.compile(r"[a-z_-]{1,60}:[a-z_-]{1,60}")


def _read(rows: Any) -> Iterator[Happened]:
    """The events of an answer that are some: what is not is passed over."""
    for row in rows if isinstance(rows, list) else []:
        name, data = (row.get("name"), row.get("data")) if isinstance(row, dict) else (None, None)
        if isinstance(name, str) and _NAME.fullmatch(name) and isinstance(data, dict):
            yield Happened(name, data, _uuid(row.get("project_id") or data.get("project_id")))


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (ValueError, TypeError, AttributeError):
        return None


# What events name


@dataclass
class Touched:
    """The rows that events name, by part."""

    ids: dict[str, set[UUID]] = field(default_factory=dict)
    #: Those of them that have another file now, whatever their row says.
    files: set[UUID] = field(default_factory=set)
    recast: set[UUID] = field(default_factory=set)

    def add(self, happened: Happened) -> None:
        """Note what an event names."""
        for key, value in happened.data.items():
            table = named_by(key, happened)
            row_id = _uuid(value)
            if table is not None and row_id is not None:
                self.ids.setdefault(table, set()).add(row_id)
                if happened.name.endswith((":add-file", ":set-thumbnail")):
                    self.files.add(row_id)
                if happened.name.endswith(":casting-update") and table == "entity":
                    self.recast.add(row_id)


def named_by(key: str, happened: Happened) -> str | None:
    """The table whose row a key of an event names, None when it names none that is copied."""
    if not key.endswith("_id"):
        return None
    if key == "project_id" and happened.subject != "project":
        return None  # where it happened
    table = _NAMES.get(key, key.removesuffix("_id"))
    return table if part_of(table) is not None else None


@dataclass
class Follower:
    """Brings a database up to what happened on another server."""

    db: Database
    staging: Staging
    #: Called with the rows that changed, and those of them whose files are others now.
    copy_files: Callable[[set[UUID], frozenset[UUID]], Awaitable[None]]
    events: int = 0

    async def catch_up(self) -> None:
        """Read and write all that happened since the cursor. Raises Lost."""
        more = True
        while more:
            page = await feed_next(self.staging.remote, self.staging.peer.cursor)
            more = page.more
            touched = Touched()
            relevant = [event for event in page.events if self._concerns(event)]
            for event in relevant:
                touched.add(event)
            if touched.ids:
                await self._bring(touched, relevant, page.cursor)
                await self.copy_files(set().union(*touched.ids.values()), frozenset(touched.files))
            else:
                async with self.db.transaction() as tx:
                    await peers.keep_cursor(tx, self.staging.peer, page.cursor)
            self.events += len(relevant)

    def _concerns(self, event: Happened) -> bool:
        scope = self.staging.scope
        return not scope or event.project_id is None or event.project_id in scope.project_ids

    async def _bring(self, touched: Touched, events: list[Happened], cursor: Any) -> None:
        rows: dict[str, list[Any]] = {}
        wanted = dict(touched.ids)
        for name, ids in list(wanted.items()):
            part = part_of(name)
            assert part is not None
            rows[name] = await self.staging.fetch(part, sorted(ids))
            for other in _COME_WITH.get(name, ()):
                await self._along(other, f"{name}_id", ids, wanted, rows)
        if touched.recast:
            await self._along("entity_link", "entity_in_id", touched.recast, wanted, rows)
        chosen = [part for part in parts() if part.name in wanted]
        async with self.db.transaction() as tx:
            gone = await self._stage(tx, chosen, wanted, rows)
            writer = Writer(tx, self.staging.peer, self.staging.report, self.staging.watcher, deletes_any=True)
            await writer.write(chosen)
            deleted = {part.name: await writer.delete(part, sorted(gone[part.name])) for part in chosen}
            await self._tell(tx, events, writer, deleted)
            await tx.execute(queries.empty_rows, peer_id=self.staging.peer.id)
            await peers.keep_cursor(tx, self.staging.peer, cursor)
        if moved := {name: ids for name, ids in writer.moved.items() if ids}:
            await self._bring(Touched(ids=moved), [], cursor)

    async def _along(
        self, name: str, column: str, ids: set[UUID], wanted: dict[str, set[UUID]], rows: dict[str, list[Any]]
    ) -> None:
        """Read the rows that name others; those known here that do not come are gone."""
        part = part_of(name)
        assert part is not None
        for start in range(0, len(ids), 50):
            text = msgspec.json.encode(sorted(map(str, ids))[start : start + 50]).decode()
            answer = await self.staging.remote.get(part.path, relations="true", **{column: text})
            listed = [row for row in answer if isinstance(row, dict)] if isinstance(answer, list) else []
            rows.setdefault(name, []).extend(listed)
            wanted.setdefault(name, set()).update(row_id for row in listed if (row_id := _uuid(row.get("id"))))
        known = await self.db.column(queries.naming_here(name, column), ids=sorted(ids), peer_id=self.staging.peer.id)
        wanted.setdefault(name, set()).update(known)

    async def _stage(
        self, tx: Transaction, chosen: list[Part], wanted: dict[str, set[UUID]], rows: dict[str, list[Any]]
    ) -> dict[str, set[UUID]]:
        """Stage what came; the ids of what did not."""
        gone: dict[str, set[UUID]] = {}
        for part in chosen:
            listed = rows.get(part.name, [])
            await self.staging.keep(tx, part, listed)
            came = {_uuid(row.get("id")) for row in listed}
            gone[part.name] = {row_id for row_id in wanted[part.name] if row_id not in came}
            if gone[part.name]:
                gone[part.name] = await self._known(tx, part, gone[part.name])
        return gone

    async def _known(self, tx: Transaction, part: Part, ids: set[UUID]) -> set[UUID]:
        """Only what came from there goes here."""
        known = await tx.column(queries.known_rows, peer_id=self.staging.peer.id, table_name=part.name, ids=sorted(ids))
        await tx.execute(queries.forget_rows, peer_id=self.staging.peer.id, table_name=part.name, ids=sorted(ids))
        return set(known)

    async def _tell(
        self, tx: Transaction, events: list[Happened], writer: Writer, deleted: dict[str, set[UUID]]
    ) -> None:
        """Tell the people here what happened there, of what was not known."""
        fresh: set[UUID] = set()
        for by_table in (writer.written.new, writer.written.changed, deleted):
            fresh = fresh.union(*by_table.values())
        for happened in events:
            ids = {
                row_id for key, value in happened.data.items() if named_by(key, happened) and (row_id := _uuid(value))
            }
            declared = _declared(happened)
            if declared is None or not ids & fresh:
                continue
            payload = {key: happened.data[key] for key in declared.keys if key in happened.data}
            known = happened.project_id and await tx.value(queries.there_is_production, project_id=happened.project_id)
            payload.pop("project_id", None)
            tx.emit(declared, project_id=happened.project_id if known else None, **payload)


def _declared(happened: Happened) -> live.Event | None:
    """Our own declaration of an event, the one with the most of its keys."""
    named = [event for event in live.declared if event.name == happened.name]
    return max(named, key=lambda event: len(happened.data.keys() & set(event.keys)), default=None)


async def follow(
    follower: Follower, *, again: Callable[[], Awaitable[None]], interval: float = 2.0, compared_every: float = 3600.0
) -> None:
    """Follow until somebody stops it; everything is compared `again` at times, and when events were lost."""
    loop = asyncio.get_running_loop()
    compared = loop.time()
    while True:
        try:
            await follower.catch_up()
        except Lost as reason:
            follower.staging.watcher.say(f"Events were lost ({reason}): everything is compared.")
            await again()
            compared = loop.time()
        except ApiError as error:
            raise CannotRun(f"What happened there cannot be written here: {error.message}") from error
        if loop.time() - compared > compared_every:
            await again()
            compared = loop.time()
        await asyncio.sleep(interval)
