"""The people whom the context lists, by who looks. Source: spec user, `persons` of the context and "Worth fixing" 5, 6.

Whoever manages a team, by their role in the studio or there, sees whole records of its members. Production managers
get the keys of whole records for everybody, without what is personal in those of others. Vendors and clients see the
people they work with.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal_column, or_, select

from pegbar.accounts.shapes import CLIENT, DEPARTMENTS, FULL_NAME, MINIMAL, SAFE_WITH_DEPARTMENTS
from pegbar.accounts.tables import person
from pegbar.core.resource import CALLER_ID, CALLER_ROLE
from pegbar.core.schema import Text
from pegbar.core.wire import JsonText, json_list, json_object
from pegbar.productions.tables import project, project_person_link
from pegbar.studio.tables import project_status

#: What is personal in a record, and what stands in its place for those who do not manage the person.
_PERSONAL = {
    "phone": "null",
    "country": "null",
    "data": "null",
    "last_presence": "null",
    "expiration_date": "null",
    "ldap_uid": "null",
    "daily_salary": "0",
    **{f"notifications_{name}_userid": '""' for name in ("slack", "mattermost", "discord")},
}
_MINIMAL = MINIMAL.but(departments=DEPARTMENTS.ids(person))
_IMPERSONAL = SAFE_WITH_DEPARTMENTS.but(
    **{key: literal_column(f"'{blank}'", JsonText()) for key, blank in _PERSONAL.items()}
)

_mine, _theirs = project_person_link.alias("mine"), project_person_link.alias("theirs")


def _mates() -> Select[Any]:
    """The ids of those who share a team with the caller."""
    shared = _mine.join(_theirs, _theirs.c.project_id == _mine.c.project_id)
    return select(_theirs.c.person_id).select_from(shared).where(_mine.c.person_id == CALLER_ID)


_OPEN = (
    select(project.c.id)
    .join(project_status, project_status.c.id == project.c.project_status_id)
    .where(project_status.c.name == literal_column("'Open'", Text))
)
_IN_OPEN_TEAMS = person.c.id.in_(_mates().where(_mine.c.project_id.in_(_OPEN)))
_role_there = func.coalesce(func.nullif(_mine.c.role, literal_column("'admin'", Text)), CALLER_ROLE, type_=Text)
#: Oneself, and the teams that the caller manages.
_MANAGED = or_(
    person.c.id == CALLER_ID, person.c.id.in_(_mates().where(_role_there == literal_column("'manager'", Text)))
)
_LISTED = (person.c.is_guest.is_(False), person.c.preview_project_id.is_(None))


def colleagues(role: str) -> ColumnElement[str]:
    """The people whom a caller of this global role is shown, as a JSON array. Takes `scope_parameters`."""
    if role == "client":
        mates = select(json_object(CLIENT)).where(_IN_OPEN_TEAMS)
        return json_list(mates.order_by(FULL_NAME, person.c.id))
    whole = json_object(SAFE_WITH_DEPARTMENTS)
    if role == "admin":
        return json_list(select(whole).where(*_LISTED))
    if role == "vendor":
        return json_list(select(json_object(_MINIMAL)).where(*_LISTED, or_(_IN_OPEN_TEAMS, person.c.id == CALLER_ID)))
    others = json_object(_IMPERSONAL if role == "manager" else _MINIMAL)
    managed = _MANAGED if role == "manager" else _MANAGED & (person.c.id != CALLER_ID)
    row: ColumnElement[str] = case((managed, whole), else_=others).cast(JsonText())
    return json_list(select(row).where(*_LISTED))
