"""The examples for scripts in docs/shotgrid.md are run, and its table names the keys that are read."""

import re
from pathlib import Path

from pegbar.exchange.shotgrid.kinds import KINDS
from tests.client import Client, unique
from tests.docs.test_examples import DOCS, Reader, examples, says
from tests.exchange.shotgrid.test_contract import KINDS as IN_ORDER
from tests.server import Server


def _section() -> str:
    return (DOCS / "shotgrid.md").read_text().partition("## Routes for scripts")[2]


def _words(text: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", text))


def test_the_examples_work(server: Server, admin: Client, tmp_path: Path) -> None:
    email = f"{unique('td').replace(' ', '.')}@studio.example"
    row = {"first_name": "Tia", "last_name": "Doe", "email": email, "password": "a long password", "role": "admin"}
    admin.ok_post("/data/persons", row)
    blocks = [block for block in examples("shotgrid.md") if block[1] in _section()]
    assert len(blocks) == 3
    reader = Reader(server, tmp_path)
    for language, text, expected in blocks:
        said = reader.run(language, text.replace("td@studio.example", email))
        assert expected is not None
        assert says(expected, said), f"{text}\nsaid\n{said}"


def test_the_table_names_every_key() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (.*?) \| .*? \|$", _section(), re.MULTILINE)
    assert [name for name, _ in rows] == IN_ORDER == list(KINDS)
    for name, text in rows:
        keys = f"{rows[3][1]}, {text}" if "the same" in text else text
        declared = KINDS[name].keys
        needed, optional = _words(re.sub(r"\*.*?\*", "", keys)), _words(" ".join(re.findall(r"\*(.*?)\*", keys)))
        assert needed == {key.name for key in declared if key.absent in ("skip", "refuse")}, name
        assert optional == {key.name for key in declared if key.absent in ("keep", "empty")}, name
