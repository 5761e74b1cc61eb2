"""docs/moving-in.md promises that its commands are run by tests: each is one of a page whose commands are."""

import re

import pytest

from tests.docs.test_examples import DOCS

_PAGE = (DOCS / "moving-in.md").read_text()
_COMMAND = re.compile(r"\bpegbar ([a-z]+(?:-[a-z]+)*(?: [a-z]+(?:-[a-z]+)*)?)((?: +[^`\n]*)?)")
#: The pages whose commands are run (tests/docs, tests/exchange).
_RUN = ("spreadsheets.md", "timelines.md", "shotgrid.md", "kitsu-database.md", "sync.md", "exports.md")


def commands(text: str) -> list[tuple[str, ...]]:
    """The commands of a page: the name of each, and the options that it is written with, in order."""
    return [(match[1], *sorted(re.findall(r"--[a-z-]+", match[2]))) for match in _COMMAND.finditer(text)]


@pytest.mark.parametrize("command", sorted(set(commands(_PAGE))), ids=" ".join)
def test_a_command_of_the_overview_is_run_from_its_page(command: tuple[str, ...]) -> None:
    name, *options = command
    written = [known for page in _RUN for known in commands((DOCS / page).read_text()) if known[0] == name]
    assert written, f"no page whose commands are run has pegbar {name}"
    missing = set(options).difference(*written)
    assert not missing, f"no command that is run has {missing}"


def test_the_pages_that_the_overview_names_are_there() -> None:
    named = set(re.findall(r"\(([a-z-]+\.md)\)", _PAGE))
    assert named >= {"spreadsheets.md", "shotgrid.md", "kitsu-database.md", "sync.md", "exports.md"}
    assert all((DOCS / page).is_file() for page in named)
