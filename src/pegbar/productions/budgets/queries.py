"""Reads about budgets."""

from functools import lru_cache

from sqlalchemy import Executable, Text, func, literal_column, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from pegbar.core.data.parameters import param
from pegbar.core.data.wire import JsonText, json_map, json_object, wire_of
from pegbar.productions.queries import PROJECT_ID
from pegbar.productions.tables import budget, budget_entry, budget_revision
from pegbar.studio.tables import task_type
from pegbar.tasks.tables import task
from pegbar.timesheets.tables import time_spent

_BUDGET_ID = param("budget_id")
_ENTRY_ID = param("entry_id")

BUDGET = wire_of(budget, "Budget")
ENTRY = wire_of(budget_entry, "BudgetEntry")
SHORT_BUDGET = BUDGET.only("id", "project_id", "revision", "name", "currency")
SHORT_ENTRY = ENTRY.but("created_at", "updated_at", "type")

of_project = (
    select(json_object(SHORT_BUDGET)).where(budget.c.project_id == PROJECT_ID).order_by(budget.c.revision.desc())
)
one_budget = select(json_object(BUDGET)).where(budget.c.id == _BUDGET_ID, budget.c.project_id == PROJECT_ID)

_of_budget = (budget_entry.c.budget_id == _BUDGET_ID) & (budget.c.project_id == PROJECT_ID)
_entries = select(json_object(SHORT_ENTRY)).join_from(budget_entry, budget).where(_of_budget)
entries_of_budget = _entries.order_by(budget_entry.c.created_at, budget_entry.c.id)
one_entry = select(json_object(ENTRY)).join_from(budget_entry, budget).where(_of_budget, budget_entry.c.id == _ENTRY_ID)

_gone = select(budget_revision.c.last).where(budget_revision.c.project_id == PROJECT_ID)
#: One more than any budget of a production has or had.
next_revision = select(func.greatest(func.max(budget.c.revision), _gone.scalar_subquery(), 0) + 1).where(
    budget.c.project_id == PROJECT_ID
)

locked_budget = (
    select(budget.c.id).where(budget.c.id == _BUDGET_ID, budget.c.project_id == PROJECT_ID).with_for_update()
)
locked_entry = (
    select(budget_entry.c.id)
    .where(budget_entry.c.id == _ENTRY_ID, budget_entry.c.budget_id == _BUDGET_ID)
    .with_for_update()
)

_TIME_SPENT = wire_of(time_spent, "TimeSpent")


@lru_cache
def hours_of_task_type(since: bool, until: bool) -> Executable:
    """The hours on the tasks of a type as one JSON object: those of each person, the latest day first."""
    rows = (
        select(time_spent.c.person_id, time_spent.c.date, json_object(_TIME_SPENT).label("row"))
        .join_from(time_spent, task, task.c.id == time_spent.c.task_id)
        .where(task.c.project_id == PROJECT_ID, task.c.task_type_id == param("task_type_id"))
        .where(time_spent.c.person_id.is_not(None))
    )
    if since:
        rows = rows.where(time_spent.c.date >= param("start_date"))
    if until:
        rows = rows.where(time_spent.c.date <= param("end_date"))
    hours = rows.subquery()
    comma = literal_column("','", Text)
    listed = func.string_agg(hours.c.row, aggregate_order_by(comma, hours.c.date.desc()))
    array = literal_column("'['", Text).concat(listed).concat(literal_column("']'", Text)).cast(JsonText())
    return select(json_map(select(hours.c.person_id, array).group_by(hours.c.person_id)))


_month = func.to_char(time_spent.c.date, "YYYY-MM")
#: Minutes by department, person and month.
hours = (
    select(task_type.c.department_id, time_spent.c.person_id, _month.label("month"), func.sum(time_spent.c.duration))
    .join_from(time_spent, task, task.c.id == time_spent.c.task_id)
    .join(task_type, task_type.c.id == task.c.task_type_id)
    .where(task.c.project_id == PROJECT_ID, task_type.c.department_id.is_not(None))
    .where(time_spent.c.person_id.is_not(None))
    .group_by(task_type.c.department_id, time_spent.c.person_id, "month")
    .order_by("month")
)
