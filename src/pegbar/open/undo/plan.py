"""What takes changes back, and what stands in the way: a pure function of their history and of the rows as they are.

Of each row only what came out in the end matters. A row that they made goes; one that they deleted comes back as it was
before; of one that they changed each column goes back, if it still is what they made of it. Documents are taken back
key by key, so that somebody who filled in another field of the metadata meanwhile is no obstacle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

#: A row of a table: its table, and its id or the text of its key.
Row = tuple[str, str]
Document = Mapping[str, Any]
_MISSING = object()


class Entry(NamedTuple):
    """A change of a row."""

    row: Row
    op: str
    old: Document
    new: Document


class Obstacle(NamedTuple):
    """What keeps a row from being taken back: a field that is different now, or the row itself."""

    row: Row
    reason: str
    field: str | None = None


@dataclass
class Plan:
    """What takes changes back."""

    inserts: dict[Row, Document] = field(default_factory=dict)
    updates: dict[Row, Document] = field(default_factory=dict)
    deletes: list[Row] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)


def plan(entries: Iterable[Entry], rows: Mapping[Row, Document], changed_since: Mapping[Row, Sequence[str]]) -> Plan:
    """What takes the changes back, given in their order.

    `rows`: those that are there, as they are. `changed_since`: the fields that others changed later of the rows.
    """
    by_row: dict[Row, list[Entry]] = {}
    for entry in entries:
        by_row.setdefault(entry.row, []).append(entry)
    made = Plan()
    for row, changes in by_row.items():
        _take_back(made, row, changes, rows.get(row), changed_since.get(row))
    return made


def before(changes: Sequence[Entry]) -> dict[str, Any]:
    """What is known of a row before some changes: the whole of it, if one of them deleted it."""
    known: dict[str, Any] = {}
    for entry in changes:
        if entry.op == "I":
            break
        known = {**entry.old, **known}
        if entry.op == "D":
            break
    return known


def _take_back(
    made: Plan, row: Row, changes: Sequence[Entry], current: Document | None, changed_since: Sequence[str] | None
) -> None:
    was_there, is_there = changes[0].op != "I", changes[-1].op != "D"
    if not is_there:
        if was_there and current is not None:
            made.obstacles.append(Obstacle(row, "it is there again"))
        elif was_there:
            made.inserts[row] = before(changes)
        return
    if current is None:
        made.obstacles.append(Obstacle(row, "it was deleted since"))
        return
    if all(entry.op == "U" for entry in changes):
        _restore_columns(made, row, changes, current)
    elif changed_since is not None:
        made.obstacles += [Obstacle(row, "it was changed since", name) for name in changed_since or [None]]
    elif was_there:
        values = {name: value for name, value in before(changes).items() if current.get(name, _MISSING) != value}
        if values:
            made.updates[row] = values
    else:
        made.deletes.append(row)


def _restore_columns(made: Plan, row: Row, changes: Sequence[Entry], current: Document) -> None:
    old = before(changes)
    new = {name: value for entry in changes for name, value in entry.new.items()}
    values = {}
    for name, value in old.items():
        if value == new.get(name, _MISSING) or current.get(name, _MISSING) == value:
            continue
        if current.get(name, _MISSING) == new.get(name, _MISSING):
            values[name] = value
            continue
        merged, obstacles = _restored_document(value, new.get(name), current.get(name))
        made.obstacles += [Obstacle(row, "it was changed since", f"{name}.{key}" if key else name) for key in obstacles]
        if merged is not None:
            values[name] = merged
    if values:
        made.updates[row] = values


def _restored_document(old: Any, new: Any, current: Any) -> tuple[Document | None, list[str | None]]:
    """A document with those of its keys taken back that were changed; or the keys that others changed since."""
    documents = [{} if document is None else document for document in (old, new, current)]
    if not all(isinstance(document, Mapping) for document in documents):
        return None, [None]
    was, became, now = documents
    merged, obstacles = dict(now), list[str | None]()
    for key in sorted(was.keys() | became.keys()):
        value, seen = was.get(key, _MISSING), now.get(key, _MISSING)
        if value == became.get(key, _MISSING) or seen == value:
            continue
        if seen != became.get(key, _MISSING):
            obstacles.append(key)
        elif value is _MISSING:
            del merged[key]
        else:
            merged[key] = value
    return (None, obstacles) if obstacles else (merged, [])
