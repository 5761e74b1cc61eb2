"""Budgets through their generic routes. Spec crud, "budgets", "budget-entries"."""

from typing import Any

import pytest

from tests.client import Client
from tests.factories import hire, named, production


def entry(admin: Client, **more: Any) -> dict[str, Any]:
    quote = admin.ok_post("/data/budgets", {"project_id": production(admin)["id"], "name": "Quote"})
    department = named(admin, "departments", "Modeling")["id"]
    row = {"budget_id": quote["id"], "department_id": department, "start_date": "2031-01-01", "months_duration": 3}
    return {**row, "daily_salary": 210.5, **more}


def test_revisions_and_budgets_of_rows_never_change(admin: Client) -> None:
    row = admin.ok_post("/data/budget-entries", entry(admin, person_id=hire(admin).id))
    assert (row["position"], row["seniority"], row["exceptions"]) == ("artist", "mid", None)
    at = f"/data/budget-entries/{row['id']}"
    other = entry(admin)["budget_id"]
    assert admin.ok_put(at, {"budget_id": other, "daily_salary": 1})["budget_id"] == row["budget_id"]
    quote = f"/data/budgets/{row['budget_id']}"
    assert admin.ok_put(quote, {"revision": 9, "currency": "EUR"})["revision"] == 1
    assert admin.delete(quote).status_code == 400
    admin.ok_delete(at)
    admin.ok_delete(quote)


@pytest.mark.parametrize(
    "wrong",
    [
        {"position": "boss"},
        {"seniority": "old"},
        {"department_id": None},
        {"months_duration": "long"},
        {"start_date": "soon"},
        {"daily_salary": "NaN"},
    ],
)
def test_entries_refuse_unknown_ranks(admin: Client, wrong: dict[str, Any]) -> None:
    """Spec crud, Worth fixing: poison values; spec projects, Worth fixing 1."""
    answer = admin.post("/data/budget-entries", entry(admin, **wrong))
    assert answer.status_code == 400
    assert next(iter(wrong)) in answer.json()["message"]


def test_money_is_for_administrators(admin: Client) -> None:
    boss = hire(admin, "manager")
    row = entry(admin)
    for answer in (
        boss.get("/data/budgets"),
        boss.get("/data/budget-entries"),
        boss.get(f"/data/budgets/{row['budget_id']}"),
        boss.post("/data/budget-entries", row),
        boss.delete(f"/data/budgets/{row['budget_id']}"),
    ):
        assert answer.status_code == 403
