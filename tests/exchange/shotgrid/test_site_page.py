"""The commands of docs/shotgrid.md are run as a studio would run them, one after the other."""

import contextlib
import re
import shlex
import subprocess
from pathlib import Path

from tests.command import pegbar
from tests.docs.test_examples import DOCS, examples
from tests.exchange.shotgrid.fake_site import KEY
from tests.exchange.shotgrid.mover import Mover

OPTIONS = {"--url", "--script", "--project", "--mapping", "--report"}


def test_the_commands_of_the_page_move_a_studio(small_mover: Mover, tmp_path: Path) -> None:
    mover = small_mover
    section = (DOCS / "shotgrid.md").read_text().partition("## Routes for scripts")[0]
    commands = [block for block in examples("shotgrid.md") if block[1] in section]
    assert len(commands) == 6
    environment: dict[str, str] = {}
    for language, text, expected in commands:
        assert language == "sh"
        if text.startswith("export "):
            name, _, value = text.removeprefix("export ").strip().partition("=")
            environment[name] = value.replace("the-application-key", KEY)
            continue
        said = _run(mover, text, environment, tmp_path)
        assert expected is not None
        assert _says(expected, said), f"{text}\nsaid\n{said}"
    assert len(mover.entities("shots")) == len(mover.studio.site.rows["Shot"])
    assert (tmp_path / "report.json").exists()


def _says(expected: str, said: str) -> bool:
    """Whether an output is the expected one, in which … stands for anything, lines too."""
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, said.strip(), re.DOTALL) is not None


def _run(mover: Mover, text: str, environment: dict[str, str], folder: Path) -> str:
    words = shlex.split(text)
    if words[0] != "pegbar":
        return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout
    words = [mover.studio.name if word == "Aurora" else word for word in words[1:]]
    words = [mover.studio.site.url if word.startswith("https://") else word for word in words]
    with contextlib.chdir(folder):
        done = pegbar(*words, "--data", str(mover.server.folder), **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_names_every_option(tmp_path: Path) -> None:
    shown = set(re.findall(r"(--[a-z-]+)", pegbar("import", "shotgrid", "--help").stdout))
    page = (DOCS / "shotgrid.md").read_text()
    missing = {option for option in shown if option not in page} - {
        "--data",
        "--database-url",
        "--key",
        "--help",
        "--version",
    }
    assert not missing
    assert shown > OPTIONS
