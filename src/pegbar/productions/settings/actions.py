"""Writes of what a production uses of the studio. Source: spec projects, "Settings lists", "Movie bitrates"."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, all_, delete, func, select, text, update

from pegbar.config import settings
from pegbar.core.data.database import Json, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest, NotFound
from pegbar.productions import creation
from pegbar.productions.actions import touch
from pegbar.productions.events import PROJECT_CHANGED
from pegbar.productions.queries import PROJECT_ID
from pegbar.productions.settings import links
from pegbar.productions.settings.links import IDS, NOW, TASK_STATUS, TASK_TYPE, Link
from pegbar.productions.settings.shapes import BITRATES
from pegbar.productions.tables import BOARD_ROLES, project, project_task_type_link


@lru_cache
def _bitrates(link: Link) -> Executable:
    """The bitrates of a task type on a production or template, and of the production or template."""
    (foreign,) = link.table.c[link.owner].foreign_keys
    owner, of_type = foreign.column.table, link.table.c
    source = owner.outerjoin(link.table, (of_type[link.owner] == owner.c.id) & (link.column == param("task_type_id")))
    return (
        select(
            func.coalesce(of_type.hd_bitrate_compression, owner.c.hd_bitrate_compression).label("hd"),
            of_type.ld_bitrate_compression.label("ld"),
            owner.c.hd_bitrate_compression.label("of_owner"),
        )
        .select_from(source)
        .where(owner.c.id == links.OWNER_ID)
    )


_FORGET_BACKGROUND = (
    update(project)
    .where(
        project.c.id == PROJECT_ID,
        project.c.default_preview_background_file_id == param("background_id"),
    )
    .values(default_preview_background_file_id=None)
)


def linked_id(link: Link, text: str) -> UUID:
    """The id of a linked thing in a path; what is no id is linked nowhere."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"{link.name}: {text} is not used on this production.") from None


async def put_task_type(
    tx: Transaction, link: Link, owner_id: UUID, task_type_id: UUID, values: dict[str, Any], kept: tuple[str, ...]
) -> None:
    """Use a task type on a production or template. A link that exists takes the values, but for those `kept`."""
    await links.require(tx, link, task_type_id)
    bitrates = {name: value for name, value in values.items() if name in BITRATES}
    for name, value in bitrates.items():
        creation.check_bitrate(name, value)
    if bitrates:
        known = await tx.row(_bitrates(link), owner_id=owner_id, task_type_id=task_type_id)
        assert known is not None
        hd = bitrates.get("hd_bitrate_compression", known["hd"]) or known["of_owner"]
        creation.check_pair(hd, bitrates.get("ld_bitrate_compression", known["ld"]))
    new = {"priority": None, "is_client_visible": True, **values}
    await links.upsert(tx, link, owner_id, task_type_id, new, tuple(name for name in values if name not in kept))


async def use_task_type(tx: Transaction, project_id: UUID, task_type_id: UUID, values: dict[str, Any]) -> None:
    """Use a task type on a production, or change its bitrates and visibility there; the priority stays."""
    await put_task_type(tx, TASK_TYPE, project_id, task_type_id, values, kept=("priority",))
    await touch(tx, project_id)


async def forget_default_background(tx: Transaction, project_id: UUID, background_id: UUID) -> None:
    """A background that leaves a production is not its default one any more."""
    await tx.execute(_FORGET_BACKGROUND, project_id=project_id, background_id=background_id)


async def add(tx: Transaction, link: Link, project_id: UUID, other_id: UUID) -> None:
    """Use a thing on a production; nothing happens if it is already."""
    await links.require(tx, link, other_id)
    new = {"roles_for_board": list(BOARD_ROLES)} if link is TASK_STATUS else {}
    if await links.upsert(tx, link, project_id, other_id, new, ()):
        await touch(tx, project_id)


async def remove(tx: Transaction, link: Link, project_id: UUID, other_id: UUID) -> None:
    """Stop using a thing on a production; what was made with it stays."""
    await tx.delete(link.table, project_id=project_id, **{link.name: other_id})
    await links.changed(tx, link, project_id)
    await touch(tx, project_id)


async def reorder(tx: Transaction, link: Link, project_id: UUID, ids: list[UUID]) -> Json:
    """Number the links of a production in this order."""
    numbered = await links.number(tx, link, project_id, ids)
    await links.changed(tx, link, project_id)
    tx.emit(PROJECT_CHANGED, project_id=project_id)
    return numbered


_ADD_TASK_TYPES = text(
    """
    INSERT INTO project_task_type_link (id, project_id, task_type_id, priority, hd_bitrate_compression,
                                        ld_bitrate_compression, is_client_visible, created_at, updated_at)
    SELECT pegbar.new_id(), :project_id, used.id, used.priority, used.hd, used.ld,
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
).bindparams(PROJECT_ID, NOW)

_KEEP_TASK_TYPES = delete(project_task_type_link).where(
    project_task_type_link.c.project_id == PROJECT_ID, project_task_type_link.c.task_type_id != all_(IDS)
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
    uses = [wanted[task_type_id] for task_type_id in await links.known(tx, TASK_TYPE, list(wanted))]
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
    await links.changed(tx, TASK_TYPE, project_id)


async def use_all(tx: Transaction, link: Link, project_id: UUID, ids: list[UUID]) -> None:
    """Use things on a production, besides those it uses; unknown ones are left out."""
    rows = [{"project_id": project_id, link.name: other_id} for other_id in await links.known(tx, link, ids)]
    await tx.insert_many(link.table, rows, skip_existing=True)
    await links.changed(tx, link, project_id)
