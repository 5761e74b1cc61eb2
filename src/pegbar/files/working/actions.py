"""Working files are published, and their binaries stored. Source: spec media, "Working files".

From "Worth fixing": one transaction, in which the task's row is locked while a revision is given; the caller is
assigned only when the file is made; clients make none.
"""

from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select

from pegbar.accounts.tables import person
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest, Conflict, NotFound
from pegbar.core.http.access import Caller
from pegbar.core.http.routing import found
from pegbar.core.http.uploads import Upload
from pegbar.core.storage import Address, record, store
from pegbar.files.events import WORKING_FILE_NEW
from pegbar.files.paths import BLENDER, MAX, Default, Known, Subject, known, well_formed
from pegbar.files.queries import entity_of_task
from pegbar.files.tables import working_file
from pegbar.files.working import queries
from pegbar.media.revisions import check_revision
from pegbar.tasks.actions import take_up

_PERSON = select(person.c.id).where(person.c.id == param("person_id"))


def _subject(caller: Caller, task_id: UUID, entity_id: UUID, software_id: UUID | None, default: Default) -> Subject:
    return Subject(
        caller_id=caller.id,
        entity_id=entity_id,
        task_id=task_id,
        software_id=software_id,
        default_software=None if software_id else default,
    )


async def path(
    tx: Transaction,
    caller: Caller,
    task_id: UUID,
    *,
    name: str,
    mode: str,
    software_id: UUID | None,
    revision: int,
    sep: str,
    received: Any,
) -> dict[str, str]:
    """`{"path": folder, "name": file name}` of a working file; `received` is the body, which a refusal repeats."""
    check_revision(revision)
    entity_id = found(await tx.value(entity_of_task, task_id=task_id), "The entity of the task")
    production = await known(tx, _subject(caller, task_id, entity_id, software_id, MAX))
    if revision == 0:
        revision = await tx.value(queries.next_revision, task_id=task_id, name=name)
    with well_formed(received_data=received):
        file_path = production.of(name=name, revision=revision).path(mode, sep)
    return {"path": file_path.folder, "name": file_path.name}


async def publish(
    tx: Transaction,
    caller: Caller,
    task_id: UUID,
    *,
    name: str,
    mode: str,
    comment: str | None,
    person_id: UUID | None,
    software_id: UUID | None,
    revision: int,
    sep: str,
) -> Json:
    """Make a working file, and assign its task to the caller; the file as JSON.

    Revision 0 is the next one. Raises Conflict for one that is taken.
    """
    check_revision(revision)
    task_row = found(await tx.row(queries.locked_task, task_id=task_id), "The task")
    production: Known = await known(tx, _subject(caller, task_id, task_row["entity_id"], software_id, BLENDER))
    if person_id is not None and await tx.value(_PERSON, person_id=person_id) is None:
        message = f"person_id: there is no person {person_id}."
        raise BadRequest(message, error=message)
    if revision == 0:
        revision = await tx.value(queries.next_revision, task_id=task_id, name=name)
    elif await tx.value(queries.same, task_id=task_id, name=name, revision=revision) is not None:
        message = f"Revision {revision} of the working file {name!r} already exists on this task."
        raise Conflict(message, error=message)
    with well_formed(error=""):
        file_path = production.of(name=name, revision=revision).path(mode, sep, folder_sep="/")
    things = production.facts.software
    file_id = await tx.insert(
        working_file,
        name=name,
        comment=comment or "",
        revision=revision,
        path=file_path.full(sep),
        task_id=task_id,
        entity_id=task_row["entity_id"],
        person_id=person_id or caller.id,
        software_id=UUID(things["id"]) if things else None,
    )
    await take_up(tx, caller, task_id)
    tx.emit(WORKING_FILE_NEW, project_id=task_row["project_id"], working_file_id=file_id)
    return found(await tx.json_row(queries.one, file_id=file_id))


async def change(tx: Transaction, file_id: UUID, **columns: Any) -> Json:
    """A working file with columns changed, and its date; as JSON."""
    if not await tx.update(working_file, file_id, updated_at=utc_now(), **columns):
        raise NotFound(f"There is no working file {file_id}.")
    return found(await tx.json_row(queries.one, file_id=file_id))


async def last_revisions(db: Database, task_id: UUID) -> Json:
    """`{name: working file}`: the highest revision of each name."""
    rows = await db.rows(queries.last_of_task, task_id=task_id)
    pairs = [msgspec.json.encode(row[0] or "") + b":" + row[1].encode() for row in rows]
    return Json(b"{" + b",".join(pairs) + b"}")


def binary(file_id: UUID) -> Address:
    """Where the binary of a working file lies."""
    return Address("files", "working", file_id)


async def store_binary(db: Database, caller: Caller, file_id: UUID, upload: Upload) -> Json:
    """Store an upload as the binary of a working file, in place of what was there; the file as JSON."""
    size = await store().put(binary(file_id), upload.path)
    async with db.transaction(caller.id) as tx:
        if await tx.value(queries.locked, file_id=file_id) is None:
            raise NotFound(f"There is no working file {file_id}.")
        await record(tx, binary(file_id), size)
        return found(await tx.json_row(queries.one_with_outputs, file_id=file_id))
