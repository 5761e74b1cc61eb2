"""Generic routes of persons and departments. Source: spec crud, "persons", "departments"."""

from pegbar.accounts import shapes
from pegbar.accounts.tables import department, person
from pegbar.core.access import admin, authenticated, self_or
from pegbar.core.resource import Access, Resource

departments = Resource(
    department,
    path="/data/departments",
    type="Department",
    access=Access(list=authenticated, read=authenticated, create=admin, update=admin, delete=admin),
    tag="Departments",
)

persons = Resource(
    person,
    path="/data/persons",
    type="Person",
    access=Access(
        list=authenticated, read=authenticated, create=admin, update=self_or(admin, "instance_id"), delete=admin
    ),
    relations=(shapes.DEPARTMENTS,),
    wire=shapes.SAFE,
    shape=shapes.person_wire,
    hidden=shapes.HIDDEN,
    skip=frozenset({"create"}),
    tag="Persons",
)
