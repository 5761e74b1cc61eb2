"""What changed, by row and by production; rows and boards as they were."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from pegbar.core.data.database import Database, Json, Reader
from pegbar.core.errors import ApiError, BadRequest, NotFound
from pegbar.core.http.access import Caller, Rule, in_query, staff_of, supervisor_of
from pegbar.core.http.routing import get
from pegbar.entities.kinds import KINDS, SPECIAL
from pegbar.open.history import images, queries
from pegbar.open.history.things import Thing, by_table, of_row, thing_of, things

_MOST = 1000
_TAG = "Open: history"


class Span(msgspec.Struct, kw_only=True):
    """Which part of a history: of one field, by one person, from a moment on, until another; and which page."""

    field: str | UnsetType = UNSET
    person_id: UUID | UnsetType = UNSET
    since: str | UnsetType = msgspec.field(default=UNSET, name="from")
    until: str | UnsetType = msgspec.field(default=UNSET, name="to")
    cursor: str | UnsetType = UNSET
    limit: int = 100


class Whole(Span, kw_only=True):
    """Which changes of a production: of one table of rows, of one change or request."""

    project_id: UUID | UnsetType = UNSET
    thing: str | UnsetType = UNSET
    change_id: int | UnsetType = UNSET
    request_id: UUID | UnsetType = UNSET


class Board(msgspec.Struct, kw_only=True):
    """Which board, and when."""

    at: str | UnsetType = UNSET
    kind: str = "shots"


class Unknown(ApiError):
    """What was then is not known any more."""

    status = 410


_TEXT: dict[str, Any] = {"type": ["string", "null"]}
_CHANGE = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "at": {"type": "string"},
        "table": {"type": "string"},
        "row_id": {"type": "string"},
        "key": {"type": ["object", "null"]},
        "project_id": _TEXT,
        "action": {"type": "string", "enum": ["created", "updated", "deleted"]},
        "old": {"type": ["object", "null"]},
        "new": {"type": ["object", "null"]},
        "change_id": {"type": "integer"},
        "person_id": _TEXT,
        "origin": {"type": "string"},
        "method": _TEXT,
        "route": _TEXT,
        "request_id": _TEXT,
        "parts": {"type": ["object", "null"]},
    },
}
_PAGE = {
    "type": "object",
    "properties": {"data": {"type": "array", "items": _CHANGE}, "cursor": _TEXT},
    "required": ["data", "cursor"],
}


def _moment(name: str, text: str) -> datetime:
    """A moment; without an offset it is UTC, as all times of the API. Raises BadRequest."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(f"{name}: a moment is written as 2026-05-04T09:30:00, UTC unless it says otherwise.") from None


def _filters(span: Span) -> dict[str, Any]:
    """What a page is narrowed by. Raises BadRequest."""
    if not 0 < span.limit <= _MOST:
        raise BadRequest(f"limit must be between 1 and {_MOST}.")
    asked: dict[str, Any] = {
        "person_id": span.person_id,
        "since": span.since if isinstance(span.since, UnsetType) else _moment("from", span.since),
        "until": span.until if isinstance(span.until, UnsetType) else _moment("to", span.until),
    }
    if not isinstance(span.cursor, UnsetType):
        if not span.cursor.isascii() or not span.cursor.isdigit() or len(span.cursor) > 18:
            raise BadRequest("cursor: this is not one of a history.")
        asked["before"] = int(span.cursor)
    return {name: value for name, value in asked.items() if value is not UNSET}


async def _page(
    db: Reader,
    span: Span,
    tables: Sequence[str],
    columns: dict[str, list[str] | None],
    fields: list[str] | None,
    *,
    everywhere: bool,
    **filters: Any,
) -> Json:
    filters |= _filters(span)
    rows = await db.rows(
        queries.page(frozenset(filters), everywhere=everywhere),
        tables=list(tables),
        columns=columns,
        fields=fields,
        only_changes=span.field is not UNSET,
        most=span.limit + 1,
        **filters,
    )
    shown = rows[: span.limit]
    cursor = f'"{shown[-1]["id"]}"' if len(rows) > span.limit else "null"
    return Json(f'{{"data":[{",".join(row["row"] for row in shown)}],"cursor":{cursor}}}'.encode())


def _of_field(thing: Thing, caller: Caller, name: str) -> tuple[list[str], list[str]]:
    """The tables and the columns that tell of a field. Raises BadRequest."""
    relation = thing.resource.by_key.get(name)
    if relation is not None and relation.link.fullname in thing.links(caller):
        return [relation.link.fullname], []
    if name not in thing.columns(caller):
        known = ", ".join([*thing.columns(caller), *thing.resource.by_key])
        raise BadRequest(f"field: {thing.name} have no {name[:80]!r}. They have {known}.")
    return [thing.table.fullname], [name]


@get("/open/v1/history/{thing:str}/{instance_id:uuid}", access=of_row, returns=_PAGE, errors=(400, 404), tag=_TAG)
async def history_of_row(thing: str, instance_id: UUID, query: Span, db: Database, caller: Caller) -> Json:
    """What changed of a row, newest first: `{"data": [change], "cursor": str | null}`.

    A change is `{id, at, table, row_id, key, project_id, action, old, new, change_id, person_id, origin, method, route,
    request_id, parts}`. `old` and `new` hold the columns that an update changed, and `old` a deleted row; links that
    belong to the row (assignees, casting, team) are changes of their own table, told by `key`. Keys that the caller
    does not read of the row are not told either. Go on with `cursor`, which is null on the last page.

    `thing` is the name of the paths: tasks, shots, assets, projects, playlists…
    400 for a field or cursor that is none, 404 for a thing or row that never was. Source: issue "open platform", 5.
    """
    known = thing_of(thing)
    tables, columns = [known.table.fullname, *known.links(caller)], known.columns(caller)
    if not isinstance(query.field, UnsetType):
        tables, columns = _of_field(known, caller, query.field)
    return await _page(
        db,
        query,
        tables,
        {known.table.fullname: columns},
        await queries.visible_fields(db, caller),
        everywhere=caller.is_admin,
        row_id=instance_id,
    )


@get(
    "/open/v1/history/{thing:str}/{instance_id:uuid}/at/{moment:str}",
    access=of_row,
    returns={"type": "object"},
    errors=(400, 404, 410),
    tag=_TAG,
)
async def row_at(thing: str, instance_id: UUID, moment: str, db: Database, caller: Caller) -> Json:
    """A row as it was at a moment: the columns that the caller reads, and what the studio's people linked it to.

    400 for a moment that is none, 404 when the row was not there then, 410 for a moment before all that is known.
    """
    known, at = thing_of(thing), _moment("at", moment)
    await _check_known(db, at)
    row = await db.value(
        images.one(known.table),
        row_id=instance_id,
        at=at,
        columns=known.columns(caller),
        fields=await queries.visible_fields(db, caller),
    )
    if row is None:
        raise NotFound(f"There was no such row among {thing} then.")
    links = known.links(caller)
    for relation in known.resource.relations:
        if relation.link.fullname in links and relation.among is None:
            ids = await db.value(
                images.related(relation.link, relation.owner.name, relation.other.name), row_id=instance_id, at=at
            )
            row = f'{row[:-1]}, "{relation.key}": {ids}}}'
    return Json(row.encode())


async def _check_known(db: Reader, at: datetime) -> None:
    start = await db.value(queries.START)
    if start is not None and at < start:
        raise Unknown(f"What was before {start:%Y-%m-%dT%H:%M:%S} is not known.")


_WHOLE: Rule = supervisor_of(in_query("project", "project_id")).further(
    "supervisors of what they read; without project_id studio managers"
)


@get("/open/v1/history", access=_WHOLE, returns=_PAGE, errors=(400, 404), tag=_TAG)
async def history_of_production(query: Whole, db: Database, caller: Caller) -> Json:
    """What changed of a production (of everything, for studio managers), newest first, as that of a row.

    `thing` narrows it to rows of one kind and what belongs to them, `change_id` to one transaction, `request_id` to one
    request; `field` needs a `thing`. 400 for filters that are none.
    """
    known = list(by_table().values())
    if not isinstance(query.thing, UnsetType):
        if query.thing not in things():
            raise BadRequest(f"thing: {query.thing[:80]!r} has no history.")
        known = [thing_of(query.thing)]
    elif query.field is not UNSET:
        raise BadRequest("field: of which thing?")
    told = [thing for thing in known if thing.reading.test(caller)]
    tables = [table for thing in told for table in (thing.table.fullname, *thing.links(caller))]
    columns: dict[str, list[str] | None] = {thing.table.fullname: thing.columns(caller) for thing in told}
    if not isinstance(query.field, UnsetType) and told:
        tables, of_field = _of_field(told[0], caller, query.field)
        columns = {told[0].table.fullname: of_field}
    filters = {"project_id": query.project_id, "change_id": query.change_id, "request_id": query.request_id}
    filters = {name: value for name, value in filters.items() if value is not UNSET}
    return await _page(db, query, tables, columns, None, everywhere=caller.is_admin, **filters)


_KINDS = {kind.plural: name for name, kind in KINDS.items()}


@get(
    "/open/v1/history/board/{project_id:uuid}",
    access=staff_of("project_id"),
    returns={"type": "array", "items": {"type": "object"}},
    errors=(400, 404, 410),
    tag=_TAG,
)
async def board_at(project_id: UUID, query: Board, db: Database) -> Json:
    """The entities of a kind of a production as they were `at` a moment, each with its `tasks` and their `assignees`.

    Those that were deleted since are there too. Without a moment it is now. 400 for a kind or a moment that is none,
    410 for a moment before all that is known.
    """
    if query.kind not in _KINDS:
        raise BadRequest(f"kind: {query.kind[:80]!r} is not one of {', '.join(_KINDS)}.")
    at = datetime.now(UTC) if isinstance(query.at, UnsetType) else _moment("at", query.at)
    await _check_known(db, at)
    return await db.json(images.BOARD, project_id=project_id, at=at, kind=_KINDS[query.kind], special=list(SPECIAL))
