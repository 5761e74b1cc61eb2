"""Saved searches and their groups as their owner and the team see them. Source: spec user, "Saved searches".

Visible are one's own, and those shared in a production one is in the team of (all of them for administrators), while
the production is open and the department, if any, is one's own.
"""

from sqlalchemy import ColumnElement, Table, Text, any_, cast, func, literal_column, or_, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by

from pegbar.core.resource import CALLER_DEPARTMENTS, CALLER_ID
from pegbar.core.wire import JsonText, Wire, json_object, json_text, wire_of
from pegbar.productions.tables import project, project_person_link
from pegbar.studio.tables import project_status
from pegbar.workspace.tables import search_filter, search_filter_group

FILTER = wire_of(search_filter, "SearchFilter")
GROUP = wire_of(search_filter_group, "SearchFilterGroup")

_COMMA = literal_column("','", Text)


def visible(table: Table, role: str) -> ColumnElement[bool]:
    """Which rows a caller of this global role sees."""
    open_projects = (
        select(project.c.id)
        .join(project_status, project_status.c.id == project.c.project_status_id)
        .where(project_status.c.name == literal_column("'Open'", Text))
    )
    team = select(project_person_link.c.project_id).where(project_person_link.c.person_id == CALLER_ID)
    shared = table.c.is_shared.is_(True) & (true() if role == "admin" else table.c.project_id.in_(team))
    in_department = or_(table.c.department_id.is_(None), table.c.department_id == any_(CALLER_DEPARTMENTS))
    return (
        or_(table.c.person_id == CALLER_ID, shared)
        & or_(table.c.project_id.is_(None), table.c.project_id.in_(open_projects))
        & (true() if role in ("admin", "manager") else in_department)
    )


def _listing(table: Table, wire: Wire, role: str) -> ColumnElement[str]:
    """`{list_type: {project id or "all": [rows]}}`."""
    order = (table.c.created_at.desc(), table.c.id)
    key = func.coalesce(cast(table.c.project_id, Text), literal_column("'all'", Text))
    rows = (
        select(
            table.c.list_type,
            key.label("place"),
            func.string_agg(json_text(json_object(wire)), aggregate_order_by(_COMMA, *order)).label("rows"),
        )
        .where(visible(table, role))
        .group_by(table.c.list_type, key)
        .subquery()
    )
    place = func.concat(
        literal_column("""'"'"""), rows.c.place, literal_column("""'":['"""), rows.c.rows, literal_column("']'")
    )
    types = (
        select(
            func.concat(
                cast(func.to_json(rows.c.list_type), Text),
                literal_column("':{'"),
                func.string_agg(place, _COMMA),
                literal_column("'}'"),
                type_=Text,
            ).label("pair")
        )
        .group_by(rows.c.list_type)
        .subquery()
    )
    whole = select(
        func.concat(literal_column("'{'"), func.string_agg(types.c.pair, _COMMA), literal_column("'}'"), type_=Text)
    )
    return whole.scalar_subquery().cast(JsonText())


def listing_of_filters(role: str) -> ColumnElement[str]:
    """The saved searches of a caller."""
    return _listing(search_filter, FILTER, role)


def listing_of_groups(role: str) -> ColumnElement[str]:
    """The groups of saved searches of a caller, newest first."""
    return _listing(search_filter_group, GROUP, role)
