"""The metadata of entities and tasks as each role sees it. Source: spec accounts, "Isolation".

Whoever does not see a metadata column (`DESCRIPTORS_FOR`) does not see its values either, wherever they are told.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, FromClause, case, literal_column, or_
from sqlalchemy.dialects.postgresql import JSONB

from pegbar.accounts.standing import CALLER, Standing, on
from pegbar.core.data.schema import Text
from pegbar.entities import events
from pegbar.entities.kinds import SCENE
from pegbar.entities.scopes import project_of
from pegbar.entities.tables import entity, entity_version
from pegbar.productions.descriptors.shapes import DESCRIPTORS_FOR, masked
from pegbar.productions.hooks import VALUES_CHANGED, ChangedValues
from pegbar.productions.tables import metadata_descriptor


@lru_cache
def masked_data(role: str, kind: str | ColumnElement[str], row: FromClause = entity) -> ColumnElement[Any]:
    """SQL: the metadata of an entity of this kind, as somebody of a role sees it."""
    of_project = metadata_descriptor.c.project_id == row.c.project_id
    # Scenes have no columns of their own: what they carry follows those of the other kinds.
    of_scene = literal_column(f"'{SCENE}'", Text) == kind
    return masked(role, row.c.data, of_project, or_(metadata_descriptor.c.entity_type == kind, of_scene))


@lru_cache
def version_data_for(audience: str, kind: str) -> ColumnElement[Any]:
    """SQL: the metadata of a version of an entity of this kind, for `client`, `vendor` or `studio`."""
    data = entity_version.c.data
    if audience == "studio":
        return data
    of_project = metadata_descriptor.c.project_id == project_of(entity_version.c.entity_id)
    return masked(audience, data, of_project, metadata_descriptor.c.entity_type == kind)


def shown_data(
    kind: str | ColumnElement[str], here: Standing, whole: ColumnElement[Any] = entity.c.data
) -> ColumnElement[Any]:
    """SQL: the same by what the caller is on the production of each entity; `whole` for the studio's people."""
    cases = [(here.has_role(role), masked_data(role, kind)) for role in DESCRIPTORS_FOR]
    return case(*cases, else_=whole).cast(JSONB)


@lru_cache
def data_for(
    audience: str, kind: str | ColumnElement[str], whole: ColumnElement[Any] = entity.c.data
) -> ColumnElement[Any]:
    """SQL: the same for an audience (`task_shapes.audience`)."""
    if audience == "mixed":
        return shown_data(kind, on(CALLER, entity.c.project_id), whole)
    return whole if audience == "studio" else masked_data(audience, kind)


@VALUES_CHANGED.register()
async def tell_changed_values(changed: ChangedValues) -> None:
    """Tell of each entity whose values moved or went with a column, so that clients read it again.

    Source: spec projects, "Worth fixing" 8.
    """
    if changed.entity_type in events.UPDATE:
        for row in changed.rows:
            events.emit(changed.tx, events.UPDATE, changed.entity_type, row["project_id"], row["id"])
