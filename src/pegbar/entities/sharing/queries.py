"""Reads of shared assets. Source: spec entities, "Shared assets"."""

from functools import lru_cache

from sqlalchemy import ColumnElement, Executable, any_, select, true

from pegbar.accounts.standing import CALLER, teams
from pegbar.core.data.parameters import param
from pegbar.core.data.wire import json_object
from pegbar.entities.kinds import ASSET, is_kind
from pegbar.entities.listing import IN_PROJECT, OF_TYPE
from pegbar.entities.metadata import data_for
from pegbar.entities.scopes import ASSIGNED
from pegbar.entities.shapes import row_of_kind
from pegbar.entities.tables import entity, entity_link

AMONG: ColumnElement[bool] = entity.c.id == any_(param("ids"))


def _assets(*conditions: ColumnElement[bool]) -> Executable:
    """Assets with their production, which others leave alone until the transaction ends."""
    rows = select(entity.c.id, entity.c.project_id).where(is_kind(ASSET), *conditions)
    return rows.order_by(entity.c.id).with_for_update(of=entity)


assets = _assets(AMONG)
assets_of_project_among = _assets(AMONG, IN_PROJECT)
assets_of_project = _assets(IN_PROJECT)
assets_of_type = _assets(IN_PROJECT, OF_TYPE)

#: The assets as they are answered.
rows = select(json_object(row_of_kind(ASSET))).where(AMONG)
#: The productions that the caller manages.
managed = teams(CALLER, "manager")

_user = entity.alias("caster")
_above = entity.alias("above")
IN_EPISODE: ColumnElement[bool] = _above.c.parent_id == param("episode_id")


@lru_cache
def used(audience: str, *conditions: ColumnElement[bool]) -> Executable:
    """Shared assets of other productions that entities of this one, below another entity, cast."""
    project_id = param("project_id")
    casts = (
        select(entity_link.c.entity_out_id)
        .join(_user, _user.c.id == entity_link.c.entity_in_id)
        .join(_above, _above.c.id == _user.c.parent_id)
        .where(_user.c.project_id == project_id, *conditions)
    )
    row = row_of_kind(ASSET)
    return select(json_object(row.but(data=data_for(audience, ASSET)))).where(
        is_kind(ASSET),
        ASSIGNED if audience == "vendor" else true(),
        entity.c.is_shared,
        entity.c.canceled.is_not(true()),
        entity.c.project_id != project_id,
        entity.c.id.in_(casts),
    )
