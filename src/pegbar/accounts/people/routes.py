"""Routes of people. Source: spec crud, "persons"; spec accounts, the operations on persons."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.accounts import shapes
from pegbar.accounts.people import actions, queries
from pegbar.accounts.people.shapes import OUTSIDERS
from pegbar.accounts.resources import persons
from pegbar.accounts.tables import person
from pegbar.core.data import filters
from pegbar.core.data.database import Database, Json, Reader, Transaction
from pegbar.core.data.resource import list_rows, row_rule
from pegbar.core.errors import BadRequest, Forbidden
from pegbar.core.http.access import Caller, admin, authenticated, self_or
from pegbar.core.http.body import Strict
from pegbar.core.http.routing import delete, found, get, path_uuid, post, put

_EVENTS = persons.events


class WantedDepartment(Strict):
    """The department to join."""

    department_id: UUID


@get("/data/persons", access=authenticated, returns=persons, tag="Persons", errors=(400,))
async def list_persons(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Any:
    """List persons.

    Administrators get whole records (with `with_pass_hash=true`, password hashes too), clients the people of
    their open productions, the others short records. Columns that the caller does not see are refused as
    filters.
    """
    query = request.query_params
    known = queries.FILTERS if not caller.is_admin else persons.columns.keys() | queries.FILTERS
    for name in query:
        if name in person.c and name not in known:
            raise BadRequest(f"Filtering on {name} is not allowed.")
    listing = filters.parse_listing(query.multi_items(), persons.columns, persons.by_key, persons.specials)
    with_password = query.get("with_pass_hash", "").lower() == "true"
    wire = queries.listing_wire(caller, relations=listing.relations, with_password=with_password)
    listing.relations = listing.relations and caller.role != "client"
    return await list_rows(persons, db, caller, listing, wire=wire)


@get(
    "/data/persons/{instance_id:str}",
    access=row_rule(authenticated, person).further("clients and vendors only the people of their productions"),
    returns=persons,
    tag="Persons",
)
async def read_person(request: Request[Any, Any, Any], instance_id: str, db: Database, caller: Caller) -> Json:
    """Read a person.

    Whole for administrators and whoever manages the person. Clients and vendors read the people of their open
    productions.
    """
    flag = request.query_params.get("relations")
    relations = flag is None or flag.lower() == "true"
    statement = queries.one_person(caller.role, relations)
    params = {"person_id": path_uuid(instance_id)}
    row = found(await db.row(statement, **params), "This person")
    if caller.role in OUTSIDERS and not row["visible"]:
        raise Forbidden("Clients and vendors see the people of their productions.")
    return Json(row["row"].encode())


@post("/data/persons", access=admin, returns=persons, tag="Persons", events=(_EVENTS["new"],), errors=(400,))
async def hire(tx: Transaction, caller: Caller, document: dict[str, Any]) -> Any:
    """Add a person; the answer for a bot holds its `access_token`."""
    person_id, token = await actions.hire(tx, caller, document)
    return await _whole(tx, caller, person_id, token)


@put(
    "/data/persons/{instance_id:str}",
    access=row_rule(self_or(admin, "instance_id").further("protected and preview accounts are closed"), person),
    returns=persons,
    tag="Persons",
    events=(_EVENTS["update"],),
    errors=(400,),
)
async def edit(instance_id: str, tx: Transaction, caller: Caller, document: dict[str, Any]) -> Any:
    """Change a person.

    People change their own profile; the rest of a record, such as the role or the salary, is for administrators, and
    ignored from others. When an administrator sends `expiration_date`, the answer holds a new `access_token`.
    """
    person_id = path_uuid(instance_id)
    token = await actions.edit(tx, caller, person_id, document)
    return await _whole(tx, caller, person_id, token)


@delete(
    "/data/persons/{instance_id:str}",
    access=row_rule(admin.further("nobody removes themself or a protected account"), person),
    returns=persons,
    tag="Persons",
    events=(_EVENTS["delete"],),
    errors=(400,),
)
async def dismiss(request: Request[Any, Any, Any], instance_id: str, tx: Transaction, caller: Caller) -> None:
    """Remove a person.

    Refused while anything names them; with `force=true` their comments, logs, memberships and the like go too.
    """
    force = request.query_params.get("force", "").lower() == "true"
    await actions.dismiss(tx, caller, path_uuid(instance_id), force=force)


@post("/actions/persons/{person_id:uuid}/departments/add", access=admin, tag="Persons", events=(_EVENTS["update"],))
async def join_department(person_id: UUID, body: WantedDepartment, tx: Transaction, caller: Caller) -> Any:
    """Put a person in a department."""
    await actions.join_department(tx, person_id, body.department_id)
    return await _whole(tx, caller, person_id, None)


@delete(
    "/actions/persons/{person_id:uuid}/departments/{department_id:str}",
    access=admin,
    tag="Persons",
    events=(_EVENTS["update"],),
)
async def leave_department(person_id: UUID, department_id: str, tx: Transaction) -> None:
    """Take a person out of a department."""
    await actions.leave_department(tx, person_id, path_uuid(department_id))


@delete("/actions/persons/{person_id:uuid}/clear-avatar", access=admin, tag="Persons", events=(_EVENTS["update"],))
async def clear_avatar(person_id: UUID, tx: Transaction) -> None:
    """Forget a person's picture."""
    await actions.clear_avatar(tx, person_id)


async def _whole(db: Reader, caller: Caller, person_id: UUID, token: str | None) -> Any:
    """The answer to a write: the whole record, with the API token that it gave."""
    row = await persons.read(db, caller, person_id, wire=shapes.SAFE_WITH_DEPARTMENTS)
    if token is None:
        return row
    return {**msgspec.json.decode(row, type=dict[str, msgspec.Raw]), "access_token": token}
