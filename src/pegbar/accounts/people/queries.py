"""Reads of people, by who looks. Source: spec accounts, 11; spec crud, "persons"."""

from functools import lru_cache

from sqlalchemy import ARRAY, Executable, any_, bindparam, exists, func, literal, literal_column, or_, select

from pegbar.accounts import shapes
from pegbar.accounts.tables import person
from pegbar.core.access import Caller
from pegbar.core.filters import Special, text_list
from pegbar.core.resource import CALLER_ID
from pegbar.core.schema import Text, Uuid
from pegbar.core.wire import JsonText, Wire, json_object
from pegbar.productions.tables import project, project_person_link
from pegbar.studio.tables import project_status

_PASSWORD = func.convert_from(person.c.password, literal_column("'UTF8'"), type_=Text)

#: Minimal records say `departments: []` where relations are not asked for.
MINIMAL_ALONE = shapes.MINIMAL.but(departments=literal_column("'[]'", JsonText()))
SAFE_WITH_PASSWORD = shapes.SAFE.but(password=_PASSWORD)

#: Columns that others than administrators may filter on.
FILTERS = frozenset(
    {
        "id",
        "first_name",
        "last_name",
        "full_name",
        "has_avatar",
        "active",
        "departments",
        "studio_id",
        "role",
        "desktop_login",
        "email",
        "is_bot",
        "is_guest",
    }
)

#: `full_name` as a filter: one name, or a JSON list of them.
FULL_NAME = Special(text_list, shapes.FULL_NAME.element == any_(bindparam("f_full_name", type_=ARRAY(Text))))

_theirs = project_person_link.alias("theirs")
_mine = project_person_link.alias("mine")
#: Whether a person works on an open production of the caller's.
TEAM_MATE = exists().where(
    _theirs.c.person_id == person.c.id,
    _mine.c.project_id == _theirs.c.project_id,
    _mine.c.person_id == CALLER_ID,
    project.c.id == _theirs.c.project_id,
    project_status.c.id == project.c.project_status_id,
    project_status.c.name == "Open",
)
#: Preview accounts are in no list.
LISTED = person.c.preview_project_id.is_(None)


def listing_wire(caller: Caller, *, relations: bool, with_password: bool) -> Wire:
    """The keys of a person in lists."""
    if caller.is_admin:
        return SAFE_WITH_PASSWORD if with_password else shapes.SAFE
    if caller.role == "client":
        return shapes.CLIENT
    return shapes.MINIMAL if relations else MINIMAL_ALONE


def reading_wire(caller: Caller, *, relations: bool) -> Wire:
    """The keys of a single person."""
    if caller.role in ("admin", "manager"):
        return shapes.SAFE_WITH_DEPARTMENTS if relations else shapes.SAFE
    if caller.role == "client":
        return shapes.CLIENT
    return MINIMAL_WITH_DEPARTMENTS if relations else MINIMAL_ALONE


MINIMAL_WITH_DEPARTMENTS = shapes.MINIMAL.but(departments=shapes.DEPARTMENTS.ids(person))


@lru_cache(16)
def one_person(wire: Wire) -> Executable:
    """A person, and whether a client may see them."""
    row = json_object(wire).label("row")
    visible = or_(TEAM_MATE, person.c.id == CALLER_ID).label("visible")
    return select(row, visible).where(person.c.id == bindparam("person_id", type_=Uuid))


#: How many people count against the user limit.
seats_taken = (
    select(func.count())
    .select_from(person)
    .where(
        person.c.active.is_not(False),
        person.c.is_bot.is_not(True),
        person.c.is_guest.is_not(True),
        person.c.preview_project_id.is_(None),
    )
)
#: Whether another human has an address.
address_taken = select(
    exists().where(
        func.lower(person.c.email) == bindparam("email", type_=Text),
        person.c.is_bot.is_not(True),
        func.coalesce(person.c.id != bindparam("person_id", type_=Uuid), literal(True)),
    )
)
