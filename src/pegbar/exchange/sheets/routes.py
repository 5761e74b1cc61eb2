"""Routes of imports from spreadsheets. Source: spec exchange, "Operations: CSV import".

Each takes the same file, in the field `file`, and the same options (`Options`).
"""

from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request

from pegbar.accounts.resources import persons
from pegbar.core.data.database import Database, Json
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, admin, manager_of, require, supervisor_of
from pegbar.core.http.routing import Reply, path_uuid, post
from pegbar.entities import events
from pegbar.entities.kinds import ASSET, EDIT, EPISODE, SEQUENCE, SHOT
from pegbar.entities.shapes import UNTYPED
from pegbar.exchange.sheets.assets import Assets
from pegbar.exchange.sheets.casting import Casting
from pegbar.exchange.sheets.edits import Edits
from pegbar.exchange.sheets.estimations import Estimations
from pegbar.exchange.sheets.importing import Options, answer_to
from pegbar.exchange.sheets.people import People
from pegbar.exchange.sheets.queries import TASK_TYPE
from pegbar.exchange.sheets.shots import Shots
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.studio.resources import entity_types
from pegbar.tasks.events import COMMENT_NEW, NEWS_NEW, TASK_ASSIGN, TASK_NEW, TASK_STATUS_CHANGED, TASK_UPDATE

#: What rows do to tasks.
_OF_TASKS = (TASK_NEW, TASK_ASSIGN, TASK_UPDATE, COMMENT_NEW, TASK_STATUS_CHANGED, NEWS_NEW)
_manages = manager_of("project_id")


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
    "/import/csv/projects/{project_id:uuid}/assets",
    access=_manages,
    files=True,
    tag="Import",
    returns=[UNTYPED],
    errors=(400,),
    events=(
        events.NEW[ASSET],
        events.UPDATE[ASSET],
        events.NEW[EPISODE],
        entity_types.events["new"],
        PROJECT_CHANGED,
        *_OF_TASKS,
    ),
)
async def import_assets(
    request: Request[Any, Any, Any], project_id: UUID, query: Options, db: Database, caller: Caller
) -> Json | Reply:
    """Import assets of a production from a CSV file or a workbook (XLSX).

    Columns: Type, Name and, optional, Episode, Description, Ready for, Resolution, the names of metadata columns, and
    for each task type its name (a status), `<name> comment` and `<name> assignations` (persons, by name, e-mail address
    or id). An asset is known by its type and name. With `update=true` known ones are changed. A refused row stops the
    import; those before it are kept. `dry_run=true` writes nothing and answers what would become of every row.
    """
    return await answer_to(request, db, Assets(caller, project_id, update=query.updates), query)


@post(
    "/import/csv/projects/{project_id:uuid}/shots",
    access=_manages,
    files=True,
    tag="Import",
    returns=[UNTYPED],
    errors=(400,),
    events=(
        events.NEW[SHOT],
        events.UPDATE[SHOT],
        events.NEW[SEQUENCE],
        events.NEW[EPISODE],
        PROJECT_CHANGED,
        *_OF_TASKS,
    ),
)
async def import_shots(
    request: Request[Any, Any, Any], project_id: UUID, query: Options, db: Database, caller: Caller
) -> Json | Reply:
    """Import shots of a production from a CSV file or a workbook (XLSX).

    Columns: Sequence, Name, Episode (of a TV show) and, optional, Nb Frames (or Frames), Frame In (In), Frame Out
    (Out), FPS, Resolution, Description, metadata and task columns as of assets. Episodes and sequences are made as rows
    name them. A shot is known by its sequence and name. With `update=true` known ones are changed. A refused row stops
    the import; those before it are kept. `dry_run=true` writes nothing and answers what would become of every row.
    """
    return await answer_to(request, db, Shots(caller, project_id, update=query.updates), query)


@post(
    "/import/csv/projects/{project_id:uuid}/edits",
    access=_manages,
    files=True,
    tag="Import",
    returns=[UNTYPED],
    errors=(400,),
    events=(events.NEW[EDIT], events.UPDATE[EDIT], events.NEW[EPISODE], *_OF_TASKS),
)
async def import_edits(
    request: Request[Any, Any, Any], project_id: UUID, query: Options, db: Database, caller: Caller
) -> Json | Reply:
    """Import edits of a production from a CSV file or a workbook (XLSX).

    Columns: Name and, optional, Episode (of a TV show), Description, metadata, and for each task type its name (a
    status) and `<name> comment`. An edit is known by its episode and name. With `update=true` known ones are changed. A
    refused row stops the import; those before it are kept. `dry_run=true` writes nothing and answers what would become
    of every row.
    """
    return await answer_to(request, db, Edits(caller, project_id, update=query.updates), query)


@post(
    "/import/csv/projects/{project_id:uuid}/casting",
    access=_manages,
    files=True,
    tag="Import",
    returns={"type": "array", "items": {"type": "null"}},
    errors=(400,),
    events=(
        *events.CASTING_UPDATE.values(),
        events.LINK_NEW,
        events.LINK_UPDATE,
        events.UPDATE[ASSET],
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


_ESTIMATES: dict[str, Any] = {
    "access": supervisor_of("project_id"),
    "files": True,
    "tag": "Import",
    "returns": {"type": "array", "items": {"type": "null"}},
    "errors": (400, 403, 404),
    "events": (TASK_UPDATE,),
}


@post("/import/csv/projects/{project_id:uuid}/task-types/{task_type_id:uuid}/estimations", **_ESTIMATES)
async def import_estimations(
    request: Request[Any, Any, Any],
    project_id: UUID,
    task_type_id: UUID,
    query: Options,
    db: Database,
    caller: Caller,
) -> Json | Reply:
    """Import estimations of the tasks of a type from a CSV file or a workbook (XLSX).

    Columns: Parent (asset type or sequence), Entity and, optional, Estimation (in days, or hours where the studio
    counts so), Drawings, Start date, Due date, Difficulty, and the metadata columns of the task type. Blank cells
    change nothing. For managers, and supervisors of the task type's department. `dry_run=true` writes nothing and
    answers what would become of every row.
    """
    sheet = Estimations(caller, project_id, await _estimated(db, caller, task_type_id), None)
    return await answer_to(request, db, sheet, query)


@post(
    "/import/csv/projects/{project_id:uuid}/episodes/{episode_id:str}/task-types/{task_type_id:uuid}/estimations",
    **_ESTIMATES,
)
async def import_estimations_of_episode(
    request: Request[Any, Any, Any],
    project_id: UUID,
    episode_id: str,
    task_type_id: UUID,
    query: Options,
    db: Database,
    caller: Caller,
) -> Json | Reply:
    """Import estimations of the tasks of a type in an episode; `all` and `main` stand for the whole production.

    Columns and options as of a production's.
    """
    task_type = await _estimated(db, caller, task_type_id)
    episode = None if episode_id in ("all", "main") else path_uuid(episode_id)
    return await answer_to(request, db, Estimations(caller, project_id, task_type, episode), query)


async def _estimated(db: Database, caller: Caller, task_type_id: UUID) -> asyncpg.Record:
    """A task type whose tasks the caller plans. Raises NotFound, Forbidden."""
    row = await db.row(TASK_TYPE, task_type_id=task_type_id)
    if row is None:
        raise NotFound(f"There is no task type {task_type_id}.")
    plans = caller.manages or caller.covers_department(row["department_id"])
    require(plans, "Supervisors import estimations of their departments.")
    return row
