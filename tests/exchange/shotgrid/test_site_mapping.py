"""What becomes what when a ShotGrid site comes over."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.exchange.shotgrid.site.client import SiteError
from pegbar.exchange.shotgrid.site.mapping import Contents, Document, mapped, read, written
from pegbar.exchange.shotgrid.site.records import TASKS, Known, LeftOut, assignees, frames, values

FIELDS: dict[str, dict[str, dict[str, Any]]] = {
    "Shot": {
        "code": {"label": "Shot Code", "kind": "text", "values": []},
        "sg_mood": {"label": "Mood", "kind": "list", "values": ["Calm", "Wild"]},
        "sg_weather": {"label": "mood", "kind": "text", "values": []},
        "sg_cut_in": {"label": "Cut In", "kind": "number", "values": []},
        "sg_thing": {"label": "Thing", "kind": "serializable", "values": []},
        "tag_list": {"label": "Tags", "kind": "tag_list", "values": []},
    },
    "Task": {"sg_status_list": {"label": "Status", "kind": "status_list", "values": ["wtg", "cbb"]}},
}
SITE = Contents(
    statuses=[{"id": 1, "code": "wtg", "name": "Waiting"}, {"id": 2, "code": "cbb"}, {"id": 3, "code": "act"}],
    steps=[
        {"id": 8, "code": "Anm", "entity_type": "Shot"},
        {"id": 5, "code": "Animation", "entity_type": "Shot"},
        {"id": 6, "code": "Model", "entity_type": "Asset"},
        {"id": 7, "code": "Online", "entity_type": "Level"},
    ],
    fields=FIELDS,
)


def test_without_a_file_what_is_known_is_mapped_and_the_rest_keeps_its_name() -> None:
    mapping = mapped(SITE)
    assert mapping.statuses == {"wtg": "todo", "cbb": "cbb"}
    assert mapping.task_types == {8: "Animation", 5: "Animation", 6: "Modeling"}
    assert mapping.stands_for == {5: 5, 8: 5, 6: 6}, "two steps are one task type"
    assert [(column.key, column.name, column.data_type) for column in mapping.columns["Shot"]] == [
        ("sg_mood", "Mood", "list"),
        ("sg_weather", "mood (sg_weather)", "string"),
    ]
    assert mapping.columns["Shot"][0].choices == ["Calm", "Wild"]


def test_a_file_says_otherwise() -> None:
    document = Document(
        statuses={"cbb": "retake"},
        steps={"Shot": {"Anm": ""}},
        fields={"Shot": {"sg_mood": "", "tag_list": "Tags"}},
    )
    mapping = mapped(SITE, document)
    assert mapping.statuses["cbb"] == "retake"
    assert 8 not in mapping.stands_for
    assert [(column.key, column.name) for column in mapping.columns["Shot"]] == [
        ("sg_weather", "mood"),
        ("sg_tag_list", "Tags"),
    ]
    assert mapping.digest != mapped(SITE).digest


def test_a_file_that_was_written_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(written(SITE, "mapping.toml"))
    assert mapped(SITE, read(path)) == mapped(SITE)


@given(
    codes=st.lists(st.text(min_size=1), unique=True, max_size=5),
    labels=st.lists(st.text(min_size=1), max_size=5),
)
def test_whatever_a_site_calls_things_its_file_can_be_read(codes: list[str], labels: list[str]) -> None:
    fields = {f"sg_{n}": {"label": label, "kind": "text", "values": []} for n, label in enumerate(labels)}
    site = Contents(
        statuses=[{"id": n, "code": code, "name": code} for n, code in enumerate(codes)],
        steps=[{"id": n, "code": code, "entity_type": "Shot"} for n, code in enumerate(codes)],
        fields={"Shot": fields},
    )
    text = written(site, "m.toml")
    document = tomllib.loads(text)
    assert set(document["statuses"]) == set(codes)
    assert set(document.get("steps", {}).get("Shot", {})) == set(codes)
    assert set(document.get("fields", {}).get("Shot", {})) == set(fields)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("statuses = 3", "no mapping file"),
        ("[status]\nwtg = 'todo'", "status"),
        ("[statuses]\nwgt = 'todo'", r"statuses\.wgt: the site has no such status"),
        ("[statuses]\nwtg = ''", "cannot be left out"),
        ("[statuses]\nwtg = 'much too long'", "longer than 10"),
        ("[steps.Shot]\nModel = 'x'", r"steps\.Shot\.Model: the site has no such step"),
        ("[fields.Shot]\nsg_none = 'x'", r"fields\.Shot\.sg_none: the site has no such field"),
        ("[fields.Task]\nsg_status_list = 'x'", r"fields\.Task"),
        ("[[[", "no mapping file"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_with_the_reason(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(text)
    with pytest.raises(SiteError, match=problem):
        mapped(SITE, read(path))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="cannot be read"):
        read(tmp_path / "none.toml")


def test_values_are_entered_as_the_boards_have_them() -> None:
    (mood, _) = mapped(SITE).columns["Shot"]
    row = {"sg_mood": {"id": 1, "name": "Calm", "type": "Tag"}}
    assert values(row, [mood]) == {"sg_mood": "Calm"}
    assert values({"sg_mood": [{"name": "a"}, {"name": "b"}]}, [mood]) == {"sg_mood": "a, b"}
    assert values({"sg_mood": None}, [mood]) == {}


def test_frames_are_counted_from_what_the_site_knows() -> None:
    assert frames({"sg_cut_in": 1001, "sg_cut_out": 1050}) == 50
    assert frames({"sg_cut_duration": 24}) == 24
    assert frames({"sg_cut_in": 10, "sg_cut_out": 1, "sg_cut_duration": None}) is None


def test_groups_are_their_people_and_scripts_are_nobody_twice() -> None:
    row = {
        "task_assignees": [
            {"type": "HumanUser", "id": 1},
            {"type": "Group", "id": 1},
            {"type": "ApiUser", "id": 1},
        ]
    }
    assert assignees(row, {1: [2, 1]}) == [1, 2, -1]


def test_tasks_of_steps_that_are_left_out_stay_where_they_are() -> None:
    known = Known(mapped(SITE, Document(steps={"Shot": {"Anm": ""}})))
    task = {"id": 1, "step": {"id": 8}, "entity": {"type": "Shot", "id": 1}}
    assert TASKS.record(task, known) == LeftOut("its pipeline step is left out")
    level = TASKS.record({**task, "step": {"id": 5}, "entity": {"type": "Level", "id": 1}}, known)
    assert level == LeftOut("it is on a Level")
