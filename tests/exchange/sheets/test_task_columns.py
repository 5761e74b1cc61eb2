"""What the task columns of a spreadsheet do: statuses, comments, assignations."""

from typing import Any

import pytest

from tests.accounts.people import artist, signed_in
from tests.client import Client, unique
from tests.entities.shows import happened
from tests.exchange.sheets.spreadsheets import Sheets, csv_of, refusal_of, rows_of
from tests.factories import hire
from tests.server import Server

HEAD = ("Sequence", "Name")


@pytest.fixture(scope="module")
def film(admin: Client) -> Sheets:
    return Sheets(admin)


@pytest.fixture(scope="module")
def animation(film: Sheets) -> str:
    return film.use_task_type("Animation", "Shot")


@pytest.fixture(scope="module")
def layout(film: Sheets) -> str:
    return film.use_task_type("Layout", "Shot")


def task_of(film: Sheets, row: dict[str, Any], word: str = "Animation") -> dict[str, Any]:
    return film.tasks(row["id"])[film.task_types[word]]


def test_a_new_shot_has_all_tasks_whatever_its_row_says(film: Sheets, animation: str, layout: str) -> None:
    rows = rows_of(film.send("shots", csv_of((*HEAD, animation), ("N1", "S1", "WIP"), ("N1", "S2", ""))))
    for row in rows:
        assert set(film.tasks(row["id"])) == set(film.task_types.values())
    assert task_of(film, rows[0])["task_status_id"] == film.status("Work In Progress")
    assert task_of(film, rows[0])["real_start_date"] is not None
    assert task_of(film, rows[1])["task_status_id"] == film.status("Todo")
    assert film.comments(task_of(film, rows[0])) == [""]
    assert film.comments(task_of(film, rows[0], "Layout")) == []
    assert layout != animation


def test_a_known_shot_gets_the_tasks_that_its_row_speaks_of(admin: Client) -> None:
    film = Sheets(admin)
    shot = film.shot(film.sequence(name="Q1"), name="S1")
    animation, layout = (film.use_task_type(name, "Shot") for name in ("Animation", "Layout"))
    rows_of(film.send("shots", csv_of((*HEAD, animation), ("Q1", "S1", "wip"))))
    assert film.tasks(shot["id"]) == {}, "without update nothing is done"
    rows_of(film.send("shots", csv_of((*HEAD, animation, f"{layout} comment"), ("Q1", "S1", "", "")), update="true"))
    assert film.tasks(shot["id"]) == {}
    rows_of(film.send("shots", csv_of((*HEAD, animation), ("Q1", "S1", "todo")), update="true"))
    assert list(film.tasks(shot["id"])) == [film.task_types["Animation"]]
    assert film.comments(task_of(film, shot)) == [], "it has this status already"
    rows_of(film.send("shots", csv_of((*HEAD, f"{layout} comment"), ("Q1", "S1", "Soon")), update="true"))
    assert film.comments(task_of(film, shot, "Layout")) == ["Soon"]


def test_statuses_are_known_by_name_and_short_name(film: Sheets, animation: str) -> None:
    names = ("Done", "DONE", "done", " wfa ", "waiting for approval")
    text = csv_of((*HEAD, animation), *[("ST", f"S{n}", name) for n, name in enumerate(names)])
    rows = rows_of(film.send("shots", text))
    done, wfa = film.status("Done"), film.status("Waiting For Approval")
    assert [task_of(film, row)["task_status_id"] for row in rows] == [done, done, done, wfa, wfa]
    message, line, imported = refusal_of(
        film.send("shots", csv_of((*HEAD, animation), ("ST", "S0", "done"), ("ST", "S9", "Lunch break")))
    )
    assert "Lunch break" in message
    assert animation in message
    assert (line, imported) == (3, 1)


def test_a_comment_is_posted_when_the_status_changes_or_the_column_is_there(film: Sheets, animation: str) -> None:
    (row,) = rows_of(film.send("shots", csv_of((*HEAD, animation), ("C1", "S1", "wip"))))
    task = task_of(film, row)
    for columns, cells, said in [
        ((animation,), ("wip",), 1),
        ((animation,), ("done",), 2),
        ((animation, f"{animation} comment"), ("done", ""), 3),
        ((f"{animation} comment",), ("",), 3),
        ((f"{animation} comment",), ("Nice",), 4),
    ]:
        rows_of(film.send("shots", csv_of((*HEAD, *columns), ("C1", "S1", *cells)), update="true"))
        assert len(film.comments(task)) == said, (columns, cells)
    comments = film.admin.ok_get(f"/data/tasks/{task['id']}/comments")
    assert {comment["person_id"] for comment in comments} == {row["created_by"]}
    assert task_of(film, row)["task_status_id"] == film.status("Done")


def test_persons_are_assigned_and_nobody_is_taken_off(server: Server, admin: Client) -> None:
    film = Sheets(admin)
    animation = film.use_task_type("Animation", "Shot")
    ada, bob = (
        admin.ok_post(
            "/data/persons",
            {"first_name": name, "last_name": unique("Sheet"), "email": f"{name}-{film.id[:8]}@studio.example"},
        )
        for name in ("ada", "bob")
    )
    head = (*HEAD, f"{animation} assignations")
    cell = f"{ada['full_name'].upper()}, {bob['email']},{bob['id']}"
    (row,) = rows_of(film.send("shots", csv_of(head, ("A1", "S1", cell))))
    task = task_of(film, row)
    assert set(task["assignees"]) == {ada["id"], bob["id"]}
    assert task["assigner_id"] == row["created_by"]
    assert {ada["id"], bob["id"]} <= set(admin.ok_get(film.path)["team"])
    rows_of(film.send("shots", csv_of(head, ("A1", "S1", ada["full_name"])), update="true"))
    rows_of(film.send("shots", csv_of(head, ("A1", "S1", "")), update="true"))
    assert set(task_of(film, row)["assignees"]) == {ada["id"], bob["id"]}
    told = [payload["person_id"] for name, payload in happened(server, film.id) if name == "task:assign"]
    assert sorted(told) == sorted([ada["id"], bob["id"]]), "each once"
    assert "notification:new" not in {name for name, _ in happened(server, film.id)}
    message, *_ = refusal_of(film.send("shots", csv_of(head, ("A1", "S2", f"{ada['full_name']},Nobody Knows"))))
    assert "Nobody Knows" in message


def test_exports_name_the_column_after_that_of_the_task_type(admin: Client) -> None:
    film = Sheets(admin)
    animation, layout = (film.use_task_type(name, "Shot") for name in ("Animation", "Layout"))
    ada, bob = (hire(admin, first_name=name).person for name in ("Ada", "Bob"))
    head = (*HEAD, animation, "Assignations", layout, "Assignations", "Assignations")
    text = csv_of(head, ("E1", "S1", "wip", ada["full_name"], "", f"{bob['full_name']},{ada['id']}", "Nobody"))
    (row,) = rows_of(film.send("shots", text))
    assert task_of(film, row)["assignees"] == [ada["id"]]
    assert set(task_of(film, row, "Layout")["assignees"]) == {ada["id"], bob["id"]}


def test_preview_accounts_take_no_tasks(admin: Client) -> None:
    film = Sheets(admin)
    animation = film.use_task_type("Animation", "Shot")
    account = admin.ok_post(f"{film.path}/preview-account")
    head = (*HEAD, f"{animation} assignations")
    message, *_ = refusal_of(film.send("shots", csv_of(head, ("P1", "S1", account["id"]))))
    assert account["id"] in message


def test_assignees_are_told_of_comments_and_mentions(server: Server, admin: Client) -> None:
    film = Sheets(admin)
    animation = film.use_task_type("Animation", "Shot")
    ada, bob = (signed_in(admin, artist(admin, first_name=name, last_name=unique("Sheet"))[1]) for name in ("A", "B"))
    film.join(bob)
    head = (*HEAD, animation, f"{animation} comment", f"{animation} assignations")
    text = csv_of(head, ("M1", "S1", "wip", f"@{bob.person['full_name']} look", ada.person["full_name"]))
    rows_of(film.send("shots", text))
    told = [payload["person_id"] for name, payload in happened(server, film.id) if name == "notification:new"]
    assert set(told) == {ada.id, bob.id}
    assert [row["notification_type"] for row in bob.ok_get("/data/user/notifications")] == ["mention"]
    names = [name for name, _ in happened(server, film.id)]
    for name in ("task:new", "task:assign", "comment:new", "task:status-changed", "news:new"):
        assert names.count(name) == 1, name


def test_retakes_over_the_cap_are_passed_over(admin: Client) -> None:
    film = Sheets(admin, max_retakes=1)
    animation = film.use_task_type("Animation", "Shot")
    shots = [(*("R1", f"S{n}"),) for n in range(3)]
    for status in ("retake", "wip"):
        rows_of(film.send("shots", csv_of((*HEAD, animation), *[(*shot, status) for shot in shots]), update="true"))
    rows = rows_of(
        film.send("shots", csv_of((*HEAD, animation), *[(*shot, "retake") for shot in shots]), update="true")
    )
    for row in rows:
        task = task_of(film, row)
        assert (task["retake_count"], task["task_status_id"]) == (1, film.status("Work In Progress"))
        assert len(film.comments(task)) == 2


def test_what_a_status_sets_off_gives_way_to_the_row(admin: Client) -> None:
    film = Sheets(admin)
    animation, lighting = (film.use_task_type(name, "Shot") for name in ("Animation", "Lighting"))
    wfa = film.status("Waiting For Approval")
    automation = admin.ok_post(
        "/data/status-automations",
        {
            "entity_type": "shot",
            "in_task_type_id": film.task_types["Animation"],
            "in_task_status_id": film.status("Done"),
            "out_field_type": "status",
            "out_task_type_id": film.task_types["Lighting"],
            "out_task_status_id": wfa,
        },
    )
    admin.ok_post(f"{film.path}/settings/status-automations", {"status_automation_id": automation["id"]})
    text = csv_of((*HEAD, animation, lighting), ("X1", "S1", "done", "todo"), ("X1", "S2", "done", ""))
    first, second = rows_of(film.send("shots", text))
    assert task_of(film, second, "Lighting")["task_status_id"] == wfa
    assert task_of(film, first, "Lighting")["task_status_id"] == film.status("Todo")
    assert len(film.comments(task_of(film, first, "Lighting"))) == 2


def test_two_rows_of_one_shot_speak_one_after_the_other(film: Sheets, animation: str) -> None:
    head = (*HEAD, animation, f"{animation} comment")
    text = csv_of(head, ("TW", "S1", "wip", "one"), ("TW", "S1", "done", "two"), ("TW", "S1", "", "three"))
    row = rows_of(film.send("shots", text, update="true"))[0]
    assert film.comments(task_of(film, row)) == ["one", "two", "three"]
    assert task_of(film, row)["task_status_id"] == film.status("Done")
