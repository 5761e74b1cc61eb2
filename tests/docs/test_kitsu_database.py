"""The commands and examples of docs/kitsu-database.md, in the order of the page."""

import shlex
from pathlib import Path

import requests

from pegbar.exchange.kitsu.imports import IMPORTS
from tests.command import pegbar
from tests.core.data.databases import filled, new_database
from tests.docs.test_examples import DOCS, Reader, examples, says, td  # noqa: F401 - a fixture
from tests.server import Server

_PAGE = "kitsu-database.md"
_DATABASE = "postgresql://zou:secret@db.studio/zoudb"


def test_the_way_there_and_back_is_as_the_page_says(server: Server) -> None:
    url = filled(new_database(server, "page"))
    done = []
    for language, text, _ in examples(_PAGE):
        for line in text.splitlines() if language == "sh" else ():
            words = shlex.split(line.replace(_DATABASE, url))
            assert words[0] == "pegbar"
            if words[1] == "serve":
                with Server(None, *words[2:]) as running:
                    assert requests.get(f"{running.api}/status", timeout=30).json()["database-up"] is True
            else:
                ran = pegbar(*words[1:])
                assert ran.returncode == 0, ran.stdout + ran.stderr
            done.append(" ".join(words[1:4]))
    assert done[0] == "db adopt --verify"
    assert done[-1] == "db hand-back --yes"


def test_the_examples_of_the_page_work(server: Server, tmp_path: Path) -> None:
    reader = Reader(server, tmp_path)
    for language, text, expected in examples(_PAGE):
        if language == "python":
            assert says(expected or "", reader.run(language, text))


def test_the_page_names_every_table() -> None:
    text = (DOCS / _PAGE).read_text().partition("The tables are ")[2].partition("; in this order")[0]
    assert {name.strip("` \n") for name in text.replace(" and ", ",").split(",")} == {each.name for each in IMPORTS}
