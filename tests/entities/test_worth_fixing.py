"""Faults of the reference that are done right, those that have no test elsewhere. Source: spec shots, spec entities."""

from typing import Any

from tests.client import Client, unique
from tests.entities.shows import Show, happened
from tests.factories import entity, hire, named, task
from tests.server import Server

NOBODY = "00000000-0000-4000-8000-000000000000"


def ready(show: Show, row: dict[str, Any]) -> int:
    return int(show.admin.ok_get(f"/data/tasks/{row['id']}")["nb_assets_ready"])


def pipeline(show: Show) -> tuple[str, str]:
    """Layout, then animation."""
    layout, animation = (
        named(show.admin, "task-types", each, for_entity="Shot")["id"] for each in ("Layout", "Animation")
    )
    for place, each in enumerate((layout, animation)):
        show.admin.ok_post(f"{show.path}/settings/task-types", {"task_type_id": each, "priority": place})
    return layout, animation


def test_readiness_follows_the_pipeline_new_tasks_and_sharing(admin: Client) -> None:
    show, library = Show(admin), Show(admin)
    layout, animation = pipeline(show)
    shot, asset, foreign = show.shot(), show.asset(), library.asset(is_shared=True)
    show.cast(shot, asset, foreign)
    admin.ok_put(f"/data/entities/{asset['id']}", {"ready_for": layout})
    # A task made afterwards, the plain way too
    animating = task(admin, shot, "Animation")
    assert ready(show, animating) == 1
    order = f"/actions/projects/{show.id}/task-type-links/reorder"
    admin.ok_post(order, {"task_type_ids": [animation, layout]})
    assert ready(show, animating) == 2
    admin.ok_post(order, {"task_type_ids": [layout, animation]})
    assert ready(show, animating) == 1
    admin.ok_post("/actions/assets/share", {"asset_ids": [foreign["id"]], "is_shared": False})
    assert ready(show, animating) == 0
    admin.ok_put(f"/data/tasks/{animating['id']}", {"task_type_id": layout})
    assert ready(show, animating) == 1
    # A shared asset is judged by the order of the production that casts it, not by that of its own
    admin.ok_put(f"/data/entities/{foreign['id']}", {"ready_for": animation})
    assert ready(show, animating) == 2
    admin.ok_delete(f"{show.path}/settings/task-types/{animation}")
    assert ready(show, animating) == 1


def test_links_changed_one_by_one_are_counted(server: Server, admin: Client) -> None:
    show = Show(admin)
    shot, asset, other = show.shot(), show.asset(), show.asset()
    link = admin.ok_post("/data/entity-links", {"entity_in_id": shot["id"], "entity_out_id": asset["id"]})
    assert show.read(shot)["nb_entities_out"] == 1
    admin.ok_put(f"/data/entity-links/{link['id']}", {"entity_in_id": other["id"]})
    assert (show.read(shot)["nb_entities_out"], show.read(other)["nb_entities_out"]) == (0, 1)
    admin.ok_delete(f"/data/entity-links/{link['id']}")
    assert show.read(other)["nb_entities_out"] == 0
    assert admin.ok_put(f"/data/entities/{shot['id']}", {"nb_entities_out": 7})["nb_entities_out"] == 0
    made = entity(admin, show.id, "Shot", entities_out=[asset["id"]], nb_entities_out=7)
    assert show.read(made)["nb_entities_out"] == 1
    counted = [
        payload["nb_entities_out"] for name, payload in happened(server, show.id) if name == "shot:casting-update"
    ]
    assert counted == [1, 0, 1]


def test_what_is_cast_already_may_stay(admin: Client) -> None:
    show, elsewhere = Show(admin), Show(admin)
    manager = show.join(hire(admin, "manager"))
    shot, foreign, own = show.shot(), elsewhere.asset(is_shared=True), show.asset()
    show.cast(shot, foreign)
    admin.ok_post("/actions/assets/share", {"asset_ids": [foreign["id"]], "is_shared": False})
    parts = [{"asset_id": each["id"], "nb_occurences": 2} for each in (foreign, own)]
    assert manager.ok_put(f"{show.path}/entities/{shot['id']}/casting", parts) == parts
    new = manager.put(f"{show.path}/entities/{show.shot()['id']}/casting", parts)
    assert (new.status_code, new.json()["error"]) == (400, True)


def test_scenes_are_linked_by_managers_within_a_production(admin: Client) -> None:
    show = Show(admin)
    artist, vendor, client = (show.join(hire(admin, role)) for role in ("user", "vendor", "client"))
    scene, other = (admin.ok_post(f"{show.path}/scenes", {"name": name}) for name in ("SC01", "SC02"))
    shot, foreign, asset = show.shot(), Show(admin).shot(), show.asset()
    path = f"/data/scenes/{scene['id']}/shots"
    for who in (artist, vendor, client):
        assert who.post(path, {"shot_id": shot["id"]}).status_code == 403
        assert who.delete(f"{path}/{shot['id']}").status_code == 403
        assert who.post(f"/data/scenes/{scene['id']}/asset-instances", {"asset_id": asset["id"]}).status_code == (
            201 if who is artist else 403
        )
    for wrong in (foreign, asset):
        assert admin.post(path, {"shot_id": wrong["id"]}).status_code == 404
    admin.ok_post(path, {"shot_id": shot["id"]})
    assert admin.delete(f"/data/scenes/{other['id']}/shots/{shot['id']}").status_code == 404
    assert show.read(shot)["source_id"] == scene["id"]
    for row, change in ((shot, {"source_id": foreign["id"]}), (shot, {"parent_id": shot["id"]})):
        assert admin.put(f"/data/entities/{row['id']}", change).status_code == 400
    assert admin.put(f"/data/shots/{shot['id']}", {"source_id": foreign["id"]}).status_code == 400


def test_shots_without_a_sequence_are_shown(admin: Client) -> None:
    show = Show(admin)
    shot, scene = show.shot(), admin.ok_post(f"{show.path}/scenes", {"name": "SC01"})
    page = admin.ok_get(f"/data/shots/{shot['id']}")
    assert (page["sequence_id"], page["sequence_name"], page["episode_name"]) == (None, None, "")
    assert admin.ok_get(f"/data/scenes/{scene['id']}")["sequence_id"] is None
    for path in ("/data/shots/with-tasks", "/data/shots", "/data/scenes/all", "/data/scenes/with-tasks"):
        (row,) = admin.ok_get(path, params={"project_id": show.id})
        assert row["name"] in (shot["name"], "SC01")


def test_a_page_tells_whether_its_reader_is_subscribed(admin: Client) -> None:
    show = Show(admin)
    artist = show.join(hire(admin))
    shot, asset = show.shot(), show.asset()
    for kind, row in (("shots", task(admin, shot, "Layout")), ("assets", task(admin, asset))):
        admin.ok_post("/data/subscriptions", {"person_id": artist.id, "task_id": row["id"]})
        path = f"/data/{kind}/{row['entity_id']}"
        assert [who.ok_get(path)["tasks"][0]["is_subscribed"] for who in (artist, admin)] == [True, False]


def test_a_vendor_with_a_task_on_a_sequence_gets_the_sequence(admin: Client) -> None:
    show = Show(admin)
    vendor = show.join(hire(admin, "vendor"))
    episode = show.episode()
    sequence = show.sequence(episode)
    type_id = named(admin, "task-types", "Layout", for_entity="Shot")["id"]
    storyboard = admin.ok_post(
        "/data/task-types", {"name": unique("Story"), "color": "#111111", "for_entity": "Sequence"}
    )
    task(admin, sequence, task_type_id=storyboard["id"], assignees=[vendor.id])
    admin.ok_post(f"/actions/projects/{show.id}/task-types/{type_id}/shots/create-tasks", [show.shot(sequence)["id"]])
    for path in ("/data/sequences", f"{show.path}/sequences"):
        (row,) = vendor.ok_get(path, params={"project_id": show.id})
        assert (row["id"], row["type"]) == (sequence["id"], "Sequence")
    assert vendor.ok_get(f"{show.path}/shots") == []
    (own,) = vendor.ok_get(f"/data/sequences/{sequence['id']}/tasks")
    assert own["entity_id"] == sequence["id"]
    # A vendor of an episode sees all its shots
    production_task = admin.ok_post(
        "/data/task-types", {"name": unique("Edit"), "color": "#111111", "for_entity": "Episode"}
    )
    task(admin, episode, task_type_id=production_task["id"], assignees=[vendor.id])
    assert len(vendor.ok_get(f"/data/episodes/{episode['id']}/shots")) == 1


def test_frames_are_set_and_told_where_they_change(server: Server, admin: Client) -> None:
    show = Show(admin, fps="24")
    first, second, third = (show.shot(show.sequence(), nb_frames=48) for _ in range(3))
    layout = named(admin, "task-types", "Layout", for_entity="Shot")["id"]
    rows = [(first, 2.0, "ready"), (second, 4.0, "ready"), (third, 9.0, "processing")]
    for shot, duration, status in rows:
        row = task(admin, shot, "Layout")
        body = {"task_id": row["id"], "name": "p", "revision": 1, "duration": duration, "status": status}
        admin.ok_post("/data/preview-files", body)
    path = f"/actions/projects/{show.id}/task-types/{layout}/set-shot-nb-frames"
    told = len(happened(server, show.id))
    expected = [{"id": first["id"], "nb_frames": 48}, {"id": second["id"], "nb_frames": 96}]
    assert sorted(admin.ok_post(path), key=lambda row: row["nb_frames"]) == expected
    events = [payload["shot_id"] for name, payload in happened(server, show.id)[told:] if name == "shot:update"]
    assert events == [second["id"]]
    assert admin.post(path, params={"episode_id": "pilot"}).status_code == 400


def test_two_tasks_of_one_type_show_the_previews_of_both(admin: Client) -> None:
    show = Show(admin)
    shot = show.shot()
    previews = set()
    for name in ("main", "again"):
        row = task(admin, shot, "Layout", name=name)
        made = admin.ok_post("/data/preview-files", {"task_id": row["id"], "name": name, "revision": 1})
        previews.add(made["id"])
    told = admin.ok_get(f"/data/shots/{shot['id']}/preview-files")
    assert [{each["id"] for each in listed} for listed in told.values()] == [previews]


def test_news_and_hours_of_an_entity_are_not_for_clients(admin: Client) -> None:
    show = Show(admin)
    vendor, client = show.join(hire(admin, "vendor")), show.join(hire(admin, "client"))
    shot = show.shot()
    mine, other = task(admin, shot, "Layout", assignees=[vendor.id]), task(admin, shot, "Animation")
    wip = named(admin, "task-status", "Work In Progress")["id"]
    for row in (mine, other):
        admin.ok_post(f"/actions/tasks/{row['id']}/comment", {"task_status_id": wip, "comment": "On it"})
    path = f"/data/entities/{shot['id']}"
    told = admin.ok_get(f"{path}/news")
    assert (told["total"], told["limit"], told["nb_pages"], told["page"], told["offset"]) == (2, 2000, 1, 1, 0)
    assert [each["task_id"] for each in told["data"]] == [other["id"], mine["id"]]
    assert [each["task_id"] for each in vendor.ok_get(f"{path}/news")["data"]] == [mine["id"]]
    assert client.ok_get(f"{path}/news")["data"] == client.ok_get(f"{path}/time-spents") == []


def test_bad_input_is_refused_and_says_why(admin: Client) -> None:
    show = Show(admin)
    asset_type = show.asset()["entity_type_id"]
    long = {"name": "x" * 161}
    for path in (
        "shots",
        "sequences",
        "episodes",
        "scenes",
        "edits",
        "concepts",
        f"asset-types/{asset_type}/assets/new",
    ):
        assert admin.post(f"{show.path}/{path}", long).status_code == 400, path
    listings = ("shots", "sequences", "episodes", "scenes/all", "assets", "edits", "concepts")
    for path in listings:
        for bad in ({"id": ""}, {"status": "[x"}, {"nb_frames": "many"}, {"canceled": "perhaps"}):
            answer = admin.get(f"/data/{path}", params={"project_id": show.id, **bad})
            assert answer.status_code == 400, (path, bad)
            assert answer.json()["message"], (path, bad)
    for kind in ("assets", "shots", "sequences", "episodes", "scenes", "edits"):
        answer = admin.get(f"/data/{kind}/with-tasks", params={"project_id": show.id, "episode_id": "main"})
        assert answer.status_code == 200, kind


def test_a_vendor_gets_of_an_episode_the_assets_they_work_on(admin: Client) -> None:
    show = Show(admin)
    vendor = show.join(hire(admin, "vendor"))
    episode = show.episode()
    mine, other = show.asset(), show.asset(episode_id=episode["id"])
    show.cast(episode, mine, other)
    task(admin, mine, assignees=[vendor.id])
    for params in ({"episode_id": episode["id"]}, {"episode_id": episode["id"], "project_id": show.id.upper()}):
        assert [row["id"] for row in vendor.ok_get("/data/assets", params=params)] == [mine["id"]]
        assert len(admin.ok_get("/data/assets", params=params)) == 2
    for path in ("shot-asset-instances", "scene-asset-instances", "asset-asset-instances", "cast-in", "news"):
        kind = "entities" if path == "news" else "assets"
        statuses = [vendor.get(f"/data/{kind}/{row['id']}/{path}").status_code for row in (mine, other)]
        assert statuses == [200, 403], path
