"""Productions and their lists. Spec crud, "projects"; spec projects, "Project JSON shapes"."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from pegbar.productions.queries import open_projects
from tests.client import Client, unique
from tests.core.data.test_statements import statements
from tests.factories import hire, named, production
from tests.workspace.test_context_validators import MARKED, tables_of

NOBODY = "00000000-0000-4000-8000-000000000000"


def close(admin: Client, project_id: str) -> None:
    closed = named(admin, "project-status", "Closed")["id"]
    admin.ok_put(f"/data/projects/{project_id}", {"project_status_id": closed})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": None}, "name"),
        ({"production_style": "cubism"}, "production_style"),
        ({"resolution": "1080p"}, "resolution"),
        ({"resolution": "1920x1080\n"}, "resolution"),
        ({"hd_bitrate_compression": 29}, "hd_bitrate_compression"),
        ({"hd_bitrate_compression": "12"}, "hd_bitrate_compression"),
        ({"hd_bitrate_compression": True}, "hd_bitrate_compression"),
        ({"ld_bitrate_compression": 0}, "ld_bitrate_compression"),
        ({"hd_bitrate_compression": 4, "ld_bitrate_compression": 5}, "ld_bitrate_compression"),
        ({"default_preview_background_file_id": NOBODY}, "default_preview_background_file_id"),
        ({"team": ["x"]}, "team"),
        ({"studio": "x"}, "studio"),
        ({"project_template_id": "x"}, "project_template_id"),
    ],
)
def test_a_wrong_value_makes_no_production(admin: Client, wrong: dict[str, Any], field: str) -> None:
    name = unique("Slip")
    answer = admin.post("/data/projects", {"name": name, **wrong})
    assert answer.status_code == 400
    assert field in answer.json()["message"]
    assert admin.ok_get("/data/projects", params={"name": name}) == []


def test_a_production_opens_with_its_team_and_settings(admin: Client) -> None:
    artist = hire(admin)
    modeling = named(admin, "task-types", "Modeling")["id"]
    show = production(admin, team=[artist.id, NOBODY], task_types=[{"id": modeling}], production_style=None)
    assert show["team"] == [artist.id]
    assert show["task_types"] == [modeling]
    assert show["production_style"] == "2d3d"
    assert show["project_status_id"] == named(admin, "project-status", "Open")["id"]
    read = artist.ok_get(f"/data/projects/{show['id']}")
    assert read["project_status_name"] == "Open"
    assert read["task_types_priority"] == {modeling: None}
    assert read["task_type_links"][modeling]["is_client_visible"] is True
    assert read["task_statuses_link"] == {}
    bare = artist.ok_get(f"/data/projects/{show['id']}", params={"relations": "false"})
    assert "team" not in bare
    assert bare["project_status_name"] == "Open"


def test_only_administrators_open_productions_and_only_managers_change_them(admin: Client) -> None:
    team = {role: hire(admin, role) for role in ("manager", "supervisor", "user", "vendor", "client")}
    show = production(admin, *team.values())
    outsider = hire(admin, "manager")
    for role, member in team.items():
        assert member.post("/data/projects", {"name": unique("Own")}).status_code == 403
        expected = 200 if role == "manager" else 403
        assert member.put(f"/data/projects/{show['id']}", {"fps": "24"}).status_code == expected, role
        assert member.get(f"/data/projects/{show['id']}").status_code == 200
        assert member.delete(f"/data/projects/{show['id']}").status_code == 403
    assert outsider.get(f"/data/projects/{show['id']}").status_code == 403
    assert outsider.get(f"/data/projects/{NOBODY}").status_code == 404
    assert admin.get("/data/projects/nothing").status_code == 400


def test_relations_replace_and_kept_links_keep_their_settings(admin: Client) -> None:
    modeling, rigging = (named(admin, "task-types", name)["id"] for name in ("Modeling", "Rigging"))
    show = production(admin, task_types=[modeling])
    admin.ok_post("/data/task-type-links", {"project_id": show["id"], "task_type_id": modeling, "priority": 7})
    admin.ok_put(f"/data/projects/{show['id']}", {"task_types": [modeling, rigging], "team": [admin.id]})
    read = admin.ok_get(f"/data/projects/{show['id']}")
    assert read["task_types_priority"] == {modeling: 7, rigging: None}
    assert read["team"] == []


def test_a_show_has_a_first_episode(admin: Client, database: psycopg.Connection) -> None:
    show = production(admin, production_type="tvshow")
    assert show["first_episode_id"]
    episode = admin.ok_get(f"/data/entities/{show['first_episode_id']}")
    assert (episode["name"], episode["status"], episode["created_by"]) == ("E01", "running", admin.id)
    again = admin.ok_put(f"/data/projects/{show['id']}", {"fps": "24"})
    assert again["first_episode_id"] == show["first_episode_id"]
    film = production(admin)
    turned = admin.ok_put(f"/data/projects/{film['id']}", {"production_type": "tvshow"})
    assert turned["first_episode_id"]
    created = "SELECT count(*) FROM api_event WHERE project_id = %s AND name = 'episode:new'"
    assert database.execute(created, (show["id"],)).fetchone() == (1,)


def test_lists_hold_what_concerns_the_caller(admin: Client) -> None:
    artist = hire(admin)
    mine, closed, other = production(admin, artist), production(admin, artist), production(admin)
    close(admin, closed["id"])
    assert [row["id"] for row in artist.ok_get("/data/projects/open")] == [mine["id"]]
    assert [row["id"] for row in artist.ok_get("/data/projects")] == [mine["id"]]
    assert {row["id"] for row in artist.ok_get("/data/projects/all")} == {mine["id"], closed["id"]}
    assert artist.ok_get("/data/projects/all", params={"name": mine["name"].upper()})[0]["id"] == mine["id"]
    assert artist.get("/data/projects/all", params={"name": other["name"]}).status_code == 404
    assert artist.ok_get("/data/projects/open", params={"name": mine["name"].upper()}) == []
    everything = {row["id"] for row in admin.ok_get("/data/projects/all")}
    assert {mine["id"], closed["id"], other["id"]} <= everything
    assert closed["id"] not in {row["id"] for row in admin.ok_get("/data/projects/open")}
    pattern = other["name"].replace("Show", "s%w")
    assert admin.ok_get("/data/projects/all", params={"name": pattern})[0]["id"] == other["id"]
    assert admin.get("/data/projects/all", params={"name": "\\"}).status_code in (400, 404)


def test_open_productions_are_read_again_when_they_changed(admin: Client, database: psycopg.Connection) -> None:
    artist, path = hire(admin), "/data/projects/open"
    show = production(admin, artist)
    columns, sql = (
        f"/data/projects/{show['id']}/metadata-descriptors",
        "UPDATE project SET description = %s WHERE id = %s",
    )
    column = {"entity_type": "Shot", "data_type": "string", "departments": [], "choices": []}
    changes: list[tuple[str, Callable[[], Any]]] = [
        ("descriptors", lambda: admin.ok_post(columns, {**column, "name": unique("Grade")})),
        ("description", lambda: database.execute(sql, [unique("x"), show["id"]])),
        ("team", lambda: admin.ok_post(f"/data/projects/{show['id']}/team", {"person_id": hire(admin).id})),
        ("project_status_name", lambda: database.execute("UPDATE project_status SET color = color")),
    ]
    for who in (artist, admin):
        for key, change in changes:
            before = {row["id"]: row for row in who.ok_get(path)}[show["id"]]
            assert statements(who.get(path)) == 1, "the caller's, and no other"
            change()
            assert statements(who.get(path)) == 1 + 1, key
            if key != "project_status_name" and who is artist:
                assert {row["id"]: row for row in who.ok_get(path)}[show["id"]][key] != before[key]
    database.execute("DELETE FROM project_person_link WHERE person_id = %s", [artist.id])
    assert artist.ok_get(path) == []


@pytest.mark.parametrize("for_admin", [True, False])
def test_every_table_of_open_productions_leaves_marks(for_admin: bool) -> None:
    assert {"project", "metadata_descriptor"} <= tables_of(open_projects(for_admin, False)) <= MARKED


def test_names_are_unique(admin: Client) -> None:
    show = production(admin)
    answer = admin.post("/data/projects", {"name": show["name"]})
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["data"]["errors"]] == ["name"]


def test_generic_events_outlive_the_production(admin: Client, database: psycopg.Connection) -> None:
    show = production(admin)
    find = "SELECT project_id FROM api_event WHERE name = 'project:new' AND data ->> 'project_id' = %s"
    assert database.execute(find, (show["id"],)).fetchall() == [(None,)]


def test_default_background_is_validated_on_update(admin: Client, database: psycopg.Connection) -> None:
    """Spec projects, Worth fixing 10: removing a background leaves it as default; the PUT looks at another key."""
    show = production(admin)
    row = "INSERT INTO preview_background_file (id, name) VALUES (gen_random_uuid(), %s) RETURNING id::text"
    background = database.execute(row, (unique("Sky"),)).fetchone()
    assert background is not None
    sky, at, key = background[0], f"/data/projects/{show['id']}", "default_preview_background_file_id"
    assert admin.put(at, {key: sky}).status_code == 400
    assert admin.put(at, {"preview_background_file_id": sky}).status_code == 200
    assert admin.put(at, {"preview_background_files": [NOBODY]}).status_code == 404
    assert admin.ok_put(at, {key: sky, "preview_background_files": [sky]})[key] == sky
    admin.ok_delete(f"{at}/settings/preview-background-files/{sky}")
    assert admin.ok_get(at)[key] is None
    admin.ok_put(at, {key: sky, "preview_background_files": [sky]})
    assert admin.ok_put(at, {"preview_background_files": []})[key] is None
    assert production(admin, preview_background_files=[sky], **{key: sky})[key] == sky


@pytest.mark.parametrize(("path", "count"), [("open", 1), ("open?name=x", 2), ("all", 2), ("", 2)])
def test_lists_are_one_statement_besides_the_caller(admin: Client, path: str, count: int) -> None:
    """Spec projects, Worth fixing 7: N+1 in the lists of productions. The open ones come with a caller who was here."""
    artist = hire(admin)
    for _ in range(2):
        production(admin, artist, task_types=[named(admin, "task-types", "Modeling")["id"]])
    for caller in (admin, artist):
        caller.ok_get(f"/data/projects/{path}")
        assert statements(caller.get(f"/data/projects/{path}")) == count
