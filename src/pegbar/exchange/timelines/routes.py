"""Routes of cuts. Source: spec exchange, "EDL / OTIO import"; exports and dry runs are ours."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.config import FALSE, TRUE
from pegbar.core.data.database import Database, Json
from pegbar.core.errors import BadRequest
from pegbar.core.http.access import Caller, manager_of
from pegbar.core.http.routing import Reply, post
from pegbar.core.http.uploads import Form, received_form
from pegbar.entities import events
from pegbar.entities.kinds import SEQUENCE, SHOT
from pegbar.exchange.timelines import actions, rates, report
from pegbar.exchange.timelines.reading import process
from pegbar.tasks.events import TASK_NEW

AnyRequest = Request[Any, Any, Any]

_IMPORT = {
    "access": manager_of("project_id"),
    "files": True,
    "tag": "Import",
    "errors": (400,),
    "events": (events.NEW[SEQUENCE], events.NEW[SHOT], events.UPDATE[SHOT], TASK_NEW),
}


class ImportQuery(msgspec.Struct):
    """How clips are named, and whether the import is only tried; the first two may be fields of the form."""

    naming_convention: str | None = None
    match_case: str | None = None
    dry_run: bool = False


def _matches_case(text: str | None) -> bool:
    if not text:
        return True
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise BadRequest(f"match_case: {text[:40]!r} is neither true nor false.")
    return word in TRUE


async def _imported(
    request: AnyRequest, query: ImportQuery, db: Database, caller: Caller, project_id: UUID, episode_id: UUID | None
) -> Json | Reply:
    async with received_form(request) as form:
        target = await actions.target_of(
            db,
            project_id,
            episode_id,
            convention=_parameter(form, query, "naming_convention"),
            match_case=_matches_case(_parameter(form, query, "match_case")),
        )
        upload = form.file()
        process.check_format(upload)
        clips = await process.read_clips(
            upload,
            rate=str(rates.of_text(target.fps)),
            convention=target.scope.convention,
            match_case=target.scope.match_case,
            holder=caller.id,
        )
    if query.dry_run:
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
