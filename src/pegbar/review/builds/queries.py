"""Reads about builds."""

from typing import Any

from sqlalchemy import BigInteger, Select, Text, Uuid, literal_column, select, text

from pegbar.core.data.parameters import param, sql
from pegbar.core.data.wire import json_object
from pegbar.entities.tables import entity
from pegbar.media.queries import served
from pegbar.media.tables import preview_file
from pegbar.productions.tables import project
from pegbar.review.shapes import BUILD_JOB
from pegbar.review.tables import build_job, playlist, playlist_build
from pegbar.tasks.tables import task

_UUID = "'^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'"
_ENTITY = "coalesce(e.entry->>'id', e.entry->>'shot_id', e.entry->>'entity_id')"
_PREVIEW = "e.entry->>'preview_file_id'"
_PLAYLIST_ID, _BUILD_ID = param("playlist_id"), param("build_job_id")

#: The entries of a playlist that name a preview, in order.
_entries = (
    sql(
        f"""
        SELECT e.n, CASE WHEN {_ENTITY} ~ {_UUID} THEN ({_ENTITY})::uuid END AS entity_id,
               CASE WHEN {_PREVIEW} ~ {_UUID} THEN ({_PREVIEW})::uuid END AS preview_id
          FROM playlist
         CROSS JOIN LATERAL jsonb_array_elements(
               CASE WHEN jsonb_typeof(playlist.shots) = 'array' THEN playlist.shots ELSE '[]'::jsonb END)
               WITH ORDINALITY AS e (entry, n)
         WHERE playlist.id = :playlist_id AND jsonb_typeof(e.entry) = 'object'
        """  # noqa: S608 - constants
    )
    .columns(n=BigInteger, entity_id=Uuid, preview_id=Uuid)
    .subquery("entries")
)


def _pieces() -> Select[Any]:
    """The previews that the entries name, each of its entity."""
    previews = _entries.join(preview_file, preview_file.c.id == _entries.c.preview_id)
    return served(previews).where(task.c.entity_id == _entries.c.entity_id).order_by(_entries.c.n)


def _files() -> Select[Any]:
    """Of each entry, all previews of the task and revision of the one that it names."""
    named = preview_file.alias("named")
    same = (preview_file.c.task_id == named.c.task_id) & (preview_file.c.revision == named.c.revision)
    previews = _entries.join(named, named.c.id == _entries.c.preview_id).join(preview_file, same)
    return (
        served(previews)
        .where(task.c.entity_id == _entries.c.entity_id)
        .order_by(_entries.c.n, preview_file.c.position, preview_file.c.created_at, preview_file.c.id)
    )


pieces_of_playlist, files_of_playlist = _pieces(), _files()

#: What its files are named after, and how its movie looks.
playlist_facts = (
    select(
        playlist.c.id,
        playlist.c.name,
        playlist.c.project_id,
        playlist.c.is_for_all,
        playlist.c.for_entity,
        entity.c.name.label("episode_name"),
        project.c.name.label("project_name"),
        project.c.production_type,
        project.c.fps,
        project.c.resolution,
        project.c.hd_bitrate_compression,
    )
    .select_from(playlist)
    .outerjoin(project, project.c.id == playlist.c.project_id)
    .outerjoin(entity, entity.c.id == playlist.c.episode_id)
    .where(playlist.c.id == _PLAYLIST_ID)
)
locked_playlist = select(playlist.c.id, playlist.c.project_id).where(playlist.c.id == _PLAYLIST_ID).with_for_update()

#: A build as clients read it. How far it is is known of those that this server makes.
BUILD = BUILD_JOB.but(progress=playlist_build.c.progress)
_builds = select(json_object(BUILD)).outerjoin(playlist_build, playlist_build.c.build_job_id == build_job.c.id)
build_row = _builds.where(build_job.c.id == _BUILD_ID)
build_of_playlist = build_row.where(build_job.c.playlist_id == _PLAYLIST_ID)
#: The builds of a production's playlists, newest first.
builds_of_project = (
    _builds.join(playlist, playlist.c.id == build_job.c.playlist_id)
    .where(playlist.c.project_id == param("project_id"))
    .order_by(build_job.c.created_at.desc(), build_job.c.id)
)
#: What a download of a build needs.
build_state = select(build_job.c.id, build_job.c.status, build_job.c.created_at, build_job.c.message).where(
    build_job.c.id == _BUILD_ID, build_job.c.playlist_id == _PLAYLIST_ID
)
locked_build = build_state.with_for_update()

#: The newest movie of a playlist that was made of the same.
same_build = (
    select(build_job.c.id, build_job.c.message)
    .join(playlist_build, playlist_build.c.build_job_id == build_job.c.id)
    .where(
        build_job.c.playlist_id == _PLAYLIST_ID,
        build_job.c.status == literal_column("'succeeded'", Text),
        playlist_build.c.digest == param("digest", Text),
    )
    .order_by(build_job.c.created_at.desc())
    .limit(1)
)

#: Somebody is at it: a job is, or will be; a request is, which gives a sign of life now and then; or, of a build that
#: is not ours, another server may be, as long as a build may take.
_UNDER_WAY = """
    CASE WHEN o.build_job_id IS NULL THEN b.created_at > :now - make_interval(secs => :longest ::float8)
         ELSE o.seen_at > :now - make_interval(secs => :patience ::float8)
           OR EXISTS (SELECT 1 FROM pegbar.procrastinate_jobs q
                       WHERE q.task_name = 'review.build_playlist' AND q.status IN ('todo', 'doing')
                         AND q.args ->> 'build_job_id' = b.id::text) END
"""
_RUNNING = f"""
    SELECT b.id, {_UNDER_WAY} AS under_way, o.build_job_id IS NOT NULL AS ours
      FROM build_job b LEFT JOIN pegbar.playlist_build o ON o.build_job_id = b.id
     WHERE b.status = 'running'
"""  # noqa: S608 - constants
running_builds = sql(f"{_RUNNING} AND b.playlist_id = :playlist_id ORDER BY b.created_at, b.id")
#: Builds of ours that nobody is at any more.
abandoned_builds = sql(
    f"SELECT id FROM ({_RUNNING}) AS running WHERE ours AND NOT under_way LIMIT 100"  # noqa: S608 - constants
)

#: Takes a build in hand; null when it is not to be made any more.
begin_build = sql(
    """
    UPDATE pegbar.playlist_build o SET attempts = o.attempts + 1, seen_at = :now
      FROM build_job b JOIN playlist p ON p.id = b.playlist_id
     WHERE o.build_job_id = :build_job_id AND b.id = o.build_job_id AND b.status = 'running'
    RETURNING b.id, b.playlist_id, p.project_id, o.is_full, o.has_titles, o.attempts, o.requested_by
    """
)
#: Gives a sign of life and tells how far it is; no row when the build was deleted.
note_progress = sql(
    """
    UPDATE pegbar.playlist_build SET progress = :percent ::int, seen_at = :now
     WHERE build_job_id = :build_job_id RETURNING build_job_id
    """
)
locked_running_build = sql(
    """
    SELECT b.id, b.playlist_id, p.project_id, o.requested_by
      FROM build_job b JOIN playlist p ON p.id = b.playlist_id
      LEFT JOIN pegbar.playlist_build o ON o.build_job_id = b.id
     WHERE b.id = :build_job_id AND b.status = 'running' FOR UPDATE OF b
    """
)
note_end = sql(
    """
    UPDATE pegbar.playlist_build SET digest = :digest ::text, progress = :percent ::int
     WHERE build_job_id = :build_job_id
    """
)
#: Ended builds of ours that are older than the setting says.
expired_builds = sql(
    """
    SELECT b.id FROM build_job b JOIN pegbar.playlist_build o ON o.build_job_id = b.id
     WHERE b.status <> 'running' AND b.ended_at < :now - make_interval(days => :days ::int)
     ORDER BY b.ended_at LIMIT 200
    """
)

#: Who asked for a build, and what they read of it.
build_to_tell = text(
    """
    SELECT b.id, b.playlist_id, l.name AS playlist_name, j.name AS project_name, w.email, w.locale
      FROM build_job b
      JOIN pegbar.playlist_build o ON o.build_job_id = b.id
      JOIN playlist l ON l.id = b.playlist_id
      JOIN project j ON j.id = l.project_id
      JOIN person w ON w.id = o.requested_by
     WHERE b.id = :build_job_id ::uuid AND b.status = 'succeeded' AND w.active AND w.email <> '' AND NOT w.is_bot
    """
)
