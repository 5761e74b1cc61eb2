"""Drawings over a preview: how additions, updates and deletions change them. Pure. Source: spec media, "Annotations".

An entry is `{"time": number, "drawing": {"objects": [{"id": …}, …]}, …}`; times are one when they are equal numbers.
From "Worth fixing": what has no time, or is otherwise no entry, is refused instead of failing.
"""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import msgspec

from pegbar.core.errors import InvalidBody, TooLarge

Entry = dict[str, Any]
Drawn = dict[str, Any]

#: Bytes of all annotations of a preview, as JSON. Each change writes them anew, and whoever reviews it reads them.
LARGEST = 16 * 2**20
#: Seconds: what is later is a mistake.
_LATEST = 1e9


def check(kind: str, entries: list[Entry]) -> None:
    """Refuse entries of additions, updates or deletions that are none, naming each field that is wrong."""
    wrong: list[tuple[str, str]] = []
    for i, entry in enumerate(entries):
        time = entry.get("time")
        if isinstance(time, bool) or not isinstance(time, int | float) or not -_LATEST <= time <= _LATEST:
            wrong.append((f"{kind}.{i}.time", "a number of seconds is required"))
        if kind == "deletions":
            wrong += _wrong_ids(f"{kind}.{i}.objects", entry.get("objects", []))
        else:
            wrong += _wrong_drawing(f"{kind}.{i}.drawing", entry.get("drawing", {}))
    if wrong:
        raise InvalidBody(wrong)


def _wrong_ids(field: str, ids: Any) -> Iterable[tuple[str, str]]:
    if not isinstance(ids, list) or not all(isinstance(object_id, str) for object_id in ids):
        yield field, "a list of ids is required"


def _wrong_drawing(field: str, drawing: Any) -> Iterable[tuple[str, str]]:
    objects = drawing.get("objects", []) if isinstance(drawing, dict) else None
    if not isinstance(objects, list):
        yield (field, "an object is required") if objects is None else (f"{field}.objects", "a list is required")
        return
    for i, drawn in enumerate(objects):
        if not isinstance(drawn, dict):
            yield f"{field}.objects.{i}", "an object is required"
        elif not isinstance(drawn.get("id") or "", str):
            yield f"{field}.objects.{i}.id", "text is required"


def check_size(entries: list[Entry]) -> None:
    """Refuse more than a preview may hold."""
    if len(msgspec.json.encode(entries)) > LARGEST:
        raise TooLarge(f"The annotations of a preview are limited to {LARGEST // 2**20} MB; nothing was changed.")


def objects_of(entry: Entry) -> list[Any]:
    """What is drawn at a time, whatever is stored there."""
    drawing = entry.get("drawing")
    objects = drawing.get("objects") if isinstance(drawing, dict) else None
    return objects if isinstance(objects, list) else []


def entries_of(stored: Any) -> list[Entry]:
    """The entries of what is stored, whatever that is."""
    return [entry for entry in stored if isinstance(entry, dict)] if isinstance(stored, list) else []


def _with_objects(entry: Entry, objects: list[Any]) -> Entry:
    drawing = entry.get("drawing")
    return {**entry, "drawing": {**(drawing if isinstance(drawing, dict) else {}), "objects": objects}}


def _id_of(drawn: Any) -> str | None:
    object_id = drawn.get("id") if isinstance(drawn, dict) else None
    return object_id if isinstance(object_id, str) else None


def changed(stored: Any, additions: list[Entry], updates: list[Entry], deletions: list[Entry]) -> list[Entry]:
    """The entries after additions, then updates, then deletions; those left without an object go."""
    entries = entries_of(stored)
    for addition in additions:
        _add(entries, addition)
    for update in updates:
        _update(entries, update)
    for deletion in deletions:
        _delete(entries, deletion)
    return [entry for entry in entries if objects_of(entry)]


def _at(entries: list[Entry], time: float) -> int | None:
    return next((i for i, entry in enumerate(entries) if _is_at(entry, time)), None)


def _is_at(entry: Entry, time: float) -> bool:
    stored = entry.get("time")
    return not isinstance(stored, bool) and isinstance(stored, int | float) and stored == time


def _named(objects: list[Any]) -> list[Any]:
    """The objects, each with an id."""
    return [
        {**drawn, "id": str(uuid4())} if isinstance(drawn, dict) and not drawn.get("id") else drawn for drawn in objects
    ]


def with_further(objects: list[Any], further: list[Any]) -> list[Any]:
    """The objects, and after them those further ones whose id is new, or who have none: nothing is overwritten."""
    ids = {_id_of(drawn) for drawn in objects}
    new = []
    for drawn in further:
        object_id = _id_of(drawn)
        if object_id is None or object_id not in ids:
            ids.add(object_id)
            new.append(drawn)
    return objects + new


def _add(entries: list[Entry], addition: Entry) -> None:
    added, i = _named(objects_of(addition)), _at(entries, addition["time"])
    if i is None:
        entries.append(_with_objects(addition, with_further([], added)))
    else:
        entries[i] = _with_objects(entries[i], with_further(_named(objects_of(entries[i])), added))


def _update(entries: list[Entry], update: Entry) -> None:
    i = _at(entries, update["time"])
    if i is None:
        return
    objects = objects_of(entries[i])
    for new in objects_of(update):
        object_id = _id_of(new)
        if object_id and any(_id_of(drawn) == object_id for drawn in objects):
            objects = [drawn for drawn in objects if _id_of(drawn) != object_id] + [new]
    entries[i] = _with_objects(entries[i], objects)


def _delete(entries: list[Entry], deletion: Entry) -> None:
    i = _at(entries, deletion["time"])
    if i is not None:
        gone = set(deletion.get("objects", []))
        entries[i] = _with_objects(entries[i], [drawn for drawn in objects_of(entries[i]) if _id_of(drawn) not in gone])
