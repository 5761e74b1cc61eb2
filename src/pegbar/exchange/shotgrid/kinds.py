"""The kinds of records that are imported, as declarations. Source: spec exchange, "Shotgun import".

Where the specification says "found by", a way follows; where it says "skipped", a key or `settle` does.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, any_, func

from pegbar.accounts import shapes as people_shapes
from pegbar.accounts.people import rules
from pegbar.accounts.people.profile import email_of
from pegbar.accounts.tables import person
from pegbar.config import settings
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.resource import Relation
from pegbar.core.data.wire import wire_of
from pegbar.core.errors import BadRequest
from pegbar.entities.events import UPDATE
from pegbar.entities.kinds import ASSET, EPISODE, SCENE, SEQUENCE, SHOT, ensure_type, is_kind
from pegbar.entities.shapes import UNTYPED
from pegbar.entities.tables import entity, entity_link
from pegbar.exchange.shotgrid.kind import NUMBER, Columns, Draft, Kind, Row, Skip, by
from pegbar.exchange.shotgrid.linking import replace_links
from pegbar.exchange.shotgrid.queries import (
    ASSET_TYPE,
    DEPARTMENT,
    ENTITY,
    PERSON,
    PROJECT,
    PROJECT_NAMED,
    PROJECT_STATUS,
    STATUS,
    STEP,
    TASK,
    held_tasks,
    last_revisions,
    numbered_assets,
)
from pegbar.exchange.shotgrid.records import (
    Entry,
    Key,
    Record,
    colour,
    document,
    entity_of,
    first,
    moment,
    name_of,
    number_of,
    sg_fields,
    text_of,
    typed_entity,
    user_of,
    whole_number,
)
from pegbar.files.trees.shipped import shipped_tree
from pegbar.media.tables import preview_file
from pegbar.productions import actions as productions
from pegbar.productions import shapes as production_shapes
from pegbar.productions.creation import ensure_open_status
from pegbar.productions.descriptors.everywhere import copy_shared_descriptors
from pegbar.productions.tables import project, project_person_link
from pegbar.studio.tables import task_status, task_type
from pegbar.tasks.batches.actions import default_status
from pegbar.tasks.comments.shapes import COMMENT
from pegbar.tasks.shapes import ASSIGNEES
from pegbar.tasks.shapes import TASK as TASK_ROW
from pegbar.tasks.tables import comment, task

_BLACK = "#000000"
_TEXTS = param("beside", ARRAY(Text))
_IDS = param("beside", ARRAY(project.c.id.type))


def _lower(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return func.lower(column) == any_(_TEXTS)


# People

#: The address of people who are none.
_NOBODY = "changeme@email.com"
_ROLES = {"Manager": "manager", "Admin": "admin"}


def _person_columns(values: Columns, _: Record) -> Columns:
    role = _ROLES.get(values.get("permission_rule_set") or "", "user")
    return {"active": (values.get("sg_status_list") or "act") == "act", "role": role}


async def _seats(tx: Transaction, _: Sequence[Columns]) -> dict[Any, Any]:
    return {"seats": await rules.free_seats(tx)}


def _settle_person(draft: Draft) -> None:
    """Who is known keeps their record; the number of somebody who has none is kept, since tasks name people by it."""
    if draft.row is not None:
        known = draft.row.columns["shotgun_id"] is not None
        draft.columns = {} if known else {"shotgun_id": draft.columns["shotgun_id"]}
    elif draft.columns["active"]:
        if draft.facts["seats"] <= 0:
            raise BadRequest("User limit reached.")
        draft.facts["seats"] -= 1


PERSONS = Kind(
    "persons",
    "person",
    person,
    people_shapes.SAFE,
    keys=(
        Key("id", person.c.shotgun_id),
        Key("firstname", person.c.first_name),
        Key("lastname", person.c.last_name),
        Key("email", person.c.email, read=lambda value: None if value is None else email_of(value), absent="refuse"),
        Key("login", person.c.desktop_login),
        Key("sg_status_list", read=text_of, absent="keep"),
        Key("permission_rule_set", read=name_of, absent="keep"),
        Key(
            "department",
            people_shapes.DEPARTMENTS,
            read=name_of,
            names=DEPARTMENT,
            makes=lambda name, _: {"name": name, "color": _BLACK},
            absent="keep",
            null="keep",
        ),
    ),
    found_by=(NUMBER, lambda columns: None if columns.get("is_bot") else (columns["email"] or "").lower() or None),
    beside=_lower(person.c.email) & person.c.is_bot.is_not(True),
    beside_values=lambda columns: columns["email"],
    skips=lambda entry: "It is nobody's address." if entry.values["email"] == _NOBODY else "",
    derive=_person_columns,
    settle=_settle_person,
    facts=_seats,
)


# Productions


async def _fresh_project(tx: Transaction, _: UUID) -> Columns:
    return {
        "project_status_id": await ensure_open_status(tx),
        "file_tree": shipped_tree(settings().default_file_tree),
    }


def _settle_project(draft: Draft) -> None:
    """What people keep about the production here stays."""
    stored = draft.row.columns["data"] if draft.row is not None else None
    if isinstance(stored, dict):
        kept = {name: value for name, value in stored.items() if not name.startswith("sg_")}
        draft.columns["data"] = kept | draft.columns["data"]


async def _share_columns(tx: Transaction, rows: Sequence[Row]) -> None:
    for row in rows:
        if row.new:
            await copy_shared_descriptors(tx, row.id)


PROJECTS = Kind(
    "projects",
    "project",
    project,
    production_shapes.PROJECT,
    keys=(
        Key("id", project.c.shotgun_id),
        Key("name", project.c.name),
        Key(
            "sg_status",
            project.c.project_status_id,
            read=text_of,
            names=PROJECT_STATUS,
            makes=lambda name, _: {"name": name, "color": _BLACK},
            absent="refuse",
            null="keep",
        ),
    ),
    derive=lambda _, record: {"data": sg_fields(record, "sg_status")},
    settle=_settle_project,
    fresh=_fresh_project,
    stored=_share_columns,
)


async def _store_members(tx: Transaction, rows: Sequence[Row]) -> None:
    """Who is new in a team is told; the numbers of connections are not."""
    members = [(row.columns["project_id"], row.columns["person_id"]) for row in rows if row.new]
    await productions.bring_into_teams(tx, members)
    changed = [row.columns for row in rows if row.new or row.changes]
    names = ("project_id", "person_id", "shotgun_id")
    numbered = [{name: columns[name] for name in names} for columns in changed]
    await tx.update_many(project_person_link, numbered, by=("project_id", "person_id"))


CONNECTIONS = Kind(
    "project-connections",
    "member of the team",
    project_person_link,
    production_shapes.PROJECT,
    keys=(
        Key("id", project_person_link.c.shotgun_id),
        Key("project", project_person_link.c.project_id, read=number_of, names=PROJECT, unknown="skip"),
        Key("user", project_person_link.c.person_id, read=user_of, names=PERSON, unknown="skip"),
    ),
    found_by=(by("project_id", "person_id"),),
    beside=project_person_link.c.project_id == any_(_IDS),
    beside_values=lambda columns: columns["project_id"],
    store=_store_members,
    answers=project,
)


# The story


def _project_named() -> Key:
    return Key("project", entity.c.project_id, read=name_of, names=PROJECT_NAMED, null="skip", unknown="skip")


def _fresh(kind: str) -> Any:
    async def fresh(tx: Transaction, caller_id: UUID) -> Columns:
        return {"created_by": caller_id, "entity_type_id": await ensure_type(tx, kind)}

    return fresh


def _story(name: str, kind: str, *keys: Key, **more: Any) -> Kind:
    """A kind of entities."""
    common = (Key("id", entity.c.shotgun_id), Key("code", entity.c.name))
    more.setdefault("fresh", _fresh(kind))
    return Kind(name, kind.lower(), entity, UNTYPED, keys=(*common, *keys), among=is_kind(kind), **more)


_DESCRIPTION = Key("description", entity.c.description, absent="keep")
_NAMED = entity.c.name == any_(_TEXTS)

EPISODES = _story("episodes", EPISODE, _project_named(), _DESCRIPTION)


def _settle_sequence(draft: Draft) -> None:
    """A name under an episode is taken once; who comes second keeps away, and changes nothing but a description."""
    if draft.twin is not None and draft.row is None:
        raise Skip("There is a sequence of this name already.")
    if draft.twin is not None:
        draft.columns = {name: draft.columns[name] for name in ("description",) if name in draft.columns}


SEQUENCES = _story(
    "sequences",
    SEQUENCE,
    _project_named(),
    _DESCRIPTION,
    Key("episode", entity.c.parent_id, read=entity_of(EPISODE), names=ENTITY, absent="keep"),
    twin=by("name", "parent_id", "project_id"),
    beside=_NAMED,
    beside_values=lambda columns: columns["name"],
    settle=_settle_sequence,
)

SCENES = _story(
    "scenes",
    SCENE,
    _project_named(),
    Key(
        "sequence_sg_scenes_1_sequences",
        entity.c.parent_id,
        read=first(entity_of(SEQUENCE)),
        names=ENTITY,
        absent="keep",
    ),
)

_CASTING = Relation("entities_out", entity_link.c.entity_in_id, entity_link.c.entity_out_id)


async def _fresh_asset(_: Transaction, caller_id: UUID) -> Columns:
    return {"created_by": caller_id}


def _settle_asset(draft: Draft) -> None:
    if draft.row is None and draft.columns.get("entity_type_id") is None:
        raise Skip("sg_asset_type is null.")
    if draft.twin is not None and draft.twin is not draft.row:
        raise Skip("There is an asset of this type and name already.")


async def _assemble(tx: Transaction, taken: Sequence[tuple[Entry, UUID]]) -> Iterable[UUID]:
    """Each asset that others name as their parent is made of exactly those."""
    children: dict[int, list[UUID]] = defaultdict(list)
    for entry, asset_id in taken:
        for _, number in entry.values.get("parents", ()):
            children[number].append(asset_id)
    if not children:
        return ()
    parents: dict[int, Any] = {}
    for row in await tx.rows(numbered_assets, keys=list(children)):
        parents.setdefault(row["shotgun_id"], row)
    wanted = {
        row["id"]: [child for child in dict.fromkeys(children[number]) if child != row["id"]]
        for number, row in parents.items()
    }
    changed = await replace_links(tx, _CASTING, wanted)
    for row in parents.values():
        if row["id"] in changed:
            tx.emit(UPDATE[ASSET], project_id=row["project_id"], asset_id=row["id"])
    return changed


ASSETS = _story(
    "assets",
    ASSET,
    Key("project", entity.c.project_id, read=number_of, names=PROJECT, null="skip", unknown="skip"),
    _DESCRIPTION,
    Key(
        "sg_asset_type",
        entity.c.entity_type_id,
        read=lambda value: (text_of(value) or "").strip().lower(),
        names=ASSET_TYPE,
        makes=lambda _, record: {"name": record["sg_asset_type"].strip()},
        absent="refuse",
        null="keep",
        unknown="skip",
    ),
    Key("parents", read=entity_of(ASSET), many=True, absent="keep"),
    fresh=_fresh_asset,
    twin=lambda columns: (
        None
        if columns.get("canceled")
        else tuple(columns.get(name) for name in ("name", "project_id", "entity_type_id"))
    ),
    beside=_NAMED,
    beside_values=lambda columns: columns["name"],
    settle=_settle_asset,
    finish=_assemble,
)


def _shot_columns(values: Columns, record: Record) -> Columns:
    start, length = values["sg_cut_in"], values["sg_cut_duration"]
    end = None if start is None else start + (length or 0)
    fields = sg_fields(record, "sg_cut_in", "sg_cut_out", "sg_sequence")
    return {"data": {**fields, "frame_in": start, "frame_out": end}}


SHOTS = _story(
    "shots",
    SHOT,
    _project_named(),
    Key("sg_sequence", entity.c.parent_id, read=entity_of(SEQUENCE), names=ENTITY, absent="keep"),
    Key("sg_scene", entity.c.source_id, read=entity_of(SCENE), names=ENTITY, absent="keep"),
    Key("sg_cut_in", read=whole_number),
    Key("sg_cut_duration", read=whole_number),
    Key("assets", _CASTING, read=entity_of(ASSET), names=ENTITY, many=True, absent="empty"),
    derive=_shot_columns,
)


# How work is named


def _settle_step(draft: Draft) -> None:
    """A step that is there, whatever the case of its name, keeps name, kind of entity and department."""
    kept: tuple[str, ...] = ()
    if draft.twin is not None:
        kept = ("name", "for_entity", "department_id")
    elif draft.way:
        kept = ("name",)
    for name in kept:
        draft.columns.pop(name, None)


def _step(columns: Columns) -> tuple[str, str]:
    return columns["name"].lower(), (columns.get("for_entity") or "Asset").lower()


def _step_department(code: str, record: Record) -> Columns:
    return {"name": code, "color": colour(record.get("color"))}


async def _fresh_step(_: Transaction, __: UUID) -> Columns:
    return {"short_name": "", "color": _BLACK, "for_entity": "Asset"}


STEPS = Kind(
    "steps",
    "step",
    task_type,
    wire_of(task_type, "TaskType"),
    keys=(
        Key("id", task_type.c.shotgun_id),
        Key("code", task_type.c.name),
        Key("short_name", task_type.c.short_name, absent="keep", null="keep"),
        Key("color", task_type.c.color, read=colour, absent="keep", null="keep"),
        Key("entity_type", task_type.c.for_entity, absent="keep", null="keep"),
        Key(
            "code",
            task_type.c.department_id,
            slot="department",
            read=lambda value: next(iter((text_of(value) or "").split()), None),
            names=DEPARTMENT,
            makes=_step_department,
        ),
    ),
    found_by=(NUMBER, _step),
    twin=lambda columns: (*_step(columns), columns.get("department_id")),
    beside=_lower(task_type.c.name),
    beside_values=lambda columns: columns["name"].lower(),
    settle=_settle_step,
    fresh=_fresh_step,
)


async def _fresh_status(_: Transaction, __: UUID) -> Columns:
    return {"color": _BLACK}


STATUSES = Kind(
    "status",
    "status",
    task_status,
    wire_of(task_status, "TaskStatus"),
    keys=(
        Key("id", task_status.c.shotgun_id),
        Key("name", task_status.c.name),
        Key("code", task_status.c.short_name),
        Key("bg_color", task_status.c.color, read=colour, absent="keep"),
    ),
    found_by=(NUMBER, by("short_name")),
    beside=task_status.c.short_name == any_(_TEXTS),
    beside_values=lambda columns: columns["short_name"],
    fresh=_fresh_status,
)


# The work

_SAME_TASK = ("name", "project_id", "task_type_id", "entity_id")


def _settle_task(draft: Draft) -> None:
    if draft.way:
        draft.columns = {name: value for name, value in draft.columns.items() if name not in _SAME_TASK}


async def _fresh_task(tx: Transaction, _: UUID) -> Columns:
    return {"task_status_id": await default_status(tx, for_concept=False)}


TASKS = Kind(
    "tasks",
    "task",
    task,
    TASK_ROW,
    keys=(
        Key("id", task.c.shotgun_id),
        Key("cached_display_name", task.c.name),
        Key("step", task.c.task_type_id, read=number_of, names=STEP, absent="refuse", null="skip", unknown="skip"),
        Key("project", task.c.project_id, read=number_of, names=PROJECT, absent="refuse", null="skip", unknown="skip"),
        Key("entity", task.c.entity_id, read=typed_entity, names=ENTITY, null="skip", unknown="skip"),
        Key("start_date", task.c.start_date, absent="keep"),
        Key("due_date", task.c.due_date, absent="keep"),
        Key("sg_sort_order", task.c.sort_order, absent="keep", null="keep"),
        Key("duration", task.c.duration, absent="keep", null="keep"),
        Key(
            "sg_status_list",
            task.c.task_status_id,
            read=text_of,
            names=STATUS,
            absent="keep",
            null="keep",
            unknown="keep",
        ),
        Key("created_by", task.c.assigner_id, read=user_of, names=PERSON, absent="keep"),
        Key("task_assignees", ASSIGNEES, read=user_of, names=PERSON, many=True, absent="keep", unknown="skip"),
    ),
    found_by=(NUMBER, by(*_SAME_TASK)),
    beside=task.c.entity_id == any_(_IDS),
    beside_values=lambda columns: columns["entity_id"],
    settle=_settle_task,
    fresh=_fresh_task,
)


async def _revisions(tx: Transaction, versions: Sequence[Columns]) -> dict[Any, Any]:
    task_ids = sorted({columns["task_id"] for columns in versions})
    await tx.execute(held_tasks, ids=task_ids)
    return {row["task_id"]: row["last"] or 0 for row in await tx.rows(last_revisions, ids=task_ids)}


def _settle_version(draft: Draft) -> None:
    """New versions of a task are its next revisions."""
    if draft.row is None:
        task_id = draft.columns["task_id"]
        draft.facts[task_id] = draft.columns["revision"] = draft.facts.get(task_id, 0) + 1


def _movie(values: Columns, _: Record) -> Columns:
    movie = values["sg_uploaded_movie"]
    return {"uploaded_movie_url": movie.get("url"), "uploaded_movie_name": movie.get("name")}


async def _fresh_version(_: Transaction, __: UUID) -> Columns:
    return {"source": "Shotgun"}


VERSIONS = Kind(
    "versions",
    "version",
    preview_file,
    wire_of(preview_file, "PreviewFile"),
    keys=(
        Key("id", preview_file.c.shotgun_id),
        Key("code", preview_file.c.name),
        Key("description", preview_file.c.description, absent="keep"),
        Key("user", preview_file.c.person_id, read=user_of, names=PERSON, absent="keep"),
        Key(
            "sg_task", preview_file.c.task_id, read=number_of, names=TASK, absent="refuse", null="skip", unknown="skip"
        ),
        Key("sg_uploaded_movie", read=document),
    ),
    found_by=(NUMBER, by("name", "task_id")),
    beside=preview_file.c.task_id == any_(_IDS),
    beside_values=lambda columns: columns["task_id"],
    derive=_movie,
    settle=_settle_version,
    fresh=_fresh_version,
    facts=_revisions,
)


async def _fresh_note(_: Transaction, __: UUID) -> Columns:
    return {"object_type": "Task"}


NOTES = Kind(
    "notes",
    "note",
    comment,
    COMMENT,
    keys=(
        Key("id", comment.c.shotgun_id),
        Key("content", comment.c.text, read=lambda value: value if value is not None else ""),
        Key("user", comment.c.person_id, read=user_of, names=PERSON, unknown="skip"),
        Key("created_at", comment.c.created_at, read=moment),
        Key(
            "tasks",
            comment.c.object_id,
            read=first(number_of),
            names=TASK,
            absent="refuse",
            null="skip",
            unknown="skip",
        ),
    ),
    fresh=_fresh_note,
)

#: In the order in which a studio moves: what a kind names comes before it.
KINDS = {
    kind.name: kind
    for kind in (
        PERSONS,
        PROJECTS,
        CONNECTIONS,
        EPISODES,
        SEQUENCES,
        SCENES,
        ASSETS,
        SHOTS,
        STEPS,
        STATUSES,
        TASKS,
        VERSIONS,
        NOTES,
    )
}
