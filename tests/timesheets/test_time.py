"""Hours: who writes them, who reads them, and what they sum to."""

import threading
from typing import Any

from tests import factories
from tests.client import Client, sign_in


def person(admin: Client, role: str, **more: Any) -> Client:
    """Somebody who is no bot: bots have no time sheets."""
    mail = f"{role}{factories.unique('x').replace(' ', '')}@example.com"
    row = {
        "first_name": "Bo",
        "last_name": factories.unique(role),
        "email": mail,
        "role": role,
        "password": "longenough",
    }
    admin.ok_post("/data/persons", {**row, **more})
    return sign_in(admin.api, mail, "longenough")


def spend(who: Client, task: dict[str, Any], person_id: str, day: str, minutes: float, add: str = "") -> dict[str, Any]:
    path = f"/actions/tasks/{task['id']}/time-spents/{day}/persons/{person_id}{add}"
    return dict(who.ok_post(path, {"duration": minutes}))


def test_hours_are_written_by_the_assignee_and_managers_only(admin: Client) -> None:
    artist, supervisor, manager = (person(admin, role) for role in ("user", "supervisor", "manager"))
    show = factories.production(admin, artist, supervisor, manager)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    day = f"/actions/tasks/{task['id']}/time-spents/2026-03-02"
    spend(artist, task, artist.id, "2026-03-02", 60)
    spend(manager, task, artist.id, "2026-03-02", 30, "/add")
    assert supervisor.post(f"{day}/persons/{artist.id}", {"duration": 1}).status_code == 403
    assert manager.post(f"{day}/persons/{manager.id}", {"duration": 1}).status_code == 403
    for wrong in (0, -1, "x", None, True, "1e400", "nan", []):
        assert artist.post(f"{day}/persons/{artist.id}", {"duration": wrong}).status_code == 400, wrong
    assert (
        artist.post(f"/actions/tasks/{task['id']}/time-spents/May/persons/{artist.id}", {"duration": 1}).status_code
        == 400
    )
    assert artist.get(f"/actions/tasks/{task['id']}/time-spents/May").status_code == 400
    assert artist.ok_get(day)["total"] == 90
    assert admin.ok_get(f"/data/tasks/{task['id']}")["duration"] == 90
    assert admin.ok_get(f"/data/persons/{artist.id}")["last_presence"] == "2026-03-02"
    gone = artist.delete(f"{day}/persons/{artist.id}")
    assert (gone.status_code, gone.json()["duration"]) == (201, 0)
    assert artist.delete(f"{day}/persons/{artist.id}").status_code == 404
    assert admin.ok_get(f"/data/tasks/{task['id']}")["duration"] == 0


def test_hours_added_at_once_are_all_counted(admin: Client) -> None:
    artist = person(admin, "user")
    show = factories.production(admin, artist)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])

    def add() -> None:
        mine = Client(artist.api, artist.token, artist.person)
        for _ in range(4):
            spend(mine, task, artist.id, "2026-03-03", 10, "/add")

    threads = [threading.Thread(target=add) for _ in range(3)]
    for worker in threads:
        worker.start()
    for worker in threads:
        worker.join()
    assert admin.ok_get(f"/data/tasks/{task['id']}")["duration"] == 120


def test_hours_moved_to_another_task_leave_neither_sum_stale(admin: Client) -> None:
    artist = person(admin, "user")
    show = factories.production(admin, artist)
    one, two = (factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id]) for _ in range(2))
    spent = spend(artist, one, artist.id, "2026-03-02", 60)
    admin.ok_put(f"/data/time-spents/{spent['id']}", {"task_id": two["id"]})
    assert [admin.ok_get(f"/data/tasks/{row['id']}")["duration"] for row in (one, two)] == [0, 60]
    assert (
        admin.post("/data/time-spents", {"person_id": artist.id, "date": "2026-01-01", "duration": 5}).status_code
        == 400
    )
    assert admin.put(f"/data/time-spents/{spent['id']}", {"duration": 0}).status_code == 400
    assert admin.get("/data/time-spents", params={"start_date": "2026-01-01"}).status_code == 400
    artist.ok_delete(f"/data/time-spents/{spent['id']}")
    assert admin.ok_get(f"/data/tasks/{two['id']}")["duration"] == 0


def test_a_sheet_shows_managers_and_supervisors_what_is_theirs(admin: Client) -> None:
    modeling = factories.named(admin, "task-types", "Modeling", for_entity="Asset")
    artist, manager, outsider, mate = (person(admin, role) for role in ("user", "manager", "manager", "user"))
    inside = person(admin, "supervisor", departments=[modeling["department_id"]])
    elsewhere = person(admin, "supervisor", departments=[factories.named(admin, "departments", "FX")["id"]])
    show = factories.production(admin, artist, manager, inside, elsewhere, mate)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    spend(artist, task, artist.id, "2026-03-02", 60)
    path = f"/data/persons/{artist.id}/time-spents"
    for who, count in ((admin, 1), (artist, 1), (manager, 1), (inside, 1), (outsider, 0), (elsewhere, 0)):
        assert len(who.ok_get(path)) == count, who.person["role"]
        assert len(who.ok_get(f"{path}/month/2026/3")) == count
        table = who.ok_get("/data/persons/time-spents/month-table/2026")
        assert (artist.id in table.get("3", {})) is bool(count)
    assert mate.get(path).status_code == 403
    assert mate.ok_get("/data/persons/time-spents/year-table") == {}
    assert outsider.get(f"{path}/month/2026/3", params={"project_id": show["id"]}).status_code == 403
    assert outsider.get("/data/persons/time-spents/year-table", params={"project_id": show["id"]}).status_code == 403
    assert manager.get(f"{path}/month/all/2026/3").status_code == 403
    other_department = {"department_id": modeling["department_id"]}
    assert elsewhere.get("/data/persons/time-spents/year-table", params=other_department).status_code == 400
    for wrong in ("year/0", "month/2026/13", "week/2026/54", "day/2026/2/30", "month/x/1", "week/2026/0"):
        assert admin.get(f"{path}/{wrong}").status_code == 400, wrong
    assert admin.get("/data/persons/time-spents/month-table/never").status_code == 400
    for name in ("project_id", "department_id", "studio_id"):
        assert admin.get("/data/persons/time-spents/year-table", params={name: "x"}).status_code == 400


def test_days_at_the_end_of_a_year_are_in_the_week_they_belong_to(admin: Client) -> None:
    artist = person(admin, "user")
    show = factories.production(admin, artist)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    days = {"2024-12-29": 1, "2024-12-30": 2, "2025-12-28": 4, "2025-12-29": 8, "2025-12-31": 16, "2026-01-01": 32}
    for day, minutes in days.items():
        spend(admin, task, artist.id, day, minutes)
    tables = "/data/persons/time-spents/week-table"
    one = {"project_id": show["id"]}
    assert admin.ok_get(f"{tables}/2024", params=one) == {"52": {artist.id: 1}}
    assert admin.ok_get(f"{tables}/2025", params=one) == {"1": {artist.id: 2}, "52": {artist.id: 4}}
    assert admin.ok_get(f"{tables}/2026", params=one) == {"1": {artist.id: 56}}
    for year, week, minutes in ((2024, 52, 1), (2025, 1, 2), (2025, 52, 4), (2026, 1, 56)):
        (row,) = admin.ok_get(f"/data/persons/{artist.id}/time-spents/week/{year}/{week}")
        assert row["duration"] == minutes
    months = admin.ok_get("/data/persons/time-spents/month-table/2025", params=one)
    assert months == {"12": {artist.id: 28}}, "months and years go by the calendar"


def test_quotas_never_divide_by_zero_and_count_unlogged_tasks(admin: Client) -> None:
    artist = person(admin, "user")
    show = factories.production(admin, artist)
    shot = factories.entity(admin, show["id"], "Shot")
    dates = {"real_start_date": "2026-03-06T09:00:00", "end_date": "2026-03-09T18:00:00"}
    logged, plain, weekend = (
        factories.task(admin, shot, kind, assignees=[artist.id]) for kind in ("Layout", "Animation", "Lighting")
    )
    spend(artist, logged, artist.id, "2026-03-06", 60)
    spend(artist, logged, artist.id, "2026-03-20", 180)
    admin.ok_put(f"/data/tasks/{logged['id']}", {**dates, "duration": 0})
    admin.ok_put(f"/data/tasks/{plain['id']}", dates)
    weekdays = {"real_start_date": "2026-03-07T09:00:00", "end_date": "2026-03-08T18:00:00"}
    admin.ok_put(f"/data/tasks/{weekend['id']}", weekdays)
    path = f"/data/persons/{artist.id}/quota-shots"
    assert [row["weight"] for row in artist.ok_get(f"{path}/week/2026/10")] == [0.25 + 0.5 + 1.0]
    assert [row["weight"] for row in artist.ok_get(f"{path}/day/2026/3/9")] == [0.5]
    assert [row["weight"] for row in artist.ok_get(f"{path}/month/2026/3", params={"count_mode": "feedback"})] == [1]
    assert artist.ok_get(f"{path}/month/2026/4") == []
    assert artist.get(f"{path}/month/2026/3", params={"count_mode": "x"}).status_code == 400
    assert artist.get(f"{path}/month/2026/3", params={"task_type_id": "x"}).status_code == 400
    assert person(admin, "manager").get(f"{path}/month/2026/3").status_code == 403
