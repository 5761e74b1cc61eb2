"""Reads of people, by who looks. Source: spec accounts, 11; spec crud, "persons"."""

from functools import lru_cache

from sqlalchemy import ARRAY, Executable, any_, exists, func, literal, literal_column, select

from pegbar.accounts import shapes
from pegbar.accounts.people.shapes import TEAM_MATE, minimal_wire, record
from pegbar.accounts.standing import CALLER
from pegbar.accounts.tables import person
from pegbar.core.data.filters import Special, text_list
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text
from pegbar.core.data.wire import Wire
from pegbar.core.http.access import Caller

_PASSWORD = func.convert_from(person.c.password, literal_column("'UTF8'"), type_=Text)

_MINIMAL = {relations: minimal_wire(relations=relations) for relations in (False, True)}
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
FULL_NAME = Special(text_list, shapes.FULL_NAME.element == any_(param("f_full_name", ARRAY(Text))))

#: Preview accounts are in no list.
LISTED = person.c.preview_project_id.is_(None)


def listing_wire(caller: Caller, *, relations: bool, with_password: bool) -> Wire:
    """The keys of a person in lists."""
    if caller.is_admin:
        return SAFE_WITH_PASSWORD if with_password else shapes.SAFE
    if caller.role == "client":
        return shapes.CLIENT
    return _MINIMAL[relations]


@lru_cache(16)
def one_person(role: str, relations: bool) -> Executable:
    """A person as a caller of this studio role sees them, and whether clients and vendors do."""
    row = record(role, relations=relations).label("row")
    visible = (TEAM_MATE | (person.c.id == CALLER.id)).label("visible")
    return select(row, visible).where(person.c.id == param("person_id"))


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
        func.lower(person.c.email) == param("email", Text),
        person.c.is_bot.is_not(True),
        func.coalesce(person.c.id != param("person_id"), literal(True)),
    )
)
