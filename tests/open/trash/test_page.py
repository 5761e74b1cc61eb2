"""The examples of the page, run in its order."""

from pathlib import Path

import pytest

from tests.client import Client
from tests.docs.test_examples import EMAIL, PASSWORD, Reader, examples, says
from tests.server import Server


@pytest.fixture
def reader(server: Server, admin: Client, tmp_path: Path) -> Reader:
    """Run by the person of the pages, who may be there from other pages."""
    row = {"first_name": "Tia", "last_name": "Doe", "email": EMAIL, "password": PASSWORD, "role": "admin"}
    if not admin.ok_get("/data/persons", params={"email": EMAIL}):
        admin.ok_post("/data/persons", row)
    return Reader(server, tmp_path)


def test_the_examples_of_the_page_work(reader: Reader) -> None:
    for language, text, expected in examples("open/trash.md"):
        said = reader.run(language, text)
        if expected is not None:
            assert says(expected, said), f"{text}\nsaid\n{said}"
