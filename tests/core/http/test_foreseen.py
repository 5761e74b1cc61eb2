"""Answers that are read together with their caller are those of the handlers, for everybody and at any time."""

from typing import Any

import pytest
from sqlalchemy import Select, TextualSelect, select

from pegbar.accounts.callers import _DEPARTMENTS
from pegbar.app import load_domains
from pegbar.core.data.compiled import Compiled
from pegbar.core.http.routing import Operation
from tests import factories
from tests.accounts.people import artist, signed_in
from tests.client import Client, unique
from tests.core.data.test_statements import statements

ROLES = ("admin", "manager", "supervisor", "user", "vendor", "client")
FORESEEN = [operation for operation in load_domains() if operation.foreseen is not None]

People = dict[str, Client]


def somebody(admin: Client, role: str) -> Client:
    return signed_in(admin, artist(admin, role)[1])


@pytest.fixture(scope="module")
def people(admin: Client) -> People:
    return {role: somebody(admin, role) for role in ROLES}


@pytest.fixture(scope="module")
def ids(admin: Client, people: People) -> dict[str, str]:
    """One of everything, in a production of all of them; the artist and the vendor have the task."""
    show = factories.production(admin, *people.values())
    of_show = f"/data/projects/{show['id']}"
    asset = factories.entity(admin, show["id"])
    sequence = admin.ok_post(f"{of_show}/sequences", {"name": unique("SQ")})
    shot = admin.ok_post(f"{of_show}/shots", {"name": unique("SH"), "sequence_id": sequence["id"]})
    rows = {"asset": asset, "sequence": sequence, "shot": shot}
    rows["episode"] = admin.ok_post(f"{of_show}/episodes", {"name": unique("E")})
    rows["scene"] = admin.ok_post(f"{of_show}/scenes", {"name": unique("SC"), "sequence_id": sequence["id"]})
    rows["concept"] = admin.ok_post(f"{of_show}/concepts", {"name": unique("CO")})
    rows["task"] = factories.task(admin, asset, assignees=[people["user"].id, people["vendor"].id])
    status_id = rows["task"]["task_status_id"]
    for text in ("Ours: 100 % done", "Say “when”"):
        admin.ok_post(f"/actions/tasks/{rows['task']['id']}/comment", {"task_status_id": status_id, "comment": text})
    return {f"{name}_id": row["id"] for name, row in rows.items()} | {"person_id": people["user"].id}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("operation", FORESEEN, ids=lambda operation: operation.path)
def test_they_are_what_the_handler_answers(
    operation: Operation, role: str, people: People, ids: dict[str, str]
) -> None:
    path, who = operation.path.replace(":uuid}", "}").format(**ids), people[role]
    from_handler = who.get(path, params={"by": "the handler"})
    who.get(path)  # what is known of the caller from then on
    foreseen = who.get(path)
    assert (foreseen.status_code, foreseen.text) == (from_handler.status_code, from_handler.text)
    if foreseen.status_code == 200:
        assert (statements(foreseen), statements(from_handler)) == (1, by_handler(operation, role))


def by_handler(operation: Operation, role: str) -> int:
    """How many statements the handler's answer takes, with the caller's."""
    if operation.path == "/data/persons/{person_id:uuid}/tasks":
        # The rule has an empty list for those who read none; of others the handler asks first whether it is a bot's.
        return 1 if role in ("vendor", "client") else 3
    return 2


@pytest.mark.parametrize("operation", FORESEEN, ids=lambda operation: operation.path)
def test_what_is_planned_once_stays_so(operation: Operation) -> None:
    assert operation.foreseen is not None
    for role in ROLES:
        alone = operation.foreseen.statement(role)
        along = operation.foreseen.along(role, _DEPARTMENTS)
        once = ["(SELECT $1::" in Compiled(alone).sql, "(SELECT $1 ::" in Compiled(planned(along)).sql]
        assert once == [bool(alone.get_execution_options().get("planned_once"))] * 2


def planned(along: TextualSelect) -> Select[Any]:
    """What is read along, in a statement that is planned as it is."""
    return select(along.scalar_subquery()).execution_options(**along.get_execution_options())


def test_some_answers_hold_something(admin: Client, ids: dict[str, str]) -> None:
    thread = f"/data/tasks/{ids['task_id']}/comments"
    admin.ok_get(thread)
    assert [row["text"] for row in admin.ok_get(thread)] == ["Say “when”", "Ours: 100 % done"]


def texts(who: Client, task: dict[str, Any]) -> list[str]:
    return [row["text"] for row in who.ok_get(f"/data/tasks/{task['id']}/comments")]


def test_a_role_of_the_team_counts_at_every_request(admin: Client) -> None:
    someone = somebody(admin, "supervisor")
    show = factories.production(admin)
    factories.join(admin, show["id"], someone)
    task = factories.task(admin, factories.entity(admin, show["id"]))
    comment = {"task_status_id": task["task_status_id"], "comment": "Not for clients"}
    admin.ok_post(f"/actions/tasks/{task['id']}/comment", comment)
    assert [texts(someone, task) for _ in range(3)] == [["Not for clients"]] * 3
    admin.ok_put(f"/data/projects/{show['id']}/team/{someone.id}", {"role": "client"})
    assert [texts(someone, task) for _ in range(3)] == [[]] * 3


def test_who_is_a_manager_no_more_is_told_of_their_productions_alone(admin: Client) -> None:
    someone = somebody(admin, "admin")
    theirs, other = factories.production(admin), factories.production(admin)
    factories.join(admin, theirs["id"], someone)

    def listed() -> set[str]:
        return {row["id"] for row in someone.ok_get("/data/projects/open")}

    for _ in range(3):
        assert {theirs["id"], other["id"]} <= listed()
    admin.ok_put(f"/data/persons/{someone.id}", {"role": "user"})
    assert [listed() for _ in range(3)] == [{theirs["id"]}] * 3


def test_what_the_handler_refuses_is_refused_at_every_request(admin: Client, ids: dict[str, str]) -> None:
    bot = factories.hire(admin)
    for _ in range(3):
        assert len(admin.ok_get(f"/data/persons/{ids['person_id']}/tasks")) == 1
        assert admin.get(f"/data/persons/{bot.id}/tasks").status_code == 403
