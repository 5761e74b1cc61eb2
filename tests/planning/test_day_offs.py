"""Days off. Spec crud, "day-offs"; spec accounts, "Day-off visibility"; spec projects, GET …/day-offs."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.client import Client, sign_in, unique
from tests.factories import entity, hire, join, named, production, task

NOBODY = "00000000-0000-4000-8000-000000000000"


def human(admin: Client, role: str = "user", **more: Any) -> Client:
    """Somebody who is no bot: bots have no days off."""
    email = f"{unique('someone').replace(' ', '.')}@example.com"
    more = {"first_name": "Bo", "last_name": "Human", "role": role, "email": email, "password": "longenough", **more}
    admin.ok_post("/data/persons", more)
    return sign_in(admin.api, email, "longenough")


def leave(by: Client, of: Client, first: str, last: str, **more: Any) -> dict[str, Any]:
    return dict(by.ok_post("/data/day-offs", {"person_id": of.id, "date": first, "end_date": last, **more}))


def test_a_person_takes_leave(admin: Client) -> None:
    ben = human(admin)
    made = leave(ben, ben, "2025-03-04", "2025-03-06", description="Wedding")
    at = f"/data/persons/{ben.id}/day-offs"
    for path in ("", "/year/2025", "/month/2025/3", "/week/2025/10"):
        assert ben.ok_get(f"{at}{path}") == [made]
    for path in ("/year/2024", "/month/2025/4", "/week/2025/11"):
        assert ben.ok_get(f"{at}{path}") == []
    assert ben.ok_get(f"{at}/2025-03-05") == made
    assert ben.ok_get(f"{at}/2025-03-07") == {}
    changed = ben.ok_put(f"/data/day-offs/{made['id']}", {"end_date": "2025-03-10"})
    assert changed["end_date"] == "2025-03-10"
    ben.ok_delete(f"/data/day-offs/{made['id']}")
    assert ben.ok_get(at) == []


@pytest.mark.parametrize(
    "path",
    ["2025-02-30", "year/soon", "year/0", "month/2025/13", "month/2025/x", "week/2025/54", "week/x/1", "year/99999"],
)
def test_malformed_periods_are_refused(admin: Client, path: str) -> None:
    """Spec accounts, Worth fixing: non-numeric year/month on day-off listings."""
    ben = human(admin)
    assert ben.get(f"/data/persons/{ben.id}/day-offs/{path}").status_code == 400
    whole = path.removeprefix("year/").removeprefix("month/")
    if not path.startswith("week"):
        assert ben.get(f"/data/persons/day-offs/{whole}").status_code == 400


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"end_date": None}, "end_date"),
        ({"date": None}, "date"),
        ({"person_id": None}, "person_id"),
        ({"end_date": "2025-03-03"}, "end_date"),
        ({"date": "soon"}, "date"),
    ],
)
def test_refusals_name_the_field(admin: Client, wrong: dict[str, Any], field: str) -> None:
    ben = human(admin)
    row = {"person_id": ben.id, "date": "2025-03-04", "end_date": "2025-03-06", **wrong}
    answer = ben.post("/data/day-offs", row)
    assert answer.status_code == 400
    assert field in answer.json()["message"]
    assert ben.ok_get(f"/data/persons/{ben.id}/day-offs") == []


def test_days_off_of_a_person_do_not_overlap(admin: Client) -> None:
    ben, eve = human(admin), human(admin)
    first = leave(ben, ben, "2025-03-04", "2025-03-06")
    second = leave(ben, ben, "2025-03-07", "2025-03-08")
    leave(eve, eve, "2025-03-04", "2025-03-06")
    for start, end in [("2025-03-06", "2025-03-06"), ("2025-03-01", "2025-03-31"), ("2025-03-05", "2025-03-05")]:
        row = {"person_id": ben.id, "date": start, "end_date": end}
        assert ben.post("/data/day-offs", row).status_code == 400
    assert ben.put(f"/data/day-offs/{first['id']}", {"end_date": "2025-03-07"}).status_code == 400
    assert ben.put(f"/data/day-offs/{second['id']}", {"date": "2025-03-08"}).status_code == 200


def test_leave_asked_for_many_times_at_once_is_taken_once(admin: Client) -> None:
    ben = human(admin)
    token, api = ben.token, ben.api

    def ask(day: int) -> int:
        row = {"person_id": ben.id, "date": f"2025-03-0{day}", "end_date": "2025-03-09"}
        return Client(api, token).post("/data/day-offs", row).status_code

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(ask, range(1, 7))) == [201, 400, 400, 400, 400, 400]


def test_hours_of_those_days_go_and_durations_follow(admin: Client, database: psycopg.Connection) -> None:
    """Spec projects, Worth fixing 6 (and crud): a day off deletes time spents without events or new durations."""
    ben, eve = human(admin), human(admin)
    show = production(admin, ben, eve)
    job = task(admin, entity(admin, show["id"]), assignees=[ben.id, eve.id])
    for person, day, minutes in [(ben, "2025-03-03", 60), (ben, "2025-03-04", 90), (eve, "2025-03-04", 30)]:
        row = {"task_id": job["id"], "person_id": person.id, "date": day, "duration": minutes}
        admin.ok_post("/data/time-spents", row)
    assert admin.ok_get(f"/data/tasks/{job['id']}")["duration"] == 180
    made = leave(ben, ben, "2025-03-04", "2025-03-06")
    assert admin.ok_get(f"/data/tasks/{job['id']}")["duration"] == 90
    ben.ok_put(f"/data/day-offs/{made['id']}", {"date": "2025-03-03"})
    assert admin.ok_get(f"/data/tasks/{job['id']}")["duration"] == 30
    told = "SELECT count(*) FROM api_event WHERE name = 'time-spent:delete' AND project_id = %s"
    assert database.execute(told, (show["id"],)).fetchone() == (2,)


def test_who_sees_whose_leave(admin: Client) -> None:
    modeling, animation = (named(admin, "departments", name)["id"] for name in ("Modeling", "Animation"))
    ben = human(admin, departments=[modeling])
    boss, lead, free = (
        hire(admin, "manager"),
        hire(admin, "supervisor", departments=[modeling]),
        hire(admin, "supervisor"),
    )
    other, mate = hire(admin, "supervisor", departments=[animation]), hire(admin, "user")
    client, vendor = hire(admin, "client"), hire(admin, "vendor")
    outsider, demoted = hire(admin, "manager"), hire(admin, "manager")
    show = production(admin, ben, boss, lead, free, other, mate, client, vendor, demoted)
    join(admin, show["id"], demoted, "user")
    production(admin, outsider)
    made = leave(ben, ben, "2025-03-04", "2025-03-06", description="Wedding")
    plain = {key: value for key, value in made.items() if key != "description"}
    at = f"/data/persons/{ben.id}/day-offs"
    for caller, row in [(admin, made), (ben, made), (boss, made), (lead, plain), (free, plain)]:
        assert caller.ok_get(at) == [row]
        assert caller.ok_get(f"{at}/2025-03-05") == row
        assert caller.ok_get(f"/data/day-offs/{made['id']}") == row
        assert row in caller.ok_get("/data/persons/day-offs/2025/3")
    for caller in (other, mate, client, vendor, outsider, demoted):
        for path in (at, f"{at}/2025-03-05", f"{at}/year/2025", f"/data/day-offs/{made['id']}"):
            assert caller.get(path).status_code == 403, path
        assert all(row["person_id"] != ben.id for row in caller.ok_get("/data/persons/day-offs/2025"))
    assert boss.get(f"/data/persons/{NOBODY}/day-offs").status_code == 404
    assert admin.get(f"/data/persons/{boss.id}/day-offs").status_code == 403


def test_leave_is_written_by_oneself_or_an_administrator(admin: Client) -> None:
    ben, eve, boss = human(admin), human(admin), human(admin, "manager")
    production(admin, ben, boss)
    made = leave(ben, ben, "2025-03-04", "2025-03-06")
    at = f"/data/day-offs/{made['id']}"
    for caller in (eve, boss):
        row = {"person_id": ben.id, "date": "2025-05-04", "end_date": "2025-05-06"}
        assert caller.post("/data/day-offs", row).status_code == 403
        assert caller.put(at, {"end_date": "2025-03-05"}).status_code == 403
        assert caller.delete(at).status_code == 403
        assert caller.get("/data/day-offs").status_code == 403
    assert ben.put(at, {"person_id": eve.id}).status_code == 403
    assert admin.ok_put(at, {"person_id": eve.id})["person_id"] == eve.id


def test_the_leave_of_a_team(admin: Client) -> None:
    ben, eve, boss, vendor = human(admin), human(admin), hire(admin, "manager"), hire(admin, "vendor")
    show = production(admin, ben, eve, boss, vendor)
    bens = leave(ben, ben, "2025-03-04", "2025-03-06", description="Wedding")
    later = leave(ben, ben, "2025-04-01", "2025-04-02")
    eves = leave(eve, eve, "2025-03-06", "2025-03-08", description="Rest")
    at = f"/data/projects/{show['id']}/day-offs"
    assert boss.ok_get(at) == {ben.id: [bens, later], eve.id: [eves]}
    seen = ben.ok_get(at, params={"start_date": "2025-03-07", "end_date": "2025-03-31"})
    assert seen == {eve.id: [{key: value for key, value in eves.items() if key != "description"}]}
    assert ben.ok_get(at)[ben.id] == [bens, later]
    assert ben.ok_get(at, params={"start_date": "2026-01-01"}) == {}
    assert ben.get(at, params={"start_date": "soon"}).status_code == 400
    assert vendor.get(at).status_code == 403
    assert ben.get(f"/data/projects/{NOBODY}/day-offs").status_code == 404
