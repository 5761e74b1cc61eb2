"""Which events a reader of the feed is told: by name, by production, by the thing they are about.

The same rule is written twice: in SQL for what is read from the log, in Python for what is told as it happens. A test
holds them together.
"""

import re
from functools import cached_property
from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.errors import BadRequest

_MOST_NAMES = 50
_NAME = re.compile(r"[a-z0-9_:*-]{1,80}")
_THING = re.compile(r"[a-z][a-z_-]{0,39}")


class Asked(msgspec.Struct):
    """A filter as callers write it: `name` may be repeated, and hold commas."""

    name: list[str] = []
    project_id: str | None = None
    thing: str | None = None
    id: str | None = None


class Filter(msgspec.Struct, frozen=True, dict=True):
    """Which events: one of `names` (globs; none for all), of a production, about a thing."""

    names: tuple[str, ...] = ()
    project_id: UUID | None = None
    thing: str | None = None
    id: UUID | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        """What CONDITION asks for."""
        return {
            "patterns": [_like(name) for name in self.names],
            "only_project": self.project_id,
            "thing_id": None if self.id is None else str(self.id),
            "thing_key": self.key,
        }

    @property
    def key(self) -> str | None:
        """The key of a payload that names the thing; None for any."""
        return None if self.thing is None or self.thing == "entity" else f"{self.thing.replace('-', '_')}_id"

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(re.escape(name).replace(r"\*", ".*") for name in self.names) or ".*")

    def matches(self, name: str, project_id: UUID | None, payload: str) -> bool:
        """Whether an event is one of these."""
        if not self._pattern.fullmatch(name) or (self.project_id is not None and self.project_id != project_id):
            return False
        if self.id is None:
            return True
        thing_id = str(self.id)
        if f'"{thing_id}"' not in payload:
            return False
        return self.key is None or msgspec.json.decode(payload).get(self.key) == thing_id


def _like(name: str) -> str:
    return name.replace("_", r"\_").replace("*", "%")


#: Of the event `o`, by the parameters of a Filter (lists in subqueries of their own: core/data/compiled.py).
CONDITION = """
    coalesce((cardinality((SELECT :patterns ::text[])) = 0 OR o.name LIKE ANY ((SELECT :patterns ::text[])::text[]))
    AND (:only_project ::uuid IS NULL OR o.project_id = :only_project ::uuid)
    AND (:thing_id ::text IS NULL
         OR (o.payload LIKE '%"' || :thing_id ::text || '"%'
             AND (:thing_key ::text IS NULL OR o.payload::jsonb ->> :thing_key ::text = :thing_id ::text))),
    false)
"""


def read(asked: Asked) -> Filter:
    """The filter that somebody wrote. Raises BadRequest naming the field."""
    names = [name.strip() for given in asked.name for name in given.split(",") if name.strip()]
    if len(names) > _MOST_NAMES:
        raise BadRequest(f"name: at most {_MOST_NAMES} names.")
    for name in names:
        if not _NAME.fullmatch(name):
            raise BadRequest(f"name: {name!r} is no name of an event, nor a pattern of such names (task:*).")
    if asked.thing is not None and not _THING.fullmatch(asked.thing):
        raise BadRequest(f"thing: {asked.thing!r} is none. It is a word such as task, shot or comment.")
    if (asked.thing is None) != (asked.id is None):
        raise BadRequest("thing and id belong together: thing=task&id=…")
    project_id = None if asked.project_id is None else _id("project_id", asked.project_id)
    return Filter(tuple(names), project_id, asked.thing, None if asked.id is None else _id("id", asked.id))


def _id(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadRequest(f"{name}: {text!r} is not an id.") from None
