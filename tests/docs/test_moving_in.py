"""docs/moving-in.md promises that its commands are run by tests: each is one of a page whose commands are."""

import re

import pytest

from tests.docs.test_examples import DOCS

_PAGE = (DOCS / "moving-in.md").read_text()
_COMMAND = re.compile(r"\bpegbar ([a-z]+(?:-[a-z]+)*(?: [a-z]+(?:-[a-z]+)*)?)((?: +[^`\n]*)?)")
#: The pages whose commands are run (tests/docs, tests/exchange).
_RUN = ("spreadsheets.md", "timelines.md", "shotgrid.md", "kitsu-database.md", "sync.md", "exports.md")


def commands(text: str) -> list[tuple[str, frozenset[str]]]:
    """The commands of a page: their names, and the options that they are written with."""
    return [(match[1], frozenset(re.findall(r"--[a-z-]+", match[2]))) for match in _COMMAND.finditer(text)]


@pytest.mark.parametrize(
    "command", sorted(set(commands(_PAGE))), ids=lambda command: " ".join((command[0], *command[1]))
)
def test_a_command_of_the_overview_is_run_from_its_page(command: tuple[str, frozenset[str]]) -> None:
    name, options = command
    written = [known for page in _RUN for other, known in commands((DOCS / page).read_text()) if other == name]
    assert written, f"no page whose commands are run has pegbar {name}"
    assert options <= frozenset().union(*written), f"no run command has {options - frozenset().union(*written)}"


def test_the_pages_that_the_overview_names_are_there() -> None:
    named = set(re.findall(r"\(([a-z-]+\.md)\)", _PAGE))
    assert named >= {"spreadsheets.md", "shotgrid.md", "kitsu-database.md", "sync.md", "exports.md"}
    assert all((DOCS / page).is_file() for page in named)
