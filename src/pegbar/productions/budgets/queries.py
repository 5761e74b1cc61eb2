"""Reads about budgets."""

from sqlalchemy import bindparam, func, select

from pegbar.core.schema import Uuid
from pegbar.core.wire import json_object, wire_of
from pegbar.productions.queries import PROJECT_ID
from pegbar.productions.tables import budget, budget_entry
from pegbar.studio.tables import task_type
from pegbar.tasks.tables import task, time_spent

_BUDGET_ID = bindparam("budget_id", type_=Uuid)
_ENTRY_ID = bindparam("entry_id", type_=Uuid)

BUDGET = wire_of(budget, "Budget")
ENTRY = wire_of(budget_entry, "BudgetEntry")
_SHORT_BUDGET = BUDGET.only("id", "project_id", "revision", "name", "currency")
_SHORT_ENTRY = ENTRY.but("created_at", "updated_at", "type")

of_project = (
    select(json_object(_SHORT_BUDGET)).where(budget.c.project_id == PROJECT_ID).order_by(budget.c.revision.desc())
)
one_budget = select(json_object(BUDGET)).where(budget.c.id == _BUDGET_ID, budget.c.project_id == PROJECT_ID)

_of_budget = (budget_entry.c.budget_id == _BUDGET_ID) & (budget.c.project_id == PROJECT_ID)
_entries = select(json_object(_SHORT_ENTRY)).join_from(budget_entry, budget).where(_of_budget)
entries_of_budget = _entries.order_by(budget_entry.c.created_at, budget_entry.c.id)
one_entry = select(json_object(ENTRY)).join_from(budget_entry, budget).where(_of_budget, budget_entry.c.id == _ENTRY_ID)

next_revision = select(func.coalesce(func.max(budget.c.revision), 0) + 1).where(budget.c.project_id == PROJECT_ID)

locked_budget = (
    select(budget.c.id).where(budget.c.id == _BUDGET_ID, budget.c.project_id == PROJECT_ID).with_for_update()
)
locked_entry = (
    select(budget_entry.c.id)
    .where(budget_entry.c.id == _ENTRY_ID, budget_entry.c.budget_id == _BUDGET_ID)
    .with_for_update()
)

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
