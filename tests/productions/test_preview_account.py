"""The preview account of a production. Spec projects, "preview-account"; spec accounts, "Kinds of persons"."""

import psycopg
import pytest

from tests.client import Client, sign_in
from tests.factories import hire, production
from tests.productions.test_projects import close


def test_a_window_on_the_production(admin: Client) -> None:
    boss = hire(admin, "manager")
    show, other = production(admin, boss), production(admin)
    at, own = f"/data/projects/{show['id']}/preview-account", f"/data/projects/{show['id']}"
    assert boss.ok_get(at) is None
    assert boss.put(at, {"is_open": True}).status_code == 404
    account = boss.ok_post(at)
    assert account["full_name"] == f"Preview {show['name']}"
    assert account["preview_open_until"] is None
    assert boss.put(at, {}).status_code == 400
    opened = boss.ok_put(at, {"is_open": True})
    assert "password" not in opened
    assert "." in opened["preview_open_until"]
    window = sign_in(admin.api, account["email"], account["password"])
    assert window.get(own).status_code == 200
    assert window.put(own, {"fps": "1"}).status_code == 403
    assert window.get(f"/data/projects/{other['id']}").status_code == 403
    boss.ok_put(at, {"is_open": True})
    assert window.get(own).status_code == 200
    boss.ok_put(at, {"is_open": False})
    assert window.get(own).status_code == 401
    again = boss.ok_post(at)
    assert (again["id"], again["password"] != account["password"]) == (account["id"], True)
    boss.ok_delete(at)
    boss.ok_delete(at)
    assert boss.ok_get(at) is None
    assert admin.get(f"/data/persons/{account['id']}").status_code == 404


def test_the_window_closes_by_itself(admin: Client, database: psycopg.Connection) -> None:
    show = production(admin)
    at = f"/data/projects/{show['id']}/preview-account"
    account = admin.ok_post(at)
    admin.ok_put(at, {"is_open": True})
    window = sign_in(admin.api, account["email"], account["password"])
    past = "UPDATE person SET preview_open_until = now() AT TIME ZONE 'UTC' - interval '1 second' WHERE id = %s"
    database.execute(past, (account["id"],))
    assert window.get(f"/data/projects/{show['id']}").status_code == 401


@pytest.mark.parametrize("role", ["supervisor", "user", "vendor", "client"])
def test_only_managers_open_it(admin: Client, role: str) -> None:
    member, outsider = hire(admin, role), hire(admin, "manager")
    at = f"/data/projects/{production(admin, member)['id']}/preview-account"
    for caller in (member, outsider):
        for answer in (caller.get(at), caller.post(at), caller.put(at, {"is_open": True}), caller.delete(at)):
            assert answer.status_code == 403


def test_it_belongs_to_its_production(admin: Client) -> None:
    show, other = production(admin), production(admin)
    account = admin.ok_post(f"/data/projects/{show['id']}/preview-account")
    assert admin.post(f"/data/projects/{other['id']}/team", {"person_id": account["id"]}).status_code == 400
    assert admin.put(f"/data/projects/{show['id']}/team/{account['id']}", {"role": "manager"}).status_code == 400
    assert admin.post("/data/projects", {"name": account["email"], "team": [account["id"]]}).status_code == 400
    close(admin, show["id"])
    admin.ok_delete(f"/data/projects/{show['id']}")
    assert admin.get(f"/data/persons/{account['id']}").status_code == 404
