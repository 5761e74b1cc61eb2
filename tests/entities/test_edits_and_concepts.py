"""Edits, concepts and their folders. Source: spec entities, "Edits" and "Concepts"."""

import pytest

from tests.client import Client, unique
from tests.entities.shows import Show, happened
from tests.factories import entity, hire, named, task
from tests.server import Server

NOBODY = "00000000-0000-4000-8000-000000000000"


def test_edits_of_an_episode(admin: Client) -> None:
    show = Show(admin)
    artist = show.join(hire(admin))
    episode = show.episode()
    body = {"name": "Cut", "episode_id": episode["id"]}
    edit = admin.ok_post(f"{show.path}/edits", body)
    assert admin.ok_post(f"{show.path}/edits", {**body, "description": "again"}) == edit
    assert admin.post(f"{show.path}/edits", {"name": "Cut", "episode_id": NOBODY}).status_code == 404
    task(admin, edit, "Edit")
    page = artist.ok_get(f"/data/edits/{edit['id']}")
    assert (page["episode_name"], len(page["tasks"])) == (episode["name"], 1)
    # Worth fixing: without a production one gets those of one's own
    assert edit["id"] in [row["id"] for row in artist.ok_get("/data/edits")]
    assert [row["id"] for row in artist.ok_get(f"/data/episodes/{episode['id']}/edits")] == [edit["id"]]
    board = artist.ok_get("/data/edits/with-tasks", params={"project_id": show.id, "episode_id": episode["id"]})
    assert [row["id"] for row in board] == [edit["id"]]
    assert artist.ok_get("/data/edits/with-tasks", params={"project_id": show.id, "episode_id": "main"}) == []


def test_concepts_in_folders(server: Server, admin: Client) -> None:
    show = Show(admin)
    artist, lead, client = (show.join(hire(admin, role)) for role in ("user", "supervisor", "client"))
    lamp = show.asset()
    folder = lead.ok_post(f"{show.path}/concept-folders", {"name": "Streets"})
    assert lead.ok_post(f"{show.path}/concept-folders", {"name": "Streets"}) == folder
    assert artist.post(f"{show.path}/concept-folders", {"name": "Mine"}).status_code == 403
    other = lead.ok_post(f"{show.path}/concept-folders", {"name": "Rooms"})
    assert lead.put(f"/data/concept-folders/{other['id']}", {"name": "Streets"}).status_code == 400
    for links in ([lamp["id"], NOBODY], [{"id": lamp["id"]}]):
        concept = artist.ok_post(
            f"{show.path}/concepts",
            {"name": unique("Alley"), "parent_id": folder["id"], "entity_concept_links": links},
        )
        assert concept["entity_concept_links"] == [lamp["id"]]
    assert artist.post(f"{show.path}/concepts", {"name": "x", "parent_id": lamp["id"]}).status_code == 404
    moved = lead.ok_post(f"/actions/projects/{show.id}/move-concepts", {"concept_ids": [concept["id"], lamp["id"]]})
    assert moved == [concept["id"]]
    linked = artist.ok_get(f"/data/entities/{lamp['id']}/entities-linked/with-tasks")
    assert len(linked) == 2
    drawing = named(admin, "task-types", "Concept", for_entity="Concept")["id"]
    task(admin, concept, task_type_id=drawing, assignees=[artist.id])
    assert client.ok_get(f"/data/entities/{lamp['id']}/entities-linked/with-tasks") == []
    assert client.get(f"{show.path}/concepts").status_code == 403
    lead.ok_delete(f"/data/concept-folders/{folder['id']}")
    assert all(row["parent_id"] is None for row in artist.ok_get(f"{show.path}/concepts"))
    assert "concept-folder:delete" in [name for name, _ in happened(server, show.id)]


def test_what_refers_to_an_entity_is_told_whatever_its_kind(admin: Client) -> None:
    show = Show(admin)
    vendor = show.join(hire(admin, "vendor"))
    lamp, shot, chair = show.asset(), show.shot(), show.asset()
    concept = admin.ok_post(f"{show.path}/concepts", {"name": unique("Alley"), "entity_concept_links": [lamp["id"]]})
    for row in (shot, chair):
        admin.ok_put(f"/data/entities/{row['id']}", {"entity_concept_links": [lamp["id"]]})
    mine = task(admin, shot, "Layout", assignees=[vendor.id])
    task(admin, lamp, assignees=[vendor.id])
    path = f"/data/entities/{lamp['id']}/entities-linked/with-tasks"
    rows = {row["id"]: row for row in admin.ok_get(path)}
    kinds = {concept["id"]: "Concept", shot["id"]: "Shot", chair["id"]: "Asset"}
    assert {row_id: row["type"] for row_id, row in rows.items()} == kinds
    assert [row["id"] for row in rows[shot["id"]]["tasks"]] == [mine["id"]]
    assert all(row["entity_concept_links"] == [lamp["id"]] for row in rows.values())
    assert [row["id"] for row in vendor.ok_get(path)] == [shot["id"]]


@pytest.mark.parametrize("kind", ["edits", "concepts"])
def test_pages_are_found_by_kind(admin: Client, kind: str) -> None:
    asset = entity(admin, Show(admin).id)
    for unknown in (NOBODY, "malformed", asset["id"]):
        assert admin.get(f"/data/{kind}/{unknown}").status_code == 404
        assert admin.delete(f"/data/{kind}/{unknown}").status_code == 404
