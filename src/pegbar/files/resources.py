"""Generic routes of working and output files. Source: spec crud, sections of the same names."""

from typing import Any

from sqlalchemy import false, func, select, update
from sqlalchemy.sql.selectable import ScalarSelect

from pegbar.accounts.standing import Narrowing
from pegbar.core.data import values
from pegbar.core.data.changes import Change
from pegbar.core.data.filters import Special
from pegbar.core.data.parameters import param
from pegbar.core.data.resource import Access, Resource
from pegbar.core.data.schema import Column
from pegbar.core.data.writes import MANAGERS, Only, writes
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import (
    Place,
    Rule,
    admin,
    authenticated,
    entity_access,
    not_client,
    task_access,
    task_action,
)
from pegbar.core.storage import Address, mark_deleted
from pegbar.entities.tables import entity
from pegbar.files.shapes import OUTPUT_FILE, WORKING_FILE, WORKING_FILE_WITH_OUTPUTS
from pegbar.files.tables import file_status, output_file, output_type, working_file

_FOR_ALL = Access(list=authenticated, read=authenticated, create=admin, update=admin, delete=admin)
#: Files say where the studio keeps its work: that is for those who make it.
_studio = Rule("anyone but clients and vendors", lambda caller: caller.role not in ("client", "vendor"))
_in_studio = Rule("not client", lambda caller: caller.role_here != "client")


def _of_entity(entity_id: Column[Any]) -> ScalarSelect[Any]:
    """The production of a file is that of its entity."""
    row = select(entity.c.project_id).where(entity.c.id == entity_id)
    return row.correlate(entity_id.table).scalar_subquery()


file_statuses = Resource(
    file_status,
    path="/data/file-status",
    type="FileStatus",
    access=_FOR_ALL,
    writes=writes("name color"),
    tag="File status",
)
output_types = Resource(
    output_type,
    path="/data/output-types",
    type="OutputType",
    access=_FOR_ALL,
    writes=writes("name short_name"),
    malformed=404,
    tag="Output types",
)


# Working files

_RELEASE_OUTPUTS = (
    update(output_file).where(output_file.c.source_file_id == param("file_id")).values(source_file_id=None)
)


_PLACE_OF_WORKING = "task_id entity_id person_id shotgun_id"
_REVIEWERS = Only(
    "managers, and supervisors of the task's department",
    lambda change: (
        change.caller.manages
        or (change.caller.supervises and change.caller.covers_department(change.caller.task_department_id))
    ),
)


async def _check_working_file(change: Change) -> None:
    if "validation_status" in change.document:
        values.accept_choice(working_file.c.validation_status, change.document["validation_status"])


async def _release_outputs(change: Change) -> None:
    """What was made from a working file outlives it; its binary does not."""
    file_id = change.row(working_file)
    await change.tx.execute(_RELEASE_OUTPUTS, file_id=file_id)
    await mark_deleted(change.tx, [Address("files", "working", file_id)], force=change.force)


working_files = Resource(
    working_file,
    path="/data/working-files",
    type="WorkingFile",
    access=Access(
        list=_studio,
        read=task_access(working_file.c.task_id) & _in_studio,
        create=admin,
        # The answer tells the path, which is not for clients.
        update=task_action(working_file.c.task_id) & not_client,
        delete=admin,
    ),
    writes=writes(
        f"name description comment revision size checksum path data software_id validation_status {_PLACE_OF_WORKING}",
        only={MANAGERS: _PLACE_OF_WORKING, _REVIEWERS: "validation_status"},
    ),
    shape=lambda _: WORKING_FILE_WITH_OUTPUTS,
    list_shape=lambda _: WORKING_FILE,
    scope=Narrowing(_of_entity(working_file.c.entity_id), only_open=False, client=false(), vendor=false()),
    check=_check_working_file,
    deleting=_release_outputs,
    of_production=True,
    malformed=404,
    tag="Working files",
)


# Output files

#: For the right to change an output file: the entity it sits in, else the one it is of.
_SEAT = Place(
    "entity",
    "instance_id",
    select(func.coalesce(output_file.c.temporal_entity_id, output_file.c.entity_id).label("place_id")).where(
        output_file.c.id == param("key")
    ),
)
_changes_output = Rule(
    "manager of the production, or assigned to a task on the entity",
    lambda caller: caller.manages or (caller.in_team and caller.assigned_to_entity),
    _SEAT,
)


_PLACE_OF_OUTPUT = "entity_id temporal_entity_id asset_instance_id source_file_id task_type_id person_id shotgun_id"


async def _check_output_file(change: Change) -> None:
    """An output file belongs to an entity from the start."""
    if change.before is None:
        change.need("name", "revision", "entity_id", "file_status_id")


def _no_filter(_: str) -> None:
    raise BadRequest("source_file is not a column; filter on source_file_id.")


output_files = Resource(
    output_file,
    path="/data/output-files",
    type="OutputFile",
    access=Access(
        list=_studio,
        read=entity_access(output_file.c.entity_id) & _in_studio,
        create=admin,
        update=_changes_output,
        delete=admin,
    ),
    writes=writes(
        f"""
        name canceled size checksum description comment extension revision representation nb_elements source path data
        file_status_id output_type_id quality {_PLACE_OF_OUTPUT}
        """,
        only={MANAGERS: _PLACE_OF_OUTPUT},
    ),
    wire=OUTPUT_FILE,
    scope=Narrowing(_of_entity(output_file.c.entity_id), client=false(), vendor=false()),
    specials={"source_file": Special(_no_filter, false())},
    check=_check_output_file,
    of_production=True,
    told_by=output_file.c.entity_id,
    malformed=404,
    tag="Output files",
)

__all__ = ["file_statuses", "output_files", "output_types", "working_files"]
