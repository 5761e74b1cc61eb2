"""Drawings over a preview: how additions, updates and deletions change them. Pure. Source: spec media, "Annotations".

From "Worth fixing": an entry without a time is refused instead of failing.
"""

import copy
from typing import Any
from uuid import uuid4

from pegbar.core.errors import BadRequest

Entry = dict[str, Any]


def check(kind: str, entries: list[Entry]) -> None:
    """Refuse entries that have no time, or whose objects are no list."""
    for i, entry in enumerate(entries):
        if isinstance(entry.get("time"), bool) or not isinstance(entry.get("time"), int | float):
            raise BadRequest(f"{kind}.{i}.time: a number is required.")
        objects = entry.get("objects", []) if kind == "deletions" else _drawing(entry).get("objects", [])
        wanted = str if kind == "deletions" else dict
        if not isinstance(objects, list) or not all(isinstance(drawn, wanted) for drawn in objects):
            raise BadRequest(f"{kind}.{i}: its objects must be a list.")


def _drawing(entry: Entry) -> dict[str, Any]:
    drawing = entry.get("drawing")
    return drawing if isinstance(drawing, dict) else {}


def _objects(entry: Entry) -> list[dict[str, Any]]:
    objects = _drawing(entry).get("objects")
    return objects if isinstance(objects, list) else []


def _named(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The objects, each with an id."""
    return [drawn if drawn.get("id") else {**drawn, "id": str(uuid4())} for drawn in objects]


def _with_objects(entry: Entry, objects: list[dict[str, Any]]) -> Entry:
    return {**entry, "drawing": {**_drawing(entry), "objects": objects}}


def changed(
    stored: list[Entry] | None, additions: list[Entry], updates: list[Entry], deletions: list[Entry]
) -> list[Entry]:
    """The entries after additions, then updates, then deletions; those left without an object go."""
    entries = [copy.deepcopy(drawn) for drawn in stored or [] if isinstance(drawn, dict)]
    for addition in additions:
        _add(entries, addition)
    for update in updates:
        _update(entries, update)
    for deletion in deletions:
        _delete(entries, deletion)
    return [entry for entry in entries if _objects(entry)]


def _at(entries: list[Entry], time: float) -> int | None:
    return next((i for i, entry in enumerate(entries) if entry.get("time") == time), None)


def _add(entries: list[Entry], addition: Entry) -> None:
    added = _named(_objects(addition))
    i = _at(entries, addition["time"])
    if i is None:
        entries.append(_with_objects(addition, added))
        return
    known = _named(_objects(entries[i]))
    ids = {drawn["id"] for drawn in known}
    entries[i] = _with_objects(entries[i], known + [drawn for drawn in added if drawn["id"] not in ids])


def _update(entries: list[Entry], update: Entry) -> None:
    i = _at(entries, update["time"])
    if i is None:
        return
    objects = _objects(entries[i])
    for new in _objects(update):
        if any(drawn.get("id") == new.get("id") for drawn in objects):
            objects = [drawn for drawn in objects if drawn.get("id") != new.get("id")] + [new]
    entries[i] = _with_objects(entries[i], objects)


def _delete(entries: list[Entry], deletion: Entry) -> None:
    i = _at(entries, deletion["time"])
    if i is not None:
        gone = set(deletion.get("objects") or [])
        entries[i] = _with_objects(entries[i], [drawn for drawn in _objects(entries[i]) if drawn.get("id") not in gone])
