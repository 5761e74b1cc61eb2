"""Estimations from spreadsheets."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.exchange.sheets.estimations import WorkingDay, last_day
from tests.client import Client, unique
from tests.entities.shows import Show, happened
from tests.exchange.sheets.sending import send
from tests.factories import hire, named, task
from tests.server import Server

NOBODY = "00000000-0000-4000-8000-000000000000"


def _path(show: Show, task_type: dict[str, Any], episode: str | None = None) -> str:
    within = "" if episode is None else f"/episodes/{episode}"
    return f"projects/{show.id}{within}/task-types/{task_type['id']}/estimations"


def _read(admin: Client, row: dict[str, Any]) -> dict[str, Any]:
    return dict(admin.ok_get(f"/data/tasks/{row['id']}"))


def test_tasks_get_what_rows_give_and_keep_the_rest(server: Server, admin: Client) -> None:
    show, modeling = Show(admin), named(admin, "task-types", "Modeling")
    cart = task(admin, show.asset(name="Cart"), difficulty=2, estimation=60)
    boat = task(admin, show.asset(name="Élise boat"), nb_drawings=3)
    body = {"name": "Complexity", "entity_type": "Task", "data_type": "string", "task_type_id": modeling["id"]}
    admin.ok_post(f"{show.path}/metadata-descriptors", body)
    already = len(happened(server, show.id))
    sheet = (
        "Parent,Entity,Estimation,Start date,Due date,Difficulty,Drawings,Complexity\n"
        "Character,Cart,2.5,2024-01-05,,4,,high\ncharacter,elise-boat,,2024-02-01,2024-02-20,,12,\n"
    )
    answer = send(admin, _path(show, modeling), sheet)
    assert (answer.status_code, answer.json()) == (201, [None, None])
    cart, boat = _read(admin, cart), _read(admin, boat)
    assert (cart["estimation"], cart["difficulty"], cart["nb_drawings"]) == (1200, 4, 0)
    assert (cart["start_date"], cart["due_date"]) == ("2024-01-05T00:00:00", "2024-01-09T00:00:00")
    assert cart["data"] == {"complexity": "high"}
    assert (boat["estimation"], boat["nb_drawings"], boat["data"]) == (0, 12, {"complexity": ""})
    assert (boat["start_date"], boat["due_date"]) == ("2024-02-01T00:00:00", "2024-02-20T00:00:00")
    updates = [payload["task_id"] for name, payload in happened(server, show.id)[already:] if name == "task:update"]
    assert updates == [cart["id"], boat["id"]]
    tried = send(admin, _path(show, modeling), sheet.replace("high", "low"), dry_run="true").json()
    assert [(row["outcome"], row["name"]) for row in tried["rows"]] == [
        ("changed", "Character / Cart"),
        ("left", "character / elise-boat"),
    ]


def test_homonyms_are_told_apart_by_their_episode(admin: Client) -> None:
    show, layout = Show(admin, production_type="tvshow"), named(admin, "task-types", "Layout", for_entity="Shot")
    episodes = [show.episode(), show.episode()]
    tasks = [
        task(admin, show.shot(show.sequence(episode, "SQ01"), name="SH01"), "Layout", task_type_id=layout["id"])
        for episode in episodes
    ]
    sheet = "Parent,Entity,Estimation\nSQ01,SH01,{}\n"
    for number, episode in enumerate(episodes, 1):
        assert send(admin, _path(show, layout, episode["id"]), sheet.format(number)).status_code == 201
    assert [_read(admin, row)["estimation"] for row in tasks] == [480, 960]
    for everywhere in ("all", "main", None):
        assert send(admin, _path(show, layout, everywhere), sheet.format(3)).status_code == 201
    assert [_read(admin, row)["estimation"] for row in tasks] == [480, 1440], "the last of one name is meant"
    assert send(admin, _path(show, layout, NOBODY), sheet.format(3)).status_code == 400
    assert send(admin, _path(show, layout, "nonsense"), sheet.format(3)).status_code == 400


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ("Character,Nobody,1,,,", "Nobody"),
        ("Character,Idle,1,,,", "no task"),
        ("Character,Cart,much,,,", "much"),
        ("Character,Cart,-1,,,", "-1"),
        ("Character,Cart,nan,,,", "nan"),
        ("Character,Cart,,hard,,", "hard"),
        ("Character,Cart,,9,,", "1 to 5"),
        ("Character,Cart,,,2024-13-01,", "2024-13-01"),
        ("Character,Cart,9999999,,9999-01-01,", "9999"),
        ("Character,Cart,,,,1.5", "1.5"),
    ],
)
def test_bad_rows_name_what_is_wrong_and_keep_those_before(admin: Client, row: str, word: str) -> None:
    show, modeling = Show(admin), named(admin, "task-types", "Modeling")
    cart = task(admin, show.asset(name="Cart"))
    show.asset(name="Idle")
    head = "Parent,Entity,Estimation,Difficulty,Start date,Drawings\n"
    answer = send(admin, _path(show, modeling), f"{head}Character,Cart,1,,,\n{row}\n")
    assert (answer.status_code, answer.json()["line_number"], answer.json()["imported_rows"]) == (400, 3, 1)
    assert word in answer.json()["message"]
    assert _read(admin, cart)["estimation"] == 480


def test_types_of_tasks_that_are_neither_of_assets_nor_of_shots(admin: Client) -> None:
    show = Show(admin)
    edit = admin.ok_post("/data/task-types", {"name": unique("Cut"), "color": "#000000", "for_entity": "Edit"})
    show.asset(name="Cart")
    assert send(admin, _path(show, edit), "Parent,Entity,Estimation\nCharacter,Cart,1\n").status_code == 400
    assert send(admin, _path(show, {"id": NOBODY}), "Parent,Entity\nCharacter,Cart\n").status_code == 404


def test_supervisors_import_estimations_of_their_departments(admin: Client) -> None:
    show, modeling = Show(admin), named(admin, "task-types", "Modeling")
    other = admin.ok_post("/data/departments", {"name": unique("Other"), "color": "#000000"})["id"]
    mine = modeling["department_id"] or other
    statuses = []
    for role, departments in [
        ("manager", []),
        ("supervisor", []),
        ("supervisor", [other]),
        ("supervisor", [mine]),
        ("user", []),
    ]:
        member = show.join(hire(admin, role, departments=departments), role)
        statuses.append(send(member, _path(show, modeling), "Parent,Entity\n").status_code)
    assert statuses == [201, 201, 403, 201 if modeling["department_id"] else 403, 403]


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(0, 400))
def test_work_ends_after_its_working_days(start: date, days: int) -> None:
    end = last_day(start, days)
    between = (start + timedelta(days=n) for n in range((end - start).days + 1))
    working = sum(day.weekday() < 5 for day in between)
    if days <= 1:
        assert end == start
    else:
        assert end.weekday() < 5
        assert working == (days if start.weekday() < 5 else days - 1)


@given(st.integers(0, 10_000))
def test_hours_are_minutes_without_noise(minutes: int) -> None:
    assert WorkingDay(8, in_hours=True).minutes(str(minutes / 60)) == minutes


def test_durations_are_read_as_the_studio_writes_them() -> None:
    assert WorkingDay(7, in_hours=False).minutes("1,5") == 630
    assert WorkingDay(8, in_hours=False).days(1200) == 3
    assert WorkingDay(8, in_hours=True).minutes("0.001") == pytest.approx(0.06)
