"""Generic routes of playlists and of the event log. Source: spec crud, "playlists", "events"."""

from uuid import UUID

from sqlalchemy import false, func

from pegbar.accounts.standing import Narrowing
from pegbar.core.data.changes import Change
from pegbar.core.data.removal import remove
from pegbar.core.data.resource import Access, Resource
from pegbar.core.data.writes import writes
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, Rule, member_of, not_vendor, of_row, require, supervisor_of
from pegbar.core.live.events import api_event
from pegbar.review import additions, entries, merging
from pegbar.review.entries import as_uuid
from pegbar.review.shapes import BUILD_JOBS, PLAYLIST, SHOTS_VERSION
from pegbar.review.tables import playlist

FOR_ENTITIES = ("shot", "asset", "sequence", "edit", "episode")

events = Resource(
    api_event,
    path="/data/events",
    type="ApiEvent",
    writes=writes("name user_id data", create="project_id"),
    at_most=1000,
    tag="Events",
)


#: Vendors get no playlists, clients those for them, by the role on each production.
visible = Narrowing(
    playlist.c.project_id, only_open=False, vendor=false(), client=func.coalesce(playlist.c.for_client, false())
)


edits_playlist = Rule(
    "manager of the production, or its supervisor for playlists of their own",
    lambda caller: caller.supervises,
    of_row("project", playlist.c.project_id),
)
_reads = member_of(of_row("project", playlist.c.project_id)) & not_vendor


def check_editor(caller: Caller, created_by: UUID | None) -> None:
    """Refuse supervisors the playlists of others."""
    require(
        caller.manages or created_by is None or created_by == caller.id,
        "Supervisors change only the playlists they made.",
    )


async def _prepare(change: Change) -> None:
    """Names that stand for no episode, task types that are none, and what others added to a list that is sent whole."""
    document = dict(change.document)
    if change.before is not None:
        version, shots = document.get(SHOTS_VERSION), document.get("shots")
        if isinstance(version, int) and isinstance(shots, list):
            unseen = await additions.unseen(change.tx, change.row(playlist), version)
            document["shots"] = merging.merged(shots, change.before["shots"] or (), unseen)
            change.document = document
        return
    if document.get("episode_id") in ("all", "main"):
        document["episode_id"] = None
    if "task_type_id" in document and as_uuid(document["task_type_id"]) is None:
        document["task_type_id"] = None
    change.document = document


async def _check(change: Change) -> None:
    values = change.values
    if change.before is not None:
        check_editor(change.caller, change.before["created_by"])
    if values.get("for_entity") is not None and values["for_entity"] not in FOR_ENTITIES:
        raise BadRequest(f"for_entity: {values['for_entity']!r} is not one of {', '.join(FOR_ENTITIES)}.")
    if change.before is None:
        values["created_by"] = change.caller.id
    if "shots" in change.document:
        listed = entries.checked(change.document["shots"])
        if change.before is not None:
            listed = entries.canonical(listed)
        stored = None if change.before is None else change.before["shots"]
        await entries.check_places(change.tx, change.after("project_id"), listed, stored or (), "shots")
        values["shots"] = await entries.own_previews(change.tx, listed)


async def _saved(change: Change) -> None:
    if change.before is not None and "shots" in change.values:
        added = merging.added(change.before["shots"] or (), change.values["shots"])
        await additions.record(change.tx, change.row(playlist), added, in_list_of=change.caller.id)


async def _deleting(change: Change) -> None:
    check_editor(change.caller, None if change.before is None else change.before["created_by"])
    await remove(change.tx, playlist, [change.row(playlist)], keep=True)


playlists = Resource(
    playlist,
    path="/data/playlists",
    type="Playlist",
    access=Access(
        list=Rule("anyone but vendors", lambda caller: caller.role != "vendor"),
        read=_reads,
        create=supervisor_of(playlist.c.project_id),
        update=edits_playlist,
        delete=edits_playlist,
    ),
    writes=writes(
        "name shots episode_id task_type_id for_client for_entity is_for_all",
        create="project_id",
    ),
    relations=(BUILD_JOBS,),
    wire=PLAYLIST,
    own=frozenset({SHOTS_VERSION}),
    scope=visible,
    prepare=_prepare,
    check=_check,
    saved=_saved,
    deleting=_deleting,
    skip=frozenset({"read", "update"}),
    tag="Playlists",
)
