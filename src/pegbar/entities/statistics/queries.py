"""Reads of statistics by episode. Source: spec shots, `episodes/stats` and `episodes/retake-stats`.

Both count the tasks of what hangs below the sequences of the episodes: each brings its entity's frames and its own
drawings. `own` narrows to the tasks assigned to the caller. Each statement is one row: whether the production shows its
statistics to clients (`for_clients`), and the statistics as JSON text (`answer`).
"""

from sqlalchemy import Boolean, bindparam, text

from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Uuid

#: Takes shown in an evolution at most: the number of retakes is a column that whoever plans a task may write.
_MOST_TAKES = 1000

_SHOWN = """
    SELECT sequence.parent_id AS episode_id, task.task_type_id, task.task_status_id AS status_id,
           coalesce(entity.nb_frames, 0) AS frames, coalesce(task.nb_drawings, 0) AS drawings,
           coalesce(task.retake_count, 0) AS takes, status.is_done, status.is_retake
      FROM task
      JOIN entity ON entity.id = task.entity_id
      JOIN entity sequence ON sequence.id = entity.parent_id
      JOIN task_status status ON status.id = task.task_status_id
     WHERE task.project_id = :project_id AND sequence.parent_id IS NOT NULL
       AND (NOT :own OR EXISTS (SELECT 1 FROM task_person_link link
                                 WHERE link.task_id = task.id AND link.person_id = :caller_id))
"""

#: A task counts in its episode and its type, in either of them, and in all.
_PLACED = """
    SELECT CASE grouping(episode_id) WHEN 1 THEN 'all' ELSE episode_id::text END AS episode,
           CASE grouping(task_type_id) WHEN 1 THEN 'all' ELSE task_type_id::text END AS task_type,
           {columns}, count(*) AS count, sum(frames) AS frames, sum(drawings) AS drawings
      FROM shown GROUP BY CUBE (episode_id, task_type_id), {columns}
"""

#: One object by episode, then task type, of the `cell` of each.
_ANSWER = """
    SELECT project.is_client_stats_visible AS for_clients, coalesce(counted.answer, {nothing}::text) AS answer
      FROM project, (SELECT json_object_agg(episode, types)::text AS answer
                       FROM (SELECT episode, json_object_agg(task_type, cell) AS types FROM cells
                              GROUP BY episode) AS episodes) AS counted
     WHERE project.id = :project_id
"""

_PARAMETERS = (param("own", Boolean), *[bindparam(name, type_=Uuid) for name in ("project_id", "caller_id")])

#: Tasks, frames and drawings by episode, task type and status.
by_status = text(
    f"""
    WITH shown AS ({_SHOWN}),
    placed AS ({_PLACED.format(columns="status_id")}),
    cells AS (
      SELECT episode, task_type,
             json_object_agg(status.id, json_build_object(
               'name', status.short_name, 'color', status.color,
               'count', placed.count, 'frames', placed.frames, 'drawings', placed.drawings)) AS cell
        FROM placed JOIN task_status status ON status.id = placed.status_id
       GROUP BY episode, task_type
    )
    {_ANSWER.format(nothing="json_build_object()")}
    """  # noqa: S608 - constants
).bindparams(*_PARAMETERS)


def _sums(bucket: str) -> str:
    """SQL: the sums of a bucket, as JSON."""
    sums = (f"'{name}', coalesce(sum({name}) FILTER (WHERE bucket = '{bucket}'), 0)" for name in _SUMMED)
    return f"json_build_object({', '.join(sums)})"


_SUMMED, _BUCKETS = ("count", "frames", "drawings"), ("done", "retake", "other")
_SUMS = ", ".join(f"{_sums(bucket)} AS {bucket}" for bucket in _BUCKETS)
_TAKE = ", ".join(f"'{bucket}', {_sums(bucket)}" for bucket in _BUCKETS)
_ZERO = "json_build_object('count', 0, 'frames', 0, 'drawings', 0)"
_NOTHING = (
    "json_build_object('all', json_build_object('all', json_build_object('max_retake_count', 0, "
    f"'evolution', json_build_object(), 'done', {_ZERO}, 'retake', {_ZERO}, 'other', {_ZERO})))"
)

#: What is done, in retake or neither by episode and task type: now, and for an episode at each take (`evolution`): a
#: task is in retake up to its number of retakes, then done or neither.
by_take = text(
    f"""
    WITH shown AS ({_SHOWN}),
    placed AS ({_PLACED.format(columns="takes, is_done, is_retake")}),
    latest AS (
      SELECT episode, task_type, max(takes) AS most, {_SUMS}
        FROM (SELECT *, CASE WHEN is_done THEN 'done' WHEN is_retake THEN 'retake' ELSE 'other' END AS bucket
                FROM placed) AS now
       GROUP BY episode, task_type
    ),
    evolved AS (
      SELECT episode, task_type, json_object_agg(take, taken ORDER BY take) AS evolution
        FROM (SELECT episode, task_type, take, json_build_object({_TAKE}) AS taken
                FROM (SELECT placed.*, take,
                             CASE WHEN take <= takes THEN 'retake' WHEN is_done THEN 'done' ELSE 'other' END AS bucket
                        FROM latest JOIN placed USING (episode, task_type)
                       CROSS JOIN generate_series(1, least(latest.most, {_MOST_TAKES})) AS take
                       WHERE episode <> 'all') AS at_take
               GROUP BY episode, task_type, take) AS takes
       GROUP BY episode, task_type
    ),
    cells AS (
      SELECT episode, task_type,
             json_build_object('max_retake_count', most, 'evolution', coalesce(evolution, json_build_object()),
                               'done', done, 'retake', retake, 'other', other) AS cell
        FROM latest LEFT JOIN evolved USING (episode, task_type)
    )
    {_ANSWER.format(nothing=_NOTHING)}
    """  # noqa: S608 - constants
).bindparams(*_PARAMETERS)
