"""Reads of departments. Source: spec accounts, the operations on departments."""

from functools import lru_cache

from sqlalchemy import ColumnElement, Executable, Text, func, select

from pegbar.accounts import shapes
from pegbar.accounts.people.shapes import TEAM_MATE, minimal_wire
from pegbar.accounts.tables import department, department_link, person
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Column, Table
from pegbar.core.data.wire import Wire, json_object, wire_of
from pegbar.core.http.access import Caller
from pegbar.studio.tables import hardware_item, hardware_item_department_link, software, software_department_link

_DEPARTMENT = param("department_id")

department_exists = select(department.c.id).where(department.c.id == _DEPARTMENT)

ROWS: dict[Table, Wire] = {
    software: wire_of(software, "Software"),
    hardware_item: wire_of(hardware_item, "HardwareItem"),
}
LINKS: dict[Table, Wire] = {
    software_department_link: wire_of(software_department_link, "SoftwareDepartmentLink"),
    hardware_item_department_link: wire_of(hardware_item_department_link, "HardwareItemDepartmentLink"),
}


_MINIMAL = minimal_wire(relations=True)


def members_wire(caller: Caller) -> Wire:
    """The keys of a member."""
    if caller.is_admin:
        return shapes.SAFE_WITH_DEPARTMENTS
    return shapes.CLIENT if caller.role == "client" else _MINIMAL


@lru_cache(8)
def members(wire: Wire, *, only_team_mates: bool) -> Executable:
    """The people of a department, by name."""
    rows = (
        select(json_object(wire))
        .select_from(person.join(department_link, department_link.c.person_id == person.c.id))
        .where(department_link.c.department_id == _DEPARTMENT, person.c.preview_project_id.is_(None))
        .order_by(person.c.first_name, person.c.last_name, person.c.id)
    )
    return rows.where(TEAM_MATE) if only_team_mates else rows


@lru_cache(4)
def by_department(item: Table, link: Table, item_column: Column[object]) -> Executable:
    """Every department's items, as one object: department id to list of rows."""
    rows: ColumnElement[str] = func.concat("[", func.string_agg(json_object(ROWS[item]), ","), "]", type_=Text)
    lists = (
        select(func.concat('"', link.c.department_id, '":', rows, type_=Text).label("pair"))
        .select_from(link.join(item, item.c.id == item_column))
        .group_by(link.c.department_id)
        .subquery()
    )
    return select(func.concat("{", func.string_agg(lists.c.pair, ","), "}", type_=Text))


@lru_cache(4)
def item_exists(item: Table) -> Executable:
    """Whether there is such a program or machine."""
    return select(item.c.id).where(item.c.id == param("item_id"))


@lru_cache(4)
def item_of_department(item: Table, link: Table, item_column: Column[object]) -> Executable:
    """A program or machine that a department has."""
    return (
        select(json_object(ROWS[item]))
        .select_from(link.join(item, item.c.id == item_column))
        .where(link.c.department_id == _DEPARTMENT, item_column == param("item_id"))
    )


@lru_cache(4)
def link_row(link: Table, item_column: Column[object]) -> Executable:
    """The row that gives a department a program or a machine."""
    return select(json_object(LINKS[link])).where(link.c.department_id == _DEPARTMENT, item_column == param("item_id"))
