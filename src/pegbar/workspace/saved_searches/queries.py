"""Saved searches and their groups as their owner and the team see them. Source: spec user, "Saved searches".

Visible are one's own, and those shared in a production one is in the team of (all of them for administrators), while
the production is open and the department, if any, is one's own.
"""

from functools import lru_cache

from sqlalchemy import (
    ColumnElement,
    Executable,
    Table,
    Text,
    any_,
    cast,
    false,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from pegbar.accounts.standing import CALLER, is_going, on, open_projects, teams
from pegbar.accounts.tables import department
from pegbar.core.data.parameters import CALLER_DEPARTMENTS, CALLER_ID, param
from pegbar.core.data.wire import JsonText, Wire, json_object, json_text, wire_of
from pegbar.productions.tables import project
from pegbar.workspace.tables import search_filter, search_filter_group

FILTER = wire_of(search_filter, "SearchFilter")
GROUP = wire_of(search_filter_group, "SearchFilterGroup")

_COMMA = literal_column("','", Text)


def visible(table: Table, role: str) -> ColumnElement[bool]:
    """Which rows a caller of this global role sees."""
    shared = table.c.is_shared.is_(True) & (true() if role == "admin" else table.c.project_id.in_(teams(CALLER)))
    in_department = or_(table.c.department_id.is_(None), table.c.department_id == any_(CALLER_DEPARTMENTS))
    return (
        or_(table.c.person_id == CALLER_ID, shared)
        & or_(table.c.project_id.is_(None), table.c.project_id.in_(open_projects()))
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


@lru_cache
def filters_of(role: str) -> Executable:
    """The listing of saved searches, for a caller of this global role."""
    return select(listing_of_filters(role))


@lru_cache
def groups_of(role: str) -> Executable:
    """The listing of groups, for a caller of this global role."""
    return select(listing_of_groups(role))


_ROW_ID = param("row_id")

#: One row, to change it and as it is sent.
locked = {
    table: select(table).where(table.c.id == _ROW_ID).with_for_update()
    for table in (search_filter, search_filter_group)
}
one_filter = select(json_object(FILTER)).where(search_filter.c.id == _ROW_ID)
one_group = select(json_object(GROUP)).where(search_filter_group.c.id == _ROW_ID)


@lru_cache
def own_group(of_anybody: bool) -> Executable:
    """A group of the caller's, or of anybody."""
    return one_group if of_anybody else one_group.where(search_filter_group.c.person_id == CALLER_ID)


@lru_cache
def group_to_join(role: str) -> Executable:
    """A group, and whether a caller of this global role may put a filter of the owner's into it.

    It stays, as it is, until the transaction ends.
    """
    group = search_filter_group
    theirs = func.coalesce(group.c.person_id == param("owner_id"), false())
    open_to_them = or_(theirs, visible(group, role)).label("open_to_them")
    return select(group.c.is_shared, open_to_them).where(group.c.id == _ROW_ID).with_for_update(read=True)


#: What the caller is on a production.
_here = on(CALLER, project.c.id)
place = select(_here.in_team.label("in_team"), _here.role.label("role_here")).where(
    project.c.id == param("project_id"), ~is_going(project.c.id)
)

known_department = select(department.c.id).where(department.c.id == param("department_id"))

_group_values = [param("group_id"), param("now")]
#: Shares the filters of a group that was just shared; those of another production leave it and stay private.
share_filters_of = text(
    """
    UPDATE search_filter
       SET is_shared = here, search_filter_group_id = CASE WHEN here THEN search_filter_group_id END, updated_at = :now
      FROM (SELECT f.id, f.project_id IS NULL OR f.project_id = g.project_id AS here
              FROM search_filter f JOIN search_filter_group g ON g.id = f.search_filter_group_id
             WHERE g.id = :group_id) AS each
     WHERE search_filter.id = each.id
    """
).bindparams(*_group_values)
#: Takes back the filters of a group that is no longer shared; those of others leave it, since they do not see it.
unshare_filters_of = text(
    """
    UPDATE search_filter f
       SET is_shared = false, search_filter_group_id = CASE WHEN f.person_id = g.person_id THEN g.id END,
           updated_at = :now
      FROM search_filter_group g
     WHERE g.id = :group_id AND f.search_filter_group_id = g.id
    """
).bindparams(*_group_values)
#: The filters that others put in a group stay when it goes.
unlink_filters_of_others = text(
    """
    UPDATE search_filter f SET search_filter_group_id = NULL, updated_at = :now
      FROM search_filter_group g
     WHERE g.id = :group_id AND f.search_filter_group_id = g.id AND f.person_id IS DISTINCT FROM g.person_id
    """
).bindparams(*_group_values)
