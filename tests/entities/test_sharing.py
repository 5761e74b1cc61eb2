"""Assets shared among productions. Source: spec entities, "Shared assets"."""

from tests.client import Client
from tests.entities.shows import Show, happened
from tests.factories import hire, task
from tests.server import Server

NOBODY = "00000000-0000-4000-8000-000000000000"


def test_sharing_is_told_for_each_asset(server: Server, admin: Client) -> None:
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
