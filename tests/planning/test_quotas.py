"""Quotas of a production. Source: spec shots, "quotas" and "Worth fixing" 15."""

from typing import Any

import pytest

from tests.client import Client
from tests.entities.shows import Show
from tests.factories import hire, named, task

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def show(admin: Client) -> Show:
    return Show(admin, fps="24", is_bot_collaboration_enabled=True)


def animated(show: Show, *people: Client, frames: int = 100, drawings: int = 10, **dates: str) -> dict[str, Any]:
    """The animation of a shot, done by some people."""
    shot = show.shot(show.sequence(), nb_frames=frames)
    row = task(show.admin, shot, "Animation", assignees=[item.id for item in people])
    return dict(show.admin.ok_put(f"/data/tasks/{row['id']}", {"nb_drawings": drawings, **dates}))


def quotas(show: Show, of: str, mode: str, **more: str) -> Any:
    return show.admin.ok_get(f"{show.path}/quotas/{of}", params={"count_mode": mode, **more})


def test_the_days_of_a_task_add_up_to_it(show: Show) -> None:
    ada = show.join(hire(show.admin))
    # Wednesday to Monday: four weekdays
    row = animated(show, ada, real_start_date="2031-01-01T09:00:00", end_date="2031-01-06T10:00:00", frames=101)
    told = quotas(show, row["task_type_id"], "weighted")[ada.id]
    assert told["day"]["frames"] == {"2031-01-01": 25, "2031-01-02": 25, "2031-01-03": 26, "2031-01-06": 25}
    assert sum(told["day"]["drawings"].values()) == 10
    assert told["month"] == {
        "frames": {"2031-01": 101},
        "drawings": {"2031-01": 10},
        "count": {"2031-01": 1},
        "seconds": {"2031-01": pytest.approx(101 / 24)},
        "entries": {"2031": 1},
    }
    assert told["week"]["entries"] == {"2031": 2}
    assert "entries" not in told["year"]


def test_a_shared_task_counts_once_for_the_person_asked_for(show: Show) -> None:
    ada, bob = (show.join(hire(show.admin)) for _ in range(2))
    row = animated(show, ada, bob, end_date="2032-02-02T10:00:00", done_date="2032-02-04T10:00:00")
    one = quotas(show, f"persons/{ada.id}", "done")
    assert one["total"]["year"] == one[row["task_type_id"]]["year"]
    assert one["total"]["year"]["frames"] == {"2032": 100}
    all_of_them = quotas(show, row["task_type_id"], "feedback")
    assert all_of_them["total"]["day"]["count"]["2032-02-02"] == 2
    assert all_of_them[bob.id]["day"]["count"] == {"2032-02-02": 1}


def test_hours_weigh_and_days_are_those_of_the_caller(show: Show) -> None:
    ada = show.join(hire(show.admin, timezone="Asia/Tokyo"))
    row = animated(show, ada, end_date="2033-03-04T20:00:00", frames=100)
    for day, minutes in (("2033-03-01", 60), ("2033-03-05", 120)):
        path = f"/actions/tasks/{row['id']}/time-spents/{day}/persons/{ada.id}"
        show.admin.ok_post(path, {"duration": minutes})
    told = quotas(show, row["task_type_id"], "weighted")[ada.id]["day"]
    assert (told["frames"], told["count"]) == (
        {"2033-03-01": 33, "2033-03-05": 67},
        {"2033-03-01": 0.33, "2033-03-05": 0.67},
    )
    mine = ada.ok_get(f"{show.path}/quotas/persons/{ada.id}", params={"count_mode": "feedback"})
    assert list(mine["total"]["day"]["frames"]) == ["2033-03-05"]


def test_dates_a_lifetime_apart_are_answered(admin: Client) -> None:
    show = Show(admin)
    ada = show.join(hire(admin))
    animated(show, ada, real_start_date="1990-01-01T00:00:00", end_date="2089-01-01T00:00:00", frames=7)
    told = quotas(show, f"persons/{ada.id}", "weighted")["total"]
    assert sum(told["year"]["frames"].values()) == 7
    assert len(told["year"]["count"]) == 10


def test_who_sees_quotas_and_what_is_refused(show: Show) -> None:
    ada, lead, client = (show.join(hire(show.admin, role)) for role in ("user", "supervisor", "client"))
    stranger = hire(show.admin, "supervisor")
    animation = named(show.admin, "task-types", "Animation", for_entity="Shot")["id"]
    whole, mine, theirs = (
        f"{show.path}/quotas/{row}" for row in (animation, f"persons/{ada.id}", f"persons/{lead.id}")
    )
    expected = {ada: (200, 200, 403), lead: (200, 200, 200), client: (403, 403, 403), stranger: (403, 403, 403)}
    for who, statuses in expected.items():
        assert tuple(who.get(path).status_code for path in (whole, mine, theirs)) == statuses
    for bad in ("/x", "/persons/x", f"/{animation}?studio_id=x", f"/{animation}?count_mode=weigtheddone"):
        assert lead.get(f"{show.path}/quotas{bad}").status_code == 400, bad
    assert lead.get(f"{show.path}/quotas/persons/{NOBODY}").status_code == 404
    assert lead.ok_get(f"{show.path}/quotas/{NOBODY}") == {}
    assert show.admin.get(f"/data/projects/{NOBODY}/quotas/{animation}").status_code == 404
