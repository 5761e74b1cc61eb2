"""What each viewer sees of a person, and whom they see. Source: spec accounts, "Person JSON shapes", "Worth fixing".

- Whole records are for studio managers, and for who manages a production with the person in its team; the salary only
  for managers who did not put the person into that team themselves.
- Production managers get the keys of whole records of everybody else too, without what is personal.
- Clients and vendors see the people of their open productions, others the studio's. The list of names, without more, is
  open to vendors: recorded conversations show that clients of the API get it.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, case, literal_column, or_

from pegbar.accounts import shapes
from pegbar.accounts.standing import CALLER, knows_salary_of, shares_team_with
from pegbar.accounts.tables import person
from pegbar.core.data.wire import JsonText, Wire, json_object
from pegbar.core.http.access import Caller

#: What is personal in a record, and what stands in its place for those who do not manage the person.
_PERSONAL = {
    **dict.fromkeys(
        ("phone", "country", "data", "last_presence", "expiration_date", "ldap_uid", "contract_type", "shotgun_id"),
        "null",
    ),
    "daily_salary": "0",
    **{f"notifications_{name}_userid": '""' for name in ("slack", "mattermost", "discord")},
}
_SALARY = case((knows_salary_of(CALLER, person.c.id), person.c.daily_salary), else_=literal_column("0"))


def _with_departments(wire: Wire, relations: bool) -> Wire:
    return wire.but(departments=shapes.DEPARTMENTS.ids(person)) if relations else wire


def whole_wire(*, relations: bool = True) -> Wire:
    """A person as studio managers see them."""
    return _with_departments(shapes.SAFE, relations)


def managed_wire(*, relations: bool = True) -> Wire:
    """A person as their manager sees them."""
    return _with_departments(shapes.SAFE.but(daily_salary=_SALARY), relations)


def _impersonal_wire(*, relations: bool) -> Wire:
    blanks = {key: literal_column(f"'{blank}'", JsonText()) for key, blank in _PERSONAL.items()}
    return _with_departments(shapes.SAFE.but(**blanks), relations)


def minimal_wire(*, relations: bool) -> Wire:
    """A person as colleagues see them; `departments` is empty where relations are not asked for."""
    if relations:
        return _with_departments(shapes.MINIMAL, relations)
    return shapes.MINIMAL.but(departments=literal_column("'[]'", JsonText()))


#: The person is in a team that the caller manages, by their role in the studio or there.
MANAGED: ColumnElement[bool] = shares_team_with(CALLER, person.c.id, "manager")
#: The person works on an open production of the caller's.
TEAM_MATE: ColumnElement[bool] = shares_team_with(CALLER, person.c.id, only_open=True)
#: The studio roles that see team mates only.
OUTSIDERS = frozenset({"client", "vendor"})


def listed(caller: Caller) -> ColumnElement[bool] | None:
    """The condition on the persons that the caller lists; None for all."""
    return TEAM_MATE if caller.role == "client" else None


@lru_cache
def record(role: str, *, relations: bool = True, manages: bool = True) -> ColumnElement[str]:
    """A person as a caller of this studio role sees them, as JSON; `manages`: some may be in a team of the caller's."""
    if role == "admin":
        return json_object(whole_wire(relations=relations))
    managed = json_object(managed_wire(relations=relations))
    others: dict[str, Any] = {
        "manager": _impersonal_wire(relations=relations),
        "client": shapes.CLIENT,
    }
    wire = others.get(role) or minimal_wire(relations=relations)
    if not manages and role != "manager":
        return json_object(wire)
    # Managers read their own record whole, anybody else reads it where they sign in.
    whole = or_(MANAGED, person.c.id == CALLER.id) if role == "manager" else MANAGED & (person.c.id != CALLER.id)
    return case((whole, managed), else_=json_object(wire)).cast(JsonText())
