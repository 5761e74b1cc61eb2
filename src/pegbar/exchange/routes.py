"""Routes of imports and exports. Source: spec exchange."""

from typing import Any

from litestar import Request

from pegbar.accounts.resources import persons
from pegbar.core.data.database import Database, Json
from pegbar.core.http.access import Caller, admin
from pegbar.core.http.routing import post
from pegbar.exchange import csv_input, people


@post(
    "/import/csv/persons",
    access=admin,
    files=True,
    tag="Import",
    returns=[persons],
    errors=(400,),
    events=(persons.events["new"], persons.events["update"]),
)
async def import_persons(request: Request[Any, Any, Any], db: Database, caller: Caller) -> Json:
    """Import people from a CSV file.

    Columns: First Name, Last Name, Email and, optional, Phone, Role, Departments, Studio, Country, Contract Type,
    Position, Seniority, Daily Salary, Active. With `update=true` known people are changed. A refused row stops the
    import; those before it are kept.
    """
    rows = await csv_input.uploaded_rows(request)
    return await people.import_people(db, caller, rows, update=csv_input.updates(request))
