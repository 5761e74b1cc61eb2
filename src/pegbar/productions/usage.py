"""Rules of the settings of a production. Source: spec projects, "Settings lists", "Movie bitrates"."""

from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, bindparam, func, select, update

from pegbar.core.data.database import Transaction
from pegbar.core.data.schema import Uuid
from pegbar.core.errors import NotFound
from pegbar.productions import creation, links
from pegbar.productions.actions import touch
from pegbar.productions.queries import PROJECT_ID
from pegbar.productions.tables import project

BITRATES = ("hd_bitrate_compression", "ld_bitrate_compression")


@lru_cache
def _bitrates(link: links.Link) -> Executable:
    """The bitrates of a task type on a production or template, and of the production or template."""
    (foreign,) = link.table.c[link.owner].foreign_keys
    owner, of_type = foreign.column.table, link.table.c
    source = owner.outerjoin(
        link.table, (of_type[link.owner] == owner.c.id) & (link.column == bindparam("task_type_id", type_=Uuid))
    )
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
        project.c.default_preview_background_file_id == bindparam("background_id", type_=Uuid),
    )
    .values(default_preview_background_file_id=None)
)


def linked_id(link: links.Link, text: str) -> UUID:
    """The id of a linked thing in a path; what is no id is linked nowhere."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"{link.name}: {text} is not used on this production.") from None


async def put_task_type(
    tx: Transaction, link: links.Link, owner_id: UUID, task_type_id: UUID, values: dict[str, Any], kept: tuple[str, ...]
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
    await put_task_type(tx, links.TASK_TYPE, project_id, task_type_id, values, kept=("priority",))
    await touch(tx, project_id)


async def forget_default_background(tx: Transaction, project_id: UUID, background_id: UUID) -> None:
    """A background that leaves a production is not its default one any more."""
    await tx.execute(_FORGET_BACKGROUND, project_id=project_id, background_id=background_id)
