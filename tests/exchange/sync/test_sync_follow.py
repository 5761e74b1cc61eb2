"""`pegbar sync pull --follow`: what changes there changes here."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.client import Client, unique
from tests.exchange.sync.worlds import World
from tests.factories import entity, task
from tests.media.publishing import comment_on, place, png, upload
from tests.server import ADMIN, FAST, Server

#: Two servers start before the first of them.
pytestmark = pytest.mark.timeout(900)

_PATIENCE = 60


@pytest.fixture(scope="module")
def following(source: Server, target: Server, pulled: str) -> Iterator[None]:
    """The command, running; it ends when it is interrupted."""
    assert pulled
    arguments = (
        "--from",
        source.url,
        "--email",
        ADMIN[0],
        "--data",
        str(target.folder),
        "--follow",
        "--interval",
        "0.2",
    )
    running = subprocess.Popen(
        [sys.executable, "-m", "pegbar", "sync", "pull", *arguments],
        env={**os.environ, **FAST, "PEGBAR_SYNC_PASSWORD": ADMIN[1]},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    for line in running.stderr:
        if "Following" in line:
            break
    assert running.poll() is None
    yield
    running.send_signal(signal.SIGINT)
    rest = running.stderr.read()
    assert running.wait(30) == 130, rest


def _eventually(look: Callable[[], Any], wanted: Any) -> None:
    """Wait until something is as wanted."""
    deadline = time.monotonic() + _PATIENCE
    while (seen := look()) != wanted:
        assert time.monotonic() < deadline, seen
        time.sleep(0.1)


@pytest.mark.usefixtures("following")
def test_creations_changes_and_deletions_there_are_here_a_moment_later(
    there: Client, here: Client, world: World
) -> None:
    project_id = world.shows[0].project["id"]
    cursor = here.ok_get("/data/events/since")["cursor"]
    prop = entity(there, project_id, "Prop")
    modeling = task(there, prop, assignees=[world.artist["id"]])
    comment = comment_on(there, there, modeling["id"])
    preview = place(there, modeling["id"], comment["id"])
    assert upload(there, preview["id"], png(40, 20)).status_code == 201
    paths = [
        f"/data/entities/{prop['id']}",
        f"/data/tasks/{modeling['id']}",
        f"/data/comments/{comment['id']}",
        f"/data/preview-files/{preview['id']}",
    ]
    for path in paths:
        _eventually(lambda path=path: here.get(path).status_code, 200)
    picture = f"/pictures/originals/preview-files/{preview['id']}.png"
    _eventually(lambda: here.get(picture).status_code, 200)
    assert here.get(picture).content == there.get(picture).content
    # People at work here are told, as if it had happened here.
    told = here.ok_get("/data/events/since", params={"cursor": cursor, "limit": 1000})["events"]
    assert ("asset:new", prop["id"]) in {(event["name"], event["data"].get("asset_id")) for event in told}

    there.ok_put(f"/data/entities/{prop['id']}", {"description": "A lamp"})
    _eventually(lambda: here.ok_get(paths[0])["description"], "A lamp")
    there.ok_put("/actions/tasks/clear-assignation", {"task_ids": [modeling["id"]]})
    _eventually(lambda: here.ok_get(paths[1])["assignees"], [])

    there.ok_delete(f"/data/tasks/{modeling['id']}?force=true")
    for path in paths[1:]:
        _eventually(lambda path=path: here.get(path).status_code, 404)
    there.ok_delete(f"/data/assets/{prop['id']}?force=true")
    _eventually(lambda: here.get(paths[0]).status_code, 404)


@pytest.mark.usefixtures("following")
def test_casting_settings_and_people_follow(there: Client, here: Client, world: World) -> None:
    show = world.shows[0]
    casting = f"/data/projects/{show.project['id']}/entities/{show.shots[0]['id']}/casting"
    prop = entity(there, show.project["id"], "Prop")
    there.ok_put(casting, [{"asset_id": prop["id"], "nb_occurences": 5}])

    def cast() -> list[tuple[str, int]]:
        return [(link["asset_id"], link["nb_occurences"]) for link in here.ok_get(casting)]

    _eventually(cast, [(prop["id"], 5)])
    there.ok_put(f"/data/projects/{show.project['id']}", {"fps": "24", "name": (name := unique("Renamed"))})
    path = f"/data/projects/{show.project['id']}"
    _eventually(lambda: (here.ok_get(path)["fps"], here.ok_get(path)["name"]), ("24", name))
    there.ok_put(f"/data/persons/{world.artist['id']}", {"last_name": "Durand"})
    _eventually(lambda: here.ok_get(f"/data/persons/{world.artist['id']}")["last_name"], "Durand")


@pytest.mark.usefixtures("following")
def test_what_happens_while_the_other_server_starts_again_is_not_missed(
    source: Server, there: Client, here: Client, world: World
) -> None:
    before = entity(there, world.shows[1].project["id"], "Prop")
    source.stop(signal.SIGKILL)
    source.start()
    after = entity(there, world.shows[1].project["id"], "Prop")
    for row in (before, after):
        _eventually(lambda row=row: here.get(f"/data/entities/{row['id']}").status_code, 200)
