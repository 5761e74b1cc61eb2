"""Gazu's productions: settings, columns, team, budgets."""

from typing import Any

import gazu
import pytest

from tests.client import unique
from tests.gazu.conftest import Row, Show, ids

#: It sends a name, an amount and a category: the budgets of the Kitsu API have a department and a daily salary.
EXCUSED = {"create_budget_entry": "it sends none of the keys that the route needs"}


@pytest.fixture(scope="module")
def film(signed_in: Row) -> Row:
    return dict(gazu.project.new_project(unique("Film"), production_style="3d"))


def read(project: Row) -> Row:
    return dict(gazu.client.get(f"data/projects/{project['id']}"))


def test_productions(film: Row) -> None:
    assert gazu.project.new_project(film["name"])["id"] == film["id"]
    assert gazu.project.get_project(film["id"])["production_style"] == "3d"
    assert gazu.project.get_project_by_name(film["name"])["id"] == film["id"]
    assert film["id"] in ids(gazu.project.all_projects())
    assert film["id"] in ids(gazu.project.all_open_projects())
    assert gazu.project.get_project_url(film).endswith(f"/productions/{film['id']}/assets/")
    assert "Open" in {row["name"] for row in gazu.project.all_project_status()}
    short = gazu.project.new_project(unique("Short"), team=[gazu.client.get_current_user()])
    gazu.project.update_project({"id": short["id"], "fps": "12"})
    gazu.project.update_project_data(short, {"a": 1})
    assert gazu.project.update_project_data(short, {"b": 2})["data"] == {"a": 1, "b": 2}
    gazu.project.close_project(short)
    closed = gazu.project.get_project_status_by_name("Closed")["id"]
    assert read(short)["project_status_id"] == closed
    assert short["id"] not in ids(gazu.project.all_open_projects())
    gazu.project.remove_project(short, force=True)
    assert gazu.project.get_project_by_name(short["name"]) is None


def test_settings(film: Row) -> None:
    modeling, todo = gazu.task.get_task_type_by_name("Modeling"), gazu.task.get_task_status_by_short_name("todo")
    prop = gazu.asset.get_asset_type_by_name("Prop")
    done = gazu.task.get_task_status_by_short_name("done")
    out = {"out_task_type_id": modeling["id"], "out_task_status_id": done["id"]}
    automation = gazu.client.create(
        "status-automations", {"in_task_type_id": modeling["id"], "in_task_status_id": todo["id"], **out}
    )
    sky = gazu.client.create("preview-background-files", {"name": unique("Sky")})
    gazu.project.add_asset_type(film, prop)
    gazu.project.add_task_type(film, modeling, 3)
    gazu.project.add_task_status(film, todo)
    gazu.project.add_status_automation(film, {"status_automation_id": automation["id"]})
    gazu.project.add_preview_background_file(film, {"preview_background_file_id": sky["id"]})
    found = read(film)
    assert (found["asset_types"], found["task_types_priority"]) == ([prop["id"]], {modeling["id"]: 3})
    assert ids(gazu.project.get_project_task_types(film)) == [modeling["id"]]
    assert ids(gazu.project.get_project_task_statuses(film)) == [todo["id"]]
    assert ids(gazu.project.all_status_automations(film)) == [automation["id"]]
    assert ids(gazu.project.get_preview_background_files(film)) == [sky["id"]]
    gazu.project.remove_task_type(film, modeling)
    gazu.project.remove_task_status(film, todo)
    gazu.project.remove_status_automation(film, automation)
    gazu.project.remove_preview_background_file(film, sky)
    found = read(film)
    lists = ("task_types", "task_statuses", "status_automations", "preview_background_files")
    assert [found[name] for name in lists] == [[]] * 4


def test_columns(film: Row) -> None:
    department = gazu.person.all_departments()[0]
    fur = gazu.project.add_metadata_descriptor(film, "Fur", "Asset", "list", ["red"], True, [department])
    age = gazu.project.add_metadata_descriptor(film, "Age", "Asset")
    assert (fur["choices"], fur["departments"]) == (["red"], [department["id"]])
    assert gazu.project.get_metadata_descriptor(film, fur["id"]) == fur
    assert gazu.project.get_metadata_descriptor_by_field_name(film, "age")["id"] == age["id"]
    assert gazu.project.update_metadata_descriptor(film, {**fur, "name": "Coat"})["field_name"] == "coat"
    assert ids(gazu.project.reorder_metadata_descriptors(film, "Asset", [fur, age])) == [fur["id"], age["id"]]
    gazu.project.remove_metadata_descriptor(film, age)
    assert age["id"] not in ids(gazu.project.all_metadata_descriptors(film))


def test_team(film: Row, show: Show) -> None:
    artist = show.artist.person
    gazu.project.add_person_to_team(film, artist, "supervisor")
    assert [(row["id"], row["project_role"]) for row in gazu.project.get_team(film)] == [(artist["id"], "supervisor")]
    assert gazu.project.update_team_member_role(film, artist, None)["role"] is None
    gazu.project.remove_person_from_team(film, artist)
    assert gazu.project.get_team(film) == []


def test_plans(film: Row, show: Show) -> None:
    assert gazu.project.get_milestones(film) == []
    assert gazu.project.get_project_quotas(film, show.task["task_type_id"]) == {}
    assert gazu.project.get_project_person_quotas(film, show.artist.person) == {}


def test_budgets(film: Row) -> None:
    budget = gazu.project.create_budget(film, "Quote", currency="EUR")
    assert gazu.project.get_budget(film, budget)["currency"] == "EUR"
    assert gazu.project.update_budget(film, budget, {"name": "Offer"})["name"] == "Offer"
    assert ids(gazu.project.get_budgets(film)) == [budget["id"]]
    line: dict[str, Any] = {"department_id": gazu.person.all_departments()[0]["id"], "start_date": "2031-01-01"}
    entry = gazu.client.post(
        f"data/projects/{film['id']}/budgets/{budget['id']}/entries", {**line, "months_duration": 2, "daily_salary": 9}
    )
    changed = gazu.project.update_budget_entry(film, budget, entry, {"exceptions": {"2031-02": 100}})
    assert (changed["exceptions"], changed["daily_salary"]) == ({"2031-02": 100}, 9.0)
    assert gazu.project.get_budget_entry(film, budget, entry)["months_duration"] == 2
    assert ids(gazu.project.get_budget_entries(film, budget)) == [entry["id"]]
    gazu.project.remove_budget_entry(film, budget, entry)
    gazu.project.remove_budget(film, budget)
    assert gazu.project.get_budgets(film) == []
