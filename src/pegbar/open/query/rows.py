"""Rows of a thing in a statement: what is joined to them, the values of their fields, conditions on them."""

from collections.abc import Callable, Sequence
from functools import reduce
from itertools import count
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    any_,
    case,
    cast,
    collate,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.sql.selectable import AliasedReturnsRows

from pegbar.core.data.fragments import column_of
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import BigInteger, Boolean, Column, Date, Float, Numeric, Text, Uuid
from pegbar.core.data.wire import json_or_null_text, word
from pegbar.open.query.judging import Judged, Place, Reached, Test, Together
from pegbar.open.query.sight import Seen, Step

_ONE: ColumnElement[int] = literal_column("1")
#: Not `true()`, which takes the conditions beside it out of an OR, and their parameters with them.
_ALWAYS: ColumnElement[bool] = literal_column("true", Boolean)

#: The types of slots, by what they hold.
_SLOTS: dict[str, Any] = {
    "text": Text(),
    "number": BigInteger(),
    "fraction": Float(53),
    "boolean": Boolean(),
    "id": Uuid(),
    "date": Date(),
    "moment": TIMESTAMP(),
    "words": Text(),
}


class Slots:
    """The parameters of a statement, by the number of their slot, and the names of its rows."""

    def __init__(self, kinds: Sequence[str]) -> None:
        self.kinds = kinds
        self._rows = count(1)

    def row_of(self, rows: Table | Select[Any]) -> AliasedReturnsRows:
        """Another row of a table, or of what is selected, under a name of its own."""
        name = f"q{next(self._rows)}"
        named: Any = rows.alias(name) if isinstance(rows, Table) else rows.subquery(name)
        return named  # type: ignore[no-any-return]

    def __getitem__(self, number: int) -> BindParameter[Any]:
        kind = self.kinds[number]
        plain = _SLOTS[kind.removesuffix("[]")]
        return param(f"s{number}", ARRAY(plain) if kind.endswith("[]") else plain)


class Scope:
    """Rows of a thing, and the rows that each of them leads to."""

    def __init__(self, seen: Seen, slots: Slots, link: AliasedReturnsRows | None = None) -> None:
        self.seen, self.slots = seen, slots
        self.row: AliasedReturnsRows = link if link is not None else slots.row_of(seen.table)
        self.root: Scope = self
        self.source: FromClause = self.row
        self.own: list[FromClause] = [self.row]
        self._along: dict[str, Scope] = {}

    @property
    def id(self) -> ColumnElement[Any]:
        """The id of a row."""
        return self.column("id")

    def column(self, name: str) -> ColumnElement[Any]:
        """A column of a row."""
        return column_of(self.row.name, self.seen.table.c[name])

    def whose(self) -> list[ColumnElement[bool]]:
        """The conditions on rows that the caller is told of."""
        return self.seen.rows(self.row.name)

    def along(self, step: Step) -> "Scope":
        """The row that a relation leads to, joined once; none where there is none that the caller sees."""
        known = self._along.get(step.name)
        if known is None:
            there, on = self.to(step)
            known = self._along[step.name] = there._joined_to(self.root, and_(*on), outer=True)
        return known

    def across(self, step: Step, *, outer: bool) -> "Scope":
        """The rows that a relation leads to, joined: a row comes once for each of them."""
        there, on = self.to(step)
        return there._joined_to(self.root, and_(*on), outer=outer)

    def _joined_to(self, root: "Scope", on: ColumnElement[bool], *, outer: bool) -> "Scope":
        root.source = root.source.join(self.source, on, isouter=outer)
        root.own += self.own
        self.root = root
        return self

    def to(self, step: Step) -> "tuple[Scope, list[ColumnElement[bool]]]":
        """The rows that a relation leads to, apart, and the conditions that make them this row's and the caller's."""
        assert step.to is not None, step.name
        there = Scope(self.seen.sight[step.to.name], self.slots)
        conditions = there.whose()
        if step.link is not None:
            return there, [*conditions, *self._linked(step, there)]
        assert step.reference is not None, step.name
        if step.several:
            conditions.insert(0, step.reference.of(there.row.name) == self.id)
        else:
            conditions.insert(0, there.id == step.reference.of(self.row.name))
        return there, conditions

    def ids(self, step: Step) -> "tuple[ColumnElement[Any], Scope, list[ColumnElement[bool]]]":
        """The ids that a relation lists, where they stand, and the conditions that make them this row's."""
        if step.link is None or (step.to is not None and step.link.among is None):
            there, conditions = self.to(step)
            return there.id, there, conditions
        link = self.slots.row_of(step.link.link)
        there = Scope(self.seen, self.slots, link)
        owner, other = column_of(link.name, step.link.owner), column_of(link.name, step.link.other)
        conditions = [owner == self.id]
        if step.link.among is not None:
            related = self.slots.row_of(step.link.target)
            there.source = link.join(related, column_of(related.name, step.link.target.c.id) == other)
            there.own.append(related)
            conditions.append(step.link.among(related, self.row))
        return other, there, [*conditions, *self._not_hidden(step, self)]

    def _linked(self, step: Step, there: "Scope") -> list[ColumnElement[bool]]:
        """Through a table of links, from either side."""
        assert step.link is not None
        link = self.slots.row_of(step.link.link)
        owner, other = column_of(link.name, step.link.owner), column_of(link.name, step.link.other)
        mine, theirs = (other, owner) if step.backwards else (owner, other)
        there.source = link.join(there.row, there.id == theirs)
        there.own.append(link)
        owning, owned = (there, self) if step.backwards else (self, there)
        among = [step.link.among(owned.row, owning.row)] if step.link.among is not None else []
        return [mine == self.id, *among, *self._not_hidden(step, owning)]

    @staticmethod
    def _not_hidden(step: Step, owning: "Scope") -> list[ColumnElement[bool]]:
        if step.hidden is None:
            return []
        return [not_(func.coalesce(step.hidden.about(owning.row.name), false()))]

    def exists(self, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        """Whether there are rows, in a statement around that the conditions are about too."""
        return self.chosen(_ONE, *conditions).exists()

    def chosen(self, value: ColumnElement[Any], *conditions: ColumnElement[bool]) -> Select[Any]:
        """Something of the rows that fulfil conditions, for the row of a statement around."""
        return select(value).select_from(self.source).where(*conditions).correlate_except(*self.own)

    def json(self, place: Place) -> ColumnElement[str]:
        """The JSON of a field of this row, which a path ends in."""
        if place.key is not None or place.field is None:
            return json_or_null_text(self.value(place))
        return place.field.json_of(self.row.name)

    def value(self, place: Place) -> ColumnElement[Any]:
        """The value of a field of this row, which a path ends in."""
        assert place.field is not None
        value = place.field.of(self.row.name)
        return value if place.key is None else _metadata(value, self.slots[place.key.slot], place)


# Metadata

_NUMBER, _DAY = (
    literal_column(r"'^\s*[-+]?[0-9]{1,40}([.][0-9]{1,40})?\s*$'", Text),
    literal_column("'^[0-9]{4}-[0-9]{2}-[0-9]{2}'", Text),
)
_TEN = literal_column("10", BigInteger)


def _metadata(data: ColumnElement[Any], name: ColumnElement[str], place: Place) -> ColumnElement[Any]:
    """A value of metadata as its kind: what does not look like one, or is empty, is none."""
    text = func.nullif(data.op("->>", return_type=Text())(name), word(""), type_=Text)
    if place.kind == "number":
        return case((text.op("~")(_NUMBER), cast(text, Numeric)))
    if place.kind == "boolean":
        lower = func.lower(text)
        return case((lower == word("true"), true()), (lower == word("false"), false()))
    if place.kind == "date":
        return case((text.op("~")(_DAY), collate(func.left(text, _TEN, type_=Text), "C")))
    if place.kind == "words":
        return _words(data.op("->", return_type=JSONB())(name), checked=_is_checklist(place))
    return text


def _is_checklist(place: Place) -> bool:
    return place.key is not None and place.key.data_type == "checklist"


def _words(value: ColumnElement[Any], *, checked: bool) -> ColumnElement[Any]:
    """The tags of a list, of which one may stand alone; of a checklist, the entries that are checked."""
    kind = func.jsonb_typeof(value)
    if checked:
        whole = case((kind == word("object"), value), else_=literal_column("'{}'::jsonb", JSONB))
        entry = func.jsonb_each_text(whole).table_valued(Column("key", Text), Column("value", Text)).render_derived()
        listed = select(entry.c.key).where(entry.c.value == word("true"))
    else:
        alone = case(
            (kind.in_([word("string"), word("number")]), func.jsonb_build_array(value)),
            else_=literal_column("'[]'::jsonb", JSONB),
        )
        whole = case((kind == word("array"), value), else_=alone)
        entry = func.jsonb_array_elements_text(whole).table_valued(Column("value", Text)).render_derived()
        listed = select(entry.c.value)
    return func.array(listed.correlate_except(entry).scalar_subquery(), type_=ARRAY(Text))


# Conditions

Values = Sequence[ColumnElement[Any]]


def _in_spans(value: ColumnElement[Any], slots: Values) -> ColumnElement[bool]:
    span = func.unnest(*slots).table_valued("start", "end").render_derived()
    return (
        select(_ONE).select_from(span).where(value >= span.c.start, value < span.c.end).correlate_except(span).exists()
    )


_TESTS: dict[str, Callable[[ColumnElement[Any], Values], ColumnElement[bool]]] = {
    "equals": lambda value, slots: value == slots[0],
    "among": lambda value, slots: value == any_(slots[0]),
    "less": lambda value, slots: value < slots[0],
    "more": lambda value, slots: value > slots[0],
    "from": lambda value, slots: value >= slots[0],
    "within": lambda value, slots: and_(value >= slots[0], value <= slots[1]),
    "span": lambda value, slots: and_(value >= slots[0], value < slots[1]),
    "spans": _in_spans,
    "like": lambda value, slots: value.ilike(slots[0]),
    "has": lambda value, slots: slots[0] == any_(value),
    "overlaps": lambda value, slots: cast(value, ARRAY(Text)).op("&&", return_type=Boolean())(slots[0]),
}


def _holds(value: ColumnElement[Any], test: Test, slots: Slots) -> ColumnElement[bool]:
    if test.test == "filled":
        return func.cardinality(value) > literal_column("0") if test.place.kind == "words" else value.is_not(None)
    return _TESTS[test.test](value, [slots[number] for number in test.slots])


def _unless(condition: ColumnElement[bool], negated: bool) -> ColumnElement[bool]:
    """A condition, or that it does not hold: neither is where nothing is known."""
    return not_(func.coalesce(condition, false())) if negated else condition


def _reached(scope: Scope, steps: Sequence[Step], then: Callable[[Scope], ColumnElement[bool]]) -> ColumnElement[bool]:
    """What holds of the row that a path leads to; of several, for any of them."""
    for place, step in enumerate(steps):
        if step.several:
            there, conditions = scope.to(step)
            holds = _reached(there, steps[place + 1 :], then)
            return there.exists(*conditions, holds)
        scope = scope.along(step)
    return then(scope)


def condition_of(scope: Scope, judged: Judged) -> ColumnElement[bool]:
    """The condition on the rows of a scope; what it is about is joined to them."""
    if isinstance(judged, Together):
        parts = [condition_of(scope, part) for part in judged.conditions]
        if not parts:
            return _ALWAYS
        return and_(*parts) if judged.every else or_(*parts)
    if isinstance(judged, Reached):
        holds = _reached(
            scope, judged.steps, lambda there: and_(there.id.is_not(None), condition_of(there, judged.condition))
        )
        return _unless(holds, judged.negated)
    return _unless(_reached(scope, judged.place.steps, lambda there: _tested(there, judged)), judged.negated)


def _tested(there: Scope, test: Test) -> ColumnElement[bool]:
    if test.place.ids is None:
        return _holds(there.value(test.place), test, there.slots)
    ids, listed, conditions = there.ids(test.place.ids)
    return listed.exists(*conditions, _holds(ids, test, there.slots))


def walked(scope: Scope, steps: Sequence[Step]) -> Scope:
    """The row that relations to one row each lead to, joined."""
    return reduce(lambda there, step: there.along(step), steps, scope)
