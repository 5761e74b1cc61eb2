"""Routes of cuts. Source: spec exchange, "EDL / OTIO import"; exports and dry runs are ours."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.core.data.database import Database, Json
from pegbar.core.http.access import Caller, client_here, manager_of, member_of, not_vendor, of_row, supervisor_of
from pegbar.core.http.body import read_id
from pegbar.core.http.routing import Reply, get, post
from pegbar.core.http.uploads import Form, received_form
from pegbar.entities import events
from pegbar.entities.kinds import EPISODE, SEQUENCE, SHOT
from pegbar.exchange.parameters import truth
from pegbar.exchange.timelines import actions, rates, report
from pegbar.exchange.timelines.reading import process
from pegbar.exchange.timelines.writing import exports
from pegbar.exchange.timelines.writing.formats import format_named
from pegbar.review.tables import playlist
from pegbar.tasks.events import TASK_NEW

AnyRequest = Request[Any, Any, Any]

_IMPORT: dict[str, Any] = {
    "access": manager_of("project_id"),
    "files": True,
    "tag": "Import",
    "returns": {
        "type": "object",
        "properties": {
            name: {"type": "array", "items": {"type": "object"}} for name in ("updated_shots", "created_shots")
        },
    },
    "errors": (400,),
    "events": (events.NEW[SEQUENCE], events.NEW[SHOT], events.UPDATE[SHOT], TASK_NEW),
}


class ImportQuery(msgspec.Struct):
    """How clips are named, and whether the import is only tried; the first two may be fields of the form."""

    naming_convention: str | None = None
    match_case: str | None = None
    dry_run: str | None = None


async def _imported(
    request: AnyRequest, query: ImportQuery, db: Database, caller: Caller, project_id: UUID, episode_id: UUID | None
) -> Json | Reply:
    dry = truth("dry_run", query.dry_run, default=False)
    async with received_form(request) as form:
        target = await actions.target_of(
            db,
            project_id,
            episode_id,
            convention=_parameter(form, query, "naming_convention"),
            match_case=truth("match_case", _parameter(form, query, "match_case"), default=True),
        )
        upload = form.file()
        process.check_format(upload)
        clips = await process.read_clips(
            upload,
            rate=str(rates.of_text(target.fps)),
            pattern=target.scope.pattern,
            match_case=target.scope.match_case,
            holder=caller.id,
        )
    if dry:
        return Reply(report.report(*await actions.compared(db, target, clips)), status=200)
    return await actions.import_clips(db, caller.id, target, clips)


def _parameter(form: Form, query: ImportQuery, name: str) -> str | None:
    """A field of the form, else of the query string."""
    value: str | None = form.fields.get(name) or getattr(query, name)
    return value


@post("/import/otio/projects/{project_id:uuid}", **_IMPORT)
async def import_cut(
    project_id: UUID, request: AnyRequest, query: ImportQuery, db: Database, caller: Caller
) -> Json | Reply:
    """Import a cut into a production that is no TV show: shots get their frames, and are made when they are new.

    The format goes by the extension of the file: otio, otioz, edl (CMX 3600), xml (Final Cut Pro 7), fcpxml, aaf, ale,
    xges. `naming_convention` is a regular expression with `${project_name}`, `${episode_name}`, `${sequence_name}`
    and `${shot_name}`, which must match the start of each clip's name; `match_case=false` ignores case. A clip that
    cannot be taken stops the import; those before it are kept. `dry_run=true` writes nothing and answers the
    difference between the cut and the shots that are there.
    """
    return await _imported(request, query, db, caller, project_id, None)


@post("/import/otio/projects/{project_id:uuid}/episodes/{episode_id:uuid}", **_IMPORT)
async def import_cut_of_episode(
    project_id: UUID, episode_id: UUID, request: AnyRequest, query: ImportQuery, db: Database, caller: Caller
) -> Json | Reply:
    """Import the cut of an episode: the same for its shots, with new sequences in it."""
    return await _imported(request, query, db, caller, project_id, episode_id)


class ExportQuery(msgspec.Struct):
    """In which format: `otio`, `edl` or `xml`."""

    format: str = "otio"


class CutQuery(ExportQuery):
    """Of which task type previews are shown, and whether the cut begins with its first shot."""

    task_type_id: str = ""
    from_zero: bool = False


_READS = member_of("project_id") & not_vendor
_ITS_PROJECT = of_row("project", playlist.c.project_id, "playlist_id")
_EXPORT: dict[str, Any] = {"tag": "Export", "returns": {"type": "string"}, "errors": (400,)}


@get(
    "/export/otio/playlists/{playlist_id:uuid}",
    access=(supervisor_of(_ITS_PROJECT) | client_here).further("clients only playlists made for them"),
    **_EXPORT,
)
async def export_playlist(playlist_id: UUID, query: ExportQuery, db: Database, caller: Caller) -> Reply:
    """Export a playlist as a cut of its previews: OpenTimelineIO, an EDL (CMX 3600) or XML of Final Cut Pro 7.

    Media are the addresses of the previews; metadata and a marker on each clip name the shot, the task type, the
    revision and the status. Clips are as long as their shots, else as their movies; pictures of other things last two
    seconds.
    """
    return await exports.playlist_cut(db, caller, playlist_id, format_named(query.format))


async def _cut(db: Database, project_id: UUID, query: CutQuery, part: tuple[str, UUID] | None = None) -> Reply:
    return await exports.production_cut(
        db,
        project_id,
        format_named(query.format),
        part=part,
        task_type_id=read_id("task_type_id", query.task_type_id) if query.task_type_id else None,
        from_zero=query.from_zero,
    )


@get("/export/otio/projects/{project_id:uuid}", access=_READS, **_EXPORT)
async def export_cut(project_id: UUID, query: CutQuery, db: Database) -> Reply:
    """Export the shots of a production as a cut: OpenTimelineIO, an EDL (CMX 3600) or XML of Final Cut Pro 7.

    Shots lie where `frame_in` says, with gaps between them; when they do not all say it or lie over each other, they
    follow one another by name. Each is shown in its main preview, or with `task_type_id` in the latest one of that task
    type. `from_zero=true` leaves out what is before the first shot. What leaves so is imported again without a change.
    """
    return await _cut(db, project_id, query)


@get("/export/otio/projects/{project_id:uuid}/episodes/{episode_id:uuid}", access=_READS, **_EXPORT)
async def export_cut_of_episode(project_id: UUID, episode_id: UUID, query: CutQuery, db: Database) -> Reply:
    """Export the shots of an episode as a cut, as those of a production."""
    return await _cut(db, project_id, query, (EPISODE, episode_id))


@get("/export/otio/projects/{project_id:uuid}/sequences/{sequence_id:uuid}", access=_READS, **_EXPORT)
async def export_cut_of_sequence(project_id: UUID, sequence_id: UUID, query: CutQuery, db: Database) -> Reply:
    """Export the shots of a sequence as a cut, as those of a production."""
    return await _cut(db, project_id, query, (SEQUENCE, sequence_id))
