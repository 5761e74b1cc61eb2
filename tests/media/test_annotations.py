"""Drawings over a preview."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.media.annotations import changed
from tests import factories
from tests.client import Client
from tests.media.publishing import published


def entry(time: float, *ids: str, **more: Any) -> dict[str, Any]:
    return {"time": time, "drawing": {"objects": [{"id": each} for each in ids]}, **more}


def ids_of(entries: list[dict[str, Any]]) -> dict[float, list[str]]:
    return {each["time"]: [drawn["id"] for drawn in each["drawing"]["objects"]] for each in entries}


def test_additions_never_overwrite() -> None:
    stored = [entry(0, "a", width=640)]
    added = {"time": 0, "drawing": {"objects": [{"id": "a", "radius": 9}, {"id": "b"}, {"type": "path"}]}}
    [after] = changed(stored, [added, entry(1.04, "c")], [], [])[:1]
    assert after["width"] == 640
    objects = after["drawing"]["objects"]
    assert objects[:2] == [{"id": "a"}, {"id": "b"}]
    assert len(objects[2]["id"]) == 36
    assert stored == [entry(0, "a", width=640)]


def test_updates_replace_what_is_there_and_move_it_to_the_end() -> None:
    new = {"time": 0, "drawing": {"objects": [{"id": "a", "radius": 9}, {"id": "nobody"}]}}
    [after] = changed([entry(0, "a", "b")], [], [new, entry(7, "a")], [])
    assert after["drawing"]["objects"] == [{"id": "b"}, {"id": "a", "radius": 9}]


def test_entries_without_an_object_go() -> None:
    assert changed([entry(0, "a"), entry(1, "b")], [], [], [{"time": 0, "objects": ["a"]}]) == [entry(1, "b")]
    assert changed(None, [], [], []) == []


_TIMES = st.sampled_from([0, 0.04, 1.2])
_NAMES = st.lists(st.sampled_from("abcd"), max_size=4, unique=True)


@given(st.lists(st.tuples(_TIMES, _NAMES)), st.lists(st.tuples(_TIMES, _NAMES)))
def test_what_is_added_is_there_until_it_is_deleted(added: list[Any], deleted: list[Any]) -> None:
    after = ids_of(changed([], [entry(t, *n) for t, n in added], [], [{"time": t, "objects": n} for t, n in deleted]))
    wanted = {(t, each) for t, names in added for each in names} - {(t, each) for t, names in deleted for each in names}
    assert {(t, each) for t, names in after.items() for each in names} == wanted


@pytest.fixture(scope="module")
def preview(admin: Client) -> dict[str, Any]:
    task = factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))
    return published(admin, admin, task["id"])


def test_an_entry_without_a_time_is_refused(admin: Client, preview: dict[str, Any]) -> None:
    path = f"/actions/preview-files/{preview['id']}/update-annotations"
    for wrong in (
        {"additions": [{"drawing": {"objects": []}}]},
        {"updates": [{"time": "0"}]},
        {"deletions": [{"time": 0, "objects": "a"}]},
        {"additions": "none"},
        {"additions": [{"time": 0, "drawing": {"objects": [{"id": "a\0"}]}}]},
    ):
        assert admin.put(path, wrong).status_code == 400, wrong
    row = admin.ok_put(path, {"additions": [entry(0, "a")]})
    assert row["annotations"] == [entry(0, "a")]


def test_artists_do_not_draw_and_clients_do(admin: Client, preview: dict[str, Any]) -> None:
    task = admin.ok_get(f"/data/tasks/{preview['task_id']}")
    path = f"/actions/preview-files/{preview['id']}/update-annotations"
    for role, status in {"user": 403, "vendor": 403, "client": 200, "supervisor": 200, "manager": 200}.items():
        who = factories.hire(admin, role)
        factories.join(admin, task["project_id"], who)
        assert who.put(path, {}).status_code == status, role
