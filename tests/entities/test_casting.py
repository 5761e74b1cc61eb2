"""Castings and the counters that follow from them. Source: spec entities, "Casting model"."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.client import Client
from tests.entities.shows import Show, happened
from tests.factories import entity, hire, named, task
from tests.server import Server

NOBODY = "00000000-0000-4000-8000-000000000000"


def links(show: Show, of: dict) -> dict[str, dict]:
    rows = show.admin.ok_get("/data/entity-links", params={"entity_in_id": of["id"]})
    return {row["entity_out_id"]: row for row in rows}


def ready(show: Show, task_row: dict) -> int:
    return int(show.admin.ok_get(f"/data/tasks/{task_row['id']}")["nb_assets_ready"])


def test_a_replaced_casting_keeps_the_links_that_stay(server: Server, admin: Client) -> None:
    show = Show(admin)
    shot, kept, changed, gone, new = show.shot(), *(show.asset() for _ in range(4))
    show.cast(shot, kept, changed, gone)
    before, already = links(show, shot), len(happened(server, show.id))
    parts = [
        {"asset_id": kept["id"], "nb_occurences": 1},
        {"asset_id": changed["id"], "nb_occurences": 3, "label": "animate"},
        {"asset_id": new["id"], "nb_occurences": 2},
        {"asset_id": gone["id"]},
    ]
    assert admin.ok_put(f"{show.path}/entities/{shot['id']}/casting", parts) == parts
    after = links(show, shot)
    assert after.keys() == {kept["id"], changed["id"], new["id"]}
    assert after[kept["id"]] == before[kept["id"]]
    assert after[changed["id"]]["id"] == before[changed["id"]]["id"]
    assert (after[changed["id"]]["nb_occurences"], after[changed["id"]]["label"]) == (3, "animate")
    events = happened(server, show.id)[already:]
    assert [name for name, _ in events] == ["entity-link:new", "entity-link:update", "shot:casting-update"]
    assert events[-1][1] == {
        "shot_id": shot["id"],
        "nb_entities_out": 3,
        "added_asset_ids": [new["id"]],
        "removed_asset_ids": [gone["id"]],
        "project_id": show.id,
    }


def test_nothing_is_cast_when_one_asset_cannot_be(admin: Client) -> None:
    show, elsewhere = Show(admin), Show(admin)
    manager = show.join(hire(admin, "manager"))
    shot, asset, made_of = show.shot(), show.asset(), show.asset()
    show.cast(shot, asset)
    secret, shared = elsewhere.asset(), elsewhere.asset(is_shared=True)
    path = f"{show.path}/entities/{shot['id']}/casting"
    for bad in (NOBODY, secret["id"], show.shot()["id"], shot["id"]):
        parts = [{"asset_id": made_of["id"], "nb_occurences": 1}, {"asset_id": bad, "nb_occurences": 1}]
        assert manager.put(path, parts).status_code == 400
        assert show.casting(shot) == [asset["id"]]
    assert manager.put(path, [{"asset_id": shared["id"], "nb_occurences": 1}]).status_code == 200
    itself = f"/data/assets/{asset['id']}/casting"
    assert manager.put(itself, [{"asset_id": asset["id"]}]).status_code == 400


@pytest.mark.parametrize(
    "body",
    [{}, [1], [{"asset_id": "x", "nb_occurences": 1}], [{"asset_id": NOBODY, "nb_occurences": "many"}]],
)
def test_bad_castings_are_refused(admin: Client, body: object) -> None:
    show = Show(admin)
    assert admin.put(f"{show.path}/entities/{show.shot()['id']}/casting", body).status_code == 400


def test_an_episode_casts_what_its_shots_cast_until_none_does(server: Server, admin: Client) -> None:
    show = Show(admin)
    episode = show.episode()
    sequence = show.sequence(episode)
    first, second, by_shots, by_hand = show.shot(sequence), show.shot(sequence), show.asset(), show.asset()
    show.cast(episode, by_hand)
    show.cast(first, by_shots, by_hand)
    show.cast(second, by_shots)
    assert set(show.casting(episode)) == {by_shots["id"], by_hand["id"]}
    assert show.read(episode)["nb_entities_out"] == 2
    show.cast(first)
    assert set(show.casting(episode)) == {by_shots["id"], by_hand["id"]}
    show.cast(second)
    assert show.casting(episode) == [by_hand["id"]]
    assert show.read(episode)["nb_entities_out"] == 1
    updates = [payload for name, payload in happened(server, show.id) if name == "episode:casting-update"]
    assert updates[-1]["removed_asset_ids"] == [by_shots["id"]]


def test_an_asset_off_an_episode_leaves_its_shots_with_one_event_each(server: Server, admin: Client) -> None:
    show = Show(admin)
    episode = show.episode()
    shot, asset = show.shot(show.sequence(episode)), show.asset()
    show.cast(shot, asset)
    already = len(happened(server, show.id))
    show.cast(episode)
    assert show.casting(shot) == []
    assert show.read(shot)["nb_entities_out"] == 0
    events = [payload for name, payload in happened(server, show.id)[already:] if name == "shot:casting-update"]
    assert [payload["removed_asset_ids"] for payload in events] == [[asset["id"]]]


def test_readiness_follows_whatever_it_depends_on(server: Server, admin: Client) -> None:
    show = Show(admin)
    layout, animation = (named(admin, "task-types", name, for_entity="Shot")["id"] for name in ("Layout", "Animation"))
    for priority, task_type in enumerate((layout, animation)):
        admin.ok_post(f"{show.path}/settings/task-types", {"task_type_id": task_type, "priority": priority})
    shot, asset = show.shot(), show.asset()
    show.cast(shot, asset)
    first, second = task(admin, shot, "Layout"), task(admin, shot, "Animation")
    path = f"/data/entities/{asset['id']}"

    admin.ok_put(path, {"ready_for": layout})
    # Worth fixing: priority 0 is a place in the pipeline like any other
    assert (ready(show, first), ready(show, second)) == (1, 0)
    admin.ok_put(path, {"ready_for": animation})
    assert (ready(show, first), ready(show, second)) == (1, 1)
    admin.ok_delete(f"/data/assets/{asset['id']}?force=false")
    assert show.casting(shot) == []

    busy = show.asset(name="busy")
    task(admin, busy)
    show.cast(shot, busy)
    admin.ok_put(f"/data/entities/{busy['id']}", {"ready_for": layout})
    assert ready(show, first) == 1
    admin.ok_delete(f"/data/assets/{busy['id']}")
    assert (ready(show, first), show.read(shot)["nb_entities_out"]) == (0, 0)
    # Worth fixing: un-canceling refreshes too
    admin.ok_put(f"/data/entities/{busy['id']}", {"canceled": False})
    assert (ready(show, first), show.read(shot)["nb_entities_out"]) == (1, 1)
    assert "task:update-casting-stats" in [name for name, _ in happened(server, show.id)]


def test_several_entities_at_once_or_none(admin: Client) -> None:
    show = Show(admin)
    shots, asset = [show.shot(), show.shot()], show.asset()
    parts = [{"asset_id": asset["id"], "nb_occurences": 2}]
    path = f"{show.path}/entities/casting"
    assert admin.put(path, {shots[0]["id"]: parts, NOBODY: parts}).status_code == 404
    assert admin.put(path, {shots[0]["id"]: parts, Show(admin).shot()["id"]: parts}).status_code == 403
    assert show.casting(shots[0]) == []
    body = {shot["id"]: parts for shot in shots}
    assert admin.ok_put(path, body) == body
    one = f"{path}/assets/{asset['id']}"
    answer = admin.ok_put(one, {"entity_ids": [shots[0]["id"], shots[1]["id"]], "label": "far"})
    assert {part["label"] for listed in answer.values() for part in listed} == {"far"}
    assert admin.ok_put(one, {"entity_ids": [shots[0]["id"]], "nb_occurences": 0}) == {shots[0]["id"]: []}
    assert admin.ok_get(f"{show.path}/sequences/all/casting") == {}


def test_castings_by_sequence_and_where_an_asset_appears(admin: Client) -> None:
    show = Show(admin)
    episode = show.episode()
    sequence = show.sequence(episode, name="SQ01")
    shot, asset, part = show.shot(sequence, name="SH01"), show.asset(name="Car"), show.asset(name="Wheel")
    show.cast(shot, asset, count=2)
    admin.ok_put(f"/data/assets/{asset['id']}/casting", [{"asset_id": part["id"], "nb_occurences": 4}])
    (entry,) = admin.ok_get(f"{show.path}/sequences/{sequence['id']}/casting")[shot["id"]]
    assert (entry["asset_name"], entry["sequence_name"], entry["nb_occurences"]) == ("Car", "SQ01", 2)
    (where,) = admin.ok_get(f"/data/assets/{asset['id']}/cast-in")
    assert (where["shot_name"], where["episode_id"]) == ("SH01", episode["id"])
    assert [row["asset_name"] for row in admin.ok_get(f"/data/assets/{part['id']}/cast-in")] == ["Car"]
    assert [row["name"] for row in admin.ok_get(f"/data/shots/{shot['id']}/assets")] == ["Car"]


def test_casting_the_same_at_once_is_cast_once(admin: Client) -> None:
    show = Show(admin)
    episode = show.episode()
    sequence = show.sequence(episode)
    shots, asset = [show.shot(sequence) for _ in range(4)], show.asset()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda shot: show.cast(shot, asset), shots))
    assert show.casting(episode) == [asset["id"]]
    assert show.read(episode)["nb_entities_out"] == 1


def test_who_reads_and_writes_castings(admin: Client) -> None:
    show = Show(admin)
    artist, supervisor, client, vendor = (
        show.join(hire(admin, role)) for role in ("user", "supervisor", "client", "vendor")
    )
    shot = show.shot()
    path = f"{show.path}/entities/{shot['id']}/casting"
    assert [who.get(path).status_code for who in (artist, supervisor, client, vendor)] == [200, 200, 200, 403]
    assert [who.put(path, []).status_code for who in (artist, supervisor, client, vendor)] == [403] * 4
    assert hire(admin, "manager").put(path, []).status_code == 403


def pipeline(show: Show) -> tuple[str, str]:
    """Layout, then animation."""
    layout, animation = (
        named(show.admin, "task-types", name, for_entity="Shot")["id"] for name in ("Layout", "Animation")
    )
    for place, task_type in enumerate((layout, animation)):
        show.admin.ok_post(f"{show.path}/settings/task-types", {"task_type_id": task_type, "priority": place})
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
    cast = entity(admin, show.id, "Shot", entities_out=[asset["id"]], nb_entities_out=7)
    assert show.read(cast)["nb_entities_out"] == 1
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
    parts = [{"asset_id": asset["id"], "nb_occurences": 2} for asset in (foreign, own)]
    assert manager.ok_put(f"{show.path}/entities/{shot['id']}/casting", parts) == parts
    new = manager.put(f"{show.path}/entities/{show.shot()['id']}/casting", parts)
    assert (new.status_code, new.json()["error"]) == (400, True)


def test_casting_links_by_page_and_cursor(admin: Client) -> None:
    show = Show(admin)
    shot = show.shot()
    for _ in range(3):
        show.cast(shot, *[show.asset() for _ in range(2)], *({"id": asset_id} for asset_id in show.casting(shot)))
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
