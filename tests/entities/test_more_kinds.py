"""Edits, concepts, instances, shared assets, casting links, tasks of an entity. Source: spec entities."""

from concurrent.futures import ThreadPoolExecutor

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
    made = admin.ok_post(f"{show.path}/edits", body)
    assert admin.ok_post(f"{show.path}/edits", {**body, "description": "again"}) == made
    assert admin.post(f"{show.path}/edits", {"name": "Cut", "episode_id": NOBODY}).status_code == 404
    task(admin, made, "Edit")
    page = artist.ok_get(f"/data/edits/{made['id']}")
    assert (page["episode_name"], len(page["tasks"])) == (episode["name"], 1)
    # Worth fixing: without a production one gets those of one's own
    assert made["id"] in [row["id"] for row in artist.ok_get("/data/edits")]
    assert [row["id"] for row in artist.ok_get(f"/data/episodes/{episode['id']}/edits")] == [made["id"]]
    board = artist.ok_get("/data/edits/with-tasks", params={"project_id": show.id, "episode_id": episode["id"]})
    assert [row["id"] for row in board] == [made["id"]]
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
        made = artist.ok_post(
            f"{show.path}/concepts",
            {"name": unique("Alley"), "parent_id": folder["id"], "entity_concept_links": links},
        )
        assert made["entity_concept_links"] == [lamp["id"]]
    assert artist.post(f"{show.path}/concepts", {"name": "x", "parent_id": lamp["id"]}).status_code == 404
    moved = lead.ok_post(f"/actions/projects/{show.id}/move-concepts", {"concept_ids": [made["id"], lamp["id"]]})
    assert moved == [made["id"]]
    linked = artist.ok_get(f"/data/entities/{lamp['id']}/entities-linked/with-tasks")
    assert len(linked) == 2
    drawing = named(admin, "task-types", "Concept", for_entity="Concept")["id"]
    task(admin, made, task_type_id=drawing, assignees=[artist.id])
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
    assert [each["id"] for each in rows[shot["id"]]["tasks"]] == [mine["id"]]
    assert all(row["entity_concept_links"] == [lamp["id"]] for row in rows.values())
    assert [row["id"] for row in vendor.ok_get(path)] == [shot["id"]]


def test_worth_fixing_instances_made_at_once_have_numbers_of_their_own(admin: Client) -> None:
    show = Show(admin)
    scene = admin.ok_post(f"{show.path}/scenes", {"name": "SC01"})
    sword, shot = show.asset(name="My Sword é"), show.shot()
    path = f"/data/scenes/{scene['id']}/asset-instances"
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: admin.ok_post(path, {"asset_id": sword["id"]}), range(4)))
    assert sorted(row["name"] for row in made) == [f"My_Sword_e_000{number}" for number in (1, 2, 3, 4)]
    shown = f"/data/shots/{shot['id']}/asset-instances"
    for _ in range(2):
        assert admin.post(shown, {"asset_instance_id": made[0]["id"]}).status_code == 201
    assert list(admin.ok_get(shown)) == [sword["id"]]
    assert [admin.delete(f"{shown}/{made[0]['id']}").status_code for _ in range(2)] == [204, 404]
    plain = {"asset_id": sword["id"], "scene_id": scene["id"], "name": "Sword"}
    # Worth fixing: the table lets two instances of one number through, as one of its columns is null
    assert [admin.post("/data/asset-instances", {**plain, "number": each}).status_code for each in (5, 5, 1)] == [
        *(201, 400, 400)
    ]
    client = show.join(hire(admin, "client"))
    assert client.post(path, {"asset_id": sword["id"]}).status_code == 403
    assert admin.post(path, {"asset_id": Show(admin).asset()["id"]}).status_code == 404
    # Worth fixing: an asset with instances can be removed
    admin.ok_delete(f"/data/assets/{sword['id']}?force=true")
    assert admin.ok_get(path) == {}


def test_worth_fixing_sharing_is_told_for_each_asset(server: Server, admin: Client) -> None:
    show, other = Show(admin), Show(admin)
    manager = show.join(hire(admin, "manager"))
    mine, foreign = show.asset(), other.asset()
    body = {"asset_ids": [mine["id"]]}
    assert [row["is_shared"] for row in manager.ok_post("/actions/assets/share", body)] == [True]
    assert ("asset:update", {"asset_id": mine["id"], "project_id": show.id}) in happened(server, show.id)
    for ids, status in (([mine["id"], foreign["id"]], 403), ([NOBODY], 404), ([], 200)):
        assert manager.post("/actions/assets/share", {"asset_ids": ids}).status_code == status
    assert manager.post("/actions/assets/share", {"is_shared": None, **body}).status_code == 400
    other.cast(other.shot(other.sequence()), mine)
    assert [row["id"] for row in admin.ok_get(f"{other.path}/assets/shared-used")] == [mine["id"]]
    manager.ok_post(f"/actions/projects/{show.id}/assets/share", {"is_shared": False})
    assert admin.ok_get(f"{other.path}/assets/shared-used") == []


def test_a_vendor_lists_no_shared_asset_without_a_task_on_it(admin: Client) -> None:
    show, other = Show(admin), Show(admin)
    asset, episode = show.asset(), other.episode()
    admin.ok_post("/actions/assets/share", {"asset_ids": [asset["id"]]})
    other.cast(other.shot(other.sequence(episode)), asset)
    artist, vendor = other.join(hire(admin)), other.join(hire(admin, "vendor"))
    for path in (f"{other.path}/assets/shared-used", f"{other.path}/episodes/{episode['id']}/assets/shared-used"):
        assert [row["id"] for row in artist.ok_get(path)] == [asset["id"]]
        assert vendor.ok_get(path) == []
    show.join(vendor)
    admin.ok_put(f"/data/tasks/{task(admin, asset)['id']}", {"assignees": [vendor.id]})
    assert [row["id"] for row in vendor.ok_get(f"{other.path}/assets/shared-used")] == [asset["id"]]


def test_casting_links_by_page_and_cursor(admin: Client) -> None:
    show = Show(admin)
    shot = show.shot()
    for _ in range(3):
        show.cast(shot, *[show.asset() for _ in range(2)], *({"id": each} for each in show.casting(shot)))
    path = f"{show.path}/entity-links"
    every = [row["id"] for row in admin.ok_get(path)]
    assert len(every) == 6
    page = admin.ok_get(path, params={"page": 2, "limit": 4})
    assert ([row["id"] for row in page["data"]], page["total"], page["nb_pages"]) == (every[4:], 6, 2)
    first = admin.ok_get(path, params={"limit": 2})
    after = {"cursor_created_at": first[-1]["created_at"], "cursor_id": first[-1]["id"], "limit": 3}
    assert [row["id"] for row in admin.ok_get(path, params=after)["data"]] == every[2:5]
    for bad in ({"page": "one"}, {"limit": "x"}, {"cursor_created_at": "yesterday"}):
        assert admin.get(path, params=bad).status_code == 400
    assert admin.delete(f"{path}/{every[0]}").json()["id"] == every[0]
    assert show.read(shot)["nb_entities_out"] == 5
    assert admin.delete(f"{path}/malformed").status_code == 404
    assert show.join(hire(admin, "supervisor")).get(path).status_code == 403


def test_tasks_of_an_entity_fit_it(admin: Client) -> None:
    show = Show(admin)
    artist, vendor = show.join(hire(admin)), show.join(hire(admin, "vendor"))
    asset = show.asset()
    modeling, shading, animation = (
        named(admin, "task-types", name, for_entity=kind)["id"]
        for name, kind in (("Modeling", "Asset"), ("Shading", "Asset"), ("Animation", "Shot"))
    )
    for task_type in (modeling, animation):
        admin.ok_post(f"{show.path}/settings/task-types", {"task_type_id": task_type})
    path = f"/data/entities/{asset['id']}/tasks"
    for refused in ([shading], [animation], [modeling, animation]):
        assert artist.post(path, {"task_type_ids": refused}).status_code == 400
    assert artist.post(path, {"task_type_ids": [NOBODY]}).status_code == 404
    assert artist.post(path, {"task_type_ids": None}).status_code == 400
    assert vendor.post(path, {}).status_code == 403
    # Worth fixing: a type listed twice is one task
    (made,) = artist.ok_post(path, {"task_type_ids": [modeling, modeling]})
    assert (made["task_type_id"], made["name"], made["assignees"]) == (modeling, "main", [])
    assert artist.ok_post(path, {}) == []


@pytest.mark.parametrize("kind", ["edits", "concepts"])
def test_pages_are_found_by_kind(admin: Client, kind: str) -> None:
    asset = entity(admin, Show(admin).id)
    for unknown in (NOBODY, "malformed", asset["id"]):
        assert admin.get(f"/data/{kind}/{unknown}").status_code == 404
        assert admin.delete(f"/data/{kind}/{unknown}").status_code == 404
