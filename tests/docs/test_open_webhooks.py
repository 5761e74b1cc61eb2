"""The examples of docs/open/webhooks.md, run as their reader would."""

from pathlib import Path

import pytest

from tests.client import Client
from tests.docs import test_examples
from tests.docs.test_examples import Reader, examples, says
from tests.server import Server


@pytest.fixture(autouse=True)
def td(admin: Client) -> None:
    row = {"first_name": "Tia", "last_name": "Doe", "email": test_examples.EMAIL, "role": "admin"}
    found = admin.ok_get("/data/persons", params={"email": test_examples.EMAIL})
    if not found:
        admin.ok_post("/data/persons", {**row, "password": test_examples.PASSWORD})


def test_the_examples_of_the_page_work(server: Server, tmp_path: Path) -> None:
    reader = Reader(server, tmp_path)
    for language, text, expected in examples("open/webhooks.md"):
        said = reader.run(language, text)
        if expected is not None:
            assert says(expected, said), f"{text}\nsaid\n{said}"
    reader.names["receiver"].shutdown()
    webhook = reader.names["webhook"]["id"]
    assert reader.names["api"].delete(f"{server.api}/open/v1/webhooks/{webhook}").status_code == 204
