"""What a query may say: untrusted JSON into conditions, or a refusal that names the place in the JSON and the reason.

    {"logical_operator": "and", "conditions": [["task_status.short_name", "in", ["wfa", "retake"]], …]}

Names are those of ShotGrid's filters. Nothing here knows a thing or its fields: whether a path leads somewhere and a
value fits its field is said in `judging.py`. An operator and its opposite are one comparison: `is_not` holds wherever
`is` does not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pegbar.core.errors import Refused

#: What a query may hold, so that none is too large to be looked at.
MOST_CONDITIONS, DEEPEST_GROUP, MOST_VALUES, LONGEST_TEXT = 200, 10, 2000, 2000
MOST_FIELDS, MOST_SORTS, MOST_SUMMARIES, MOST_GROUPINGS = 100, 5, 20, 5
#: Relations that a path leads across, before its field.
MOST_STEPS = 4
_LONGEST_PATH = 400
_MOST_UNITS = 10_000

Scalar = str | int | float | bool
Unit = Literal["HOUR", "DAY", "WEEK", "MONTH", "YEAR"]
UNITS: tuple[Unit, ...] = ("HOUR", "DAY", "WEEK", "MONTH", "YEAR")
Path = tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """A path compared with a value. Several related rows: it holds for any of them; `negated`, for none."""

    at: str  #: where the JSON says it
    path: Path
    operator: str  #: without its `not_`
    value: Any  #: a scalar or a tuple of them; None where the operator takes none
    negated: bool = False


@dataclass(frozen=True)
class Related:
    """A condition that holds for any of the rows that a path leads to; `negated`, for none."""

    at: str
    path: Path
    condition: "Condition"
    negated: bool = False


@dataclass(frozen=True)
class Group:
    """Conditions of which all hold, or any."""

    at: str
    every: bool
    conditions: tuple["Condition", ...]


Condition = Comparison | Related | Group
#: The condition that every row fulfils.
EVERYTHING = Group("filters", every=True, conditions=())


@dataclass(frozen=True)
class Sort:
    """A path that rows are sorted by."""

    at: str
    path: Path
    descending: bool


@dataclass(frozen=True)
class Summary:
    """What is computed over the rows of a group."""

    at: str
    path: Path
    type: str

    @property
    def key(self) -> str:
        """Its key in the answer."""
        return f"{self.type}({'.'.join(self.path)})"


@dataclass(frozen=True)
class Grouping:
    """What the rows of a group have in common."""

    at: str
    path: Path
    type: str

    @property
    def key(self) -> str:
        """Its key in the answer."""
        return ".".join(self.path)


@dataclass(frozen=True)
class Query:
    """A query as it was sent, well formed."""

    condition: Condition = EVERYTHING
    fields: tuple[tuple[str, Path], ...] = ()  #: where each is said, and the path; none: what the thing's list tells
    sorts: tuple[Sort, ...] = ()
    limit: int | None = None
    cursor: str | None = None
    summaries: tuple[Summary, ...] = ()
    groupings: tuple[Grouping, ...] = ()


def fault(at: str, reason: str) -> Refused:
    """The refusal of what stands at a place of the JSON."""
    return Refused(f"{at}: {reason}", field=at)


# Values


def _is_scalar(value: Any) -> bool:
    return isinstance(value, str | bool | int | float)


def check_text(at: str, text: str, longest: int = LONGEST_TEXT) -> str:
    """A text that PostgreSQL can hold, not longer than it may be."""
    if len(text) > longest:
        raise fault(at, f"a text is limited to {longest} characters.")
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise fault(at, "holds a character that no value has.")
    return text


def _scalar(at: str, value: Any) -> Scalar:
    if not _is_scalar(value):
        raise fault(at, "must be a text, a number or a boolean.")
    if isinstance(value, str):
        check_text(at, value)
    return value  # type: ignore[no-any-return]


def _one(at: str, value: Any, _: "_Count") -> Any:
    return _scalar(at, value)


def _list(at: str, value: Any, count: "_Count") -> Any:
    if not isinstance(value, list) or not value:
        raise fault(at, "must be a list of one value or more.")
    count.values += len(value)
    if count.values > MOST_VALUES:
        raise fault(at, f"the lists of a query hold {MOST_VALUES} values at most.")
    return tuple(_scalar(f"{at}.{place}", item) for place, item in enumerate(value))


def _pair(at: str, value: Any, _: "_Count") -> Any:
    if not isinstance(value, list) or len(value) != 2:
        raise fault(at, "must be a list of two values, the least and the greatest.")
    return tuple(_scalar(f"{at}.{place}", item) for place, item in enumerate(value))


def _text(at: str, value: Any, _: "_Count") -> Any:
    if not isinstance(value, str) or not value:
        raise fault(at, "must be a text.")
    return check_text(at, value)


def _whole(at: str, value: Any, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MOST_UNITS:
        raise fault(at, f"must be a whole number from {least} to {_MOST_UNITS}.")
    return value


def _period(at: str, value: Any, _: "_Count") -> Any:
    if not isinstance(value, list) or len(value) != 2:
        raise fault(at, 'must be a number and a unit, such as [2, "WEEK"].')
    if value[1] not in UNITS:
        raise fault(f"{at}.1", f"must be one of {', '.join(UNITS)}.")
    return _whole(f"{at}.0", value[0], 1), value[1]


def _offset(at: str, value: Any, _: "_Count") -> Any:
    return _whole(at, value, -_MOST_UNITS)


Reading = Callable[[str, Any, "_Count"], Any]

#: The operators that have an opposite, with what they take.
_TAKES: Mapping[str, Reading] = {
    "is": _one,
    "in": _list,
    "between": _pair,
    "contains": _text,
    "in_last": _period,
    "in_next": _period,
}
#: Those without one.
_TAKES_ALONE: Mapping[str, Reading] = {
    "less_than": _one,
    "greater_than": _one,
    "starts_with": _text,
    "ends_with": _text,
    **{f"in_calendar_{unit}": _offset for unit in ("day", "week", "month", "year")},
}
_OPPOSITES = {"is_not": "is", **{f"not_{name}": name for name in _TAKES if name != "is"}}
#: Those that take no value.
_ALONE = ("is_null", "is_not_null")
OPERATORS = (*_TAKES, *_OPPOSITES, *_TAKES_ALONE, *_ALONE)
#: The operators that take a condition about the rows that the path leads to.
RELATED = ("any", "none")


# Conditions


@dataclass
class _Count:
    """How much of a query was read."""

    conditions: int = 0
    values: int = field(default=0)


def path_of(at: str, text: Any) -> Path:
    """The names of a path; what stands behind `data` is one name, of a metadata column."""
    if not isinstance(text, str) or not text:
        raise fault(at, "must be the path of a field, such as task_status.short_name.")
    check_text(at, text, _LONGEST_PATH)
    names = text.split(".")
    if "data" in names[:-1]:
        place = names.index("data")
        names = [*names[: place + 1], ".".join(names[place + 1 :])]
    if not all(names):
        raise fault(at, f"{text!r} is no path: a name is missing.")
    if len(names) - ("data" in names[:-1]) > MOST_STEPS + 1:
        raise fault(at, f"a path leads across {MOST_STEPS} relations at most.")
    return tuple(names)


def _condition(at: str, document: Any, count: _Count, depth: int) -> Condition:
    count.conditions += 1
    if count.conditions > MOST_CONDITIONS:
        raise fault(at, f"a query has {MOST_CONDITIONS} conditions at most.")
    if depth > DEEPEST_GROUP:
        raise fault(at, f"conditions are nested {DEEPEST_GROUP} levels deep at most.")
    if isinstance(document, dict):
        return _group(at, document, count, depth)
    if not isinstance(document, list):
        raise fault(at, "must be a condition, [path, operator, value], or a group of conditions.")
    return _compared(at, document, count, depth)


def _group(at: str, document: dict[Any, Any], count: _Count, depth: int) -> Group:
    unknown = document.keys() - {"logical_operator", "conditions"}
    if unknown:
        raise fault(at, "has the keys logical_operator and conditions only.")
    operator, conditions = document.get("logical_operator", "and"), document.get("conditions")
    if operator not in ("and", "or"):
        raise fault(f"{at}.logical_operator", "must be and or or.")
    if not isinstance(conditions, list):
        raise fault(f"{at}.conditions", "must be a list of conditions.")
    return Group(at, operator == "and", _conditions(f"{at}.conditions", conditions, count, depth))


def _conditions(at: str, conditions: list[Any], count: _Count, depth: int) -> tuple[Condition, ...]:
    return tuple(_condition(f"{at}.{place}", item, count, depth + 1) for place, item in enumerate(conditions))


def _compared(at: str, document: list[Any], count: _Count, depth: int) -> Condition:
    if len(document) not in (2, 3):
        raise fault(at, "must be [path, operator, value].")
    path, operator = path_of(f"{at}.0", document[0]), document[1]
    value = document[2] if len(document) == 3 else None
    if operator not in OPERATORS + RELATED:
        raise fault(f"{at}.1", f"must be one of {', '.join(OPERATORS + RELATED)}.")
    if len(document) == 2 and operator not in _ALONE:
        raise fault(f"{at}.2", "a value is missing.")
    if operator in RELATED:
        condition = _nested(f"{at}.2", value, count, depth)
        return Related(at, path, condition, negated=operator == "none")
    if operator in _ALONE:
        if value is not None:
            raise fault(f"{at}.2", f"{operator} takes no value.")
        return Comparison(at, path, "filled", None, negated=operator == "is_null")
    base, negated = _OPPOSITES.get(operator, operator), operator in _OPPOSITES
    if base == "is" and value is None:
        return Comparison(at, path, "filled", None, negated=not negated)
    read = _TAKES.get(base) or _TAKES_ALONE[base]
    return Comparison(at, path, base, read(f"{at}.2", value, count), negated)


def _nested(at: str, document: Any, count: _Count, depth: int) -> Condition:
    """A condition, a group, or a list of conditions that all hold."""
    if isinstance(document, list) and (not document or isinstance(document[0], list | dict)):
        return Group(at, every=True, conditions=_conditions(at, document, count, depth))
    return _condition(at, document, count, depth + 1)


def parse(filters: Any, at: str = "filters") -> Condition:
    """The condition of a filter: a group, or a list of conditions that all hold. Raises Refused naming the place."""
    if filters is None:
        return EVERYTHING
    return _nested(at, filters, _Count(), 0)


# Queries

_KEYS = frozenset({"filters", "fields", "sort", "limit", "cursor", "summaries", "grouping"})
SUMMARIES = ("count", "count_distinct", "sum", "average", "min", "max")
BUCKETS = ("day", "week", "month", "year")


def parse_query(document: Mapping[str, Any]) -> Query:
    """A query from the document of its request. Raises Refused naming the place in it."""
    for key in document:
        if key not in _KEYS:
            raise fault(str(key)[:40], f"is no part of a query, which has {', '.join(sorted(_KEYS))}.")
    query = Query(
        condition=parse(document.get("filters")),
        fields=tuple(
            (f"fields.{place}", path_of(f"fields.{place}", text))
            for place, text in enumerate(_listed(document, "fields", MOST_FIELDS))
        ),
        sorts=_sorts(document),
        limit=_limit(document.get("limit")),
        cursor=_cursor(document.get("cursor")),
        summaries=tuple(
            _summary(f"summaries.{place}", item)
            for place, item in enumerate(_listed(document, "summaries", MOST_SUMMARIES))
        ),
        groupings=tuple(
            _grouping(f"grouping.{place}", item)
            for place, item in enumerate(_listed(document, "grouping", MOST_GROUPINGS))
        ),
    )
    if query.groupings and not query.summaries:
        raise fault("grouping", "goes with summaries: say what is computed over each group.")
    if query.summaries and (query.fields or query.cursor):
        raise fault("fields" if query.fields else "cursor", "does not go with summaries.")
    return query


def _listed(document: Mapping[str, Any], key: str, most: int) -> list[Any]:
    items = document.get(key)
    if items is None:
        return []
    if isinstance(items, str):
        items = [part.strip() for part in check_text(key, items, most * _LONGEST_PATH).split(",")]
    if not isinstance(items, list):
        raise fault(key, "must be a list.")
    if len(items) > most:
        raise fault(key, f"has {most} entries at most.")
    return items


def _sorts(document: Mapping[str, Any]) -> tuple[Sort, ...]:
    sorts = []
    for place, text in enumerate(_listed(document, "sort", MOST_SORTS)):
        at = f"sort.{place}"
        descending = isinstance(text, str) and text.startswith("-")
        sorts.append(Sort(at, path_of(at, text[1:] if descending else text), descending))
    if len({sort.path for sort in sorts}) < len(sorts):
        raise fault("sort", "names a path twice.")
    return tuple(sorts)


def _limit(limit: Any) -> int | None:
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise fault("limit", "must be a whole number from 1.")
    return limit


def _cursor(cursor: Any) -> str | None:
    if cursor is not None and not isinstance(cursor, str):
        raise fault("cursor", "must be the text that the page before gave as next.")
    return None if cursor is None else check_text("cursor", cursor, 400_000)


def _summary(at: str, item: Any) -> Summary:
    document = _object(at, item, {"field", "type"})
    if document.get("type") not in SUMMARIES:
        raise fault(f"{at}.type", f"must be one of {', '.join(SUMMARIES)}.")
    return Summary(at, path_of(f"{at}.field", document.get("field", "id")), document["type"])


def _grouping(at: str, item: Any) -> Grouping:
    if isinstance(item, str):
        return Grouping(at, path_of(at, item), "exact")
    document = _object(at, item, {"field", "type"})
    kind = document.get("type", "exact")
    if kind != "exact" and kind not in BUCKETS:
        raise fault(f"{at}.type", f"must be exact or one of {', '.join(BUCKETS)}.")
    return Grouping(at, path_of(f"{at}.field", document.get("field")), kind)


def _object(at: str, item: Any, keys: set[str]) -> dict[str, Any]:
    if not isinstance(item, dict) or item.keys() - keys:
        raise fault(at, f"must be an object with the keys {' and '.join(sorted(keys))}.")
    return item
