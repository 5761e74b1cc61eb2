"""Playlists with the previews of their entities, each read in one statement.

Source: spec review, "Playlist read shape (team)", "GET /data/playlists/entities/{entity_id}/preview-files", and "POST
/data/projects/{project_id}/playlists/temp".
"""

from sqlalchemy import Executable, select

from pegbar.accounts.standing import as_text, is_going, on, somebody_written, written
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.wire import json_list, json_object
from pegbar.entities.kinds import ASSET, EDIT, SCENE, SEQUENCE, SHOT, SPECIAL
from pegbar.review.shapes import BUILD_JOB, PLAYLIST
from pegbar.review.tables import build_job, playlist

_TIME = """to_char(p.created_at, 'YYYY-MM-DD"T"HH24:MI:SS')"""
#: A float as JSON: always with a decimal.
_DURATION = """(CASE WHEN coalesce(p.duration, 0) = trunc(coalesce(p.duration, 0))
                     THEN trunc(coalesce(p.duration, 0))::bigint::text || '.0' ELSE p.duration::text END)::json"""

#: A preview in a playlist.
_IN_PLAYLIST = f"""'id', p.id, 'revision', p.revision, 'extension', p.extension, 'width', p.width, 'height', p.height,
    'duration', {_DURATION}, 'status', p.status, 'created_at', {_TIME}, 'task_id', p.task_id"""
#: A preview among those of an entity.
_OF_ENTITY = f"""'id', p.id, 'revision', p.revision, 'original_name', p.original_name, 'extension', p.extension,
    'width', p.width, 'height', p.height, 'duration', {_DURATION}, 'status', p.status, 'annotations', p.annotations,
    'created_at', {_TIME}, 'task_id', p.task_id, 'original_width', p.data->'original_width',
    'original_height', p.data->'original_height', 'original_duration', p.data->'original_duration',
    'original_file_size', p.data->'original_file_size'"""
_SIBLING_OF_ENTITY = f"{_OF_ENTITY}, 'position', p.position, 'task_type_id', t.task_type_id"


def _previews(entities: str, shown: str, sibling: str, first: str) -> str:
    """The previews of entities: `files` one a row, `siblings` by main preview, `by_entity` as the object clients read.

    `first` orders the previews of one revision: the first is the main one and lists the others.
    """
    return f"""
    files AS (
      SELECT p.id, t.entity_id, t.task_type_id, t.id AS task_id, coalesce(k.priority, 0) AS priority,
             k.name AS type_name, p.revision, row_number() OVER revisions AS rank,
             first_value(p.id) OVER revisions AS main_id,
             json_build_object({sibling}) AS sibling,
             p.created_at, p.extension, p.width, p.height, {_DURATION} AS duration, p.status
        FROM preview_file p
        JOIN task t ON t.id = p.task_id
        JOIN task_type k ON k.id = t.task_type_id
       WHERE t.entity_id IN ({entities})
      WINDOW revisions AS (PARTITION BY t.entity_id, t.task_type_id, p.revision ORDER BY {first}, p.id)
    ), siblings AS (
      SELECT main_id, json_agg(sibling ORDER BY rank) AS previews FROM files WHERE rank > 1 GROUP BY main_id
    ), mains AS (
      SELECT f.entity_id, f.task_type_id, f.priority, f.type_name, f.revision,
             json_build_object({shown}, 'previews', coalesce(s.previews, '[]'::json)) AS shown
        FROM files f
        JOIN preview_file p ON p.id = f.id
        LEFT JOIN siblings s ON s.main_id = f.id
       WHERE f.rank = 1
    ), by_type AS (
      SELECT entity_id, task_type_id, priority, type_name, json_agg(shown ORDER BY revision DESC) AS mains
        FROM mains GROUP BY entity_id, task_type_id, priority, type_name
    ), by_entity AS (
      SELECT entity_id, json_object_agg(task_type_id, mains ORDER BY priority DESC, type_name) AS preview_files
        FROM by_type GROUP BY entity_id
    )"""  # noqa: S608 - constants


#: The previews of an entity, by task type.
previews_of_entity: Executable = sql(
    f"""
    WITH {_previews("SELECT :entity_id", _OF_ENTITY, _SIBLING_OF_ENTITY, "p.created_at")}
    SELECT coalesce((SELECT preview_files::text FROM by_entity), '{{}}')
    """  # noqa: S608 - constants
)

_UUID = "'^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'"
_ENTITY_TEXT = "coalesce(e.entry->>'id', e.entry->>'shot_id', e.entry->>'entity_id')"

#: The entries of a playlist, each with the previews of its entity and what is known of the one it is shown in.
entries_of_playlist: Executable = sql(
    f"""
    WITH entries AS (
      SELECT e.n, e.entry, {_ENTITY_TEXT} AS entity_text,
             CASE WHEN {_ENTITY_TEXT} ~ {_UUID} THEN ({_ENTITY_TEXT})::uuid END AS entity_id,
             CASE WHEN e.entry->>'preview_file_id' ~ {_UUID} THEN (e.entry->>'preview_file_id')::uuid END AS preview_id
        FROM playlist
       CROSS JOIN LATERAL jsonb_array_elements(
             CASE WHEN jsonb_typeof(playlist.shots) = 'array' THEN playlist.shots ELSE '[]'::jsonb END)
             WITH ORDINALITY AS e (entry, n)
       WHERE playlist.id = :playlist_id AND jsonb_typeof(e.entry) = 'object'
    ), {_previews("SELECT entity_id FROM entries", _IN_PLAYLIST, _IN_PLAYLIST, "p.position, p.created_at")}
    SELECT left((
             (e.entry - 'preview_file_id') || jsonb_build_object('id', e.entity_text)
             || CASE WHEN f.id IS NULL THEN '{{}}'::jsonb ELSE jsonb_build_object(
                  'preview_file_id', f.id, 'preview_file_extension', f.extension,
                  'preview_file_revision', f.revision, 'preview_file_width', f.width,
                  'preview_file_height', f.height, 'preview_file_duration', f.duration,
                  'preview_file_status', f.status, 'preview_file_task_id', f.task_id,
                  'preview_file_previews',
                  CASE WHEN f.rank = 1 THEN coalesce(s.previews, '[]'::json) ELSE '[]'::json END) END
           )::text, -1) || ', "preview_files": ' || coalesce(b.preview_files::text, '[]') || '}}'
      FROM entries e
      LEFT JOIN files f ON f.id = e.preview_id AND f.entity_id = e.entity_id
      LEFT JOIN siblings s ON s.main_id = f.id
      LEFT JOIN by_entity b ON b.entity_id = e.entity_id
     ORDER BY e.n
    """  # noqa: S608 - constants
)

_BUILDS = json_list(
    select(json_object(BUILD_JOB.only("id", "status", "created_at", "message")))
    .where(build_job.c.playlist_id == playlist.c.id)
    .order_by(build_job.c.created_at.desc(), build_job.c.id)
    .correlate(playlist)
)
#: A playlist of a production without its entries, with its builds.
playlist_of_project = select(json_object(PLAYLIST.but("shots", build_jobs=_BUILDS))).where(
    playlist.c.id == param("playlist_id"), playlist.c.project_id == param("project_id")
)

# Of tasks that are selected on a page

_HERE = on(somebody_written("me"), written("t.project_id"))
_REACHED = as_text(_HERE.sees_production & _HERE.reaches(written("t.entity_id")))
_GOING = as_text(is_going(written("t.project_id")))
_SPECIAL = ", ".join(f"'{kind}'" for kind in SPECIAL)
#: What is above an entity: shots are in a sequence, sequences and edits in an episode, assets are of a type.
_IN_SEQUENCE = f"(above.id IS NOT NULL AND s.kind IN ('{SHOT}', '{SCENE}'))"
_IN_EPISODE = f"(above.id IS NOT NULL AND s.kind IN ('{SEQUENCE}', '{EDIT}'))"
_OF_TYPE = f"(s.kind = '{ASSET}')"
_EPISODE_NAME = f"CASE WHEN {_IN_EPISODE} THEN above.name ELSE '' END"
_SEQUENCE_NAME = f"CASE WHEN {_IN_SEQUENCE} THEN above.name ELSE '' END"
_TYPE_NAME = f"CASE WHEN {_OF_TYPE} THEN s.type_name ELSE '' END"

#: The entries of a playlist of tasks, each with whether the caller reaches its task: others have no entry. `task_ids`
#: come first, then of each of `entity_ids` the task of the latest comment that has a preview. Unknown tasks are left
#: out. The preview is the last one of the task's type, else of the first type of the production that has any.
entries_of_tasks: Executable = sql(
    f"""
    WITH requested AS (
      SELECT task_id, n FROM unnest(:task_ids ::uuid[]) WITH ORDINALITY AS r (task_id, n)
       UNION ALL
      SELECT last.id, cardinality(:task_ids ::uuid[]) + r.n
        FROM unnest(:entity_ids ::uuid[]) WITH ORDINALITY AS r (entity_id, n)
       CROSS JOIN LATERAL (SELECT id FROM task WHERE task.entity_id = r.entity_id AND last_preview_file_id IS NOT NULL
                            ORDER BY last_comment_date DESC NULLS LAST, created_at DESC, id LIMIT 1) AS last
    ), subjects AS MATERIALIZED (
      SELECT r.n, t.id AS task_id, t.project_id, t.task_type_id, t.entity_id, e.name, e.parent_id,
             et.id AS type_id, et.name AS type_name,
             CASE WHEN et.name IN ({_SPECIAL}) THEN et.name ELSE '{ASSET}' END AS kind, {_REACHED} AS reached
        FROM (SELECT task_id, min(n) AS n FROM requested GROUP BY task_id) AS r
        JOIN person me ON me.id = :caller_id
        JOIN task t ON t.id = r.task_id
        JOIN entity e ON e.id = t.entity_id
        JOIN entity_type et ON et.id = e.entity_type_id
       WHERE NOT {_GOING}
    ), {_previews("SELECT entity_id FROM subjects WHERE reached", _OF_ENTITY, _SIBLING_OF_ENTITY, "p.created_at")},
    newest AS (
      SELECT DISTINCT ON (entity_id, task_type_id) * FROM files WHERE rank = 1
       ORDER BY entity_id, task_type_id, revision DESC
    ), chosen AS (
      SELECT DISTINCT ON (s.n) s.n, f.id
        FROM subjects s
        JOIN newest f ON f.entity_id = s.entity_id
        JOIN task_type k ON k.id = f.task_type_id
        LEFT JOIN project_task_type_link l ON l.project_id = s.project_id AND l.task_type_id = f.task_type_id
       WHERE f.task_type_id = s.task_type_id OR (l.task_type_id IS NOT NULL AND k.for_entity = s.kind)
       ORDER BY s.n, f.task_type_id = s.task_type_id DESC, l.priority DESC NULLS LAST, k.name, k.id
    )
    SELECT s.task_id, s.reached, CASE WHEN s.reached THEN (left(json_build_object(
             'id', s.entity_id, 'name', s.name, 'preview_file_task_id', s.task_id,
             'parent_name', {_EPISODE_NAME} || {_SEQUENCE_NAME} || {_TYPE_NAME},
             'episode_id', CASE WHEN {_IN_EPISODE} THEN above.id::text ELSE '' END, 'episode_name', {_EPISODE_NAME},
             'sequence_id', CASE WHEN {_IN_SEQUENCE} THEN above.id::text ELSE '' END, 'sequence_name', {_SEQUENCE_NAME},
             'asset_type_id', CASE WHEN {_OF_TYPE} THEN s.type_id::text ELSE '' END, 'asset_type_name', {_TYPE_NAME},
             'preview_files', coalesce(b.preview_files, '{{}}'::json))::text, -1)
           || CASE WHEN p.id IS NULL THEN '}}' ELSE ', ' || substr(json_build_object(
             'preview_file_id', p.id, 'preview_file_extension', p.extension, 'preview_file_width', p.width,
             'preview_file_height', p.height, 'preview_file_duration', {_DURATION},
             'preview_file_revision', p.revision, 'preview_file_status', p.status,
             'preview_file_annotations', coalesce(p.annotations, '[]'),
             'preview_file_previews', coalesce(i.previews, '[]'::json))::text, 2) END) END AS entry
      FROM subjects s
      LEFT JOIN entity above ON above.id = s.parent_id
      LEFT JOIN chosen c ON c.n = s.n
      LEFT JOIN preview_file p ON p.id = c.id
      LEFT JOIN siblings i ON i.main_id = p.id
      LEFT JOIN by_entity b ON b.entity_id = s.entity_id
     ORDER BY CASE WHEN :is_sorted THEN {_EPISODE_NAME} END COLLATE "C",
              CASE WHEN :is_sorted THEN {_SEQUENCE_NAME} END COLLATE "C",
              CASE WHEN :is_sorted THEN {_TYPE_NAME} END COLLATE "C",
              CASE WHEN :is_sorted THEN s.name END COLLATE "C", s.n
    """  # noqa: S608 - constants
)
