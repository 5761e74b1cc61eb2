"""Routes of imports from spreadsheets. Source: spec exchange, "Operations: CSV import".

Each takes the same file, in the field `file`, and the same options (`Options`).
"""

from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.accounts.resources import persons
from pegbar.core.data.database import Database, Json
from pegbar.core.http.access import Caller, admin, manager_of
from pegbar.core.http.routing import Reply, post
from pegbar.entities import events as entity_events
from pegbar.entities.kinds import ASSET
from pegbar.exchange.sheets.casting import Casting
from pegbar.exchange.sheets.importing import Options, answer_to
from pegbar.exchange.sheets.people import People


@post(
    "/import/csv/persons",
    access=admin,
    files=True,
    tag="Import",
    returns=[persons],
    errors=(400,),
    events=(persons.events["new"], persons.events["update"]),
)
async def import_persons(request: Request[Any, Any, Any], query: Options, db: Database, caller: Caller) -> Json | Reply:
    """Import people from a CSV file or a workbook (XLSX).

    Columns: First Name, Last Name, Email and, optional, Phone, Role, Departments, Studio, Country, Contract Type,
    Position, Seniority, Daily Salary, Active. With `update=true` known people are changed. A refused row stops the
    import; those before it are kept. `dry_run=true` writes nothing and answers what would become of every row.
    """
    return await answer_to(request, db, People(caller, update=query.updates), query)


@post(
    "/import/csv/projects/{project_id:uuid}/casting",
    access=manager_of("project_id"),
    files=True,
    tag="Import",
    returns={"type": "array", "items": {"type": "null"}},
    errors=(400,),
    events=(
        *entity_events.CASTING_UPDATE.values(),
        entity_events.LINK_NEW,
        entity_events.LINK_UPDATE,
        entity_events.UPDATE[ASSET],
    ),
)
async def import_casting(
    project_id: UUID, request: Request[Any, Any, Any], query: Options, db: Database, caller: Caller
) -> Json | Reply:
    """Import the casting of a production from a CSV file or a workbook (XLSX).

    Columns: Parent, Name, Asset Type, Asset, Occurences and, optional, Episode, Label. Links that exist are
    overwritten, none is removed; rows that name nothing known are passed over. `dry_run=true` writes nothing and
    answers what would become of every row.
    """
    return await answer_to(request, db, Casting(caller, project_id), query)
