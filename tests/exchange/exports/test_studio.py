"""Sheets of the whole studio. Spec exchange, "Operations: CSV export" and "Worth fixing" 10, 11."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests import factories
from tests.accounts.people import artist, signed_in
from tests.client import Client, sign_in, unique
from tests.entities.shows import Show
from tests.exchange.exports.sheets import NASTY, column, sheet, statements, worker
from tests.server import ADMIN, Server

KINDS = ("persons", "projects", "task-types", "tasks", "time-spents")


@pytest.fixture(scope="module")
def managers(admin: Client) -> dict[str, Client]:
    return {role: factories.hire(admin, role) for role in ("manager", "supervisor", "user", "client", "vendor")}


@pytest.mark.parametrize("kind", KINDS)
def test_production_managers_take_sheets_of_the_studio_along(
    admin: Client, anonymous: Client, managers: dict[str, Client], kind: str
) -> None:
    for form in ("csv", "xlsx"):
        path = f"/export/csv/{kind}.{form}"
        assert statements(admin.get(path)) == 2  # and the caller
        assert anonymous.get(path).status_code == 401
        for role, who in managers.items():
            assert who.get(path).status_code == (200 if role == "manager" else 403), role


@pytest.mark.parametrize("kind", KINDS)
def test_their_names_and_kind_are_those_that_clients_know(admin: Client, kind: str) -> None:
    answer = admin.get(f"/export/csv/{kind}.csv")
    today = datetime.now(ZoneInfo(admin.person["timezone"])).strftime("%Y_%m_%d")
    name = {
        "persons": "kitsu_people_export.csv",
        "tasks": "kitsu_tasks_export.csv",
        "time-spents": f"kitsu_{today}_open_projects_time_spents_export.csv",
    }.get(kind, "kitsu_export.csv")
    assert answer.headers["content-disposition"] == f"attachment; filename={name}"
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"


def test_people_are_told_in_codes(admin: Client, server: Server) -> None:
    fur = [admin.ok_post("/data/departments", {"name": unique(name), "color": "#102030"}) for name in ("Fur;", "Air")]
    studio = admin.ok_post("/data/studios", {"name": unique('"Harbour"'), "color": "#102030"})
    person_id, email = artist(
        admin, "supervisor", first_name="zoé;", last_name="=A", phone="+33 1", country="FR", contract_type="freelance",
        position="lead", seniority="senior", daily_salary=300, studio_id=studio["id"],
        departments=[department["id"] for department in fur],
    )  # fmt: skip
    _, other = artist(admin, first_name="ZOÉ;", last_name="=b")
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute("UPDATE person SET active = false, position = NULL WHERE email = %s", [other])
    head, *rows = sheet(admin, "persons.csv")
    assert ";".join(head) == (
        "First Name;Last Name;Email;Phone;Role;Departments;Studio;Country;Contract Type;Position;Seniority;"
        "Daily Salary;Active"
    )
    departments = ",".join(sorted(department["name"] for department in fur))
    whole = ["zoé;", "=A", email, "+33 1", "supervisor", departments, studio["name"], "FR", "freelance"]
    last = [row for row in rows if row[2] in (email, other)]
    assert last[0] == [*whole, "lead", "senior", "300", "yes"]
    assert last[1] == ["ZOÉ;", "=b", other, "", "user", "", "", "", "open-ended", "", "mid", "0", "no"]
    names = [(row[0].lower().encode(), row[1].lower().encode()) for row in rows]
    assert names == sorted(names)
    everybody = admin.ok_get("/data/persons")
    bots, people = ({row["email"] for row in everybody if row["is_bot"] is is_bot} for is_bot in (True, False))
    assert (bots - people - {None}).isdisjoint(row[2] for row in rows)
    admin.ok_delete(f"/data/persons/{person_id}?force=true")


def test_what_is_personal_is_for_who_manages_the_person(admin: Client) -> None:
    manager, other = (factories.hire(admin, "manager") for _ in range(2))
    person_id, email = artist(admin, phone="+33 99", country="FR", contract_type="freelance", daily_salary=321)
    show = factories.production(admin, manager)
    admin.ok_post(f"/data/projects/{show['id']}/team", {"person_id": person_id})

    def told(who: Client) -> list[str]:
        head, *rows = sheet(who, "persons.csv")
        (row,) = [row for row in rows if row[2] == email]
        return [row[head.index(name)] for name in ("Phone", "Country", "Contract Type", "Daily Salary")]

    assert told(admin) == told(manager) == ["+33 99", "FR", "freelance", "321"]
    assert told(other) == ["", "", "", ""]
    # Who adds somebody is not told the salary for it.
    factories.production(admin, other)
    theirs = factories.production(admin, other)
    other.ok_post(f"/data/projects/{theirs['id']}/team", {"person_id": person_id})
    assert told(other) == ["+33 99", "FR", "freelance", ""]


def test_productions_and_task_types(admin: Client) -> None:
    name = unique("=Show;")
    factories.production(admin, name=name)
    head, *rows = sheet(admin, "projects.csv")
    assert head == ["Name", "Status"]
    assert [name, "Open"] in rows
    assert [row[0].encode() for row in rows] == sorted(row[0].encode() for row in rows)
    fur = admin.ok_post("/data/departments", {"name": unique("Fur"), "color": "#102030"})
    types = [unique(word) for word in ("Groom", "Cut")]
    for word in types:
        admin.ok_post("/data/task-types", {"name": word, "color": "#102030", "department_id": fur["id"]})
    admin.ok_post("/data/task-types", {"name": unique("Nowhere"), "color": "#102030"})
    head, *rows = sheet(admin, "task-types.csv")
    assert head == ["Department", "Name"]
    assert [row[1] for row in rows if row[0] == fur["name"]] == sorted(types)
    assert not [row for row in rows if row[1].startswith("Nowhere")]


def test_tasks_of_open_productions(admin: Client) -> None:
    one, two = (worker(admin, first_name=name) for name in ("Bo;", "Al"))
    show = Show(admin, one, two)
    shot = show.shot(show.sequence(show.episode("E01"), "SQ01"), name=NASTY[0])
    task = factories.task(admin, shot, "Layout")
    dates = {
        "start_date": "2026-03-02",
        "due_date": "2026-03-05",
        "real_start_date": "2026-03-03",
        "end_date": "2026-03-04",
    }
    admin.ok_put(f"/data/tasks/{task['id']}", {"assignees": [one.id, two.id], "estimation": 480, **dates})
    admin.ok_post(f"/actions/tasks/{task['id']}/time-spents/2026-03-02/persons/{one.id}", {"duration": 50})
    bare = factories.task(admin, show.asset("Prop", name="Bare"), "Concept")
    admin.ok_put(f"/data/tasks/{bare['id']}", {"assigner_id": one.id})
    closed = Show(admin)
    factories.task(admin, closed.asset(), "Concept")
    status = factories.named(admin, "project-status", "Closed")
    admin.ok_put(f"/data/projects/{closed.id}", {"project_status_id": status["id"]})
    head, *rows = sheet(admin, "tasks.csv")
    assert ";".join(head) == (
        "Project;Task Type;Episode;Sequence;Entity Type;Entity;Assigner;Assignees;Duration;Estimation;Start date;"
        "Due date;WIP date;Validation date;Task Status"
    )
    people = ", ".join(sorted(f"{who.person['first_name']} {who.person['last_name']}" for who in (one, two)))
    assigner = f"Bo; {one.person['last_name']}"
    name = show.row["name"]
    concept, layout = [row for row in rows if row[0] == name]
    assert concept == [name, "Concept", "", "", "Prop", "Bare", assigner, "", "0.0", "0.0", "", "", "", "", "Todo"]
    days = ["2026-03-02", "2026-03-05", "2026-03-03", "2026-03-04"]
    assert layout[:6] == [name, "Layout", "E01", "SQ01", "Shot", NASTY[0]]
    assert layout[7:] == [people, "50.0", "480.0", *days, "Todo"]
    assert closed.row["name"] not in column([head, *rows], "Project")


def test_hours_of_open_productions_are_told_to_the_end(admin: Client, server: Server) -> None:
    """Worth fixing 10: a shot without sequence does not break the sheet off."""
    who = worker(admin, first_name="Bo;")
    show = Show(admin, who)
    series = show.shot(show.sequence(show.episode("E01"), "SQ01"), name="SH1")
    film, lost = (show.shot(show.sequence(name=name), name="SH2") for name in ("SQ02", "SQ03"))
    asset = show.asset("Prop", name="Boat")
    for number, of in enumerate((series, film, lost, asset)):
        task = factories.task(admin, of, "Concept" if of is asset else "Layout", assignees=[who.id])
        spent = f"/actions/tasks/{task['id']}/time-spents/2026-03-{10 - number:02}/persons/{who.id}"
        admin.ok_post(spent, {"duration": 12.5 + number})
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute("UPDATE entity SET parent_id = NULL WHERE id = %s", [lost["id"]])
    head, *rows = sheet(admin, "time-spents.csv")
    assert head == ["Project", "Person", "Entity Type Name", "Entity", "Task Type", "Date", "Time spent"]
    person = f"Bo; {who.person['last_name']}"
    assert [row[1:] for row in rows if row[0] == show.row["name"]] == [
        [person, "Prop", "Boat", "Concept", "2026-03-07", "15.5"],
        [person, "Shot", "SH2", "Layout", "2026-03-08", "14.5"],
        [person, "Shot", "SQ02 / SH2", "Layout", "2026-03-09", "13.5"],
        [person, "Shot", "E01 / SQ01 / SH1", "Layout", "2026-03-10", "12.5"],
    ]
    dates = column([head, *rows], "Date")
    assert dates == sorted(dates)


@pytest.fixture(scope="module")
def strict() -> Iterator[Server]:
    with Server(PEGBAR_EXPORT_OWN_PRODUCTIONS="true") as running:
        yield running


def test_a_studio_may_keep_managers_to_their_own_productions(strict: Server) -> None:
    """Worth fixing 11, with the switch."""
    admin = sign_in(strict.api, *ADMIN)
    manager = signed_in(admin, artist(admin, "manager")[1])
    shows = {role: Show(admin) for role in ("manager", "vendor", "nobody")}
    for role, show in shows.items():
        task = factories.task(admin, show.asset(), "Concept", assignees=[admin.id])
        if role != "nobody":
            show.join(manager, role)
        spent = f"/actions/tasks/{task['id']}/time-spents/2026-03-02/persons/{admin.id}"
        admin.ok_post(spent, {"duration": 60})

    def told(who: Client, kind: str, header: str) -> set[str]:
        names = column(sheet(who, f"{kind}.csv"), header)
        return {role for role, show in shows.items() if show.row["name"] in names}

    for kind in ("tasks", "time-spents"):
        assert told(admin, kind, "Project") == set(shows)
        assert told(manager, kind, "Project") == {"manager"}
    assert told(admin, "projects", "Name") == set(shows)
    assert told(manager, "projects", "Name") == {"manager", "vendor"}
