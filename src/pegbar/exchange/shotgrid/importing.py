"""The import of ShotGrid's records: one runner for every kind. Source: spec exchange, "Shotgun import".

All that the records name is looked up, and all that they change is written, in the same few statements however many
they are. The first one that is refused ends an import; those before it are kept. Which one the database refuses is
found by halves: what a half wrote goes again, and its halves are tried.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from pegbar.core.data.changes import Relation
from pegbar.core.data.database import Database, Transaction, with_defaults
from pegbar.core.data.faults import VALUE_ERRORS, refusal
from pegbar.core.data.schema import utc_now
from pegbar.core.data.values import accept
from pegbar.core.errors import ApiError, BadRequest, field_errors
from pegbar.entities.casting import readiness
from pegbar.entities.tables import entity_link
from pegbar.exchange.shotgrid.kind import Draft, Kind, Row, Rows, Skip
from pegbar.exchange.shotgrid.kinds import KINDS
from pegbar.exchange.shotgrid.linking import replace_links
from pegbar.exchange.shotgrid.records import Entry, Key, Target, TargetKey, read
from pegbar.exchange.shotgrid.report import Outcome, Report, What

#: One import at a time: two of the same records would both make what neither finds.
_HOLD = text("SELECT pg_advisory_xact_lock(hashtext('pegbar.shotgrid'))")

#: Records that are read and stored together: others get their turn in between.
_AT_ONCE = 500


class RecordRefused(BadRequest):
    """A record that cannot be imported: its place among those sent, its number and the key that is at fault."""


class _Undo(Exception):
    """Ends a transaction that was only tried."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report


async def import_records(
    db: Database,
    caller_id: UUID,
    kind: str,
    records: Sequence[Mapping[str, Any]],
    *,
    dry_run: bool = False,
    stop: bool = True,
    count_castings: bool = True,
) -> Report:
    """Import records of a kind (`KINDS`), in one transaction, and say what became of each.

    `dry_run`: all is done and nothing kept. `stop`: the first record that is refused ends the import and raises
    RecordRefused, after those before it are stored; without it refused ones are reported, and the others imported.
    `count_castings`: castings that change are counted and told of as elsewhere; the routes leave the counters alone, as
    the recordings have them.
    """

    async def work(tx: Transaction) -> Report:
        report = await take_records(tx, caller_id, kind, records, stop=stop, count_castings=count_castings)
        if dry_run:
            raise _Undo(report)
        return report

    try:
        report = await db.write(caller_id, work)
    except _Undo as tried:
        report = tried.report
    if stop and report.outcomes and report.outcomes[-1].what == "refused":
        raise _refused(len(report.outcomes) - 1, report.outcomes[-1])
    return report


def _refused(index: int, outcome: Outcome) -> RecordRefused:
    number = "" if outcome.shotgrid_id is None else f" (id {outcome.shotgrid_id})"
    about = f"{outcome.key}: " if outcome.key and not outcome.reason.startswith(outcome.key) else ""
    message = f"Record {index}{number}: {about}{outcome.reason}"
    place = f"{index}.{outcome.key}" if outcome.key else str(index)
    return RecordRefused(message, data=field_errors([(place, message)]))


async def take_records(
    tx: Transaction,
    caller_id: UUID,
    kind: str | Kind,
    records: Sequence[Mapping[str, Any]],
    *,
    stop: bool = True,
    count_castings: bool = True,
) -> Report:
    """The same in a transaction of the caller, which may hold more: records of other kinds, or a trial of them all."""
    await tx.row(_HOLD)
    declared = KINDS[kind] if isinstance(kind, str) else kind
    run = _Import(tx, caller_id, declared, stop)
    await run.take(records)
    if count_castings and run.recast:
        await readiness.refresh(tx, sorted(run.recast))
    return Report(declared.name, run.outcomes)


@dataclass
class _Taken:
    """What became of a record, and the row it is about."""

    entry: Entry
    what: What
    row: Row | None = None
    reason: str = ""
    key: str = ""

    def outcome(self) -> Outcome:
        return Outcome(self.entry.number, self.row.id if self.row else None, self.what, self.reason, self.key)


class _Import:
    """One import: the parts of it that are stored, and what became of their records."""

    def __init__(self, tx: Transaction, caller_id: UUID, kind: Kind, stop: bool) -> None:
        self.tx, self.caller_id, self.kind, self.stop = tx, caller_id, kind, stop
        self.taken: list[_Taken] = []
        self.claimed: dict[UUID, int | None] = {}  #: rows that records are about, by their id: the numbers of those
        self.recast: set[UUID] = set()  #: entities whose casting changed
        self.outcomes: list[Outcome] = []

    async def take(self, records: Sequence[Any]) -> None:
        """Take the records up to the first that is refused, or all but those that are."""
        for start in range(0, len(records), _AT_ONCE):
            if not await self._part(self._read(records[start : start + _AT_ONCE], start)):
                break
        if self.kind.finish is not None:
            done = [(taken.entry, taken.row.id) for taken in self.taken if taken.row is not None]
            self.recast |= set(await self.kind.finish(self.tx, done))
        self.outcomes = [taken.outcome() for taken in self.taken]

    def _read(self, records: Sequence[Any], start: int) -> list[Entry]:
        entries = []
        for index, record in enumerate(records, start):
            entry = read(self.kind.keys, index, record)
            entries.append(entry)
            if entry.refused and self.stop:
                break
            if not (entry.skipped or entry.refused):
                entry.skipped = self.kind.skips(entry)
        return entries

    async def _part(self, entries: Sequence[Entry]) -> bool:
        """Store records, those before the refused one if one is; whether to go on."""
        if not entries:
            return True
        part = _Part(self, entries)
        try:
            async with self.tx.attempt():
                await part.run()
        except (*VALUE_ERRORS, UnicodeEncodeError) as error:
            if len(entries) > 1:
                half = len(entries) // 2
                return await self._part(entries[:half]) and await self._part(entries[half:])
            message = (
                "A character cannot be stored." if isinstance(error, UnicodeEncodeError) else refusal(error).message
            )
            part.taken = [_Taken(entries[0], "refused", reason=message)]
            part.recast = set()
        self.taken += part.taken
        self.claimed |= {taken.row.id: taken.entry.number for taken in part.taken if taken.row is not None}
        self.recast |= part.recast
        return not (self.stop and part.taken[-1].what == "refused")


@dataclass
class _Wanted:
    """Rows of a target that records name, with the columns of those that are made when they are missing."""

    keys: dict[TargetKey, Mapping[str, Any] | None] = field(default_factory=dict)
    ids: dict[TargetKey, UUID] = field(default_factory=dict)


class _Part:
    """Records that are stored together."""

    def __init__(self, run: _Import, entries: Sequence[Entry]) -> None:
        self.tx, self.kind, self.stop, self.caller_id = run.tx, run.kind, run.stop, run.caller_id
        self.claimed = dict(run.claimed)
        self.entries = entries
        self.rows = Rows(run.kind.ways)
        self.wanted: dict[Target, _Wanted] = {}
        self.fresh: Mapping[str, Any] = {}
        self.facts: dict[Any, Any] = {}
        self.taken: list[_Taken] = []
        self.recast: set[UUID] = set()

    async def run(self) -> None:
        """Look up, take each record in its order, and write."""
        await self._resolve()
        drafts = [self._draft(entry) for entry in self.entries]
        await self._look_up([draft for draft in drafts if isinstance(draft, Draft)])
        for draft in drafts:
            self.taken.append(self._take(draft) if isinstance(draft, Draft) else draft)
            if self.taken[-1].what == "refused" and self.stop:
                break
        await self._write()

    # What records name

    async def _resolve(self) -> None:
        """Look up all that the records name, and make what is missing of what is made."""
        for entry in self.entries:
            if not (entry.skipped or entry.refused):
                self._want(entry)
        for target, wanted in self.wanted.items():
            parameters = list({target.parameter(key) for key in wanted.keys})
            for row in await self.tx.rows(target.lookup, keys=parameters):
                *key, row_id = row
                wanted.ids.setdefault(tuple(key) if len(key) > 1 else key[0], row_id)
            await self._make(target, wanted)

    def _want(self, entry: Entry) -> None:
        for key in self.kind.keys:
            if key.names is None or key.place not in entry.values:
                continue
            value = entry.values[key.place]
            wanted = self.wanted.setdefault(key.names, _Wanted())
            for target_key in value if key.many else [value]:
                if target_key is not None and target_key not in wanted.keys:
                    try:
                        wanted.keys[target_key] = self._made(key, target_key, entry)
                    except ApiError as error:
                        entry.refused, entry.refused_key = error.message, key.name

    @staticmethod
    def _made(key: Key, target_key: TargetKey, entry: Entry) -> Mapping[str, Any] | None:
        """The columns of what a record names, for when it is missing. Raises ApiError when there cannot be one."""
        assert key.names is not None
        table = key.names.makes
        if table is None or key.makes is None or target_key in key.names.refuses:
            return None
        columns = key.makes(target_key, entry.record)
        return {name: accept(table.c[name], value) for name, value in columns.items()}

    async def _make(self, target: Target, wanted: _Wanted) -> None:
        if target.makes is None:
            return
        new = {
            key: {"id": uuid4(), **columns}
            for key, columns in wanted.keys.items()
            if key not in wanted.ids and columns is not None
        }
        await self.tx.insert_many(target.makes, list(new.values()))
        for key, columns in new.items():
            wanted.ids[key] = columns["id"]
            if target.made is not None:
                self.tx.emit(target.made, **{target.made.keys[0]: columns["id"]})

    # One record

    def _draft(self, entry: Entry) -> Draft | _Taken:
        """What a record says, with ids in the place of what it names; or why it is not taken."""
        if entry.refused:
            return _Taken(entry, "refused", reason=entry.refused, key=entry.refused_key)
        if entry.skipped:
            return _Taken(entry, "skipped", reason=entry.skipped)
        values: dict[str, Any] = {}
        try:
            for key in self.kind.keys:
                if key.place in entry.values:
                    value = entry.values[key.place]
                    if key.names is None:
                        values[key.place] = value
                    else:
                        self._name(key, value, values)
            columns = {
                key.fills.name: values[key.place]
                for key in self.kind.keys
                if key.fills is not None and not isinstance(key.fills, Relation) and key.place in values
            }
            derived = self.kind.derive(values, entry.record)
            columns |= {name: accept(self.kind.table.c[name], value) for name, value in derived.items()}
        except Skip as skip:
            return _Taken(entry, "skipped", reason=str(skip))
        except ApiError as error:
            return _Taken(entry, "refused", reason=error.message)
        return Draft(entry, values, columns, None, 0, self.rows, self.facts)

    def _name(self, key: Key, value: Any, values: dict[str, Any]) -> None:
        """Put ids in the place of what a key names."""
        assert key.names is not None
        ids = self.wanted[key.names].ids if key.names in self.wanted else {}
        if key.many:
            unknown = [target_key for target_key in value if target_key not in ids]
            if unknown and key.unknown == "skip":
                raise Skip(f"{key.name}: {key.names.describe(unknown[0])} is not known.")
            values[key.place] = list(dict.fromkeys(ids[target_key] for target_key in value if target_key in ids))
        elif value in ids:
            values[key.place] = ids[value]
        elif key.unknown == "skip":
            known = "names nothing" if value is None else f"{key.names.describe(value)} is not known"
            raise Skip(f"{key.name}: {known}.")
        elif key.unknown == "drop":
            values[key.place] = None

    async def _look_up(self, drafts: Sequence[Draft]) -> None:
        """The rows that the records are about, and what there must be known besides."""
        kind = self.kind
        if not drafts:
            return
        params: dict[str, Any] = {"keys": [draft.entry.number for draft in drafts if draft.entry.number is not None]}
        if kind.beside is not None:
            beside = {kind.beside_values(draft.columns) for draft in drafts}
            params["beside"] = list(beside - {None})
        for record in await self.tx.rows(kind.known, **params):
            self.rows.add(kind.row_of(dict(record)))
        # One that is found otherwise may be new when its turn comes: another has taken the row by then.
        if all(self.rows.find(0, draft.columns) for draft in drafts):
            return
        if kind.fresh is not None:
            self.fresh = await kind.fresh(self.tx, self.caller_id)
        if kind.facts is not None:
            self.facts |= await kind.facts(self.tx, [draft.columns for draft in drafts])

    def _find(self, columns: Mapping[str, Any]) -> tuple[Row | None, int]:
        """The row that a record is about, and the way in which it was found."""
        for way in range(len(self.kind.found_by)):
            row = self.rows.find(way, columns)
            if row is not None:
                return row, way
        return None, 0

    def _take(self, draft: Draft) -> _Taken:
        """Take a record: make a row, or change the one there is."""
        entry, kind = draft.entry, self.kind
        row, way = self._find(draft.columns)
        draft.row, draft.way = row, way
        if row is not None and way and self.claimed.get(row.id, entry.number) != entry.number:
            reason = f"It is the same {kind.one} as that of the id {self.claimed[row.id]}."
            return _Taken(entry, "skipped", reason=reason)
        if kind.twin is not None:
            draft.twin = self.rows.find(len(kind.found_by), {**(row.columns if row else {}), **draft.columns})
        try:
            kind.settle(draft)
        except Skip as skip:
            return _Taken(entry, "skipped", reason=str(skip))
        except ApiError as error:
            return _Taken(entry, "refused", reason=error.message)
        what: What = "created"
        if row is None:
            said = {name: value for name, value in draft.columns.items() if value is not None or name not in self.fresh}
            row = kind.row_of(with_defaults(kind.table, {**self.fresh, **said}), new=True)
            self.rows.add(row)
        else:
            changes = self.rows.change(row, draft.columns)
            row.changes |= changes
            what = "changed" if changes else "unchanged"
        self.claimed[row.id] = entry.number
        for key in kind.keys:
            if key.relation is not None and key.place in draft.values:
                value = draft.values[key.place]
                row.links[key.relation] = value if key.many else [value]
        return _Taken(entry, what, row)

    # Writing

    async def _write(self) -> None:
        rows = list({id(taken.row): taken.row for taken in self.taken if taken.row is not None}.values())
        if self.kind.store is not None:
            await self.kind.store(self.tx, rows)
        else:
            await _store_new(self.tx, self.kind, [row.columns for row in rows if row.new])
            await _store_changes(self.tx, self.kind, rows)
        if self.kind.stored is not None:
            await self.kind.stored(self.tx, rows)
        for relation in self.kind.relations:
            wanted = {row.id: row.links[relation] for row in rows if relation in row.links}
            new = {row.id for row in rows if row.new}
            changed = await replace_links(self.tx, relation, wanted, new)
            if relation.link is entity_link:
                self.recast |= changed
            self._mark(changed)

    def _mark(self, changed: Iterable[UUID]) -> None:
        """The last record about each of these rows changed it."""
        waiting = set(changed)
        for taken in reversed(self.taken):
            if taken.row is not None and taken.row.id in waiting:
                waiting.remove(taken.row.id)
                taken.what = "changed" if taken.what == "unchanged" else taken.what


async def _store_new(tx: Transaction, kind: Kind, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows in one statement; what only some records say is null in the others."""
    names = dict.fromkeys(name for row in rows for name in row)
    await tx.insert_many(kind.table, [{name: row.get(name) for name in names} for row in rows])


async def _store_changes(tx: Transaction, kind: Kind, rows: Iterable[Row]) -> None:
    """Write what changed of known rows, a statement for each set of columns."""
    by_columns: dict[frozenset[str], list[dict[str, Any]]] = {}
    for row in rows:
        if row.changes and not row.new:
            change = {"id": row.id, **dict(sorted(row.changes.items())), "updated_at": utc_now()}
            by_columns.setdefault(frozenset(row.changes), []).append(change)
    for changes in by_columns.values():
        await tx.update_many(kind.table, changes)


__all__ = ["KINDS", "Outcome", "RecordRefused", "Report", "import_records", "take_records"]
