"""A push: what this server has, or some productions of it, sent to another one through its API.

Rows of productions go through `/import/kitsu/*`, which keeps their ids. The studio's own rows (people, task types,
statuses…) and what those routes do not take go through the plain routes, which give them ids of their own: a row there
with the same name is taken for ours, else one is made, and from then on ours is known by its id there. What differs is
sent; nothing is deleted there. Source: spec exchange, "Kitsu-to-Kitsu import"; spec operations, "Sync".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.data import belonging
from pegbar.core.data.database import Database
from pegbar.core.data.parameters import sql
from pegbar.core.errors import CannotRun
from pegbar.entities.kinds import ASSET, kind_of
from pegbar.exchange.sync import links, peers, queries
from pegbar.exchange.sync.parts import ALIASES, Part, parts
from pegbar.exchange.sync.peers import Peer
from pegbar.exchange.sync.remote import Refusal, Remote
from pegbar.exchange.sync.report import Report, Watcher
from pegbar.exchange.sync.sending import Sender
from pegbar.exchange.sync.staging import Scope, Staging

#: What `/import/kitsu/*` takes, by table.
_IMPORTED = {
    "project": "projects",
    "metadata_descriptor": "metadata-descriptors",
    "milestone": "milestones",
    "entity": "entities",
    "schedule_item": "schedule-items",
    "entity_link": "entity-links",
    "task": "tasks",
    "subscription": "subscriptions",
    "notification": "notifications",
    "time_spent": "time-spents",
    "comment": "comments",
    "preview_file": "preview-files",
    "news": "news",
    "playlist": "playlists",
}
#: Rows of a request.
_BATCH = 200
#: The other server's own business: when it took a row, what it counts, and whether it has the file.
_THEIRS = frozenset({"created_at", "updated_at"})
_THEIRS_OF = {
    "preview_file": frozenset(
        {"data", "status", "original_name", "extension", "file_size", "width", "height", "duration", "is_movie"}
    ),
    "person": frozenset({"full_name"}),
}
#: To the lists of these the other server adds, and takes nothing out of them.
_ADDED_TO = frozenset({"project", "metadata_descriptor"})
#: Sent with the comment or chat that they belong to, as files.
_WITH_FILES = frozenset({"attachment_file"})

Row = dict[str, Any]


@dataclass
class Pusher:
    """Sends rows to another server."""

    db: Database
    remote: Remote
    peer: Peer
    scope: Scope
    report: Report
    watcher: Watcher
    dry_run: bool = False
    #: By table: the ids here of rows that are there now, with their ids there.
    there: dict[str, dict[str, str]] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)
    #: By table: the rows that were sent.
    _sent: dict[str, list[Row]] = field(default_factory=dict)
    #: By table: the ids there of rows that have another one here.
    _ids: dict[str, dict[str, str]] = field(default_factory=dict)
    #: By entity type: the kind of its entities.
    _kinds: dict[str, str] = field(default_factory=dict)

    async def push(self) -> None:
        """Send all that differs, in the order of references; then lists of what came later, and how it is used."""
        for part in parts():
            self._ids[part.name] = await self._same_rows(part)
        self.watcher.begin("sending", len(parts()))
        for part in parts():
            if part.name not in _WITH_FILES:
                await self._push_part(part)
            self.watcher.advance("sending", 1)
        if not self.dry_run:
            for part in _listing_later():
                await self._send_again(part)
            await self._settle_projects()
        self.watcher.end("sending")

    async def _push_part(self, part: Part) -> None:
        ours = await self._ours(part)
        theirs = await self._theirs(part)
        known = self._ids[part.name]
        new, changed = [], []
        for row in ours:
            there = theirs.get(str(known.get(row["id"], row["id"])))
            if there is None:
                new.append(row)
            elif self._differs(part, self._translated(part, row), there):
                changed.append(row)
        counts = self.report.of(part.name)
        counts.there = len(theirs)
        if self.dry_run:
            counts.created, counts.changed = len(new), len(changed)
        elif part.name in _IMPORTED:
            await self._import(part, new, changed)
        else:
            await self._write(part, new, changed, theirs)
        self.there[part.name] = {
            row["id"]: str(known.get(row["id"], row["id"])) for row in ours if row["id"] not in self._refused
        }
        self._sent[part.name] = [*new, *changed]
        if part.name == "preview_file" and not self.dry_run:
            await self._show_previews({row["id"] for row in new})

    # Reading

    async def _ours(self, part: Part) -> list[Row]:
        scoped = bool(self.scope) and part.belongs
        params = {"project_ids": list(self.scope.project_ids)} if scoped else {}
        rows = [msgspec.json.decode(text) for text in await self.db.column(queries.rows_here(part, scoped), **params)]
        if part.name == "entity_type":
            self._kinds = {row["id"]: kind_of(row["name"]) for row in rows}
        for row in rows:
            for name, alias in ALIASES.get(part.name, {}).items():
                row[alias] = row[name]
        return rows

    async def _theirs(self, part: Part) -> dict[str, Row]:
        texts = await self.db.column(queries.staged_rows, peer_id=self.peer.id, table_name=part.name, run=self.peer.run)
        rows = (msgspec.json.decode(text) for text in texts)
        return {row["id"]: row for row in rows}

    async def _same_rows(self, part: Part) -> dict[str, str]:
        """The ids there of rows that are known there by another one: from before, or since they have the same name."""
        theirs = await self._theirs(part)
        stored = await self.db.rows(queries.other_ids, peer_id=self.peer.id, table_name=part.name)
        ids = {str(row["here"]): str(row["there"]) for row in stored if str(row["there"]) in theirs}
        if part.belongs:
            return ids
        ours = await self._ours(part)
        taken = set(ids.values())
        for key in part.keys:
            by_key = {_key(row, key.columns): row["id"] for row in theirs.values()}
            for row in ours:
                values = _key(self._translated(part, row), key.columns)
                there = by_key.get(values) if None not in values or queries.loose(part, key) else None
                if row["id"] not in theirs and row["id"] not in ids and there is not None and there not in taken:
                    ids[row["id"]] = there
                    taken.add(there)
        return ids

    def _translated(self, part: Part, row: Row) -> Row:
        """A row with the ids that the other server has for what it names."""
        ids = self._ids
        translated = dict(row)
        for column in part.columns:
            target = belonging.target_of(column)
            if target is not None and target.name in ids and isinstance(row.get(column.name), str):
                translated[column.name] = ids[target.name].get(row[column.name], row[column.name])
        for link in part.links:
            target = belonging.target_of(link.others[0])
            if target is not None and isinstance(row.get(link.key), list):
                known = ids.get(target.name, {})
                translated[link.key] = sorted(known.get(row_id, row_id) for row_id in row[link.key])
        return translated

    def _differs(self, part: Part, ours: Row, theirs: Row) -> bool:
        passed_over = _THEIRS | _THEIRS_OF.get(part.name, frozenset()) | {"id"}
        columns = {column.name for column in part.columns if column.name in theirs} - passed_over
        if part.name != "entity":
            columns -= part.late
        if part.name not in _IMPORTED:
            columns &= part.resource.writes.update
        if any(ours.get(name) != theirs[name] for name in columns):
            return True
        for link in part.links:
            if len(link.others) == 1 and link.key in theirs and link.key in ours and _sends(part, link.key):
                mine, known = set(ours[link.key]), {item[link.others[0].name] for item in theirs[link.key]}
                if mine - known if part.name in _ADDED_TO else mine != known:
                    return True
        return False

    # Sending

    async def _import(self, part: Part, new: Sequence[Row], changed: Sequence[Row]) -> None:
        """Send rows with their ids, a batch a request; a batch that is refused is sent row by row from there on."""
        counts = self.report.of(part.name)
        rows = [self._importable(part, row) for row in _parents_first(part, [*new, *changed])]
        fresh = {row["id"] for row in new}
        for start in range(0, len(rows), _BATCH):
            for row in await self._send(part, rows[start : start + _BATCH]):
                counts.created += row["id"] in fresh
                counts.changed += row["id"] not in fresh

    async def _send(self, part: Part, rows: list[Row]) -> list[Row]:
        path = f"/import/kitsu/{_IMPORTED[part.name]}"
        try:
            await self.remote.post(path, rows, silent="true")
        except Refusal as refusal:
            if len(rows) > 1 and refusal.status == 400:
                half = len(rows) // 2
                return [*await self._send(part, rows[:half]), *await self._send(part, rows[half:])]
            self.report.of(part.name).left_out += len(rows)
            self._refused |= {row["id"] for row in rows}
            self.report.problem(f"{part.title}: {rows[0]['id']}: {refusal}")
            return []
        return rows

    def _importable(self, part: Part, row: Row) -> Row:
        """A row as `/import/kitsu` takes it."""
        taken = {column.name for column in part.columns} | {link.key for link in part.links}
        # Without what it lists an entity would lose its casting; other lists of ids are not ours to send.
        taken |= {"entities_out", *ALIASES.get(part.name, {}).values()}
        sent = {name: value for name, value in self._translated(part, row).items() if name in taken}
        if part.name == "preview_file":
            sent.pop("original_name", None)  # it comes with the file, which a preview with a name is taken to have
        if part.name == "entity":
            sent["type"] = self._kinds.get(row["entity_type_id"], ASSET)  # without, it would become a shot
        else:
            for name in part.late:
                sent.pop(name, None)
        return sent

    async def _show_previews(self, preview_ids: set[str]) -> None:
        """Main previews of entities: the entities were there before their previews."""
        part = next(part for part in parts() if part.name == "entity")
        rows = [row for row in await self._ours(part) if row["preview_file_id"] in preview_ids]
        for start in range(0, len(rows), _BATCH):
            await self._send(part, [self._importable(part, row) for row in rows[start : start + _BATCH]])

    async def _send_again(self, part: Part) -> None:
        """Lists of rows that were not there yet, or had no id there, when their owner was sent."""
        rows = [row for row in self._sent[part.name] if row["id"] not in self._refused]
        if part.name in _IMPORTED:
            for start in range(0, len(rows), _BATCH):
                await self._send(part, [self._importable(part, row) for row in rows[start : start + _BATCH]])
            return
        for row in rows:
            sent = self._translated(part, row)
            lists = {link.key: sent[link.key] for link in part.links if _sends(part, link.key) and link.key in sent}
            if lists:
                path = f"{part.path}/{self._ids[part.name].get(row['id'], row['id'])}"
                await self._try(part, row, "PUT", path, lists)

    async def _settle_projects(self) -> None:
        part = next(part for part in parts() if part.name == "project")
        theirs = await self._theirs(part)
        for row in await self._ours(part):
            if row["id"] not in self._refused:
                await self._settle(part, row, theirs.get(row["id"], {}))

    async def _settle(self, part: Part, row: Row, there: Row) -> None:
        """How a production uses what it uses: roles in the team, priorities of task types."""
        path = f"/data/projects/{row['id']}"
        for link in part.links:
            if not link.details:
                continue
            other = link.others[0].name
            target = belonging.target_of(link.others[0])
            ids = self._ids.get(target.name, {}) if target is not None else {}
            known = {item[other]: item for item in there.get(link.key, [])}
            for ours in await self.db.rows(links.links_here(link), owner_id=UUID(row["id"])):
                other_id = ids.get(str(ours[other]), str(ours[other]))
                details = {name: ours[name] for name in link.details if ours[name] is not None}
                if all(known.get(other_id, {}).get(name) == value for name, value in details.items()):
                    continue
                if link.key == "team":
                    await self._try(part, row, "PUT", f"{path}/team/{other_id}", {"role": details["role"]})
                elif link.key == "task_types":
                    used = {"task_type_id": other_id, **details}
                    await self._try(part, row, "POST", f"{path}/settings/batch", {"task_types": [used]})
                elif "is_client_allowed" in details:
                    allowed = {"is_client_allowed": details["is_client_allowed"]}
                    await self._try(part, row, "PUT", f"{path}/settings/task-status/{other_id}", allowed)

    async def _write(self, part: Part, new: Sequence[Row], changed: Sequence[Row], theirs: Mapping[str, Row]) -> None:
        """Make and change rows one by one; what is made there has an id of its own.

        What is empty is left out, and so is what is the same: an expiration date, for one, gives a bot a new token.
        """
        counts = self.report.of(part.name)
        writes, known = part.resource.writes, self._ids[part.name]
        for row in new:
            sent = self._translated(part, row)
            body = {name: sent[name] for name in writes.create - _THEIRS if sent.get(name) is not None}
            if (answer := await self._try(part, row, "POST", part.path, body)) is not None:
                counts.created += 1
                known[row["id"]] = str(answer["id"])
                async with self.db.transaction() as tx:
                    await tx.execute(
                        queries.note_id,
                        peer_id=self.peer.id,
                        table_name=part.name,
                        here=UUID(row["id"]),
                        there=UUID(str(answer["id"])),
                    )
        for row in changed:
            sent = self._translated(part, row)
            there_id = str(known.get(row["id"], row["id"]))
            there = theirs[there_id]
            body = {
                name: sent[name]
                for name in writes.update - _THEIRS
                if name in sent and (name not in part.table.c or sent[name] != there.get(name))
            }
            path = f"{part.path}/{there_id}"
            counts.changed += await self._try(part, row, "PUT", path, body) is not None

    async def _try(self, part: Part, row: Row, method: str, path: str, body: Row) -> Any:
        try:
            return await (self.remote.post if method == "POST" else self.remote.put)(path, body)
        except Refusal as refusal:
            self.report.of(part.name).left_out += 1
            if method == "POST":
                self._refused.add(row["id"])
            self.report.problem(f"{part.title}: {row['id']}: {refusal}")
            return None


def _listing_later() -> list[Part]:
    """The parts whose rows list rows of later parts."""
    order = {part.name: number for number, part in enumerate(parts())}
    return [
        part
        for part in parts()
        if any(
            (target := belonging.target_of(link.others[0])) is not None
            and order.get(target.name, -1) > order[part.name]
            for link in part.links
        )
    ]


def _sends(part: Part, key: str) -> bool:
    """Whether a list of ids can be sent."""
    return part.name in _IMPORTED or key in part.resource.writes.update


def _key(row: Row, columns: Sequence[str]) -> tuple[Any, ...]:
    return tuple(value.lower() if isinstance(value := row.get(name), str) else value for name in columns)


def _parents_first(part: Part, rows: list[Row]) -> Iterator[Row]:
    """Rows after those of them that they name: the other server takes one after the other."""
    late = [name for name in part.late if belonging.target_of(part.table.c[name]) is part.table]
    waiting = {row["id"]: row for row in rows}
    while waiting:
        ready = [row for row in waiting.values() if not any(row.get(name) in waiting for name in late)]
        ready = ready or list(waiting.values())
        yield from ready
        for row in ready:
            del waiting[row["id"]]


async def push(
    db: Database, remote: Remote, scope: Scope, report: Report, watcher: Watcher, *, dry_run: bool, files: bool
) -> Peer:
    """Read what the other server has, and send what it lacks; the peer, whose run is finished."""
    peer = await peers.open_peer(db, peers.name_of("push", remote.url, scope.project_ids))
    await Staging(db, remote, peer, report, watcher, scope, optional=True).read_all()
    pusher = Pusher(db, remote, peer, scope, report, watcher, dry_run)
    await pusher.push()
    if files and not dry_run:
        await Sender(db, remote, peer, report, watcher, pusher.there).send()
    async with db.transaction() as tx:
        await peers.finish(tx, peer)
    return peer


async def productions_here(db: Database, names: Sequence[str]) -> Scope:
    """The scope of productions of this server with these names; an error names those that are not there."""
    if not names:
        return Scope()
    rows = await db.rows(_PRODUCTIONS, names=list(names))
    if missing := sorted(set(names) - {row["name"] for row in rows}):
        raise CannotRun(f"There is no production named {', '.join(missing)} here.")
    return Scope(tuple(row["id"] for row in rows))


_PRODUCTIONS = sql("SELECT id, name FROM project WHERE name = ANY(:names ::text[]) ORDER BY name")
