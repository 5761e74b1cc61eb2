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
from pegbar.files.paths import BLENDER, MAX, Default, Subject, known, well_formed
from pegbar.files.queries import entity_of_task
from pegbar.files.tables import working_file
from pegbar.files.working import queries
from pegbar.files.working.shapes import NewWorkingFile, WorkingPath
from pegbar.media.revisions import check_revision
from pegbar.tasks.actions import take_up

_PERSON = select(person.c.id).where(person.c.id == param("person_id"))


def _subject(task_id: UUID, entity_id: UUID, software_id: UUID | None, default: Default) -> Subject:
    return Subject(
        entity_id=entity_id,
        task_id=task_id,
        software_id=software_id,
        default_software=None if software_id else default,
    )


async def path(tx: Transaction, task_id: UUID, wanted: WorkingPath, received: Any) -> dict[str, str]:
    """`{"path": folder, "name": file name}` of a working file; `received` is the body, which a refusal repeats."""
    check_revision(wanted.revision)
    entity_id = found(await tx.value(entity_of_task, task_id=task_id), "The entity of the task")
    production = await known(tx, _subject(task_id, entity_id, wanted.software_id, MAX))
    revision = wanted.revision or await tx.value(queries.next_revision, task_id=task_id, name=wanted.name)
    with well_formed(received_data=received):
        file_path = production.of(name=wanted.name, revision=revision).path(wanted.mode, wanted.sep)
    return {"path": file_path.folder, "name": file_path.name}


async def publish(tx: Transaction, caller: Caller, task_id: UUID, new: NewWorkingFile) -> Json:
    """Make a working file, and assign its task to the caller; the file as JSON.

    Raises Conflict for a revision that is taken, BadRequest for a person who is not there and a malformed tree.
    """
    check_revision(new.revision)
    task_row = found(await tx.row(queries.locked_task, task_id=task_id), "The task")
    production = await known(tx, _subject(task_id, task_row["entity_id"], new.software_id, BLENDER))
    if new.person_id is not None and await tx.value(_PERSON, person_id=new.person_id) is None:
        message = f"person_id: there is no person {new.person_id}."
        raise BadRequest(message, field="person_id", error=message)
    revision = await _revision(tx, task_id, new)
    with well_formed(error=""):
        file_path = production.of(name=new.name, revision=revision).path(new.mode, new.sep, folder_sep="/")
    tool = production.facts.software
    file_id = await tx.insert(
        working_file,
        name=new.name,
        comment=new.comment or "",
        revision=revision,
        path=file_path.full(new.sep),
        task_id=task_id,
        entity_id=task_row["entity_id"],
        person_id=new.person_id or caller.id,
        software_id=UUID(tool["id"]) if tool else None,
    )
    await take_up(tx, caller, task_id)
    tx.emit(WORKING_FILE_NEW, project_id=task_row["project_id"], working_file_id=file_id)
    return found(await tx.json_row(queries.one, file_id=file_id))


async def _revision(tx: Transaction, task_id: UUID, new: NewWorkingFile) -> int:
    """The revision sent, unless it is taken; the next one for 0."""
    if new.revision == 0:
        return int(await tx.value(queries.next_revision, task_id=task_id, name=new.name))
    if await tx.value(queries.same, task_id=task_id, name=new.name, revision=new.revision) is not None:
        message = f"Revision {new.revision} of the working file {new.name!r} already exists on this task."
        raise Conflict(message, field="revision", error=message)
    return new.revision


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
