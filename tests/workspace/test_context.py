"""What the signed-in person sees of the studio: the context and their tasks, by role."""

from tests import factories
from tests.client import Client
from tests.tasks.test_comments import say, status
from tests.tasks.test_time import person

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
    assert {each["id"] for each in seen[client]["projects"]} == {show["id"]}
    assert {each["id"] for each in seen[artist]["projects"]} == {show["id"], other["id"]}
    assert {show["id"], other["id"]} <= {each["id"] for each in seen[admin]["projects"]}
    assert {each["id"] for each in seen[client]["persons"]} >= {client.id, artist.id}
    assert manager.id not in {each["id"] for each in seen[client]["persons"]}
    assert "email" not in seen[client]["persons"][0]
    assert "daily_salary" not in seen[artist]["persons"][0]
    assert seen[manager]["project_roles"] == {other["id"]: "supervisor"}
    assert {each["id"] for each in seen[client]["projects"][0]["descriptors"]} == set()
    assert factories.hire(admin, "user").get("/data/user/context").status_code == 403


def test_shared_searches_reach_the_team_and_nobody_else(admin: Client) -> None:
    mate, outsider = person(admin, "user"), person(admin, "user")
    show = factories.production(admin, mate)
    row = {"list_type": "asset", "name": "Mine", "search_query": "x", "project_id": show["id"], "person_id": admin.id}
    shared = admin.ok_post("/data/search-filters", {**row, "is_shared": True})
    admin.ok_post("/data/search-filters", {**row, "is_shared": False, "name": "Private"})
    found = mate.ok_get("/data/user/context")["search_filters"]
    assert [each["id"] for each in found["asset"][show["id"]]] == [shared["id"]]
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
    assert [each["id"] for each in artist.ok_get("/data/user/done-tasks")] == [task["id"]]
    assert admin.ok_get("/data/user/done-tasks") == []
