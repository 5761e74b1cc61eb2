"""Taking changes back, all or nothing, with the events of what changes by it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlalchemy import Table

from pegbar.core.data import resource
from pegbar.core.data.causes import part_of
from pegbar.core.data.changes import Change, Verb
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.faults import refusal
from pegbar.core.data.history import key_of, recorded, subject_of
from pegbar.core.data.removal import remove, undeclared
from pegbar.core.data.resource import Resource
from pegbar.core.data.schema import metadata
from pegbar.core.errors import ApiError, BadRequest, Forbidden, NotFound
from pegbar.core.http.access import Caller
from pegbar.entities import events as entity_events
from pegbar.entities.kinds import kind_of_type
from pegbar.entities.tables import entity
from pegbar.open.trash import actions as trash
from pegbar.open.undo import queries
from pegbar.open.undo.plan import Entry, Obstacle, Plan, Row, plan

#: Rows changed that one undo takes back at most.
MOST = 50_000
#: Obstacles that an answer lists at most.
_LISTED = 200
#: Accounts change by their own routes, which end sessions and keep the last studio manager.
_NOT_UNDONE = frozenset({"person", "department_link"})


class CannotUndo(ApiError):
    """Others have written over the changes since; `conflicts` says where, who and when."""

    status = 409

    def __init__(self, conflicts: Sequence[Mapping[str, Any]]) -> None:
        more = len(conflicts) - _LISTED
        shown = list(conflicts[:_LISTED])
        super().__init__("Others have changed the same since. Nothing was undone.", conflicts=shown, more=max(more, 0))


class Rehearsed(Exception):
    """A dry run came to its end; it is rolled back."""

    def __init__(self, outcome: "Outcome") -> None:
        self.outcome = outcome


class Outcome(msgspec.Struct):
    """What was taken back: the changes, the one that did it, and how many rows of each table."""

    undone: list[int]
    change_id: int | None
    created: dict[str, int]
    updated: dict[str, int]
    deleted: dict[str, int]
    dry_run: bool


@dataclass
class _Work:
    """Changes that are being taken back."""

    tx: Transaction
    caller: Caller
    change_ids: list[int]
    made: Plan = field(default_factory=Plan)
    since: list[asyncpg.Record] = field(default_factory=list)


async def undo(db: Database, caller: Caller, which: str, value: int | UUID | str, *, dry_run: bool) -> Outcome:
    """Take back what a change, request, batch or import changed.

    Raises NotFound, Forbidden, BadRequest for too much at once, and CannotUndo.
    """

    async def work(tx: Transaction) -> Outcome:
        outcome = await _undo(tx, caller, which, value, dry_run=dry_run)
        if dry_run:
            raise Rehearsed(outcome)
        return outcome

    with part_of("undo", str(value)):
        try:
            return await db.write(caller.id, work)
        except Rehearsed as rehearsed:
            return rehearsed.outcome


async def _undo(tx: Transaction, caller: Caller, which: str, value: int | UUID | str, *, dry_run: bool) -> Outcome:
    change_ids = await tx.column(queries.CHANGES[which], **{which: value})
    await _check_extent(tx, caller, change_ids)
    work = _Work(tx, caller, change_ids)
    work.since = await tx.rows(queries.SINCE, change_ids=change_ids)
    entries = [
        Entry((row["table_name"], row["identity"]), row["op"], row["old"], row["new"])
        for row in await tx.rows(queries.ENTRIES, change_ids=change_ids)
    ]
    changed_since: dict[Row, list[str]] = {}
    for later in work.since:
        changed_since.setdefault((later["table_name"], later["identity"]), []).extend(later["fields"])
    work.made = plan(entries, await _current(tx, {entry.row for entry in entries}), changed_since)
    _refuse(work, work.made.obstacles)
    await _write(work)
    await trash.complete(tx, caller, change_ids)
    return Outcome(
        undone=change_ids,
        change_id=await tx.value(queries.NOW),
        created=_counts(work.made.inserts),
        updated=_counts(work.made.updates),
        deleted=_counts(work.made.deletes),
        dry_run=dry_run,
    )


def _counts(rows: Iterable[Row]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for table_name, _ in rows:
        counts[table_name] = counts.get(table_name, 0) + 1
    return counts


async def _check_extent(tx: Transaction, caller: Caller, change_ids: Sequence[int]) -> None:
    """Whether there is something to take back, and the caller may: managers of every production that it is about."""
    extent = await tx.row(queries.EXTENT, change_ids=change_ids)
    assert extent is not None
    if not extent["amount"]:
        raise NotFound("No such change is known.")
    if not caller.is_admin:
        managed = set(await tx.column(queries.MANAGED))
        if not set(extent["project_ids"]) <= managed:
            raise Forbidden("Access needs: manager of every production that was changed.")
    if kept := _NOT_UNDONE & set(extent["tables"]):
        raise BadRequest(f"Accounts were changed ({', '.join(sorted(kept))}): these are not undone here.")
    if extent["amount"] > MOST:
        raise BadRequest(f"{extent['amount']} rows were changed: at most {MOST} are undone at once.")


def _table(name: str) -> Table:
    return metadata.tables[name]


def _key(row: Row) -> Mapping[str, Any]:
    table_name, identity = row
    key: dict[str, Any] = msgspec.json.decode(identity) if key_of(_table(table_name)) else {"id": identity}
    return key


def _by_table(rows: Iterable[Row]) -> dict[Table, list[Row]]:
    grouped: dict[Table, list[Row]] = {}
    for row in sorted(rows):
        grouped.setdefault(_table(row[0]), []).append(row)
    return grouped


async def _current(tx: Transaction, rows: Iterable[Row]) -> dict[Row, Mapping[str, Any]]:
    """The rows that are there, locked in one order."""
    known: dict[Row, Mapping[str, Any]] = {}
    for table, some in _by_table(rows).items():
        found = await tx.rows(queries.current(table), keys=[_key(row) for row in some])
        known |= {(table.fullname, row["identity"]): row["row"] for row in found}
    return known


def _refuse(work: _Work, obstacles: Sequence[Obstacle]) -> None:
    """Raises CannotUndo when something stands in the way, with who did it last, and when."""
    if not obstacles:
        return
    conflicts = []
    for obstacle in obstacles:
        table_name, _ = obstacle.row
        column = obstacle.field.partition(".")[0] if obstacle.field else None
        by = next(
            (
                later
                for later in work.since
                if (later["table_name"], later["identity"]) == obstacle.row
                and (column is None or column in later["fields"])
            ),
            None,
        )
        conflicts.append(
            {
                "table": table_name,
                "key": _key(obstacle.row),
                "field": obstacle.field,
                "reason": obstacle.reason,
                "person_id": by["person_id"] if by else None,
                "at": f"{by['at']:%Y-%m-%dT%H:%M:%S.%f}" if by else None,
            }
        )
    raise CannotUndo(conflicts)


async def _write(work: _Work) -> None:
    """Write the plan, and tell of it. Raises CannotUndo for what the database refuses and for what would go besides."""
    tx, made = work.tx, work.made
    telling = await _tellings(work, made.deletes, "delete")
    try:
        try:
            async with tx.attempt():
                await _write_back(tx, made)
                await _delete(tx, made)
        except asyncpg.UniqueViolationError:
            # What comes back is named as something that goes.
            await _delete(tx, made)
            await _write_back(tx, made)
    except asyncpg.IntegrityConstraintViolationError as error:
        said = refusal(error)
        conflict = {"table": error.table_name, "key": None, "field": None, "reason": said.message}
        raise CannotUndo([{**conflict, "person_id": None, "at": None}]) from None
    whole = [table.fullname for table in metadata.tables.values() if recorded(table) == "all"]
    gone = {(row["table_name"], row["identity"]) for row in await tx.rows(queries.DELETED_NOW, tables=whole)}
    unforeseen = gone - set(made.deletes)
    _refuse(work, [Obstacle(row, "it was made since, and would go too") for row in sorted(unforeseen)])
    telling += await _tellings(work, made.inserts, "new")
    telling += await _tellings(work, made.updates, "update")
    for known, change, verb in telling:
        await _tell(known, change, verb)


async def _write_back(tx: Transaction, made: Plan) -> None:
    grouped: dict[tuple[Table, tuple[str, ...]], list[Mapping[str, Any]]] = {}
    for row, values in made.updates.items():
        grouped.setdefault((_table(row[0]), tuple(sorted(values))), []).append({**_key(row), **values})
    rows = {table: [made.inserts[row] for row in some] for table, some in _by_table(made.inserts).items()}
    if grouped or rows:
        documents = {f"u{number}": some for number, some in enumerate(grouped.values())}
        documents |= {f"i{number}": some for number, some in enumerate(rows.values())}
        await tx.rows(queries.writing(tuple(grouped), tuple(rows)), **documents)


async def _delete(tx: Transaction, made: Plan) -> None:
    """Delete what the changes made, links first, and with each row what only follows from it."""
    by_table = _by_table(made.deletes)
    for table in sorted(by_table, key=lambda table: "id" in table.c and not key_of(table)):
        keys = [_key(row) for row in by_table[table]]
        if not key_of(table) and not undeclared(table):
            there = await tx.rows(queries.current(table), keys=keys)
            await remove(tx, table, [UUID(row["identity"]) for row in there])
        else:
            await tx.execute(queries.deleting(table), keys=keys)


_Telling = tuple[Resource, Change, Verb]


async def _tellings(work: _Work, rows: Iterable[Row], verb: Verb) -> list[_Telling]:
    """The events of rows: of a link, that what it belongs to changed."""
    subjects: dict[tuple[Table, UUID], Verb] = {}
    for table, some in _by_table(rows).items():
        for row in some:
            if not key_of(table):
                subjects[table, UUID(row[1])] = verb
                continue
            of = next(iter(table.c[subject_of(table)].foreign_keys), None)
            if of is not None:
                subjects.setdefault((of.column.table, UUID(_key(row)[subject_of(table)])), "update")
    by_table = {item.table: item for item in resource.declared}
    tellings = []
    for (table, row_id), event in subjects.items():
        known = by_table.get(table)
        if known is None or recorded(table) != "all":
            continue
        before = await work.tx.row(table.select().where(table.c.id == row_id))
        if before is None:
            continue
        change = Change(work.tx, work.caller, {}, before=before, row_id=row_id)
        if known.emit is None:
            change.project_id = await known.project_of(change)
        tellings.append((known, change, event))
    return tellings


async def _tell(known: Resource, change: Change, verb: Verb) -> None:
    if known.table is entity and verb == "update":
        kind = await kind_of_type(change.tx, change.after("entity_type_id"))
        entity_events.emit(change.tx, entity_events.UPDATE, kind, change.after("project_id"), change.row(entity))
    else:
        await known.tell(change, verb)
