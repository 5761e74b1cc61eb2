"""The examples for scripts in docs/shotgrid.md are run, and its table names the keys that are read."""

import re

from pegbar.exchange.shotgrid.kinds import KINDS
from tests.client import Client
from tests.docs.test_examples import DOCS, Reader, examples, reader, says
from tests.exchange.shotgrid.test_contract import KINDS as IN_ORDER

__all__ = ["reader"]
_EMAIL, _PASSWORD = "td@studio.example", "a long password"


def _section() -> str:
    return (DOCS / "shotgrid.md").read_text().partition("## Routes for scripts")[2]


def test_the_examples_work(admin: Client, reader: Reader) -> None:  # noqa: F811 - the fixture
    if not admin.ok_get("/data/persons", params={"email": _EMAIL}):
        row = {"first_name": "Tia", "last_name": "Doe", "email": _EMAIL, "password": _PASSWORD, "role": "admin"}
        admin.ok_post("/data/persons", row)
    blocks = [block for block in examples("shotgrid.md") if block[1] in _section()]
    assert len(blocks) == 3
    for language, text, expected in blocks:
        said = reader.run(language, text)
        assert expected is not None
        assert says(expected, said), f"{text}\nsaid\n{said}"


def test_the_table_names_every_key(admin: Client) -> None:
    rows = re.findall(r"^\| `([\w-]+)` \| (.*?) \| (.*?) \|$", _section(), re.MULTILINE)
    assert [name for name, _, _ in rows] == IN_ORDER == list(KINDS)
    for name, keys, _ in rows:
        if "the same" in keys:
            keys = f"{rows[3][1]}, {keys}"
        optional = {word for part in re.findall(r"\*(.*?)\*", keys) for word in re.findall(r"`(\w+)`", part)}
        optional.discard("sg_")
        needed = set(re.findall(r"`(\w+)`", re.sub(r"\*.*?\*", "", keys)))
        declared = KINDS[name].keys
        assert needed == {key.name for key in declared if key.absent in ("skip", "refuse")}, name
        assert optional == {key.name for key in declared if key.absent in ("keep", "empty")}, name
