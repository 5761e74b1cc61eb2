"""The commands of docs/sync.md, run as the page has them."""

import shlex

import pytest

from pegbar.core.storage import choice
from tests.client import Client
from tests.command import pegbar
from tests.docs.test_examples import examples
from tests.exchange.sync.worlds import World
from tests.server import Server

pytestmark = pytest.mark.timeout(900)


def test_the_commands_of_the_page_work(
    source: Server, target: Server, there: Client, here: Client, world: World
) -> None:
    show = world.shows[0]
    there.ok_put(f"/data/projects/{show.project['id']}", {"name": "Big Film"})
    environment: dict[str, str] = {}
    commands = []
    for language, text, _ in examples("sync.md"):
        assert language == "sh"
        for line in text.splitlines():
            words = shlex.split(
                line.replace("http://kitsu.studio", source.url).replace("--data data", f"--data {target.folder}")
            )
            if words[0] == "export":
                name, value = words[1].split("=")
                environment[name] = value
                continue
            choice.store.cache_clear()
            done = pegbar(*words[1:], **environment)
            assert (words[0], done.returncode) == ("pegbar", 0), f"{line}\n{done.stdout}{done.stderr}"
            commands.append(words[2])
    choice.store.cache_clear()
    assert {"pull", "verify", "push"} <= set(commands)
    assert here.ok_get(f"/data/projects/{show.project['id']}")["name"] == "Big Film"
