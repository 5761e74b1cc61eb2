"""Teams of productions. Spec projects, "team"."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.client import Client
from tests.factories import entity, hire, join, production, task

NOBODY = "00000000-0000-4000-8000-000000000000"


def test_a_team_gains_and_loses_members(admin: Client) -> None:
    show, artist = production(admin), hire(admin)
    assert admin.ok_get(f"/data/projects/{show['id']}")["team"] == []
    join(admin, show["id"], artist, "supervisor")
    assert admin.ok_get(f"/data/projects/{show['id']}")["team"] == [artist.id]
    assert artist.ok_get(f"/data/projects/{show['id']}")["id"] == show["id"]
    admin.ok_delete(f"/data/projects/{show['id']}/team/{artist.id}")
    admin.ok_delete(f"/data/projects/{show['id']}/team/{artist.id}")
    assert artist.get(f"/data/projects/{show['id']}").status_code == 403


@pytest.mark.parametrize("role", ["user", "supervisor", "vendor", "client"])
def test_only_managers_of_the_production_change_the_team(admin: Client, role: str) -> None:
    member, outsider = hire(admin, role), hire(admin, "manager")
    at = f"/data/projects/{production(admin, member)['id']}/team"
    for caller in (member, outsider):
        assert caller.post(at, {"person_id": outsider.id}).status_code == 403
        assert caller.put(f"{at}/{member.id}", {"role": "manager"}).status_code == 403
        assert caller.delete(f"{at}/{member.id}").status_code == 403
    assert outsider.get(at).status_code == 403
    assert member.get(at).status_code == 200


def test_a_role_counts_on_its_production_only(admin: Client) -> None:
    artist, boss = hire(admin), hire(admin, "manager")
    here, there = production(admin, artist, boss), production(admin, artist)
    assert boss.ok_put(f"/data/projects/{here['id']}/team/{artist.id}", {"role": "manager"}) == {
        "project_id": here["id"],
        "person_id": artist.id,
        "role": "manager",
    }
    assert artist.put(f"/data/projects/{here['id']}", {"fps": "24"}).status_code == 200
    assert artist.put(f"/data/projects/{there['id']}", {"fps": "24"}).status_code == 403
    assert boss.ok_put(f"/data/projects/{here['id']}/team/{artist.id}", {})["role"] is None
    assert artist.put(f"/data/projects/{here['id']}", {"fps": "25"}).status_code == 403


def test_a_member_without_a_role_keeps_the_one_there_is(admin: Client) -> None:
    artist = hire(admin)
    at = f"/data/projects/{production(admin)['id']}/team"
    admin.ok_post(at, {"person_id": artist.id, "role": "supervisor"})
    admin.ok_post(at, {"person_id": artist.id})
    assert [member["project_role"] for member in admin.ok_get(at)] == ["supervisor"]


def test_refusals_name_the_field(admin: Client) -> None:
    artist = hire(admin)
    at = f"/data/projects/{production(admin)['id']}/team"
    for body, field in [
        ({}, "person_id"),
        ({"person_id": "me"}, "person_id"),
        ({"person_id": NOBODY}, "person_id"),
        ({"person_id": artist.id, "role": "admin"}, "role"),
        ({"person_id": artist.id, "role": ""}, "role"),
    ]:
        answer = admin.post(at, body)
        assert answer.status_code == 400
        assert field in answer.text
    assert admin.put(f"{at}/{artist.id}", {"role": "user"}).status_code == 400
    assert artist.post(f"/data/projects/{NOBODY}/team", {"person_id": artist.id}).status_code == 404


def test_each_role_sees_the_team_its_way(admin: Client) -> None:
    """Spec projects, Worth fixing 15: salaries, phones and addresses are for managers; vendors see their own hours."""
    people = {role: hire(admin, role, phone="12345") for role in ("manager", "supervisor", "user", "vendor", "client")}
    show = production(admin, *people.values())["id"]
    at = f"/data/projects/{show}/team"
    assert {member["phone"] for member in people["manager"].ok_get(at)} == {"12345"}
    for role in ("supervisor", "user", "vendor"):
        rows = people[role].ok_get(at)
        assert len(rows) == 5
        assert all(
            not row.keys() & {"phone", "email", "daily_salary"} and row["departments"] == [] and "project_role" in row
            for row in rows
        )
    assert all("desktop_login" not in row for row in people["client"].ok_get(at))
    assert "password" not in people["manager"].get(at).text
    job = task(admin, entity(admin, show), assignees=[people["vendor"].id, people["user"].id])["id"]
    for role in ("vendor", "user"):
        spent = {"task_id": job, "person_id": people[role].id, "date": "2031-01-01", "duration": 60}
        admin.ok_post("/data/time-spents", spent)
    hours = {role: people[role].get(f"/data/projects/{show}/time-spents") for role in ("manager", "vendor", "client")}
    assert [row["person_id"] for row in hours["vendor"].json()] == [people["vendor"].id]
    assert (len(hours["manager"].json()), hours["client"].status_code) == (2, 403)


def test_joining_twice_at_once_is_joining_once(admin: Client, database: psycopg.Connection) -> None:
    artist, show = hire(admin), production(admin)
    token, api = admin.token, admin.api

    def go(_: int) -> int:
        body = {"person_id": artist.id, "role": "supervisor"}
        return Client(api, token).post(f"/data/projects/{show['id']}/team", body).status_code

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(go, range(6))) == {201}
    events = "SELECT count(*) FROM api_event WHERE project_id = %s AND name = 'project:update'"
    assert database.execute(events, (show["id"],)).fetchone() == (1,)
