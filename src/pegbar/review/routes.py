"""Playlists of a production. Source: spec review, operations of the same paths."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

import msgspec

from pegbar.config import settings
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.filters import uuid_filter
from pegbar.core.data.values import to_uuid
from pegbar.core.errors import NotFound
from pegbar.core.http.access import Caller, admin, at, entity_access, manager_of, member_of, not_vendor, of_row
from pegbar.core.http.body import Strict
from pegbar.core.http.pagination import envelope, window
from pegbar.core.http.routing import get, path_uuid, post, put
from pegbar.notifications.events import NOTIFICATION_NEW
from pegbar.notifications.telling import tell_clients
from pegbar.review import actions, queries, reading
from pegbar.review.events import PLAYLIST_ADD_ENTITY
from pegbar.review.resources import edits_playlist, playlists
from pegbar.review.tables import playlist

_MEMBER = member_of("project_id") & not_vendor


class PlaylistQuery(msgspec.Struct):
    """Which playlists, and in what order."""

    page: int = -1
    sort_by: str = ""
    task_type_id: str = ""
    for_entity: str = ""


class EntryToAdd(Strict):
    """An entity, and the preview it is shown in (its latest unless given)."""

    entity_id: UUID
    preview_file_id: str | None = None

    def couple(self) -> actions.Couple:
        """The ids; 400 for a preview id that is none."""
        if not self.preview_file_id:
            return self.entity_id, None
        return self.entity_id, to_uuid(self.preview_file_id, "preview_file_id")


class EntriesToAdd(Strict):
    """Several entries."""

    entities: Annotated[list[EntryToAdd], msgspec.Meta(min_length=1)]


#: Tasks of one playlist that is made for the moment: more than somebody looks at in a week.
_MOST_TASKS = 2000


class Selection(Strict):
    """Tasks, and entities in the task that was commented last."""

    task_ids: Annotated[list[UUID], msgspec.Meta(max_length=_MOST_TASKS)] = msgspec.field(default_factory=list)
    entity_ids: Annotated[list[UUID], msgspec.Meta(max_length=_MOST_TASKS)] = msgspec.field(default_factory=list)


class WhichClients(Strict):
    """The clients to tell: those of a studio, of a department, or all. An empty text is no id."""

    studio_id: str | None = None
    department_id: str | None = None


class Sorting(msgspec.Struct):
    """Whether entries are sorted by where they are and their name; else they come as they were sent."""

    sort: bool = False


class PageQuery(msgspec.Struct):
    """A page of a listing; none for all of it."""

    page: int = -1


async def _page(
    db: Database, caller: Caller, project_id: UUID, query: PlaylistQuery, episode: queries.Episode, **more: Any
) -> Json:
    params: dict[str, Any] = {"project_id": project_id, "offset": (max(query.page, 1) - 1) * queries.PAGE, **more}
    if query.task_type_id:
        params["task_type_id"] = uuid_filter(query.task_type_id)
    if query.for_entity and episode != "any":
        params["for_entity"] = query.for_entity
    statement = queries.playlists_of_project(
        episode=episode,
        sort_by=query.sort_by if query.sort_by in playlist.c else "updated_at",
        for_clients=caller.role_here == "client",
        task_type_given="task_type_id" in params,
        for_entity_given="for_entity" in params,
    )
    return await db.json(statement, **params)


@get("/data/projects/{project_id:uuid}/playlists", access=_MEMBER, errors=(400,))
async def project_playlists(project_id: UUID, query: PlaylistQuery, db: Database, caller: Caller) -> Json:
    """The playlists of a production, twenty a page, the last changed first unless sorted otherwise."""
    return await _page(db, caller, project_id, query, "any")


@get("/data/projects/{project_id:uuid}/playlists/all", access=replace(admin, place=at("project", "project_id")))
async def all_playlists(project_id: UUID, query: PageQuery, db: Database) -> Json:
    """Every playlist of a production, whole; in pages when `page` is 1 or more."""
    if query.page < 1:
        return await db.json(queries.all_of_project, project_id=project_id)
    part = window(query.page, settings().nb_records_per_page)
    row = await db.row(queries.page_of_project, project_id=project_id, **part)
    assert row is not None
    return envelope(Json(f"[{row[1]}]".encode()), row[0], query.page, part)


@get(
    "/data/projects/{project_id:uuid}/playlists/{playlist_id:uuid}",
    access=_MEMBER.further("clients only playlists made for them"),
)
async def read_playlist_of_project(project_id: UUID, playlist_id: UUID, db: Database, caller: Caller) -> Json:
    """A playlist with the previews of its entities."""
    row = await db.json_row(reading.playlist_of_project, project_id=project_id, playlist_id=playlist_id)
    if row is None:
        raise NotFound(f"There is no playlist {playlist_id} in this production.")
    if caller.role_here == "client":
        await actions.check_for_clients(db, playlist_id)
    entries = await db.json(reading.entries_of_playlist, playlist_id=playlist_id)
    return Json(row[:-1] + b',"shots":' + entries + b"}")


@get("/data/playlists/entities/{entity_id:uuid}/preview-files", access=entity_access("entity_id"))
async def previews_of_entity(entity_id: UUID, db: Database) -> Json:
    """The previews of an entity by task type, the last revision first."""
    row = await db.json_row(reading.previews_of_entity, entity_id=entity_id)
    assert row is not None
    return row


@post("/data/projects/{project_id:uuid}/playlists/temp", access=member_of("project_id"), status=200, errors=(400,))
async def temporary_playlist(project_id: UUID, query: Sorting, body: Selection, db: Database) -> Json:
    """The entries of a playlist of tasks, each with its previews; nothing is stored. At most 2,000 tasks.

    404 for a task that does not exist, 403 for one that the caller may not see, of whatever production.
    """
    return await actions.temporary_entries(db, body.task_ids, body.entity_ids, is_sorted=query.sort)


@get("/data/projects/{project_id:uuid}/episodes/{episode_id:str}/playlists", access=_MEMBER)
async def episode_playlists(
    project_id: UUID, episode_id: str, query: PlaylistQuery, db: Database, caller: Caller
) -> Json:
    """The playlists of an episode, of the main pack (`main`) or of all episodes (`all`)."""
    if episode_id == "main":
        return await _page(db, caller, project_id, query, "main")
    if episode_id == "all":
        return await _page(db, caller, project_id, query, "all")
    of = path_uuid(episode_id, 404)
    if await db.row(queries.known_entity, entity_id=of) is None:
        raise NotFound(f"There is no episode {of}.")
    return await _page(db, caller, project_id, query, "one", episode_id=of)


@get("/data/playlists/{instance_id:str}", access=member_of(of_row("project", playlist.c.project_id)) & not_vendor)
async def read_playlist(instance_id: str, db: Database, caller: Caller) -> Json:
    """A playlist with the ids of its builds. Clients read those that are for them."""
    playlist_id = path_uuid(instance_id)
    if caller.role_here == "client":
        await actions.check_for_clients(db, playlist_id)
    return await playlists.read(db, caller, playlist_id)


@put("/data/playlists/{instance_id:str}", access=edits_playlist, events=(playlists.events["update"],), malformed=400)
async def update_playlist(instance_id: str, tx: Transaction, caller: Caller, document: dict[str, Any]) -> Json:
    """Change a playlist. `shots` is its whole list of entries, in their order: who is left out goes.

    With the `shots_version` that came with the list, entries that were added since are kept, each behind its neighbour:
    they are not in the list because its sender has not seen them. Not so what the caller added by such a list before,
    whose answer they may not have looked at. Without a version the list replaces the one that is there.
    """
    playlist_id = path_uuid(instance_id)
    await playlists.update(tx, caller, playlist_id, document)
    return await playlists.read(tx, caller, playlist_id, relations=False)


_EDITS = replace(edits_playlist, place=edits_playlist.place.renamed("playlist_id"))


@post("/actions/playlists/{playlist_id:uuid}/add-entity", access=_EDITS, status=200, events=(PLAYLIST_ADD_ENTITY,))
async def add_entity(playlist_id: UUID, body: EntryToAdd, tx: Transaction, caller: Caller) -> Json:
    """Append an entity to a playlist, in its latest preview unless one is given."""
    return await actions.add_entities(tx, caller, playlist_id, [body.couple()])


@post("/actions/playlists/{playlist_id:uuid}/add-entities", access=_EDITS, status=200, events=(PLAYLIST_ADD_ENTITY,))
async def add_entities(playlist_id: UUID, body: EntriesToAdd, tx: Transaction, caller: Caller) -> Json:
    """Append entities to a playlist."""
    return await actions.add_entities(tx, caller, playlist_id, [entry.couple() for entry in body.entities])


@post(
    "/data/playlists/{playlist_id:uuid}/notify-clients",
    access=manager_of(of_row("project", playlist.c.project_id, "playlist_id")),
    status=200,
    events=(NOTIFICATION_NEW,),
    errors=(400,),
)
async def notify_clients(playlist_id: UUID, body: WhichClients, tx: Transaction, caller: Caller) -> dict[str, str]:
    """Tell the clients in the team that a playlist is ready, in their inbox and as each of them wants it.

    Answers `{"status": "success"}`, also when nobody is to be told.
    """
    await tell_clients(
        tx,
        playlist_id,
        author_id=caller.id,
        studio_id=to_uuid(body.studio_id, "studio_id") if body.studio_id else None,
        department_id=to_uuid(body.department_id, "department_id") if body.department_id else None,
    )
    return {"status": "success"}
