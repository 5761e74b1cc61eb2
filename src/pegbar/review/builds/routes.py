"""Movies and archives of playlists. Source: spec review, operations of the same paths."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.http.access import Caller, admin, at, client_here, manager_of, of_row, supervisor_of
from pegbar.core.http.downloads import download
from pegbar.core.http.routing import delete, found, get
from pegbar.review.builds import actions, queries
from pegbar.review.builds.archive import archive_of
from pegbar.review.builds.events import BUILD_JOB_NEW, BUILD_JOB_PROGRESS, BUILD_JOB_UPDATE
from pegbar.review.builds.plan import Options
from pegbar.review.events import BUILD_JOB_DELETE
from pegbar.review.tables import playlist

_OF_PLAYLIST = of_row("project", playlist.c.project_id, "playlist_id")
_FOR_THEM = "clients only of playlists made for them"
_manages = manager_of(_OF_PLAYLIST)
#: Source: spec review, "playlist operator", "playlist downloader".
_operates = (_manages | client_here).further(_FOR_THEM)
_downloads = (supervisor_of(_OF_PLAYLIST) | client_here).further(_FOR_THEM)


class HowToBuild(msgspec.Struct):
    """How the movie is made."""

    full: bool = False
    titles: bool = False


@get(
    "/data/playlists/{playlist_id:uuid}/build/mp4",
    access=_manages,
    returns=queries.BUILD,
    events=(BUILD_JOB_NEW, BUILD_JOB_PROGRESS, BUILD_JOB_UPDATE),
    errors=(400, 409, 429),
)
async def build_movie(playlist_id: UUID, query: HowToBuild, db: Database, caller: Caller) -> Json:
    """Have the movie of a playlist made; the build, with its `status`, `message` and `progress` in percent.

    Its movies are joined as they are when they are alike, else encoded, and `message` says why. `full` encodes them in
    the size of the production, `titles` writes over each what it is called. With the job queue the build runs on after
    the answer. What was built of the same before is there at once. A build that failed says why in `message`. 409 while
    another movie of the playlist is being made.
    """
    return await actions.build(db, caller, playlist_id, Options(query.full, query.titles))


@get("/data/playlists/{playlist_id:uuid}/jobs/{build_job_id:uuid}", access=_operates, returns=queries.BUILD)
async def read_build(playlist_id: UUID, build_job_id: UUID, db: Database, caller: Caller) -> Json:
    """A build: `running`, `failed` or `succeeded`, why, and how far it is."""
    await actions.check_reader(db, caller, playlist_id)
    row = await db.json_row(queries.build_of_playlist, playlist_id=playlist_id, build_job_id=build_job_id)
    return found(row, "The build")


@delete(
    "/data/playlists/{playlist_id:uuid}/jobs/{build_job_id:uuid}",
    access=_manages,
    status=204,
    events=(BUILD_JOB_DELETE,),
)
async def delete_build(playlist_id: UUID, build_job_id: UUID, tx: Transaction) -> None:
    """Delete a build with its movie. One that is being made is ended."""
    await actions.delete_build(tx, playlist_id, build_job_id)


@get("/data/playlists/{playlist_id:uuid}/jobs/{build_job_id:uuid}/build/mp4", access=_downloads, errors=(400, 416))
async def download_movie(
    playlist_id: UUID, build_job_id: UUID, request: Request[Any, Any, Any], db: Database, caller: Caller
) -> Any:
    """The movie of a build that succeeded, to keep. 404 when it is not stored any more."""
    await actions.check_reader(db, caller, playlist_id)
    address, name = await actions.downloadable(db, playlist_id, build_job_id)
    return await download(request, address, kind="video/mp4", name=name, attachment=True, caching="no-cache")


@get("/data/playlists/{playlist_id:uuid}/download/zip", access=_downloads, errors=(429,))
async def download_archive(playlist_id: UUID, db: Database, caller: Caller) -> Any:
    """The files of a playlist, all positions of each revision that is shown, as a zip without compression.

    Files that are not stored any more are listed in `missing.txt` there.
    """
    await actions.check_reader(db, caller, playlist_id)
    return await archive_of(db, caller.id, playlist_id)


@get("/data/projects/{project_id:uuid}/build-jobs", access=replace(admin, place=at("project", "project_id")))
async def builds_of_project(project_id: UUID, db: Database) -> Json:
    """The builds of a production's playlists, newest first."""
    return await db.json(queries.builds_of_project, project_id=project_id)
