"""Generic routes of persons and departments. Source: spec crud, "persons", "departments"."""

from pegbar.accounts.tables import department
from pegbar.core.access import admin, authenticated
from pegbar.core.resource import Access, Resource

departments = Resource(
    department,
    path="/data/departments",
    type="Department",
    access=Access(list=authenticated, read=authenticated, create=admin, update=admin, delete=admin),
    tag="Departments",
)
