"""A production with a file tree, and what files are made of."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import requests

from pegbar.files.trees.shipped import shipped_tree
from tests import factories
from tests.client import Client, unique

Row = dict[str, Any]


@dataclass
class Show:
    """A production with a tree, a shot and an asset with a task each, and who works on it."""

    project: Row
    sequence: Row
    shot: Row
    asset: Row
    task: Row
    output_type: Row
    software: Row
    artist: Client  #: in the team, without a task
    vendor: Client  #: in the team, without a task
    client: Client

    @property
    def types(self) -> Row:
        """What output files need."""
        return {"output_type_id": self.output_type["id"], "task_type_id": self.task["task_type_id"]}

    @property
    def outputs(self) -> str:
        """The path of the shot's output files."""
        return f"/data/entities/{self.shot['id']}/output-files"

    @property
    def working(self) -> str:
        """The path of the working files of the shot's task."""
        return f"/data/tasks/{self.task['id']}/working-files"


def made_show(admin: Client, tree: Any = None) -> Show:
    artist, vendor, client = (factories.hire(admin, role) for role in ("user", "vendor", "client"))
    project = factories.production(admin, artist, vendor, client, is_bot_collaboration_enabled=True)
    admin.ok_put(f"/data/projects/{project['id']}", {"file_tree": tree or shipped_tree("simple")})
    sequence = factories.entity(admin, project["id"], "Sequence")
    shot = factories.entity(admin, project["id"], "Shot", parent_id=sequence["id"])
    return Show(
        project,
        sequence,
        shot,
        factories.entity(admin, project["id"]),
        factories.task(admin, shot, "Animation"),
        admin.ok_post("/data/output-types", {"name": unique("Mesh"), "short_name": "mesh"}),
        admin.ok_post("/data/softwares", {"name": unique("Carve"), "short_name": "c", "file_extension": ".c"}),
        artist,
        vendor,
        client,
    )


def at_once(who: Client, path: str, bodies: list[Row]) -> list[requests.Response]:
    """The answers to requests that are all sent together."""
    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(lambda body: Client(who.api, who.token).post(path, body), bodies))
