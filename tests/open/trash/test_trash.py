"""The list of what was deleted, who sees it, what does not come back, and what goes for good."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests import factories
from tests.client import Client, unique
from tests.core.test_storage import stored_files
from tests.media.publishing import published
from tests.productions.test_projects import close
from tests.server import Server
from tests.workers import wait_for


@pytest.fixture(scope="module")
def people(admin: Client) -> dict[str, Client]:
    return {role: factories.hire(admin, role) for role in ("manager", "supervisor", "user", "client", "vendor")}


@pytest.fixture(scope="module")
def show(admin: Client, people: dict[str, Client]) -> dict[str, Any]:
    return factories.production(admin, *people.values())


def entries(who: Client, **filters: Any) -> list[dict[str, Any]]:
    return list(who.ok_get("/open/v1/trash", params=filters)["entries"])


def entry_of(who: Client, thing: dict[str, Any]) -> dict[str, Any]:
    (entry,) = entries(who, thing_id=thing["id"])
    return entry


def restore(who: Client, entry: dict[str, Any], **body: Any) -> Any:
    return who.post(f"/open/v1/trash/{entry['id']}/restore", body)


def force(who: Client, path: str, thing: dict[str, Any]) -> None:
    who.ok_delete(f"/data/{path}/{thing['id']}", params={"force": "true"})


def test_the_list_tells_what_was_deleted_by_whom(
    admin: Client, show: dict[str, Any], people: dict[str, Client]
) -> None:
    boss = people["manager"]
    asset = factories.entity(admin, show["id"], name=unique("Bob"))
    job = factories.task(admin, asset, assignees=[people["user"].id])
    kept = published(admin, admin, job["id"])
    force(boss, "assets", asset)
    entry = entry_of(boss, asset)
    told = {key: entry[key] for key in ("kind", "name", "person_id", "project_id", "project_name", "things", "state")}
    assert told == {
        "kind": "Asset",
        "name": asset["name"],
        "person_id": boss.id,
        "project_id": show["id"],
        "project_name": show["name"],
        "things": 1,
        "state": "whole",
    }
    assert (entry["rows"]["entity"], entry["rows"]["task"], entry["rows"]["preview_file"]) == (1, 1, 1)
    assert entry["row_count"] == sum(entry["rows"].values())
    assert (entry["files"], entry["file_size"] > 0) == (4, True)  # as many as a picture has
    assert entry["deleted_at"] < entry["kept_until"]
    whole = boss.ok_get(f"/open/v1/trash/{entry['id']}")
    assert {key: whole[key] for key in entry} == entry
    assert whole["contents"]["task"] == [{"id": job["id"], "name": "main"}]
    assert {row["id"] for row in whole["contents"]["preview_file"]} == {kept["id"]}
    assert entry_of(boss, asset) == entry
    assert entries(boss, project_id=show["id"], kind="asset", person_id=boss.id)[0] == entry
    assert entries(boss, project_id=show["id"], kind="Shot", person_id=boss.id) == []
    assert entries(boss, project_id=show["id"], until=entry["deleted_at"]) == []


def test_the_list_comes_in_pages(admin: Client) -> None:
    here = factories.production(admin)["id"]
    shots = [factories.entity(admin, here, "Shot") for _ in range(5)]
    for shot in shots:
        force(admin, "shots", shot)
    seen, cursor = [], None
    while True:
        page = admin.ok_get("/open/v1/trash", params={"project_id": here, "limit": 2, "cursor": cursor})
        seen += [entry["name"] for entry in page["entries"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert seen == [shot["name"] for shot in reversed(shots)]


@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "0"), ("limit", "501"), ("limit", "x"), ("cursor", "!"), ("person_id", "x"), ("since", "yesterday")],
)
def test_bad_queries_are_refused_by_name(admin: Client, name: str, value: str) -> None:
    answer = admin.get("/open/v1/trash", params={name: value})
    assert answer.status_code == 400, answer.text
    assert name in answer.text


def test_managers_restore_within_their_production_and_others_see_nothing(
    admin: Client, show: dict[str, Any], people: dict[str, Client]
) -> None:
    shot = factories.entity(admin, show["id"], "Shot")
    force(admin, "shots", shot)
    entry = entry_of(admin, shot)
    stranger = factories.hire(admin, "manager")
    for who in (*(people[role] for role in ("supervisor", "user", "client", "vendor")), stranger):
        for answer in (
            who.get("/open/v1/trash", params={"project_id": show["id"]}),
            who.get(f"/open/v1/trash/{entry['id']}"),
            restore(who, entry),
            restore(who, entry, dry_run=True),
            who.delete(f"/open/v1/trash/{entry['id']}"),
        ):
            assert answer.status_code == 403, answer.text
    for role in ("supervisor", "user", "client", "vendor"):
        assert people[role].get("/open/v1/trash").status_code == 403
    assert entry["id"] not in {row["id"] for row in entries(stranger)}
    assert entry["id"] in {row["id"] for row in entries(people["manager"])}
    assert restore(people["manager"], entry).json()["state"] == "restored"
    assert people["manager"].ok_get(f"/data/shots/{shot['id']}")["name"] == shot["name"]
    for missing in (uuid4(), "nothing"):
        assert admin.get(f"/open/v1/trash/{missing}").status_code == 404


def test_things_of_the_studio_are_for_studio_managers(admin: Client, people: dict[str, Client]) -> None:
    status = admin.ok_post("/data/file-status", {"name": unique("Pending"), "color": "#000000"})
    admin.ok_delete(f"/data/file-status/{status['id']}")
    entry = entry_of(admin, status)
    assert (entry["project_id"], entry["kind"]) == (None, "FileStatus")
    assert people["manager"].get(f"/open/v1/trash/{entry['id']}").status_code == 403
    assert entry["id"] not in {row["id"] for row in entries(people["manager"])}
    assert restore(admin, entry).status_code == 200


def test_it_is_told_like_something_new(admin: Client, show: dict[str, Any], database: psycopg.Connection) -> None:
    shot = factories.entity(admin, show["id"], "Shot")
    job = factories.task(admin, shot, "Compositing")
    force(admin, "shots", shot)
    assert restore(admin, entry_of(admin, shot)).status_code == 200
    names = "SELECT array_agg(name ORDER BY created_at) FROM api_event WHERE data ->> %s = %s"
    (of_shot,) = database.execute(names, ("shot_id", shot["id"])).fetchone() or ([],)
    (of_task,) = database.execute(names, ("task_id", job["id"])).fetchone() or ([],)
    assert [name for name in of_shot if name in ("shot:new", "shot:delete")] == ["shot:new", "shot:delete", "shot:new"]
    assert [name for name in of_task if not name.startswith("news")] == ["task:new", "task:delete", "task:new"]


# What does not come back


def test_what_it_hung_on_is_gone(admin: Client, show: dict[str, Any]) -> None:
    asset = factories.entity(admin, show["id"])
    job = factories.task(admin, asset)
    force(admin, "tasks", job)
    force(admin, "assets", asset)
    of_task, of_asset = entry_of(admin, job), entry_of(admin, asset)
    refused = restore(admin, of_task)
    assert (refused.status_code, refused.json()["message"]) == (
        409,
        f"task.entity_id: entity {asset['id']} is gone.",
    )
    assert restore(admin, of_task, dry_run=True).status_code == 409
    assert restore(admin, of_asset).status_code == 200
    assert restore(admin, of_task).status_code == 200
    assert admin.ok_get(f"/data/tasks/{job['id']}")["entity_id"] == asset["id"]


def test_a_name_was_taken_meanwhile(admin: Client, show: dict[str, Any]) -> None:
    asset = factories.entity(admin, show["id"], name=unique("Eve"))
    status = admin.ok_post("/data/file-status", {"name": unique("Late"), "color": "#000000"})
    force(admin, "assets", asset)
    admin.ok_delete(f"/data/file-status/{status['id']}")
    other = factories.entity(admin, show["id"], name=asset["name"])
    same = admin.ok_post("/data/file-status", {"name": status["name"], "color": "#000000"})
    refused = restore(admin, entry_of(admin, asset))
    assert (refused.status_code, asset["name"] in refused.json()["message"]) == (409, True)
    refused = restore(admin, entry_of(admin, status))
    assert (refused.status_code, "name" in refused.json()["message"]) == (409, True)
    assert admin.get(f"/data/assets/{asset['id']}").status_code == 404, "nothing is half restored"
    admin.ok_put(f"/data/entities/{other['id']}", {"name": unique("Eve")})
    admin.ok_put(f"/data/file-status/{same['id']}", {"name": unique("Late")})
    assert restore(admin, entry_of(admin, asset)).status_code == 200
    assert restore(admin, entry_of(admin, status)).status_code == 200


def test_what_others_wrote_meanwhile_stays(admin: Client, show: dict[str, Any]) -> None:
    """The main preview of an entity went, was forgotten, and another one was chosen."""
    asset = factories.entity(admin, show["id"])
    job = factories.task(admin, asset)
    first, second = (published(admin, admin, job["id"]) for _ in range(2))
    admin.ok_put(f"/actions/preview-files/{second['id']}/set-main-preview")
    admin.ok_delete(f"/data/preview-files/{second['id']}")
    moved = admin.ok_get(f"/data/entities/{asset['id']}")["preview_file_id"]
    third = published(admin, admin, job["id"])
    admin.ok_put(f"/actions/preview-files/{third['id']}/set-main-preview")
    came = restore(admin, entry_of(admin, second)).json()
    assert [row["column"] for row in came["written"] if row["table"] == "entity"] == ["preview_file_id"]
    assert admin.ok_get(f"/data/entities/{asset['id']}")["preview_file_id"] == third["id"]
    assert moved in (first["id"], None)
    assert admin.get(f"/pictures/originals/preview-files/{second['id']}.png").status_code == 200


def test_what_was_of_somebody_who_left_for_good_stays_away(admin: Client, show: dict[str, Any]) -> None:
    author = factories.hire(admin, "supervisor")
    factories.join(admin, show["id"], author)
    asset = factories.entity(admin, show["id"])
    job = factories.task(admin, asset, assignees=[author.id, admin.id])
    status = factories.named(admin, "task-status", "Todo")["id"]
    said = author.ok_post(f"/actions/tasks/{job['id']}/comment", {"task_status_id": status, "comment": "A secret"})
    force(admin, "assets", asset)
    admin.ok_delete(f"/data/persons/{author.id}", params={"force": "true"})
    assert entries(admin, thing_id=author.id) == []
    came = restore(admin, entry_of(admin, asset)).json()
    assert came["state"] == "restored", came
    assert came["left_out"]["comment"] == 1
    assert admin.get(f"/data/comments/{said['id']}").status_code == 404
    assert admin.ok_get(f"/data/tasks/{job['id']}")["assignees"] == [admin.id]


def test_persons_go_for_good(admin: Client, show: dict[str, Any]) -> None:
    author = factories.hire(admin, "supervisor")
    factories.join(admin, show["id"], author)
    job = factories.task(admin, factories.entity(admin, show["id"]))
    status = factories.named(admin, "task-status", "Todo")["id"]
    said = author.ok_post(f"/actions/tasks/{job['id']}/comment", {"task_status_id": status, "comment": "A secret"})
    admin.ok_delete(f"/data/persons/{author.id}", params={"force": "true"})
    assert entries(admin, thing_id=said["id"]) == entries(admin, thing_id=author.id) == []


# What goes for good


def test_a_purge_takes_files_and_contents(
    admin: Client, server: Server, show: dict[str, Any], database: psycopg.Connection
) -> None:
    job = factories.task(admin, factories.entity(admin, show["id"]))
    preview = published(admin, admin, job["id"])
    status = factories.named(admin, "task-status", "Todo")["id"]
    said = admin.ok_post(f"/actions/tasks/{job['id']}/comment", {"task_status_id": status, "comment": unique("Word")})
    force(admin, "tasks", job)
    held = [path for path in (server.folder / "previews").rglob("*") if path.name == preview["id"]]
    assert len(held) >= 3
    entry = entry_of(admin, job)
    admin.ok_delete(f"/open/v1/trash/{entry['id']}")
    gone = "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM stored_file WHERE file_id = %s AND purged_at IS NULL)"
    wait_for(database, gone, preview["id"])
    assert not any(path.exists() for path in held)
    assert all(purged for *_, purged, _ in stored_files(server, preview["id"]))
    assert restore(admin, entry).status_code == 404
    assert admin.delete(f"/open/v1/trash/{entry['id']}").status_code == 404
    left = database.execute("SELECT count(*) FROM pegbar.history WHERE old ->> 'text' = %s", (said["text"],)).fetchone()
    assert left == (0,)


# Productions


def test_a_production_comes_back(
    admin: Client, server: Server, people: dict[str, Client], database: psycopg.Connection
) -> None:
    """The large way of deleting is in test_large.py."""
    boss = people["manager"]
    here = factories.production(admin, boss)
    job = factories.task(admin, factories.entity(admin, here["id"]))
    earlier = factories.task(admin, factories.entity(admin, here["id"]))
    force(boss, "tasks", earlier)
    before = admin.ok_get(f"/data/projects/{here['id']}")
    close(admin, here["id"])
    admin.ok_delete(f"/data/projects/{here['id']}", params={"force": "true"})
    entry = entry_of(admin, here)
    assert (entry["kind"], entry["name"]) == ("Project", here["name"])
    assert restore(boss, entry).status_code == 403, "its team went with it"
    refused = restore(admin, entry_of(admin, earlier))
    assert refused.status_code == 409
    taken = factories.production(admin, name=here["name"])
    assert restore(admin, entry).status_code == 409
    admin.ok_put(f"/data/projects/{taken['id']}", {"name": unique("Other")})
    assert restore(admin, entry).json()["left_out"] == {}
    after = admin.ok_get(f"/data/projects/{here['id']}")
    closed = ("project_status_id", "project_status_name", "updated_at")
    assert {**after, **dict.fromkeys(closed)} == {**before, **dict.fromkeys(closed)}
    assert boss.ok_get(f"/data/tasks/{job['id']}")["id"] == job["id"]
    assert restore(boss, entry_of(boss, earlier)).status_code == 200
