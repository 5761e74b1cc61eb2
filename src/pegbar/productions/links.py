"""Which task types, statuses, asset types… a production or a template uses. Source: spec projects, "Settings lists".

A link is one row for its owner and a thing of the studio; adding it twice is adding it once, however many at a time.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Column, ColumnElement, Executable, Table, all_, any_, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY, insert

from pegbar.config import settings
from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.schema import TIMESTAMP, Uuid, utc_now
from pegbar.core.data.wire import Wire, json_object, wire_of
from pegbar.core.errors import BadRequest, NotFound
from pegbar.productions.actions import touch
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.productions.hooks import PIPELINE_CHANGED, Pipeline
from pegbar.productions.queries import PROJECT_ID
from pegbar.productions.tables import (
    BOARD_ROLES,
    project_asset_type_link,
    project_preview_background_file_link,
    project_status_automation_link,
    project_task_status_link,
    project_task_type_link,
)

OWNER_ID = bindparam("owner_id", type_=Uuid)
OTHER_ID = bindparam("other_id", type_=Uuid)
_IDS = bindparam("ids", type_=ARRAY(Uuid))
_NOW = bindparam("now", type_=TIMESTAMP)


@dataclass(frozen=True)
class Link:
    """A kind of link: its table, the columns of the thing linked and of the production or template that uses it."""

    table: Table
    name: str
    type: str = ""
    owner: str = "project_id"

    @property
    def owned(self) -> ColumnElement[bool]:
        """Whether a link belongs to `owner_id`."""
        return self.table.c[self.owner] == OWNER_ID

    @property
    def column(self) -> Column[Any]:
        """The reference to the thing."""
        return self.table.c[self.name]

    @cached_property
    def wire(self) -> Wire:
        """The keys of a link's row."""
        return wire_of(self.table, self.type)

    @property
    def target(self) -> Table:
        """The table of the things."""
        (foreign,) = self.column.foreign_keys
        return foreign.column.table


TASK_TYPE = Link(project_task_type_link, "task_type_id", "ProjectTaskTypeLink")
TASK_STATUS = Link(project_task_status_link, "task_status_id", "ProjectTaskStatusLink")
ASSET_TYPE = Link(project_asset_type_link, "asset_type_id")
AUTOMATION = Link(project_status_automation_link, "status_automation_id")
BACKGROUND = Link(project_preview_background_file_link, "preview_background_file_id")


@lru_cache
def _exists(link: Link) -> Executable:
    return select(link.target.c.id).where(link.target.c.id == OTHER_ID)


@lru_cache
def _known(link: Link) -> Executable:
    return select(link.target.c.id).where(link.target.c.id == any_(_IDS))


@lru_cache
def _row(link: Link) -> Executable:
    return select(json_object(link.wire)).where(link.owned, link.column == OTHER_ID)


@lru_cache
def _rows(link: Link) -> Executable:
    rows = select(json_object(link.wire)).where(link.owned, link.column == any_(_IDS))
    return rows.order_by(func.array_position(_IDS, link.column))


@lru_cache
def rows_of(link: Link, kind: str) -> Executable:
    """The things that a production uses, as the studio has them."""
    linked = select(link.column).where(link.table.c.project_id == PROJECT_ID)
    return select(json_object(wire_of(link.target, kind))).where(link.target.c.id.in_(linked))


@lru_cache
def _upsert(link: Link, names: tuple[str, ...], written: tuple[str, ...]) -> Executable:
    """Adds a link; if there is one, only `written` columns change."""
    values = {name: bindparam(f"v_{name}", type_=link.table.c[name].type) for name in names}
    statement = insert(link.table).values(values)
    if not written:
        return statement.on_conflict_do_nothing()
    changes: dict[str, Any] = {name: values[name] for name in written}
    return statement.on_conflict_do_update(index_elements=[link.owner, link.name], set_={**changes, "updated_at": _NOW})


async def upsert(
    tx: Transaction, link: Link, owner_id: UUID, other_id: UUID, new: dict[str, Any], written: Sequence[str]
) -> int:
    """Add a link with the columns `new`, or write those named in `written` to the one there is; the rows touched."""
    row: dict[str, Any] = {link.owner: owner_id, link.name: other_id, **new}
    if "id" in link.table.c:
        row |= {"id": uuid4(), "created_at": utc_now(), "updated_at": utc_now()}
    params = {f"v_{name}": value for name, value in row.items()}
    statement = _upsert(link, tuple(row), tuple(written))
    touched = await tx.execute(statement, **params, **({"now": utc_now()} if written else {}))
    await changed(tx, link, owner_id)
    return touched


async def changed(tx: Transaction, link: Link, project_id: UUID) -> None:
    """Let what depends on the pipeline of a production follow a change of its links."""
    if link is TASK_TYPE:
        await PIPELINE_CHANGED.run(Pipeline(tx, project_id))


async def require(tx: Transaction, link: Link, other_id: UUID) -> None:
    """400 unless the thing to link exists."""
    if await tx.value(_exists(link), other_id=other_id) is None:
        raise BadRequest(f"{link.name}: there is no {link.target.name.replace('_', ' ')} {other_id}.")


async def add(tx: Transaction, link: Link, project_id: UUID, other_id: UUID) -> None:
    """Use a thing on a production; nothing happens if it is already."""
    await require(tx, link, other_id)
    new = {"roles_for_board": list(BOARD_ROLES)} if link is TASK_STATUS else {}
    if await upsert(tx, link, project_id, other_id, new, ()):
        await touch(tx, project_id)


async def remove(tx: Transaction, link: Link, project_id: UUID, other_id: UUID) -> None:
    """Stop using a thing on a production; what was made with it stays."""
    await tx.delete(link.table, project_id=project_id, **{link.name: other_id})
    await changed(tx, link, project_id)
    await touch(tx, project_id)


async def read(tx: Transaction, link: Link, owner_id: UUID, other_id: UUID) -> Json:
    """A link's row; 404 when there is none."""
    row = await tx.json_row(_row(link), owner_id=owner_id, other_id=other_id)
    if row is None:
        raise NotFound(f"{link.name}: {other_id} is not used here.")
    return row


_PRIORITIES = "WITH wanted AS (SELECT id, n FROM unnest(:ids ::uuid[]) WITH ORDINALITY AS listed (id, n))"


@lru_cache
def _reorder(link: Link) -> Executable:
    statement = text(
        f"{_PRIORITIES} UPDATE {link.table.name} AS link SET priority = wanted.n, updated_at = :now"  # noqa: S608
        f" FROM wanted WHERE link.{link.owner} = :owner_id AND link.{link.name} = wanted.id"
    )
    return statement.bindparams(OWNER_ID, _NOW, _IDS)


async def number(tx: Transaction, link: Link, owner_id: UUID, ids: list[UUID]) -> Json:
    """Number links in this order, from 1, and answer them; ids that are not linked keep their number free."""
    await tx.execute(_reorder(link), owner_id=owner_id, ids=ids, now=utc_now())
    return await tx.json(_rows(link), owner_id=owner_id, ids=ids)


async def reorder(tx: Transaction, link: Link, project_id: UUID, ids: list[UUID]) -> Json:
    """Number the links of a production in this order."""
    numbered = await number(tx, link, project_id, ids)
    await changed(tx, link, project_id)
    tx.emit(PROJECT_CHANGED, project_id=project_id)
    return numbered


async def known(tx: Transaction, link: Link, ids: list[UUID]) -> list[UUID]:
    """Those ids that name something, each once, in their order."""
    known_ids = set(await tx.column(_known(link), ids=ids))
    return [other_id for other_id in dict.fromkeys(ids) if other_id in known_ids]


_ADD_TASK_TYPES = text(
    """
    INSERT INTO project_task_type_link (id, project_id, task_type_id, priority, hd_bitrate_compression,
                                        ld_bitrate_compression, is_client_visible, created_at, updated_at)
    SELECT gen_random_uuid(), :project_id, used.id, used.priority, used.hd, used.ld,
           coalesce(used.visible, true), :now, :now
      FROM unnest(:ids ::uuid[], :priorities ::int[], :hds ::int[], :lds ::int[], :visibles ::bool[])
        AS used (id, priority, hd, ld, visible)
    ON CONFLICT (project_id, task_type_id) DO UPDATE
       SET priority = coalesce(excluded.priority, project_task_type_link.priority),
           hd_bitrate_compression = coalesce(excluded.hd_bitrate_compression,
                                             project_task_type_link.hd_bitrate_compression),
           ld_bitrate_compression = coalesce(excluded.ld_bitrate_compression,
                                             project_task_type_link.ld_bitrate_compression),
           is_client_visible = CASE WHEN project_task_type_link.task_type_id = ANY(:visible_ids ::uuid[])
                                    THEN excluded.is_client_visible
                                    ELSE project_task_type_link.is_client_visible END,
           updated_at = :now
    """
).bindparams(PROJECT_ID, _NOW)

_KEEP_TASK_TYPES = delete(project_task_type_link).where(
    project_task_type_link.c.project_id == PROJECT_ID, project_task_type_link.c.task_type_id != all_(_IDS)
)


@dataclass(frozen=True)
class TaskTypeUse:
    """How a production uses a task type; what is None is left as it is."""

    task_type_id: UUID
    priority: int | None = None
    hd_bitrate_compression: int | None = None
    ld_bitrate_compression: int | None = None
    is_client_visible: bool | None = None

    def then(self, later: "TaskTypeUse") -> "TaskTypeUse":
        """Both, where the later one has the last word."""
        return replace(self, **{name: value for name, value in asdict(later).items() if value is not None})


#: Whether low definition takes more than high definition on one of these task types.
_TOO_MUCH = text(
    """
    SELECT 1 FROM project_task_type_link l JOIN project p ON p.id = l.project_id
     WHERE l.project_id = :project_id AND l.task_type_id = ANY(:ids ::uuid[])
       AND l.ld_bitrate_compression
           > least(coalesce(l.hd_bitrate_compression, p.hd_bitrate_compression, :highest ::int), :highest ::int)
    """
).bindparams(PROJECT_ID)


async def use_task_types(tx: Transaction, project_id: UUID, task_types: Sequence[TaskTypeUse], *, only: bool) -> None:
    """Use task types on a production, unknown ones left out; with `only`, no others."""
    wanted: dict[UUID, TaskTypeUse] = {}
    for use in task_types:
        known_use = wanted.get(use.task_type_id)
        wanted[use.task_type_id] = use if known_use is None else known_use.then(use)
    uses = [wanted[task_type_id] for task_type_id in await known(tx, TASK_TYPE, list(wanted))]
    ids = [use.task_type_id for use in uses]
    if only:
        await tx.execute(_KEEP_TASK_TYPES, project_id=project_id, ids=ids)
    await tx.execute(
        _ADD_TASK_TYPES,
        project_id=project_id,
        now=utc_now(),
        ids=ids,
        priorities=[use.priority for use in uses],
        hds=[use.hd_bitrate_compression for use in uses],
        lds=[use.ld_bitrate_compression for use in uses],
        visibles=[use.is_client_visible for use in uses],
        visible_ids=[use.task_type_id for use in uses if use.is_client_visible is not None],
    )
    with_bitrates = [use.task_type_id for use in uses if use.hd_bitrate_compression or use.ld_bitrate_compression]
    highest = settings().movie_highdef_bitrate
    if with_bitrates and await tx.value(_TOO_MUCH, project_id=project_id, ids=with_bitrates, highest=highest):
        raise BadRequest("task_types: an ld_bitrate_compression is more than high definition takes.")
    await changed(tx, TASK_TYPE, project_id)


async def use_all(tx: Transaction, link: Link, project_id: UUID, ids: list[UUID]) -> None:
    """Use things on a production, besides those it uses; unknown ones are left out."""
    rows = [{"project_id": project_id, link.name: other_id} for other_id in await known(tx, link, ids)]
    await tx.insert_many(link.table, rows, skip_existing=True)
    await changed(tx, link, project_id)
