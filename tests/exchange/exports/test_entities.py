"""Sheets of assets, shots and edits. Spec exchange, "CSV output: format"."""

from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests import factories
from tests.client import Client, unique
from tests.entities.shows import Show
from tests.exchange.exports.sheets import NASTY, column, of_csv, sheet, statements, worker
from tests.server import Server

ROLES = ("manager", "supervisor", "user", "client", "vendor")


@dataclass
class Made:
    """A series with assets and shots in it, and a team."""

    show: Show
    people: dict[str, Client]
    rows: dict[str, Any]

    @property
    def path(self) -> str:
        return f"projects/{self.show.id}"


def descriptor(show: Show, name: str, kind: str, entity_type: str = "Asset", **more: Any) -> str:
    row = {"name": name, "entity_type": entity_type, "data_type": kind, **more}
    return str(show.admin.ok_post(f"{show.path}/metadata-descriptors", row)["field_name"])


def work(show: Show, of: dict[str, Any], task_type: str, *people: Client, minutes: int = 0) -> dict[str, Any]:
    """A task of an entity, for these people, with some work done."""
    task = factories.task(show.admin, of, task_type)
    if people:
        show.admin.ok_put(f"/data/tasks/{task['id']}", {"assignees": [person.id for person in people]})
    if minutes:
        spent = f"/actions/tasks/{task['id']}/time-spents/2026-03-02/persons/{people[0].id}"
        show.admin.ok_post(spent, {"duration": minutes})
    return task


@pytest.fixture(scope="module")
def made(admin: Client) -> Made:
    people = {role: worker(admin, role, first_name=f"{role.title()};") for role in ROLES}
    show = Show(admin, *people.values(), production_type="tvshow", name=unique('Le "Renard", Été; no'))
    first, second = show.episode("E01"), show.episode("E02")
    assets = [show.asset("Prop", name=f"{number} {name}", description=name) for number, name in enumerate(NASTY)]
    hero = show.asset("Character", name="Hero", episode_id=first["id"])
    show.cast(second, hero)
    fields = {
        name: descriptor(show, name, kind, **more)
        for name, kind, more in (
            ("Note; long", "string", {"for_client": True}),
            ("Approved", "boolean", {}),
            ("Budget", "number", {}),
        )
    }
    note, approved, budget = fields.values()
    admin.ok_put(f"/data/entities/{hero['id']}", {"data": {note: 'say "hi"', approved: "TRUE", budget: "007"}})
    work(show, hero, "Modeling", people["user"], people["manager"], minutes=60)
    work(show, assets[0], "Concept")
    sequence = show.sequence(first, "SQ01")
    shot = show.shot(sequence, name="SH010", nb_frames=48, data={"frame_in": 1001, "frame_out": 1048, "fps": "23.976"})
    work(show, shot, "Layout", people["user"])
    show.shot(show.sequence(second, "SQ01"), name="SH010")
    rows = {"first": first, "second": second, "hero": hero, "shot": shot}
    return Made(show, people, rows)


HEAD = ["Project", "Type", "Name", "Description", "Time Spent"]
TASKS = ["Concept", "Assignations", "Modeling", "Assignations"]


def test_assets_are_written_as_specified(made: Made, admin: Client) -> None:
    answer = admin.get(f"/export/csv/{made.path}/assets.csv")
    assert answer.headers["content-type"] == "text/csv"
    tag = made.show.row["name"].rpartition(" ")[2]
    assert answer.headers["content-disposition"] == f"attachment; filename=kitsu_le_renard_ete_no_{tag}_assets.csv"
    head, hero, *others = of_csv(answer.content)
    assert head == [*HEAD, "Approved", "Budget", "Note; long", *TASKS]
    names = sorted(f"{who.person['first_name']} {who.person['last_name']}" for who in _of(made, "user", "manager"))
    values = ["true", "007", 'say "hi"', "", "", "todo", ",".join(names)]
    assert hero == [made.show.row["name"], "Character", "Hero", "", "0.12", *values]
    assert [row[2][2:] for row in others] == NASTY
    assert [row[3] for row in others] == NASTY
    assert {tuple(row[4:8]) for row in others} == {("0.00", "false", "", "")}
    assert [row[8] for row in others] == ["todo", *[""] * (len(NASTY) - 1)]


def _of(made: Made, *roles: str) -> list[Client]:
    return [made.people[role] for role in roles]


def test_lines_end_and_quotes_stand_as_other_servers_write_them(made: Made, admin: Client) -> None:
    content = admin.get(f"/export/csv/{made.path}/assets.csv").content
    assert content.startswith(b'Project;Type;Name;Description;Time Spent;Approved;Budget;"Note; long";Concept;')
    assert content.endswith(b"\r\n")
    assert b'Prop;"0 =1+1 ""quoted""; and more";"=1+1 ""quoted""; and more";0.00;' in content
    assert "Prop;1 Élise 🦊, the fox;Élise 🦊, the fox;0.00;".encode() in content


def test_shots_are_written_as_specified(made: Made, admin: Client) -> None:
    head, first, second = sheet(admin, f"{made.path}/shots.csv")
    columns = "Project;Episode;Sequence;Name;Description;Time Spent;Frames;Frame In;Frame Out;FPS;Layout;Assignations"
    assert head == columns.split(";")
    assert first[1:10] == ["E01", "SQ01", "SH010", "", "0.00", "48", "1001", "1048", "23.976"]
    assert first[10:] == ["todo", " ".join(made.people["user"].person[k] for k in ("first_name", "last_name"))]
    assert second[1:] == ["E02", "SQ01", "SH010", "", "0.00", "", "", "", "", "", ""]


def test_edits_are_written_as_specified(made: Made, admin: Client) -> None:
    show = Show(admin, production_type="tvshow")
    episode = show.episode("E01")
    for name, parent in (("Rough cut", episode["id"]), ("Trailer", None)):
        admin.ok_post(f"{show.path}/edits", {"name": name, "episode_id": parent})
    field = descriptor(show, "Format", "string", "Edit")
    edit = next(row for row in admin.ok_get(f"{show.path}/edits") if row["name"] == "Trailer")
    admin.ok_put(f"/data/entities/{edit['id']}", {"data": {field: "1:1"}})
    work(show, edit, "Edit")
    head, *rows = sheet(admin, f"projects/{show.id}/edits.csv")
    assert head == ["Project", "Episode", "Name", "Description", "Time Spent", "Format", "Edit", "Assignations"]
    name = show.row["name"]
    assert [row[:2] + row[2:3] for row in rows] == [[name, "", "Trailer"], [name, "E01", "Rough cut"]]
    assert [row[5:] for row in rows] == [["1:1", "todo", ""], ["", "", ""]]


def test_an_episode_a_person_or_an_id_narrows_a_sheet(made: Made, admin: Client) -> None:
    rows, user = made.rows, made.people["user"]

    def names(kind: str, who: Client = admin, **query: str) -> list[str]:
        return column(sheet(who, f"{made.path}/{kind}.csv", **query), "Name")

    everything = names("assets")
    assert len(everything) == len(NASTY) + 1
    assert names("assets", episode_id="all") == everything
    assert names("assets", episode_id=rows["first"]["id"]) == ["Hero"]
    assert names("assets", episode_id=rows["second"]["id"]) == ["Hero"]  # cast in it
    assert names("assets", episode_id="main") == [name for name in everything if name != "Hero"]
    assert names("assets", id=rows["hero"]["id"]) == ["Hero"]
    assert names("assets", id=rows["shot"]["id"]) == []
    assert names("assets", user, assigned_to="") == ["Hero"]
    assert names("assets", user, assigned_to="whoever") == ["Hero"]
    assert names("shots", user, assigned_to="me") == ["SH010"]
    assert column(sheet(admin, f"{made.path}/shots.csv", episode_id=rows["second"]["id"]), "Episode") == ["E02"]
    assert names("shots", episode_id="main") == []
    # Without rows there are no tasks, hence no columns of them.
    assert "Layout" not in sheet(admin, f"{made.path}/shots.csv", episode_id="main")[0]


def test_only_own_tasks_are_told_of_own_entities(made: Made, admin: Client) -> None:
    """The caller has the modeling of the hero; somebody else's concept of it is no column of that sheet."""
    show, user = made.show, made.people["user"]
    other = show.asset("Prop", name=unique("Z"))
    work(show, other, "Shading", made.people["manager"])
    work(show, other, "Rigging", user)
    head, *rows = sheet(user, f"{made.path}/assets.csv", assigned_to="me", id=other["id"])
    assert head[8:] == ["Rigging", "Assignations"]
    assert len(rows) == 1
    admin.ok_delete(f"/data/assets/{other['id']}?force=true")


@pytest.mark.parametrize("kind", ["assets", "shots", "edits", "casting"])
def test_the_team_but_vendors_takes_sheets_along(made: Made, admin: Client, anonymous: Client, kind: str) -> None:
    outsider = factories.hire(admin, "manager")
    for form in ("csv", "xlsx"):
        path = f"/export/csv/{made.path}/{kind}.{form}"
        for role, who in made.people.items():
            assert who.get(path).status_code == (403 if role == "vendor" else 200), role
        assert outsider.get(path).status_code == 403
        assert anonymous.get(path).status_code == 401
        for project_id in ("00000000-0000-4000-8000-000000000000", "nowhere"):
            answer = admin.get(f"/export/csv/projects/{project_id}/{kind}.{form}")
            assert (answer.status_code, answer.json()["error"]) == (404, True)


@pytest.mark.parametrize(("kind", "query"), [
    ("assets", "episode_id=first"), ("assets", "episode_id="), ("assets", "id=x"), ("shots", "episode_id=1"),
    ("shots", "id="), ("casting", "episode_id=x"), ("casting", "episode_id="),
])  # fmt: skip
def test_an_id_that_is_none_is_refused(made: Made, admin: Client, kind: str, query: str) -> None:
    for form in ("csv", "xlsx"):
        answer = admin.get(f"/export/csv/{made.path}/{kind}.{form}?{query}")
        assert (answer.status_code, answer.json()["data"]) == (400, None)
        assert query.partition("=")[0] in answer.json()["message"]


def test_a_client_gets_no_work_and_the_columns_that_are_for_clients(made: Made) -> None:
    head, hero, *_ = sheet(made.people["client"], f"{made.path}/assets.csv")
    assert head == [*HEAD, "Note; long", *TASKS]
    assert hero[4:] == ["0.00", 'say "hi"', "", "", "todo", ""]


def test_columns_stand_in_the_order_of_the_production(admin: Client) -> None:
    show = Show(admin)
    ids = []
    for name in ("A", "B", "C"):
        row = {"name": name, "entity_type": "Asset", "data_type": "string"}
        ids.append(admin.ok_post(f"{show.path}/metadata-descriptors", row)["id"])
    for position, descriptor_id in ((2, ids[1]), (1, ids[2])):
        admin.ok_put(f"/data/metadata-descriptors/{descriptor_id}", {"position": position})
    show.asset()
    assert sheet(admin, f"projects/{show.id}/assets.csv")[0][5:] == ["C", "B", "A"]


def test_frames_are_masked_like_the_columns_that_they_are(admin: Client) -> None:
    client = factories.hire(admin, "client")
    show = Show(admin, client)
    show.shot(show.sequence(), data={"frame_in": 1001, "fps": 25})
    row = descriptor(show, "Frame in", "number", "Shot")
    assert row == "frame_in"
    assert column(sheet(admin, f"projects/{show.id}/shots.csv"), "Frame In") == ["1001"]
    (shown,) = sheet(client, f"projects/{show.id}/shots.csv")[1:]
    assert shown[7:] == ["", "", "25"]


def test_whatever_metadata_hold_the_sheet_is_whole(made: Made, admin: Client, server: Server) -> None:
    """Worth fixing 10: booleans stored as such, lists, numbers, no object at all."""
    show = Show(admin)
    fields = [descriptor(show, name, kind) for name, kind in (("Done", "boolean"), ("Free", "string"))]
    values: list[Any] = [
        None, [], "text", 12, {fields[0]: True, fields[1]: False}, {fields[0]: False, fields[1]: 50.0},
        {fields[0]: None, fields[1]: ["a;b", {"c": 'd"'}]}, {fields[0]: "tRuE", fields[1]: None},
    ]  # fmt: skip
    assets = [show.asset("Prop", name=f"{number}") for number, _ in enumerate(values)]
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        for asset, value in zip(assets, values, strict=True):
            connection.execute("UPDATE entity SET data = %s WHERE id = %s", [Jsonb(value), asset["id"]])
        connection.execute("UPDATE entity SET data = NULL, description = NULL WHERE id = %s", [assets[0]["id"]])
    rows = sheet(admin, f"projects/{show.id}/assets.csv")
    assert column(rows, "Done") == ["false"] * 4 + ["true", "false", "false", "true"]
    assert column(rows, "Free") == [*[""] * 4, "False", "50.0", '["a;b", {"c": "d\\""}]', ""]


def test_canceled_entities_are_told_and_shots_without_sequence_are_not(admin: Client, server: Server) -> None:
    show = Show(admin)
    sequence = show.sequence(name="SQ")
    _, canceled, lost = (show.shot(sequence, name=name) for name in "ABC")
    admin.ok_put(f"/data/entities/{canceled['id']}", {"canceled": True})
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute("UPDATE entity SET parent_id = NULL WHERE id = %s", [lost["id"]])
    assert column(sheet(admin, f"projects/{show.id}/shots.csv"), "Name") == ["A", "B"]


def test_the_last_task_of_a_type_is_told(admin: Client) -> None:
    show = Show(admin)
    asset = show.asset()
    for name, status in (("first", "Done"), ("second", "Retake")):
        status_id = factories.named(admin, "task-status", status)["id"]
        factories.task(admin, asset, "Modeling", name=name, task_status_id=status_id)
    head, row = sheet(admin, f"projects/{show.id}/assets.csv")
    assert head[5:] == ["Modeling", "Assignations"]
    assert row[5:] == ["retake", ""]


def test_a_sheet_is_one_statement(made: Made, admin: Client) -> None:
    for kind in ("assets", "shots", "edits", "casting"):
        for form in ("csv", "xlsx"):
            assert statements(admin.get(f"/export/csv/{made.path}/{kind}.{form}")) == 2  # and the caller
