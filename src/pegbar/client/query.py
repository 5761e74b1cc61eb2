"""Queries, written as Python.

    tasks = (
        pegbar.query("tasks")
        .where(field("task_status.short_name").in_(["wfa", "retake"]), field("due_date").in_next(1, "WEEK"))
        .select("name", "entity.name", "assignees.full_name")
        .order_by("-due_date")
    )
    for task in tasks: …

The grammar is the server's (docs/open/query.md): what it does not know it refuses, naming the place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from pegbar.client.calls import Call, Row

Self = TypeVar("Self", bound="QueryBuilder")


@dataclass(frozen=True)
class Filter:
    """A condition on rows. `&` and `|` put several together."""

    condition: Any

    def __and__(self, other: "Filter") -> "Filter":
        return all_of(self, other)

    def __or__(self, other: "Filter") -> "Filter":
        return any_of(self, other)


def all_of(*filters: Filter) -> Filter:
    """All of these hold."""
    return Filter({"logical_operator": "and", "conditions": [part.condition for part in filters]})


def any_of(*filters: Filter) -> Filter:
    """At least one of these holds."""
    return Filter({"logical_operator": "or", "conditions": [part.condition for part in filters]})


class field:  # noqa: N801 - reads as a word
    """A field of the rows, by its path across relations: `field("shot.sequence.name")`, `field("data.effort")`."""

    def __init__(self, path: str) -> None:
        self._path = path

    def compare(self, operator: str, *value: Any) -> Filter:
        """By an operator of the server's grammar."""
        return Filter([self._path, operator, *value])

    def is_(self, value: Any) -> Filter:
        return self.compare("is", value)

    def is_not(self, value: Any) -> Filter:
        return self.compare("is_not", value)

    def in_(self, values: Iterable[Any]) -> Filter:
        return self.compare("in", [*values])

    def not_in(self, values: Iterable[Any]) -> Filter:
        return self.compare("not_in", [*values])

    def is_null(self) -> Filter:
        return self.compare("is_null")

    def is_not_null(self) -> Filter:
        return self.compare("is_not_null")

    def less_than(self, value: Any) -> Filter:
        return self.compare("less_than", value)

    def greater_than(self, value: Any) -> Filter:
        return self.compare("greater_than", value)

    def between(self, least: Any, greatest: Any) -> Filter:
        """Both included."""
        return self.compare("between", [least, greatest])

    def contains(self, text: str) -> Filter:
        return self.compare("contains", text)

    def not_contains(self, text: str) -> Filter:
        return self.compare("not_contains", text)

    def starts_with(self, text: str) -> Filter:
        return self.compare("starts_with", text)

    def ends_with(self, text: str) -> Filter:
        return self.compare("ends_with", text)

    def in_last(self, count: int, unit: str) -> Filter:
        """`unit` is HOUR, DAY, WEEK, MONTH or YEAR."""
        return self.compare("in_last", [count, unit])

    def in_next(self, count: int, unit: str) -> Filter:
        """`unit` is HOUR, DAY, WEEK, MONTH or YEAR."""
        return self.compare("in_next", [count, unit])

    def any(self, *filters: Filter) -> Filter:
        """One of the related rows fulfils all of these."""
        return self.compare("any", [part.condition for part in filters])

    def none(self, *filters: Filter) -> Filter:
        """None of the related rows fulfils all of these."""
        return self.compare("none", [part.condition for part in filters])


@dataclass(frozen=True)
class Page:
    """A page of rows; `next` is the cursor of the one after it."""

    rows: list[Row]
    next: str | None


@dataclass(frozen=True)
class Group:
    """What a summary says of a group of rows: its `key` (by path) and its `values` (`"sum(estimation)": 6240`)."""

    key: Mapping[str, Any]
    values: Mapping[str, Any]


@dataclass(frozen=True)
class QueryBuilder:
    """A query; each method makes another one."""

    client: Any
    thing: str
    filters: tuple[Filter, ...] = ()
    fields: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    size: int = 500  #: rows of a page

    def where(self: Self, *filters: Filter) -> Self:
        """Only rows that fulfil all of these, too."""
        return replace(self, filters=(*self.filters, *filters))

    def select(self: Self, *paths: str) -> Self:
        """These fields, and no others."""
        return replace(self, fields=(*self.fields, *paths))

    def order_by(self: Self, *paths: str) -> Self:
        """By these paths; `-` before one turns it round."""
        return replace(self, sort=(*self.sort, *paths))

    def in_pages_of(self: Self, size: int) -> Self:
        """So many rows at once."""
        return replace(self, size=size)

    def _call(self, read: Any, **more: Any) -> Call[Any]:
        body = {"filters": [part.condition for part in self.filters], **more}
        return Call("POST", f"/open/v1/query/{self.thing}", read, body=body, repeats=True)

    def page_call(self, cursor: str | None, size: int | None = None) -> Call[Page]:
        """A page, from a cursor on."""
        more: dict[str, Any] = {"fields": list(self.fields), "sort": list(self.sort), "cursor": cursor}
        more = {name: value for name, value in more.items() if value}
        return self._call(lambda answer: Page(answer["data"], answer["next"]), limit=size or self.size, **more)

    def summary_call(self, summaries: Sequence[Any], by: Sequence[Any]) -> Call[list[Group]]:
        """Sums of all rows, or by group."""

        def read(answer: Any) -> list[Group]:
            return [Group(row.get("group", {}), row["summary"]) for row in answer["data"]]

        return self._call(read, summaries=list(map(_summary, summaries)), **({"grouping": list(by)} if by else {}))


def _summary(text: Any) -> Any:
    """`sum(estimation)` as the server takes it; what is no text goes as it is."""
    if not isinstance(text, str):
        return text
    kind, _, path = text.partition("(")
    return {"type": kind, **({"field": path.removesuffix(")")} if path else {})}
