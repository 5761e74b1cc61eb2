"""Quotas of a production: frames, drawings and shots by person and day. Source: spec shots, "quotas"; "Worth fixing".

Raw: a task counts for each of its assignees on the day it was sent for review, or done. Weighted: a task counts for
whoever wrote hours on it, by their share of its hours; one on which nobody wrote hours is spread over its weekdays for
each of its assignees. Frames and drawings are whole numbers: what is rounded off on one day is given on a later one,
so that the days of a task add up to it.
"""

from functools import lru_cache
from typing import Literal

from sqlalchemy import TextClause, bindparam, text

from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text, Uuid
from pegbar.timesheets.quotas import Mode

#: What the rows of the answer are about.
Rows = Literal["person_id", "task_type_id"]

#: The days a task is spread over at most: dates of tasks are anything from the year 1 to 9999.
_LONGEST = 3653

_TASKS = """
    SELECT task.id, task.task_type_id, task.duration, coalesce(task.nb_drawings, 0) AS drawings,
           coalesce(entity.nb_frames, 0) AS frames, task.real_start_date AS started, task.{end} AS ended
      FROM task
      JOIN entity ON entity.id = task.entity_id
      JOIN entity_type ON entity_type.id = entity.entity_type_id AND entity_type.name = 'Shot'
     WHERE task.project_id = :project_id AND task.{end} IS NOT NULL
       AND (CAST(:task_type_id AS uuid) IS NULL OR task.task_type_id = :task_type_id)
       AND (CAST(:studio_id AS uuid) IS NULL
            OR EXISTS (SELECT 1 FROM task_person_link link JOIN person ON person.id = link.person_id
                        WHERE link.task_id = task.id AND person.studio_id = :studio_id))
"""
_WANTED = "(CAST(:person_id AS uuid) IS NULL OR person_id = :person_id)"
_DAY = "({moment} AT TIME ZONE 'UTC' AT TIME ZONE :timezone)::date"
_WEEKDAY = "extract(isodow FROM {moment}) < 6"

_RAW = f"""
    SELECT person_id, task_type_id, {_DAY.format(moment="ended")} AS day, frames, drawings, 1 AS amount
      FROM shot_task JOIN task_person_link ON task_id = shot_task.id WHERE {_WANTED}
"""  # noqa: S608 - constants


def _part(whole: str, upto: str, before: str) -> str:
    """SQL: what falls to a share of a whole, given the shares up to it and before it."""
    return f"(round({whole} * {upto}) - round({whole} * {before}))::bigint"


_WEIGHTED = f"""
    SELECT person_id, task_type_id, date AS day, {_part("frames", "upto", "before")} AS frames,
           {_part("drawings", "upto", "before")} AS drawings, amount
      FROM (SELECT hours.person_id, shot_task.*, hours.date, hours.duration / shot_task.duration AS amount,
                   sum(hours.duration) OVER spent / shot_task.duration AS upto,
                   (sum(hours.duration) OVER spent - hours.duration) / shot_task.duration AS before
              FROM shot_task JOIN time_spent hours ON hours.task_id = shot_task.id
             WHERE shot_task.duration > 0
            WINDOW spent AS (PARTITION BY shot_task.id ORDER BY hours.date, hours.id)) AS logged
     WHERE person_id IS NOT NULL AND {_WANTED}
    UNION ALL
    SELECT person_id, task_type_id, day, {_part("frames", "n / days", "(n - 1) / days")},
           {_part("drawings", "n / days", "(n - 1) / days")}, 1 / days
      FROM (SELECT unlogged.id, task_type_id, frames, drawings, {_DAY.format(moment="moment")} AS day,
                   row_number() OVER (PARTITION BY unlogged.id ORDER BY moment)::float8 AS n,
                   (count(*) OVER (PARTITION BY unlogged.id)
                    + CASE WHEN {_WEEKDAY.format(moment="started")} THEN 0 ELSE 1 END)::float8 AS days
              FROM (SELECT * FROM shot_task WHERE started <= ended
                       AND NOT EXISTS (SELECT 1 FROM time_spent hours WHERE hours.task_id = shot_task.id)) AS unlogged
             CROSS JOIN generate_series(started, least(ended, started + interval '{_LONGEST} days'),
                                        interval '1 day') AS moment
             WHERE {_WEEKDAY.format(moment="moment")}) AS spread
      JOIN task_person_link ON task_id = spread.id
     WHERE {_WANTED}
"""  # noqa: S608 - constants

#: The units of time: what a day's label is in each, and the label of what its entries are counted in.
_UNITS = """
    VALUES ('day', to_char(day, 'YYYY-MM-DD'), to_char(day, 'YYYY-MM')),
           ('week', to_char(day, 'IYYY-') || extract(week FROM day), to_char(day, 'IYYY')),
           ('month', to_char(day, 'YYYY-MM'), to_char(day, 'YYYY')),
           ('year', to_char(day, 'YYYY'), NULL)
"""
_DECIMAL = "CASE WHEN {0} = trunc({0}) THEN to_jsonb(round({0}::numeric, 1)) ELSE to_jsonb({0}) END"


@lru_cache
def quotas(mode: Mode, rows: Rows) -> TextClause:
    """One row: whether the person asked for is known (`known`), and the quotas as JSON text (`answer`)."""
    raw = mode in ("feedback", "done")
    tasks = _TASKS.format(end="done_date" if mode.endswith("done") else "end_date")
    amount = "sum(amount)" if raw else "round(sum(amount)::numeric, 2)"
    return text(
        f"""
        WITH shot_task AS ({tasks}),
        part AS ({_RAW if raw else _WEIGHTED}),
        daily AS (
          SELECT CASE grouping({rows}) WHEN 1 THEN 'total' ELSE {rows}::text END AS key, day,
                 sum(frames) AS frames, sum(drawings) AS drawings, sum(amount) AS amount
            FROM part GROUP BY GROUPING SETS (({rows}, day), (day))
        ),
        summed AS (
          SELECT key, unit, label, above, sum(frames) AS frames, sum(drawings) AS drawings, {amount} AS amount,
                 sum(frames)::float8 / rate.fps AS seconds
            FROM daily
           CROSS JOIN LATERAL ({_UNITS}) AS units (unit, label, above)
           CROSS JOIN (SELECT CASE WHEN fps ~ '^ *[0-9]{{1,6}}([.][0-9]+)? *$' AND fps ~ '[1-9]' THEN fps::float8
                                   ELSE 25 END AS fps
                         FROM project WHERE id = :project_id) AS rate
           GROUP BY key, unit, label, above, rate.fps
        ),
        entered AS (
          SELECT key, unit, jsonb_object_agg(above, entries) AS entries
            FROM (SELECT key, unit, above, count(*) AS entries FROM summed WHERE above IS NOT NULL
                   GROUP BY key, unit, above) AS counted
           GROUP BY key, unit
        ),
        labelled AS (
          SELECT key, jsonb_object_agg(unit, sums || jsonb_strip_nulls(jsonb_build_object('entries', entries))) AS row
            FROM (SELECT key, unit, jsonb_build_object(
                           'frames', jsonb_object_agg(label, frames), 'drawings', jsonb_object_agg(label, drawings),
                           'count', jsonb_object_agg(label, amount),
                           'seconds', jsonb_object_agg(label, {_DECIMAL.format("seconds")})) AS sums
                    FROM summed GROUP BY key, unit) AS units
            LEFT JOIN entered USING (key, unit)
           GROUP BY key
        )
        SELECT (CAST(:person_id AS uuid) IS NULL OR EXISTS (SELECT 1 FROM person WHERE id = :person_id)) AS known,
               coalesce((SELECT jsonb_object_agg(key, row) FROM labelled), '{{}}')::text AS answer
        """  # noqa: S608 - constants
    ).bindparams(
        *[bindparam(name, type_=Uuid) for name in ("project_id", "task_type_id", "studio_id", "person_id")],
        param("timezone", Text),
    )
