"""`pegbar sync push`, to a server whose studio has the same names under other ids."""

import re

import pytest

from tests.client import sign_in
from tests.exchange.sync.worlds import World, command
from tests.server import ADMIN, Server

#: Two servers start before the first of them.
pytestmark = pytest.mark.timeout(900)


def _written(printed: str) -> int:
    match = re.search(r"(\d+) rows written", printed)
    assert match is not None, printed
    return int(match[1])


def test_a_push_gives_another_server_a_production_with_its_ids_and_files(
    source: Server, blank: Server, world: World
) -> None:
    show, other = world.shows
    only = ("--project", world.name_of(show))
    planned = command("push", blank, source, *only, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    client = sign_in(blank.api, *ADMIN)
    assert client.ok_get("/data/projects") == []
    done = command("push", blank, source, *only)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    there = world.admin
    assert [row["id"] for row in client.ok_get("/data/projects")] == [show.project["id"]]
    assert {row["id"] for row in client.ok_get("/data/shots")} == {shot["id"] for shot in show.shots}
    shot = client.ok_get(f"/data/entities/{show.shots[0]['id']}")
    ours = there.ok_get(f"/data/entities/{show.shots[0]['id']}")
    for key in ("name", "nb_frames", "parent_id", "preview_file_id", "entities_out", "data"):
        assert shot[key] == ours[key], key
    # The studio's own rows have ids of their own there; what names them names those.
    people = {row["email"]: row["id"] for row in client.ok_get("/data/persons")}
    artist_id = people[world.artist["email"]]
    task = client.ok_get(f"/data/tasks/{show.tasks[0]['id']}")
    assert (task["assignees"], task["duration"]) == ([artist_id], 120.0)
    assert task["task_type_id"] in {row["id"] for row in client.ok_get("/data/task-types")}
    comment = client.ok_get(f"/data/comments/{show.comments[0]['id']}")
    assert (comment["text"], comment["mentions"]) == (show.comments[0]["text"], [artist_id])
    team = client.ok_get(f"/data/projects/{show.project['id']}/team")
    assert {member["project_role"] for member in team} == {None, "supervisor"}
    assert [row["name"] for row in client.ok_get("/data/budgets")] == ["First"]
    assert [row["name"] for row in client.ok_get("/data/milestones")] == ["Alpha"]

    picture = f"/pictures/originals/preview-files/{show.picture['id']}.png"
    assert client.get(picture).content == there.get(picture).content != b""
    document = f"/pictures/originals/preview-files/{show.document['id']}.md"
    assert client.get(document).content == there.get(document).content != b""
    (attached,) = client.ok_get(f"/data/comments/{show.comments[1]['id']}")["attachment_files"]
    assert client.get(f"/data/attachment-files/{attached['id']}/file/notes").content == b"some notes"
    assert client.get(f"/data/tasks/{other.tasks[0]['id']}").status_code == 404

    again = command("push", blank, source, *only)
    assert (_written(again.stdout), "0 files copied" in again.stdout) == (0, True), again.stdout + again.stderr
