"""Boards: entities with their tasks. Source: spec entities and spec shots, "with-tasks" and "Caching".

A board is one statement, whose rows come one by one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import msgspec
from litestar import Request
from sqlalchemy import (
    ColumnElement,
    Executable,
    FromClause,
    bindparam,
    false,
    func,
    literal_column,
    select,
)

from pegbar.core.data.database import Database
from pegbar.core.data.marks import headers_of, unchanged
from pegbar.core.data.resource import CALLER_ID, Relation, scope_parameters
from pegbar.core.data.schema import Uuid
from pegbar.core.data.wire import EVERY_ROW, Wire, json_list, json_object, json_values, wire_of
from pegbar.core.http.access import Caller
from pegbar.core.http.streaming import stream_array, stream_lines
from pegbar.entities.kinds import is_kind, kind_text
from pegbar.entities.metadata import data_for
from pegbar.entities.scopes import ASSIGNED
from pegbar.entities.tables import entity
from pegbar.entities.task_shapes import blanked, by_audience
from pegbar.notifications.tables import subscription
from pegbar.productions import changes
from pegbar.tasks.tables import task, task_person_link

_project_id = bindparam("project_id", type_=Uuid)
IS: ColumnElement[bool] = entity.c.id == bindparam("entity_id", type_=Uuid)


@dataclass(frozen=True, eq=False)
class Board:
    """A kind of entities with their tasks."""

    kind: str | None  #: None for entities of any kind
    row: Wire  #: keys in the order of compact rows; `tasks` stands for the tasks
    task_keys: Sequence[str]
    source: FromClause
    order: tuple[Any, ...] = ()
    fields: str = ""  #: the name of the row's keys in the head of compact answers
    for_vendors: ColumnElement[bool] = ASSIGNED
    #: Keys made from the metadata, which vendors and clients see masked.
    from_data: Any = None


@dataclass(frozen=True)
class Asked:
    """What a request wants of a board, as far as the statement is concerned."""

    audience: str  #: of `task_shapes.audience`
    compact: bool = False
    in_project: bool = True
    one: bool = False
    own: bool = False  #: only the caller's tasks
    conditions: tuple[ColumnElement[bool], ...] = ()


_ASSIGNEES = Relation("assignees", task_person_link.c.task_id, task_person_link.c.person_id).ids(task)
#: The caller's subscriptions are gathered once for the whole board.
_SUBSCRIBED = task.c.id.in_(
    select(subscription.c.task_id).where(subscription.c.person_id == CALLER_ID, subscription.c.task_id.is_not(None))
)
_OWN = task.c.id.in_(select(task_person_link.c.task_id).where(task_person_link.c.person_id == CALLER_ID))


def _tasks(board: Board, asked: Asked) -> ColumnElement[str]:
    """The tasks of an entity of the board as one JSON text.

    They are looked up entity by entity: as quick as gathering them all by hash, and the first row does not wait for
    the last one, nor does the database hold them all.
    """
    return by_audience(asked.audience, lambda role: _tasks_for(role, board, asked))


def _tasks_for(role: str, board: Board, asked: Asked) -> ColumnElement[str]:
    conditions = [task.c.entity_id == entity.c.id]
    if asked.in_project:
        conditions.append(task.c.project_id == _project_id)
    if role == "vendor" or asked.own:
        conditions.append(_OWN)
    wire = wire_of(task).but(
        priority=func.coalesce(task.c.priority, literal_column("0"), type_=task.c.priority.type),
        assignees=_ASSIGNEES,
        is_subscribed=_SUBSCRIBED if asked.in_project else false(),
    )
    wire = wire.only(*board.task_keys)
    if role == "client":
        wire = blanked(wire)
    row = json_values(wire) if asked.compact else json_object(wire)
    return json_list(select(row).where(*conditions).correlate(entity))


@lru_cache(512)
def statement(board: Board, asked: Asked) -> Executable:
    """The rows of a board as JSON texts."""
    row = dict(board.row)
    if asked.audience != "studio":
        data = data_for(asked.audience, board.kind or kind_text(), board.row["data"])
        row |= {"data": data, **(board.from_data(data) if board.from_data else {})}
    row["tasks"] = _tasks(board, asked)
    conditions = list(asked.conditions)
    if board.kind is not None:
        conditions.append(is_kind(board.kind))
    if asked.in_project:
        conditions.append(entity.c.project_id == _project_id)
    if asked.audience == "vendor":
        conditions.append(board.for_vendors)
    rows = select(json_values(row) if asked.compact else json_object(row)).select_from(board.source).where(*conditions)
    return rows.order_by(*board.order).limit(EVERY_ROW) if board.order else rows


def _head(board: Board, *, compact: bool) -> dict[str, Any]:
    if not compact:
        return {"compact": False}
    return {"compact": True, board.fields: list(board.row), "task_fields": list(board.task_keys)}


async def answer(
    request: Request[Any, Any, Any], db: Database, caller: Caller, board: Board, asked: Asked, given: Mapping[str, Any]
) -> Any:
    """A board in the encoding asked for; 304 when the caller has it already."""
    query = request.query_params
    compact, stream = (bool(board.fields) and query.get(name) == "true" for name in ("compact", "stream"))
    headers: dict[str, str] = {}
    if board.fields and caller.project_id is not None and asked.in_project:
        tag = changes.tag(request, caller)
        if (known := unchanged(request, tag)) is not None:
            return known
        headers = headers_of(tag)
    asked = replace(asked, compact=compact)
    rows = statement(board, asked)
    values = {**given, **scope_parameters(rows, caller)}
    head = msgspec.json.encode(_head(board, compact=compact))
    if stream:
        return await stream_lines(db, caller, head, rows, headers=headers, **values)
    before, after = (head[:-1] + b',"rows":[', b"]}") if compact else (b"[", b"]")
    return await stream_array(db, caller, rows, headers=headers, before=before, after=after, **values)
