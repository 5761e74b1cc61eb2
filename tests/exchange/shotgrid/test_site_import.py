"""A studio comes over from a ShotGrid site, again and again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.client import Client
from tests.command import Done, pegbar
from tests.exchange.shotgrid.fake_site import KEY, SCRIPT, FakeSite
from tests.exchange.shotgrid.studio import SEQUENCES, SHOTS, Studio
from tests.server import Server


@pytest.fixture
def site() -> Iterator[FakeSite]:
    with FakeSite().running() as running:
        yield running


class Mover:
    """Runs the command for a studio, and looks at what came over."""

    def __init__(self, server: Server, admin: Client, studio: Studio, folder: Path) -> None:
        self.server, self.admin, self.studio, self.folder = server, admin, studio, folder

    def run(self, *options: str, **environment: str) -> Done:
        return pegbar(
            *("import", "shotgrid", "--data", str(self.server.folder), "--url", self.studio.site.url),
            *("--script", SCRIPT, "--project", self.studio.name, *options),
            **{"PEGBAR_SHOTGRID_KEY": KEY, **environment},
        )

    def report(self, *options: str, **environment: str) -> dict[str, Any]:
        """Run it to a good end; its report, by kind."""
        path = self.folder / "report.json"
        done = self.run("--report", str(path), *options, **environment)
        assert done.returncode == 0, done.stderr + done.stdout
        document: dict[str, Any] = json.loads(path.read_text())
        assert document["finished"]
        return {**document, **{kind["kind"]: kind for kind in document["kinds"]}}

    @property
    def project(self) -> dict[str, Any]:
        return dict(self.admin.ok_get(f"/data/projects?name={self.studio.name}")[0])

    def all(self, path: str) -> list[dict[str, Any]]:
        return list(self.admin.ok_get(f"/data/{path}?project_id={self.project['id']}"))


@pytest.fixture
def mover(server: Server, admin: Client, site: FakeSite, tmp_path: Path) -> Mover:
    return Mover(server, admin, Studio(site), tmp_path)


def test_everything_comes_over(mover: Mover) -> None:
    report = mover.report()
    print(json.dumps(report["kinds"], indent=1), report["remarks"], report["requests"])
    assert report["Shots"]["created"] == SHOTS
    assert report["Sequences"]["created"] == SEQUENCES
