"""History: what is recorded, of whom, and who is told."""

import threading
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pegbar.app import load_domains
from pegbar.core.data.history import left_out, recorded
from pegbar.core.data.migrations import recording
from pegbar.core.data.schema import metadata
from tests import factories
from tests.client import Client, sign_in, unique
from tests.server import Server
from tests.tasks.test_automations import automation, status

load_domains()


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def people(admin: Client) -> dict[str, Client]:
    roles = ("manager", "supervisor", "user", "client", "vendor")
    return {role: factories.hire(admin, role) for role in roles} | {"stranger": factories.hire(admin, "manager")}


@pytest.fixture
def show(admin: Client, people: dict[str, Client]) -> dict[str, Any]:
    return factories.production(admin, *[who for name, who in people.items() if name != "stranger"])


def now(database: psycopg.Connection) -> str:
    row = database.execute("SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US')")
    return str(row.fetchone()[0])  # type: ignore[index]


def told(who: Client, thing: str, row: dict[str, Any], **query: Any) -> list[dict[str, Any]]:
    return list(who.ok_get(f"/open/v1/history/{thing}/{row['id']}", params=query)["data"])


# What is recorded


def test_what_an_automation_changes_names_it_and_the_comment_that_set_it_off(admin: Client) -> None:
    next_up = automation(admin, "Modeling", "Done", "Rigging", out_task_status_id=status(admin, "Retake"))
    show = factories.production(admin, status_automations=[next_up])
    asset = factories.entity(admin, show["id"])
    modeling, rigging = (factories.task(admin, asset, name) for name in ("Modeling", "Rigging"))
    said = {name: {"task_status_id": status(admin, name), "comment": ""} for name in ("Work In Progress", "Done")}
    admin.ok_post(f"/actions/tasks/{modeling['id']}/comment", said["Work In Progress"])
    assert [change["parts"] for change in told(admin, "tasks", modeling, field="task_status_id")] == [None]
    comment = admin.ok_post(f"/actions/tasks/{modeling['id']}/comment", said["Done"])
    about = {"automation": next_up, "comment": comment["id"]}
    assert told(admin, "tasks", rigging, field="task_status_id")[0]["parts"] == about
    assert told(admin, "tasks", modeling, field="task_status_id")[0]["parts"] == about


def test_an_automation_that_is_refused_is_no_part_of_a_change(admin: Client) -> None:
    refused = automation(admin, "Modeling", "Done", "Rigging", out_task_status_id=status(admin, "Retake"))
    show = factories.production(admin, status_automations=[refused], max_retakes=1)
    asset = factories.entity(admin, show["id"])
    modeling, rigging = (factories.task(admin, asset, name) for name in ("Modeling", "Rigging"))
    for name in ("Retake", "Work In Progress"):
        admin.ok_post(f"/actions/tasks/{rigging['id']}/comment", {"task_status_id": status(admin, name), "comment": ""})
    admin.ok_post(f"/actions/tasks/{modeling['id']}/comment", {"task_status_id": status(admin, "Done"), "comment": ""})
    assert told(admin, "tasks", modeling, field="task_status_id")[0]["parts"] is None


def test_every_table_says_whether_its_changes_are_told_and_has_the_triggers_for_it(
    database: psycopg.Connection,
) -> None:
    assert [table.name for table in metadata.tables.values() if recorded(table) is None] == []
    stored: dict[str, str] = dict(
        database.execute(
            """SELECT proname, prosrc FROM pg_proc
                WHERE pronamespace = 'pegbar'::regnamespace AND proname LIKE 'history\\_%'"""
        ).fetchall()
    )
    declared = [text for table in recording.recorded_tables() for text in recording.statements(table)]
    declared += recording.placing()
    bodies = {
        text.partition("FUNCTION pegbar.")[2].partition("(")[0]: text.partition("$$")[2].rpartition("$$")[0]
        for text in declared
        if text.lstrip().startswith("CREATE FUNCTION")
    }
    assert stored == bodies, "the migration that changed a declaration calls recording.install"
    triggers = database.execute("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'pegbar\\_history\\_%'").fetchone()
    assert triggers == (len(bodies) - 2,)


def test_no_column_that_sounds_secret_is_recorded() -> None:
    words = ("password", "secret", "token", "otp", "jti", "credential", "webhook", "recovery")
    sounding = {
        f"{table.name}.{column.name}"
        for table in recording.recorded_tables()
        for column in table.columns
        if any(word in column.name for word in words) and column.name not in left_out(table)
    }
    harmless = {name for name in sounding if name.endswith(("_enabled", "_authentication", ".token_in", ".token_out"))}
    assert sounding == harmless


def test_secrets_are_nowhere_in_the_history(server: Server, admin: Client, database: psycopg.Connection) -> None:
    mark = f"qz{uuid4().hex}"
    row = {"first_name": "Sec", "last_name": unique("ret"), "email": f"{mark[:9]}@example.com", "password": mark}
    person = admin.ok_post("/data/persons", row)
    sign_in(server.api, row["email"], mark)
    database.execute(
        """UPDATE person SET totp_secret = left(%(mark)s, 32), jti = %(mark)s, password = %(mark)s::bytea,
                             fido_credentials = ARRAY[jsonb_build_object('key', %(mark)s::text)] WHERE id = %(id)s""",
        {"mark": mark, "id": person["id"]},
    )
    database.execute("UPDATE organisation SET chat_token_slack = left(%s, 80)", [mark])
    database.execute("UPDATE organisation SET chat_token_slack = ''")
    admin.ok_delete(f"/data/persons/{person['id']}?force=true")
    found = database.execute(
        "SELECT count(*) FROM pegbar.history h WHERE to_jsonb(h)::text LIKE %s OR to_jsonb(h)::text LIKE %s",
        [f"%{mark[:20]}%", f"%{mark.encode().hex()}%"],
    ).fetchone()
    assert found == (0,)


# What is told


def test_a_change_says_what_who_when_and_from_where(
    admin: Client, people: dict[str, Client], show: dict[str, Any], database: psycopg.Connection
) -> None:
    shot = factories.entity(admin, show["id"], "Shot")
    request_id = str(uuid4())
    changed = people["manager"].put(
        f"/data/entities/{shot['id']}",
        {"nb_frames": 24, "data": {"mood": "calm"}},
        headers={"X-Request-Id": request_id},
    )
    assert changed.headers["x-request-id"] == request_id
    database.execute("UPDATE entity SET nb_frames = 48 WHERE id = %s", [shot["id"]])
    elsewhere, here, made = told(admin, "shots", shot)
    assert (elsewhere["old"], elsewhere["new"]) == ({"nb_frames": 24}, {"nb_frames": 48})
    assert (elsewhere["origin"], elsewhere["person_id"]) == ("database", None)
    assert (here["old"], here["new"]) == (
        {"nb_frames": None, "data": shot["data"]},
        {"nb_frames": 24, "data": {"mood": "calm"}},
    )
    assert {key: here[key] for key in ("action", "person_id", "origin", "method", "request_id", "project_id")} == {
        "action": "updated",
        "person_id": people["manager"].id,
        "origin": "token",
        "method": "PUT",
        "request_id": request_id,
        "project_id": show["id"],
    }
    assert (made["action"], made["new"], made["origin"]) == ("created", None, "session")
    assert [row["id"] for row in told(admin, "shots", shot, field="data")] == [here["id"]]
    assert [row["id"] for row in told(admin, "shots", shot, person_id=people["manager"].id)] == [here["id"]]
    assert [row["id"] for row in told(admin, "shots", shot, **{"from": elsewhere["at"]})] == [elsewhere["id"]]
    assert [row["id"] for row in told(admin, "shots", shot, to=here["at"])] == [made["id"]]
    pages: list[int] = []
    query: dict[str, Any] = {"limit": 1}
    for _ in range(3):
        page = admin.ok_get(f"/open/v1/history/entities/{shot['id']}", params=query)
        pages += [row["id"] for row in page["data"]]
        query["cursor"] = page["cursor"]
    assert query["cursor"] is None
    assert pages == [elsewhere["id"], here["id"], made["id"]]
    of_show = admin.ok_get("/open/v1/history", params={"project_id": show["id"], "request_id": request_id})["data"]
    assert [row["id"] for row in of_show] == [here["id"]]
    of_change = admin.ok_get("/open/v1/history", params={"change_id": here["change_id"], "thing": "shots"})["data"]
    assert [row["id"] for row in of_change] == [here["id"]]


def test_clients_and_vendors_are_told_what_they_read_and_strangers_nothing(
    admin: Client, people: dict[str, Client], show: dict[str, Any]
) -> None:
    for name, for_client in (("seen", True), ("hidden", False)):
        values = {"name": name, "entity_type": "Shot", "data_type": "string", "for_client": for_client}
        admin.ok_post(f"/data/projects/{show['id']}/metadata-descriptors", values)
    shot = factories.entity(admin, show["id"], "Shot")
    task = factories.task(admin, shot, "Animation", assignees=[people["vendor"].id])
    admin.ok_put(f"/data/entities/{shot['id']}", {"data": {"seen": "yes", "hidden": "planted"}})
    admin.ok_put(f"/data/entities/{shot['id']}", {"data": {"hidden": "planted again"}})
    admin.ok_put(f"/data/tasks/{task['id']}", {"estimation": 480, "description": "told"})
    client, stranger = people["client"], people["stranger"]
    updates = [row for row in told(client, "shots", shot) if row["action"] == "updated"]
    assert [row["new"] for row in updates] == [{"data": {"seen": "yes"}}]
    assert client.ok_get(f"/open/v1/history/shots/{shot['id']}/at/2100-01-01")["data"] == {"seen": "yes"}
    rows = told(client, "tasks", task)
    assert [row["new"] for row in rows] == [{"description": "told"}, None]
    then = client.ok_get(f"/open/v1/history/tasks/{task['id']}/at/2100-01-01")
    assert not {"estimation", "assignees", "due_date"} & then.keys()
    assert client.get(f"/open/v1/history/tasks/{task['id']}?field=estimation").status_code == 400
    assert {row["table"] for row in told(people["user"], "tasks", task)} == {"task", "task_person_link"}
    assert {row["table"] for row in told(people["vendor"], "tasks", task)} == {"task"}
    for thing, row in (("shots", shot), ("tasks", task)):
        for path in (f"/open/v1/history/{thing}/{row['id']}", f"/open/v1/history/{thing}/{row['id']}/at/2100-01-01"):
            assert stranger.get(path).status_code == 403
    admin.ok_delete(f"/data/tasks/{task['id']}?force=true")
    for name in ("manager", "supervisor"):
        assert told(people[name], "tasks", task)[0]["action"] == "deleted"
    for name in ("user", "client", "vendor", "stranger"):
        assert people[name].get(f"/open/v1/history/tasks/{task['id']}").status_code == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/open/v1/history/spells/00000000-0000-0000-0000-000000000001", 404),
        ("/open/v1/history/tasks/00000000-0000-0000-0000-000000000001", 200),
        ("/open/v1/history/tasks/00000000-0000-0000-0000-000000000001/at/2100-01-01", 404),
        ("/open/v1/history/departments/00000000-0000-0000-0000-000000000001/at/2001-01-01", 410),
        ("/open/v1/history/departments/00000000-0000-0000-0000-000000000001/at/yesterday", 400),
        ("/open/v1/history/tasks/x", 404),
        ("/open/v1/history?limit=0", 400),
        ("/open/v1/history?limit=1001", 400),
        ("/open/v1/history?cursor=x", 400),
        ("/open/v1/history?from=never", 400),
        ("/open/v1/history?field=name", 400),
        ("/open/v1/history?thing=spells", 400),
        ("/open/v1/history?change_id=x", 400),
        ("/open/v1/history?project_id=x", 400),
    ],
)
def test_what_is_none_is_refused(admin: Client, path: str, status: int) -> None:
    assert admin.get(path).status_code == status


# As it was

_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.integers(0, 99)),
        st.tuples(st.sampled_from(["rename", "frames", "field"]), st.integers(0, 99)),
        st.tuples(st.sampled_from(["delete", "undo"]), st.integers(0, 99)),
    ),
    min_size=6,
    max_size=14,
)


class Model:
    """A production's shots as a dict, and what they were after each step."""

    def __init__(self, who: Client, show_id: str) -> None:
        self.who, self.show_id = who, show_id
        self.shots: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, dict[str, dict[str, Any]]]] = []

    def step(self, verb: str, number: int) -> None:
        before = {shot_id: dict(values) for shot_id, values in self.shots.items()}
        shot_id = sorted(self.shots)[number % len(self.shots)] if self.shots else None
        if verb == "create" or shot_id is None:
            type_id = factories.named(self.who, "entity-types", "Shot")["id"]
            body = {"name": unique("SH"), "project_id": self.show_id, "entity_type_id": type_id, "data": {}}
            answer = self.who.post("/data/entities", body)
            self.shots[answer.json()["id"]] = {"name": body["name"], "nb_frames": None, "data": {}}
        elif verb == "undo":
            request_id, state = self.requests[-1]
            answer = self.who.post("/open/v1/undo", {"request_id": request_id})
            self.shots = state
        elif verb == "delete":
            answer = self.who.delete(f"/data/shots/{shot_id}?force=true")
            del self.shots[shot_id]
        else:
            changes: dict[str, dict[str, Any]] = {
                "rename": {"name": unique("SH")},
                "frames": {"nb_frames": number},
                "field": {"data": {**self.shots[shot_id]["data"], f"f{number % 3}": number}},
            }
            values = changes[verb]
            answer = self.who.put(f"/data/entities/{shot_id}", values)
            self.shots[shot_id] = {**self.shots[shot_id], **values}
        assert answer.status_code < 300, answer.text
        if before != self.shots:
            self.requests.append((answer.headers["x-request-id"], before))


# As they come: a failure names its steps, and smaller ones would take minutes.
@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=_STEPS)
def test_the_history_replays_to_what_was_and_undo_restores_it(
    admin: Client, people: dict[str, Client], database: psycopg.Connection, steps: list[tuple[str, int]]
) -> None:
    model = Model(people["manager"], factories.production(admin, people["manager"])["id"])
    states: list[tuple[str, dict[str, dict[str, Any]]]] = [(now(database), {})]
    for verb, number in steps:
        model.step(verb, number)
        states.append((now(database), {shot_id: dict(values) for shot_id, values in model.shots.items()}))
    for at, shots in states:
        board = model.who.ok_get(f"/open/v1/history/board/{model.show_id}", params={"kind": "shots", "at": at})
        seen = {row["id"]: {key: row[key] for key in ("name", "nb_frames", "data")} for row in board}
        assert seen == shots
    at, shots = states[-1]
    for shot_id, values in shots.items():
        row = model.who.ok_get(f"/open/v1/history/shots/{shot_id}/at/{at}")
        assert {key: row[key] for key in values} == values


def test_a_board_tells_statuses_and_assignees_of_then_of_what_is_gone_too(
    admin: Client, people: dict[str, Client], show: dict[str, Any], database: psycopg.Connection
) -> None:
    shots = [factories.entity(admin, show["id"], "Shot") for _ in range(2)]
    asset = factories.entity(admin, show["id"])
    task = factories.task(admin, shots[0], "Animation", assignees=[people["user"].id])
    at = now(database)
    status = factories.named(admin, "task-status", "Work In Progress")["id"]
    admin.ok_post(f"/actions/tasks/{task['id']}/comment", {"comment": "", "task_status_id": status})
    admin.ok_put(f"/data/tasks/{task['id']}", {"assignees": [people["vendor"].id]})
    path = f"/open/v1/history/board/{show['id']}"
    (later,) = [row["tasks"] for row in admin.ok_get(path) if row["tasks"]]
    assert (later[0]["task_status_id"], later[0]["assignees"]) == (status, [people["vendor"].id])
    admin.ok_delete(f"/data/shots/{shots[0]['id']}?force=true")
    board = people["user"].ok_get(path, params={"at": at})
    assert sorted(row["id"] for row in board) == sorted(row["id"] for row in shots)
    ((then,),) = [row["tasks"] for row in board if row["tasks"]]
    assert (then["task_status_id"], then["assignees"]) == (task["task_status_id"], [people["user"].id])
    assert [row["id"] for row in people["user"].ok_get(path, params={"at": at, "kind": "assets"})] == [asset["id"]]
    gone = people["manager"].ok_get(f"/open/v1/history/tasks/{task['id']}/at/{at}")
    assert (gone["task_status_id"], gone["assignees"]) == (task["task_status_id"], [people["user"].id])
    for name in ("client", "vendor", "stranger"):
        assert people[name].get(path).status_code == 403
    assert admin.get(path, params={"kind": "spells"}).status_code == 400
    assert admin.get(path, params={"at": "2001-01-01"}).status_code == 410


def test_thirty_who_write_the_same_row_leave_one_chain(
    admin: Client, people: dict[str, Client], show: dict[str, Any]
) -> None:
    shot = factories.entity(admin, show["id"], "Shot", nb_frames=0)
    answers: list[int] = []

    def write(number: int) -> None:
        who = Client(admin.api, people["manager"].token)
        answers.append(who.put(f"/data/entities/{shot['id']}", {"nb_frames": number}).status_code)

    threads = [threading.Thread(target=write, args=[number]) for number in range(1, 31)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 30
    rows = told(admin, "shots", shot, field="nb_frames")
    assert len(rows) == 30
    assert len({row["change_id"] for row in rows}) == 30
    newer = [admin.ok_get(f"/data/entities/{shot['id']}")["nb_frames"], *(row["old"]["nb_frames"] for row in rows)]
    assert newer == [*(row["new"]["nb_frames"] for row in rows), 0], "each goes on where the one before it ended"


# How it is kept


def test_months_are_made_ahead_and_take_over_what_came_before_them(database: psycopg.Connection) -> None:
    row_id = uuid4()
    add = "INSERT INTO pegbar.history (change_id, at, table_name, row_id, op) VALUES (0, {}, 'task', %s, 'I')"
    where = "SELECT tableoid::regclass::text FROM pegbar.history WHERE row_id = %s"
    database.execute(add.format("date_trunc('month', now()) + interval '5 months 3 days'"), [row_id])
    assert database.execute(where, [row_id]).fetchall() == [("pegbar.history_rest",)]
    database.execute("SELECT pegbar.make_history_partitions(5)")
    ((partition,),) = database.execute(where, [row_id]).fetchall()
    assert partition.startswith("pegbar.history_20")
    assert database.execute("SELECT pegbar.make_history_partitions(5)").fetchone() == (0,)
    database.execute("DELETE FROM pegbar.history WHERE row_id = %s", [row_id])
    database.execute(add.format("'2001-05-05'"), [row_id])
    assert database.execute("SELECT pegbar.drop_history('2002-01-01')").fetchone() == (0,)
    assert database.execute(where, [row_id]).fetchall() == []
