"""A task as each role on its production sees it. Source: spec user, "Worth fixing" 4; spec tasks, "Client blanking"."""

from typing import Any

from sqlalchemy import ColumnElement, Text, case, literal_column, or_

from pegbar.core.data.wire import JsonText, Wire, json_text
from pegbar.entities.kinds import ASSET, SPECIAL
from pegbar.entities.metadata import shown_data
from pegbar.entities.task_shapes import blank_of
from pegbar.productions.descriptors.visibility import DESCRIPTORS_FOR, masked
from pegbar.productions.tables import metadata_descriptor
from pegbar.studio.tables import entity_type
from pegbar.tasks.in_context import CALLER_HERE, caller_is
from pegbar.tasks.tables import task


def _word(text: str) -> ColumnElement[str]:
    return literal_column(f"'{text}'", Text)


#: The kind of the entity, which is joined with its type.
_KIND = case((entity_type.c.name.in_([_word(name) for name in SPECIAL]), entity_type.c.name), else_=_word(ASSET))


def _by_role(key: str, value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The value as the caller's role on the production sees it."""
    if (blank := blank_of(key, value)) is not None:
        return case((caller_is("client"), _word(blank)), else_=json_text(value)).cast(JsonText())
    if key in ("data", "entity_data"):
        of_task = (
            metadata_descriptor.c.project_id == task.c.project_id,
            metadata_descriptor.c.entity_type == _word("Task"),
            or_(
                metadata_descriptor.c.task_type_id.is_(None), metadata_descriptor.c.task_type_id == task.c.task_type_id
            ),
        )
        if key == "entity_data":
            return shown_data(_KIND, CALLER_HERE)
        cases = [(caller_is(role), json_text(masked(role, value, *of_task))) for role in DESCRIPTORS_FOR]
        return case(*cases, else_=json_text(value)).cast(JsonText())
    return value


def by_role(wire: Wire) -> Wire:
    """The keys of a task, each as the caller's role on its production sees it. They are read beside `HERE`."""
    return Wire({key: _by_role(key, value) for key, value in wire.items()})
