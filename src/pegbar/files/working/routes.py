"""Working files of tasks and entities. Source: spec media, "Working files"."""

from typing import Any
from uuid import UUID

from litestar import Request

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.filters import uuid_filter
from pegbar.core.http.access import Caller
from pegbar.core.http.body import json_beside_query
from pegbar.core.http.downloads import download
from pegbar.core.http.idempotency import STORES
from pegbar.core.http.routing import found, get, post, put
from pegbar.core.http.uploads import received_form
from pegbar.files import access
from pegbar.files.events import WORKING_FILE_NEW
from pegbar.files.queries import file_row
from pegbar.files.shapes import WORKING_FILE, WORKING_FILE_WITH_OUTPUTS
from pegbar.files.working import actions, queries
from pegbar.files.working.shapes import NewComment, NewWorkingFile, WorkingFilter, WorkingPath
from pegbar.tasks.events import TASK_ASSIGN, TASK_UPDATE


@get("/data/tasks/{task_id:uuid}/working-files", access=access.OF_TASK, returns=[WORKING_FILE])
async def working_files_of_task(task_id: UUID, db: Database) -> Json:
    """The working files of a task, the last revision first."""
    return await db.json(queries.of_task, task_id=task_id)


@get("/data/tasks/{task_id:uuid}/working-files/last-revisions", access=access.OF_TASK)
async def last_working_files(task_id: UUID, db: Database) -> Json:
    """The last revision of each name among the working files of a task: an object by name."""
    return await actions.last_revisions(db, task_id)


@get("/data/entities/{entity_id:uuid}/working-files", access=access.OF_ENTITY, errors=(400,))
async def working_files_of_entity(entity_id: UUID, query: WorkingFilter, db: Database) -> Json:
    """The working files of an entity, the last revision first; with `relations=true` also what was made from them."""
    task_id = uuid_filter(query.task_id) if query.task_id else None
    return await db.json(queries.of_entity[query.relations], entity_id=entity_id, task_id=task_id, name=query.name)


@post("/data/tasks/{task_id:uuid}/working-file-path", access=access.OF_TASK, status=200, errors=(400,))
async def working_file_path(
    request: Request[Any, Any, Any], task_id: UUID, body: WorkingPath, tx: Transaction
) -> dict[str, str]:
    """The path that a working file of a task has, by the file tree of its production: `{"path", "name"}`."""
    return await actions.path(tx, task_id, body, await json_beside_query(request))


@post(
    "/data/tasks/{task_id:uuid}/working-files/new",
    access=access.OF_TASK,
    events=(TASK_ASSIGN, TASK_UPDATE, WORKING_FILE_NEW),
    returns=WORKING_FILE,
    errors=(400,),
)
async def new_working_file(task_id: UUID, body: NewWorkingFile, tx: Transaction, caller: Caller) -> Json:
    """Make a working file of a task, which is assigned to the caller."""
    return await actions.publish(tx, caller, task_id, body)


@put("/actions/working-files/{working_file_id:uuid}/comment", access=access.CHANGES_WORKING_FILE, returns=WORKING_FILE)
async def comment_working_file(working_file_id: UUID, body: NewComment, tx: Transaction) -> Json:
    """Say something about a working file."""
    return await actions.change(tx, working_file_id, comment=body.comment)


@put("/actions/working-files/{working_file_id:uuid}/modified", access=access.CHANGES_WORKING_FILE, returns=WORKING_FILE)
async def touch_working_file(working_file_id: UUID, tx: Transaction) -> Json:
    """Set the date of a working file to now: its scene was saved."""
    return await actions.change(tx, working_file_id)


@post(
    "/data/working-files/{working_file_id:uuid}/file",
    access=access.OF_WORKING_FILE,
    files=True,
    returns=WORKING_FILE_WITH_OUTPUTS,
    errors=(400, 413),
    unkeyed=STORES,
)
async def upload_working_file(
    request: Request[Any, Any, Any], working_file_id: UUID, db: Database, caller: Caller
) -> Json:
    """Store the binary of a working file (multipart field `file`), in place of the one before."""
    async with received_form(request) as form:
        return await actions.store_binary(db, caller, working_file_id, form.file())


@get("/data/working-files/{working_file_id:uuid}/file", access=access.OF_WORKING_FILE)
async def download_working_file(request: Request[Any, Any, Any], working_file_id: UUID) -> Any:
    """The binary of a working file. It may be replaced at any time: caches ask whether it was."""
    address = actions.binary(working_file_id)
    return await download(request, address, kind="application/octet-stream", caching="private, no-cache")


@get("/data/files/{file_id:uuid}", access=access.OF_FILE)
async def file_of_either_kind(file_id: UUID, db: Database) -> Json:
    """A working file (with its outputs) or an output file, by its id."""
    return found(await db.json_row(file_row, file_id=file_id), "The file")
