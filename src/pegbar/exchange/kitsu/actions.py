"""Rows of another Kitsu server are stored under their own ids. Source: spec exchange, "Kitsu-to-Kitsu import".

Rows are taken in order, a batch a transaction, a few statements a batch. When a batch is refused it is halved until the
row is found that is at fault: those before it are kept, as if each had been committed alone, and the answer names it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from pegbar.core.data.changes import related_ids
from pegbar.core.data.database import JSON_NULL, Database, Json, Transaction
from pegbar.core.data.faults import VALUE_ERRORS, answer_to
from pegbar.core.data.schema import default_of, utc_now
from pegbar.core.data.values import accept
from pegbar.core.errors import ApiError, BadRequest, NotFound, Refused
from pegbar.core.http.access import Caller
from pegbar.exchange.kitsu import queries
from pegbar.exchange.kitsu.imports import Import, Links, Row

_MOST_AT_ONCE = 500
#: Without them a row is as old as its import.
_DATES = ("created_at", "updated_at")
#: What readers of JSON columns rely on.
_JSON = {"data": (dict, "an object"), "replies": (list, "a list"), "checklist": (list, "a list")}


class RowRefused(ApiError):
    """A row that cannot be imported: where it stands in the request, from 0. The rows before it are stored."""

    status = 400

    def __init__(self, index: int, row_id: object, reason: ApiError) -> None:
        shown = row_id if isinstance(row_id, str | UUID) else "no id"
        message = f"Row {index} ({str(shown)[:60]}): {reason.message}"
        super().__init__(message, status=reason.status, index=index, imported_rows=index)


async def import_rows(db: Database, caller: Caller, imported: Import, documents: Any, *, silent: bool) -> Json:
    """Create and change rows from their JSON, in order; all of them as they are then.

    Raises BadRequest for what is no list, RowRefused for the first row that is refused.
    """
    if not isinstance(documents, list):
        raise BadRequest("The body must be a list of rows.")
    keys: list[tuple[UUID, ...]] = []
    for rows, unreadable in _batches(imported, documents):
        refused = None
        if rows:
            refused = await db.write(caller.id, partial(_import_batch, imported=imported, rows=rows, silent=silent))
        if (refusal := refused or unreadable) is not None:
            raise refusal
        keys += [row.key for row in rows]
    return await db.json(queries.answer(imported), **_by_column(imported, keys)) if keys else Json(b"[]")


def _by_column(imported: Import, keys: Sequence[tuple[UUID, ...]]) -> dict[str, list[UUID]]:
    return {f"{name}s": [key[place] for key in keys] for place, name in enumerate(imported.key)}


# Reading


def _batches(imported: Import, documents: list[Any]) -> Iterator[tuple[list[Row], RowRefused | None]]:
    """The rows in batches that name none twice; the last comes with the refusal of the row that cannot be read."""
    rows: dict[tuple[UUID, ...], Row] = {}
    for index, document in enumerate(documents):
        try:
            row = _read(imported, index, document)
        except ApiError as error:
            row_id = document.get("id") if isinstance(document, dict) else None
            yield list(rows.values()), RowRefused(index, row_id, error)
            return
        if row.key in rows or len(rows) == _MOST_AT_ONCE:
            yield list(rows.values()), None
            rows = {}
        rows[row.key] = row
    yield list(rows.values()), None


def _read(imported: Import, index: int, document: Any) -> Row:
    """A row of the request. Raises ApiError naming the key."""
    if not isinstance(document, dict):
        raise BadRequest("A row must be an object.")
    for name in ("id", *imported.key):
        if document.get(name) is None:
            raise Refused(f"{name} is required.", field=name)
    columns = imported.columns(document)
    taken = {
        column.name: accept(column, columns[column.name])
        for column in imported.table.columns
        if column.name in columns and not (column.name in _DATES and columns[column.name] is None)
    }
    for name, (kind, words) in _JSON.items():
        if taken.get(name) not in (None, JSON_NULL) and not isinstance(taken[name], kind):
            raise Refused(f"{name} must be {words}.", field=name)
    return Row(
        index=index,
        document=document,
        key=tuple(taken[name] for name in imported.key),
        values=taken,
        into_data=imported.into_data(document),
        links={key: _linked(links, document) for links in imported.links if (key := links.relation.key) in document},
    )


def _linked(links: Links, document: dict[str, Any]) -> list[UUID]:
    """The ids that a key lists, or the ids of the objects that it lists."""
    key = links.relation.key
    if not links.lenient or not isinstance(document[key], list):
        return related_ids(key, document[key])
    ids = []
    for item in document[key]:
        try:
            ids += related_ids(key, [item])
        except ApiError:
            continue
    return list(dict.fromkeys(ids))


# Writing


async def _import_batch(tx: Transaction, *, imported: Import, rows: Sequence[Row], silent: bool) -> RowRefused | None:
    await tx.row(queries.TURN, name=f"import {imported.name}")
    return await _store_up_to_refusal(tx, imported, rows, silent=silent)


async def _store_up_to_refusal(
    tx: Transaction, imported: Import, rows: Sequence[Row], *, silent: bool
) -> RowRefused | None:
    """Store rows up to the first that is refused; its refusal."""
    try:
        async with tx.attempt():
            await _store(tx, imported, rows, silent=silent)
        return None
    except (ApiError, *VALUE_ERRORS) as error:
        if len(rows) == 1:
            reason = answer_to(error)
            assert reason is not None
            return RowRefused(rows[0].index, rows[0].id, reason)
    half = len(rows) // 2
    refused = await _store_up_to_refusal(tx, imported, rows[:half], silent=silent)
    return refused or await _store_up_to_refusal(tx, imported, rows[half:], silent=silent)


async def _store(tx: Transaction, imported: Import, rows: Sequence[Row], *, silent: bool) -> None:
    """Store rows of different keys, all or none."""
    # Halves of a refused batch come again: what was settled for the whole is not theirs.
    rows = [replace(row, values=dict(row.values)) for row in rows]
    keys = _by_column(imported, [row.key for row in rows])
    stored = {row["n"] - 1: row for row in await tx.rows(queries.stored(imported), **keys)}
    await imported.settle(tx, rows)
    for place, row in enumerate(rows):
        if row.into_data:
            row.values["data"] = {**_data_of(row, stored.get(place)), **row.into_data}
    now = utc_now()
    new = [_complete(imported, row) for place, row in enumerate(rows) if place not in stored]
    changed = [{"updated_at": now, **rows[place].values} for place in stored]
    if imported.touched:
        for columns in (*new, *changed):
            columns["updated_at"] = now
    await tx.insert_many(imported.table, new)
    await _change(tx, imported, changed)
    for links in imported.links:
        await _link(tx, links, [row for row in rows if links.relation.key in row.links])
    await _tell(tx, imported, rows, set(stored), silent=silent)


def _data_of(row: Row, stored: Any) -> dict[str, Any]:
    """What a row's `data` holds before something is added: as sent, else as stored."""
    data = row.values["data"] if "data" in row.values else stored and stored["data"]
    return data if isinstance(data, dict) else {}


def _complete(imported: Import, row: Row) -> dict[str, Any]:
    """All columns of a new row. Raises Refused naming one that must be given."""
    complete: dict[str, Any] = {}
    for column in imported.table.columns:
        complete[column.name] = row.values[column.name] if column.name in row.values else default_of(column)
        if complete[column.name] is None and not column.nullable:
            raise Refused(f"{column.name} is required.", field=column.name)
    return complete


async def _change(tx: Transaction, imported: Import, changes: Sequence[dict[str, Any]]) -> None:
    """Change rows, those with the same columns in one statement."""
    by_columns: dict[frozenset[str], list[dict[str, Any]]] = {}
    for change in changes:
        by_columns.setdefault(frozenset(change), []).append(change)
    for same in by_columns.values():
        await tx.update_many(imported.table, same, by=imported.key)


async def _link(tx: Transaction, links: Links, rows: Sequence[Row]) -> None:
    """Link rows to what is known of the ids that they list."""
    relation = links.relation
    listed = [(row.id, other_id) for row in rows for other_id in row.links[relation.key]]
    known = await queries.known(tx, links.target, {other_id for _, other_id in listed})
    pairs = [pair for pair in listed if pair[1] in known]
    ends = {"from_ids": [pair[0] for pair in pairs], "to_ids": [pair[1] for pair in pairs]}
    if rows and not links.adds:
        remove = queries.disown if links.owned else queries.unlink
        await tx.execute(remove(relation), owner_ids=[row.id for row in rows], **ends)
    if links.owned and pairs:
        await tx.execute(queries.own(relation), **ends)
    elif pairs:
        owner, other = relation.owner.name, relation.other.name
        new = [{owner: row_id, other: other_id} for row_id, other_id in pairs]
        await tx.insert_many(relation.link, new, skip_existing=True)


async def _tell(
    tx: Transaction, imported: Import, rows: Sequence[Row], known_places: set[int], *, silent: bool
) -> None:
    """Emit the events of stored rows, in their order. Raises NotFound for one that must be of a production."""
    if silent and imported.anchor is None:
        return
    facts = await tx.rows(queries.told(imported), **_by_column(imported, [row.key for row in rows]))
    for place, (row, fact) in enumerate(zip(rows, facts, strict=True)):
        if imported.anchor is not None and fact["project_id"] is None:
            raise NotFound(f"{imported.anchor} names a row that does not exist.", field=imported.anchor)
        if silent:
            continue
        event = imported.event("update" if place in known_places else "new", fact["kind"])
        payload = {event.keys[0]: row.id, **{name: fact[f"told_{name}"] for name in imported.told}}
        tx.emit(event, **{"project_id": fact["project_id"], "to": fact["told_to"], **payload})
