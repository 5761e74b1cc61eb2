"""Reads about what a cut is imported into. Source: spec exchange, "EDL / OTIO import"."""

from functools import lru_cache

from sqlalchemy import ARRAY, ColumnElement, Executable, any_, func, literal_column, select

from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import Text
from pegbar.core.data.wire import Wire, json_object
from pegbar.entities.kinds import EPISODE, SEQUENCE, SHOT, is_kind
from pegbar.entities.shapes import UNTYPED, row_of_kind, sequence
from pegbar.entities.tables import entity
from pegbar.productions.tables import project

_PROJECT_ID, _EPISODE_ID = param("project_id"), param("episode_id")

#: What an import must know of its production.
production = select(project.c.name, project.c.fps, project.c.production_type).where(project.c.id == _PROJECT_ID)
#: The name of an episode of the production.
episode_name = select(entity.c.name).where(
    entity.c.id == _EPISODE_ID, entity.c.project_id == _PROJECT_ID, is_kind(EPISODE)
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
