"""Rules of the settings of a production. Source: spec projects, "Settings lists", "Movie bitrates"."""

from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from pegbar.core.database import Transaction
from pegbar.core.errors import NotFound
from pegbar.core.schema import Uuid
from pegbar.productions import creation, links
from pegbar.productions.actions import touch
from pegbar.productions.queries import PROJECT_ID
from pegbar.productions.tables import project, project_task_type_link

_BITRATES = (
    select(
        func.coalesce(project_task_type_link.c.hd_bitrate_compression, project.c.hd_bitrate_compression).label("hd"),
        project_task_type_link.c.ld_bitrate_compression.label("ld"),
        project.c.hd_bitrate_compression.label("of_project"),
    )
    .select_from(
        project.outerjoin(
            project_task_type_link,
            (project_task_type_link.c.project_id == project.c.id)
            & (project_task_type_link.c.task_type_id == bindparam("task_type_id", type_=Uuid)),
        )
    )
    .where(project.c.id == PROJECT_ID)
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


async def use_task_type(
    tx: Transaction,
    project_id: UUID,
    task_type_id: UUID,
    priority: int | None,
    bitrates: dict[str, int | None],
    is_client_visible: bool | None,
) -> None:
    """Use a task type on a production. A link that exists takes the bitrates given and a visibility, if any."""
    await links.require(tx, links.TASK_TYPE, task_type_id)
    for name, value in bitrates.items():
        creation.check_bitrate(name, value)
    if bitrates:
        known = await tx.row(_BITRATES, project_id=project_id, task_type_id=task_type_id)
        assert known is not None
        hd = bitrates.get("hd_bitrate_compression", known["hd"]) or known["of_project"]
        creation.check_pair(hd, bitrates.get("ld_bitrate_compression", known["ld"]))
    visible = {} if is_client_visible is None else {"is_client_visible": is_client_visible}
    new = {"priority": priority, "is_client_visible": True, **bitrates, **visible}
    await links.upsert(tx, links.TASK_TYPE, project_id, task_type_id, new, (*bitrates, *visible))
    await touch(tx, project_id)


async def forget_default_background(tx: Transaction, project_id: UUID, background_id: UUID) -> None:
    """A background that leaves a production is not its default one any more."""
    await tx.execute(_FORGET_BACKGROUND, project_id=project_id, background_id=background_id)
