"""Lists of entries that two people change at once: nobody's addition is lost. Pure.

A list is sent whole. Entries that somebody else added since its sender read the playlist are not in it, and would go
without anybody having removed them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from pegbar.review.entries import as_uuid, entity_of

Couple = tuple[UUID | None, UUID | None]


def couple_of(entry: Mapping[str, Any]) -> Couple:
    """What makes an entry the same as another: its entity and its preview."""
    return as_uuid(entity_of(entry)), as_uuid(entry.get("preview_file_id"))


def added(before: Sequence[Any], after: Sequence[Any]) -> list[Couple]:
    """The couples that a change adds. An entry that is only shown in another preview is none: its entity was there."""
    were, are = _couples(before), _couples(after)
    room = Counter(of for of, _ in are)
    room.subtract(Counter(of for of, _ in were))
    known = set(were)
    new = []
    for couple in reversed(are):
        if couple not in known and couple[0] is not None and room[couple[0]] > 0:
            room[couple[0]] -= 1
            known.add(couple)
            new.append(couple)
    return new[::-1]


def merged(sent: Sequence[Any], stored: Sequence[Any], unseen: set[Couple]) -> list[Any]:
    """What was sent, with the stored entries that its sender had not seen.

    Each comes behind the nearest of those stored before it that was sent too; at the start when none was.
    """
    places = {couple_of(entry): i for i, entry in enumerate(sent) if isinstance(entry, dict)}
    behind: dict[int, list[Any]] = {}
    place = -1
    for entry in stored:
        if not isinstance(entry, dict):
            continue
        couple = couple_of(entry)
        if couple in places:
            place = places[couple]
        elif couple in unseen:
            behind.setdefault(place, []).append(entry)
    merging = behind.get(-1, [])
    for i, entry in enumerate(sent):
        merging += [entry, *behind.get(i, [])]
    return merging


def _couples(entries: Sequence[Any]) -> list[Couple]:
    return [couple_of(entry) for entry in entries if isinstance(entry, dict)]
