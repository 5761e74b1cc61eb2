"""Numbered copies of assets. Source: spec entities, "Asset instances"."""

from concurrent.futures import ThreadPoolExecutor

from tests.client import Client
from tests.entities.shows import Show
from tests.factories import hire


def test_instances_made_at_once_have_numbers_of_their_own(admin: Client) -> None:
    show = Show(admin)
    scene = admin.ok_post(f"{show.path}/scenes", {"name": "SC01"})
    sword, shot = show.asset(name="My Sword é"), show.shot()
    path = f"/data/scenes/{scene['id']}/asset-instances"
    with ThreadPoolExecutor(4) as pool:
        instances = list(pool.map(lambda _: admin.ok_post(path, {"asset_id": sword["id"]}), range(4)))
    assert sorted(row["name"] for row in instances) == [f"My_Sword_e_000{number}" for number in (1, 2, 3, 4)]
    shown = f"/data/shots/{shot['id']}/asset-instances"
    for _ in range(2):
        assert admin.post(shown, {"asset_instance_id": instances[0]["id"]}).status_code == 201
    assert list(admin.ok_get(shown)) == [sword["id"]]
    assert [admin.delete(f"{shown}/{instances[0]['id']}").status_code for _ in range(2)] == [204, 404]
    plain = {"asset_id": sword["id"], "scene_id": scene["id"], "name": "Sword"}
    # Worth fixing: the table lets two instances of one number through, as one of its columns is null
    assert [admin.post("/data/asset-instances", {**plain, "number": number}).status_code for number in (5, 5, 1)] == [
        *(201, 400, 400)
    ]
    client = show.join(hire(admin, "client"))
    assert client.post(path, {"asset_id": sword["id"]}).status_code == 403
    assert admin.post(path, {"asset_id": Show(admin).asset()["id"]}).status_code == 404
    # Worth fixing: an asset with instances can be removed
    admin.ok_delete(f"/data/assets/{sword['id']}?force=true")
    assert admin.ok_get(path) == {}
