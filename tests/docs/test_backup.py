"""docs/backup.md: its commands are run, in their order."""

import re
import shlex
from pathlib import Path

import pytest

from tests.command import pegbar
from tests.docs.test_examples import DOCS
from tests.server import Server

_PAGE = (DOCS / "backup.md").read_text()
_NAME = "20261130T005312Z"


def test_the_commands_of_the_page_do_what_they_say(server: Server, tmp_path: Path) -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", _PAGE, re.DOTALL)
    place = {"PEGBAR_DATA": str(server.folder)}
    name, ran = "", []
    for line in block.splitlines():
        command = line.replace(_NAME, name)
        for folder in ("/etc/pegbar", "/mnt", "/srv"):
            (tmp_path / folder[1:]).mkdir(parents=True, exist_ok=True)
            command = command.replace(f" {folder}/", f" {tmp_path}{folder}/")
        program, *words = shlex.split(command)
        assert program == "pegbar"
        done = pegbar(*words, **({} if "restore" in words else place))
        assert done.returncode == 0, f"{line}: {done.stderr}"
        ran.append(" ".join(words[:2]))
        name = next(iter(re.findall(r"Backup (\S+):", done.stdout)), name)
    assert len(ran) == 6
    assert (tmp_path / "srv/restored/postgresql/PG_VERSION").exists()
    assert (tmp_path / "srv/restored/secret.key").read_text() == (server.folder / "secret.key").read_text()


@pytest.mark.parametrize("option", sorted(set(re.findall(r"--[a-z-]+", _PAGE))))
def test_the_options_of_the_page_are_there(option: str) -> None:
    helps = "".join(pegbar(*words, "--help").stdout for words in (("backup",), ("backups", "remove"), ("restore",)))
    assert option in helps
