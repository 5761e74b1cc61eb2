"""`pegbar sync pull` and `verify`, between two Pegbar servers."""

import re
import signal
import threading
from typing import Any

import psycopg
import pytest

from pegbar.exchange.sync import actions
from pegbar.exchange.sync.remote import Remote
from tests.client import Client, sign_in, unique
from tests.exchange.sync.worlds import World, command
from tests.factories import entity, task
from tests.server import ADMIN, Server

#: Two servers start before the first of them.
pytestmark = pytest.mark.timeout(900)


def _written(printed: str) -> int:
    match = re.search(r"(\d+) rows written", printed)
    assert match is not None, printed
    return int(match[1])


def test_a_pull_brings_rows_with_their_ids_and_links(there: Client, here: Client, world: World) -> None:
    for show in world.shows:
        for path in (
            f"/data/projects/{show.project['id']}",
            f"/data/entities/{show.hero['id']}",
            f"/data/entities/{show.shots[0]['id']}",
            f"/data/tasks/{show.tasks[0]['id']}",
            f"/data/preview-files/{show.picture['id']}",
        ):
            assert _sorted(here.ok_get(path)) == _sorted(there.ok_get(path)), path
        comments = f"/data/projects/{show.project['id']}/comments"
        assert _sorted(here.ok_get(comments)) == _sorted(there.ok_get(comments))
        team = f"/data/projects/{show.project['id']}/team"
        roles = {member["id"]: member["project_role"] for member in here.ok_get(team)}
        assert roles[world.supervisor.id] == "supervisor"
        softwares = f"/data/projects/{show.project['id']}/task-type-softwares"
        assert here.ok_get(softwares) == there.ok_get(softwares) != []
    assert here.ok_get("/data/departments/software-licenses") == there.ok_get("/data/departments/software-licenses")


def _sorted(value: Any) -> Any:
    """Lists of ids have no order."""
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in value.items()}
    return sorted(map(_sorted, value), key=str) if isinstance(value, list) else value


def test_what_a_studio_starts_with_is_merged_by_name(there: Client, here: Client) -> None:
    for path in ("task-types", "task-status", "departments", "entity-types", "project-status", "organisations"):
        ids = [{row["id"] for row in who.ok_get(f"/data/{path}")} for who in (there, here)]
        assert ids[0] == ids[1], path
    assert here.ok_get("/data/organisations")[0]["name"] == "The source"


def test_somebody_who_is_here_already_keeps_the_password_and_has_the_id_of_there(
    there: Client, target: Server, pulled: str
) -> None:
    assert pulled
    signed_in = sign_in(target.api, *ADMIN)
    assert signed_in.id == there.id


def test_files_come_with_their_rows(there: Client, here: Client, world: World) -> None:
    show = world.shows[0]
    paths = [
        f"/pictures/originals/preview-files/{show.picture['id']}.png",
        f"/pictures/thumbnails/preview-files/{show.picture['id']}.png",
        f"/pictures/originals/preview-files/{show.document['id']}.md",
        f"/data/attachment-files/{show.attachment['id']}/file/notes",
        f"/pictures/thumbnails/persons/{world.artist['id']}.png",
    ]
    for path in paths:
        answers = [who.get(path) for who in (there, here)]
        assert [answer.status_code for answer in answers] == [200, 200], path
        assert answers[0].content == answers[1].content


def test_the_two_are_the_same_and_a_second_pull_writes_nothing(source: Server, target: Server, pulled: str) -> None:
    assert _written(pulled) > 50
    verified = command("verify", source, target)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    again = command("pull", source, target)
    assert (again.returncode, _written(again.stdout)) == (0, 0), again.stdout + again.stderr
    assert "0 files copied" in again.stdout


def test_verify_finds_what_differs_in_a_row_a_link_and_a_file(
    source: Server, target: Server, here: Client, world: World
) -> None:
    show = world.shows[0]
    with psycopg.connect(target.database_url, autocommit=True) as database:
        database.execute("UPDATE entity SET nb_frames = 7 WHERE id = %s", (show.shots[0]["id"],))
        database.execute("DELETE FROM task_person_link WHERE task_id = %s", (show.tasks[0]["id"],))
    extra = here.ok_post("/data/studios", {"name": unique("Only here"), "color": "#000000"})
    stored = here.ok_get(f"/data/preview-files/{show.document['id']}")
    (file,) = (target.folder / "previews").rglob(f"*{stored['id']}") or [None]
    content = file.read_bytes()
    file.write_bytes(b"!" + content[1:])
    try:
        done = command("verify", source, target)
        assert done.returncode == 1
        assert f"{show.shots[0]['id']}: nb_frames" in done.stdout
        assert f"{show.tasks[0]['id']}: assignees" in done.stdout
        assert f"only here: {extra['id']}" in done.stdout
        assert "1 differ" in done.stdout
        assert f"/pictures/originals/preview-files/{stored['id']}.md" in done.stdout
    finally:
        file.write_bytes(content)
        here.ok_delete(f"/data/studios/{extra['id']}")
    mended = command("pull", source, target)
    assert _written(mended.stdout) == 2, mended.stdout
    assert command("verify", source, target).returncode == 0


def test_a_dry_run_says_what_it_would_write_and_writes_nothing(
    source: Server, target: Server, there: Client, here: Client, world: World
) -> None:
    made = entity(there, world.shows[0].project["id"], "Prop")
    done = command("pull", source, target, "--dry-run")
    assert (done.returncode, "1 would be new, 0 changed" in done.stdout) == (0, True), done.stdout + done.stderr
    assert here.get(f"/data/entities/{made['id']}").status_code == 404
    assert _written(command("pull", source, target).stdout) == 1


def test_what_is_changed_and_deleted_there_is_here_and_what_was_made_here_stays(
    source: Server, target: Server, there: Client, here: Client, world: World
) -> None:
    project_id = world.shows[1].project["id"]
    doomed, renamed = entity(there, project_id, "Prop"), entity(there, project_id, "Prop")
    of_doomed = task(there, doomed)
    assert command("pull", source, target).returncode == 0
    own = entity(here, project_id, "Prop")
    there.ok_delete(f"/data/assets/{doomed['id']}?force=true")
    # Two rows that swap their names are in each other's way.
    other = entity(there, project_id, "Prop")
    there.ok_put(f"/data/entities/{renamed['id']}", {"name": doomed["name"]})
    there.ok_put(f"/data/entities/{other['id']}", {"name": renamed["name"]})
    done = command("pull", source, target)
    assert done.returncode == 0, done.stderr
    assert here.get(f"/data/entities/{doomed['id']}").status_code == 404
    assert here.get(f"/data/tasks/{of_doomed['id']}").status_code == 404
    assert here.ok_get(f"/data/entities/{renamed['id']}")["name"] == doomed["name"]
    assert here.ok_get(f"/data/entities/{other['id']}")["name"] == renamed["name"]
    assert here.ok_get(f"/data/entities/{own['id']}")["name"] == own["name"]
    here.ok_delete(f"/data/entities/{own['id']}?force=true")


def test_many_deletions_want_a_word(
    source: Server, target: Server, there: Client, here: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "_MANY", 1)
    monkeypatch.setattr(actions, "_SHARE", 0.0)
    doomed = [entity(there, world.shows[1].project["id"], "Prop") for _ in range(2)]
    assert command("pull", source, target).returncode == 0
    for row in doomed:
        there.ok_delete(f"/data/entities/{row['id']}?force=true")
    refused = command("pull", source, target)
    assert (refused.returncode, "--delete-many" in refused.stderr) == (1, True)
    assert here.get(f"/data/entities/{doomed[0]['id']}").status_code == 200
    assert command("pull", source, target, "--delete-many").returncode == 0
    assert here.get(f"/data/entities/{doomed[0]['id']}").status_code == 404


def test_a_server_that_is_killed_in_the_middle_and_comes_back_is_waited_for(
    source: Server, target: Server, there: Client, here: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = entity(there, world.shows[0].project["id"], "Prop")
    asked: list[str] = []
    get = Remote.get
    starting: list[threading.Thread] = []

    async def killing(self: Remote, path: str, **params: Any) -> Any:
        asked.append(path)
        if len(asked) == 12:
            source.stop(signal.SIGKILL)
            starting.append(threading.Thread(target=source.start))
            starting[0].start()
        return await get(self, path, **params)

    monkeypatch.setattr(Remote, "get", killing)
    done = command("pull", source, target)
    starting[0].join()
    assert done.returncode == 0, done.stderr
    assert here.ok_get(f"/data/entities/{made['id']}")["name"] == made["name"]


def test_a_pull_that_is_interrupted_goes_on_where_it_was(
    source: Server, target: Server, there: Client, here: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = entity(there, world.shows[0].project["id"], "Prop")
    asked: list[str] = []
    get = Remote.get
    interrupted = True

    async def interrupting(self: Remote, path: str, **params: Any) -> Any:
        if interrupted and path == "/data/projects" and "page" in params:
            raise KeyboardInterrupt
        asked.append(path)
        return await get(self, path, **params)

    monkeypatch.setattr(Remote, "get", interrupting)
    assert command("pull", source, target).returncode == 130
    assert "/data/comments" in asked
    assert here.get(f"/data/entities/{made['id']}").status_code == 404
    asked.clear()
    interrupted = False
    done = command("pull", source, target)
    assert done.returncode == 0, done.stderr
    assert "/data/projects" in asked
    assert "/data/comments" not in asked  # it was read before
    assert here.get(f"/data/entities/{made['id']}").status_code == 200


def test_a_production_alone_comes_with_what_it_names(source: Server, blank: Server, world: World) -> None:
    first, second = world.shows
    done = command("pull", source, blank, "--project", world.name_of(first))
    assert done.returncode == 0, done.stderr
    client = sign_in(blank.api, *ADMIN)
    assert [row["id"] for row in client.ok_get("/data/projects")] == [first.project["id"]]
    shots = {row["id"] for row in client.ok_get("/data/shots")}
    assert shots == {shot["id"] for shot in first.shots}
    assert len(client.ok_get("/data/comments")) == len(first.comments)
    assert client.get(f"/data/attachment-files/{first.attachment['id']}/file/x").content == b"some notes"
    assert client.get(f"/data/tasks/{second.tasks[0]['id']}").status_code == 404
    named_there = {row["name"] for row in client.ok_get("/data/budgets")}
    assert (len(client.ok_get("/data/budget-entries")), named_there) == (1, {"First"})
    verified = command("verify", source, blank, "--project", world.name_of(first))
    assert verified.returncode == 0, verified.stdout
    unknown = command("pull", source, blank, "--project", "Nothing of the kind")
    assert (unknown.returncode, "Nothing of the kind" in unknown.stderr) == (1, True)


def test_another_production_of_the_same_name_is_not_written_over(
    source: Server, target: Server, there: Client, here: Client
) -> None:
    name = unique("Twice")
    mine = here.ok_post("/data/projects", {"name": name})
    theirs = there.ok_post("/data/projects", {"name": name})
    done = command("pull", source, target)
    assert (done.returncode, name in done.stderr) == (1, True)
    here.ok_put(f"/data/projects/{mine['id']}", {"name": unique("Mine")})
    assert command("pull", source, target).returncode == 0
    assert here.ok_get(f"/data/projects/{theirs['id']}")["name"] == name


def test_only_an_administrator_of_the_other_server_pulls(source: Server, target: Server, world: World) -> None:
    from tests.command import pegbar

    options = ("--from", source.url, "--data", str(target.folder))
    token = world.supervisor.token or ""
    done = pegbar("sync", "pull", *options, "--token", token)
    assert (done.returncode, "administrator" in done.stderr) == (1, True)
    assert token not in done.stderr + done.stdout
    wrong = pegbar("sync", "pull", *options, "--email", ADMIN[0], PEGBAR_SYNC_PASSWORD="not this one")
    assert wrong.returncode == 1
    assert "not this one" not in wrong.stderr


def test_passwords_come_when_they_are_asked_for(source: Server, target: Server, world: World, pulled: str) -> None:
    assert pulled
    with psycopg.connect(target.database_url, autocommit=True) as database:
        query = "SELECT password IS NULL FROM person WHERE id = %s"
        assert database.execute(query, (world.artist["id"],)).fetchone() == (True,)
        assert command("pull", source, target, "--with-passwords").returncode == 0
        assert database.execute("SELECT count(*) FROM pegbar.sync_row WHERE row IS NOT NULL").fetchone() == (0,)
    assert sign_in(target.api, world.artist["email"], "a long password").id == world.artist["id"]
