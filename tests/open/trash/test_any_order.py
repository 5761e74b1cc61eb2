"""Random deletions and restorations, in any order, against a model of what hangs on what."""

from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import factories
from tests.client import Client
from tests.media.publishing import published
from tests.open.trash.images import differences, rows_of

_PATHS = {"sequence": "sequences", "shot": "shots", "asset": "assets", "task": "tasks", "preview": "preview-files"}


@dataclass
class Node:
    """A thing, and the one without which it goes."""

    kind: str
    id: str
    above: "Node | None" = None

    def hangs_on(self, other: "Node") -> bool:
        return self is other or (self.above is not None and self.above.hangs_on(other))


@dataclass
class Model:
    """What is there, and what each entry of the trash holds."""

    nodes: list[Node]
    live: set[str] = field(default_factory=set)
    entries: list[tuple[Node, set[str]]] = field(default_factory=list)

    def delete(self, node: Node) -> None:
        gone = {other.id for other in self.nodes if other.hangs_on(node)} & self.live
        self.live -= gone
        self.entries.append((node, gone))

    def may_restore(self, node: Node) -> bool:
        return node.above is None or node.above.id in self.live


@pytest.fixture(scope="module")
def nodes(admin: Client) -> list[Node]:
    """Two sequences of two shots with a task and a published picture each; assets cast in all of them."""
    show = factories.production(admin)
    assets = [factories.entity(admin, show["id"]) for _ in range(2)]
    made = [Node("asset", asset["id"]) for asset in assets]
    for _ in range(2):
        sequence = Node("sequence", factories.entity(admin, show["id"], "Sequence")["id"])
        made.append(sequence)
        for _ in range(2):
            row = factories.entity(admin, show["id"], "Shot", parent_id=sequence.id)
            shot = Node("shot", row["id"], sequence)
            job = factories.task(admin, row, "Compositing", assignees=[admin.id])
            task = Node("task", job["id"], shot)
            preview = Node("preview", published(admin, admin, job["id"])["id"], task)
            admin.ok_put(f"/actions/preview-files/{preview.id}/set-main-preview")
            casting = [{"asset_id": asset["id"], "nb_occurences": 1} for asset in assets]
            admin.ok_put(f"/data/projects/{show['id']}/entities/{shot.id}/casting", casting)
            made += [shot, task, preview]
    return made


def _live(database: psycopg.Connection, nodes: list[Node]) -> set[str]:
    ids = [node.id for node in nodes]
    there = "SELECT id::text FROM {} WHERE id = ANY(%s::uuid[])"
    query = " UNION ".join(there.format(table) for table in ("entity", "task", "preview_file"))
    return {row[0] for row in database.execute(query, [ids] * 3).fetchall()}


def _restore(admin: Client, node: Node) -> int:
    entries: list[dict[str, Any]] = admin.ok_get("/open/v1/trash", params={"thing_id": node.id})["entries"]
    return admin.post(f"/open/v1/trash/{entries[0]['id']}/restore", {}).status_code


@settings(max_examples=6, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_whatever_the_order_all_comes_back(
    admin: Client, database: psycopg.Connection, nodes: list[Node], data: st.DataObject
) -> None:
    before = rows_of(database)
    model = Model(nodes, _live(database, nodes))
    assert len(model.live) == len(nodes), "another example left something in the trash"
    for _ in range(data.draw(st.integers(3, 8))):
        restores: bool = data.draw(st.booleans())
        if model.entries and restores:
            place = data.draw(st.integers(0, len(model.entries) - 1))
            node, gone = model.entries[place]
            allowed = model.may_restore(node)
            assert _restore(admin, node) == (200 if allowed else 409)
            if allowed:
                model.live |= gone
                del model.entries[place]
        elif model.live:
            node = data.draw(st.sampled_from([other for other in nodes if other.id in model.live]))
            admin.ok_delete(f"/data/{_PATHS[node.kind]}/{node.id}", params={"force": "true"})
            model.delete(node)
        assert _live(database, nodes) == model.live
    waiting = list(model.entries)
    while waiting:
        node = data.draw(st.sampled_from([other for other, _ in waiting if model.may_restore(other)]))
        assert _restore(admin, node) == 200
        (gone,) = [held for other, held in waiting if other is node]
        model.live |= gone
        waiting = [(other, held) for other, held in waiting if other is not node]
    assert differences(before, rows_of(database)) == []
