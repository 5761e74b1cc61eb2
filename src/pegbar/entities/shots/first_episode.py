"""A TV show has an episode from its first day. Source: spec crud, "projects"."""

from sqlalchemy import select

from pegbar.core.data.parameters import param
from pegbar.entities.actions import create_entity
from pegbar.entities.kinds import EPISODE, ensure_type
from pegbar.entities.tables import entity
from pegbar.productions.hooks import SHOW_SAVED, SavedShow

_EPISODE = (
    select(entity.c.id)
    .where(
        entity.c.project_id == param("project_id"),
        entity.c.entity_type_id == param("type_id"),
    )
    .limit(1)
)


@SHOW_SAVED.register()
async def add_first_episode(show: SavedShow) -> None:
    """Add the episode E01 to a show without any; the show's row is locked by the write under way."""
    type_id = await ensure_type(show.tx, EPISODE)
    if await show.tx.value(_EPISODE, project_id=show.project_id, type_id=type_id) is None:
        await create_entity(
            show.tx, EPISODE, show.project_id, type_id, name="E01", status="running", description="", data={}
        )
