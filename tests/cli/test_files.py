"""`pegbar files tree check`."""

import json
from pathlib import Path
from typing import Any

import pytest

from pegbar.files.trees.shipped import shipped_tree
from tests.command import pegbar


def test_a_good_tree_shows_the_paths_it_makes(tmp_path: Path) -> None:
    file = tmp_path / "tree.json"
    file.write_text(json.dumps(shipped_tree("simple")))
    done = pegbar("files", "tree", "check", str(file))
    assert done.returncode == 0
    assert "working/shot" in done.stdout
    assert "/simple/productions/big_film/shots/sq010/sh0100/animation/blender/" in done.stdout
    document = json.loads(pegbar("files", "tree", "check", "--json", str(file)).stdout)
    assert document["problems"] == []
    assert document["examples"]["output/asset"].startswith("/simple/productions/export/big_film/assets/")


def test_a_bad_tree_shows_what_is_wrong_and_where(tmp_path: Path) -> None:
    tree: Any = shipped_tree("simple")
    tree["output"]["file_name"]["shot"] = "<Project>_<OuputType>"
    file = tmp_path / "tree.json"
    file.write_text(json.dumps(tree))
    done = pegbar("files", "tree", "check", str(file))
    assert done.returncode == 1
    assert "output/file_name/shot/<OuputType>: Unknown data type: OuputType." in done.stderr
    assert json.loads(pegbar("files", "tree", "check", "--json", str(file)).stdout)["examples"] == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"[" * 100_000, "is not JSON"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_tree_is_told_in_words(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "tree.json"
    if content is not None:
        file.write_bytes(content)
    done = pegbar("files", "tree", "check", str(file))
    assert done.returncode == 1
    assert message in done.stderr
