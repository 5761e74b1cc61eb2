"""Generic routes of tasks. Source: spec crud, "tasks"."""

from collections.abc import Sequence

from sqlalchemy import select

from pegbar.accounts.standing import CALLER, Narrowing, Shapes, assigned, is_concept
from pegbar.core.data import filters
from pegbar.core.data.changes import Change, Verb
from pegbar.core.data.filters import Special
from pegbar.core.data.parameters import param
from pegbar.core.data.removal import remove
from pegbar.core.data.resource import Access, Resource
from pegbar.core.data.writes import Only, writes
from pegbar.core.http.access import Caller, Rule, at, authenticated, manager_of, supervisor_of, task_access
from pegbar.entities.casting.readiness import refresh
from pegbar.entities.tables import entity
from pegbar.tasks import actions
from pegbar.tasks.events import TASK_DELETE, TASK_NEW, TASK_UPDATE
from pegbar.tasks.shapes import ASSIGNEES, BLANKED, TASK, TASK_FOR_CLIENTS, TASK_WITH_ASSIGNEES
from pegbar.tasks.tables import news, task

#: What supervisors plan of a task; the rest is for managers.
_PLANNED = "priority start_date due_date estimation difficulty data "
#: What touches nothing but the task.
_OWN = """
    name description duration completion_rate retake_count sort_order real_start_date end_date done_date
    last_comment_date nb_drawings shotgun_id task_status_id assigner_id
"""
_REST = f"{_OWN} last_preview_file_id task_type_id entity_id assignees"

_parent = entity.alias("parent")
_IN_EPISODE = task.c.entity_id.in_(
    select(entity.c.id)
    .join(_parent, _parent.c.id == entity.c.parent_id)
    .where(_parent.c.parent_id == param("f_episode_id"))
)


SHAPES = Shapes(task.c.project_id, TASK, whole=TASK_WITH_ASSIGNEES, client=TASK_FOR_CLIENTS)


def _refused_filters(caller: Caller) -> frozenset[str]:
    return frozenset(BLANKED) if "client" in {caller.role, *caller.roles} and not caller.is_admin else frozenset()


def may_plan(caller: Caller) -> bool:
    """Manages the task's production, or supervises it and the department of the task."""
    if caller.manages:
        return True
    return caller.supervises and caller.covers_department(caller.task_department_id)


plans_task = Rule(
    "manager of the production, or supervisor of the task's department", may_plan, at("task", "instance_id")
)


async def _check(change: Change) -> None:
    if change.before is None:
        await actions.check_documents([change])
        return
    if isinstance(change.values.get("data"), dict) and change.values["data"]:
        stored = change.before["data"]
        change.values["data"] = {**(stored if isinstance(stored, dict) else {}), **change.values["data"]}
    await actions.replace_assignees(change)


async def _saved(change: Change) -> None:
    """How many assets are ready for a task depends on its shot and its type."""
    entity_id = change.after("entity_id")
    if entity_id is not None and (change.changes("entity_id") or change.changes("task_type_id")):
        await refresh(change.tx, [entity_id])


async def _saved_together(changes: Sequence[Change]) -> None:
    """The same of many tasks."""
    stale = [change for change in changes if change.changes("entity_id") or change.changes("task_type_id")]
    entity_ids = {change.after("entity_id") for change in stale}
    await refresh(changes[0].tx, sorted(entity_ids - {None}))


async def _deleting(change: Change) -> None:
    if change.force:
        await remove(change.tx, task, [change.row(task)], keep=True)


async def _emit(_: Resource, change: Change, verb: Verb) -> None:
    project_id = change.after("project_id")
    if verb == "delete":
        change.tx.emit(
            TASK_DELETE,
            project_id=project_id,
            task_id=change.row_id,
            entity_id=change.after("entity_id"),
            task_type_id=change.after("task_type_id"),
        )
    else:
        change.tx.emit(TASK_NEW if verb == "new" else TASK_UPDATE, project_id=project_id, task_id=change.row_id)


tasks = Resource(
    task,
    path="/data/tasks",
    type="Task",
    access=Access(
        list=authenticated,
        read=task_access(at("task", "instance_id")),
        create=supervisor_of(at("entity", "entity_id")),
        update=plans_task,
        delete=manager_of(task.c.project_id),
    ),
    writes=writes(
        _PLANNED + _REST,
        create="project_id nb_assets_ready",
        only={Only("managers of the production", lambda change: change.caller.manages, unasked=True): _REST},
        alike={"last_preview_file_id": ("task_id", "id")},
    ),
    relations=(ASSIGNEES,),
    wire=TASK,
    shape=SHAPES.one,
    list_shape=SHAPES.listed,
    scope=Narrowing(task.c.project_id, vendor=assigned(CALLER, task.c.id), client=~is_concept(task.c.entity_id)),
    specials={"episode_id": Special(filters.uuid_filter, _IN_EPISODE)},
    refused_filters=_refused_filters,
    check=_check,
    check_together=actions.check_documents,
    saved=_saved,
    deleting=_deleting,
    emit=_emit,
    together=_PLANNED + _OWN,
    creates_apart=True,
    saved_together=_saved_together,
    streams=True,
    tag="Tasks",
)

news_items = Resource(
    news,
    path="/data/news",
    type="News",
    writes=writes("change author_id comment_id task_id preview_file_id"),
    of_production=True,
    tag="News",
)
