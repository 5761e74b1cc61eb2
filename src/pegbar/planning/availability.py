"""From when to when people have tasks, and when other productions keep them busy. Source: spec tasks, task-dates."""

from functools import lru_cache
from typing import Literal

from sqlalchemy import Executable, text

from pegbar.accounts.standing import Who, as_text, is_going, is_open_state, teams, written
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text

#: Tasks of one production, of all open ones (an administrator's view), or of the caller's open ones.
Scope = Literal["project", "studio", "own"]

_OPEN = as_text(is_open_state(written("p.project_status_id")) & ~is_going(written("p.id")))
_CALLER = Who(written(":caller_id"), written(":caller_role"))
#: Where the caller plans people: neither as a vendor nor as a client.
_IN_TEAM = as_text(written("p.id").in_(teams(_CALLER, without=("vendor", "client"))))
_PROJECTS: dict[Scope, str] = {
    "project": "p.id = :project_id",
    "studio": _OPEN,
    "own": f"{_OPEN} AND {_IN_TEAM}",
}
_ASSIGNED = """
    SELECT l.person_id, t.start_date, t.due_date
      FROM project p JOIN task t ON t.project_id = p.id JOIN task_person_link l ON l.task_id = t.id WHERE
"""

#: What overlaps or touches is one period: a period starts where everything before has ended.
_BUSY = f"""
    elsewhere AS ({_ASSIGNED} {_OPEN} AND NOT {_IN_TEAM} AND t.due_date >= t.start_date),
    marked AS (
      SELECT *, start_date > max(due_date) OVER (PARTITION BY person_id ORDER BY start_date, due_date
                                                 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS starts
        FROM elsewhere
    ),
    numbered AS (
      SELECT *, count(*) FILTER (WHERE starts) OVER (PARTITION BY person_id ORDER BY start_date, due_date) AS n
        FROM marked
    ),
    period AS (
      SELECT person_id, min(start_date) AS since, max(due_date) AS until FROM numbered GROUP BY person_id, n
    ),
    busy AS (
      SELECT person_id, jsonb_agg(jsonb_build_object('start_date', to_char(since, 'YYYY-MM-DD HH24:MI:SS'),
                                                     'end_date', to_char(until, 'YYYY-MM-DD HH24:MI:SS'))
                                  ORDER BY since) AS periods
        FROM period GROUP BY person_id
    )
"""  # noqa: S608 - constants of ours
_NOT_BUSY = "busy AS (SELECT NULL::uuid AS person_id, NULL::jsonb AS periods WHERE false)"


@lru_cache
def of_people(scope: Scope) -> Executable:
    """JSON rows of the active persons with tasks: `person_id`, `min_date`, `max_date`, `busy_periods`.

    Only for the caller's own productions are periods told in which others keep people busy, not by which.
    """
    statement = text(
        f"""
        WITH planned AS (
          SELECT person_id, min(start_date) AS since, max(due_date) AS until
            FROM ({_ASSIGNED} {_PROJECTS[scope]}) AS assigned GROUP BY person_id
        ),
        {_BUSY if scope == "own" else _NOT_BUSY}
        SELECT jsonb_build_object('person_id', p.id, 'min_date', to_char(planned.since, 'YYYY-MM-DD"T"HH24:MI:SS'),
                                  'max_date', to_char(planned.until, 'YYYY-MM-DD"T"HH24:MI:SS'),
                                  'busy_periods', coalesce(busy.periods, '[]'::jsonb))::text
          FROM planned FULL JOIN busy ON busy.person_id = planned.person_id
          JOIN person p ON p.id = coalesce(planned.person_id, busy.person_id) AND p.active IS NOT FALSE
         ORDER BY p.first_name, p.last_name, p.id
        """  # noqa: S608 - constants of ours
    )
    if scope == "project":
        return statement.bindparams(param("project_id"))
    if scope == "studio":
        return statement
    return statement.bindparams(param("caller_id"), param("caller_role", Text))
