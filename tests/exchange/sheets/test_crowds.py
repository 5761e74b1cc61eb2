"""Many rows, and many at once: statements are counted, nothing is made twice."""

import re
import signal
from concurrent.futures import ThreadPoolExecutor

import psutil
import psycopg
import pytest
import requests

from tests.client import Client, sign_in
from tests.exchange.sheets.spreadsheets import Sheets, csv_of, refusal_of, rows_of
from tests.factories import hire
from tests.server import ADMIN, Server

HEAD = ("Sequence", "Name")


def statements(answer: object) -> int:
    timing = answer.headers["server-timing"]  # type: ignore[attr-defined]
    return int(re.search(r'desc="(\d+) statements', timing)[1])  # type: ignore[index]


def sheet(animation: str, persons: list[str], count: int, turn: int) -> str:
    statuses = ("wip", "done", "wfa")
    return csv_of(
        (*HEAD, "Description", animation, f"{animation} comment", f"{animation} assignations"),
        *[
            (f"SQ{n // 20}", f"SH{n % 20}", f"{n} {turn}", statuses[(n + turn) % 3], f"take {n}", persons[n % 2])
            for n in range(count)
        ],
    )


def test_four_hundred_rows_take_the_statements_of_ten(admin: Client) -> None:
    persons = [hire(admin, first_name=name).person["full_name"] for name in ("Ada", "Bob")]
    counts: list[list[int]] = []
    for size in (10, 400):
        film = Sheets(admin)
        animation = film.use_task_type("Animation", "Shot")
        answers = [
            film.send("shots", sheet(animation, persons, size, turn), update="true" if turn else "false")
            for turn in range(2)
        ]
        assert [len(rows_of(answer)) for answer in answers] == [size, size]
        counts.append([statements(answer) for answer in answers])
        assert len(admin.ok_get("/data/tasks", params={"project_id": film.id})) == size
    assert counts[0] == counts[1]


def test_two_imports_of_one_file_make_nothing_twice(server: Server, admin: Client) -> None:
    show = Sheets(admin, production_type="tvshow")
    animation = show.use_task_type("Animation", "Shot")
    managers = [show.join(hire(admin, "manager")) for _ in range(3)]
    head = ("Episode", *HEAD, animation)
    shots = csv_of(head, *[(f"E{n % 3}", f"SQ{n % 7}", f"SH{n}", "wip") for n in range(120)])
    kind = f"Vehicle {show.id[:8]}"
    assets = csv_of(("Type", "Name", "Episode"), *[(kind, f"Car {n}", f"E{n % 3}") for n in range(120)])
    files = [("shots", shots), ("assets", assets)]
    with ThreadPoolExecutor(6) as several:
        sent = [
            several.submit(show.send, name, text, Client(admin.api, manager.token), update="true")
            for manager in managers
            for name, text in files
        ]
        answers = [future.result() for future in sent]
    ids = [[row["id"] for row in rows_of(answer)] for answer in answers]
    assert ids[0] == ids[2] == ids[4]
    assert ids[1] == ids[3] == ids[5]
    with psycopg.connect(server.database_url) as connection:
        twice = connection.execute(
            "SELECT name, count(*) FROM entity WHERE project_id = %s GROUP BY name, entity_type_id, parent_id"
            " HAVING count(*) > 1",
            [show.id],
        ).fetchall()
        assert twice == []
        (said,) = connection.execute(
            "SELECT count(*) FROM comment c JOIN task t ON t.id = c.object_id WHERE t.project_id = %s", [show.id]
        ).fetchone() or (None,)
    assert said == 120
    assert len(admin.ok_get("/data/entity-types", params={"name": kind})) == 1


def test_single_shots_and_sheets_make_each_name_once(admin: Client) -> None:
    film = Sheets(admin)
    sequence = film.sequence(name="SQ")
    text = csv_of(HEAD, *[("SQ", f"SH{n}") for n in range(60)])
    with ThreadPoolExecutor(2) as several:
        sent = several.submit(film.send, "shots", text, Client(admin.api, admin.token))
        made = [film.shot(sequence, name=f"SH{n}") for n in reversed(range(0, 60, 4))]
        rows = rows_of(sent.result())
    assert {row["id"] for row in made} <= {row["id"] for row in rows}
    assert len(admin.ok_get(f"{film.path}/shots")) == 60


def test_a_file_that_broke_is_completed_by_sending_it_again(admin: Client) -> None:
    film = Sheets(admin)
    animation = film.use_task_type("Animation", "Shot")
    rows = [(f"SQ{n % 5}", f"SH{n}", "wip") for n in range(900)]
    broken = csv_of((*HEAD, animation), *rows[:700], ("SQ0", "SH700", "Lunch"), *rows[701:])
    message, line, imported = refusal_of(film.send("shots", broken))
    assert "Lunch" in message
    assert (line, imported) == (702, 700)
    assert len(admin.ok_get(f"{film.path}/shots")) == 700
    assert len(rows_of(film.send("shots", csv_of((*HEAD, animation), *rows), update="true"))) == 900
    tasks = admin.ok_get("/data/tasks", params={"project_id": film.id})
    assert len(tasks) == 900
    assert {task["task_status_id"] for task in tasks} == {film.status("Work In Progress")}
    assert len(film.comments(tasks[0])) == 1


def test_what_the_database_refuses_is_the_fault_of_its_row(server: Server, admin: Client) -> None:
    film = Sheets(admin)
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(
            "ALTER TABLE entity ADD CONSTRAINT no_such_shot CHECK (name <> 'the forbidden one') NOT VALID"
        )
        try:
            text = csv_of(HEAD, *[("SQ", f"SH{n}") for n in range(37)], ("SQ", "the forbidden one"), ("SQ", "after"))
            message, line, imported = refusal_of(film.send("shots", text))
        finally:
            connection.execute("ALTER TABLE entity DROP CONSTRAINT no_such_shot")
    assert (line, imported) == (39, 37)
    assert "forbidden" not in message, "rows of the database are not quoted"
    assert len(admin.ok_get(f"{film.path}/shots")) == 37


def test_an_import_that_is_killed_is_completed_by_sending_it_again() -> None:
    with Server(None) as own:
        boss = sign_in(own.api, *ADMIN)
        film = Sheets(boss)
        animation = film.use_task_type("Animation", "Shot")
        rows = [(f"SQ{n // 40}", f"SH{n % 40}", "wip") for n in range(1200)]
        text = csv_of((*HEAD, animation), *rows)
        with ThreadPoolExecutor(1) as several, psycopg.connect(own.database_url, autocommit=True) as connection:
            sent = several.submit(film.send, "shots", text, Client(boss.api, boss.token))
            made = 0
            while made == 0:
                (made,) = connection.execute(
                    "SELECT count(*) FROM entity WHERE project_id = %s AND nb_frames = 0", [film.id]
                ).fetchone() or (0,)
            assert own.process is not None
            for child in psutil.Process(own.process.pid).children(recursive=True):
                if child.name().startswith("pegbar api"):
                    child.send_signal(signal.SIGKILL)
            with pytest.raises(requests.RequestException):
                sent.result()
            (made,) = connection.execute(
                "SELECT count(*) FROM entity WHERE project_id = %s AND nb_frames = 0", [film.id]
            ).fetchone() or (0,)
            assert made < 1200, "it was killed too late to tell"
        _wait(own, boss)
        assert len(rows_of(film.send("shots", text, update="true"))) == 1200
        tasks = boss.ok_get("/data/tasks", params={"project_id": film.id})
        assert len(tasks) == 1200
        assert {task["task_status_id"] for task in tasks} == {film.status("Work In Progress")}
        with psycopg.connect(own.database_url) as connection:
            (said,) = connection.execute("SELECT count(*) FROM comment").fetchone() or (None,)
        assert said == 1200


def _wait(own: Server, who: Client) -> None:
    """Until the server answers again."""
    for _ in range(10_000):
        try:
            if requests.get(own.api, timeout=5).status_code == 200:
                return
        except requests.RequestException:
            continue
    raise AssertionError(f"{who.api} does not come back")
