"""Which entities a caller lists. Source: spec crud, "Access matrix" and entities; spec entities, "Vendor scoping"."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, exists, func, literal_column, or_, select, true
from sqlalchemy.dialects.postgresql import array

from pegbar.accounts.standing import CALLER, Narrowing, assigned_entities, on
from pegbar.core.http.access import Caller
from pegbar.entities.kinds import CONCEPT, FOLDER, is_none_of
from pegbar.entities.tables import entity

_own_entities = assigned_entities(CALLER)
#: The caller has a task on the entity.
ASSIGNED: ColumnElement[bool] = entity.c.id.in_(_own_entities)


def linked(row: FromClause, from_project_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """SQL: an entity that one of this production is linked to is the caller's to see.

    It is of the same production, shared with all, or of another production that the caller works on.
    """
    there = on(CALLER, row.c.project_id)
    theirs = there.sees_production & there.reaches(row.c.id)
    return or_(row.c.project_id == from_project_id, row.c.is_shared, theirs)


def uses(row: FromClause, asset_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """SQL: an entity that casts this asset is the caller's to see.

    Whoever leads the production of a shared asset is told what uses it elsewhere: they answer for it.
    """
    shared = entity.alias()
    led: Select[Any] = select(literal_column("1")).where(
        shared.c.id == asset_id, shared.c.is_shared, on(CALLER, shared.c.project_id).leads("manager", "supervisor")
    )
    return or_(linked(row, project_of(asset_id)), led.correlate_except(shared).exists())


def project_of(entity_id: ColumnElement[Any]) -> ColumnElement[Any]:
    """SQL: the production of an entity."""
    row = entity.alias()
    return select(row.c.project_id).where(row.c.id == entity_id).correlate_except(row).scalar_subquery()


_below = entity.alias("below")
_between = entity.alias("between")
_and_above = select(func.unnest(array([_below.c.id, _below.c.parent_id]))).where(_below.c.id.in_(_own_entities))
#: The caller has a task on the sequence or on something of it. IS TRUE has all of these looked up once and hashed: as a
#: way to find sequences, they were sorted anew for each row that names one.
ASSIGNED_IN_SEQUENCE: ColumnElement[bool] = entity.c.id.in_(_and_above).is_(true())
#: The caller has a task on the episode, on something of its sequences, or on an asset of it.
ASSIGNED_IN_EPISODE: ColumnElement[bool] = or_(
    ASSIGNED,
    exists(
        select(_below.c.id)
        .join(_between, _between.c.id == _below.c.parent_id)
        .where(_between.c.parent_id == entity.c.id, _below.c.id.in_(_own_entities))
        .correlate(entity)
    ),
    exists(
        select(_below.c.id).where(_below.c.source_id == entity.c.id, _below.c.id.in_(_own_entities)).correlate(entity)
    ),
)
#: Concepts are the studio's own until a picture of them is chosen.
FOR_CLIENTS: ColumnElement[bool] = is_none_of(CONCEPT, FOLDER)

#: Entities of the caller's open productions: for a vendor those with a task of theirs, for a client no concepts.
listed = Narrowing(entity.c.project_id, vendor=ASSIGNED, client=FOR_CLIENTS)
#: The same of all their productions, open and closed.
_of_teams = Narrowing(entity.c.project_id, only_open=False, vendor=ASSIGNED, client=FOR_CLIENTS)


def of_callers(caller: Caller) -> list[ColumnElement[bool]]:
    """The condition on entities that a listing reaches without naming their production; none for studio managers."""
    condition = _of_teams(caller)
    return [] if condition is None else [condition]
