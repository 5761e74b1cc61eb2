"""What leaves as a cut: a playlist, or the shots of a production, an episode or a sequence."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, require
from pegbar.core.http.downloads import disposition
from pegbar.core.http.routing import Reply
from pegbar.core.slugs import slug
from pegbar.entities.kinds import EPISODE, SEQUENCE
from pegbar.exchange.timelines import queries, rates
from pegbar.exchange.timelines.naming import plain
from pegbar.exchange.timelines.writing.cut import WrittenCut, laid
from pegbar.exchange.timelines.writing.formats import Format, written
from pegbar.exchange.timelines.writing.rows import Row, clips_of

_RESOLUTION = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
_NAMES = {EPISODE: "episode", SEQUENCE: "sequence"}


async def playlist_cut(db: Database, caller: Caller, playlist_id: UUID, form: Format) -> Reply:
    """The entries of a playlist, one after the other. Raises Forbidden for a client and a playlist not for them."""
    about = await db.row(queries.playlist_with_production, playlist_id=playlist_id)
    if about is None:
        raise NotFound(f"There is no playlist {playlist_id}.")
    is_client = caller.role_here == "client"
    require(bool(about["for_client"]) or not is_client, "This playlist is not for clients.")
    rows = await db.rows(
        queries.entries_in_previews, playlist_id=playlist_id, project_id=about["project_id"], is_client=is_client
    )
    facts = {"playlist": about["playlist_name"], "playlist_id": str(playlist_id)}
    return await _reply(about, [about["name"], about["playlist_name"]], facts, rows, form, placed=False)


async def production_cut(
    db: Database,
    project_id: UUID,
    form: Format,
    *,
    part: tuple[str, UUID] | None = None,
    task_type_id: UUID | None = None,
    from_zero: bool = False,
) -> Reply:
    """The shots of a production, or of a part of it: an episode or a sequence, by its kind and id. Raises NotFound."""
    about = await db.row(queries.production, project_id=project_id)
    if about is None:
        raise NotFound(f"There is no production {project_id}.")
    names, facts = [about["name"]], {}
    narrowed: dict[str, UUID | None] = {"episode_id": None, "sequence_id": None}
    if part is not None:
        kind, part_id = part
        name = await db.value(queries.name_of(kind), project_id=project_id, entity_id=part_id)
        if name is None:
            raise NotFound(f"There is no {_NAMES[kind]} {part_id} in this production.")
        names.append(name)
        facts = {_NAMES[kind]: name, f"{_NAMES[kind]}_id": str(part_id)}
        narrowed[f"{_NAMES[kind]}_id"] = part_id
    rows = await db.rows(queries.shots_in_previews, project_id=project_id, task_type_id=task_type_id, **narrowed)
    facts["project_id"] = str(project_id)
    return await _reply(about, names, facts, rows, form, placed=True, from_zero=from_zero)


async def _reply(
    about: Row,
    names: Sequence[str],
    facts: dict[str, Any],
    rows: Sequence[Row],
    form: Format,
    *,
    placed: bool,
    from_zero: bool = False,
) -> Reply:
    """The file of a cut, made in a thread: that of a long film takes a while."""

    def make() -> bytes:
        rate = rates.of_text(about["fps"])
        size = _RESOLUTION.fullmatch(about["resolution"] or "")
        width, height = (int(size[1]), int(size[2])) if size else (1920, 1080)
        clips, left_out = clips_of(rows, about["name"], rate, f"{settings().public_url}/api", placed=placed)
        cut = WrittenCut(
            name=plain(" ".join(names)),
            rate=rate,
            clips=laid(clips, from_zero=from_zero),
            facts={"project": about["name"], **facts},
            left_out=left_out,
            width=width,
            height=height,
        )
        return written(cut, form)

    content = await asyncio.to_thread(make)
    file_name = f"kitsu_{slug('_'.join(names))}.{form.extension}"
    headers = {"content-disposition": disposition(file_name, attachment=True)}
    return Reply(content, media_type=form.media_type, headers=headers)
