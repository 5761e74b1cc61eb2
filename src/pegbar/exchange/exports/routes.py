"""Exports: sheets as CSV, and with `.xlsx` in place of `.csv` as workbooks. Source: spec exchange, "CSV export"."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Request
from msgspec import UNSET, UnsetType

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.http.access import (
    Caller,
    Rule,
    client_here,
    global_manager,
    member_of,
    not_vendor,
    of_row,
    supervisor_of,
)
from pegbar.core.http.body import query_id
from pegbar.core.http.routing import get
from pegbar.core.timezones import zone_of
from pegbar.entities.boards import in_episode
from pegbar.entities.queries import IS
from pegbar.entities.scopes import ASSIGNED
from pegbar.entities.task_shapes import audience
from pegbar.exchange.exports import casting, entities, playlists, studio
from pegbar.exchange.exports.sending import Form, Sheet, send
from pegbar.review.actions import check_for_clients
from pegbar.review.tables import playlist

_TAG = "Export"
_READER = member_of("project_id") & not_vendor
_STREAMED = "text/csv; charset=utf-8"
_PLAYLIST = supervisor_of(of_row("project", playlist.c.project_id, "playlist_id")) | client_here

Request_ = Request[Any, Any, Any]
Handler = Callable[..., Awaitable[Sheet]]


def export(path: str, *, access: Rule, **declared: Any) -> Callable[[Handler], Handler]:
    """Declare an export at `path`.csv and `path`.xlsx; the handler names the sheet, and takes `db` and `caller`."""

    def declare(sheet_of: Handler) -> Handler:
        for form in ("csv", "xlsx"):
            get(f"{path}.{form}", access=access, tag=_TAG, **declared)(_as_form(sheet_of, form))
        return sheet_of

    return declare


def _as_form(sheet_of: Handler, form: Form) -> Callable[..., Awaitable[Any]]:
    @wraps(sheet_of)
    async def handler(**arguments: Any) -> Any:
        return await send(arguments["db"], arguments["caller"], await sheet_of(**arguments), form)

    return handler


# The studio


def _own(caller: Caller) -> bool:
    """Whether sheets of all productions are narrowed to the caller's."""
    return settings().export_own_productions and not caller.is_admin


@export("/export/csv/persons", access=global_manager)
async def persons(db: Database, caller: Caller) -> Sheet:
    """The people of the studio, in the columns of their import. Personal ones are for who manages the person."""
    return Sheet(studio.PERSONS, media_type=_STREAMED)


@export("/export/csv/projects", access=global_manager)
async def projects(db: Database, caller: Caller) -> Sheet:
    """All productions."""
    return Sheet(studio.projects(own=_own(caller)), media_type=_STREAMED)


@export("/export/csv/task-types", access=global_manager)
async def task_types(db: Database, caller: Caller) -> Sheet:
    """The task types that have a department."""
    return Sheet(studio.TASK_TYPES, media_type=_STREAMED)


@export("/export/csv/tasks", access=global_manager)
async def tasks(db: Database, caller: Caller) -> Sheet:
    """The tasks of open productions. Durations are in minutes."""
    return Sheet(studio.tasks(own=_own(caller)), media_type=_STREAMED)


@export("/export/csv/time-spents", access=global_manager)
async def time_spents(db: Database, caller: Caller) -> Sheet:
    """The time spent on open productions, in minutes. The file's name tells the day where the caller is."""
    timezone = zone_of(caller.timezone)
    return Sheet(studio.time_spents(own=_own(caller)), {"timezone": timezone}, _STREAMED)


# Productions


class WhichEntities(msgspec.Struct):
    """Which entities of a production."""

    episode_id: str | UnsetType = UNSET  #: an id, `all`, or `main` for those of no episode
    assigned_to: str | UnsetType = UNSET  #: when it is there, whatever it says: only what the caller has a task on
    id: str | UnsetType = UNSET  #: one of them


def _entities(request: Request_, caller: Caller, sheet: entities.Sheet, query: WhichEntities) -> Sheet:
    conditions, params = in_episode(request, sheet.in_episode)
    entity_id = query_id(request, "id")
    if entity_id is not None:
        conditions.append(IS)
        params["entity_id"] = entity_id
    own = query.assigned_to is not UNSET
    if own:
        conditions.append(ASSIGNED)
    view = entities.View(audience(caller), own, tuple(conditions))
    return Sheet(entities.export(sheet, view), {"project_id": caller.project_id, **params})


@export("/export/csv/projects/{project_id:uuid}/assets", access=_READER, errors=(400,))
async def assets(project_id: UUID, query: WhichEntities, request: Request_, db: Database, caller: Caller) -> Sheet:
    """The assets of a production, with their metadata and two columns for each task type: status and assignees.

    Of an episode: those that belong to it and those cast in it. A client gets no assignees and no time spent.
    """
    return _entities(request, caller, entities.ASSETS, query)


@export("/export/csv/projects/{project_id:uuid}/shots", access=_READER, errors=(400,))
async def shots(project_id: UUID, query: WhichEntities, request: Request_, db: Database, caller: Caller) -> Sheet:
    """The shots of a production, with their metadata and two columns for each task type: status and assignees.

    A client gets no assignees and no time spent.
    """
    return _entities(request, caller, entities.SHOTS, query)


@export("/export/csv/projects/{project_id:uuid}/edits", access=_READER)
async def edits(project_id: UUID, db: Database, caller: Caller) -> Sheet:
    """The edits of a production, with their metadata and two columns for each task type: status and assignees.

    A client gets no assignees and no time spent.
    """
    return Sheet(entities.export(entities.EDITS, entities.View(audience(caller))), {"project_id": project_id})


class WhichCasting(msgspec.Struct):
    """Which links of a production."""

    episode_id: str | UnsetType = UNSET  #: an id, `all` for what is cast in episodes, `main` for the main pack
    is_shot_casting: bool = False


@export("/export/csv/projects/{project_id:uuid}/casting", access=_READER, errors=(400,))
async def breakdown(project_id: UUID, query: WhichCasting, request: Request_, db: Database, caller: Caller) -> Sheet:
    """The breakdown of a production, in the columns of its import.

    What is cast in shots (`is_shot_casting`), in episodes (`episode_id=all`), in the main pack (`main`), or, without
    any of them, in everything but shots; `episode_id` narrows it to an episode.
    """
    part, params = _part(request, query)
    sheet = casting.export(part, episode_asked="episode_id" in params, for_client=audience(caller) == "client")
    return Sheet(sheet, {"project_id": project_id, **params})


def _part(request: Request_, query: WhichCasting) -> tuple[casting.Part, dict[str, UUID]]:
    if query.episode_id == "main":
        return "main", {}
    if query.episode_id == "all":
        return "all", {}
    episode_id = query_id(request, "episode_id")
    return "shots" if query.is_shot_casting else "rest", {} if episode_id is None else {"episode_id": episode_id}


class WhichForm(msgspec.Struct):
    """What a sheet is written as."""

    format: Literal["csv", "xlsx"] = "csv"


@get(
    "/export/csv/playlists/{playlist_id:uuid}",
    access=_PLAYLIST.further("clients only playlists made for them"),
    tag=_TAG,
    errors=(400,),
)
async def playlist_sheet(playlist_id: UUID, query: WhichForm, db: Database, caller: Caller) -> Any:
    """A playlist: of each entry the preview shown, its task's status, and the last comment that is not a client's.

    Clients get the comments that are for them. Dates are in the caller's time zone.
    """
    if caller.role_here == "client":
        await check_for_clients(db, playlist_id)
    params = {"playlist_id": playlist_id, "timezone": zone_of(caller.timezone)}
    sheet = Sheet(playlists.export(for_client=audience(caller) == "client"), params)
    return await send(db, caller, sheet, query.format)
