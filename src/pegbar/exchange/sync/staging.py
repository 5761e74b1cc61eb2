"""Reading another server's rows into the database, checked, before any of them is written where it belongs.

Lists are read from those that name others to those that are named, so that what a row names is in a later list. A page
is kept with how far its list is, so that whatever is interrupted goes on there. Lists come newest change first: rows
that change meanwhile come again, and a list of which less came than it counted is read once more.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.data import belonging
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.schema import default_of, utc_now
from pegbar.core.data.values import accept, to_uuid
from pegbar.core.errors import ApiError, CannotRun
from pegbar.exchange.sync import queries
from pegbar.exchange.sync.parts import ALIASES, Link, Part, part_of, parts
from pegbar.exchange.sync.peers import Peer
from pegbar.exchange.sync.remote import Refusal, Remote, together
from pegbar.exchange.sync.report import Report, Watcher

#: Rows of a page, lists read at once, and how often a list that changes under the reading is read.
_PAGE, _AT_ONCE, _MOST_READINGS = 1000, 4, 4
#: What was read before this is read again when a run goes on.
_FRESH = timedelta(hours=1)
#: Lists of a production that hold the rows as the lists of all productions do.
_OF_PRODUCTION = frozenset(
    {"comment", "preview_file", "entity_link", "subscription", "notification", "attachment_file", "time_spent"}
)


@dataclass(frozen=True)
class Scope:
    """The productions that are copied: all, or some by their ids."""

    project_ids: tuple[UUID, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.project_ids)


@dataclass(frozen=True)
class Listing:
    """A list of the other server."""

    part: Part
    path: str
    params: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """What its progress is kept under."""
        return " ".join([self.path, *(f"{name}={value}" for name, value in self.params)])


def listings(part: Part, scope: Scope) -> list[Listing]:
    """The lists that hold the rows of a part."""
    if not scope or not part.belongs:
        return [Listing(part, part.path)]
    last = part.path.rpartition("/")[2]
    if part.name == "project":
        return [Listing(part, part.path, (("id", str(project_id)),)) for project_id in scope.project_ids]
    if "project_id" in part.table.c:
        return [Listing(part, part.path, (("project_id", str(project_id)),)) for project_id in scope.project_ids]
    if part.name in _OF_PRODUCTION:
        return [Listing(part, f"/data/projects/{project_id}/{last}") for project_id in scope.project_ids]
    return [Listing(part, part.path)]  # of which `prune` keeps what belongs to rows that came


def clean(part: Part, row: Any) -> dict[str, Any]:
    """A row as it is kept: the columns and links that travel, each value checked. Raises ApiError."""
    if not isinstance(row, dict):
        raise ApiError("a row is no object", status=400)
    aliases = ALIASES.get(part.name, {})
    kept: dict[str, Any] = {}
    for column in part.columns:
        key = aliases.get(column.name, column.name)
        if key not in row and column.name not in row:
            continue
        value = row.get(key, row.get(column.name))
        if value is None and not column.nullable:
            value = default_of(column)  # an older server knows no such rule
        kept[column.name] = accept(column, value)
    to_uuid(kept.get("id"), "id")
    for link in part.links:
        if isinstance(items := row.get(link.key), list):
            kept[link.key] = [_clean_link(link, item) for item in items]
    if part.name == "person" and isinstance(row.get("password"), str):
        kept["password"] = row["password"]
    return kept


def _clean_link(link: Link, item: Any) -> dict[str, Any]:
    if not isinstance(item, dict):
        return {link.others[0].name: to_uuid(item, link.key)}
    if link.others[0].name not in item and "id" in item:
        return {link.others[0].name: to_uuid(item["id"], link.key)}
    cleaned: dict[str, Any] = {other.name: to_uuid(item.get(other.name), link.key) for other in link.others}
    for name in link.details:
        if name in item and (item[name] is not None or link.table.c[name].nullable):
            cleaned[name] = accept(link.table.c[name], item[name])
    return cleaned


@dataclass
class Staging:
    """The reading of another server's rows into a run of a peer."""

    db: Database
    remote: Remote
    peer: Peer
    report: Report
    watcher: Watcher
    scope: Scope = field(default_factory=Scope)
    passwords: bool = False
    #: Whether productions may be missing there.
    optional: bool = False
    #: Of the departments there, by kind of link: what they use.
    _uses: dict[str, Any] = field(default_factory=dict)

    async def read_all(self) -> None:
        """Read everything that is in the scope."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def read(listing: Listing) -> None:
            async with turns:
                await self._read(listing)

        for level in _levels():
            await together(read(listing) for part in level for listing in listings(part, self.scope))
        await self._prune()

    async def _read(self, listing: Listing) -> None:
        known = await self.db.row(queries.open_list, peer_id=self.peer.id, name=listing.name)
        done = 0
        if known is not None:
            if known["finished_at"] is not None and known["finished_at"] > utc_now() - _FRESH:
                return
            done = 0 if known["finished_at"] is not None else known["pages"]
        self.watcher.begin(listing.part.title, None)
        for attempt in range(_MOST_READINGS):
            seen, total = await self._read_pages(listing, done if attempt == 0 else 0)
            # What was read before this process is not counted here: the list is known to be whole by its total.
            if total is None or (attempt == 0 and done) or len(seen) >= total:
                break
        async with self.db.transaction() as tx:
            await self._note(tx, listing, pages=0, finished=True)
        self.watcher.end(listing.part.title)

    async def _read_pages(self, listing: Listing, done: int) -> tuple[set[str], int | None]:
        """The ids of the rows that came, and how many the list counts (None when it comes at once)."""
        seen: set[str] = set()
        page = done
        while True:
            page += 1
            rows, total, pages = await self._page(listing, page)
            seen |= {str(row.get("id")) for row in rows if isinstance(row, dict)}
            rows = await self._decorated(listing.part, rows)
            async with self.db.transaction() as tx:
                await self.keep(tx, listing.part, rows)
                await self._note(tx, listing, pages=page)
            self.watcher.advance(listing.part.title, len(rows), total)
            if total is None or page >= pages or not rows:
                return seen, total

    async def _page(self, listing: Listing, page: int) -> tuple[list[Any], int | None, int]:
        params: dict[str, Any] = {**dict(listing.params), "relations": "true", "page": page, "limit": _PAGE}
        if self.passwords and listing.part.name == "person":
            params |= {"with_pass_hash": "true"}
        try:
            answer = await self.remote.get(listing.path, **params)
        except Refusal as refusal:
            if refusal.status == 404 and self.optional:
                return [], None, 1
            if refusal.status in (404, 405):
                self.report.problem(f"{listing.part.title}: the other server has no {listing.path}")
                return [], None, 1
            raise CannotRun(f"{listing.part.title} cannot be read: {refusal}") from None
        if isinstance(answer, list):
            return answer, None, 1
        rows, total, pages = (
            (answer.get("data"), answer.get("total"), answer.get("nb_pages"))
            if isinstance(answer, dict)
            else (None,) * 3
        )
        if not isinstance(rows, list) or not isinstance(total, int) or not isinstance(pages, int):
            raise CannotRun(f"{listing.part.title} cannot be read: {listing.path} answers neither a list nor a page.")
        return rows, total, pages

    async def _note(self, tx: Transaction, listing: Listing, *, pages: int, finished: bool = False) -> None:
        at = utc_now() if finished else None
        await tx.execute(queries.note_list, peer_id=self.peer.id, name=listing.name, pages=pages, finished_at=at)

    async def keep(self, tx: Transaction, part: Part, rows: Iterable[Any]) -> list[UUID]:
        """Keep rows until they are written; those that cannot be are told. The ids of those kept."""
        ids: list[UUID] = []
        texts: list[str] = []
        for row in rows:
            try:
                kept = clean(part, row)
                text = msgspec.json.encode(kept).decode()
            except (ApiError, OverflowError, RecursionError, UnicodeEncodeError) as error:
                name = row.get("id") if isinstance(row, dict) else None
                self.report.of(part.name).left_out += 1
                self.report.problem(f"{part.title}: {str(name)[:36]} is left out: {str(error)[:200]}")
                continue
            ids.append(kept["id"])
            texts.append(text)
        if ids:
            # A page may hold a row twice when it moved meanwhile: the last one counts.
            unique = dict(zip(ids, texts, strict=True))
            await tx.execute(
                queries.stage,
                peer_id=self.peer.id,
                table_name=part.name,
                run=self.peer.run,
                ids=list(unique),
                rows=list(unique.values()),
            )
        return ids

    # What lists do not tell

    async def _decorated(self, part: Part, rows: Sequence[Any]) -> list[Any]:
        if part.name == "project":
            turns = asyncio.Semaphore(_AT_ONCE)

            async def one(row: Any) -> Any:
                async with turns:
                    return await self._project(row)

            return list(await asyncio.gather(*[one(row) for row in rows if isinstance(row, dict)]))
        if part.name == "department":
            return [await self._department(row) for row in rows if isinstance(row, dict)]
        return list(rows)

    async def _project(self, row: dict[str, Any]) -> dict[str, Any]:
        """A production with the settings of its links: roles in the team, priorities, what clients see."""
        path = f"/data/projects/{to_uuid(row.get('id'), 'id')}"
        full = await self._optional(path)
        if isinstance(full, dict):
            _detail(row, "task_types", "task_type_id", full.get("task_type_links"))
            _detail(row, "task_statuses", "task_status_id", full.get("task_statuses_link"))
        team = await self._optional(f"{path}/team")
        if isinstance(team, list):
            row["team"] = [
                {"person_id": member.get("id"), "role": member.get("project_role")}
                for member in team
                if isinstance(member, dict)
            ]
        softwares = await self._optional(f"{path}/task-type-softwares")
        if isinstance(softwares, list):
            row["project_task_type_software_link"] = softwares
        return row

    async def _department(self, row: dict[str, Any]) -> dict[str, Any]:
        for route, name, column in (
            ("software-licenses", "software_department_link", "software_id"),
            ("hardware-items", "hardware_item_department_link", "hardware_item_id"),
        ):
            if route not in self._uses:
                self._uses[route] = await self._optional(f"/data/departments/{route}")
            uses = self._uses[route]
            listed = uses.get(str(row.get("id")), []) if isinstance(uses, dict) else None
            if isinstance(listed, list):
                row[name] = [{column: item.get("id")} for item in listed if isinstance(item, dict)]
        return row

    async def _optional(self, path: str) -> Any:
        """What an older server may not have."""
        try:
            return await self.remote.get(path)
        except Refusal:
            return None

    async def fetch(self, part: Part, ids: Sequence[UUID]) -> list[Any]:
        """Rows by their ids, those that are still there."""
        rows: list[Any] = []
        for start in range(0, len(ids), 50):
            wanted = msgspec.json.encode([str(row_id) for row_id in ids[start : start + 50]]).decode()
            answer = await self.remote.get(part.path, id=wanted, relations="true")
            listed = answer.get("data") if isinstance(answer, dict) else answer
            if not isinstance(listed, list):
                raise CannotRun(f"{part.title} cannot be read: {part.path} answers no list.")
            rows += await self._decorated(part, listed)
        known = set(map(str, ids))
        return [row for row in rows if isinstance(row, dict) and str(row.get("id")) in known]

    # Scopes

    async def _prune(self) -> None:
        """Forget what came of other productions, where only a list of all could be read."""
        if not self.scope:
            return
        async with self.db.transaction() as tx:
            for part in parts():
                lists = listings(part, self.scope)
                if not part.belongs or lists != [Listing(part, part.path)]:
                    continue
                owners = tuple(
                    f"{column.name}:{target.name}"
                    for column in belonging.owners(part.table)
                    if (target := belonging.target_of(column)) is not None and part_of(target.name) is not None
                )
                if owners:
                    await tx.execute(queries.prune(part, owners), peer_id=self.peer.id, run=self.peer.run)


def _detail(row: dict[str, Any], key: str, column: str, told: Any) -> None:
    ids = row.get(key)
    if isinstance(ids, list) and isinstance(told, Mapping):
        details = {str(row_id): detail for row_id, detail in told.items() if isinstance(detail, dict)}
        row[key] = [{column: row_id, **details.get(str(row_id), {})} for row_id in ids]


def _levels() -> list[list[Part]]:
    """The parts, those that name others first; what does not name each other is read at once."""
    depth: dict[str, int] = {}
    for part in parts():
        targets = [
            target.name
            for column in part.references
            if column.name not in part.late and (target := belonging.target_of(column)) is not None
        ]
        depth[part.name] = 1 + max((depth.get(name, 0) for name in targets), default=0)
    return [[part for part in parts() if depth[part.name] == level] for level in sorted(set(depth.values()))[::-1]]


async def productions(remote: Remote, names: Sequence[str]) -> Scope:
    """The scope of productions with these names; an error names those that are not there."""
    if not names:
        return Scope()
    rows = await remote.get("/data/projects")
    known = {row["name"]: row["id"] for row in rows if isinstance(row, dict) and "name" in row and "id" in row}
    if missing := [name for name in names if name not in known]:
        raise CannotRun(f"There is no production named {', '.join(missing)} on {remote.url}.")
    return Scope(tuple(to_uuid(known[name], "id") for name in dict.fromkeys(names)))


__all__ = ["Listing", "Scope", "Staging", "clean", "listings", "productions"]
