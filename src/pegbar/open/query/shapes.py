"""What a thing is, told to whoever asks for it."""

from typing import Any

import msgspec

from pegbar.open.query.judging import operators_of
from pegbar.open.query.sight import Seen


class FieldTold(msgspec.Struct):
    """A field: what it holds, and what it is compared with."""

    name: str
    holds: str
    operators: list[str]


class RelationTold(msgspec.Struct):
    """A relation, what it leads to (null: ids alone), and whether to several rows."""

    name: str
    thing: str | None
    several: bool


class ThingTold(msgspec.Struct):
    """A thing that can be asked for."""

    name: str
    fields: list[FieldTold]
    relations: list[RelationTold]


def described(seen: Seen) -> Any:
    """A thing as its caller sees it."""
    return ThingTold(
        seen.thing.name,
        [FieldTold(str(name), told.kind, operators_of(told.kind)) for name, told in sorted(seen.fields.items())],
        [
            RelationTold(str(name), step.to.name if step.to else None, step.several)
            for name, step in sorted(seen.steps.items())
        ],
    )
