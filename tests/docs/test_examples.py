"""The examples of the pages for TDs: every one is run, in the order of the page, and says what the page says."""

import contextlib
import io
import os
import re
import subprocess
import threading
from pathlib import Path
from typing import Any

import gazu
import pytest
import socketio

from tests.client import Client, unique
from tests.core.listener import slow_commit
from tests.server import Server

DOCS = Path(__file__).parents[2] / "docs"
#: The person of the pages.
EMAIL, PASSWORD = "td@studio.example", "a long password"
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module", autouse=True)
def td(admin: Client) -> None:
    if not admin.ok_get("/data/persons", params={"email": EMAIL}):  # other pages have the same reader
        row = {"first_name": "Tia", "last_name": "Doe", "email": EMAIL, "password": PASSWORD, "role": "admin"}
        admin.ok_post("/data/persons", row)


def examples(page: str) -> list[tuple[str, str, str | None]]:
    """Language, text and expected output of each example."""
    blocks = [(match[1], match[2]) for match in _BLOCK.finditer((DOCS / page).read_text())]
    assert {language for language, _ in blocks} <= {"python", "sh", "text"}, "a block that nobody runs"
    following = [*blocks[1:], ("", "")]
    return [
        (language, text, said if kind == "text" else None)
        for (language, text), (kind, said) in zip(blocks, following, strict=True)
        if language != "text"
    ]


class Reader:
    """Runs the examples of a page as its reader would: one Python session, one shell."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server, self._folder = server, folder
        self._shell: list[str] = []
        self.names: dict[str, Any] = {}

    def run(self, language: str, text: str) -> str:
        text = text.replace("http://pegbar.studio:8000", self._server.url)
        return self._python(text) if language == "python" else self._sh(text)

    def _python(self, text: str) -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.chdir(self._folder):
            exec(text, self.names)
        return said.getvalue()

    def _sh(self, text: str) -> str:
        # What an example set is there for the next ones; what they said is not said again.
        before = "".join(f"{{ {each}\n}} >&2\n" for each in self._shell)
        self._shell.append(text)
        project = self.names.get("project", {}).get("id", "")
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", before + text],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=self._folder,
            env={**os.environ, "PROJECT": project},
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout


def says(expected: str, said: str) -> bool:
    """Whether an output is the expected one, in which … stands for anything."""
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, said.strip()) is not None


@pytest.fixture
def reader(server: Server, tmp_path: Path) -> Reader:
    return Reader(server, tmp_path)


@pytest.mark.parametrize(
    "page",
    [
        "scripting.md",
        "following-events.md",
        "files.md",
        "annotations.md",
        "uploads.md",
        "spreadsheets.md",
        "exports.md",
        "timelines.md",
        "reviews.md",
        "open/query.md",
        "open/feed.md",
        "open/history.md",
        "open/undo.md",
        "open/client.md",
    ],
)
def test_the_examples_of_a_page_work(reader: Reader, page: str) -> None:
    for language, text, expected in examples(page):
        said = reader.run(language, text)
        if expected is not None:
            assert says(expected, said), f"{text}\nsaid\n{said}"


def test_the_follower_of_the_page_misses_nothing(
    server: Server, admin: Client, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = [text for language, text, _ in examples("following-events.md") if language == "python"]
    reader.run("python", blocks[0].partition("heard = ")[0])
    reader.run("python", next(text for text in blocks if "class Follower" in text).partition("\n\nfollower = ")[0])
    handled: list[str] = []
    last: list[str] = []
    sockets: list[socketio.Client] = []
    connect = gazu.events.init
    monkeypatch.setattr(gazu.events, "init", lambda: sockets.append(connect()) or sockets[-1])

    def handle(event: dict[str, Any]) -> None:
        handled.append(event["id"])
        if event["data"].get("department_id") in last and event["name"] == "department:delete":
            raise SystemExit

    project = admin.ok_post("/data/projects", {"name": unique("Late"), "production_type": "short"})
    follower = reader.names["Follower"](handle)
    cursor = follower.cursor

    def run() -> None:
        with contextlib.suppress(SystemExit):
            follower.run()

    running = threading.Thread(target=run, daemon=True)
    running.start()
    with slow_commit(server, project["id"]) as slow:
        gazu.shot.new_sequence(project, "SQ01")
        gazu.shot.new_sequence(project, "SQ02")
    made = gazu.person.new_department(unique("Late"))
    last.append(made["id"])
    gazu.person.remove_department(made, force=True)
    running.join(15)
    sockets[0].disconnect()
    told = admin.ok_get("/data/events/since", params={"cursor": cursor})["events"]
    assert not running.is_alive()
    assert slow in handled
    assert len(handled) == len(set(handled))
    assert set(handled) == {each["id"] for each in told}
