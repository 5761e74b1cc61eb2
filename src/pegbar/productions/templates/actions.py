"""What a project template uses of the studio. Source: spec projects, "Project templates"."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Executable, func, select, update

from pegbar.core.data.database import Json, Reader, Transaction
from pegbar.core.data.values import check_json
from pegbar.core.data.wire import Wire, json_list, json_object, wire_of
from pegbar.core.errors import BadRequest, Refused
from pegbar.core.slugs import slug
from pegbar.productions.settings import actions, links
from pegbar.productions.settings.links import (
    TEMPLATE_ASSET_TYPE,
    TEMPLATE_AUTOMATION,
    TEMPLATE_BACKGROUND,
    TEMPLATE_TASK_STATUS,
    TEMPLATE_TASK_TYPE,
    Link,
)
from pegbar.productions.tables import BOARD_ROLES, project_template
from pegbar.productions.templates.rules import BACKGROUND, BACKGROUNDS, TEMPLATE_ID, UnknownTemplate, touch

_OWNER = "project_template_id"


@dataclass(frozen=True)
class Part:
    """A list of a template: the links, and what the things linked look like."""

    link: Link
    wire: Wire
    order: tuple[ColumnElement[Any], ...] = ()


def _priority(link: Link) -> tuple[ColumnElement[Any], ...]:
    return (func.coalesce(link.table.c.priority, 0), link.target.c.name)


_of_type, _of_status = TEMPLATE_TASK_TYPE.table.c, TEMPLATE_TASK_STATUS.table.c
TASK_TYPES = Part(
    TEMPLATE_TASK_TYPE,
    wire_of(TEMPLATE_TASK_TYPE.target, "TaskType").but(
        priority=_of_type.priority,
        hd_bitrate_compression=_of_type.hd_bitrate_compression,
        ld_bitrate_compression=_of_type.ld_bitrate_compression,
        is_client_visible=_of_type.is_client_visible,
    ),
    _priority(TEMPLATE_TASK_TYPE),
)
TASK_STATUSES = Part(
    TEMPLATE_TASK_STATUS,
    wire_of(TEMPLATE_TASK_STATUS.target, "TaskStatus").but(
        priority=_of_status.priority,
        roles_for_board=_of_status.roles_for_board,
        link_is_client_allowed=_of_status.is_client_allowed,
    ),
    _priority(TEMPLATE_TASK_STATUS),
)
ASSET_TYPES = Part(TEMPLATE_ASSET_TYPE, wire_of(TEMPLATE_ASSET_TYPE.target).only("id", "name"))
AUTOMATIONS = Part(TEMPLATE_AUTOMATION, wire_of(TEMPLATE_AUTOMATION.target, "StatusAutomation"))
BACKGROUND_FILES = Part(TEMPLATE_BACKGROUND, wire_of(TEMPLATE_BACKGROUND.target).only("id", "name", "is_default"))


@lru_cache
def _listed(part: Part) -> Executable:
    """A template's list; no row when there is no such template."""
    link = part.link
    rows = (
        select(json_object(part.wire))
        .join_from(link.target, link.table, link.column == link.target.c.id)
        .where(link.table.c[_OWNER] == project_template.c.id)
        .order_by(*part.order)
        .correlate(project_template)
    )
    return select(json_list(rows)).select_from(project_template).where(project_template.c.id == TEMPLATE_ID)


@lru_cache
def _one(part: Part) -> Executable:
    return select(json_object(part.wire)).where(part.link.target.c.id == links.OTHER_ID)


_FORGET_BACKGROUND = (
    update(project_template)
    .where(project_template.c.id == TEMPLATE_ID, project_template.c[BACKGROUND] == links.OTHER_ID)
    .values({BACKGROUND: None})
)


async def listed(db: Reader, part: Part, template_id: UUID) -> Json:
    """A template's list; 404 when there is no such template."""
    rows = await db.json_row(_listed(part), template_id=template_id)
    if rows is None:
        raise UnknownTemplate
    return rows


async def add(tx: Transaction, part: Part, template_id: UUID, other_id: UUID) -> Json:
    """Use a thing in a template, and answer it; nothing happens if it is already."""
    await touch(tx, template_id)
    await _require(tx, part.link, other_id)
    await links.upsert(tx, part.link, template_id, other_id, {}, ())
    row = await tx.json_row(_one(part), other_id=other_id)
    assert row is not None
    return row


async def _require(tx: Transaction, link: Link, other_id: UUID) -> None:
    try:
        await links.require(tx, link, other_id)
    except BadRequest as error:
        raise Refused(error.message) from None


async def remove(tx: Transaction, part: Part, template_id: UUID, other_id: UUID) -> None:
    """Stop using a thing in a template. A background stops being the default one too."""
    await touch(tx, template_id)
    if part is BACKGROUND_FILES:
        await tx.execute(_FORGET_BACKGROUND, template_id=template_id, other_id=other_id)
    await tx.delete(part.link.table, **{_OWNER: template_id, part.link.name: other_id})


async def put_task_type(tx: Transaction, template_id: UUID, task_type_id: UUID, values: dict[str, Any]) -> Json:
    """Use a task type in a template, or change these values of its use."""
    await touch(tx, template_id)
    await _require(tx, TEMPLATE_TASK_TYPE, task_type_id)
    await actions.put_task_type(tx, TEMPLATE_TASK_TYPE, template_id, task_type_id, values, kept=())
    return await links.read(tx, TEMPLATE_TASK_TYPE, template_id, task_type_id)


async def put_task_status(tx: Transaction, template_id: UUID, task_status_id: UUID, values: dict[str, Any]) -> Json:
    """Use a task status in a template, or change these values of its use."""
    await touch(tx, template_id)
    await _require(tx, TEMPLATE_TASK_STATUS, task_status_id)
    new = {"priority": None, "roles_for_board": list(BOARD_ROLES), "is_client_allowed": None, **values}
    await links.upsert(tx, TEMPLATE_TASK_STATUS, template_id, task_status_id, new, tuple(values))
    return await links.read(tx, TEMPLATE_TASK_STATUS, template_id, task_status_id)


async def reorder(tx: Transaction, link: Link, template_id: UUID, ids: list[UUID]) -> Json:
    """Number what a template uses in this order, from 1; what it does not use yet is added."""
    if not ids:
        return Json(b"[]")
    await touch(tx, template_id)
    if len(await links.known(tx, link, ids)) != len(ids):
        raise BadRequest(f"{link.name}s: one of them names nothing.")
    rows = [{_OWNER: template_id, link.name: other_id} for other_id in ids]
    await tx.insert_many(link.table, rows, skip_existing=True)
    return await links.number(tx, link, template_id, ids)


async def set_background(tx: Transaction, template_id: UUID, background_id: UUID | None) -> None:
    """Choose the default one of a template's backgrounds, or none."""
    await touch(tx, template_id, **{BACKGROUND: background_id})
    if background_id is not None and background_id not in await tx.column(BACKGROUNDS, template_id=template_id):
        raise Refused(f"{BACKGROUND} is not among the preview background files of the template.", field=BACKGROUND)


async def set_descriptors(tx: Transaction, template_id: UUID, entries: Sequence[dict[str, Any]]) -> None:
    """Replace the columns of a template; a field name that is left out is made of the name."""
    for entry in entries:
        check_json("metadata_descriptors", entry)
        if entry["field_name"] is None:
            entry["field_name"] = slug(entry["name"])
    await touch(tx, template_id, metadata_descriptors=list(entries))
