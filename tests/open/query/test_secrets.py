"""What a caller is not told is no field for them: in no place of a query, in the words of one that does not exist."""

import json
from typing import Any

import pytest

from tests import factories
from tests.client import Client, unique
from tests.open.query.show import SECRET, Queried

#: Thing, path of what is not told, and to whom.
HIDDEN = [
    ("tasks", "priority", ["client"]),
    ("tasks", "due_date", ["client"]),
    ("tasks", "assignees", ["client"]),
    ("tasks", "assignees.full_name", ["client"]),
    ("tasks", "assigner.full_name", ["client"]),
    ("shots", "tasks.estimation", ["client"]),
    ("comments", "task.assignees.id", ["client"]),
    ("persons", "tasks.name", ["client"]),
    ("persons", "tasks_as_assigner.name", ["client"]),
    ("persons", "departments", ["client"]),
    ("persons", "contract_type", ["manager", "supervisor", "user", "client", "vendor"]),
    ("projects", "team.contract_type", ["manager", "supervisor", "user", "client", "vendor"]),
    ("projects", "playlists.name", ["vendor"]),
    ("tasks", "working_files.path", ["client", "vendor"]),
    *[
        (thing, f"{path}{name}", ["admin", "manager", "supervisor", "user", "client", "vendor"])
        for thing, path in (("persons", ""), ("comments", "person."), ("projects", "team."))
        for name in ("email", "daily_salary", "password", "jti", "totp_secret", "notifications_slack_userid", "phone")
    ],
]


@pytest.fixture(scope="module")
def everybody(admin: Client, queried: Queried) -> dict[str, Client]:
    return {"admin": admin, **queried.people}


def _places(path: str) -> list[dict[str, Any]]:
    return [
        {"filters": [[path, "is_null"]]},
        {"filters": [[path, "is", "x"]]},
        {"filters": {"logical_operator": "or", "conditions": [["id", "is_not_null"], [path, "is", 1]]}},
        {"fields": [path]},
        {"sort": f"-{path}"},
        {"summaries": [{"type": "count", "field": path}]},
        {"summaries": [{"type": "count"}], "grouping": [path]},
    ]


@pytest.mark.parametrize(("thing", "path", "roles"), HIDDEN, ids=map(str, range(len(HIDDEN))))
def test_what_is_not_told_is_no_field(everybody: dict[str, Client], thing: str, path: str, roles: list[str]) -> None:
    name = path.rpartition(".")[2]
    for query in _places(path):
        refusals = set()
        for role in roles:
            answer = everybody[role].post(f"/open/v1/query/{thing}", query)
            assert answer.status_code == 400, (role, query, answer.text)
            refusals.add(answer.json()["message"])
        # As of what nobody has: the words differ by the name alone.
        hidden = next((step for step in path.split(".") if f"no field '{step}'" in answer.json()["message"]), name)
        other = ".".join("nonesuch" if step == hidden else step for step in path.split("."))
        known = json.loads(json.dumps(query).replace(path, other))
        none = everybody[roles[0]].post(f"/open/v1/query/{thing}", known).json()["message"]
        assert {message.replace(repr(hidden), "") for message in refusals} == {none.replace("'nonesuch'", "")}


@pytest.mark.parametrize("role", ["client", "vendor"])
def test_a_column_that_is_not_shown_is_empty(queried: Queried, role: str) -> None:
    """`secretnote` is for no clients; a vendor sees it, which shows that it is there."""
    who = queried.people[role]
    sees = role == "vendor"
    here = ["project_id", "is", queried.id]
    for thing, path in (
        ("shots", "data.secretnote"),
        ("tasks", "shot.data.secretnote"),
        ("tasks", "entity.data.secretnote"),
    ):
        for condition in ([path, "is", SECRET], [path, "contains", SECRET[:3]], [path, "is_not_null"]):
            found = who.ok_post(f"/open/v1/query/{thing}", {"filters": [here, condition], "fields": ["id"]})
            assert bool(found["data"]) is sees, condition
        rows = who.ok_post(f"/open/v1/query/{thing}", {"filters": [here], "fields": [path], "sort": path})
        assert rows["data"]
        assert (SECRET in json.dumps(rows)) is sees
        grouped = {"filters": [here], "summaries": [{"type": "count"}], "grouping": [path]}
        assert (SECRET in json.dumps(who.ok_post(f"/open/v1/query/{thing}", grouped))) is sees
        assert (SECRET in who.post(f"/open/v1/query/{thing}?format=csv", {"fields": [path]}).text) is sees
    whole = who.ok_post("/open/v1/query/shots", {"filters": [here]})
    assert (SECRET in json.dumps(whole)) is sees


def test_rows_of_other_productions_are_none(admin: Client, queried: Queried) -> None:
    """A row that one does not see is none at the end of every path, whichever way it is looked for."""
    elsewhere = factories.production(admin)
    word = unique("Hid")
    shot = factories.entity(admin, elsewhere["id"], "Shot", name=word)
    hidden = factories.task(admin, shot, "Lighting", assignees=[queried.people["user"].id])
    factories.task(admin, shot, "Animation", assignees=[admin.id])
    for role in ("manager", "user", "vendor", "client"):
        who = queried.people[role]
        asked = [
            ("shots", [["name", "is", word]]),
            ("tasks", [["id", "is", hidden["id"]]]),
            ("tasks", [["entity.name", "is", word]]),
            ("projects", [["shots.name", "is", word]]),
            ("projects", [["id", "is", elsewhere["id"]]]),
            ("task-types", [["tasks.entity.name", "is", word]]),
        ]
        if role != "client":
            asked.append(("persons", [["tasks.entity.name", "is", word]]))
            asked.append(("departments", [["persons.tasks.entity.name", "is", word]]))
        for thing, filters in asked:
            assert who.ok_post(f"/open/v1/query/{thing}", {"filters": filters})["data"] == [], (role, thing)
        counted = {"summaries": [{"type": "count"}], "grouping": ["tasks.entity.name"]}
        assert word not in json.dumps(who.ok_post("/open/v1/query/task-types", counted))


def test_a_role_counts_for_its_production(admin: Client, queried: Queried) -> None:
    """Somebody who is a client in one team and an artist in another is told of each what they are told there."""
    mixed = factories.hire(admin, "user")
    mine = factories.production(admin, mixed)
    own = factories.task(
        admin, factories.entity(admin, mine["id"], "Shot"), "Animation", priority=3, assignees=[mixed.id]
    )
    factories.join(admin, queried.id, mixed, "client")
    ids = [own["id"], *[task["id"] for task in queried.tasks]]
    query = {"filters": [["id", "in", ids]], "fields": ["id", "priority", "assignees"], "sort": "priority"}
    rows = {row["id"]: row for row in mixed.ok_post("/open/v1/query/tasks", query)["data"]}
    assert len(rows) == len(ids)
    assert rows[own["id"]] == {"id": own["id"], "priority": 3, "assignees": [mixed.id]}
    assert all(rows[task["id"]]["priority"] is None and rows[task["id"]]["assignees"] == [] for task in queried.tasks)
    for condition in (["priority", "greater_than", 0], ["priority", "in", [0, 1, 2, 3]], ["assignees", "is_not_null"]):
        found = mixed.ok_post("/open/v1/query/tasks", {"filters": [["id", "in", ids], condition], "fields": ["id"]})
        assert found["data"] == [{"id": own["id"]}]
    people = {"filters": [["tasks.id", "in", ids[1:]]], "fields": ["id"]}
    assert mixed.ok_post("/open/v1/query/persons", people)["data"] == []


def test_comments_and_hours_are_for_whom_they_are(admin: Client, queried: Queried) -> None:
    show = factories.production(admin, *queried.people.values())
    shot = factories.entity(admin, show["id"], "Shot")
    task = factories.task(admin, shot, "Animation", assignees=[queried.people["vendor"].id])
    for text, for_client in (("inside", False), ("outside", True)):
        body = {"task_status_id": task["task_status_id"], "comment": text, "for_client": for_client}
        admin.ok_post(f"/actions/tasks/{task['id']}/comment", body)
    email = f"{unique('hours').replace(' ', '.')}@studio.example"
    human = {"first_name": "Bo", "last_name": "Hours", "email": email, "role": "user"}
    person = Client(admin.api, None, admin.ok_post("/data/persons", human))
    factories.join(admin, show["id"], person)
    admin.ok_put(f"/actions/persons/{person.id}/assign", {"task_ids": [task["id"]]})
    admin.ok_post(f"/actions/tasks/{task['id']}/time-spents/2026-01-05/persons/{person.id}", {"duration": 60})
    texts, minutes = {}, {}
    for role, who in queried.people.items():
        about = {"filters": [["task.id", "is", task["id"]]], "fields": ["text"]}
        texts[role] = {row["text"] for row in who.ok_post("/open/v1/query/comments", about)["data"]}
        spent = {"filters": [["task_id", "is", task["id"]]], "summaries": [{"type": "sum", "field": "duration"}]}
        minutes[role] = who.ok_post("/open/v1/query/time-spents", spent)["data"][0]["summary"]["sum(duration)"]
    assert texts.pop("client") == {"outside"}
    assert all(told == {"inside", "outside"} for told in texts.values())
    assert minutes == {"manager": 60, "supervisor": 60, "user": 60, "client": 0, "vendor": 0}
