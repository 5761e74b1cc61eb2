"""What is particular to each kind of record."""

from typing import Any

import pytest

from tests.client import Client, sign_in, unique
from tests.core.listener import Feed
from tests.exchange.shotgrid import site
from tests.exchange.shotgrid.site import Show, link, refusal, row, rows, send
from tests.factories import named, production
from tests.server import ADMIN, Server


@pytest.fixture(scope="module")
def show(admin: Client) -> Show:
    return Show(admin)


def told(feed: Feed) -> list[tuple[str, dict[str, Any]]]:
    return [(row["name"], row["data"]) for row in feed.read()]


# People


def test_people_get_role_state_and_department(admin: Client) -> None:
    department = unique("Fur")
    chief = site.user(permission_rule_set={"id": 1, "name": "Admin"}, department={"id": 1, "name": department})
    gone = site.user(permission_rule_set=None, sg_status_list="dis", department=None)
    nameless = site.user(email=None)
    first, second, third = rows(admin, "persons", chief, gone, nameless)
    assert (first["role"], first["active"], first["desktop_login"]) == ("admin", True, chief["login"])
    assert (second["role"], second["active"]) == ("user", False)
    assert third["email"] is None
    (made,) = admin.ok_get("/data/departments", params={"name": department})
    assert made["color"] == "#000000"
    assert admin.ok_get(f"/data/persons/{first['id']}")["departments"] == [made["id"]]
    assert admin.ok_get(f"/data/persons/{second['id']}")["departments"] == []


def test_answers_hold_no_secrets(server: Server, admin: Client) -> None:
    record = site.user()
    person = row(admin, "persons", record)
    admin.ok_post(
        f"/actions/persons/{person['id']}/change-password", {"password": "mypassword", "password_2": "mypassword"}
    )
    again = row(admin, "persons", record)
    assert sign_in(server.api, record["email"], "mypassword").id == again["id"]
    secrets = ("password", "totp_secret", "email_otp_secret", "otp_recovery_codes", "fido_credentials", "jti")
    assert not {name for name in again if name in secrets}


def test_somebody_known_by_address_keeps_their_record_and_is_found_by_number_from_then_on(
    admin: Client, show: Show
) -> None:
    email = f"{unique('ida').replace(' ', '.')}@example.com"
    known = admin.ok_post("/data/persons", {"first_name": "Ida", "last_name": "Vik", "email": email})
    department = named(admin, "departments", "Animation")
    record = site.user(email=email.upper(), department={"id": 1, "name": "Animation"})
    person = row(admin, "persons", record)
    assert (person["id"], person["first_name"], person["last_name"]) == (known["id"], "Ida", "Vik")
    assert person["shotgun_id"] == record["id"]
    assert admin.ok_get(f"/data/persons/{known['id']}")["departments"] == [department["id"]]
    work = site.task(show.project, show.shot, show.step, cached_display_name="Ida's", task_assignees=[link(record)])
    task = row(admin, "tasks", work)
    assert admin.ok_get(f"/data/tasks/{task['id']}")["assignees"] == [known["id"]]


def test_people_keep_to_the_user_limit() -> None:
    with Server(None, USER_LIMIT="2") as server:
        admin = sign_in(server.api, *ADMIN)
        records = [site.user(), site.user(sg_status_list="dis"), site.user(), site.user()]
        message, field = refusal(send(admin, "persons", *records))
        assert field == "2"
        assert "User limit reached" in message
        assert len(admin.ok_get("/data/persons")) == 3


# Productions


def test_a_production_keeps_what_people_noted_of_it(admin: Client) -> None:
    record = site.project(sg_fps="25", sg_gone="yes", sg_none=None, other="no")
    made = row(admin, "projects", record)
    assert made["data"] == {"sg_fps": "25", "sg_gone": "yes"}
    assert made["file_tree"]
    admin.ok_put(f"/data/projects/{made['id']}", {"data": {**made["data"], "client": "Ubu"}})
    del record["sg_gone"]
    assert row(admin, "projects", {**record, "sg_fps": "24"})["data"] == {"client": "Ubu", "sg_fps": "24"}


def test_a_status_of_productions_is_made_once_and_none_is_open(admin: Client) -> None:
    name = unique("Held")[:20]
    first, second, third = rows(
        admin, "projects", site.project(sg_status=name), site.project(sg_status=name), site.project(sg_status=None)
    )
    (status,) = admin.ok_get("/data/project-status", params={"name": name})
    assert status["color"] == "#000000"
    assert first["project_status_id"] == second["project_status_id"] == status["id"]
    assert third["project_status_id"] == named(admin, "project-status", "Open")["id"]


def test_a_name_that_is_taken_is_refused_without_telling_of_the_row(admin: Client) -> None:
    other = production(admin)
    message, _ = refusal(send(admin, "projects", site.project(name=other["name"])))
    assert "already exists" in message
    assert other["name"] not in message


def test_a_new_member_is_told_of_once(admin: Client, show: Show) -> None:
    member, nobody = site.user(), site.user()
    person = row(admin, "persons", member)
    record, lost = site.connection(show.project, member), site.connection(show.project, nobody)
    feed = Feed(admin)
    assert [item["id"] for item in rows(admin, "project-connections", record, lost)] == [show.project_id]
    assert told(feed) == [("project:update", {"project_id": show.project_id})]
    team = [item["id"] for item in admin.ok_get(f"/data/projects/{show.project_id}/team")]
    assert person["id"] in team
    rows(admin, "projectconnections", record, {**record, "id": site.number()})
    assert told(feed) == []


# The story


def test_names_of_sequences_are_taken_once(admin: Client, show: Show) -> None:
    first, second = site.sequence(show.project), site.sequence(show.project)
    stored = rows(admin, "sequences", first, second, {**site.sequence(show.project), "code": first["code"]})
    assert [item["name"] for item in stored] == [first["code"], second["code"]]
    changed = row(admin, "sequences", {**second, "code": first["code"], "description": "Chase"})
    assert (changed["name"], changed["description"]) == (second["code"], "Chase")


def test_a_sequence_moves_to_another_episode(admin: Client, show: Show) -> None:
    episodes = [site.named("Episode", show.project) for _ in range(2)]
    ids = [item["id"] for item in rows(admin, "episodes", *episodes)]
    record = site.sequence(show.project, episode=link(episodes[0]))
    assert row(admin, "sequences", record)["parent_id"] == ids[0]
    record["episode"] = link(episodes[1])
    assert row(admin, "sequences", record)["parent_id"] == ids[1]
    del record["episode"]
    assert row(admin, "sequences", record)["parent_id"] == ids[1]
    record["episode"] = None
    assert row(admin, "sequences", record)["parent_id"] is None


def test_a_number_is_one_of_its_kind(admin: Client, show: Show) -> None:
    number = site.number()
    shot = row(admin, "shots", site.shot(show.project, id=number))
    asset = row(admin, "assets", site.asset(show.project, id=number))
    scene = row(admin, "scenes", site.named("Scene", show.project, id=number, sequence_sg_scenes_1_sequences=[]))
    assert len({shot["id"], asset["id"], scene["id"]}) == 3
    work = {
        kind: site.task(show.project, {"type": kind, "id": number, "name": ""}, show.step)
        for kind in ("Shot", "Asset", "Scene", "Sequence", "Version")
    }
    stored = rows(admin, "tasks", *work.values())
    assert [item["entity_id"] for item in stored] == [shot["id"], asset["id"], scene["id"]]


def test_types_of_assets_are_made_once_and_told(admin: Client, show: Show) -> None:
    kind = unique("Vehicle")
    feed = Feed(admin)
    first, second = rows(
        admin,
        "assets",
        site.asset(show.project, sg_asset_type=kind),
        site.asset(show.project, sg_asset_type=kind.upper()),
    )
    (made,) = admin.ok_get("/data/entity-types", params={"name": kind})
    assert first["entity_type_id"] == second["entity_type_id"] == made["id"]
    assert told(feed) == [("asset-type:new", {"asset_type_id": made["id"]})]


def test_assets_that_are_none_or_there_already_are_passed_over(admin: Client, show: Show) -> None:
    record = site.asset(show.project)
    made = row(admin, "assets", record)
    twin = {**site.asset(show.project), "code": record["code"]}
    shot = site.asset(show.project, sg_asset_type="Shot")
    lost = site.asset(site.project())
    assert rows(admin, "assets", twin, shot, lost, site.asset(show.project, sg_asset_type=None)) == []
    assert row(admin, "assets", {**record, "sg_asset_type": None})["entity_type_id"] == made["entity_type_id"]
    prop = row(admin, "assets", {**record, "sg_asset_type": "Props"})
    assert (prop["id"], prop["entity_type_id"]) == (made["id"], named(admin, "entity-types", "Props")["id"])


def test_parents_are_made_of_the_assets_that_name_them(admin: Client, show: Show) -> None:
    parent, other = site.asset(show.project), site.asset(show.project)
    ghost = {"type": "Asset", "id": site.number(), "name": "Ghost"}
    first, second = (site.asset(show.project, parents=[link(parent), ghost]) for _ in range(2))
    ids = {row["shotgun_id"]: row["id"] for row in rows(admin, "assets", first, second, parent, other)}

    def parts() -> set[str]:
        return set(admin.ok_get(f"/data/assets/{ids[parent['id']]}?relations=true")["entities_out"])

    assert parts() == {ids[first["id"]], ids[second["id"]]}
    feed = Feed(admin)
    rows(admin, "assets", first, second, parent)
    assert told(feed) == []
    rows(admin, "assets", first, {**second, "parents": [link(other)]})
    assert parts() == {ids[first["id"]]}
    assert sorted(data["asset_id"] for name, data in told(feed) if name == "asset:update") == sorted(
        [ids[parent["id"]], ids[other["id"]]]
    )


def test_a_shot_has_the_frames_of_its_cut_and_fields_of_the_studio(admin: Client, show: Show) -> None:
    record = site.shot(
        show.project, sg_cut_in=11, sg_cut_duration=None, sg_cut_out=99, sg_lens="35mm", sg_empty=None, tags=["a"]
    )
    assert row(admin, "shots", record)["data"] == {"frame_in": 11, "frame_out": 11, "sg_lens": "35mm"}
    record.update(sg_cut_duration=5, sg_lens=None)
    stored = row(admin, "shots", record)
    assert stored["data"] == {"frame_in": 11, "frame_out": 16, "sg_cut_duration": 5}
    assert stored["nb_frames"] is None


def test_the_casting_of_a_shot_is_replaced(admin: Client, show: Show) -> None:
    others = [site.asset(show.project) for _ in range(2)]
    first, second = (item["id"] for item in rows(admin, "assets", *others))
    record = site.shot(show.project, assets=[link(others[0]), link(show.asset)])
    stored = row(admin, "shots", record)
    path = f"/data/projects/{show.project_id}/entities/{stored['id']}/casting"
    casting = [{"asset_id": first, "nb_occurences": 3, "label": "animate"}]
    admin.ok_put(path, casting)
    record["assets"] = [link(others[0]), link(others[1])]
    rows(admin, "shots", record)
    parts = {item["asset_id"]: (item["nb_occurences"], item["label"]) for item in admin.ok_get(path)}
    assert parts == {first: (3, "animate"), second: (1, "")}
    del record["assets"]
    rows(admin, "shots", record)
    assert admin.ok_get(path) == []


# The work


def test_a_step_that_is_there_by_name_keeps_it(admin: Client) -> None:
    name = unique("Comp")
    (known,) = [
        admin.ok_post("/data/task-types", {"name": name, "for_entity": "Shot", "color": "#ffffff", "short_name": "cp"})
    ]
    record = site.step(code=name.upper(), entity_type="shot", color="1,2,3")
    stored = row(admin, "steps", record)
    assert (stored["id"], stored["name"], stored["shotgun_id"]) == (known["id"], name, record["id"])
    assert (stored["color"], stored["for_entity"], stored["short_name"]) == ("#010203", "shot", "cp")
    other = row(admin, "steps", site.step(code=name, entity_type="Asset"))
    assert other["id"] != known["id"]


def test_a_step_is_renamed(admin: Client) -> None:
    word = unique("Sim").replace(" ", "")
    record = site.step(code=f"{word} cloth", color="0,0,255", short_name="cl")
    first = row(admin, "steps", record)
    department = admin.ok_get(f"/data/departments/{first['department_id']}")
    assert (department["name"], department["color"]) == (word, "#0000ff")
    renamed = row(admin, "steps", {**record, "code": f"{word} hair"})
    assert (renamed["id"], renamed["name"], renamed["department_id"]) == (first["id"], f"{word} hair", department["id"])
    del record["short_name"]
    assert row(admin, "steps", record)["short_name"] == "cl"


def test_a_status_that_is_there_by_its_code_is_taken_over(admin: Client) -> None:
    code = f"{site.number() % 10**9}"
    known = admin.ok_post("/data/task-status", {"name": "Ready", "short_name": code, "color": "#ffffff"})
    stored = row(admin, "status", site.status(code=code, name="Go", bg_color="255, 0,0"))
    assert (stored["id"], stored["name"], stored["color"]) == (known["id"], "Go", "#ff0000")


def test_a_row_that_another_takes_over_is_made_anew(admin: Client, show: Show) -> None:
    """What is new shows only when its turn comes."""
    first, second = site.status(), site.status()
    before = rows(admin, "status", first)
    stored = rows(admin, "status", {**second, "code": first["code"]}, {**first, "code": second["code"]})
    assert stored[0]["id"] == before[0]["id"] != stored[1]["id"]
    assert [item["shotgun_id"] for item in stored] == [second["id"], first["id"]]
    work = site.task(show.project, show.shot, show.step, cached_display_name="Taken over")
    row(admin, "tasks", work)
    one, two = site.version(work), site.version(work)
    rows(admin, "versions", one)
    stored = rows(admin, "versions", {**one, "code": two["code"]}, {**two, "code": one["code"]})
    assert [item["revision"] for item in stored] == [1, 2]


def test_a_task_found_by_what_it_is_keeps_that(admin: Client, show: Show) -> None:
    known = site.task(show.project, show.shot, show.step, cached_display_name="Known")
    task = row(admin, "tasks", known)
    again = {**known, "id": site.number(), "duration": 30, "sg_sort_order": 7}
    stored = row(admin, "tasks", again)
    assert stored["id"] == task["id"]
    assert (stored["shotgun_id"], stored["duration"], stored["sort_order"]) == (again["id"], 30.0, 7)
    renamed = row(admin, "tasks", {**again, "cached_display_name": "Other"})
    assert (renamed["id"], renamed["name"]) == (task["id"], "Other")


def test_two_tasks_that_are_the_same_are_taken_once(admin: Client, show: Show) -> None:
    first = site.task(show.project, show.shot, show.step, cached_display_name=unique("Same"))
    second = {**first, "id": site.number()}
    for _ in range(2):
        assert [row["shotgun_id"] for row in rows(admin, "tasks", first, second)] == [first["id"]]


def test_a_task_without_a_known_status_gets_the_default_and_keeps_what_it_has(admin: Client, show: Show) -> None:
    todo, wip = named(admin, "task-status", "Todo"), named(admin, "task-status", "Work In Progress")
    record = site.task(show.project, show.shot, show.step, cached_display_name="Status", sg_status_list="???")
    assert row(admin, "tasks", record)["task_status_id"] == todo["id"]
    assert row(admin, "tasks", {**record, "sg_status_list": wip["short_name"]})["task_status_id"] == wip["id"]
    for unknown in (None, "???"):
        assert row(admin, "tasks", {**record, "sg_status_list": unknown})["task_status_id"] == wip["id"]


def test_a_task_of_somebody_unknown_is_passed_over_and_groups_are_nobody(admin: Client, show: Show) -> None:
    group = {"type": "Group", "id": show.person["id"], "name": "Everybody"}
    nobody = {"type": "HumanUser", "id": site.number(), "name": "Nobody"}
    record = site.task(show.project, show.shot, show.step, cached_display_name="Groups")
    assert rows(admin, "tasks", {**record, "task_assignees": [nobody]}) == []
    stored = row(admin, "tasks", {**record, "task_assignees": [group, link(show.person)], "created_by": group})
    assert stored["assigner_id"] is None
    assert admin.ok_get(f"/data/tasks/{stored['id']}")["assignees"] == [show.person_id]
    row(admin, "tasks", {**record, "task_assignees": [group]})
    assert admin.ok_get(f"/data/tasks/{stored['id']}")["assignees"] == []


def test_versions_are_the_revisions_of_their_task(admin: Client, show: Show) -> None:
    work = site.task(show.project, show.shot, show.step, cached_display_name="Versions")
    task = row(admin, "tasks", work)
    first, second = site.version(work), site.version(work, user=link(show.person))
    stored = rows(admin, "versions", first, second)
    assert [(item["revision"], item["person_id"]) for item in stored] == [(1, None), (2, show.person_id)]
    third = site.version(work)
    assert [item["revision"] for item in rows(admin, "versions", first, third, second)] == [1, 3, 2]
    assert len(admin.ok_get(f"/data/tasks/{task['id']}/previews")) == 3


def test_a_note_without_a_known_author_or_task_is_passed_over(admin: Client, show: Show) -> None:
    record = site.note(show.task, show.person)
    script = {"type": "ApiUser", "id": show.person["id"], "name": "robot"}
    lost = {"type": "Task", "id": site.number(), "name": "Lost"}
    for more in ({"user": script}, {"user": None}, {"tasks": [lost]}, {"tasks": []}, {"tasks": None}):
        assert rows(admin, "notes", {**record, **more}) == []
    stored = row(admin, "notes", {**record, "content": None})
    assert (stored["text"], stored["created_at"], stored["person_id"]) == ("", "2024-02-03T10:20:30", show.person_id)


def test_imports_are_silent_but_for_what_is_said(admin: Client, show: Show) -> None:
    feed = Feed(admin)
    shot = site.shot(show.project, assets=[link(show.asset)])
    work = site.task(show.project, shot, show.step, task_assignees=[link(show.person)])
    for kind, record in (
        ("persons", site.user()),
        ("shots", shot),
        ("steps", site.step()),
        ("status", site.status()),
        ("tasks", work),
        ("versions", site.version(work)),
        ("notes", site.note(work, show.person)),
    ):
        row(admin, kind, record)
    assert told(feed) == []
