"""What a filter means, in Python: over rows as the Kitsu API shows them to somebody."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from tests.client import Client
from tests.open.query.show import WORDS, Queried

Rows = dict[str, dict[str, Any]]


class World:
    """What somebody is shown of the production."""

    def __init__(self, who: Client, queried: Queried) -> None:
        here = {"project_id": queried.id, "relations": "true"}
        self.tasks = by_id(who.ok_get("/data/tasks", params=here))
        self.entities = by_id(who.ok_get("/data/entities", params=here))
        self.sequences = by_id(who.ok_get(f"{queried.show.path}/sequences"))
        self.statuses = by_id(who.ok_get("/data/task-status"))
        self.types = by_id(who.ok_get("/data/task-types"))

    def values(self, row: dict[str, Any], path: list[str]) -> Iterator[Any]:
        """The values that a path leads to."""
        name, *rest = path
        if name == "data":
            yield (row["data"] or {}).get(".".join(rest))
        elif not rest:
            value = row.get(name)
            yield from value if isinstance(value, list) else [value]
        else:
            for other in self._others(row, name):
                yield from self.values(other, rest)

    def _others(self, row: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
        if name == "tasks":
            yield from (task for task in self.tasks.values() if task["entity_id"] == row["id"])
            return
        rows, key = {
            "task_status": (self.statuses, "task_status_id"),
            "task_type": (self.types, "task_type_id"),
            "entity": (self.entities, "entity_id"),
            "sequence": (self.sequences, "parent_id"),
        }[name]
        if row[key] in rows:
            yield rows[row[key]]


def by_id(rows: list[dict[str, Any]]) -> Rows:
    return {row["id"]: row for row in rows}


# Values as their kind


def number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    return float(value) if re.fullmatch(r"\s*[-+]?\d+(\.\d+)?\s*", str(value)) else None


def boolean(value: Any) -> bool | None:
    return {"true": True, "false": False}.get(str(value).lower())


def text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)


def day(value: Any) -> str | None:
    return str(value)[:10] if re.match(r"\d{4}-\d\d-\d\d", str(value)) else None


def moment(value: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def tags(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value] if isinstance(value, str) else []


def checked(value: Any) -> list[str]:
    return [key for key, on in value.items() if on is True] if isinstance(value, dict) else []


def span(value: str) -> tuple[datetime, datetime]:
    start = datetime.fromisoformat(value)
    return start, start + (timedelta(days=1) if len(value) == 10 else timedelta(seconds=1))


Test = Callable[[Any, Any], bool]
_SAME: dict[str, Test] = {"is": lambda value, wanted: value == wanted, "in": lambda value, wanted: value in wanted}
_ORDER: dict[str, Test] = {
    **_SAME,
    "less_than": lambda value, wanted: value < wanted,
    "greater_than": lambda value, wanted: value > wanted,
    "between": lambda value, wanted: wanted[0] <= value <= wanted[1],
}
_TEXT: dict[str, Test] = {
    **_SAME,
    "contains": lambda value, wanted: wanted.lower() in value.lower(),
    "starts_with": lambda value, wanted: value.lower().startswith(wanted.lower()),
    "ends_with": lambda value, wanted: value.lower().endswith(wanted.lower()),
}
_MOMENT: dict[str, Test] = {
    "is": lambda value, wanted: span(wanted)[0] <= value < span(wanted)[1],
    "in": lambda value, wanted: any(span(item)[0] <= value < span(item)[1] for item in wanted),
    "less_than": lambda value, wanted: value < span(wanted)[0],
    "greater_than": lambda value, wanted: value >= span(wanted)[1],
    "between": lambda value, wanted: span(wanted[0])[0] <= value < span(wanted[1])[1],
}
_LISTS: dict[str, Test] = {
    "is": lambda value, wanted: wanted in value,
    "contains": lambda value, wanted: wanted in value,
    "in": lambda value, wanted: bool(set(value) & set(wanted)),
}

#: How the values of each kind are read, tested and made up.
KINDS: dict[str, tuple[Callable[[Any], Any], dict[str, Test], st.SearchStrategy[Any]]] = {
    "text": (text, _TEXT, st.sampled_from([*WORDS, "a", "%", "_", "\\", "sh", "EM", "' OR 1=1 --", "wip", "retake"])),
    "number": (number, _ORDER, st.sampled_from([0, 1, 2, 2.5, 3, 60, 90.5, -1, 101, 1001])),
    "boolean": (boolean, _SAME, st.booleans()),
    "day": (day, _ORDER, st.sampled_from(["2026-01-05", "2026-02-28", "2026-03-01", "2026-12-31"])),
    "moment": (moment, _MOMENT, st.sampled_from(["2026-03-01", "2026-03-02", "2026-03-02T10:30:00", "2026-11-30"])),
    "tags": (tags, _LISTS, st.sampled_from([*WORDS])),
    "checks": (checked, _LISTS, st.sampled_from(["rigged", "lit"])),
}
_NEGATED = {"is": "is_not", "in": "not_in", "between": "not_between", "contains": "not_contains"}

#: Paths from a task, and from a shot, with what they hold; `*` for those that clients are not told.
TASK = {
    "name": "text",
    "description": "text",
    "priority*": "number",
    "duration*": "number",
    "due_date*": "moment",
    "task_status.short_name": "text",
    "task_type.name": "text",
    "entity.name": "text",
    "entity.data.note": "text",
    "shot.data.effort*": "number",
    "shot.data.approved": "boolean",
    "shot.data.delivery": "day",
    "shot.data.tags": "tags",
    "shot.data.checks": "checks",
    "shot.sequence.name": "text",
    "entity.tasks.task_status.short_name": "text",
    "entity.tasks.priority*": "number",
}
SHOT = {
    "name": "text",
    "data.note": "text",
    "data.effort*": "number",
    "data.tags": "tags",
    "data.frame_in": "number",
    "sequence.name": "text",
    "tasks.task_type.name": "text",
    "tasks.priority*": "number",
    "tasks.due_date*": "moment",
    "tasks.task_status.short_name": "text",
}


def _compared(path: str, kind: str) -> st.SearchStrategy[list[Any]]:
    _, tests, value = KINDS[kind]

    def made(operator: str) -> st.SearchStrategy[list[Any]]:
        taken = {"in": st.lists(value, min_size=1, max_size=3), "between": st.tuples(value, value).map(list)}
        names = [name for name in (operator, _NEGATED.get(operator)) if name]
        return st.tuples(st.just(path), st.sampled_from(names), taken.get(operator, value)).map(list)

    nulls = st.sampled_from([[path, "is_null"], [path, "is_not_null"]])
    return st.one_of(nulls, st.sampled_from(sorted(tests)).flatmap(made))


def filters(paths: dict[str, str], *, client: bool) -> st.SearchStrategy[Any]:
    """Filters about rows with these paths."""
    known = {path.rstrip("*"): kind for path, kind in paths.items() if not (client and path.endswith("*"))}
    one = st.sampled_from(sorted(known.items())).flatmap(lambda item: _compared(*item))
    group = lambda inner: st.fixed_dictionaries(  # noqa: E731
        {"logical_operator": st.sampled_from(["and", "or"]), "conditions": st.lists(inner, max_size=3)}
    )
    return st.recursive(one, group, max_leaves=6)


def holds(world: World, row: dict[str, Any], condition: Any, paths: dict[str, str]) -> bool:
    """Whether a row fulfils a filter."""
    if isinstance(condition, dict):
        results = [holds(world, row, part, paths) for part in condition["conditions"]]
        return all(results) if condition["logical_operator"] == "and" else any(results) or not results
    path, operator, *rest = condition
    read, tests, _ = KINDS[next(kind for name, kind in paths.items() if name.rstrip("*") == path)]
    values = [read(value) for value in _plain(world, row, path)]
    filled = [value for value in values if value not in (None, [])]
    if operator in ("is_null", "is_not_null"):
        return bool(filled) is (operator == "is_not_null")
    opposite = {name: base for base, name in _NEGATED.items()}
    test = tests[opposite.get(operator, operator)]
    return any(test(value, rest[0]) for value in filled) is (operator not in opposite)


def _plain(world: World, row: dict[str, Any], path: str) -> Iterator[Any]:
    steps = ["entity" if step == "shot" else step for step in path.split(".")]
    return world.values(row, steps)
