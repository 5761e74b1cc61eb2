"""Making assets, shots, sequences, episodes. Source: spec shots, "Creation is idempotent"; spec entities, "Assets"."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.client import Client, unique
from tests.entities.shows import Show, happened
from tests.factories import hire, named
from tests.server import Server

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def show(admin: Client) -> Show:
    return Show(admin)


def test_an_existing_shot_is_answered_unchanged(server: Server, admin: Client) -> None:
    show = Show(admin)
    sequence = show.sequence()
    made = show.shot(sequence, name="SH01", nb_frames="48", data={"frame_in": 1})
    again = show.shot(sequence, name="SH01", nb_frames=99, description="other")
    assert again == made
    assert made["nb_frames"] == 48
    assert made["type"] == "Shot"
    assert show.shot(sequence, name="sh01")["id"] != made["id"]
    names = [name for name, _ in happened(server, show.id)]
    assert names.count("shot:new") == 2


@pytest.mark.parametrize("path", ["shots", "sequences", "episodes"])
def test_the_same_made_many_times_at_once_is_one(admin: Client, show: Show, path: str) -> None:
    body = {"name": unique("twin")}
    with ThreadPoolExecutor(6) as pool:
        rows = list(pool.map(lambda _: admin.ok_post(f"{show.path}/{path}", body), range(6)))
    assert len({row["id"] for row in rows}) == 1
    assert len([row for row in admin.ok_get(f"{show.path}/{path}") if row["name"] == body["name"]]) == 1


def test_an_asset_made_many_times_at_once_is_made_once(server: Server, admin: Client) -> None:
    show = Show(admin)
    path = f"{show.path}/asset-types/{named(admin, 'entity-types', 'Prop')['id']}/assets/new"
    body = {"name": unique("twin")}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: admin.post(path, body), range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + 5 * [400]
    for refused in (answer.json() for answer in answers if answer.status_code == 400):
        assert body["name"] in refused["message"]
        assert [item["field"] for item in refused["data"]["errors"]] == ["name"]
    assert [row["name"] for row in admin.ok_get(f"{show.path}/assets")] == [body["name"]]
    assert [name for name, _ in happened(server, show.id)].count("asset:new") == 1


def test_an_asset_of_a_taken_name_is_made_when_something_tells_it_from_the_other(admin: Client) -> None:
    """As recorded: entities_asset_library."""
    show = Show(admin)
    name, episode = unique("Rival"), show.episode()
    first = show.asset("Prop", name=name, is_shared=True)
    path = f"{show.path}/asset-types/{first['entity_type_id']}/assets/new"
    others = [{}, {"description": "older"}, {"data": {"height": 3}}, {"episode_id": episode["id"]}]
    made = [admin.ok_post(path, {"name": name, **other})["id"] for other in others]
    assert len({first["id"], *made}) == 5
    for again in ({"is_shared": True}, {"is_shared": None, "description": None, "data": None}, *others):
        refused = admin.post(path, {"name": name, **again})
        assert (refused.status_code, name in refused.json()["message"]) == (400, True), again
    admin.ok_put(f"/data/entities/{made[1]}", {"canceled": True})
    assert admin.post(path, {"name": name, "description": "older"}).status_code == 201


def test_the_name_of_an_asset_is_taken_in_its_type_while_it_is_not_canceled(admin: Client) -> None:
    show, other = Show(admin), Show(admin)
    name = unique("Tree")
    first = show.asset("Prop", name=name)
    others = [show.asset("Character", name=name), other.asset("Prop", name=name), show.asset("Prop", name=name + "s")]
    row = {"name": name, "project_id": show.id, "entity_type_id": first["entity_type_id"]}
    assert admin.post("/data/entities", row).status_code == 400
    renamed = admin.put(f"/data/entities/{others[2]['id']}", {"name": name})
    assert (renamed.status_code, name in renamed.json()["message"]) == (400, True)
    assert admin.put(f"/data/entities/{others[0]['id']}", {"entity_type_id": row["entity_type_id"]}).status_code == 400
    admin.ok_put(f"/data/entities/{first['id']}", {"canceled": True})
    second = admin.ok_post("/data/entities", row)
    # What comes back needs its name.
    assert admin.put(f"/data/entities/{first['id']}", {"canceled": False}).status_code == 400
    admin.ok_put(f"/data/entities/{first['id']}", {"canceled": False, "name": unique("Old tree")})
    admin.ok_put(f"/data/entities/{second['id']}", {"name": name, "description": "the same name is no change"})


@pytest.mark.parametrize("kind", ["Shot", "Sequence", "Episode", "Scene", "Edit", "Concept", "ConceptFolder"])
def test_entities_of_other_kinds_are_no_twins_either(admin: Client, kind: str) -> None:
    show = Show(admin)
    if not admin.ok_get("/data/entity-types", params={"name": kind}):
        admin.ok_post("/data/entity-types", {"name": kind})
    row = {"name": unique(kind), "project_id": show.id, "entity_type_id": named(admin, "entity-types", kind)["id"]}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: admin.post("/data/entities", row), range(4)))
    assert sorted(answer.status_code for answer in answers) == [201] + 3 * [400]
    assert row["name"] in next(item.json()["message"] for item in answers if item.status_code == 400)
    second = admin.ok_post("/data/entities", {**row, "name": unique(kind)})
    assert admin.put(f"/data/entities/{second['id']}", {"name": row["name"]}).status_code == 400


@pytest.mark.parametrize("path", ["edits", "concepts", "concept-folders", "scenes"])
def test_other_kinds_made_many_times_at_once_are_one_too(admin: Client, show: Show, path: str) -> None:
    body = {"name": unique("twin")}
    with ThreadPoolExecutor(6) as pool:
        rows = list(pool.map(lambda _: admin.ok_post(f"{show.path}/{path}", body), range(6)))
    assert len({row["id"] for row in rows}) == 1


def test_twins_of_an_older_database_can_still_be_changed(server: Server, admin: Client) -> None:
    show = Show(admin)
    first, second = show.asset("Prop"), show.asset("Prop")
    with psycopg.connect(server.database_url) as connection:
        connection.execute("UPDATE entity SET name = %s WHERE id = %s", [first["name"], second["id"]])
    admin.ok_put(f"/data/entities/{second['id']}", {"name": first["name"], "description": "twin"})
    admin.ok_put(f"/data/entities/{second['id']}", {"canceled": True})


def test_the_event_of_a_shot_names_its_episode(server: Server, admin: Client) -> None:
    show = Show(admin)
    episode = show.episode()
    shot = show.shot(show.sequence(episode))
    assert ("shot:new", {"shot_id": shot["id"], "episode_id": episode["id"], "project_id": show.id}) in happened(
        server, show.id
    )


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("shots", {}, "name"),
        ("shots", {"name": ""}, "name"),
        ("shots", {"name": "x" * 161}, "name"),
        ("shots", {"name": "a", "nb_frames": 1.5}, "nb_frames"),
        ("shots", {"name": "a", "sequence_id": ""}, "sequence_id"),
        ("sequences", {"name": "a", "data": []}, "data"),
        ("episodes", {"name": 3}, "name"),
    ],
)
def test_bad_bodies_name_the_field(admin: Client, show: Show, path: str, body: dict, field: str) -> None:
    answer = admin.post(f"{show.path}/{path}", body)
    assert answer.status_code == 400
    assert [row["field"] for row in answer.json()["data"]["errors"]] == [field]


def test_parents_are_of_the_kind_and_production(admin: Client, show: Show) -> None:
    elsewhere = Show(admin)
    for sequence_id in (NOBODY, show.asset()["id"], elsewhere.sequence()["id"]):
        assert admin.post(f"{show.path}/shots", {"name": "a", "sequence_id": sequence_id}).status_code == 404
    assert admin.post(f"{show.path}/sequences", {"name": "a", "episode_id": NOBODY}).status_code == 404
    assert admin.post(f"/data/projects/{NOBODY}/shots", {"name": "a"}).status_code == 404


def test_an_unknown_status_of_an_episode_is_running(admin: Client, show: Show) -> None:
    body = {"name": unique("E"), "status": "asleep", "description": None}
    made = admin.ok_post(f"{show.path}/episodes", body)
    assert (made["status"], made["description"], made["data"]) == ("running", None, {})


def test_assets_need_an_asset_type(server: Server, admin: Client, show: Show) -> None:
    first = show.asset()
    type_id = first["entity_type_id"]
    assert (
        "asset:new",
        {"asset_id": first["id"], "asset_type": type_id, "project_id": show.id},
    ) in happened(server, show.id)
    shot_type = named(admin, "entity-types", "Shot")["id"]
    for kind in (shot_type, NOBODY):
        assert admin.post(f"{show.path}/asset-types/{kind}/assets/new", {"name": "a"}).status_code == 404
    new = f"{show.path}/asset-types/{type_id}/assets/new"
    assert admin.post(new, {"name": "x" * 161}).status_code == 400
    assert admin.post(new, {"name": "a", "episode_id": NOBODY}).status_code == 404


@pytest.mark.parametrize("role", ["user", "supervisor", "client", "vendor"])
def test_only_managers_make_entities(admin: Client, show: Show, role: str) -> None:
    member = show.join(hire(admin, role))
    for path in ("shots", "sequences", "episodes", "scenes"):
        assert member.post(f"{show.path}/{path}", {"name": "a"}).status_code == 403
    manager_elsewhere = hire(admin, "manager")
    assert manager_elsewhere.post(f"{show.path}/shots", {"name": "a"}).status_code == 403


def test_a_tv_show_starts_with_an_episode(admin: Client) -> None:
    show = Show(admin, production_type="tvshow")
    (episode,) = admin.ok_get(f"{show.path}/episodes")
    assert (episode["name"], episode["status"], episode["data"]) == ("E01", "running", {})
