"""Reads about days off, as far as the caller may see them. Source: spec accounts, "Day-off visibility".

Whoever manages a production with the person in its team sees everything; a supervisor of one sees when, not why, and
only of people without a department or who share one; the person and administrators see everything.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    Text,
    any_,
    case,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from pegbar.accounts.standing import CALLER, members, shares_team_with
from pegbar.accounts.tables import department_link, person
from pegbar.core.data.parameters import CALLER_DEPARTMENTS, CALLER_ID, param
from pegbar.core.data.wire import JsonText, json_object, wire_of
from pegbar.planning.tables import day_off

_PERSON_ID = param("person_id")
_FIRST, _LAST = param("first_day"), param("last_day")

FULL = wire_of(day_off, "DayOff")
#: Without the reason.
PLAIN = FULL.but("description")


def _shares_department(person_id: ColumnElement[Any]) -> ColumnElement[bool]:
    shared: Select[Any] = select(literal_column("1")).where(
        department_link.c.person_id == person_id, department_link.c.department_id == any_(CALLER_DEPARTMENTS)
    )
    return or_(func.cardinality(CALLER_DEPARTMENTS) == 0, shared.exists())


def sees_all(person_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """SQL: a caller who is no administrator sees when and why a person is away."""
    return or_(person_id == CALLER_ID, shares_team_with(CALLER, person_id, "manager"))


def sees_dates(person_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """SQL: a caller who is no administrator sees when a person is away."""
    return or_(sees_all(person_id), shares_team_with(CALLER, person_id, "supervisor") & _shares_department(person_id))


def _row(admin: bool) -> ColumnElement[str]:
    if admin:
        return json_object(FULL)
    return case((sees_all(day_off.c.person_id), json_object(FULL)), else_=json_object(PLAIN)).cast(JsonText())


def _visible(admin: bool) -> Select[Any]:
    rows = select(_row(admin)).select_from(day_off)
    return rows if admin else rows.where(sees_dates(day_off.c.person_id))


_OVERLAPS = (day_off.c.date <= _LAST) & (day_off.c.end_date >= _FIRST)
_IN_ORDER = (day_off.c.date, day_off.c.id)


@lru_cache
def of_person(admin: bool, within: bool) -> Executable:
    """The days off of a person, all or those that overlap a period."""
    rows = _visible(admin).where(day_off.c.person_id == _PERSON_ID).order_by(*_IN_ORDER)
    return rows.where(_OVERLAPS) if within else rows


@lru_cache
def of_everybody(admin: bool) -> Executable:
    """The days off of everybody that overlap a period."""
    return _visible(admin).where(_OVERLAPS).order_by(*_IN_ORDER)


@lru_cache
def one(admin: bool) -> Executable:
    """A day off by its id."""
    return _visible(admin).where(day_off.c.id == param("day_off_id"))


#: Whose days off are asked for: no row if there is nobody.
SUBJECT = select(person.c.is_bot, sees_dates(person.c.id).label("visible")).where(person.c.id == _PERSON_ID)


@lru_cache
def of_team(full: bool, since: bool, until: bool) -> Executable:
    """The days off of the members of a team as one JSON object, by person; whole for managers and for oneself."""
    own = case((day_off.c.person_id == CALLER_ID, json_object(FULL)), else_=json_object(PLAIN))
    row = json_object(FULL) if full else own.cast(JsonText())
    team = members(param("project_id"))
    rows = select(day_off.c.person_id, row.label("row"), day_off.c.date).where(day_off.c.person_id.in_(team))
    if since:
        rows = rows.where(day_off.c.end_date >= _FIRST)
    if until:
        rows = rows.where(day_off.c.date <= _LAST)
    listed = rows.subquery()
    comma, quote = literal_column("','", Text), literal_column("'\"'", Text)
    items = func.string_agg(listed.c.row, aggregate_order_by(comma, listed.c.date))
    key = quote.concat(listed.c.person_id.cast(Text)).concat(literal_column("'\":['", Text))
    by_person = (
        select(key.concat(items).concat(literal_column("']'", Text)).label("pair"))
        .group_by(listed.c.person_id)
        .subquery()
    )
    pairs = func.coalesce(func.string_agg(by_person.c.pair, comma), literal_column("''", Text))
    return select(literal_column("'{'", Text).concat(pairs).concat(literal_column("'}'", Text)))
