"""The studio's people: hiring, who sees how much of whom, editing, leaving."""

from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pegbar.accounts.people import profile
from pegbar.core.errors import BadRequest
from tests.accounts.people import stored
from tests.accounts.test_guards import preview_account
from tests.client import Client, sign_in, unique
from tests.factories import entity, hire, join, named, production, task
from tests.server import Server

NOWHERE = "00000000-0000-4000-8000-000000000000"


def person(last_name: str, **more: Any) -> dict[str, Any]:
    return {"first_name": "Ida", "last_name": last_name, **more}


def address() -> str:
    return f"{unique('ida').replace(' ', '.').lower()}@example.com"


def test_a_bot_is_born_with_its_token(admin: Client) -> None:
    bot = hire(admin, "supervisor")
    assert bot.ok_get("/auth/authenticated")["user"]["id"] == bot.id


def test_a_human_signs_in_with_the_password_they_were_hired_with(admin: Client) -> None:
    email = address()
    row = admin.ok_post(
        "/data/persons", person("Vik", email=email.upper(), password="mypassword", departments=[NOWHERE])
    )
    assert (row["email"], row["departments"], "access_token" in row) == (email, [], False)
    assert not {"password", "jti", "totp_secret"} & row.keys()
    ida = sign_in(admin.api, email, "mypassword")
    taken = admin.post("/data/persons", person("Vik", email=email))
    assert (taken.status_code, taken.json()["message"]) == (400, "Email already in use.")
    hashes = admin.ok_get("/data/persons", params={"id": row["id"], "with_pass_hash": "true"})
    assert hashes[0]["password"].startswith("$2b$")
    assert "password" not in ida.ok_get("/data/persons", params={"id": row["id"], "with_pass_hash": "true"})[0]


def test_values_are_checked_and_tidied(admin: Client) -> None:
    row = admin.ok_post(
        "/data/persons", person("Vik", is_bot=True, country=" fr ", locale="zh_CN", email=" IDA@Studio.Local ")
    )
    assert (row["country"], row["locale"], row["email"]) == ("FR", "zh_Hans_CN", "ida@studio.local")
    for wrong in (
        {"timezone": "Mars/Base"},
        {"locale": "xx_XX"},
        {"country": "F1"},
        {"email": None},
        {"email": ["a@b.c"]},
        {"display_date_format": "YY"},
        {"expiration_date": "2001-01-01"},
        {"password": 12},
        {"role": None},
    ):
        answer = admin.post("/data/persons", person("Wrong", is_bot=True, **wrong))
        assert answer.status_code == 400, wrong
        assert next(iter(wrong)) in answer.json()["message"]


def test_unknown_positions_and_seniorities_are_refused(admin: Client) -> None:
    ida = hire(admin)
    for wrong in ({"position": "king"}, {"seniority": "oldest"}, {"contract_type": "forever"}, {"role": "boss"}):
        assert admin.put(f"/data/persons/{ida.id}", wrong).status_code == 400
        assert admin.post("/data/persons", person("Wrong", is_bot=True, **wrong)).status_code == 400
    assert admin.ok_get(f"/data/persons/{ida.id}")["position"] == "artist"


def test_second_factors_and_identities_are_ignored_when_hiring(admin: Client) -> None:
    ignored = {
        "totp_enabled": True,
        "totp_secret": "A" * 32,
        "preferred_two_factor_authentication": "totp",
        "login_failed_attemps": 5,
        "jti": "mine",
        "saml_subject": "x",
        "oidc_issuer": "y",
        "preview_project_id": NOWHERE,
    }
    bot = hire(admin, **ignored)
    row = admin.ok_get(f"/data/persons/{bot.id}")
    assert (row["totp_enabled"], row["preferred_two_factor_authentication"]) == (False, None)
    assert row["preview_project_id"] is None


def test_people_change_their_profile_and_not_their_standing(admin: Client) -> None:
    ida = hire(admin, "user")
    before = admin.ok_get(f"/data/persons/{ida.id}")
    standing = {
        "role": "admin",
        "active": False,
        "daily_salary": 9999,
        "position": "lead",
        "seniority": "senior",
        "contract_type": "freelance",
        "is_guest": True,
        "shotgun_id": 12,
        "departments": [],
        "studio_id": NOWHERE,
        "expiration_date": "2099-01-01",
        "desktop_login": "chief",
        "archived": True,
    }
    answer = ida.ok_put(f"/data/persons/{ida.id}", {"phone": "555", "locale": "fr_FR", "data": {"a": 1}, **standing})
    assert (answer["phone"], answer["locale"], answer["data"]) == ("555", "fr_FR", {"a": 1})
    assert "access_token" not in answer
    for key in standing:
        assert answer[key] == before[key], key
    assert "daily_salary" in answer, "people see their own record whole"
    assert hire(admin).put(f"/data/persons/{ida.id}", {"phone": "1"}).status_code == 403


def test_only_administrators_make_tokens_with_an_expiration_date(admin: Client) -> None:
    bot = hire(admin, "manager")
    assert "access_token" not in bot.ok_put(f"/data/persons/{bot.id}", {"expiration_date": "2099-01-01"})
    renewed = admin.ok_put(f"/data/persons/{bot.id}", {"expiration_date": "2099-01-01"})["access_token"]
    assert bot.get("/auth/authenticated").status_code == 401
    assert Client(admin.api, renewed).get("/auth/authenticated").status_code == 200
    assert admin.put(f"/data/persons/{bot.id}", {"expiration_date": "2001-01-01"}).status_code == 400
    human = admin.ok_post("/data/persons", person("Vik", email=address()))
    whole = {key: value for key, value in human.items() if key != "departments"}
    assert "access_token" not in admin.ok_put(f"/data/persons/{human['id']}", {**whole, "phone": "12"})
    token = admin.ok_put(f"/data/persons/{human['id']}", {"expiration_date": None})["access_token"]
    assert Client(admin.api, token).get("/auth/authenticated").status_code == 200


def test_somebody_deactivated_is_out_at_once_and_stays_out(admin: Client) -> None:
    email = address()
    row = admin.ok_post("/data/persons", person("Vik", email=email, password="mypassword"))
    ida = sign_in(admin.api, email, "mypassword")
    admin.ok_put(f"/data/persons/{row['id']}", {"active": False})
    assert ida.get("/auth/authenticated").status_code == 401
    admin.ok_put(f"/data/persons/{row['id']}", {"active": True})
    assert ida.get("/auth/authenticated").status_code == 401


def test_clients_see_the_people_of_their_open_productions_page_by_page(admin: Client) -> None:
    guest, ida, stranger = hire(admin, "client"), hire(admin), hire(admin)
    show = production(admin, guest, ida)
    assert {row["id"] for row in guest.ok_get("/data/persons")} == {guest.id, ida.id}
    page = guest.ok_get("/data/persons", params={"page": 1, "limit": 1})
    assert (len(page["data"]), page["total"], page["nb_pages"]) == (1, 2, 2)
    assert "departments" not in page["data"][0]
    assert guest.get(f"/data/persons/{stranger.id}").status_code == 403
    assert guest.get(f"/data/persons/{NOWHERE}").status_code == 404
    assert set(guest.ok_get(f"/data/persons/{ida.id}")) == {
        "id", "type", "first_name", "last_name", "full_name", "has_avatar", "active", "role", "is_bot",
    }  # fmt: skip
    closed = admin.ok_get("/data/project-status", params={"name": "Closed"})[0]["id"]
    admin.ok_put(f"/data/projects/{show['id']}", {"project_status_id": closed})
    assert guest.ok_get("/data/persons") == []
    assert guest.get(f"/data/persons/{ida.id}").status_code == 403


def test_everybody_else_sees_minimal_records(admin: Client) -> None:
    fur = admin.ok_post("/data/departments", {"name": unique("Fur"), "color": "#102030"})["id"]
    ida = hire(admin, departments=[fur])
    for role in ("manager", "supervisor", "user", "vendor"):
        who = hire(admin, role)
        (row,) = who.ok_get("/data/persons", params={"id": ida.id})
        assert (row["departments"], "email" in row) == ([], False), "no departments unless relations are asked for"
        (row,) = who.ok_get("/data/persons", params={"departments": fur, "relations": "true"})
        assert (row["id"], row["departments"]) == (ida.id, [fur])
        if role != "vendor":
            assert ("email" in who.ok_get(f"/data/persons/{ida.id}")) is (role == "manager")
        assert who.get("/data/persons", params={"daily_salary": "1"}).status_code == 400
        assert who.get("/data/persons", params={"email": "a@b.c"}).status_code == 200
    assert admin.get("/data/persons", params={"jti": "x"}).status_code == 400
    assert admin.get("/data/persons/nobody").status_code == 400


def test_outsiders_read_only_the_people_of_their_open_productions(admin: Client) -> None:
    fur = admin.ok_post("/data/departments", {"name": unique("Fur"), "color": "#102030"})["id"]
    mate, stranger = hire(admin, departments=[fur]), hire(admin, departments=[fur])
    for role in ("vendor", "client"):
        who = hire(admin, role)
        production(admin, mate, who)
        assert who.get(f"/data/persons/{stranger.id}").status_code == 403
        assert {who.get(f"/data/persons/{visible.id}").status_code for visible in (mate, who)} == {200}
        assert [row["id"] for row in who.ok_get(f"/data/departments/{fur}/persons")] == [mate.id]


PERSONAL = {
    "phone": "0123",
    "country": "FR",
    "contract_type": "freelance",
    "notifications_slack_userid": "slack-name",
    "data": {"home": "Here"},
}


def test_managers_read_what_is_personal_of_the_people_they_manage_only(admin: Client) -> None:
    ida = hire(admin, daily_salary=321, **PERSONAL)
    outside, lesser, leading, promoted = (hire(admin, role) for role in ("manager", "manager", "manager", "user"))
    show = production(admin, ida, leading)["id"]
    join(admin, show, lesser, "client")
    join(admin, show, promoted, "manager")
    for who in (outside, lesser):
        row = who.ok_get(f"/data/persons/{ida.id}")
        assert {key: row[key] for key in PERSONAL if row[key] == PERSONAL[key]} == {}
        assert row["daily_salary"] == 0
    for who in (leading, promoted):
        row = who.ok_get(f"/data/persons/{ida.id}")
        assert {key: row[key] for key in PERSONAL} == PERSONAL
        assert row["daily_salary"] == 321


def test_a_manager_reads_no_salary_by_adding_somebody_to_their_team(admin: Client) -> None:
    ida, who = hire(admin, daily_salary=321, phone="0123"), hire(admin, "manager")
    show = production(admin, who)["id"]
    join(who, show, ida)
    row = who.ok_get(f"/data/persons/{ida.id}")
    assert (row["phone"], row["daily_salary"]) == ("0123", 0)
    (member,) = [row for row in who.ok_get(f"/data/projects/{show}/team") if row["id"] == ida.id]
    assert member["daily_salary"] == 0
    admin.ok_delete(f"/data/projects/{show}/team/{ida.id}")
    join(admin, show, ida)
    assert who.ok_get(f"/data/persons/{ida.id}")["daily_salary"] == 321


def test_people_are_found_by_full_name(admin: Client) -> None:
    ida = hire(admin)
    name = ida.person["full_name"]
    assert [row["id"] for row in admin.ok_get("/data/persons", params={"full_name": name})] == [ida.id]
    assert [row["id"] for row in admin.ok_get("/data/persons", params={"full_name": f'["{name}", "x"]'})] == [ida.id]
    for wrong in ("[1]", "[", "a\0b"):
        assert admin.get("/data/persons", params={"full_name": wrong}).status_code == 400


def test_a_person_leaves_with_what_is_theirs_and_the_event_comes_once(admin: Client) -> None:
    ida = hire(admin)
    production(admin, ida)
    ida.ok_post(f"/data/persons/{ida.id}/desktop-login-logs", {})
    refused = admin.delete(f"/data/persons/{ida.id}")
    assert (refused.status_code, refused.json()["error"]) == (400, True)
    admin.ok_delete(f"/data/persons/{ida.id}?force=true")
    assert admin.get(f"/data/persons/{ida.id}").status_code == 404
    assert ida.get("/auth/authenticated").status_code == 401
    assert admin.delete(f"/data/persons/{admin.id}").status_code == 403
    assert hire(admin, "manager").delete(f"/data/persons/{ida.id}").status_code == 404


def test_departments_of_a_person_are_joined_and_left(admin: Client) -> None:
    ida = hire(admin)
    fur = admin.ok_post("/data/departments", {"name": unique("Fur"), "color": "#102030"})["id"]
    for _ in range(2):
        row = admin.ok_post(f"/actions/persons/{ida.id}/departments/add", {"department_id": fur})
        assert row["departments"] == [fur]
    assert [row["id"] for row in ida.ok_get(f"/data/departments/{fur}/persons")] == [ida.id]
    guest = hire(admin, "client")
    assert guest.ok_get(f"/data/departments/{fur}/persons") == [], "clients see the people of their productions"
    show = production(admin, guest)
    join(admin, show["id"], ida)
    (seen,) = guest.ok_get(f"/data/departments/{fur}/persons")
    assert "departments" not in seen
    for _ in range(2):
        admin.ok_delete(f"/actions/persons/{ida.id}/departments/{fur}")
    assert admin.delete(f"/actions/persons/{ida.id}/departments/fur").status_code == 400
    assert admin.delete(f"/actions/persons/{ida.id}/departments/{NOWHERE}").status_code == 400
    assert admin.delete(f"/actions/persons/{NOWHERE}/departments/{fur}").status_code == 404
    assert admin.post(f"/actions/persons/{ida.id}/departments/add", {}).status_code == 400
    assert ida.post(f"/actions/persons/{ida.id}/departments/add", {"department_id": fur}).status_code == 403
    admin.ok_delete(f"/actions/persons/{ida.id}/clear-avatar")


def test_hardware_of_a_department_is_read_like_its_software(admin: Client) -> None:
    fur = admin.ok_post("/data/departments", {"name": unique("Fur"), "color": "#102030"})["id"]
    tower = admin.ok_post("/data/hardware-items", {"name": unique("Tower"), "short_name": "twr"})
    path = f"/data/departments/{fur}/hardware-items"
    assert admin.get(f"{path}/{tower['id']}").status_code == 404
    link = admin.ok_post(path, {"hardware_item_id": tower["id"]})
    assert link["type"] == "HardwareItemDepartmentLink"
    assert admin.ok_post(path, {"hardware_item_id": tower["id"]}) == link
    assert admin.ok_get(f"{path}/{tower['id']}") == tower
    assert admin.ok_get("/data/departments/hardware-items")[fur] == [tower]
    assert hire(admin, "manager").get(f"{path}/{tower['id']}").status_code == 403
    admin.ok_delete(f"/data/departments/{fur}")
    admin.ok_delete(f"/data/hardware-items/{tower['id']}")


def test_the_whole_body_must_be_an_object(admin: Client) -> None:
    for method in ("POST", "PUT"):
        path = "/data/persons" if method == "POST" else f"/data/persons/{admin.id}"
        answer: requests.Response = admin.call(method, path, json=[1])
        assert answer.status_code == 400


_READERS = [
    profile.country_of,
    profile.locale_of,
    profile.timezone_of,
    profile.date_format_of,
    profile.expiration_of,
    profile.email_of,
]


@given(st.sampled_from(_READERS), st.none() | st.text() | st.integers() | st.lists(st.text()) | st.booleans())
def test_any_value_is_read_or_refused(read: Any, value: Any) -> None:
    try:
        kept = read(value)
    except BadRequest:
        return
    assert kept is None or kept == read(kept if isinstance(kept, str) else kept.isoformat())


@pytest.mark.parametrize("good", ["a@studio.local", "a@localhost", "ünï@münchen.de", "A.B+c@x.org"])
def test_addresses_of_local_networks_are_good(good: str) -> None:
    assert profile.email_of(good) == good.lower()


def test_what_somebody_said_and_logged_goes_with_them(admin: Client) -> None:
    email = address()
    admin.ok_post("/data/persons", person("Vik", email=email, password="mypassword", role="manager"))
    ida = sign_in(admin.api, email, "mypassword")
    show = production(admin, ida)
    job = task(admin, entity(admin, show["id"]), assignees=[ida.id])
    done = named(admin, "task-status", "Done")["id"]
    ida.ok_post(f"/actions/tasks/{job['id']}/comment", {"task_status_id": done, "comment": "Finished"})
    ida.ok_post(f"/actions/tasks/{job['id']}/time-spents/2024-03-05/persons/{ida.id}", {"duration": 60})
    mine = {"list_type": "asset", "name": "Mine", "person_id": ida.id, "project_id": show["id"]}
    admin.ok_post("/data/search-filters", mine)
    before = admin.ok_get(f"/data/tasks/{job['id']}")
    assert (before["duration"], before["task_status_id"]) == (60.0, done)
    admin.ok_delete(f"/data/persons/{ida.id}?force=true")
    after = admin.ok_get(f"/data/tasks/{job['id']}")
    assert (after["duration"], after["task_status_id"]) == (0.0, named(admin, "task-status", "Todo")["id"])
    assert after["assignees"] == []
    assert admin.ok_get(f"/data/tasks/{job['id']}/comments") == []


def test_preview_accounts_are_in_no_list_and_cannot_be_edited(server: Server, admin: Client) -> None:
    person_id, _ = preview_account(server, admin, "1 hour")
    fur = admin.ok_post("/data/departments", {"name": unique("Fur"), "color": "#102030"})["id"]
    admin.ok_post(f"/actions/persons/{person_id}/departments/add", {"department_id": fur})
    assert admin.ok_get("/data/persons", params={"id": person_id}) == []
    assert admin.ok_get(f"/data/departments/{fur}/persons") == []
    assert admin.put(f"/data/persons/{person_id}", {"phone": "12"}).status_code == 403


def test_an_unknown_stored_value_spoils_no_list(server: Server, admin: Client) -> None:
    ida = hire(admin)
    stored(server, "UPDATE person SET position = 'king', locale = 'xx' WHERE id = %s RETURNING 1", ida.id)
    assert admin.ok_get("/data/persons", params={"id": ida.id})[0]["position"] == "king"
    assert admin.ok_put(f"/data/persons/{ida.id}", {"locale": "xx", "phone": "12"})["phone"] == "12"
    assert admin.ok_put(f"/data/persons/{ida.id}", {"position": "lead"})["position"] == "lead"
