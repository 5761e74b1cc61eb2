"""The history of shots. Source: spec shots, "Shot versions"."""

from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from pegbar.entities.versions import BURST, PAUSE, Edit, Version, folds, frames
from tests.client import Client
from tests.entities.shows import Show
from tests.factories import hire

ANNA, BOB = UUID(int=1), UUID(int=2)
START = datetime(2026, 3, 2, 10)

_frame = st.one_of(st.none(), st.integers(-5, 5), st.sampled_from(["1", "2"]))
_ranges = st.tuples(_frame, _frame)
_names = st.sampled_from(["SH01", "SH02"])


@st.composite
def edits(draw: st.DrawFn) -> tuple[Version, Edit]:
    made = START + timedelta(seconds=draw(st.integers(-400, 0)), microseconds=draw(st.integers(0, 999_999)))
    changed = made + timedelta(seconds=draw(st.integers(0, 400)))
    version = Version(UUID(int=9), draw(st.sampled_from([ANNA, BOB])), draw(_names), draw(_ranges), made, changed)
    edit = Edit(ANNA, START, draw(_names), draw(_names), draw(_ranges), draw(_ranges))
    return version, edit


@given(edits())
def test_only_a_burst_of_one_person_folds(drawn: tuple[Version, Edit]) -> None:
    version, edit = drawn
    if not folds(version, edit):
        return
    assert version.person_id == edit.person_id
    assert (edit.at - version.updated_at).total_seconds() < PAUSE + 1
    assert (edit.at - version.created_at).total_seconds() < BURST + 1
    if edit.before != edit.after:
        assert version.name == edit.name_before


@given(_ranges, _names)
def test_an_edit_that_keeps_name_and_range_does_not_matter(frame_range: tuple, name: str) -> None:
    assert not Edit(ANNA, START, name, name, frame_range, frame_range).matters


@given(st.one_of(st.none(), st.lists(st.integers()), st.dictionaries(st.sampled_from(["frame_in", "x"]), _frame)))
def test_a_missing_frame_is_zero_and_a_null_stays(data: object) -> None:
    known = data if isinstance(data, dict) else {}
    assert frames(data) == (known.get("frame_in", 0), 0)


def test_a_burst_is_one_version_and_another_person_begins_a_new_one(admin: Client) -> None:
    show = Show(admin)
    manager = show.join(hire(admin, "manager"))
    shot = show.shot(show.sequence(), name="SH010", data={"frame_in": 1, "frame_out": 50})
    path, history = f"/data/entities/{shot['id']}", f"/data/shots/{shot['id']}/versions"
    assert admin.ok_get(history) == []
    admin.ok_put(path, {"data": {"frame_out": 60}})
    admin.ok_put(path, {"data": {"frame_out": 70}})
    admin.ok_put(path, {"description": "no version", "nb_frames": 70})
    (only,) = admin.ok_get(history)
    assert only["data"] == {"frame_in": 1, "frame_out": 70}
    assert (only["name"], only["type"], only["person_id"]) == ("SH010", "ShotVersion", admin.id)
    manager.ok_put(path, {"name": "SH011"})
    newest, oldest = admin.ok_get(history)
    assert oldest["id"] == only["id"]
    assert (newest["name"], newest["person_id"]) == ("SH010", manager.id)


def test_the_shot_route_checks_values_and_keeps_history(admin: Client) -> None:
    show = Show(admin)
    sequence = show.sequence()
    shot, other = show.shot(sequence, data={"frame_in": 1, "mood": "calm"}), show.shot(sequence)
    path = f"/data/shots/{shot['id']}"
    for bad in (
        {"status": "sleeping"},
        {"name": other["name"]},
        {"name": None},
        {"parent_id": show.asset()["id"]},
        {"parent_id": Show(admin).sequence()["id"]},
        {"preview_file_id": "00000000-0000-4000-8000-000000000000"},
        {"nb_frames": "many"},
        {"canceled": "perhaps"},
    ):
        assert admin.put(path, bad).status_code == 400, bad
    changed = admin.ok_put(path, {"data": {"frame_in": 5}, "canceled": "yes", "entity_type_id": None})
    assert (changed["data"], changed["canceled"], changed["type"]) == ({"frame_in": 5}, True, "Entity")
    assert changed["entity_type_id"] == shot["entity_type_id"]
    assert len(admin.ok_get(f"{path}/versions")) == 1
    assert show.join(hire(admin)).put(path, {"canceled": False}).status_code == 403
