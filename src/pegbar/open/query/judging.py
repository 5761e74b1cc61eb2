"""What a query means for a caller: paths resolved into relations and fields, values typed by the fields they meet.

The values go into numbered slots, what is left is the form of the query: a statement is made once for each form.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pegbar.core.errors import Refused
from pegbar.entities.kinds import KINDS
from pegbar.open.query import grammar, periods
from pegbar.open.query.grammar import Comparison, Condition, Group, Path, Related, fault
from pegbar.open.query.periods import Clock, Span
from pegbar.open.query.sight import Field, Kind, Seen, Step

#: The types of metadata columns, by the kind of their rows and the key of their values.
Columns = Mapping[tuple[str, str], str]

#: How the values of a metadata column are compared; days as texts, which metadata hold.
_METADATA: Mapping[str, Kind] = {
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "taglist": "words",
    "checklist": "words",
}


@dataclass(frozen=True)
class Key:
    """A key of metadata: the slot of its name, and the type of its column if it has one."""

    slot: int
    name: str = field(compare=False)
    data_type: str | None


@dataclass(frozen=True)
class Place:
    """Where a path ends: a field, a key of its metadata, or the ids that a relation leads to."""

    steps: tuple[Step, ...]
    field: Field | None
    kind: Kind
    key: Key | None = None
    ids: Step | None = None

    @property
    def several(self) -> bool:
        """Whether a row has any number of values there."""
        return self.ids is not None or any(step.several for step in self.steps)


@dataclass(frozen=True)
class Test:
    """A field tested with the values of slots."""

    __test__ = False  # of pytest

    place: Place
    test: str
    slots: tuple[int, ...]
    negated: bool


@dataclass(frozen=True)
class Reached:
    """A condition on the rows that a path leads to."""

    steps: tuple[Step, ...]
    condition: "Judged"
    negated: bool


@dataclass(frozen=True)
class Together:
    """Conditions of which all hold, or any."""

    every: bool
    conditions: tuple["Judged", ...]


Judged = Test | Reached | Together

#: The types of slots, as the statement declares them: `[]` for a list.
Slot = tuple[str, Any]


@dataclass
class Judge:
    """Judges the parts of a query about a thing, and keeps the values."""

    seen: Seen
    columns: Columns
    clock: Clock
    slots: list[Slot] = field(default_factory=list)

    def slot(self, kind: str, value: Any) -> int:
        """The slot of a value."""
        self.slots.append((kind, value))
        return len(self.slots) - 1

    # Paths

    def walked(self, at: str, path: Path, seen: Seen | None = None) -> tuple[tuple[Step, ...], Seen]:
        """The relations of a path that names no field."""
        steps: list[Step] = []
        seen = seen or self.seen
        for name in path:
            step = seen.steps.get(name)
            if step is None or step.to is None:
                raise unknown(at, seen, name)
            steps.append(step)
            seen = seen.sight[step.to.name]
        return tuple(steps), seen

    def place(self, at: str, path: Path, seen: Seen | None = None) -> Place:
        """Where the path of a field ends."""
        has_key = len(path) > 1 and path[-2] == "data"
        steps, seen = self.walked(at, path[: -2 if has_key else -1], seen)
        name = path[-2] if has_key else path[-1]
        told = seen.fields.get(name)
        if has_key and told is not None:
            return self._metadata(steps, seen, told, path[-1])
        if told is not None and not has_key:
            return Place(steps, told, told.kind)
        step = seen.steps.get(name)
        if step is None or has_key:
            raise unknown(at, seen, name)
        if not step.several:
            example = ".".join((*path, "name"))
            raise fault(at, f"{'.'.join(path)} leads to a row: say which of its fields is meant, such as {example}.")
        return Place(steps, None, "id", ids=step)

    def _metadata(self, steps: tuple[Step, ...], seen: Seen, told: Field, name: str) -> Place:
        kinds = _described(seen)
        types = {self.columns[kind, name] for kind in kinds if (kind, name) in self.columns}
        data_type = types.pop() if len(types) == 1 else None
        kind: Kind = "any" if data_type is None else _METADATA.get(data_type, "text")
        return Place(steps, told, kind, Key(self.slot("text", name), name, data_type))

    # Conditions

    def condition(self, condition: Condition, seen: Seen | None = None) -> Judged:
        """A condition about rows of the thing, or of another that a path has led to."""
        if isinstance(condition, Group):
            return Together(condition.every, tuple(self.condition(part, seen) for part in condition.conditions))
        if isinstance(condition, Related):
            steps, there = self.walked(f"{condition.at}.0", condition.path, seen)
            return Reached(steps, self.condition(condition.condition, there), condition.negated)
        return self._compared(condition, seen)

    def _compared(self, comparison: Comparison, seen: Seen | None) -> Test:
        place = self.place(f"{comparison.at}.0", comparison.path, seen)
        if place.kind == "any":
            place = _valued(place, comparison)
        tests = _TESTS.get(place.kind, {})
        if comparison.operator == "filled":
            return Test(place, "filled", (), comparison.negated)
        judge = tests.get(comparison.operator)
        if judge is None:
            raise _unfit(comparison, place, tests)
        try:
            test, slots = judge(self, f"{comparison.at}.2", comparison.value, place)
        except OverflowError:
            raise fault(f"{comparison.at}.2", "is out of range.") from None
        return Test(place, test, tuple(self.slot(kind, value) for kind, value in slots), comparison.negated)


def unknown(at: str, seen: Seen, name: str) -> Refused:
    """The refusal of a name that leads nowhere, or nowhere that the caller sees: in the same words."""
    return fault(at, f"{seen.thing.name} have no field {name!r}.")


def _described(seen: Seen) -> tuple[str, ...]:
    """What the descriptors of a thing's metadata are of."""
    name = seen.table.name
    if name == "entity":
        # Scenes have no columns of their own: what they carry follows those of the other kinds.
        return tuple(KINDS) if seen.thing.kind in (None, "Scene") else (str(seen.thing.kind),)
    return (name.title(),)


def _valued(place: Place, comparison: Comparison) -> Place:
    """Metadata without a column, compared as what the value is."""
    values = comparison.value if isinstance(comparison.value, tuple) else (comparison.value,)
    kind: Kind = "text"
    if comparison.operator in ("in_last", "in_next") or comparison.operator.startswith("in_calendar"):
        kind = "date"
    elif all(isinstance(value, bool) for value in values):
        kind = "boolean"
    elif all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        kind = "number"
    return Place(place.steps, place.field, kind, place.key)


def _unfit(comparison: Comparison, place: Place, tests: Mapping[str, Any]) -> Refused:
    """The refusal of an operator that does not fit its field."""
    path = ".".join(comparison.path)
    known = [
        name
        for name in grammar.OPERATORS
        if name in tests or name.removeprefix("not_") in tests or (name == "is_not" and "is" in tests)
    ]
    known += ["is_null", "is_not_null"]
    return fault(f"{comparison.at}.1", f"{path} is {_A[place.kind]}, which is compared with {', '.join(known)}.")


_A: Mapping[Kind, str] = {
    "text": "a text",
    "number": "a number",
    "boolean": "a boolean",
    "date": "a date",
    "moment": "a date and time",
    "id": "an id",
    "words": "a list of texts",
    "json": "a structure",
    "any": "metadata",
}

# Values by the kind of their field

_Tested = tuple[str, list[Slot]]
_Judging = Callable[[Judge, str, Any, Place], _Tested]


def text_value(at: str, value: Any) -> Any:
    """A text."""
    if not isinstance(value, str):
        raise fault(at, f"{value!r} is not a text.")
    return value


def number_value(at: str, value: Any) -> Any:
    """A number: a whole one, or one with a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fault(at, f"{value!r} is not a number.")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise fault(at, "is out of range.")
    return value


def boolean_value(at: str, value: Any) -> Any:
    """A boolean."""
    if not isinstance(value, bool):
        raise fault(at, f"{value!r} is not true or false.")
    return value


def id_value(at: str, value: Any) -> Any:
    """An id."""
    try:
        return UUID(text_value(at, value))
    except ValueError:
        raise fault(at, f"{value!r} is not an id.") from None


def _span(at: str, value: Any) -> Span:
    try:
        return periods.span_of(text_value(at, value))
    except ValueError:
        raise fault(at, f"{value!r} is no date (YYYY-MM-DD) or date and time (YYYY-MM-DDTHH:MM:SS).") from None


_READERS: Mapping[Kind, Callable[[str, Any], Any]] = {
    "text": text_value,
    "number": number_value,
    "boolean": boolean_value,
    "id": id_value,
    "words": text_value,
}


def _numbered(kind: Kind, values: list[Any]) -> str:
    """The type of the slot of values: numbers are whole as long as all are."""
    if kind == "number" and any(isinstance(value, float) for value in values):
        return "fraction"
    return kind


def _with(test: str) -> _Judging:
    def judge(_: Judge, at: str, value: Any, place: Place) -> _Tested:
        read = _READERS[place.kind](at, value)
        return test, [(_numbered(place.kind, [read]), read)]

    return judge


def _with_list(test: str) -> _Judging:
    def judge(_: Judge, at: str, value: Any, place: Place) -> _Tested:
        values = [_READERS[place.kind](f"{at}.{number}", item) for number, item in enumerate(value)]
        kind = _numbered(place.kind, values)
        return test, [(f"{kind}[]", [float(item) for item in values] if kind == "fraction" else values)]

    return judge


def _within(_: Judge, at: str, value: Any, place: Place) -> _Tested:
    ends = [_READERS[place.kind](f"{at}.{number}", item) for number, item in enumerate(value)]
    kind = _numbered(place.kind, ends)
    return "within", [(kind, end) for end in ends]


def _escaped(text: str) -> str:
    for character in ("\\", "%", "_"):
        text = text.replace(character, f"\\{character}")
    return text


def _like(before: str, after: str) -> _Judging:
    return lambda _, at, value, place: ("like", [("text", f"{before}{_escaped(value)}{after}")])


def _slots_of(place: Place, *moments: datetime) -> list[Slot]:
    """The ends of spans, as the field holds time."""
    if place.kind == "moment":
        return [("moment", moment) for moment in moments]
    days = [moment.date() if moment < datetime.max else date.max for moment in moments]
    return [("text", value.isoformat()) if place.key is not None else ("date", value) for value in days]


def _days(place: Place, at: str, span: Span) -> Span:
    """A span that a date can be in: of whole days."""
    if place.kind == "date" and span.start != periods.day(span.start.date()).start:
        raise fault(at, "is a date and time, and the field holds dates.")
    return span if place.kind == "moment" else Span(span.start, max(span.end, periods.day(span.start.date()).end))


def _read_span(place: Place, at: str, value: Any) -> Span:
    return _days(place, at, _span(at, value))


def _in_span(_: Judge, at: str, value: Any, place: Place) -> _Tested:
    span = _read_span(place, at, value)
    return "span", _slots_of(place, span.start, span.end)


def _before(_: Judge, at: str, value: Any, place: Place) -> _Tested:
    return "less", _slots_of(place, _read_span(place, at, value).start)


def _after(_: Judge, at: str, value: Any, place: Place) -> _Tested:
    return "from", _slots_of(place, _read_span(place, at, value).end)


def _between(_: Judge, at: str, value: Any, place: Place) -> _Tested:
    first, last = (_read_span(place, f"{at}.{number}", item) for number, item in enumerate(value))
    return "span", _slots_of(place, first.start, last.end)


def _in_spans(_: Judge, at: str, value: Any, place: Place) -> _Tested:
    spans = [_read_span(place, f"{at}.{number}", item) for number, item in enumerate(value)]
    starts = _slots_of(place, *(span.start for span in spans))
    ends = _slots_of(place, *(span.end for span in spans))
    return "spans", [(f"{side[0][0]}[]", [value for _, value in side]) for side in (starts, ends)]


def _period(made: Callable[..., Span]) -> _Judging:
    def judge(judge: Judge, at: str, value: Any, place: Place) -> _Tested:
        number, unit = value
        if unit == "HOUR" and place.kind == "date":
            raise fault(f"{at}.1", "HOUR is for dates with a time, and the field holds dates.")
        span = made(judge.clock, number, unit, of_days=place.kind == "date")
        return "span", _slots_of(place, span.start, span.end)

    return judge


def _calendar(unit: str) -> _Judging:
    def judge(judge: Judge, _: str, value: Any, place: Place) -> _Tested:
        span = periods.calendar(judge.clock, unit, value)
        return "span", _slots_of(place, span.start, span.end)

    return judge


_EQUAL: Mapping[str, _Judging] = {"is": _with("equals"), "in": _with_list("among")}
_ORDERED: Mapping[str, _Judging] = {
    **_EQUAL,
    "less_than": _with("less"),
    "greater_than": _with("more"),
    "between": _within,
}
_TIMES: Mapping[str, _Judging] = {
    "is": _in_span,
    "in": _in_spans,
    "less_than": _before,
    "greater_than": _after,
    "between": _between,
    "in_last": _period(periods.last),
    "in_next": _period(periods.coming),
    **{f"in_calendar_{unit}": _calendar(unit) for unit in grammar.BUCKETS},
}
#: The operators of each kind of field, and how each becomes a test.
_TESTS: Mapping[Kind, Mapping[str, _Judging]] = {
    "text": {**_ORDERED, "contains": _like("%", "%"), "starts_with": _like("", "%"), "ends_with": _like("%", "")},
    "number": _ORDERED,
    "boolean": _EQUAL,
    "id": _EQUAL,
    "date": _TIMES,
    "moment": _TIMES,
    "words": {"is": _with("has"), "in": _with_list("overlaps"), "contains": _with("has")},
}


def operators_of(kind: Kind) -> list[str]:
    """The operators that a kind of field is compared with."""
    tests = {name for known in _TESTS.values() for name in known} if kind == "any" else _TESTS.get(kind, {}).keys()
    opposite = [name for name in grammar.OPERATORS if name.removeprefix("not_") in tests or name in tests]
    return [*opposite, *(["is_not"] if "is" in tests else []), "is_null", "is_not_null"]
