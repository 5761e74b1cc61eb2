"""Output files are published. Source: spec media, "Output files of an entity", "Output files of an asset instance".

From "Worth fixing": one transaction, in which the entity's row is locked while a revision is given, since NULLs defeat
the unique index; a tree that makes no path leaves nothing behind.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.data.database import Json, Reader, Transaction
from pegbar.core.errors import ApiError, BadRequest, Conflict, NotFound
from pegbar.core.http.access import Caller
from pegbar.core.http.routing import found
from pegbar.files.events import OUTPUT_FILE_NEW
from pegbar.files.outputs import queries
from pegbar.files.outputs.shapes import NewOutput, OutputPath
from pegbar.files.paths import TO_REVIEW, Known, Subject, ensure, known, well_formed
from pegbar.files.tables import output_file
from pegbar.media.revisions import check_revision

#: The mode whose templates output files are published by.
_MODE = "output"


@dataclass(frozen=True)
class Seat:
    """What an output file is of: an entity, or an asset instance in a temporal entity."""

    entity_id: UUID
    instance_id: UUID | None = None
    temporal_id: UUID | None = None

    def subject(self, task_type_id: UUID, output_type_id: UUID) -> Subject:
        """What the path of such a file is about."""
        return Subject(
            entity_id=self.temporal_id or self.entity_id,
            instance_id=self.instance_id,
            task_type_id=task_type_id,
            output_type_id=output_type_id,
        )

    def refusal(self, kind: type[ApiError], message: str, field: str | None = None) -> ApiError:
        """A refusal; clients look for the reason under `error` where the file is of an entity."""
        more: dict[str, Any] = {} if self.instance_id else {"error": message}
        return kind(message, field=field, **more)

    @property
    def error_key(self) -> dict[str, str]:
        """The key under which a malformed tree is told too."""
        return {} if self.instance_id else {"error": ""}


async def seat_of_instance(db: Reader, instance_id: UUID, temporal_id: UUID) -> Seat:
    """An asset instance in what it sits in. Raises NotFound."""
    asset_id = found(await db.value(queries.asset_of_instance, instance_id=instance_id), "The asset instance")
    return Seat(asset_id, instance_id, temporal_id)


async def next_revision(db: Reader, seat: Seat, *, output_type_id: UUID, task_type_id: UUID, name: str) -> int:
    """The revision that comes next among the files of that name and type. It counts all representations together."""
    alike = {"output_type_id": output_type_id, "task_type_id": task_type_id, "name": name}
    if seat.instance_id is None:
        number = await db.value(queries.next_of_entity, entity_id=seat.entity_id, **alike)
    else:
        number = await db.value(
            queries.next_of_place, instance_id=seat.instance_id, temporal_id=seat.temporal_id, **alike
        )
    return int(number)


async def checked_next_revision(db: Reader, seat: Seat, *, output_type_id: UUID, task_type_id: UUID, name: str) -> int:
    """The same, for types that exist. Raises NotFound."""
    await check_type(db, output_type_id)
    if await db.value(queries.task_type_id, task_type_id=task_type_id) is None:
        raise NotFound(f"task_type_id: there is no task type {task_type_id}.")
    return await next_revision(db, seat, output_type_id=output_type_id, task_type_id=task_type_id, name=name)


async def check_type(db: Reader, output_type_id: UUID) -> None:
    """Raise NotFound for an output type that is not there."""
    if await db.value(queries.output_type_id, output_type_id=output_type_id) is None:
        raise NotFound(f"output_type_id: there is no output type {output_type_id}.")


async def path(tx: Transaction, seat: Seat, wanted: OutputPath, received: Any) -> dict[str, str]:
    """`{"folder_path", "file_name"}` of an output file; `received` is the body, which a refusal repeats.

    Folders say the revision as it was sent, and so do the names of files of instances; those of an entity's files say
    the next one where 0 was sent.
    """
    check_revision(wanted.revision)
    production = await known(tx, seat.subject(wanted.task_type_id, wanted.output_type_id))
    revision = wanted.revision
    if revision == 0 and seat.instance_id is None:
        revision = await next_revision(
            tx, seat, output_type_id=wanted.output_type_id, task_type_id=wanted.task_type_id, name=wanted.name
        )
    named = production.of(name=wanted.name, representation=wanted.representation, revision=revision)
    with well_formed(received_data=received):
        file_path = named.path(wanted.mode, wanted.separator, folder_revision=wanted.revision)
    return {"folder_path": file_path.folder, "file_name": file_path.name}


async def publish(tx: Transaction, caller: Caller, seat: Seat, new: NewOutput) -> Json:
    """Make an output file; the file as JSON, with its `folder_path` and `file_name`."""
    check_revision(new.revision)
    await tx.row(queries.locked_entity, entity_id=seat.entity_id)
    project_id: UUID = found(caller.project_id, "The production")
    references = await _references(tx, seat, new, project_id)
    production = await known(tx, seat.subject(new.task_type_id, new.output_type_id))
    revision = await _revision(tx, seat, new)
    folder, name = _path(production, seat, new, revision)
    file_id = await tx.insert(
        output_file,
        name=new.name,
        comment=new.comment,
        extension=new.extension,
        revision=revision,
        representation=new.representation,
        nb_elements=new.nb_elements,
        path=f"{folder}{new.sep}{name}{new.extension}",
        file_status_id=new.file_status_id or await ensure(tx, TO_REVIEW),
        entity_id=seat.entity_id,
        asset_instance_id=seat.instance_id,
        temporal_entity_id=seat.temporal_id,
        output_type_id=new.output_type_id,
        task_type_id=new.task_type_id,
        person_id=new.person_id or caller.id,
        source_file_id=references["working_file"],
    )
    tx.emit(OUTPUT_FILE_NEW, project_id=project_id, output_file_id=file_id)
    row: dict[str, Any] = msgspec.json.decode(found(await tx.json_row(queries.one, file_id=file_id)))
    return Json(msgspec.json.encode({**row, "folder_path": folder, "file_name": name}))


async def _references(tx: Transaction, seat: Seat, new: NewOutput, project_id: UUID) -> Any:
    """What the file refers to. Raises BadRequest, and NotFound for a task type that is not there."""
    row = await tx.row(
        queries.references,
        output_type_id=new.output_type_id,
        task_type_id=new.task_type_id,
        person_id=new.person_id,
        file_status_id=new.file_status_id,
        working_file_id=new.source_id,
        project_id=project_id,
    )
    assert row is not None
    if row["task_type"] is None:
        raise NotFound(f"task_type_id: there is no task type {new.task_type_id}.")
    for name in ("output_type", "person", "file_status"):
        row_id = getattr(new, f"{name}_id")
        if row_id is not None and row[name] is None:
            message = f"{name}_id: there is no {name.replace('_', ' ')} {row_id}."
            raise seat.refusal(BadRequest, message, f"{name}_id")
    return row


async def _revision(tx: Transaction, seat: Seat, new: NewOutput) -> int:
    """The revision sent, unless it is taken, else the next one."""
    alike = {"output_type_id": new.output_type_id, "task_type_id": new.task_type_id, "name": new.name}
    revision = new.revision
    if revision < 1:
        revision = await next_revision(tx, seat, **alike)  # type: ignore[arg-type]
    taken = await tx.value(
        queries.same,
        entity_id=seat.entity_id,
        instance_id=seat.instance_id,
        temporal_id=seat.temporal_id,
        representation=new.representation,
        revision=revision,
        **alike,
    )
    if taken is not None:
        message = f"Revision {revision} of the output file {new.name!r} already exists."
        raise seat.refusal(Conflict, message)
    return revision


def _path(production: Known, seat: Seat, new: NewOutput, revision: int) -> tuple[str, str]:
    """Folder and name; the name of an entity's file that is many says from where to where."""
    with well_formed(**seat.error_key):
        path = production.of(name=new.name, representation=new.representation, revision=revision).path(_MODE, new.sep)
    many = new.nb_elements > 1 and seat.instance_id is None
    return path.folder, f"{path.name}_[1-{new.nb_elements}]" if many else path.name
