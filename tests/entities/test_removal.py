"""Deleting entities. Source: spec entities, "Deletion"; spec shots, "Deletion" and "Worth fixing"."""

from tests.client import Client
from tests.entities.shows import Show, happened
from tests.factories import entity, hire, task
from tests.server import Server


def gone(show: Show, *rows: dict) -> bool:
    return all(show.admin.get(f"/data/entities/{row['id']}").status_code == 404 for row in rows)


def test_an_entity_with_tasks_is_canceled_until_forced(server: Server, admin: Client) -> None:
    show = Show(admin)
    shot = show.shot(show.sequence())
    row = task(admin, shot, "Layout")
    path = f"/data/shots/{shot['id']}"
    for _ in range(2):
        assert admin.delete(path).status_code == 204
        assert show.read(shot)["canceled"] is True
    assert shot["id"] in [item["id"] for item in admin.ok_get(f"{show.path}/shots")]
    admin.ok_put(path, {"canceled": False})
    assert admin.delete(f"{path}?force=True").status_code == 204
    assert gone(show, shot)
    assert admin.get(f"/data/tasks/{row['id']}").status_code == 404
    names = [name for name, _ in happened(server, show.id)]
    assert names.index("task:delete") < names.index("shot:delete")


def test_without_tasks_it_goes_at_once_with_its_links(admin: Client) -> None:
    show = Show(admin)
    shot, asset = show.shot(), show.asset()
    show.cast(shot, asset)
    admin.ok_put(f"/data/entities/{shot['id']}", {"name": "SH02"})
    child = entity(admin, show.id, parent_id=asset["id"])
    admin.ok_delete(f"/data/assets/{asset['id']}")
    assert gone(show, asset)
    assert show.read(child)["parent_id"] is None
    assert show.read(shot)["nb_entities_out"] == 0
    admin.ok_delete(f"/data/shots/{shot['id']}")
    assert gone(show, shot)


def test_a_sequence_goes_when_empty_or_forced(server: Server, admin: Client) -> None:
    show = Show(admin)
    empty, full = show.sequence(), show.sequence()
    shot = show.shot(full)
    scene = admin.ok_post(f"{show.path}/scenes", {"name": "SC01", "sequence_id": full["id"]})
    task(admin, shot, "Layout")
    admin.ok_post(f"/data/scenes/{scene['id']}/shots", {"shot_id": shot["id"]})
    admin.ok_delete(f"/data/sequences/{empty['id']}")
    refused = admin.delete(f"/data/sequences/{full['id']}")
    assert refused.status_code == 400
    assert refused.json()["message"] == "Some data are still linked to this sequence."
    admin.ok_delete(f"/data/sequences/{full['id']}?force=true")
    assert gone(show, full, shot, scene, empty)


def test_a_forced_episode_goes_whole_with_its_edit(server: Server, admin: Client) -> None:
    show = Show(admin)
    episode = show.episode()
    shot = show.shot(show.sequence(episode))
    asset = show.asset(episode_id=episode["id"])
    edit = entity(admin, show.id, "Edit", parent_id=episode["id"])
    show.cast(shot, asset)
    admin.ok_delete(f"/data/episodes/{episode['id']}?force=true")
    assert gone(show, episode, shot, asset, edit)
    told = [name for name, _ in happened(server, show.id) if name.endswith(":delete")]
    assert told == ["shot:delete", "asset:delete", "edit:delete", "sequence:delete", "episode:delete"]


def test_a_scene_in_use_is_canceled_and_told_so(server: Server, admin: Client) -> None:
    show = Show(admin)
    scene = admin.ok_post(f"{show.path}/scenes", {"name": "SC01"})
    shot = show.shot()
    admin.ok_post(f"/data/scenes/{scene['id']}/shots", {"shot_id": shot["id"]})
    admin.ok_delete(f"/data/scenes/{scene['id']}")
    assert show.read(scene)["canceled"] is True
    admin.ok_delete(f"/data/scenes/{scene['id']}/shots/{shot['id']}")
    assert admin.delete(f"/data/scenes/{scene['id']}/shots/{shot['id']}").status_code == 404
    admin.ok_delete(f"/data/scenes/{scene['id']}")
    assert gone(show, scene)
    told = [name for name, _ in happened(server, show.id) if name.startswith("scene:")]
    assert told == ["scene:new", "scene:update", "scene:delete"]


def test_a_creator_who_left_the_team_deletes_nothing(admin: Client) -> None:
    show = Show(admin)
    creator = show.join(hire(admin, "manager"))
    mine = creator.ok_post(f"{show.path}/sequences", {"name": "SQ01"})
    other = show.sequence()
    admin.ok_put(f"{show.path}/team/{creator.id}", {"role": "user"})
    # Worth fixing: a sequence is deleted by its creator or a manager, not by anybody else
    assert creator.delete(f"/data/sequences/{other['id']}").status_code == 403
    admin.ok_delete(f"{show.path}/team/{creator.id}")
    assert creator.delete(f"/data/sequences/{mine['id']}").status_code == 403
    assert hire(admin, "manager").delete(f"/data/sequences/{mine['id']}?force=true").status_code == 403
    show.join(creator, "user")
    assert creator.delete(f"/data/sequences/{mine['id']}").status_code == 204


def test_several_at_once_or_none(admin: Client) -> None:
    show = Show(admin)
    artist = show.join(hire(admin))
    path = f"/actions/projects/{show.id}/delete-entities"
    busy, idle, elsewhere, sequence = show.asset(), show.asset(), Show(admin).asset(), show.sequence()
    task(admin, busy)
    wanted = [idle["id"], busy["id"], elsewhere["id"], sequence["id"], idle["id"]]
    assert artist.post(path, wanted).status_code == 403
    assert admin.post(path, {"ids": wanted}).status_code == 400
    assert admin.ok_post(path, wanted) == [idle["id"], busy["id"], idle["id"]]
    assert gone(show, idle)
    assert show.read(busy)["canceled"] is True
    assert admin.ok_post(path, [busy["id"]]) == [busy["id"]]
    assert gone(show, busy)


def test_a_production_is_deleted_with_its_entities(admin: Client) -> None:
    show, other = Show(admin), Show(admin)
    shared = show.asset(is_shared=True)
    shot = other.shot()
    show.cast(show.shot(show.sequence(show.episode())), shared)
    other.cast(shot, shared)
    closed = admin.ok_get("/data/project-status", params={"name": "Closed"})[0]["id"]
    admin.ok_put(show.path, {"project_status_id": closed})
    admin.ok_delete(f"{show.path}?force=true")
    assert gone(other, shared)
    assert other.read(shot)["nb_entities_out"] == 0
