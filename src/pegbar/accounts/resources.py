"""Generic routes of persons and departments. Source: spec crud, "persons", "departments"."""

from pegbar.accounts import shapes
from pegbar.accounts.people import leaving, queries, rules, visibility
from pegbar.accounts.tables import department, department_link, person
from pegbar.core.access import admin, authenticated
from pegbar.core.resource import Access, Change, Resource
from pegbar.studio.tables import hardware_item_department_link, software_department_link


async def _empty(change: Change) -> None:
    """A department that goes leaves its members, licences and hardware; the salary scale goes with it."""
    for link in (department_link, software_department_link, hardware_item_department_link):
        await change.tx.delete(link, department_id=change.row_id)


departments = Resource(
    department,
    path="/data/departments",
    type="Department",
    access=Access(list=authenticated, read=authenticated, create=admin, update=admin, delete=admin),
    deleting=_empty,
    tag="Departments",
)

#: Its routes are people/routes.py's, for who sees what.
persons = Resource(
    person,
    path="/data/persons",
    type="Person",
    relations=(shapes.DEPARTMENTS,),
    wire=shapes.SAFE,
    hidden=shapes.HIDDEN,
    extra_keys=frozenset({"password"}),
    specials={"full_name": queries.FULL_NAME},
    listed=queries.LISTED,
    scope=visibility.listed,
    check=rules.check,
    saved=rules.end_old_sessions,
    deleting=leaving.leave,
    skip=frozenset({"list", "read", "create", "update", "delete"}),
    tag="Persons",
)
