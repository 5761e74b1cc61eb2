"""Reads about playlists. Source: spec review, operations of the same paths."""

from functools import lru_cache
from typing import Literal

from sqlalchemy import ColumnElement, Executable, any_, case, false, func, or_, select, text, true

from pegbar.core.data.parameters import param
from pegbar.core.data.schema import String
from pegbar.core.data.wire import Wire, json_object
from pegbar.entities.tables import entity
from pegbar.media.tables import preview_file
from pegbar.review.shapes import BUILD_JOBS, FIRST_PREVIEW, LISTED, PLAYLIST
from pegbar.review.tables import playlist
from pegbar.tasks.tables import task

PAGE = 20
Episode = Literal["any", "one", "main", "all"]
_DESCENDING = frozenset({"created_at", "updated_at"})

_PROJECT_ID = param("project_id")


def _in_list() -> ColumnElement[str]:
    """A playlist of a list; `first_preview_file_id` only when there is one."""
    plain = json_object(LISTED)
    with_preview = json_object(Wire({**LISTED, "first_preview_file_id": FIRST_PREVIEW}))
    return case((FIRST_PREVIEW.is_(None), plain), else_=with_preview)


@lru_cache(512)
def playlists_of_project(
    *, episode: Episode, sort_by: str, for_clients: bool, task_type_given: bool, for_entity_given: bool
) -> Executable:
    """A page of the playlists of a production."""
    column = playlist.c[sort_by if sort_by in playlist.c else "updated_at"]
    order = column.desc() if column.name in _DESCENDING else column
    statement = select(_in_list()).where(playlist.c.project_id == _PROJECT_ID)
    if for_clients:
        statement = statement.where(playlist.c.for_client == true())
    if episode == "one":
        statement = statement.where(playlist.c.episode_id == param("episode_id"))
    elif episode != "any":
        wanted = playlist.c.is_for_all == true()
        if episode == "main":
            wanted = or_(playlist.c.is_for_all == false(), playlist.c.is_for_all.is_(None))
        statement = statement.where(playlist.c.episode_id.is_(None), wanted)
    if task_type_given:
        statement = statement.where(playlist.c.task_type_id == param("task_type_id"))
    if for_entity_given:
        kind = func.coalesce(playlist.c.for_entity, "shot", type_=String)
        statement = statement.where(kind == param("for_entity", String))
    limited = statement.order_by(order, playlist.c.id).limit(PAGE)
    return limited.offset(param("offset"))


#: What decides who reads and changes a playlist.
playlist_state = select(
    playlist.c.id, playlist.c.project_id, playlist.c.for_client, playlist.c.created_by, playlist.c.task_type_id
).where(playlist.c.id == param("playlist_id"))
locked_playlist = select(playlist).where(playlist.c.id == param("playlist_id")).with_for_update(of=playlist)
playlist_row = select(json_object(PLAYLIST)).where(playlist.c.id == param("playlist_id"))

_with_jobs = PLAYLIST.but(build_jobs=BUILD_JOBS.ids(playlist))
#: Every playlist of a production, whole.
all_of_project = (
    select(json_object(_with_jobs))
    .where(playlist.c.project_id == _PROJECT_ID)
    .order_by(playlist.c.created_at, playlist.c.id)
)

_one_page = (
    select(json_object(_with_jobs).label("row"))
    .where(playlist.c.project_id == _PROJECT_ID)
    .order_by(playlist.c.created_at, playlist.c.id)
    .limit(param("limit"))
    .offset(param("offset"))
    .subquery()
)
#: Their number, and a page of them as the inside of a JSON array.
page_of_project = select(
    select(func.count()).select_from(playlist).where(playlist.c.project_id == _PROJECT_ID).scalar_subquery(),
    func.coalesce(func.string_agg(_one_page.c.row, text("','")), text("''")),
).select_from(_one_page)

known_entity = select(entity.c.id).where(entity.c.id == param("entity_id"))

known_entities = select(entity.c.id).where(entity.c.id == any_(param("entity_ids")))

#: Previews that nobody can look at come last, whatever their revision. One still in the making is somebody's latest.
_UNSEEN = ("broken", "missing")
_ranked = (
    select(
        task.c.entity_id,
        preview_file.c.id,
        func.row_number()
        .over(
            partition_by=task.c.entity_id,
            order_by=(
                preview_file.c.status.in_(_UNSEEN),
                preview_file.c.revision.desc(),
                (preview_file.c.status == "ready").desc(),
                preview_file.c.position,
                preview_file.c.created_at.desc(),
                preview_file.c.id,
            ),
        )
        .label("rank"),
    )
    .join(task, task.c.id == preview_file.c.task_id)
    .where(task.c.entity_id == any_(param("entity_ids")))
)
_wanted_type = param("task_type_id")
_latest = _ranked.where(_wanted_type.is_(None) | (task.c.task_type_id == _wanted_type)).subquery()
#: The latest preview of each entity, of a task type when one is given.
latest_previews = select(_latest.c.entity_id, _latest.c.id).where(_latest.c.rank == 1)
