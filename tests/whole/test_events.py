"""What the catalogue of events asks of them: their names, payloads and production."""

from typing import Any

import pytest

from tests import factories
from tests.accounts.people import artist, signed_in
from tests.client import Client, unique
from tests.core.listener import Feed
from tests.media.publishing import comment_on, place


@pytest.fixture(scope="module")
def show(admin: Client) -> dict[str, Any]:
    return factories.production(admin)


def told(feed: Feed) -> list[tuple[str, str | None, dict[str, Any]]]:
    """Name, production and payload (without it) of the events since the last time."""
    found = []
    for each in feed.read():
        data = {key: value for key, value in each["data"].items() if key != "project_id"}
        found.append((each["name"], each["project_id"], data))
    return found


def test_rows_of_a_production_are_told_to_it_alone(admin: Client, show: dict[str, Any]) -> None:
    project_id = show["id"]
    asset, shot = factories.entity(admin, project_id), factories.entity(admin, project_id, "Shot")
    task = factories.task(admin, asset)
    budget = admin.ok_post(f"/data/projects/{project_id}/budgets", {"name": "Film", "currency": "EUR"})
    wood = factories.named(admin, "departments", "%")["id"]
    hire = {"position": "artist", "seniority": "junior", "months_duration": 1, "daily_salary": 1}
    rows = {
        "entity-links": {"entity_in_id": shot["id"], "entity_out_id": asset["id"], "nb_occurences": 1},
        "asset-instances": {"asset_id": asset["id"], "name": "Left", "number": 1},
        "working-files": {"name": "rig", "task_id": task["id"], "revision": 1, "person_id": admin.id},
        "preview-files": {"name": "pose", "task_id": task["id"], "revision": 1},
        "comments": {"object_id": task["id"], "object_type": "Task", "person_id": admin.id, "text": "Look"},
        "news": {"task_id": task["id"], "author_id": admin.id},
        "subscriptions": {"task_id": task["id"], "person_id": admin.id},
        "budget-entries": {**hire, "budget_id": budget["id"], "department_id": wood, "start_date": "2031-01-01"},
    }
    feed = Feed(admin)
    for path, row in rows.items():
        made = admin.ok_post(f"/data/{path}", row)
        events = told(feed)
        key = f"{path.removesuffix('ies') + 'y' if path.endswith('ies') else path if path == 'news' else path[:-1]}"
        name, key = f"{key}:new", f"{key.replace('-', '_')}_id"
        assert (name, project_id) in [(name, project) for name, project, _ in events], path
        assert [data[key] for event, _, data in events if event == name] == [made["id"]]


def test_instances_are_told_to_the_production(admin: Client, show: dict[str, Any]) -> None:
    if not admin.ok_get("/data/entity-types", params={"name": "Scene"}):
        admin.ok_post("/data/entity-types", {"name": "Scene"})
    asset, shot, scene = (factories.entity(admin, show["id"], kind) for kind in ("Character", "Shot", "Scene"))
    feed = Feed(admin)
    made = admin.ok_post(f"/data/scenes/{scene['id']}/asset-instances", {"asset_id": asset["id"]})["id"]
    admin.ok_post(f"/data/shots/{shot['id']}/asset-instances", {"asset_instance_id": made})
    admin.ok_delete(f"/data/shots/{shot['id']}/asset-instances/{made}")
    placed = {"scene_id": scene["id"], "asset_id": asset["id"], "asset_instance_id": made}
    shown = {"shot_id": shot["id"], "asset_instance_id": made}
    assert told(feed) == [
        ("asset_instance:new", show["id"], placed),
        ("asset_instance:add-to-shot", show["id"], shown),
        ("asset_instance:remove-from-shot", show["id"], shown),
    ]


def test_private_changes_reach_their_owner(admin: Client, show: dict[str, Any]) -> None:
    owner = signed_in(admin, artist(admin)[1])
    admin.ok_post(f"/data/projects/{show['id']}/team", {"person_id": owner.id})
    task = factories.task(admin, factories.entity(admin, show["id"]))
    theirs, others = Feed(owner), Feed(admin)
    search = {"name": "Mine", "query": "wip", "list_type": "asset", "project_id": show["id"]}
    made = owner.ok_post("/data/user/filters", search)["id"]
    owner.ok_put(f"/data/user/filters/{made}", {"name": "Ours"})
    owner.ok_delete(f"/data/user/filters/{made}")
    watched = owner.ok_post(f"/actions/user/tasks/{task['id']}/subscribe")["id"]
    owner.ok_post(f"/actions/user/tasks/{task['id']}/subscribe")
    owner.ok_delete(f"/actions/user/tasks/{task['id']}/unsubscribe")
    assert told(theirs) == [
        *[(f"search-filter:{verb}", show["id"], {"search_filter_id": made}) for verb in ("new", "update", "delete")],
        ("subscription:new", None, {"subscription_id": watched}),
        ("subscription:delete", None, {"subscription_id": watched}),
    ]
    assert told(others) == []
    group = admin.ok_post(
        "/data/user/filter-groups",
        {"name": "All", "list_type": "asset", "project_id": show["id"], "is_shared": True, "color": "#000000"},
    )
    assert told(theirs) == [("search-filter-group:new", show["id"], {"search_filter_group_id": group["id"]})]


def test_a_new_order_of_task_types_is_told(admin: Client) -> None:
    row = {"color": "#000000", "priority": 9}
    types = [admin.ok_post("/data/task-types", {"name": unique("Type"), **row})["id"] for _ in range(2)]
    feed = Feed(admin)
    admin.ok_post("/actions/task-types/reorder", {"task_type_ids": types})
    assert sorted(told(feed), key=lambda event: types.index(event[2]["task_type_id"])) == [
        ("task-type:update", None, {"task_type_id": each}) for each in types
    ]


def test_an_applied_schedule_version_is_told_as_clients_spell_it(admin: Client, show: dict[str, Any]) -> None:
    path = "/data/production-schedule-versions"
    made = admin.ok_post(path, {"name": unique("Plan"), "project_id": show["id"]})["id"]
    feed = Feed(admin)
    admin.ok_post(f"/actions/production-schedule-versions/{made}/apply-to-production")
    names = [name for name, _, _ in told(feed)]
    assert "production_schedule_version:update" in names
    assert "production-schedule-version:update" not in names


def test_files_of_comments_and_removed_previews_are_told(admin: Client, show: dict[str, Any]) -> None:
    task = factories.task(admin, factories.entity(admin, show["id"]))
    comment = comment_on(admin, admin, task["id"])
    preview = place(admin, task["id"], comment["id"])
    path = f"/data/tasks/{task['id']}/comments/{comment['id']}"
    feed = Feed(admin)
    changed = ("comment:update", show["id"], {"comment_id": comment["id"], "task_id": task["id"],
                                              "person_id": admin.id, "for_client": False})  # fmt: skip
    files = {"file": ("note.txt", b"Look", "text/plain")}
    (kept,) = admin.ok_post(f"/actions/tasks/{task['id']}/comments/{comment['id']}/add-attachment", files=files)
    assert told(feed) == [changed]
    admin.ok_delete(f"{path}/attachments/{kept['id']}")
    assert told(feed) == [changed]
    admin.ok_delete(path)
    assert ("preview-file:delete", show["id"], {"preview_file_id": preview["id"]}) in told(feed)
