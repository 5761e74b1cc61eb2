"""Milestones, schedule items and schedule versions through their generic routes. Spec crud."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.client import Client
from tests.factories import entity, hire, named, production, task

NOBODY = "00000000-0000-4000-8000-000000000000"
ROLES = ("manager", "supervisor", "user", "vendor", "client")


def crew(admin: Client) -> tuple[dict[str, Any], dict[str, Client]]:
    team = {role: hire(admin, role) for role in ROLES}
    return production(admin, *team.values()), team


def test_milestones_are_the_managers(admin: Client, database: psycopg.Connection) -> None:
    show, team = crew(admin)
    row = {"project_id": show["id"], "name": "First look", "date": "2031-07-01"}
    made = team["manager"].ok_post("/data/milestones", row)
    at = f"/data/milestones/{made['id']}"
    for role, caller in team.items():
        assert caller.get(at).status_code == (403 if role in ("vendor", "client") else 200)
        assert caller.get("/data/milestones").status_code == 403
        if role != "manager":
            assert caller.post("/data/milestones", row).status_code == 403
            assert caller.put(at, {"name": "x"}).status_code == 403
            assert caller.delete(at).status_code == 403
    assert hire(admin, "manager").get(at).status_code == 403
    moved = team["manager"].ok_put(at, {"date": "2031-07-08", "project_id": NOBODY})
    assert (moved["date"], moved["project_id"]) == ("2031-07-08", show["id"])
    assert admin.ok_get("/data/milestones", params={"project_id": show["id"]}) == [moved]
    team["manager"].ok_delete(at)
    told = "SELECT name FROM api_event WHERE project_id = %s AND name LIKE 'milestone:%%' ORDER BY created_at"
    names = [name for (name,) in database.execute(told, (show["id"],))]
    assert names == ["milestone:new", "milestone:update", "milestone:delete"]
    for wrong in ({}, {"project_id": show["id"]}, {**row, "name": "x" * 41}, {**row, "date": "soon"}):
        assert admin.post("/data/milestones", wrong).status_code == 400


def test_one_schedule_item_for_each_object(admin: Client) -> None:
    """Spec projects, Worth fixing 5: a null object_id escapes the unique constraint."""
    modeling = named(admin, "task-types", "Modeling")["id"]
    show = production(admin)["id"]
    token, api = admin.token, admin.api

    def add(_: int) -> int:
        row = {"project_id": show, "task_type_id": modeling, "start_date": "2031-01-05"}
        return Client(api, token).post("/data/schedule-items", row).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(add, range(6))) == [201, 400, 400, 400, 400, 400]
    other = {"project_id": show, "task_type_id": modeling, "object_id": NOBODY}
    assert admin.post("/data/schedule-items", other).status_code == 201


def test_supervisors_plan_the_task_types_of_their_departments(admin: Client) -> None:
    modeling, animation = (named(admin, "departments", name)["id"] for name in ("Modeling", "Animation"))
    kind = named(admin, "task-types", "Modeling")["id"]
    ours, theirs = (hire(admin, "supervisor", departments=[item]) for item in (modeling, animation))
    free, artist, boss = hire(admin, "supervisor"), hire(admin, "user"), hire(admin, "manager")
    show = production(admin, ours, theirs, free, artist, boss)
    row = {"project_id": show["id"], "task_type_id": kind}
    assert free.post("/data/schedule-items", row).status_code == 403
    at = f"/data/schedule-items/{boss.ok_post('/data/schedule-items', row)['id']}"
    for caller, status in [(boss, 200), (ours, 200), (free, 200), (theirs, 403), (artist, 403)]:
        assert caller.put(at, {"man_days": 3}).status_code == status
        assert caller.get(at).status_code == 403
    assert boss.ok_put(at, {"man_days": ""})["man_days"] == 3
    assert boss.ok_put(at, {"man_days": "12"})["man_days"] == 3
    assert ours.delete(at).status_code == 403
    boss.ok_delete(at)


def test_versions_are_for_the_staff(admin: Client) -> None:
    show, team = crew(admin)
    other = production(admin)
    made = team["manager"].ok_post("/data/production-schedule-versions", {"project_id": show["id"], "name": "Plan A"})
    job = task(admin, entity(admin, show["id"]))
    link = {"production_schedule_version_id": made["id"], "task_id": job["id"], "assignees": [admin.id]}
    linked = team["manager"].ok_post("/data/production-schedule-version-task-links", link)
    assert linked["assignees"] == [admin.id]
    for path, row in [
        ("production-schedule-versions", made),
        ("production-schedule-version-task-links", linked),
    ]:
        for role, caller in team.items():
            staff = 200 if role not in ("vendor", "client") else 403
            assert caller.get(f"/data/{path}/{row['id']}").status_code == staff
            listed = caller.get(f"/data/{path}", params={"project_id": show["id"]})
            assert listed.status_code == staff
            assert staff == 403 or [item["id"] for item in listed.json()] == [row["id"]]
            assert caller.get(f"/data/{path}").status_code == 403
            assert caller.get(f"/data/{path}", params={"project_id": other["id"]}).status_code == 403
            assert caller.get(f"/data/{path}", params={"project_id": NOBODY}).status_code == 404
            assert caller.get(f"/data/{path}", params={"project_id": "x"}).status_code == 400
            if role != "manager":
                assert caller.put(f"/data/{path}/{row['id']}", {}).status_code == 403
                assert caller.delete(f"/data/{path}/{row['id']}").status_code == 403
        assert admin.ok_get(f"/data/{path}", params={"project_id": NOBODY}) == []
        assert row["id"] in {item["id"] for item in admin.ok_get(f"/data/{path}")}


def test_a_version_plans_its_own_production(admin: Client) -> None:
    show, other = production(admin), production(admin)
    made = admin.ok_post("/data/production-schedule-versions", {"project_id": show["id"], "name": "Plan A"})
    mine, theirs = task(admin, entity(admin, show["id"])), task(admin, entity(admin, other["id"]))
    path, at = "/data/production-schedule-version-task-links", {"production_schedule_version_id": made["id"]}
    assert admin.post(path, {**at, "task_id": theirs["id"]}).status_code == 400
    assert admin.post(path, {**at, "task_id": NOBODY}).status_code == 404
    assert admin.post(path, {"production_schedule_version_id": NOBODY, "task_id": mine["id"]}).status_code == 404
    assert admin.post(path, at).status_code == 400
    linked = admin.ok_post(path, {**at, "task_id": mine["id"]})
    changed = admin.ok_put(f"{path}/{linked['id']}", {"task_id": theirs["id"], "estimation": 60})
    assert (changed["task_id"], changed["estimation"]) == (mine["id"], 60)


def test_a_version_is_forgotten_where_it_was_used(admin: Client, database: psycopg.Connection) -> None:
    show = production(admin)
    path = "/data/production-schedule-versions"
    first = admin.ok_post(path, {"project_id": show["id"], "name": "Plan A"})["id"]
    row = {"project_id": show["id"], "name": "Plan B", "production_schedule_from": first}
    second = admin.ok_post(path, row)["id"]
    admin.ok_put(f"/data/projects/{show['id']}", {"from_schedule_version_id": first})
    admin.ok_delete(f"{path}/{first}")
    assert admin.ok_get(f"{path}/{second}")["production_schedule_from"] is None
    assert admin.ok_get(f"/data/projects/{show['id']}")["from_schedule_version_id"] is None
    told = "SELECT name FROM api_event WHERE project_id = %s ORDER BY created_at DESC LIMIT 2"
    names = {name for (name,) in database.execute(told, (show["id"],))}
    assert names == {"project:update", "production-schedule-version:delete"}


@pytest.mark.parametrize("path", ["milestones", "schedule-items", "production-schedule-versions"])
def test_a_production_is_needed(admin: Client, path: str) -> None:
    for wrong in ({"name": "x"}, {"name": "x", "project_id": "y"}):
        assert admin.post(f"/data/{path}", wrong).status_code == 400
    assert admin.post(f"/data/{path}", {"name": "x", "project_id": NOBODY}).status_code == 404
