"""Budgets of a production. Spec projects, "Budgets"."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.client import Client
from tests.factories import hire, named, production

NOBODY = "00000000-0000-4000-8000-000000000000"


def quote(boss: Client, project_id: str) -> str:
    return str(boss.ok_post(f"/data/projects/{project_id}/budgets", {"name": "Quote"})["id"])


def line(admin: Client, **more: Any) -> dict[str, Any]:
    department = named(admin, "departments", "Modeling")["id"]
    return {"department_id": department, "start_date": "2031-01-01", "months_duration": 6, "daily_salary": 200, **more}


def test_only_managers_see_the_money(admin: Client) -> None:
    team = {role: hire(admin, role) for role in ("manager", "supervisor", "user", "vendor", "client")}
    show = production(admin, *team.values())
    at = f"/data/projects/{show['id']}/budgets"
    budget_id = quote(team["manager"], show["id"])
    outsider = hire(admin, "manager")
    for caller in (outsider, *(team[role] for role in ("supervisor", "user", "vendor", "client"))):
        for path in (at, f"{at}/{budget_id}", f"{at}/{budget_id}/entries", f"{at}/time-spents"):
            assert caller.get(path).status_code == 403
        assert caller.post(at, {"name": "Mine"}).status_code == 403
        assert caller.post(f"{at}/{budget_id}/entries", line(admin)).status_code == 403
        assert caller.delete(f"{at}/{budget_id}").status_code == 403
    assert team["manager"].get(f"{at}/time-spents").status_code == 403
    assert admin.get("/data/projects/x/budgets").status_code == 400
    assert admin.get(f"/data/projects/{NOBODY}/budgets").status_code == 404


def test_budgets_stay_in_their_production(admin: Client) -> None:
    """Spec projects, Worth fixing 2: cross-project holes."""
    boss = hire(admin, "manager")
    mine, theirs = production(admin, boss), production(admin)
    budget_id = quote(admin, theirs["id"])
    entry = admin.ok_post(f"/data/projects/{theirs['id']}/budgets/{budget_id}/entries", line(admin))["id"]
    other = quote(boss, mine["id"])
    at = f"/data/projects/{mine['id']}/budgets"
    for answer in (
        boss.get(f"{at}/{budget_id}"),
        boss.put(f"{at}/{budget_id}", {"name": "x"}),
        boss.delete(f"{at}/{budget_id}"),
        boss.post(f"{at}/{budget_id}/entries", line(admin)),
        boss.get(f"{at}/{budget_id}/entries/{entry}"),
        boss.put(f"{at}/{budget_id}/entries/{entry}", {"daily_salary": 1}),
        boss.put(f"{at}/{other}/entries/{entry}", {"daily_salary": 1}),
        boss.delete(f"{at}/{other}/entries/{entry}"),
    ):
        assert answer.status_code == 404
    assert boss.ok_get(f"{at}/{budget_id}/entries") == []


def test_what_is_left_out_of_an_entry_stays(admin: Client) -> None:
    """Spec projects, Worth fixing 4: budget entry PUT replaces with nulls."""
    show = production(admin)["id"]
    at = f"/data/projects/{show}/budgets/{quote(admin, show)}/entries"
    row = admin.ok_post(at, line(admin, person_id=admin.id, position="lead", seniority=None))
    assert (row["position"], row["seniority"], row["exceptions"]) == ("lead", "mid", {})
    exceptions = {"2031-02": 4000, "2031-03": 0, "2031-04": None, "2031-05": "1200.7"}
    changed = admin.ok_put(f"{at}/{row['id']}", {"exceptions": exceptions})
    assert changed["exceptions"] == {"2031-02": 4000, "2031-05": 1200}
    changed = admin.ok_put(f"{at}/{row['id']}", {"daily_salary": 1.5, "person_id": None})
    assert (changed["daily_salary"], changed["person_id"], changed["months_duration"]) == (1.5, None, 6)
    assert changed["exceptions"] == {"2031-02": 4000, "2031-05": 1200}
    assert admin.ok_put(f"{at}/{row['id']}", {"exceptions": None})["exceptions"] == {}


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"position": "boss"}, "position"),
        ({"seniority": "old"}, "seniority"),
        ({"department_id": NOBODY}, "department_id"),
        ({"department_id": None}, "department_id"),
        ({"start_date": None}, "start_date"),
        ({"months_duration": "long"}, "months_duration"),
        ({"months_duration": 2**40}, "months_duration"),
        ({"daily_salary": None}, "daily_salary"),
    ],
)
def test_wrong_lines_are_refused(admin: Client, wrong: dict[str, Any], field: str) -> None:
    """Spec projects, Worth fixing 1 and 3: unvalidated enums, not-null violations giving 500."""
    show = production(admin)["id"]
    at = f"/data/projects/{show}/budgets/{quote(admin, show)}/entries"
    row = admin.ok_post(at, line(admin))
    for answer in (admin.post(at, line(admin, **wrong)), admin.put(f"{at}/{row['id']}", wrong)):
        assert answer.status_code == 400
        assert field in answer.text
    for exceptions in ({"2031-01": "much"}, {"2031-01": []}, {"2031-01": True}, "none"):
        assert admin.put(f"{at}/{row['id']}", {"exceptions": exceptions}).status_code == 400
    currency = admin.post(f"/data/projects/{show}/budgets", {"name": "Quote", "currency": "EURO"})
    assert currency.status_code == 400


def test_revisions_made_at_once_have_their_own_numbers(admin: Client) -> None:
    """Spec projects, Worth fixing 16: two concurrent budget creations can take the same revision."""
    show = production(admin)["id"]
    token, api = admin.token, admin.api

    def add(_: int) -> int:
        return int(Client(api, token).ok_post(f"/data/projects/{show}/budgets", {"name": "Quote"})["revision"])

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(add, range(6))) == [1, 2, 3, 4, 5, 6]


def test_revisions_that_are_gone_are_not_given_again(admin: Client) -> None:
    """Spec projects, Worth fixing 16: revision numbers reuse after deletion."""
    show = production(admin)["id"]
    first, second, third = (quote(admin, show) for _ in range(3))
    at = f"/data/projects/{show}/budgets"
    admin.ok_delete(f"{at}/{third}")
    assert admin.ok_get(f"{at}/{quote(admin, show)}")["revision"] == 4
    for row in admin.ok_get(at):
        admin.ok_delete(f"/data/budgets/{row['id']}")
    assert admin.ok_get(f"{at}/{quote(admin, show)}")["revision"] == 5
    assert admin.get(f"{at}/{first}").status_code == admin.get(f"{at}/{second}").status_code == 404


def test_programs_of_task_types(admin: Client) -> None:
    """Spec projects, "Task type softwares"."""
    modeling = named(admin, "task-types", "Modeling")
    animation = named(admin, "departments", "Animation")["id"]
    ours, theirs = (
        hire(admin, "supervisor", departments=[department_id])
        for department_id in (modeling["department_id"], animation)
    )
    show = production(admin, ours, theirs, task_types=[modeling["id"]])
    clay = {"name": show["name"], "short_name": "clay", "file_extension": "cly"}
    clay_id = admin.ok_post("/data/softwares", clay)["id"]
    at = f"/data/projects/{show['id']}/task-types/{modeling['id']}/softwares"
    link = {"project_id": show["id"], "task_type_id": modeling["id"], "software_id": clay_id}
    assert theirs.post(at, {"software_id": clay_id}).status_code == 403
    for _ in range(2):
        assert ours.ok_post(at, {"software_id": clay_id}) == link
    assert theirs.ok_get(f"/data/projects/{show['id']}/task-type-softwares") == [link]
    assert ours.post(at, {"software_id": NOBODY}).status_code == 404
    assert ours.post(at, {"software_id": "x"}).status_code == 400
    unused = at.replace(modeling["id"], named(admin, "task-types", "Rigging")["id"])
    assert admin.post(unused, {"software_id": clay_id}).status_code == 400
    for _ in range(2):
        ours.ok_delete(f"{at}/{clay_id}")
    admin.ok_put(f"/data/softwares/{clay_id}", {"archived": True})
    assert ours.post(at, {"software_id": clay_id}).status_code == 400
