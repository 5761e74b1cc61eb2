"""Which task types, statuses, asset types… a production or a template uses. Source: spec projects, "Settings lists".

A link is one row for its owner and a thing of the studio; adding it twice is adding it once, however many at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Column, ColumnElement, Executable, Table, any_, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import insert

from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import utc_now
from pegbar.core.data.wire import Wire, json_object, wire_of
from pegbar.core.errors import BadRequest, NotFound
from pegbar.productions.hooks import PIPELINE_CHANGED, Pipeline
from pegbar.productions.queries import PROJECT_ID
from pegbar.productions.tables import (
    project_asset_type_link,
    project_preview_background_file_link,
    project_status_automation_link,
    project_task_status_link,
    project_task_type_link,
    project_template_asset_type_link,
    project_template_preview_background_file_link,
    project_template_status_automation_link,
    project_template_task_status_link,
    project_template_task_type_link,
)

OWNER_ID = param("owner_id")
OTHER_ID = param("other_id")
IDS = param("ids")
NOW = param("now")


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


def _links(name: str, project_link: Table, template_link: Table, type_name: str = "") -> tuple[Link, Link]:
    """The links to a kind of thing, of productions and of templates; those with columns of their own have a type."""
    of_project = Link(project_link, name, type_name and f"Project{type_name}")
    of_template = Link(template_link, name, type_name and f"ProjectTemplate{type_name}", "project_template_id")
    return of_project, of_template


TASK_TYPE, TEMPLATE_TASK_TYPE = _links(
    "task_type_id", project_task_type_link, project_template_task_type_link, "TaskTypeLink"
)
TASK_STATUS, TEMPLATE_TASK_STATUS = _links(
    "task_status_id", project_task_status_link, project_template_task_status_link, "TaskStatusLink"
)
ASSET_TYPE, TEMPLATE_ASSET_TYPE = _links("asset_type_id", project_asset_type_link, project_template_asset_type_link)
AUTOMATION, TEMPLATE_AUTOMATION = _links(
    "status_automation_id", project_status_automation_link, project_template_status_automation_link
)
BACKGROUND, TEMPLATE_BACKGROUND = _links(
    "preview_background_file_id", project_preview_background_file_link, project_template_preview_background_file_link
)
#: Each kind of link of a production, with that of a template.
PAIRS = (
    (TASK_TYPE, TEMPLATE_TASK_TYPE),
    (TASK_STATUS, TEMPLATE_TASK_STATUS),
    (ASSET_TYPE, TEMPLATE_ASSET_TYPE),
    (AUTOMATION, TEMPLATE_AUTOMATION),
    (BACKGROUND, TEMPLATE_BACKGROUND),
)


@lru_cache
def _copy(source: Link, target: Link) -> Executable:
    own = ("id", "created_at", "updated_at", source.owner)
    columns = ", ".join(column.name for column in source.table.columns if column.name not in own)
    more, values = (", id, created_at, updated_at", ", pegbar.new_id(), :now, :now") if source.type else ("", "")
    statement = text(
        f"INSERT INTO {target.table.name} ({target.owner}, {columns}{more})"  # noqa: S608 - names of ours
        f" SELECT :target_id, {columns}{values} FROM {source.table.name}"
        f" WHERE {source.owner} = :source_id ON CONFLICT DO NOTHING"
    )
    ids = [param("source_id"), param("target_id")]
    return statement.bindparams(*ids, *([NOW] if source.type else []))


async def copy(tx: Transaction, source: Link, target: Link, source_id: UUID, target_id: UUID) -> None:
    """Add the links of a template or production that the other lacks; the links it has stay as they are."""
    now = {"now": utc_now()} if source.type else {}
    await tx.execute(_copy(source, target), source_id=source_id, target_id=target_id, **now)


@lru_cache
def _exists(link: Link) -> Executable:
    return select(link.target.c.id).where(link.target.c.id == OTHER_ID)


@lru_cache
def _known(link: Link) -> Executable:
    return select(link.target.c.id).where(link.target.c.id == any_(IDS))


@lru_cache
def _row(link: Link) -> Executable:
    return select(json_object(link.wire)).where(link.owned, link.column == OTHER_ID)


@lru_cache
def _rows(link: Link) -> Executable:
    rows = select(json_object(link.wire)).where(link.owned, link.column == any_(IDS))
    return rows.order_by(func.array_position(IDS, link.column))


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
    return statement.on_conflict_do_update(index_elements=[link.owner, link.name], set_={**changes, "updated_at": NOW})


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
    return statement.bindparams(OWNER_ID, NOW, IDS)


async def number(tx: Transaction, link: Link, owner_id: UUID, ids: list[UUID]) -> Json:
    """Number links in this order, from 1, and answer them; ids that are not linked keep their number free."""
    await tx.execute(_reorder(link), owner_id=owner_id, ids=ids, now=utc_now())
    return await tx.json(_rows(link), owner_id=owner_id, ids=ids)


async def known(tx: Transaction, link: Link, ids: list[UUID]) -> list[UUID]:
    """Those ids that name something, each once, in their order."""
    known_ids = set(await tx.column(_known(link), ids=ids))
    return [other_id for other_id in dict.fromkeys(ids) if other_id in known_ids]
