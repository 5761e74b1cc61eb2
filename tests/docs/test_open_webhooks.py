"""The examples of docs/open/webhooks.md, run as their reader would."""

from pathlib import Path

from tests.docs.test_examples import Reader, examples, says, td  # noqa: F401 - a fixture
from tests.server import Server


def test_the_examples_of_the_page_work(server: Server, tmp_path: Path) -> None:
    reader = Reader(server, tmp_path)
    for language, text, expected in examples("open/webhooks.md"):
        said = reader.run(language, text)
        if expected is not None:
            assert says(expected, said), f"{text}\nsaid\n{said}"
    reader.names["receiver"].shutdown()
    webhook = reader.names["webhook"]["id"]
    assert reader.names["api"].delete(f"{server.api}/open/v1/webhooks/{webhook}").status_code == 204
