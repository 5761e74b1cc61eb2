"""Generic routes of working and output files. Source: spec crud, sections of the same names."""

from sqlalchemy import bindparam, false, func, select, update

from pegbar.core import values
from pegbar.core.access import (
    Place,
    Rule,
    admin,
    authenticated,
    entity_access,
    task_access,
    task_action,
)
from pegbar.core.errors import BadRequest
from pegbar.core.filters import Special
from pegbar.core.resource import CALLER_ID, Access, Change, Resource, project_through
from pegbar.core.schema import Uuid
from pegbar.core.storage import Address, mark_deleted
from pegbar.core.writes import MANAGERS, Only, writes
from pegbar.entities.tables import entity
from pegbar.files.shapes import OUTPUT_FILE, WORKING_FILE, WORKING_FILE_WITH_OUTPUTS
from pegbar.files.tables import file_status, output_file, output_type, working_file
from pegbar.productions.tables import project, project_person_link
from pegbar.studio.tables import project_status

_FOR_ALL = Access(list=authenticated, read=authenticated, create=admin, update=admin, delete=admin)
_not_vendors = Rule("anyone but vendors", lambda caller: caller.role != "vendor")

_TEAMS = select(project_person_link.c.project_id).where(project_person_link.c.person_id == CALLER_ID)
_OPEN = (
    select(project.c.id)
    .join(project_status, project_status.c.id == project.c.project_status_id)
    .where(project_status.c.name == "Open")
)
_IN_OWN_PROJECTS = select(entity.c.id).where(entity.c.project_id.in_(_TEAMS))
_WORKING_OF_OWN = working_file.c.entity_id.in_(_IN_OWN_PROJECTS)
_OUTPUT_OF_OWN_OPEN = output_file.c.entity_id.in_(_IN_OWN_PROJECTS.where(entity.c.project_id.in_(_OPEN)))


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
    update(output_file)
    .where(output_file.c.source_file_id == bindparam("file_id", type_=Uuid))
    .values(source_file_id=None)
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
        list=_not_vendors,
        read=task_access(working_file.c.task_id),
        create=admin,
        update=task_action(working_file.c.task_id),
        delete=admin,
    ),
    writes=writes(
        f"name description comment revision size checksum path data software_id validation_status {_PLACE_OF_WORKING}",
        only={MANAGERS: _PLACE_OF_WORKING, _REVIEWERS: "validation_status"},
    ),
    shape=lambda _: WORKING_FILE_WITH_OUTPUTS,
    list_shape=lambda _: WORKING_FILE,
    scope=lambda _: _WORKING_OF_OWN,
    check=_check_working_file,
    deleting=_release_outputs,
    project_of=project_through(working_file.c.task_id, working_file.c.entity_id),
    malformed=404,
    tag="Working files",
)


# Output files

#: For the right to change an output file: the entity it sits in, else the one it is of.
_SEAT = Place(
    "entity",
    "instance_id",
    select(func.coalesce(output_file.c.temporal_entity_id, output_file.c.entity_id).label("place_id")).where(
        output_file.c.id == bindparam("key", type_=Uuid)
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
        list=_not_vendors,
        read=entity_access(output_file.c.entity_id),
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
    scope=lambda _: _OUTPUT_OF_OWN_OPEN,
    specials={"source_file": Special(_no_filter, false())},
    check=_check_output_file,
    project_of=project_through(output_file.c.entity_id),
    malformed=404,
    tag="Output files",
)

__all__ = ["file_statuses", "output_files", "output_types", "working_files"]
