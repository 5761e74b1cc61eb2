"""Gazu's exports."""

import csv
from pathlib import Path

import gazu

from tests.gazu.conftest import Show


def _rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file, delimiter=";"))


def test_shots_are_exported(show: Show, tmp_path: Path) -> None:
    path = tmp_path / "shots.csv"
    gazu.shot.export_shots_with_csv(show.project, str(path))
    head, *rows = _rows(path)
    assert "SH010" in [row[head.index("Name")] for row in rows]
    gazu.shot.export_shots_with_csv(show.project, str(path), episode=show.episode, assigned_to=show.artist.person)
    assert len(_rows(path)) == 1  # whoever is named: what the caller has a task on


def test_assets_are_exported(show: Show, tmp_path: Path) -> None:
    path = tmp_path / "assets.csv"
    gazu.asset.export_assets_with_csv(show.project, str(path))
    head, *rows = _rows(path)
    names = [row[head.index("Name")] for row in rows]
    assert show.asset["name"] in names
    gazu.asset.export_assets_with_csv(show.project, str(path), episode=show.episode)
    assert len(_rows(path)) <= len(names) + 1
