"""Assets from spreadsheets."""

import pytest

from tests.client import Client, unique
from tests.entities.shows import happened
from tests.exchange.sheets.spreadsheets import Sheets, csv_of, refusal_of, rows_of
from tests.factories import named
from tests.server import Server

HEAD = ("Type", "Name")


@pytest.fixture(scope="module")
def film(admin: Client) -> Sheets:
    return Sheets(admin, production_type="featurefilm")


@pytest.fixture(scope="module")
def show(admin: Client) -> Sheets:
    return Sheets(admin, production_type="tvshow")


def test_assets_are_made_and_known_by_type_and_name(server: Server, film: Sheets) -> None:
    text = csv_of((*HEAD, "Description", "Resolution"), ("prop", "Lamp", "Lit", "4k"), ("Character", "Lamp", "", ""))
    lamp, other = rows_of(film.send("assets", text))
    prop = named(film.admin, "entity-types", "Prop")["id"]
    assert (lamp["entity_type_id"], lamp["description"], lamp["data"]) == (prop, "Lit", {"resolution": "4k"})
    assert lamp["id"] != other["id"]
    events = [payload for name, payload in happened(server, film.id) if name == "asset:new"]
    assert (events[0]["asset_id"], events[0]["asset_type"]) == (lamp["id"], prop)
    assert [row["id"] for row in rows_of(film.send("assets", text))] == [lamp["id"], other["id"]]
    (row,) = rows_of(film.send("assets", csv_of((*HEAD, "Description"), ("PROP", "Lamp", "Off")), update="true"))
    assert (row["id"], row["description"], row["data"]) == (lamp["id"], "Off", {"resolution": "4k"})
    told = [payload for name, payload in happened(server, film.id) if name == "asset:update"]
    assert (told[-1]["asset_id"], told[-1]["data"]) == (lamp["id"], {"resolution": "4k"})


def test_a_canceled_asset_is_meant_and_stays_canceled(film: Sheets) -> None:
    (row,) = rows_of(film.send("assets", csv_of(HEAD, ("Prop", "Ghost"))))
    film.admin.ok_put(f"/data/entities/{row['id']}", {"canceled": True})
    (again,) = rows_of(film.send("assets", csv_of((*HEAD, "Description"), ("Prop", "Ghost", "Boo")), update="true"))
    assert (again["id"], again["canceled"], again["description"]) == (row["id"], True, "Boo")


def test_unknown_types_are_made_where_a_production_chose_none(server: Server, admin: Client) -> None:
    film = Sheets(admin)
    name = unique("Vehicle")
    first, second = rows_of(film.send("assets", csv_of(HEAD, (name, "Truck"), (name.upper(), "Bus"))))
    assert first["entity_type_id"] == second["entity_type_id"]
    assert named(admin, "entity-types", name)["id"] == first["entity_type_id"]


def test_a_production_that_chose_types_takes_in_known_ones_only(admin: Client) -> None:
    film = Sheets(admin)
    prop = named(admin, "entity-types", "Prop")["id"]
    admin.ok_post(f"{film.path}/settings/asset-types", {"asset_type_id": prop})
    rows_of(film.send("assets", csv_of(HEAD, ("prop", "Sofa"), ("character", "Guest"))))
    assert {row["name"] for row in admin.ok_get(f"{film.path}/asset-types")} == {"Prop", "Character"}
    assert set(admin.ok_get(film.path)["asset_types"]) == {prop, named(admin, "entity-types", "Character")["id"]}
    unknown = unique("Vehicle")
    message, line, imported = refusal_of(film.send("assets", csv_of(HEAD, ("Prop", "Rug"), (unknown, "Truck"))))
    assert unknown in message
    assert (line, imported) == (3, 1)


def test_types_and_names_must_be_there(film: Sheets) -> None:
    for columns, cells, word in [
        (HEAD, ("", "Lamp"), "Type"),
        (HEAD, (" ", "Lamp"), "Type"),
        (HEAD, ("Prop", ""), "Name"),
        (("Type", "Description"), ("Prop", "x"), "Name"),
        (("Name", "Description"), ("Lamp", "x"), "Type"),
        (HEAD, ("T" * 31, "Lamp"), "Type"),
        *[(HEAD, (kind, "Lamp"), kind) for kind in ("Shot", "sequence", "Episode", "Edit", "Scene", "Concept")],
    ]:
        message, line, imported = refusal_of(film.send("assets", csv_of(columns, cells)))
        assert word in message
        assert (line, imported) == (2, 0)


def test_assets_are_of_episodes_in_tv_shows_only(server: Server, show: Sheets, film: Sheets) -> None:
    text = csv_of((*HEAD, "Episode"), ("Prop", "Net", "E05 "), ("Prop", "Rod", ""), ("Prop", "Bait", "MP"))
    net, rod, bait = rows_of(show.send("assets", text))
    episode = show.read({"id": net["source_id"]})
    assert (episode["name"], episode["status"], episode["type"]) == ("E05", "running", "Episode")
    assert (rod["source_id"], bait["source_id"]) == (None, None)
    assert "MP" not in {row["name"] for row in show.admin.ok_get(f"{show.path}/episodes")}
    (row,) = rows_of(show.send("assets", csv_of((*HEAD, "Description"), ("Prop", "Net", "Wide")), update="true"))
    assert row["source_id"] == episode["id"], "without the column it stays where it is"
    (row,) = rows_of(show.send("assets", csv_of((*HEAD, "Episode"), ("Prop", "Net", "E06")), update="true"))
    assert show.read({"id": row["source_id"]})["name"] == "E06"
    (row,) = rows_of(show.send("assets", csv_of((*HEAD, "Episode"), ("Prop", "Net", "mp")), update="true"))
    assert show.read({"id": row["source_id"]})["name"] == "mp"
    (row,) = rows_of(show.send("assets", csv_of((*HEAD, "Episode"), ("Prop", "Net", "MP")), update="true"))
    assert row["source_id"] is None
    message, *_ = refusal_of(film.send("assets", csv_of((*HEAD, "Episode"), ("Prop", "Net", "E05"))))
    assert "Episode" in message
    rows_of(film.send("assets", csv_of((*HEAD, "Episode"), ("Prop", "Net", ""))))


def test_ready_for_names_a_task_type_of_the_shots(admin: Client) -> None:
    film = Sheets(admin, shots=["Layout", "Animation"])
    names = {row["id"]: row["name"] for row in admin.ok_get(f"{film.path}/settings/task-types")}
    layout = film.task_types["Layout"]
    (row,) = rows_of(film.send("assets", csv_of((*HEAD, "Ready for"), ("Prop", "Lamp", names[layout]))))
    assert row["ready_for"] == layout
    shot = film.shot(film.sequence())
    film.cast(shot, row)
    for task_type_id in film.task_types.values():
        body = {"entity_id": shot["id"], "task_type_id": task_type_id, "project_id": film.id, "name": "main"}
        admin.ok_post("/data/tasks", body)
    ready = {kind: task["nb_assets_ready"] for kind, task in film.tasks(shot["id"]).items()}
    assert ready == {layout: 1, film.task_types["Animation"]: 0}
    text = csv_of((*HEAD, "Ready for"), ("Prop", "Lamp", names[film.task_types["Animation"]]))
    rows_of(film.send("assets", text, update="true"))
    assert [task["nb_assets_ready"] for task in film.tasks(shot["id"]).values()] == [1, 1]
    (row,) = rows_of(film.send("assets", csv_of((*HEAD, "Ready for"), ("Prop", "Lamp", "")), update="true"))
    assert row["ready_for"] is None
    message, *_ = refusal_of(film.send("assets", csv_of((*HEAD, "Ready for"), ("Prop", "Lamp", "Sculpting"))))
    assert "Sculpting" in message


def test_assets_have_the_tasks_of_their_workflow(admin: Client) -> None:
    film = Sheets(admin)
    modeling, rigging, anything = (film.use_task_type(name, "Asset") for name in ("Modeling", "Rigging", "Anything"))
    ids = film.task_types
    kind = admin.ok_post("/data/entity-types", {"name": unique("Prop"), "task_types": [ids["Modeling"]]})
    text = csv_of(HEAD, (kind["name"], "Lamp"), ("Character", "Ida"))
    lamp, ida = rows_of(film.send("assets", text))
    assert set(film.tasks(lamp["id"])) == {ids["Modeling"]}
    assert set(film.tasks(ida["id"])) == set(ids.values())
    admin.ok_delete(f"/data/tasks/{film.tasks(ida['id'])[ids['Rigging']]['id']}", params={"force": "true"})
    assert film.report("assets", text)["changed"] == 1
    rows_of(film.send("assets", text))
    assert set(film.tasks(ida["id"])) == set(ids.values()), "what is missing is made, whether or not it is updated"
    assert film.report("assets", text)["left"] == 2
    rows_of(film.send("assets", csv_of((*HEAD, rigging), (kind["name"], "Lamp", "wip")), update="true"))
    assert set(film.tasks(lamp["id"])) == {ids["Modeling"], ids["Rigging"]}, "a row may ask for another one"
    assert modeling != anything
