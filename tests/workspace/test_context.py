"""What the signed-in person sees of the studio: the context and their tasks, by role."""

from typing import Any

from tests import factories
from tests.client import Client
from tests.tasks.test_comments import say, status
from tests.timesheets.test_time import person

KEYS = {
    "asset_types",
    "custom_actions",
    "status_automations",
    "departments",
    "studios",
    "notification_count",
    "persons",
    "project_status",
    "project_roles",
    "projects",
    "task_types",
    "task_status",
    "search_filters",
    "search_filter_groups",
    "preview_background_files",
    "plugins",
}


def test_the_context_holds_what_the_role_may_see(admin: Client) -> None:
    client, artist, manager = (person(admin, role) for role in ("client", "user", "manager"))
    show, other = factories.production(admin, client, artist), factories.production(admin, artist)
    factories.join(admin, other["id"], manager, role="supervisor")
    seen = {who: who.ok_get("/data/user/context") for who in (admin, client, artist, manager)}
    for who, context in seen.items():
        assert context.keys() >= KEYS
        assert ("user_limit" in context) is (who is admin)
    assert {row["id"] for row in seen[client]["projects"]} == {show["id"]}
    assert {row["id"] for row in seen[artist]["projects"]} == {show["id"], other["id"]}
    assert {show["id"], other["id"]} <= {row["id"] for row in seen[admin]["projects"]}
    assert {row["id"] for row in seen[client]["persons"]} >= {client.id, artist.id}
    assert manager.id not in {row["id"] for row in seen[client]["persons"]}
    assert "email" not in seen[client]["persons"][0]
    assert "daily_salary" not in seen[artist]["persons"][0]
    assert seen[manager]["project_roles"] == {other["id"]: "supervisor"}
    assert all(row["for_client"] for row in seen[client]["projects"][0]["descriptors"])
    assert factories.hire(admin, "user").get("/data/user/context").status_code == 403


def test_the_context_is_sent_again_when_it_changed(admin: Client) -> None:
    first = admin.get("/data/user/context")
    known = {"If-None-Match": first.headers["etag"]}
    again = admin.get("/data/user/context", headers=known)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    factories.hire(admin)
    assert admin.get("/data/user/context", headers=known).status_code == 200


def test_records_are_whole_for_those_who_manage_the_person(admin: Client) -> None:
    roles = ("manager", "user", "vendor", "vendor", "user", "manager")
    manager, promoted, vendor, mate, stranger, restricted = (person(admin, role) for role in roles)
    for who in (manager, vendor, mate, stranger):
        admin.ok_put(f"/data/persons/{who.id}", {"daily_salary": 300, "phone": "0123", "data": {"a": 1}})
    show = factories.production(admin, manager, vendor, mate)["id"]
    factories.join(admin, show, promoted, "manager")
    factories.join(admin, show, restricted, "user")
    factories.production(admin, stranger)

    def seen(who: Client) -> dict[str, dict[str, Any]]:
        return {row["id"]: row for row in who.ok_get("/data/user/context")["persons"]}

    by_admin, by_manager, by_promoted, by_vendor = (seen(who) for who in (admin, manager, promoted, vendor))
    assert by_admin[mate.id] == by_manager[mate.id] == by_promoted[mate.id]
    assert by_manager[manager.id]["daily_salary"] == by_admin[stranger.id]["daily_salary"] == 300
    assert by_manager[stranger.id].keys() == by_admin[stranger.id].keys()
    assert [by_manager[stranger.id][key] for key in ("daily_salary", "phone", "data")] == [0, None, None]
    assert by_manager[stranger.id]["email"] == by_admin[stranger.id]["email"]
    assert "phone" not in by_promoted[stranger.id]
    assert seen(restricted)[mate.id]["daily_salary"] == 0
    assert by_vendor.keys() == {manager.id, promoted.id, vendor.id, mate.id, restricted.id}
    assert "email" not in by_vendor[mate.id]
    assert by_vendor[mate.id]["departments"] == []


def test_shared_searches_reach_the_team_and_nobody_else(admin: Client) -> None:
    mate, outsider = person(admin, "user"), person(admin, "user")
    show = factories.production(admin, mate)
    row = {"list_type": "asset", "name": "Mine", "search_query": "x", "project_id": show["id"], "person_id": admin.id}
    shared = admin.ok_post("/data/search-filters", {**row, "is_shared": True})
    admin.ok_post("/data/search-filters", {**row, "is_shared": False, "name": "Private"})
    found = mate.ok_get("/data/user/context")["search_filters"]
    assert [item["id"] for item in found["asset"][show["id"]]] == [shared["id"]]
    assert outsider.ok_get("/data/user/context")["search_filters"] == {}
    own = admin.ok_post(
        "/data/search-filters", {**row, "project_id": None, "person_id": outsider.id, "list_type": 'a"b'}
    )
    assert outsider.ok_get("/data/user/context")["search_filters"]['a"b']["all"][0]["id"] == own["id"]


def test_tasks_to_do_are_those_of_open_productions_one_is_in(admin: Client) -> None:
    artist, client = person(admin, "user"), factories.hire(admin, "client")
    show, left = factories.production(admin, artist, client), factories.production(admin)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    factories.task(admin, factories.entity(admin, left["id"]), assignees=[artist.id])
    wip, done = status(admin, "Work In Progress"), status(admin, "Done")
    say(artist, task, wip, "On it")
    say(client, task, wip, "Red?")
    (row,) = artist.ok_get("/data/user/tasks")
    assert (row["id"], row["task_status_short_name"], row["assignees"]) == (task["id"], "wip", [artist.id])
    assert row["last_comment"]["text"] == "On it"
    assert (row["episode_id"], row["entity_preview_file_id"], row["sequence_name"]) == ("", "", None)
    assert artist.ok_get("/data/user/done-tasks") == []
    say(admin, task, done)
    assert artist.ok_get("/data/user/tasks") == []
    assert [item["id"] for item in artist.ok_get("/data/user/done-tasks")] == [task["id"]]
    assert person(admin, "user").ok_get("/data/user/done-tasks") == []


def test_what_one_works_on_is_listed_while_one_is_in_the_team(admin: Client) -> None:
    artist = person(admin, "user")
    show = factories.production(admin, artist)
    sequence = factories.entity(admin, show["id"], "Sequence")
    shot = factories.entity(admin, show["id"], "Shot", parent_id=sequence["id"])
    asset = factories.entity(admin, show["id"])
    for entity, kind in ((shot, "Layout"), (asset, "Modeling")):
        factories.task(admin, entity, kind, assignees=[artist.id])
    factories.task(admin, factories.entity(admin, show["id"], "Shot", parent_id=sequence["id"]), "Layout")
    lists = {
        f"/data/user/projects/{show['id']}/sequences": sequence["id"],
        f"/data/user/sequences/{sequence['id']}/shots": shot["id"],
        f"/data/user/projects/{show['id']}/asset-types": asset["entity_type_id"],
        f"/data/user/projects/{show['id']}/asset-types/{asset['entity_type_id']}/assets": asset["id"],
    }
    for path, expected in lists.items():
        assert [row["id"] for row in artist.ok_get(path)] == [expected], path
    assert [row["entity_id"] for row in artist.ok_get(f"/data/user/shots/{shot['id']}/tasks")] == [shot["id"]]
    assert [row["name"] for row in artist.ok_get(f"/data/user/shots/{shot['id']}/task-types")] == ["Layout"]
    assert artist.get(f"/data/user/assets/{shot['id']}/tasks").status_code == 404
    assert artist.get(f"/data/user/sequences/{shot['id']}/shots").status_code == 404
    admin.ok_delete(f"/data/projects/{show['id']}/team/{artist.id}")
    for path in lists:
        assert artist.ok_get(path) == [], path


def test_notifications_are_ones_own_and_read_by_oneself(admin: Client) -> None:
    artist, other = person(admin, "user"), person(admin, "user")
    show = factories.production(admin, artist, other)
    task = factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])
    assert other.post(f"/actions/user/tasks/{show['id']}/subscribe").status_code == 404
    for _ in range(2):
        other.ok_post(f"/actions/user/tasks/{task['id']}/subscribe")
    say(admin, task, status(admin, "Work In Progress"), "Look")
    (mine,), (theirs,) = (who.ok_get("/data/user/notifications") for who in (artist, other))
    assert (mine["comment_text"], mine["subscription_id"], mine["change"]) == ("Look", None, True)
    assert theirs["subscription_id"] is not None
    path = f"/data/user/notifications/{mine['id']}"
    assert other.get(path).status_code == other.put(path, {"read": True}).status_code == 404
    for wrong in ({}, {"read": None}, {"read": "perhaps"}):
        assert artist.put(path, wrong).status_code == 400
    assert artist.ok_put(path, {"read": True})["read"] is True
    assert artist.ok_get("/data/user/notifications", params={"read": "false"}) == []
    assert other.ok_get("/data/user/context")["notification_count"] == 1
    assert other.ok_post("/actions/user/notifications/mark-all-as-read") == {"success": True}
    assert other.ok_get("/data/user/context")["notification_count"] == 0
    assert artist.get("/data/user/notifications", params={"after": "soon"}).status_code == 400
    assert artist.get("/data/user/notifications/x").status_code == 400
    other.ok_delete(f"/actions/user/tasks/{task['id']}/unsubscribe")
    assert other.ok_get(f"/data/user/tasks/{task['id']}/subscribed") is False
