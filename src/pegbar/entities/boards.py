"""Boards: entities with their tasks. Source: spec entities and spec shots, "with-tasks" and "Caching".

A board is one statement, whose rows come one by one. Its kind declares what it shows (`kind.py`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
from litestar import Request
from sqlalchemy import (
    ColumnElement,
    Executable,
    FromClause,
    false,
    func,
    literal_column,
    select,
)

from pegbar.core.data.changes import Relation
from pegbar.core.data.database import Database
from pegbar.core.data.marks import headers_of, unchanged
from pegbar.core.data.parameters import CALLER_ID, param
from pegbar.core.data.wire import EVERY_ROW, Wire, json_list, json_object, json_values, wire_of, word
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller
from pegbar.core.http.body import query_id
from pegbar.core.http.streaming import stream_array, stream_lines
from pegbar.entities.kinds import is_kind, kind_text
from pegbar.entities.metadata import data_for
from pegbar.entities.queries import IS
from pegbar.entities.scopes import ASSIGNED
from pegbar.entities.tables import entity
from pegbar.entities.task_shapes import audience, blanked, by_audience
from pegbar.notifications.tables import subscription
from pegbar.productions import changes
from pegbar.tasks.tables import task, task_person_link

AnyRequest = Request[Any, Any, Any]

_project_id = param("project_id")
#: The key of the tasks in the row of a board, which fills it.
TASKS = {"tasks": word("")}


@dataclass(frozen=True, eq=False)
class InEpisode:
    """How `episode_id` narrows a board: a condition with a parameter, and that of the main pack (`main`)."""

    episode: ColumnElement[bool]
    main: ColumnElement[bool]
    parameter: str


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
    from_data: Callable[[ColumnElement[Any]], Mapping[str, ColumnElement[Any]]] | None = None
    in_episode: InEpisode | None = None


@dataclass(frozen=True)
class View:
    """What a request sees of a board, as far as the statement is concerned."""

    audience: str  #: of `task_shapes.audience`
    compact: bool = False
    in_project: bool = True
    own: bool = False  #: only the caller's tasks
    #: The keys that the caller chose, of rows and of tasks; all without a choice.
    fields: frozenset[str] | None = None
    task_fields: frozenset[str] | None = None
    conditions: tuple[ColumnElement[bool], ...] = ()


_ASSIGNEES = Relation("assignees", task_person_link.c.task_id, task_person_link.c.person_id).ids(task)
#: The caller's subscriptions are gathered once for the whole board.
_SUBSCRIBED = task.c.id.in_(
    select(subscription.c.task_id).where(subscription.c.person_id == CALLER_ID, subscription.c.task_id.is_not(None))
)
_OWN = task.c.id.in_(select(task_person_link.c.task_id).where(task_person_link.c.person_id == CALLER_ID))


def _tasks(board: Board, view: View) -> ColumnElement[str]:
    """The tasks of an entity of the board as one JSON text.

    They are looked up entity by entity: as quick as gathering them all by hash, and the first row does not wait for
    the last one, nor does the database hold them all.
    """
    return by_audience(view.audience, lambda role: _tasks_for(role, board, view))


def _tasks_for(role: str, board: Board, view: View) -> ColumnElement[str]:
    conditions = [task.c.entity_id == entity.c.id]
    if view.in_project:
        conditions.append(task.c.project_id == _project_id)
    if role == "vendor" or view.own:
        conditions.append(_OWN)
    wire = wire_of(task).but(
        priority=func.coalesce(task.c.priority, literal_column("0"), type_=task.c.priority.type),
        assignees=_ASSIGNEES,
        is_subscribed=_SUBSCRIBED if view.in_project else false(),
    )
    wire = wire.only(*chosen(board.task_keys, view.task_fields))
    if role == "client":
        wire = blanked(wire)
    row = json_values(wire) if view.compact else json_object(wire)
    return json_list(select(row).where(*conditions).correlate(entity))


@lru_cache(512)
def statement(board: Board, view: View) -> Executable:
    """The rows of a board as JSON texts."""
    row = dict(board.row)
    if view.audience != "studio":
        data = data_for(view.audience, board.kind or kind_text(), board.row["data"])
        row |= {"data": data, **(board.from_data(data) if board.from_data else {})}
    row = {name: row[name] for name in chosen(board.row, view.fields)}
    if "tasks" in row:
        row["tasks"] = _tasks(board, view)
    conditions = list(view.conditions)
    if board.kind is not None:
        conditions.append(is_kind(board.kind))
    if view.in_project:
        conditions.append(entity.c.project_id == _project_id)
    if view.audience == "vendor":
        conditions.append(board.for_vendors)
    rows = select(json_values(row) if view.compact else json_object(row)).select_from(board.source).where(*conditions)
    return rows.order_by(*board.order).limit(EVERY_ROW) if board.order else rows


def chosen(keys: Iterable[str], names: frozenset[str] | None) -> list[str]:
    """The keys that were chosen, in their order."""
    return [key for key in keys if names is None or key in names]


def _choice(request: AnyRequest, parameter: str, keys: Collection[str]) -> frozenset[str] | None:
    """The keys that a query string chooses, separated by commas; None without a choice. Raises BadRequest."""
    names = frozenset(filter(None, map(str.strip, request.query_params.get(parameter, "").split(","))))
    if unknown := sorted(names.difference(keys)):
        raise BadRequest(f"{parameter}: there is no {unknown[0]!r}. There are: {', '.join(keys)}.")
    return names or None


def _head(board: Board, view: View) -> dict[str, Any]:
    if not view.compact:
        return {"compact": False}
    task_keys = chosen(board.task_keys, view.task_fields)
    return {"compact": True, board.fields: chosen(board.row, view.fields), "task_fields": task_keys}


async def answer(
    request: AnyRequest,
    db: Database,
    caller: Caller,
    board: Board,
    *conditions: ColumnElement[bool],
    own: bool = False,
    **about: Any,
) -> Any:
    """A board narrowed by conditions, `project_id` and `id`, in the encoding asked for; 304 for a caller who has it.

    `fields` and `task_fields` choose keys of its rows and of their tasks; what nobody asks for is not read.
    """
    project_id, entity_id = query_id(request, "project_id"), query_id(request, "id")
    if project_id is not None:
        about["project_id"] = project_id
    if entity_id is not None:
        about["entity_id"] = entity_id
        conditions = (*conditions, IS)
    query = request.query_params
    compact, stream = (bool(board.fields) and query.get(name) == "true" for name in ("compact", "stream"))
    view = View(
        audience(caller),
        compact,
        in_project=project_id is not None,
        own=own,
        fields=_choice(request, "fields", board.row),
        task_fields=_choice(request, "task_fields", board.task_keys),
        conditions=conditions,
    )
    headers: dict[str, str] = {}
    if board.fields and caller.project_id is not None and view.in_project:
        tag = changes.tag(request, caller)
        if (known := unchanged(request, tag)) is not None:
            return known
        headers = headers_of(tag)
    rows = statement(board, view)
    head = msgspec.json.encode(_head(board, view))
    if stream:
        return await stream_lines(db, caller, head, rows, headers=headers, **about)
    before, after = (head[:-1] + b',"rows":[', b"]}") if compact else (b"[", b"]")
    return await stream_array(db, caller, rows, headers=headers, before=before, after=after, **about)


def in_episode(request: AnyRequest, narrowed: InEpisode | None) -> tuple[list[ColumnElement[bool]], dict[str, Any]]:
    """The condition of the episode that the query string names, and its value; `all` is none."""
    if narrowed is None:
        return [], {}
    match request.query_params.get("episode_id"):
        case "main":
            return [narrowed.main], {}
        case None | "all":
            return [], {}
        case _:
            return [narrowed.episode], {narrowed.parameter: query_id(request, "episode_id")}


def page(board: Board) -> Callable[[str], Executable]:
    """The statement of an entity alone, as its board shows it to an audience."""
    return lambda audience: statement(board, View(audience, conditions=(IS,)))
