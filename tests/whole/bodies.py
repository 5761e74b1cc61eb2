"""Values and bodies for the columns of any table, and the resources that there are."""

import gc
from typing import Any
from uuid import uuid4

from sqlalchemy import ARRAY, Boolean, Date, Float, Integer, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from pegbar.app import load_domains
from pegbar.core.data.resource import Resource
from pegbar.core.data.schema import choices_of
from tests.client import unique

load_domains()
#: Every declaration of generic routes.
RESOURCES = sorted((each for each in gc.get_objects() if isinstance(each, Resource)), key=lambda each: each.path)


def value_for(column: Any) -> Any:
    """Something that a column takes and seldom holds."""
    if choices := choices_of(column):
        return choices[-1]
    kind = column.type
    simple: dict[Any, Any] = {
        Uuid: str(uuid4()),
        Boolean: True,
        Integer: 7,
        Float: 7.0,
        Date: "2032-02-03",
        TIMESTAMP: "2032-02-03T04:05:06",
    }
    for known, value in simple.items():
        if isinstance(kind, known):
            return value
    if isinstance(kind, String):
        return unique("x")[-(kind.length or 20) :]
    assert isinstance(kind, JSONB | ARRAY), column
    return ["x"]
