"""Shots, what is around them and what their pages tell. Source: spec shots, "Operations" and "Worth fixing"."""

from tests.client import Client, unique
from tests.entities.shows import Show, happened
from tests.factories import hire, named, task
from tests.server import Server

NOBODY = "00000000-0000-4000-8000-000000000000"


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
    before = len(happened(server, show.id))
    expected = [{"id": first["id"], "nb_frames": 48}, {"id": second["id"], "nb_frames": 96}]
    assert sorted(admin.ok_post(path), key=lambda row: row["nb_frames"]) == expected
    events = [payload["shot_id"] for name, payload in happened(server, show.id)[before:] if name == "shot:update"]
    assert events == [second["id"]]
    assert admin.post(path, params={"episode_id": "pilot"}).status_code == 400


def test_two_tasks_of_one_type_show_the_previews_of_both(admin: Client) -> None:
    show = Show(admin)
    shot = show.shot()
    previews = set()
    for name in ("main", "again"):
        row = task(admin, shot, "Layout", name=name)
        preview = admin.ok_post("/data/preview-files", {"task_id": row["id"], "name": name, "revision": 1})
        previews.add(preview["id"])
    by_type = admin.ok_get(f"/data/shots/{shot['id']}/preview-files")
    assert [{row["id"] for row in listed} for listed in by_type.values()] == [previews]


def test_news_and_hours_of_an_entity_are_not_for_clients(admin: Client) -> None:
    show = Show(admin)
    vendor, client = show.join(hire(admin, "vendor")), show.join(hire(admin, "client"))
    shot = show.shot()
    mine, other = task(admin, shot, "Layout", assignees=[vendor.id]), task(admin, shot, "Animation")
    wip = named(admin, "task-status", "Work In Progress")["id"]
    for row in (mine, other):
        admin.ok_post(f"/actions/tasks/{row['id']}/comment", {"task_status_id": wip, "comment": "On it"})
    path = f"/data/entities/{shot['id']}"
    news = admin.ok_get(f"{path}/news")
    assert (news["total"], news["limit"], news["nb_pages"], news["page"], news["offset"]) == (2, 2000, 1, 1, 0)
    assert [row["task_id"] for row in news["data"]] == [other["id"], mine["id"]]
    assert [row["task_id"] for row in vendor.ok_get(f"{path}/news")["data"]] == [mine["id"]]
    assert client.ok_get(f"{path}/news")["data"] == client.ok_get(f"{path}/time-spents") == []


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
    (row,) = artist.ok_post(path, {"task_type_ids": [modeling, modeling]})
    assert (row["task_type_id"], row["name"], row["assignees"]) == (modeling, "main", [])
    assert artist.ok_post(path, {}) == []
