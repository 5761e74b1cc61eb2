"""Reads about what a cut is imported into or made of. Source: spec exchange, "EDL / OTIO import"."""

from functools import lru_cache

from sqlalchemy import ARRAY, ColumnElement, Executable, any_, func, literal_column, select

from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Text
from pegbar.core.data.wire import Wire, json_object
from pegbar.entities.kinds import CONCEPT, FOLDER, SEQUENCE, SHOT, is_kind
from pegbar.entities.shapes import UNTYPED, row_of_kind, sequence
from pegbar.entities.tables import entity
from pegbar.productions.tables import project
from pegbar.review.tables import playlist

_PROJECT_ID, _EPISODE_ID = param("project_id"), param("episode_id")

_PRODUCTION = (project.c.name, project.c.fps, project.c.production_type, project.c.resolution)
#: What a cut must know of its production.
production = select(*_PRODUCTION).where(project.c.id == _PROJECT_ID)


@lru_cache
def name_of(kind: str) -> Executable:
    """The name of an entity of this kind of the production."""
    return select(entity.c.name).where(
        entity.c.id == param("entity_id"), entity.c.project_id == _PROJECT_ID, is_kind(kind)
    )


def _frame(key: str) -> ColumnElement[str]:
    """A number of the metadata as text; it may be anything there."""
    return entity.c.data.op("->>")(literal_column(f"'{key}'", Text))


@lru_cache
def shots(*, of_episode: bool) -> Executable:
    """The shots that a cut may name, with their frames, in a stable order."""
    statement = (
        select(
            entity.c.id,
            entity.c.name,
            sequence.c.name.label("sequence"),
            entity.c.parent_id.label("sequence_id"),
            _frame("frame_in").label("frame_in"),
            _frame("frame_out").label("frame_out"),
            entity.c.nb_frames,
            func.coalesce(entity.c.canceled, False).label("canceled"),
        )
        .join(sequence, sequence.c.id == entity.c.parent_id)
        .where(entity.c.project_id == _PROJECT_ID, is_kind(SHOT))
        .order_by(sequence.c.name, entity.c.name, entity.c.created_at, entity.c.id)
    )
    return statement.where(sequence.c.parent_id == _EPISODE_ID) if of_episode else statement


@lru_cache
def sequences(*, of_episode: bool) -> Executable:
    """The sequences that a cut may name, the oldest of a name first."""
    statement = select(entity.c.id, entity.c.name).where(entity.c.project_id == _PROJECT_ID, is_kind(SEQUENCE))
    statement = statement.order_by(entity.c.created_at, entity.c.id)
    return statement.where(entity.c.parent_id == _EPISODE_ID) if of_episode else statement


#: Holds sequences: whoever makes a shot in one of them waits, and those who did before are waited for.
hold_sequences = (
    select(entity.c.id)
    .where(
        entity.c.project_id == _PROJECT_ID,
        is_kind(SEQUENCE),
        func.lower(entity.c.name) == any_(param("names", ARRAY(Text))),
    )
    .order_by(entity.c.id)
    .with_for_update()
)

#: One cut of a production at a time.
hold_cut = sql("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))", key=Text)

#: New frames of shots; other metadata stay.
reframe = sql(
    """
    UPDATE entity
       SET data = CASE WHEN jsonb_typeof(entity.data) = 'object' THEN entity.data ELSE '{}'::jsonb END
                  || jsonb_build_object('frame_in', cut.frame_in, 'frame_out', cut.frame_out),
           nb_frames = coalesce(cut.nb_frames, entity.nb_frames),
           updated_at = :now
      FROM unnest(:ids ::uuid[], :frames_in ::int[], :frames_out ::int[], :nb_frames ::int[])
        AS cut (id, frame_in, frame_out, nb_frames)
     WHERE entity.id = cut.id
    """
)

_IDS = func.unnest(param("ids")).table_valued("id", with_ordinality="n").render_derived("wanted")


@lru_cache
def _in_order(wire: Wire) -> Executable:
    rows = _IDS.join(entity, entity.c.id == _IDS.c.id)
    return select(json_object(wire)).select_from(rows).order_by(_IDS.c.n)


#: What an import answers: new shots, and those that it changed, whose kind is not told.
CREATED, UPDATED = row_of_kind(SHOT), UNTYPED
created_shots, updated_shots = _in_order(CREATED), _in_order(UPDATED)

# What leaves

#: A playlist with its production.
playlist_with_production = (
    select(playlist.c.name.label("playlist_name"), playlist.c.project_id, playlist.c.for_client, *_PRODUCTION)
    .join(project, project.c.id == playlist.c.project_id)
    .where(playlist.c.id == param("playlist_id"))
)

_SHOWN = """
    e.id AS entity_id, e.name, et.name AS kind, u.name AS parent, g.name AS grandparent, e.nb_frames,
    e.data->>'frame_in' AS frame_in, e.data->>'frame_out' AS frame_out,
    p.id AS preview_id, p.revision, p.extension, p.duration, p.width, p.height,
    p.task_id, k.name AS task_type, s.name AS status, s.short_name AS status_short_name,
    s.is_done, s.is_retake, s.is_feedback_request
"""
#: What is known of the preview `p` of an entity `e`.
_AROUND = """
    LEFT JOIN task t ON t.id = p.task_id
    LEFT JOIN task_type k ON k.id = t.task_type_id
    LEFT JOIN task_status s ON s.id = t.task_status_id
"""
_ABOVE = """
    JOIN entity_type et ON et.id = e.entity_type_id
    LEFT JOIN entity u ON u.id = e.parent_id
    LEFT JOIN entity g ON g.id = u.parent_id
"""

#: The shots of a production, of an episode or a sequence of it, by name, each in one preview: the latest of a task
#: type, else its main one, else the last one made.
shots_in_previews = sql(
    f"""
    SELECT {_SHOWN}
      FROM entity e {_ABOVE}
      LEFT JOIN LATERAL (
        SELECT preview_file.* FROM preview_file JOIN task ON task.id = preview_file.task_id
         WHERE task.entity_id = e.id AND preview_file.status IN ('ready', 'processing')
           AND (:task_type_id IS NULL OR task.task_type_id = :task_type_id)
         ORDER BY :task_type_id IS NULL AND preview_file.id = e.preview_file_id DESC,
                  coalesce(preview_file.position, 1) = 1 DESC,
                  CASE WHEN :task_type_id IS NULL THEN 0 ELSE preview_file.revision END DESC NULLS LAST,
                  preview_file.created_at DESC, preview_file.id
         LIMIT 1) p ON true
      {_AROUND}
     WHERE e.project_id = :project_id AND et.name = '{SHOT}' AND e.canceled IS NOT TRUE AND e.parent_id IS NOT NULL
       AND (:sequence_id IS NULL OR e.parent_id = :sequence_id)
       AND (:episode_id IS NULL OR u.parent_id = :episode_id)
     ORDER BY g.name NULLS FIRST, u.name, e.name, e.id
    """  # noqa: S608 - constants
)

_UUID = "'^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'"
_ENTITY_TEXT = "coalesce(x.entry->>'id', x.entry->>'shot_id', x.entry->>'entity_id')"
_PREVIEW_TEXT = "x.entry->>'preview_file_id'"

#: The entries of a playlist in its order, each in its preview: of its production, or shared with it; clients see no
#: concepts.
entries_in_previews = sql(
    f"""
    SELECT {_SHOWN}
      FROM (
        SELECT x.n, CASE WHEN {_ENTITY_TEXT} ~ {_UUID} THEN ({_ENTITY_TEXT})::uuid END AS entity_id,
               CASE WHEN {_PREVIEW_TEXT} ~ {_UUID} THEN ({_PREVIEW_TEXT})::uuid END AS preview_id
          FROM playlist
         CROSS JOIN LATERAL jsonb_array_elements(
               CASE WHEN jsonb_typeof(playlist.shots) = 'array' THEN playlist.shots ELSE '[]'::jsonb END)
               WITH ORDINALITY AS x (entry, n)
         WHERE playlist.id = :playlist_id AND jsonb_typeof(x.entry) = 'object') entries
      JOIN entity e ON e.id = entries.entity_id AND (e.project_id = :project_id OR e.is_shared)
      {_ABOVE}
      LEFT JOIN LATERAL (
        SELECT preview_file.* FROM preview_file JOIN task ON task.id = preview_file.task_id
         WHERE preview_file.id = entries.preview_id AND task.entity_id = e.id AND task.project_id = :project_id
        ) p ON true
      {_AROUND}
     WHERE NOT (:is_client AND et.name IN ('{CONCEPT}', '{FOLDER}'))
     ORDER BY entries.n
    """  # noqa: S608 - constants
)
