"""Gazu's user: the desk of the artist who is signed in."""

import gazu
import pytest
from gazu.client import KitsuClient

from tests.client import Client, unique
from tests.gazu.conftest import Row, Show, ids
from tests.media.publishing import png


@pytest.fixture(scope="module")
def status(signed_in: Row) -> dict[str, Row]:
    return {short: gazu.task.get_task_status_by_short_name(short) for short in ("wip", "wfa", "done")}


@pytest.fixture(scope="module")
def task(desk: Show) -> Row:
    """A task of the artist's on a shot of its own."""
    shot = gazu.shot.new_shot(desk.project, desk.sequence, unique("SH"))
    animation = gazu.task.get_task_type(desk.task["task_type_id"])
    return dict(gazu.task.new_task(shot, animation, assignees=[desk.artist.person]))


def test_what_one_works_on(desk: Show, as_artist: KitsuClient) -> None:
    kinds = ("Asset", "Scene", "Sequence")
    of_asset, of_scene, of_sequence = (gazu.task.new_task_type(unique(row), for_entity=row) for row in kinds)
    scene = gazu.scene.new_scene(desk.project, desk.sequence, unique("SC"))
    artist = [desk.artist.person]
    asset = gazu.asset.new_asset(desk.project, desk.character, unique("Asset"))
    sequence = gazu.shot.new_sequence(desk.project, unique("SQ"), episode=desk.episode)
    on = {
        "asset": (asset, gazu.task.new_task(asset, of_asset, assignees=artist)),
        "scene": (scene, gazu.task.new_task(scene, of_scene, assignees=artist)),
        "sequence": (sequence, gazu.task.new_task(sequence, of_sequence, assignees=artist)),
        "shot": (desk.shot, desk.task),
    }
    tasks = {
        "asset": gazu.user.all_tasks_for_asset(asset, client=as_artist),
        "scene": gazu.user.all_tasks_for_scene(scene, client=as_artist),
        "sequence": gazu.user.all_tasks_for_sequence(sequence, client=as_artist),
        "shot": gazu.user.all_tasks_for_shot(desk.shot, client=as_artist),
    }
    types = {
        "asset": gazu.user.all_task_types_for_asset(asset, client=as_artist),
        "scene": gazu.user.all_task_types_for_scene(scene, client=as_artist),
        "sequence": gazu.user.all_task_types_for_sequence(sequence, client=as_artist),
        "shot": gazu.user.all_task_types_for_shot(desk.shot, client=as_artist),
    }
    for kind, (_, of_kind) in on.items():
        assert ids(tasks[kind]) == [of_kind["id"]], kind
        assert ids(types[kind]) == [of_kind["task_type_id"]], kind
    project = desk.project
    assert project["id"] in ids(gazu.user.all_open_projects(client=as_artist))
    assert desk.character["id"] in ids(gazu.user.all_asset_types_for_project(project, client=as_artist))
    assets = gazu.user.all_assets_for_asset_type_and_project(project, desk.character, client=as_artist)
    assert asset["id"] in ids(assets)
    assert desk.episode["id"] in ids(gazu.user.all_episodes_for_project(project, client=as_artist))
    assert desk.sequence["id"] in ids(gazu.user.all_sequences_for_project(project, client=as_artist))
    assert desk.shot["id"] in ids(gazu.user.all_shots_for_sequence(desk.sequence, client=as_artist))
    assert scene["id"] in ids(gazu.user.all_scenes_for_sequence(desk.sequence, client=as_artist))


def test_to_do_to_check_and_done(task: Row, as_artist: KitsuClient, status: dict[str, Row]) -> None:
    assert task["id"] in ids(gazu.user.all_tasks_to_do(client=as_artist))
    gazu.task.add_comment(task, status["wfa"], "Look", client=as_artist)
    assert task["id"] in ids(gazu.user.all_tasks_requiring_feedback())
    assert gazu.user.all_tasks_requiring_feedback(client=as_artist) == []
    gazu.task.add_comment(task, status["done"], "Lovely")
    assert task["id"] in ids(gazu.user.all_done_tasks(client=as_artist))
    assert task["id"] not in ids(gazu.user.all_tasks_to_do(client=as_artist))
    gazu.task.add_comment(task, status["wip"], "Again")


def test_one_s_day(desk: Show, task: Row, as_artist: KitsuClient, admin: Client) -> None:
    gazu.task.add_time_spent(task, desk.artist.person, "2031-05-05", 60)
    assert gazu.user.get_task_time_spent(task, "2031-05-05", client=as_artist)["duration"] == 60
    assert ids(gazu.user.get_time_spents_by_date("2031-05-05", client=as_artist)) == [
        gazu.user.get_timespents_range("2031-05-01", "2031-05-31", client=as_artist)[0]["id"]
    ]
    leave = gazu.person.new_day_off(desk.artist.person, "2031-05-12", "2031-05-14")
    assert gazu.user.get_day_off("2031-05-13", client=as_artist)["id"] == leave["id"]
    assert gazu.user.get_day_off("2031-05-15", client=as_artist) == {}
    logged = gazu.user.log_desktop_session_log_in(client=as_artist)
    assert ids(gazu.user.all_desktop_login_logs(client=as_artist)) == [logged["id"]]
    path = f"/pictures/thumbnails/persons/{desk.artist.id}"
    desk.artist.ok_post(path, files={"file": ("me.png", png(), "image/png")})
    gazu.user.clear_avatar(client=as_artist)
    assert gazu.person.get_person(desk.artist.id)["has_avatar"] is False


def test_who_one_is(desk: Show, as_artist: KitsuClient) -> None:
    assert gazu.user.is_authenticated(client=as_artist) is True
    stranger = gazu.client.create_client(as_artist.host)
    assert gazu.user.is_authenticated(client=stranger) is False
    context = gazu.user.get_context(client=as_artist)
    assert desk.project["id"] in ids(context["projects"])
    assert desk.artist.id in ids(context["persons"])


def test_saved_searches(desk: Show, as_artist: KitsuClient) -> None:
    place = desk.project["id"]
    saved = gazu.user.new_filter("Urgent", "priority=3", "asset", desk.project, "Asset", client=as_artist)
    group = gazu.user.new_filter_group("Mine", desk.project, client=as_artist)
    assert gazu.user.get_filter_group(group, client=as_artist) == group
    assert ids(gazu.user.all_filters(client=as_artist)["asset"][place]) == [saved["id"]]
    assert ids(gazu.user.all_filter_groups(client=as_artist)["todo"][place]) == [group["id"]]
    # Gazu sends whole rows back.
    moved = gazu.user.update_filter(
        {**saved, "name": "Burning", "search_filter_group_id": group["id"]}, client=as_artist
    )
    assert (moved["name"], moved["search_filter_group_id"]) == ("Burning", group["id"])
    assert gazu.user.update_filter_group({**group, "color": "#ff0000"}, client=as_artist)["color"] == "#ff0000"
    gazu.user.remove_filter(saved, client=as_artist)
    gazu.user.remove_filter_group(group, client=as_artist)
    assert gazu.user.all_filters(client=as_artist) == gazu.user.all_filter_groups(client=as_artist) == {}


def test_notifications_and_subscriptions(task: Row, as_artist: KitsuClient, status: dict[str, Row]) -> None:
    gazu.task.add_comment(task, status["wip"], "Hello")
    notification = gazu.user.all_notifications(client=as_artist)[0]
    assert gazu.user.get_notification(notification, client=as_artist)["comment_text"] == "Hello"
    read = gazu.user.update_notification({**notification, "read": True}, client=as_artist)
    assert read["read"] is True
    assert gazu.user.mark_all_notifications_as_read(client=as_artist) == {"success": True}
    assert all(row["read"] for row in gazu.user.all_notifications(client=as_artist))
    assert gazu.user.check_task_subscription(task, client=as_artist) is False
    assert gazu.user.subscribe_to_task(task, client=as_artist)["task_id"] == task["id"]
    assert gazu.user.check_task_subscription(task, client=as_artist) is True
    gazu.user.unsubscribe_from_task(task, client=as_artist)
    assert gazu.user.check_task_subscription(task, client=as_artist) is False


def test_chats(desk: Show, as_artist: KitsuClient) -> None:
    assert gazu.user.join_chat(desk.shot, client=as_artist)["object_id"] == desk.shot["id"]
    assert desk.shot["id"] in [row["object_id"] for row in gazu.user.all_chats(client=as_artist)]
    gazu.user.leave_chat(desk.shot, client=as_artist)
    assert gazu.user.all_chats(client=as_artist) == []
