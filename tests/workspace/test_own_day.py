"""One's own day: hours, leave, desktop logins, picture."""

import threading

import pytest

from tests import factories
from tests.client import Client
from tests.media.publishing import png
from tests.timesheets.test_time import person, spend

LOGINS, HOURS = "/data/user/desktop-login-logs", "/data/user/time-spents"


@pytest.fixture(scope="module")
def artist(admin: Client) -> Client:
    return person(admin, "user")


def test_hours_without_dates_are_all_of_them(admin: Client, artist: Client) -> None:
    show = factories.production(admin, artist)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    days = ("2031-03-03", "2031-03-04", "2031-03-07")
    for day in days:
        spend(artist, task, artist.id, day, 30)
    for query in ("", "?start_date=&end_date="):
        rows = artist.ok_get(HOURS + query)
        assert {row["date"] for row in rows} == set(days)
        assert {row["project_id"] for row in rows} == {show["id"]}
    between = {"start_date": "2031-03-04", "end_date": "2031-03-07"}
    for sent in ({"params": between}, {"json": between}):
        assert len(artist.ok_get(HOURS, **sent)) == 2
    assert artist.ok_get(HOURS, params={"start_date": "2031-03-07", "end_date": "2031-03-04"}) == []
    for wrong in ("start_date=2031-03-04", "end_date=2031-03-04", "start_date=x&end_date=y"):
        assert artist.get(f"{HOURS}?{wrong}").status_code == 400
    assert [row["duration"] for row in artist.ok_get(f"{HOURS}/2031-03-04T12:00:00")] == [30]
    assert artist.ok_get(f"/data/user/tasks/{task['id']}/time-spents/2031-03-04")["duration"] == 30
    assert person(admin, "manager").ok_get(HOURS) == []


def test_no_hours_on_a_task_and_malformed_ids_are_no_errors_of_the_server(artist: Client) -> None:
    nothing = factories.unique("").strip()
    assert artist.ok_get(f"/data/user/tasks/{artist.id}/time-spents/2031-03-04") == {}
    assert artist.get(f"/data/user/tasks/{nothing}/time-spents/2031-03-04").status_code == 404
    for path in (f"/data/user/tasks/{artist.id}/time-spents/soon", f"{HOURS}/soon", "/data/user/day-offs/soon"):
        assert artist.get(path).status_code == 400
    assert artist.ok_get("/data/user/day-offs/2031-03-04") == {}


def test_desktop_logins_are_one_s_own(admin: Client, artist: Client) -> None:
    # As Gazu sends it: local, with microseconds; kept as it is.
    row = artist.ok_post(LOGINS, {"date": "2031-11-20T10:11:12.123456"})
    assert (row["date"], row["person_id"], row["type"]) == ("2031-11-20T10:11:12", artist.id, "DesktopLoginLog")
    assert artist.ok_post(f"{LOGINS}?date=2031-11-21", {"date": "2031-11-22"})["date"] == "2031-11-21T00:00:00"
    now = artist.ok_post(LOGINS)
    assert [item["date"] for item in artist.ok_get(LOGINS)] == ["2031-11-21T00:00:00", row["date"], now["date"]]
    assert admin.ok_get(f"/data/persons/{artist.id}")["last_presence"] == "2031-11-21"
    assert admin.ok_get(f"/data/persons/{artist.id}/desktop-login-logs") == artist.ok_get(LOGINS)
    for wrong in ("soon", None, 3, ""):
        assert artist.post(LOGINS, {"date": wrong}).status_code == 400
    assert artist.post(f"{LOGINS}?date=soon").status_code == 400


def test_desktop_logins_at_once_are_all_kept_and_the_last_one_told(admin: Client) -> None:
    busy = person(admin, "user")
    days = [f"2031-12-{day:02}" for day in range(1, 9)]
    answers: list[int] = []

    def log_in(day: str) -> None:
        answers.append(Client(busy.api, busy.token).post(LOGINS, {"date": day}).status_code)

    threads = [threading.Thread(target=log_in, args=(day,)) for day in days]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * len(days)
    assert sorted(row["date"][:10] for row in busy.ok_get(LOGINS)) == days
    assert admin.ok_get(f"/data/persons/{busy.id}")["last_presence"] == days[-1]


def test_one_s_picture_is_forgotten(admin: Client, artist: Client) -> None:
    path = f"/pictures/thumbnails/persons/{artist.id}"
    artist.ok_post(path, files={"file": ("me.png", png(), "image/png")})
    assert artist.get(path).status_code == 200
    for _ in range(2):
        artist.ok_delete("/actions/user/clear-avatar")
        assert artist.get(path).status_code == 404
        assert admin.ok_get(f"/data/persons/{artist.id}")["has_avatar"] is False
