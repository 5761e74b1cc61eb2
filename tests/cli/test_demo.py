"""`pegbar demo`: a production made by the API's own actions, once, and taken away whole."""

from collections import Counter
from datetime import date
from typing import Any

import pytest

from pegbar.demo import plan, story
from tests.client import Client, sign_in
from tests.command import Done, pegbar
from tests.factories import join, production
from tests.server import Server


def demo(server: Server, *arguments: str) -> Done:
    return pegbar("demo", "--data", str(server.folder), *arguments)


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter story, since each picture takes half a second."""
    monkeypatch.setattr(story, "SEQUENCES", tuple((name, text, 2) for name, text, _ in story.SEQUENCES[:3]))
    monkeypatch.setattr(story, "ASSETS", {kind: names[:2] for kind, names in story.ASSETS.items()})
    monkeypatch.setattr("pegbar.demo.making._MOVIES", 1)


def demos(admin: Client) -> list[dict[str, Any]]:
    return [row for row in admin.ok_get("/data/projects") if (row["data"] or {}).get("pegbar_demo")]


@pytest.mark.usefixtures("_short")
def test_it_is_made_once_looked_at_by_all_and_taken_away(server: Server, admin: Client) -> None:
    # One that was broken off is made anew, by the people who are there.
    admin.ok_post("/data/projects", {"name": story.PRODUCTION, "data": {"pegbar_demo": "making"}})
    names = {"first_name": "Maud", "last_name": "Ferrant", "role": "manager", "active": False}
    admin.ok_post("/data/persons", {"email": story.PEOPLE[0].email, **names})
    done = demo(server)
    assert done.returncode == 0, done.stderr
    (project,) = demos(admin)
    assert (project["name"], project["data"]) == (story.PRODUCTION, {"pegbar_demo": "made"})
    for member in story.PEOPLE[:2]:
        guess = {"email": member.email, "password": ""}
        assert Client(server.api).post("/auth/login", guess).status_code == 400
    known = demo(server, "--passwords")
    assert "is there already" in known.stdout
    assert len(demos(admin)) == 1
    of = f"/data/projects/{project['id']}"

    people = {member.role: member for member in story.PEOPLE}
    words = {line.split()[0]: line.split()[1] for line in known.stdout.splitlines() if "@" in line}
    voices = {role: sign_in(server.api, who.email, words[who.email]) for role, who in people.items()}
    assert {voice.person["role"] for voice in voices.values()} == {"manager", "supervisor", "user", "vendor", "client"}
    assert set(words) == {member.email for member in story.PEOPLE}

    shots = voices["manager"].ok_get("/data/shots/with-tasks", params={"project_id": project["id"]})
    assets = voices["manager"].ok_get("/data/assets/with-tasks", params={"project_id": project["id"]})
    assert (len(shots), len(assets)) == (6, 8)
    assert all(row["preview_file_id"] for row in shots[:4])
    tasks = [task for row in shots for task in row["tasks"]]
    assert all(task["assignees"] and task["estimation"] and task["due_date"] for task in tasks)
    statuses = {row["id"]: row["short_name"] for row in admin.ok_get("/data/task-status")}
    seen = Counter(statuses[task["task_status_id"]] for task in tasks)
    assert {"done", "wip", "wfa", "retake"} <= set(seen)
    assert voices["client"].ok_get(f"{of}/playlists")[0]["name"] == "For the client: opening"
    assert voices["user"].ok_get("/data/user/tasks") or voices["user"].ok_get("/data/user/done-tasks")
    assert voices["user"].ok_get("/data/user/notifications")
    assert voices["manager"].ok_get(f"{of}/news")["data"]
    assert voices["manager"].ok_get(f"{of}/sequences/all/casting")
    assert voices["manager"].ok_get(f"{of}/time-spents")
    assert len(voices["manager"].ok_get(f"{of}/milestones")) == 3
    previews = admin.ok_get("/data/preview-files", params={"project_id": project["id"]})
    assert {(row["extension"], row["status"]) for row in previews} == {("png", "ready"), ("mp4", "ready")}
    comments = [row for task in tasks for row in voices["manager"].ok_get(f"/data/tasks/{task['id']}/comments")]
    assert any(row["replies"] for row in comments)
    assert any(row["checklist"] for row in comments)
    assert len({row["person_id"] for row in comments}) > 4

    other = production(admin)
    kept = next(member for member in story.PEOPLE if member.role == "vendor")
    join(admin, other["id"], voices["vendor"])
    gone = demo(server, "--remove")
    assert gone.returncode == 0, gone.stderr
    assert f"{kept.email} stays" in gone.stdout
    assert demos(admin) == []
    left = {row["email"] for row in admin.ok_get("/data/persons")} & {member.email for member in story.PEOPLE}
    assert left == {kept.email}
    admin.ok_delete(f"/data/projects/{other['id']}/team/{voices['vendor'].id}")
    assert "1 people of the demo are taken away" in demo(server, "--remove").stdout
    assert "There is no demo" in demo(server, "--remove").stdout


def test_both_at_once_make_no_sense(server: Server) -> None:
    done = demo(server, "--remove", "--passwords")
    assert (done.returncode, "either --remove or --passwords" in done.stderr) == (1, True)


def test_the_story_is_that_of_a_short() -> None:
    assert len(story.SEQUENCES) == 6
    assert sum(count for _, _, count in story.SEQUENCES) == 40
    assert sum(len(names) for names in story.ASSETS.values()) == 30
    assert len({member.email for member in story.PEOPLE}) == len(story.PEOPLE)


@pytest.mark.parametrize("today", [date(2027, 3, day) for day in range(1, 8)])
@pytest.mark.parametrize(("number", "steps"), [(40, 5), (30, 4), (6, 1)])
def test_work_is_in_all_states_and_in_the_order_of_time(today: date, number: int, steps: int) -> None:
    stages = Counter[str]()
    for place in range(number):
        for step in range(steps):
            stage = plan.stage_of(place, number, step, steps)
            stages[stage] += 1
            work = plan.work_of(stage, place, number, step, steps, today)
            moments = [said.at for said in work.steps]
            assert moments == sorted(set(moments))
            assert not moments or (moments[-1].date() <= today and work.steps[-1].stage == stage)
            assert work.start <= work.due
            assert all(day < today and day.weekday() < 5 and 0 < minutes <= 600 for day, minutes in work.minutes)
    if steps > 1:
        assert set(stages) == {"todo", "ready", "wip", "review", "retake", "done"}
