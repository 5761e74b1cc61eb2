"""Routes of metadata descriptors. Source: spec projects; spec crud, "metadata-descriptors"."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request
from msgspec import Meta

from pegbar.core.data import filters
from pegbar.core.data.database import Database, Json, Reader, Transaction
from pegbar.core.data.resource import list_rows
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, authenticated, global_manager, manager_of, member_of, require, supervisor_of
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import delete, found, get, post, put
from pegbar.productions.descriptors import actions, everywhere, queries
from pegbar.productions.descriptors.actions import department_ids
from pegbar.productions.events import DESCRIPTOR_DELETED, DESCRIPTOR_NEW, DESCRIPTOR_UPDATED
from pegbar.productions.resources import metadata_descriptors

_AT = "/data/projects/{project_id:uuid}/metadata-descriptors"
_ONE = f"{_AT}/{{metadata_descriptor_id:uuid}}"
_EVERYWHERE = "/data/metadata-descriptors/all-projects"
_FIELD = f"{_EVERYWHERE}/{{field_name:str}}"
_TAG = "Metadata descriptors"

Name = Annotated[str, Meta(min_length=1, max_length=120)]


class Settings(Strict, kw_only=True):
    """How a column is shown, and to whom. What is left out of a change goes back to its default."""

    data_type: str = "string"
    for_client: bool = False
    choices: list[str] = msgspec.field(default_factory=list)
    departments: list[str] = msgspec.field(default_factory=list)

    @property
    def columns(self) -> dict[str, Any]:
        """The columns written."""
        return {"data_type": self.data_type, "for_client": self.for_client, "choices": self.choices}


class NewDescriptor(Settings, kw_only=True):
    """A column of a production's boards, for a kind of rows (`Task`: with the task type)."""

    name: Name
    entity_type: str = "Asset"
    task_type_id: UUID | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The columns written."""
        return {**super().columns, "name": self.name, "entity_type": self.entity_type}


class ChangedDescriptor(Settings, kw_only=True):
    """A column as it is to be; without a name it keeps its own."""

    name: str | None = None


class ChangedField(Settings, kw_only=True):
    """A column of all productions as it is to be; without a name it keeps its own."""

    entity_type: str
    name: str | None = None


class Order(Strict):
    """The order of the columns of a kind of rows."""

    entity_type: str
    descriptor_ids: Annotated[list[UUID], Meta(min_length=1)]


class FieldOrder(Strict):
    """The order of the columns of a kind of rows, by their field names."""

    entity_type: str
    field_order: Annotated[list[str], Meta(min_length=1)]


@get("/data/metadata-descriptors", access=authenticated, returns=metadata_descriptors, tag=_TAG)
async def list_descriptors(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Any:
    """List metadata-descriptors; without any parameter the rows hold their departments."""
    resource = metadata_descriptors
    query = request.query_params.multi_items()
    listing = filters.parse_listing(query, resource.columns, resource.by_key, resource.specials)
    listing.relations = listing.relations or listing.plain
    return await list_rows(resource, db, caller, listing)


# Of a production


@get(_AT, access=member_of("project_id"), returns=[metadata_descriptors], tag=_TAG)
async def descriptors_of_project(project_id: UUID, db: Database, caller: Caller) -> Json:
    """The descriptors of a production that the caller may see, in the order of the boards."""
    statement = queries.of_project(caller.is_admin)
    return await db.json(statement, project_id=project_id)


@get(
    _ONE,
    access=member_of("project_id").further("clients and vendors the descriptors they may see"),
    returns=metadata_descriptors,
    tag=_TAG,
    errors=(404,),
)
async def descriptor_of_project(project_id: UUID, metadata_descriptor_id: UUID, db: Database, caller: Caller) -> Json:
    """A descriptor of a production."""
    statement = queries.one_of_project
    row = found(await db.row(statement, project_id=project_id, descriptor_id=metadata_descriptor_id), "The descriptor")
    require(caller.is_admin or row["visible"], "This descriptor is not for you.")
    return Json(row[0].encode())


async def _one(db: Reader, descriptor_id: UUID) -> Json:
    return Json((await db.json(queries.some, ids=[descriptor_id]))[1:-1])


@post(
    _AT,
    access=supervisor_of("project_id").further("supervisors for columns of their departments"),
    returns=metadata_descriptors,
    events=(DESCRIPTOR_NEW,),
    tag=_TAG,
)
async def add_descriptor(project_id: UUID, body: NewDescriptor, tx: Transaction, caller: Caller) -> Json:
    """Add a column to a production's boards; its values are stored under a field name made of its name."""
    departments = department_ids(body.departments)
    descriptor_id = await actions.add(tx, caller, project_id, body.task_type_id, body.columns, departments)
    return await _one(tx, descriptor_id)


_EDITORS = member_of("project_id").further("managers, and supervisors for columns of their departments")


@put(_ONE, access=_EDITORS, returns=metadata_descriptors, events=(DESCRIPTOR_UPDATED,), tag=_TAG)
async def change_descriptor(
    project_id: UUID, metadata_descriptor_id: UUID, body: ChangedDescriptor, tx: Transaction, caller: Caller
) -> Json:
    """Change a column of a production; its values follow a new name, and stay as they are otherwise."""
    ids = (project_id, metadata_descriptor_id)
    await actions.change(tx, caller, ids, body.name, body.columns, department_ids(body.departments))
    return await _one(tx, metadata_descriptor_id)


@delete(_ONE, access=_EDITORS, events=(DESCRIPTOR_DELETED,), tag=_TAG)
async def remove_descriptor(project_id: UUID, metadata_descriptor_id: UUID, tx: Transaction, caller: Caller) -> None:
    """Delete a column of a production with its values."""
    await actions.remove(tx, caller, project_id, metadata_descriptor_id)


@post(f"{_AT}/reorder", access=manager_of("project_id"), status=200, returns=[metadata_descriptors], tag=_TAG)
async def reorder_descriptors(project_id: UUID, body: Order, tx: Transaction) -> Json:
    """Put the columns of a kind of rows in order; those left out follow, by name."""
    await actions.reorder(tx, project_id, body.entity_type, body.descriptor_ids)
    return await tx.json(queries.of_kind, project_ids=[project_id], entity_type=body.entity_type)


# Of all productions: the open ones that the caller manages


@post(_EVERYWHERE, access=global_manager, returns=[metadata_descriptors], events=(DESCRIPTOR_NEW,), tag=_TAG)
async def add_everywhere(body: NewDescriptor, tx: Transaction, caller: Caller) -> Json:
    """Add a column to the boards of all productions that lack it: the descriptors made."""
    return await everywhere.add(tx, caller, body.task_type_id, body.columns, department_ids(body.departments))


@put(_FIELD, access=global_manager, returns=[metadata_descriptors], events=(DESCRIPTOR_UPDATED,), tag=_TAG)
async def change_everywhere(field_name: str, body: ChangedField, tx: Transaction, caller: Caller) -> Json:
    """Change a column of all productions, or none when one of them cannot be: the descriptors changed."""
    field = (body.entity_type, field_name)
    return await everywhere.change(tx, caller, field, body.name, body.columns, department_ids(body.departments))


@delete(
    _FIELD,
    access=global_manager,
    returns=[{"type": "string", "format": "uuid"}],
    events=(DESCRIPTOR_DELETED,),
    tag=_TAG,
)
async def remove_everywhere(request: Request[Any, Any, Any], field_name: str, tx: Transaction, caller: Caller) -> Any:
    """Delete a column of all productions with its values; `entity_type` says of which rows. The ids removed."""
    entity_type = request.query_params.get("entity_type")
    if not entity_type:
        raise BadRequest("entity_type is required.")
    return await everywhere.remove(tx, caller, entity_type, field_name)


@post(
    "/actions/metadata-descriptors/all-projects/reorder",
    access=global_manager,
    status=200,
    returns=[metadata_descriptors],
    tag=_TAG,
)
async def reorder_everywhere(body: FieldOrder, tx: Transaction, caller: Caller) -> Json:
    """Put the columns of a kind of rows in order in all productions that have one of them."""
    return await everywhere.reorder(tx, caller, body.entity_type, body.field_order)
