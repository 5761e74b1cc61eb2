"""The statements of queries, made once for each form: rows as JSON or CSV by pages, and summaries of groups.

A statement yields texts, a row each. It looks one row further than the page: if there is one, the last text is
`MORE`, followed by where the next page begins.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Literal

from sqlalchemy import (
    ColumnElement,
    Executable,
    Float,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB

from pegbar.core.data.compiled import compiled
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Integer, String, Text
from pegbar.core.data.wire import JsonText, concatenated, json_list, json_or_null_text, json_text
from pegbar.open.query.judging import Judged, Place
from pegbar.open.query.rows import Scope, Slots, condition_of, walked
from pegbar.open.query.sight import Seen, Step

#: What the text behind the last row of a page begins with.
MORE = "\x1e"
_MORE = literal_column("chr(30)", Text)
#: Rows looked at: those of the page and one more.
_LOOKED_AT = param("looked_at", Integer)

Style = Literal["json", "csv"]
#: PostgreSQL takes a hundred arguments in a call.
_MOST_PAIRS = 50


@dataclass(frozen=True)
class Order:
    """A place that rows are sorted by. Rows without a value come last, whichever the direction."""

    place: Place
    descending: bool


@dataclass(frozen=True)
class Rows:
    """The form of a query for rows. `after`: the slots of where the page begins, None for a value that was none."""

    seen: Seen
    condition: Judged
    fields: tuple[tuple[tuple[str, ...], Place], ...]
    orders: tuple[Order, ...]
    slots: tuple[str, ...]
    after: tuple[int | None, ...] | None = None
    style: Style = "json"


@dataclass(frozen=True)
class Bucket:
    """What the rows of a group have in common, and the slot of its key."""

    place: Place
    type: str
    key: int


@dataclass(frozen=True)
class Sum:
    """What is computed over a group, and the slot of its key."""

    place: Place
    type: str
    key: int


@dataclass(frozen=True)
class Groups:
    """The form of a query for summaries. `orders`: numbers of columns, groupings first, and whether downwards."""

    seen: Seen
    condition: Judged
    buckets: tuple[Bucket, ...]
    sums: tuple[Sum, ...]
    orders: tuple[tuple[int, bool], ...]
    slots: tuple[str, ...]
    style: Style = "json"


# Texts


def _text(text: str) -> ColumnElement[str]:
    """A constant of ours."""
    return literal_column("'" + text.replace("'", "''") + "'", Text)


_NULL, _NOTHING, _COMMA, _SEPARATOR, _QUOTE = _text("null"), _text(""), _text(","), _text(";"), _text('"')
_SPECIAL, _FORMULA = _text('[;"\\r\\n]'), _text("^[-=+@\t\r]")


def _joined(parts: Sequence[ColumnElement[str]], between: ColumnElement[str]) -> ColumnElement[str]:
    """Texts with something between them."""
    return concatenated([text for part in parts for text in (between, part)][1:] or [_NOTHING])


def _named(key: str | ColumnElement[str], value: ColumnElement[str]) -> ColumnElement[str]:
    name = _text(f'"{key}":') if isinstance(key, str) else cast(func.to_json(key), Text).concat(_text(":"))
    return name.concat(value)


def _object(pairs: Sequence[tuple[str | ColumnElement[str], ColumnElement[str]]]) -> ColumnElement[str]:
    inside = _joined([_named(key, value) for key, value in pairs], _COMMA)
    return cast(_text("{").concat(inside).concat(_text("}")), JsonText())


def _cell(value: ColumnElement[Any], *, words: bool) -> ColumnElement[str]:
    """A cell of CSV. What a spreadsheet would take for a formula has an apostrophe before it, as the web UI writes."""
    text: ColumnElement[str] = func.coalesce(value if words else _unquoted(value), _NOTHING, type_=Text)
    if words:
        text = case((text.op("~")(_FORMULA), _text("'").concat(text)), else_=text)
    quoted = _QUOTE.concat(func.replace(text, _QUOTE, _text('""'), type_=Text)).concat(_QUOTE)
    return case((text.op("~")(_SPECIAL), quoted), else_=text)


def _unquoted(value: ColumnElement[Any]) -> ColumnElement[str]:
    """What is no text, as JSON writes it."""
    return func.btrim(json_text(value), _QUOTE, type_=Text)


# Fields


@dataclass(eq=False)
class _Node:
    """What is told of a row, by key and in order: fields, or the rows that it leads to."""

    entries: "dict[str, list[Place] | tuple[Step, _Node]]" = field(default_factory=dict)

    def below(self, name: str, step: Step) -> "_Node":
        """The rows that a relation leads to; its fields are told in place of its ids."""
        known = self.entries.get(name)
        if not isinstance(known, tuple):
            known = self.entries[name] = (step, _Node())
        return known[1]

    def tell(self, name: str, place: Place) -> None:
        """Tell a field."""
        known = self.entries.setdefault(name, [])
        if isinstance(known, list):
            known.append(place)


def _tree(fields: Sequence[tuple[tuple[str, ...], Place]]) -> _Node:
    root = _Node()
    for path, place in fields:
        node = root
        for name, step in zip(path, place.steps, strict=False):
            node = node.below(name, step)
        node.tell(path[len(place.steps)], place)
    return root


def _told(scope: Scope, node: _Node) -> ColumnElement[str]:
    """A row as a JSON object: what it leads to is looked up for the rows of the page alone."""
    return _object(
        [
            (key, _leaf(scope, entry) if isinstance(entry, list) else _there(scope, *entry))
            for key, entry in node.entries.items()
        ]
    )


def _leaf(scope: Scope, places: list[Place]) -> ColumnElement[str]:
    whole = next((place for place in places if place.key is None), None)
    if whole is not None:
        return _ids(scope, whole.ids) if whole.ids is not None else scope.json(whole)
    return _chosen(scope, places)


def _chosen(scope: Scope, places: list[Place]) -> ColumnElement[str]:
    """Some keys of metadata, as an object."""
    objects: list[ColumnElement[Any]] = []
    for start in range(0, len(places), _MOST_PAIRS):
        pairs: list[ColumnElement[Any]] = []
        for place in places[start : start + _MOST_PAIRS]:
            assert place.field is not None
            assert place.key is not None
            name = scope.slots[place.key.slot]
            pairs += [name, place.field.of(scope.row.name).op("->", return_type=JSONB())(name)]
        objects.append(func.jsonb_build_object(*pairs, type_=JSONB))
    whole = reduce(lambda some, more: some.op("||", return_type=JSONB())(more), objects)
    return cast(whole, Text)


def _ids(scope: Scope, step: Step | None) -> ColumnElement[str]:
    assert step is not None
    ids, there, conditions = scope.ids(step)
    return json_list(there.chosen(ids, *conditions).order_by(ids))


def _there(scope: Scope, step: Step, node: _Node) -> ColumnElement[str]:
    there, conditions = scope.to(step)
    rows = there.chosen(_told(there, node), *conditions)
    if not step.several:
        return func.coalesce(cast(rows.scalar_subquery(), Text), _NULL, type_=Text)
    order = [there.column(name) for name in ("created_at", "id") if name in there.seen.table.c]
    return json_text(json_list(rows.order_by(*order)))


def _column(scope: Scope, place: Place) -> ColumnElement[str]:
    """A cell of a row: of several values, the list of them as JSON."""
    if not place.steps:
        return _value_cell(scope, place)
    root, conditions = scope.to(place.steps[0])
    there = root
    for step in place.steps[1:]:
        there = there.across(step, outer=False) if step.several else there.along(step)
    if not place.several:
        return func.coalesce(
            root.chosen(_value_cell(there, place), *conditions).scalar_subquery(), _NOTHING, type_=Text
        )
    value = _ids(there, place.ids) if place.ids is not None else there.json(place)
    return _cell(json_list(root.chosen(cast(value, JsonText()), *conditions)), words=False)


def _value_cell(scope: Scope, place: Place) -> ColumnElement[str]:
    if place.ids is not None:
        return _cell(_ids(scope, place.ids), words=False)
    return _cell(scope.value(place), words=place.kind in ("text", "any"))


# Rows


def _after(
    keys: Sequence[ColumnElement[Any]], orders: Sequence[bool], slots: Slots, after: Sequence[int | None]
) -> Any:
    """The rows behind a place of the order: further by the first key, or as far by it and further by the next."""
    further: list[ColumnElement[bool]] = []
    same: list[ColumnElement[bool]] = []
    for key, descending, number in zip(keys, orders, after, strict=True):
        if number is not None:
            value = slots[number]
            behind = key < value if descending else key > value
            further.append(and_(*same, or_(behind, key.is_(None))))
            same.append(key == value)
        else:
            same.append(key.is_(None))
    return or_(false(), *further)


def _rows(form: Rows) -> Executable:
    """The rows of a page, in order."""
    slots = Slots(form.slots)
    scope = Scope(form.seen, slots)
    conditions = [*scope.whose(), condition_of(scope, form.condition)]
    keys = [walked(scope, order.place.steps).value(order.place) for order in form.orders] + [scope.id]
    directions = [order.descending for order in form.orders] + [False]
    if form.after is not None:
        conditions.append(_after(keys, directions, slots, form.after))
    order = [
        key if number == len(form.orders) else (key.desc() if down else key.asc()).nulls_last()
        for number, (key, down) in enumerate(zip(keys, directions, strict=True))
    ]
    if form.style == "csv":
        row = _joined([_column(scope, place) for _, place in form.fields], _SEPARATOR).concat(_text("\r\n"))
    else:
        row = _told(scope, _tree(form.fields))
    page = (
        select(row.label("row"), cast(func.json_build_array(*keys), Text).label("key"))
        .select_from(scope.source)
        .where(*conditions)
        .order_by(*order)
        .limit(_LOOKED_AT)
        .subquery("page")
    )
    return _cut(page.c.row, select(page.c.row), func.lag(page.c.key).over())


def _cut(row: ColumnElement[Any], page: Select[Any], key: ColumnElement[Any]) -> Executable:
    beyond = func.row_number().over() >= _LOOKED_AT
    return page.with_only_columns(case((beyond, _MORE.concat(key)), else_=cast(row, Text)))


# Groups

_LENGTHS = {"day": 10, "month": 7, "year": 4}
_FORMS = {"day": "YYYY-MM-DD", "week": "YYYY-MM-DD", "month": "YYYY-MM", "year": "YYYY"}


def _bucket(value: ColumnElement[Any], bucket: Bucket) -> ColumnElement[Any]:
    if bucket.type == "exact":
        return value
    if bucket.place.key is not None:
        return func.left(value, literal_column(str(_LENGTHS[bucket.type])), type_=Text)
    if bucket.type == "week":
        value = func.date_trunc(_text("week"), value)
    return func.to_char(value, _text(_FORMS[bucket.type]), type_=Text)


def _summed(value: ColumnElement[Any], kind: str) -> ColumnElement[Any]:
    computed: dict[str, Any] = {
        "count": lambda: func.count(value),
        "count_distinct": lambda: func.count(value.distinct()),
        "sum": lambda: func.coalesce(func.sum(value), literal_column("0"), type_=value.type),
        "average": lambda: cast(func.avg(value), Float),
        "min": lambda: func.min(value, type_=value.type),
        "max": lambda: func.max(value, type_=value.type),
    }
    return computed[kind]()  # type: ignore[no-any-return]


def _of_group(scope: Scope, place: Place) -> ColumnElement[Any]:
    """What a row is grouped by; a row that has several values is in as many groups."""
    there = scope
    for step in place.steps:
        there = there.across(step, outer=True) if step.several else there.along(step)
    if place.ids is None:
        return there.value(place)
    return there.across(place.ids, outer=True).id


def _groups(form: Groups) -> Executable:
    """What is computed over each group, in the order of their values unless another is asked for."""
    slots = Slots(form.slots)
    scope = Scope(form.seen, slots)
    conditions = [*scope.whose(), condition_of(scope, form.condition)]
    buckets = [_bucket(_of_group(scope, bucket.place), bucket) for bucket in form.buckets]
    values = [walked(scope, summary.place.steps).value(summary.place) for summary in form.sums]
    named = [
        *(value.label(f"g{number}") for number, value in enumerate(buckets)),
        *(value.label(f"v{number}") for number, value in enumerate(values)),
    ]
    inner = select(*named).select_from(scope.source).where(*conditions).subquery("chosen")
    common = [inner.c[f"g{number}"] for number in range(len(buckets))]
    sums = [_summed(inner.c[f"v{number}"], summary.type) for number, summary in enumerate(form.sums)]
    columns = [*common, *sums]
    orders = form.orders or tuple((number, False) for number in range(len(common)))
    if form.style == "csv":
        cells = [_cell(value, words=isinstance(value.type, String)) for value in columns]
        row = _joined(cells, _SEPARATOR).concat(_text("\r\n"))
    else:
        group = _object(
            [(slots[bucket.key], json_or_null_text(value)) for bucket, value in zip(form.buckets, common, strict=True)]
        )
        summary = _object(
            [(slots[item.key], json_or_null_text(value)) for item, value in zip(form.sums, sums, strict=True)]
        )
        row = _object([("group", group), ("summary", summary)])
    page = (
        select(row.label("row"))
        .group_by(*common)
        .order_by(
            *[(columns[number].desc() if down else columns[number].asc()).nulls_last() for number, down in orders]
        )
        .limit(_LOOKED_AT)
        .subquery("page")
    )
    return _cut(page.c.row, select(page.c.row), _NOTHING)


# Statements

#: The statements that were asked for last, by their form.
_statements: OrderedDict[Rows | Groups, Executable] = OrderedDict()
_MOST_STATEMENTS = 512


def made(form: Rows | Groups) -> Executable:
    """The statement of a form, compiled."""
    statement = _rows(form) if isinstance(form, Rows) else _groups(form)
    compiled(statement)
    return statement


async def statement_of(form: Rows | Groups) -> Executable:
    """The statement of a form. A new one is made by a thread: others are served meanwhile."""
    statement = _statements.get(form)
    if statement is None:
        statement = await asyncio.to_thread(made, form)
        _statements[form] = statement
        if len(_statements) > _MOST_STATEMENTS:
            _statements.popitem(last=False)
    else:
        _statements.move_to_end(form)
    return statement
