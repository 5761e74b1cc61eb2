"""Runs `pegbar import shotgrid` for a studio, and looks at what came over."""

import json
from pathlib import Path
from typing import Any

from tests.client import Client
from tests.command import Done, pegbar
from tests.exchange.shotgrid.fake_site import KEY, SCRIPT
from tests.exchange.shotgrid.studio import Studio
from tests.server import Server


class Mover:
    """The command beside a running server."""

    def __init__(self, server: Server, admin: Client, studio: Studio, folder: Path) -> None:
        self.server, self.admin, self.studio, self.folder = server, admin, studio, folder

    def run(self, *options: str, project: str | None = None, **environment: str) -> Done:
        return pegbar(
            *("import", "shotgrid", "--data", str(self.server.folder), "--url", self.studio.site.url),
            *("--script", SCRIPT, "--project", project or self.studio.name, *options),
            **{"PEGBAR_SHOTGRID_KEY": KEY, **environment},
        )

    def report(self, *options: str) -> dict[str, Any]:
        """Run it to a good end; its report, also by kind."""
        path = self.folder / "report.json"
        done = self.run("--report", str(path), *options)
        assert done.returncode == 0, done.stderr + done.stdout
        document: dict[str, Any] = json.loads(path.read_text())
        assert document["finished"]
        return {**document, **{kind["kind"]: kind for kind in document["kinds"]}}

    # What is here

    @property
    def projects(self) -> list[dict[str, Any]]:
        return [row for row in self.admin.ok_get("/data/projects") if row["name"] == self.studio.name]

    @property
    def project_id(self) -> str:
        (project,) = self.projects
        return str(project["id"])

    def entities(self, kind: str) -> dict[str, dict[str, Any]]:
        """Shots, assets or sequences by their names."""
        return {row["name"]: row for row in self.admin.ok_get(f"/data/projects/{self.project_id}/{kind}")}

    def tasks(self) -> dict[int, dict[str, Any]]:
        """Tasks by their number in the studio."""
        rows = self.admin.ok_get(f"/data/tasks?project_id={self.project_id}&relations=true")
        return {row["shotgun_id"] - self.studio.first: row for row in rows}

    def comments(self, task_id: str) -> list[dict[str, Any]]:
        return list(self.admin.ok_get(f"/data/tasks/{task_id}/comments"))


def total(report: dict[str, Any], *what: str) -> int:
    """How many rows of all kinds became this."""
    return sum(kind[name] for kind in report["kinds"] for name in what)
