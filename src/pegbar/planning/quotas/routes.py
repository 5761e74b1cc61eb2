"""Routes of the quotas of a production. Source: spec shots, "quotas"."""

from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.data.database import Database, Json
from pegbar.core.data.filters import uuid_filter
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, Rule, at, member_of, not_client, require
from pegbar.core.http.routing import found, get, path_uuid
from pegbar.core.timezones import zone_of
from pegbar.planning.quotas import queries
from pegbar.planning.quotas.queries import Rows
from pegbar.timesheets.quotas import MODES, Mode

_PATH = "/data/projects/{project_id:uuid}/quotas"
#: By person or task type, then by unit of time.
_BY_ROW = {"type": "object", "additionalProperties": {"type": "object", "additionalProperties": {"type": "object"}}}


class Counted(msgspec.Struct):
    """How tasks count, and the studio of whose persons."""

    count_mode: str = "weighted"
    studio_id: str | None = None


async def _quotas(db: Database, caller: Caller, query: Counted, rows: Rows, **params: Any) -> Json:
    if query.count_mode not in MODES:
        raise BadRequest(f"count_mode: {query.count_mode!r} is not one of {', '.join(MODES)}.")
    mode: Mode = query.count_mode
    studio_id = None if query.studio_id is None else uuid_filter(query.studio_id)
    zone = zone_of(caller.timezone)
    row = found(await db.row(queries.quotas(mode, rows), studio_id=studio_id, timezone=zone, **params))
    if not row["known"]:
        raise NotFound(f"There is nobody with the id {params['person_id']}.")
    return Json(row["answer"].encode())


@get(
    f"{_PATH}/{{task_type_id:str}}",
    access=member_of("project_id") & not_client,
    errors=(400,),
    returns=_BY_ROW,
    tag="Quotas",
)
async def project_quotas(project_id: UUID, task_type_id: str, query: Counted, db: Database, caller: Caller) -> Json:
    """What each person did of a task type, by day, week, month and year, and in `total`."""
    wanted = path_uuid(task_type_id)
    return await _quotas(db, caller, query, "person_id", project_id=project_id, task_type_id=wanted, person_id=None)


_staff = Rule(
    "anyone but clients; managers and supervisors as members of the production",
    lambda caller: (
        caller.role_here != "client" and (caller.role_here not in ("manager", "supervisor") or caller.in_team)
    ),
    at("project", "project_id"),
).further("others for themselves")


@get(f"{_PATH}/persons/{{person_id:str}}", access=_staff, errors=(400, 404), returns=_BY_ROW, tag="Quotas")
async def person_quotas(project_id: UUID, person_id: str, query: Counted, db: Database, caller: Caller) -> Json:
    """What a person did of each task type, by day, week, month and year, and in `total`."""
    wanted = path_uuid(person_id)
    require(caller.supervises or caller.id == wanted, "Artists and vendors see their own quotas.")
    return await _quotas(db, caller, query, "task_type_id", project_id=project_id, task_type_id=None, person_id=wanted)
