"""The persons around a task are as full as the caller sees them elsewhere. Spec tasks, GET /data/tasks/{id}/full."""

import pytest

from tests.accounts.people import artist, signed_in
from tests.client import Client, unique
from tests.factories import entity, hire, join, production, task


@pytest.fixture
def assigner(admin: Client) -> Client:
    """A manager with a phone and a salary, in a department."""
    member = hire(admin, "manager", phone="555 123", daily_salary=400)
    department = admin.ok_post("/data/departments", {"name": unique("Fur"), "color": "#102030"})["id"]
    member.person["departments"] = [department]
    admin.ok_post(f"/actions/persons/{member.id}/departments/add", {"department_id": department})
    return member


def test_the_assigner_is_as_full_as_the_caller_sees_them(admin: Client, assigner: Client) -> None:
    worker, client = signed_in(admin, artist(admin)[1]), hire(admin, "client")
    show = production(admin, assigner, worker, client)
    member = task(admin, entity(admin, show["id"]))
    assigner.ok_put(f"/actions/tasks/{member['id']}/assign", {"person_id": worker.id})
    stranger = hire(admin, "manager")
    join(admin, show["id"], stranger, "user")
    for caller in (admin, assigner, worker, stranger):
        whole = caller.ok_get(f"/data/tasks/{member['id']}/full")
        assert whole["assigner"] == caller.ok_get(f"/data/persons/{assigner.id}"), caller.person["role"]
        (assignee,) = whole["persons"]
        seen = caller.ok_get(f"/data/persons/{worker.id}", params={"relations": "false"})
        assert assignee == seen, caller.person["role"]
    assert admin.ok_get(f"/data/tasks/{member['id']}/full")["assigner"]["phone"] == "555 123"
    assert admin.ok_get(f"/data/tasks/{member['id']}/full")["assigner"]["departments"] == assigner.person["departments"]
    assert "phone" not in worker.ok_get(f"/data/tasks/{member['id']}/full")["assigner"]
    blank = client.ok_get(f"/data/tasks/{member['id']}/full")
    assert (blank["persons"], blank["assigner"]) == ([], None)
