"""Generic routes of previews and of the backgrounds of 3D ones. Source: spec crud, sections of the same names."""

from sqlalchemy import Boolean, String, bindparam, select, update

from pegbar.accounts.standing import CALLER, Narrowing, assigned
from pegbar.core.data import filters, values
from pegbar.core.data.changes import Change
from pegbar.core.data.filters import Special
from pegbar.core.data.parameters import param
from pegbar.core.data.resource import Access, Resource
from pegbar.core.data.schema import Integer, Uuid, utc_now
from pegbar.core.data.writes import MANAGERS, Only, writes
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, Rule, admin, authenticated, manager_of, of_row
from pegbar.core.storage import mark_deleted
from pegbar.media import addresses
from pegbar.media.queries import COMMENTS
from pegbar.media.revisions import check_revision
from pegbar.media.tables import preview_background_file, preview_file
from pegbar.productions.tables import project, project_preview_background_file_link
from pegbar.tasks.tables import task

OF_TASK = of_row("task", preview_file.c.task_id)
_OF_PROJECT = preview_file.c.task_id.in_(select(task.c.id).where(task.c.project_id == param("f_project_id")))


#: Clients are shown no rejected pictures.
_NOT_REJECTED = preview_file.c.validation_status.is_distinct_from("rejected")
#: The production of a preview is that of its task.
_PROJECT_ID = select(task.c.project_id).where(task.c.id == preview_file.c.task_id).correlate(preview_file)
_listed = Narrowing(
    _PROJECT_ID.scalar_subquery(), vendor=assigned(CALLER, preview_file.c.task_id), client=_NOT_REJECTED
)


def may_annotate(caller: Caller) -> bool:
    """Spec media, "update-annotations": artists and vendors do not, assigned or not."""
    return _manages(caller) or (caller.in_team and caller.role_here == "client")


def _manages(caller: Caller) -> bool:
    return caller.manages or (caller.supervises and caller.covers_department(caller.task_department_id))


_reads = Rule(
    "member of the production; vendors only when assigned to the task",
    lambda caller: caller.is_member and (caller.role_here != "vendor" or caller.assigned_to_task),
    OF_TASK,
)
_changes = Rule(
    "manager of the production, supervisor of the task's department or assigned to the task",
    lambda caller: _manages(caller) or (caller.in_team and caller.assigned_to_task),
    OF_TASK,
)

_TAKEN = select(preview_file.c.id).where(
    preview_file.c.task_id == param("task_id"),
    preview_file.c.revision == param("revision"),
    preview_file.c.position == 1,
    preview_file.c.id != param("preview_id"),
)
_FOLLOW = (
    update(preview_file)
    .where(
        preview_file.c.task_id == param("of_task", Uuid),
        preview_file.c.revision == param("before", Integer),
        preview_file.c.id != param("preview_id"),
    )
    .values(revision=param("after", Integer), updated_at=bindparam("now"))
)
_LOCK_TASK = select(task.c.id).where(task.c.id == param("task_id")).with_for_update()


#: What whoever works on the task says of a preview; what reviewing it changes; and what publishing it made.
_OWN = "name original_name description source data token_in token_out "
_REVIEWED = "validation_status annotations revision position "
_MADE = """
    task_id person_id comments path extension status file_size width height duration source_file_id shotgun_id
    is_movie url uploaded_movie_url uploaded_movie_name
"""
_REVIEWERS = Only("managers, and supervisors of the task's department", lambda change: _manages(change.caller))
_ALIKE = {"comments": ("object_id", "task_id")}


async def _check(change: Change) -> None:
    for name in ("status", "validation_status"):
        if name in change.document:
            values.accept_choice(preview_file.c[name], change.document[name])
    if change.before is None or change.changes("revision"):
        check_revision(change.values.get("revision"))
    if change.before is None:
        return
    if change.before["position"] == 1 and change.changes("revision") and change.before["task_id"] is not None:
        await change.tx.row(_LOCK_TASK, task_id=change.before["task_id"])
        numbers = {"task_id": change.before["task_id"], "revision": change.values["revision"]}
        if await change.tx.row(_TAKEN, preview_id=change.row_id, **numbers) is not None:
            raise BadRequest(f"revision: {change.values['revision']} already exists for this task.")


async def _take_siblings(change: Change) -> None:
    """The other previews of a revision follow its main one to another number."""
    before = change.before
    if before is not None and before["position"] == 1 and change.changes("revision"):
        await change.tx.execute(
            _FOLLOW,
            of_task=before["task_id"],
            before=before["revision"],
            after=change.values["revision"],
            preview_id=change.row_id,
            now=utc_now(),
        )


preview_files = Resource(
    preview_file,
    path="/data/preview-files",
    type="PreviewFile",
    access=Access(
        list=authenticated,
        read=_reads,
        create=admin,
        update=_changes,
        delete=manager_of(OF_TASK),
    ),
    writes=writes(_OWN + _REVIEWED + _MADE, only={MANAGERS: _MADE, _REVIEWERS: _REVIEWED}, alike=_ALIKE),
    relations=(COMMENTS,),
    scope=_listed,
    specials={"project_id": Special(filters.uuid_filter, _OF_PROJECT)},
    check=_check,
    saved=_take_siblings,
    of_production=True,
    skip=frozenset({"delete"}),
    streams=True,
    tag="Preview files",
)


# Backgrounds

_SAME_NAME = select(preview_background_file.c.id).where(
    preview_background_file.c.name == param("name", String),
    preview_background_file.c.id.is_distinct_from(param("row_id")),
)
_CLEAR_DEFAULT = (
    update(preview_background_file)
    .where(
        preview_background_file.c.is_default == param("chosen", Boolean),
        preview_background_file.c.id != param("row_id"),
    )
    .values(is_default=False)
)
_RELEASE_PROJECTS = (
    update(project)
    .where(project.c.default_preview_background_file_id == param("row_id"))
    .values(default_preview_background_file_id=None)
)


async def _check_background(change: Change) -> None:
    name = change.values.get("name")
    if name is not None and await change.tx.row(_SAME_NAME, name=name, row_id=change.row_id) is not None:
        raise BadRequest(f"name: there is a preview background named {name!r}.")


async def _one_default(change: Change) -> None:
    if change.values.get("is_default"):
        await change.tx.execute(_CLEAR_DEFAULT, chosen=True, row_id=change.row_id)


async def _release_background(change: Change) -> None:
    """Productions that show it show none; its pictures go."""
    row_id = change.row(preview_background_file)
    await change.tx.execute(_RELEASE_PROJECTS, row_id=row_id)
    await change.tx.delete(project_preview_background_file_link, preview_background_file_id=row_id)
    pictures = [addresses.picture(prefix, row_id) for prefix in ("thumbnails", "preview-backgrounds")]
    await mark_deleted(change.tx, pictures, force=change.force)


preview_backgrounds = Resource(
    preview_background_file,
    path="/data/preview-background-files",
    type="PreviewBackgroundFile",
    access=Access(list=authenticated, read=authenticated, create=admin, update=admin, delete=admin),
    writes=writes("name archived is_default original_name extension file_size"),
    check=_check_background,
    saved=_one_default,
    deleting=_release_background,
    tag="Preview background files",
)
