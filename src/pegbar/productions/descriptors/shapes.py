"""Who sees which metadata columns, and so their values. Source: spec accounts, "descriptor read" and "Isolation"."""

from typing import Any

from sqlalchemy import ColumnElement, Select, any_, case, cast, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from pegbar.core.data.parameters import CALLER_DEPARTMENTS
from pegbar.core.data.schema import Text
from pegbar.productions.tables import department_metadata_descriptor_link, metadata_descriptor

#: Not a parameter: that would be the JSON of the text `{}`.
_NOTHING = literal_column("'{}'::jsonb", JSONB)

FOR_CLIENT = func.coalesce(metadata_descriptor.c.for_client, literal_column("false"))


def _vendors_see() -> ColumnElement[bool]:
    """A descriptor concerns everybody, or one of the caller's departments."""
    link = department_metadata_descriptor_link
    limited: Select[Any] = select(literal_column("1")).where(link.c.metadata_descriptor_id == metadata_descriptor.c.id)
    shared = limited.where(link.c.department_id == any_(CALLER_DEPARTMENTS))
    return or_(~limited.correlate_except(link).exists(), shared.correlate_except(link).exists())


#: The roles that see some descriptors only, and which: clients what is meant for them, vendors what concerns everybody
#: or their departments. What they do not see, they do not see the values of either.
DESCRIPTORS_FOR = {"client": FOR_CLIENT, "vendor": _vendors_see()}


def masked(role: str, data: ColumnElement[Any], *described: ColumnElement[bool]) -> ColumnElement[Any]:
    """SQL: metadata without the values of the columns that the caller, having this role there, does not see.

    `described` chooses the descriptors that are about it.
    """
    hidden = (
        select(metadata_descriptor.c.field_name)
        .where(*described, ~DESCRIPTORS_FOR[role])
        .correlate_except(metadata_descriptor)
        .scalar_subquery()
    )
    shown = data.op("-")(cast(func.array(hidden), ARRAY(Text)))
    return case((func.jsonb_typeof(data) == "object", shown), else_=_NOTHING).cast(JSONB)
