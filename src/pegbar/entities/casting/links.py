"""Casting links of a production, one by one. Source: spec entities, "Entity links"."""

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Executable, Text, bindparam, func, literal_column, select, tuple_

from pegbar.config import settings
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.schema import TIMESTAMP, Uuid
from pegbar.core.data.wire import JsonText, Wire, json_object, wire_of
from pegbar.core.errors import BadRequest, Forbidden
from pegbar.core.http.access import manager_of
from pegbar.core.http.routing import delete, found, get
from pegbar.entities.casting import actions
from pegbar.entities.events import CASTING_UPDATE
from pegbar.entities.tables import entity, entity_link

_PRECISE = literal_column("""'\\"YYYY-MM-DD"T"HH24:MI:SS.US\\"'""", Text)
_ROW = wire_of(entity_link, "EntityLink")


def _precise(column: ColumnElement[Any]) -> ColumnElement[str]:
    """A date with its microseconds, as a cursor needs it."""
    return func.to_char(column, _PRECISE, type_=Text).cast(JsonText())


_FOR_CURSORS = _ROW.but(created_at=_precise(entity_link.c.created_at), updated_at=_precise(entity_link.c.updated_at))
_PLAIN = _FOR_CURSORS.but("updated_at")

_OF_PROJECT = entity_link.join(entity, entity.c.id == entity_link.c.entity_in_id)
_IN_PROJECT = entity.c.project_id == bindparam("project_id", type_=Uuid)
_IN_ORDER = (entity_link.c.created_at, entity_link.c.id)

_TOTAL = select(func.count()).select_from(_OF_PROJECT).where(_IN_PROJECT)


@lru_cache
def _links(wire: Wire, after: bool, limited: bool, paged: bool) -> Executable:
    rows = select(json_object(wire)).select_from(_OF_PROJECT).where(_IN_PROJECT).order_by(*_IN_ORDER)
    if after:
        here = bindparam("cursor", type_=TIMESTAMP), bindparam("cursor_id", type_=Uuid)
        rows = rows.where(tuple_(*_IN_ORDER) > tuple_(*here))
    if limited:
        rows = rows.limit(bindparam("limit"))
    return rows.offset(bindparam("offset")) if paged else rows


_LAST_ID = UUID(int=2**128 - 1)


class Page(msgspec.Struct):
    """Which links: a page, or those after a date (and the id of the last link of that date, where several share it)."""

    page: int = 0
    limit: int = 0
    cursor_created_at: str | None = None
    cursor_id: UUID | None = None


@get("/data/projects/{project_id:uuid}/entity-links", access=manager_of("project_id"), errors=(400,))
async def project_links(project_id: UUID, query: Page, db: Database) -> Any:
    """Casting links of a production, oldest first: a list, a page, or what comes after a cursor."""
    size = query.limit if query.limit > 0 else settings().nb_records_per_page
    if not (0 <= query.page < 2**31 and size < 2**31) and query.page > 0:
        raise BadRequest("page and limit are out of range.")
    if query.cursor_created_at:
        after = {"cursor": _cursor(query.cursor_created_at), "cursor_id": query.cursor_id or _LAST_ID}
        statement = _links(_FOR_CURSORS, True, True, False)
        rows = await db.json(statement, project_id=project_id, limit=size, **after)
        return {"data": msgspec.Raw(rows), "total": await db.value(_TOTAL, project_id=project_id), "limit": size}
    if query.page > 0:
        offset = (query.page - 1) * size
        rows = await db.json(_links(_ROW, False, True, True), project_id=project_id, limit=size, offset=offset)
        total = await db.value(_TOTAL, project_id=project_id)
        return {
            "data": msgspec.Raw(rows),
            "total": total,
            "nb_pages": -(-total // size),
            "limit": size,
            "offset": offset,
            "page": query.page,
        }
    if query.limit > 0:
        return await db.json(_links(_PLAIN, False, True, False), project_id=project_id, limit=size)
    return await db.json(_links(_PLAIN, False, False, False), project_id=project_id)


def _cursor(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        raise BadRequest(f"cursor_created_at: {text!r} is not a date and time.") from None


_LINK = select(json_object(_ROW), entity.c.project_id, entity_link.c.entity_in_id, entity_link.c.entity_out_id)
_ONE = _LINK.select_from(_OF_PROJECT).where(entity_link.c.id == bindparam("link_id", type_=Uuid))


@delete(
    "/data/projects/{project_id:uuid}/entity-links/{link_id:uuid}",
    access=manager_of("project_id"),
    status=200,
    events=tuple(CASTING_UPDATE.values()),
    returns=_ROW,
)
async def delete_link(project_id: UUID, link_id: UUID, tx: Transaction) -> Json:
    """Take an asset out of a casting; the link is answered. The shots of an episode keep the asset."""
    link = found(await tx.row(_ONE, link_id=link_id), f"The link {link_id}")
    if link["project_id"] != project_id:
        raise Forbidden(f"The link {link_id} is of another production.")
    casts = await actions.casts(tx, project_id, [link["entity_in_id"]])
    diff = actions.uncasting(casts[link["entity_in_id"]], link["entity_out_id"])
    await actions.apply(tx, [diff] if diff is not None else [], from_shots=False)
    return Json(link[0].encode())
