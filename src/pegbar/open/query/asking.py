"""A query as a caller asks it: judged, made into a statement, and answered as JSON, NDJSON or CSV.

condition = parse(filters)                                     # once, of untrusted JSON
columns = await columns_of(db, caller, condition)              # the types of the metadata it names, if it does
where, params = compiled(condition, "tasks", caller, columns)  # about rows of the table `task`
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

import asyncpg
import msgspec
from sqlalchemy import ARRAY, ColumnElement, Executable, any_, func, select

from pegbar.config import settings
from pegbar.core.data.bounds import Bounds, TooCostly
from pegbar.core.data.database import Database, Reader
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller
from pegbar.core.http.routing import Reply
from pegbar.core.http.streaming import ORDINARY, Streaming, stream_text
from pegbar.core.timezones import zone_of
from pegbar.open.query import pages, periods, queries
from pegbar.open.query.grammar import (
    Comparison,
    Condition,
    Group,
    Grouping,
    Path,
    Query,
    Related,
    Sort,
    Summary,
    fault,
)
from pegbar.open.query.judging import Columns, Judge, Judged, Place
from pegbar.open.query.queries import MORE, Bucket, Groups, Order, Rows, Sum
from pegbar.open.query.rows import Scope, Slots, condition_of
from pegbar.open.query.sight import Seen, sight_of
from pegbar.open.query.things import THINGS
from pegbar.productions.resources import metadata_descriptors
from pegbar.productions.tables import metadata_descriptor

Form = Literal["json", "ndjson", "csv"]
_DEFAULT_LIMIT = 100
_SORTABLE = frozenset({"text", "number", "boolean", "date", "moment", "id", "any"})
_MEDIA_TYPES: Mapping[Form, str] = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
}


def seen_by(caller: Caller, name: str) -> Seen:
    """A thing as the caller sees it. Raises NotFound for one that is none, or not for them."""
    sight = sight_of(caller)
    if name not in THINGS or not sight.sees(THINGS[name]):
        raise NotFound(f"there is nothing called {name[:40]!r} to ask for.")
    return sight[name]


def things_seen(caller: Caller) -> list[str]:
    """The names of the things that the caller may ask for."""
    sight = sight_of(caller)
    return sorted(name for name, thing in THINGS.items() if sight.sees(thing))


# The types of metadata


def _paths(condition: Condition) -> Iterator[Path]:
    if isinstance(condition, Comparison):
        yield condition.path
    elif isinstance(condition, Related):
        yield from _paths(condition.condition)
    elif isinstance(condition, Group):
        for part in condition.conditions:
            yield from _paths(part)


@lru_cache(256)
def _columns(scope: ColumnElement[bool] | None) -> Executable:
    row = metadata_descriptor.c
    types = func.array_agg(row.data_type.distinct())
    rows = select(row.entity_type, row.field_name, func.min(row.data_type).label("data_type")).where(
        row.field_name == any_(param("names", ARRAY(Text)))
    )
    if scope is not None:
        rows = rows.where(scope)
    return rows.group_by(row.entity_type, row.field_name).having(func.cardinality(types) == 1)


async def columns_of(db: Reader, caller: Caller, *conditions: Condition, paths: tuple[Path, ...] = ()) -> Columns:
    """The types of the metadata columns that conditions and paths name, of those that the caller sees.

    One that has another type in another production is compared as metadata without a column.
    """
    named = [*paths, *(path for condition in conditions for path in _paths(condition))]
    names = sorted({path[-1] for path in named if len(path) > 1 and path[-2] == "data"})
    if not names:
        return {}
    scope = None if caller.is_admin else metadata_descriptors.scope(caller)
    rows = await db.rows(_columns(scope), names=names)
    return {(row["entity_type"], row["field_name"]): row["data_type"] for row in rows if row["data_type"]}


# Conditions for others


def compiled(
    condition: Condition,
    thing: str,
    caller: Caller,
    columns: Columns = MappingProxyType({}),
    at: ColumnElement[Any] | None = None,
) -> tuple[ColumnElement[bool], dict[str, Any]]:
    """SQL: whether a row of a thing fulfils a condition and is the caller's to see, and the parameters of that.

    `at` is the id of the row, in a statement of which the condition becomes a part; else the parameter `row_id`.
    Raises Refused naming the place in the JSON, NotFound for a thing that the caller may not ask for.
    """
    seen = seen_by(caller, thing)
    judge = Judge(seen, columns, periods.clock_of(zone_of(caller.timezone)))
    judged = judge.condition(condition)
    return _part(seen, judged, tuple(kind for kind, _ in judge.slots), at), _params(judge)


@lru_cache(256)
def _part(seen: Seen, judged: Judged, slots: tuple[str, ...], at: ColumnElement[Any] | None) -> ColumnElement[bool]:
    scope = Scope(seen, Slots(slots))
    row_id = param("row_id") if at is None else at
    return scope.exists(scope.id == row_id, *scope.whose(), condition_of(scope, judged))


def _params(judge: Judge) -> dict[str, Any]:
    return {f"s{number}": value for number, (_, value) in enumerate(judge.slots)}


# Queries


@dataclass
class _Asked:
    """A query that is judged: its form with its parameters, and what its answer begins with."""

    form: Rows | Groups
    params: dict[str, Any]
    limit: int
    digest: str | None  #: of a query for rows, which has cursors
    header: list[str]


def _paths_of(query: Query) -> tuple[Path, ...]:
    parts: list[Sort | Summary | Grouping] = [*query.sorts, *query.summaries, *query.groupings]
    return (*(path for _, path in query.fields), *(part.path for part in parts))


async def ask(db: Database, caller: Caller, name: str, document: Mapping[str, Any], query: Query, form: Form) -> Any:
    """The answer to a query. Raises Refused naming the place in it, BadRequest when it would take too much."""
    seen = seen_by(caller, name)
    columns = await columns_of(db, caller, query.condition, paths=_paths_of(query))
    judge = Judge(seen, columns, periods.clock_of(zone_of(caller.timezone)))
    asked = (_groups if query.summaries else _rows)(judge, query, document, form)
    bounds = Bounds(settings().query_cost, settings().query_seconds)
    statement = await queries.statement_of(asked.form)
    texts = db.texts(caller.id, statement, bounds, looked_at=asked.limit + 1, **asked.params)
    pieces = _pieces(texts, asked, form)
    try:
        return await _sent(pieces, caller, form)
    except TooCostly as error:
        raise BadRequest(
            f"This query would take too much: its cost is estimated as {error.estimate:,.0f}, and {error.most:,.0f} is "
            'the most (PEGBAR_QUERY_COST). Narrow it, such as by ["project_id", "is", …], sort by fewer fields, or take'
            " smaller pages."
        ) from None
    except asyncpg.QueryCanceledError:
        raise BadRequest(
            f"This query took longer than {settings().query_seconds:g} seconds (PEGBAR_QUERY_SECONDS) and was given up."
            ' Narrow it, such as by ["project_id", "is", …], or take smaller pages.'
        ) from None


def _limit(query: Query, form: Form) -> int:
    most = settings().query_rows
    if query.limit is None:
        return min(_DEFAULT_LIMIT, most) if form == "json" and not query.summaries else most
    if query.limit > most:
        raise fault("limit", f"is {most} at most (PEGBAR_QUERY_ROWS).")
    return query.limit


def _rows(judge: Judge, query: Query, document: Mapping[str, Any], form: Form) -> _Asked:
    condition = judge.condition(query.condition)
    orders = tuple(_order(judge, sort) for sort in query.sorts)
    listed = query.fields or [("fields", (name,)) for name in judge.seen.fields]
    fields = tuple((path, judge.place(at, path)) for at, path in listed)
    digest, after = pages.digest_of(judge.seen.thing.name, document), None
    if query.cursor is not None:
        keys = pages.read(query.cursor, digest, orders)
        after = tuple(None if key is None else judge.slot(*key) for key in keys)
    kinds = tuple(kind for kind, _ in judge.slots)
    shape = Rows(judge.seen, condition, fields, orders, kinds, after, "csv" if form == "csv" else "json")
    header = [".".join(path) for path, _ in fields]
    return _Asked(shape, _params(judge), _limit(query, form), digest, header)


def _order(judge: Judge, sort: Sort) -> Order:
    place = judge.place(sort.at, sort.path)
    if place.several or place.kind not in _SORTABLE:
        raise fault(sort.at, f"{'.'.join(sort.path)} has no order: rows are sorted by one value each.")
    return Order(place, sort.descending)


def _groups(judge: Judge, query: Query, document: Mapping[str, Any], form: Form) -> _Asked:
    del document
    condition = judge.condition(query.condition)
    buckets = tuple(_bucket(judge, grouping) for grouping in query.groupings)
    if sum(bucket.place.several for bucket in buckets) > 1:
        raise fault("grouping", "one path may lead to several rows, no more.")
    sums = tuple(_sum(judge, summary) for summary in query.summaries)
    header = [grouping.key for grouping in query.groupings] + [summary.key for summary in query.summaries]
    if len(set(header)) < len(header):
        raise fault("summaries", "names a value twice.")
    orders = []
    for sort in query.sorts:
        key = ".".join(sort.path)
        if key not in header:
            raise fault(sort.at, f"{key!r} is none of {', '.join(header)}.")
        orders.append((header.index(key), sort.descending))
    kinds = tuple(kind for kind, _ in judge.slots)
    style = "csv" if form == "csv" else "json"
    shape = Groups(judge.seen, condition, buckets, sums, tuple(orders), kinds, style)  # type: ignore[arg-type]
    return _Asked(shape, _params(judge), _limit(query, form), None, header)


def _bucket(judge: Judge, grouping: Grouping) -> Bucket:
    place = judge.place(grouping.at, grouping.path)
    path, kind = ".".join(grouping.path), grouping.type
    if place.kind not in _SORTABLE:
        raise fault(grouping.at, f"{path} cannot be grouped by: it is no single value.")
    if kind != "exact" and place.kind not in ("date", "moment"):
        raise fault(f"{grouping.at}.type", f"{path} is no date, and grouped by its exact value alone.")
    if kind == "week" and place.key is not None:
        raise fault(f"{grouping.at}.type", "a date of the metadata is grouped by day, month or year.")
    return Bucket(place, kind, judge.slot("text", grouping.key))


#: What each kind of value can be summed up as; counted is any.
_COMPUTED: Mapping[str, frozenset[str]] = {
    "sum": frozenset({"number"}),
    "average": frozenset({"number"}),
    "min": frozenset({"number", "text", "date", "moment"}),
    "max": frozenset({"number", "text", "date", "moment"}),
    "count_distinct": _SORTABLE,
}


def _sum(judge: Judge, summary: Summary) -> Sum:
    place = judge.place(f"{summary.at}.field", summary.path)
    path = ".".join(summary.path)
    if place.several:
        raise fault(f"{summary.at}.field", f"{path} leads to several rows: ask for them, and group them.")
    if place.kind == "any" and summary.type in ("sum", "average"):
        place = Place(place.steps, place.field, "number", place.key)
    if place.kind not in _COMPUTED.get(summary.type, {place.kind}):
        raise fault(f"{summary.at}.type", f"there is no {summary.type} of {path}.")
    return Sum(place, summary.type, judge.slot("text", summary.key))


# Answers


def _cell(text: str) -> str:
    """A cell of the header."""
    if text[:1] in ("=", "+", "-", "@", "\t", "\r"):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if set(text) & set(';"\r\n') else text


async def _pieces(texts: AsyncIterator[list[str]], asked: _Asked, form: Form) -> AsyncIterator[list[str]]:
    """The texts of an answer, with what stands around its rows."""
    begun, more = False, None
    async with aclosing(texts):  # type: ignore[type-var]
        async for rows in texts:
            if rows[-1].startswith(MORE):
                more = rows.pop()[len(MORE) :]
            if form == "csv":
                yield [";".join(map(_cell, asked.header)) + "\r\n", *rows] if not begun else rows
            elif form == "ndjson":
                yield [f"{row}\n" for row in rows]
            elif rows:
                yield ["," if begun else '{"data":[', ",".join(rows)]
            begun = begun or bool(rows) or form == "csv"
    following = None if more is None or asked.digest is None else pages.cursor_text(asked.digest, more)
    end = (
        f'"next":{msgspec.json.encode(following).decode()}'
        if asked.digest
        else f'"complete":{str(more is None).lower()}'
    )
    if form == "json":
        yield [("" if begun else '{"data":[') + f"],{end}}}"]
    elif form == "ndjson" and more is not None:
        yield [f"{{{end}}}\n"]
    elif form == "csv" and not begun:
        yield [";".join(map(_cell, asked.header)) + "\r\n"]


async def _sent(pieces: AsyncIterator[list[str]], caller: Caller, form: Form) -> Reply | Streaming:
    """A short answer as a whole, a long one in pieces: what goes wrong before the first byte is an answer, too."""
    start: list[str] = []
    try:
        while sum(map(len, start)) < ORDINARY:
            more = await anext(pieces, None)
            if more is None:
                return Reply("".join(start), media_type=_MEDIA_TYPES[form])
            start += more
    except BaseException:
        await pieces.aclose()  # type: ignore[attr-defined]
        raise
    return await stream_text(pieces, caller, start, _MEDIA_TYPES[form])
