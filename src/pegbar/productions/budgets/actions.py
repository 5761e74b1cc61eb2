"""The rules of budgets: quotes in numbered revisions, and their lines. Source: spec projects, "Budgets"."""

from typing import Any
from uuid import UUID

import asyncpg

from pegbar.core.data.changes import Change
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.values import to_float
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.live.events import event
from pegbar.productions.budgets import queries
from pegbar.productions.queries import locked_project
from pegbar.productions.tables import budget, budget_entry

CREATED = event("budget:create", "budget_id")
UPDATED = event("budget:update", "budget_id")
DELETED = event("budget:delete", "budget_id")
ENTRY_CREATED = event("budget-entry:create", "budget_id", "budget_entry_id")
ENTRY_UPDATED = event("budget-entry:update", "budget_id", "budget_entry_id")
ENTRY_DELETED = event("budget-entry:delete", "budget_id", "budget_entry_id")

_REMEMBER = sql(
    """
    INSERT INTO pegbar.budget_revision (project_id, last)
    SELECT project_id, revision FROM budget WHERE id = :budget_id AND project_id IS NOT NULL
    ON CONFLICT (project_id) DO UPDATE SET last = greatest(budget_revision.last, excluded.last)
    """
)


async def remember_revision(tx: Transaction, budget_id: UUID) -> None:
    """Keep the number of a budget about to be deleted from being given again."""
    await tx.execute(_REMEMBER, budget_id=budget_id)


async def deleting_budget(change: Change) -> None:
    """The generic route does so too."""
    await remember_revision(change.tx, change.row(budget))


async def add_budget(tx: Transaction, project_id: UUID, name: str, currency: str) -> UUID:
    """Open the next revision of a production's budget."""
    await tx.row(locked_project, project_id=project_id)
    revision = await tx.value(queries.next_revision, project_id=project_id)
    budget_id = await tx.insert(budget, project_id=project_id, name=name, currency=currency, revision=revision)
    assert budget_id is not None
    tx.emit(CREATED, project_id=project_id, budget_id=budget_id)
    return budget_id


async def require_budget(tx: Transaction, project_id: UUID, budget_id: UUID) -> None:
    """Lock a budget; 404 unless it is one of the production."""
    if await tx.row(queries.locked_budget, project_id=project_id, budget_id=budget_id) is None:
        raise NotFound(f"There is no budget {budget_id} in this production.")


async def change_budget(tx: Transaction, project_id: UUID, budget_id: UUID, values: dict[str, Any]) -> None:
    """Rename a budget or change its currency."""
    await require_budget(tx, project_id, budget_id)
    await tx.update(budget, budget_id, **values)
    tx.emit(UPDATED, project_id=project_id, budget_id=budget_id)


async def remove_budget(tx: Transaction, project_id: UUID, budget_id: UUID) -> None:
    """Delete a budget with its lines."""
    await require_budget(tx, project_id, budget_id)
    await remember_revision(tx, budget_id)
    await tx.delete(budget_entry, budget_id=budget_id)
    await tx.delete(budget, id=budget_id)
    tx.emit(DELETED, project_id=project_id, budget_id=budget_id)


async def add_entry(tx: Transaction, project_id: UUID, budget_id: UUID, values: dict[str, Any]) -> UUID:
    """Add a line to a budget."""
    await require_budget(tx, project_id, budget_id)
    entry_id = await tx.insert(budget_entry, budget_id=budget_id, exceptions={}, **values)
    assert entry_id is not None
    tx.emit(ENTRY_CREATED, project_id=project_id, budget_id=budget_id, budget_entry_id=entry_id)
    return entry_id


async def require_entry(tx: Transaction, project_id: UUID, budget_id: UUID, entry_id: UUID) -> None:
    """Lock a line; 404 unless it is one of the budget, and the budget one of the production."""
    await require_budget(tx, project_id, budget_id)
    if await tx.row(queries.locked_entry, budget_id=budget_id, entry_id=entry_id) is None:
        raise NotFound(f"There is no entry {entry_id} in this budget.")


async def change_entry(
    tx: Transaction, project_id: UUID, budget_id: UUID, entry_id: UUID, values: dict[str, Any]
) -> None:
    """Change values of a line."""
    await require_entry(tx, project_id, budget_id, entry_id)
    await tx.update(budget_entry, entry_id, **values)
    tx.emit(ENTRY_UPDATED, project_id=project_id, budget_id=budget_id, budget_entry_id=entry_id)


async def remove_entry(tx: Transaction, project_id: UUID, budget_id: UUID, entry_id: UUID) -> None:
    """Delete a line."""
    await require_entry(tx, project_id, budget_id, entry_id)
    await tx.delete(budget_entry, id=entry_id)
    tx.emit(ENTRY_DELETED, project_id=project_id, budget_id=budget_id, budget_entry_id=entry_id)


def read_exceptions(exceptions: dict[str, Any] | None) -> dict[str, int]:
    """Amounts by month, whole; what is nothing or less is no exception."""
    amounts = {}
    for month, value in (exceptions or {}).items():
        if value is None:
            continue
        if isinstance(value, bool | list | dict):
            raise BadRequest(f"exceptions.{month}: {value!r} is not a number.")
        amount = int(to_float(f"exceptions.{month}", value))
        if amount > 0:
            amounts[month] = amount
    return amounts


def hours_tree(rows: list[asyncpg.Record]) -> dict[str, Any]:
    """Minutes by department, person and month, with totals of the upper two."""
    tree: dict[str, Any] = {}
    for department_id, person_id, month, minutes in rows:
        department = tree.setdefault(str(department_id), {"total": 0.0})
        person = department.setdefault(str(person_id), {"total": 0.0})
        person[month] = float(minutes)
        person["total"] += minutes
        department["total"] += minutes
    return tree
