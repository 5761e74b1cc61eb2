"""Statements about schedule versions and what they plan for tasks. Source: spec projects, "schedule versions"."""

from functools import lru_cache

from sqlalchemy import Executable, select

from pegbar.core.data.parameters import param, sql
from pegbar.core.data.wire import json_object
from pegbar.planning.resources import schedule_version_links
from pegbar.planning.tables import production_schedule_version
from pegbar.planning.tables import production_schedule_version as version
from pegbar.planning.tables import production_schedule_version_task_link as link
from pegbar.tasks.tables import task

_VERSION_ID = param("version_id")
_SOURCE_ID = param("source_id")
_NOW = param("now")

#: Versions, locked in the order of their ids.
locked_versions = (
    select(version.c.id, version.c.project_id, version.c.locked)
    .where(version.c.id == param("ids").any_())
    .order_by(version.c.id)
    .with_for_update()
)


@lru_cache
def links(relations: bool, of_task_type: bool) -> Executable:
    """What a version plans for its tasks; with the assignees if `relations`, for one task type if `of_task_type`."""
    assert schedule_version_links.wire is not None
    (assignees,) = schedule_version_links.relations
    wire = schedule_version_links.wire.but(**({assignees.key: assignees.ids(link)} if relations else {}))
    rows = select(json_object(wire)).select_from(link).where(link.c.production_schedule_version_id == _VERSION_ID)
    if of_task_type:
        of_type = select(task.c.id).where(task.c.task_type_id == param("task_type_id"))
        rows = rows.where(link.c.task_id.in_(of_type))
    return rows.order_by(link.c.created_at, link.c.id)


_COPY = """
    INSERT INTO production_schedule_version_task_link
           (id, created_at, updated_at, production_schedule_version_id, task_id, start_date, due_date, estimation)
    SELECT pegbar.new_id(), :now, :now, :version_id, {rows}
    ON CONFLICT (production_schedule_version_id, task_id) DO UPDATE
       SET start_date = EXCLUDED.start_date, due_date = EXCLUDED.due_date, estimation = EXCLUDED.estimation,
           updated_at = EXCLUDED.updated_at
"""

#: Take the dates and estimations of the production's tasks.
take_tasks = sql(
    _COPY.format(
        rows="""t.id, t.start_date, t.due_date, t.estimation FROM task t
                  JOIN production_schedule_version v ON v.project_id = t.project_id WHERE v.id = :version_id"""
    )
)

#: Take those of another version.
take_version = sql(
    _COPY.format(
        rows="""s.task_id, s.start_date, s.due_date, s.estimation FROM production_schedule_version_task_link s
                 WHERE s.production_schedule_version_id = :source_id"""
    )
)

#: Nobody is assigned in a version any more.
forget_assignees = sql(
    """
    DELETE FROM production_schedule_version_task_link_person_link a USING production_schedule_version_task_link l
     WHERE l.id = a.production_schedule_version_task_link_id AND l.production_schedule_version_id = :version_id
    """
)

#: The same, for the tasks that another version plans.
forget_assignees_of_version = sql(
    """
    DELETE FROM production_schedule_version_task_link_person_link a USING production_schedule_version_task_link l
     WHERE l.id = a.production_schedule_version_task_link_id AND l.production_schedule_version_id = :version_id
       AND l.task_id IN (SELECT s.task_id FROM production_schedule_version_task_link s
                          WHERE s.production_schedule_version_id = :source_id)
    """
)

_ASSIGN = """
    INSERT INTO production_schedule_version_task_link_person_link
           (production_schedule_version_task_link_id, person_id)
    SELECT l.id, a.person_id FROM production_schedule_version_task_link l {assigned}
     WHERE l.production_schedule_version_id = :version_id
"""

#: Assign those who have the tasks.
assign_as_tasks = sql(_ASSIGN.format(assigned="JOIN task_person_link a ON a.task_id = l.task_id"))

#: Assign those whom another version assigns.
assign_as_version = sql(
    _ASSIGN.format(
        assigned="""
            JOIN production_schedule_version_task_link s
              ON s.task_id = l.task_id AND s.production_schedule_version_id = :source_id
            JOIN production_schedule_version_task_link_person_link a
              ON a.production_schedule_version_task_link_id = s.id
        """
    )
)

#: Give the tasks the dates and estimations of a version; their ids.
apply_to_tasks = sql(
    """
    UPDATE task SET start_date = l.start_date, due_date = l.due_date, estimation = l.estimation, updated_at = :now
      FROM production_schedule_version_task_link l
     WHERE l.production_schedule_version_id = :version_id AND task.id = l.task_id
    RETURNING task.id
    """
)

#: The production of a version.
project_of_version = select(production_schedule_version.c.project_id.label("place_id")).where(
    production_schedule_version.c.id == param("key")
)
