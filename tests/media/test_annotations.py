"""Drawings over a preview: what reviewers add, change and remove, one after the other or at once."""

from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, pairwise
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.media.annotations import changed
from tests import factories
from tests.client import Client
from tests.media.publishing import published
from tests.server import Server


def entry(time: float, *ids: str, **more: Any) -> dict[str, Any]:
    return {"time": time, "drawing": {"objects": [{"id": name} for name in ids]}, **more}


def ids_of(entries: list[dict[str, Any]]) -> dict[float, list[str]]:
    return {drawn["time"]: [item["id"] for item in drawn["drawing"]["objects"]] for drawn in entries}


def test_additions_never_overwrite() -> None:
    stored = [entry(0, "a", width=640)]
    added = {"time": 0, "drawing": {"objects": [{"id": "a", "radius": 9}, {"id": "b"}, {"type": "path"}]}}
    [after] = changed(stored, [added, entry(1.04, "c")], [], [])[:1]
    assert after["width"] == 640
    objects = after["drawing"]["objects"]
    assert objects[:2] == [{"id": "a"}, {"id": "b"}]
    assert len(objects[2]["id"]) == 36
    assert stored == [entry(0, "a", width=640)]


def test_a_new_time_keeps_its_entry_as_it_came() -> None:
    new = {"time": 1.04, "width": 9, "drawing": {"objects": [{"type": "path"}], "background": ""}, "annotation": None}
    [after] = changed([], [new], [], [])
    object_id = after["drawing"]["objects"][0].pop("id")
    assert after == new
    assert len(object_id) == 36


def test_objects_without_an_id_get_one_when_others_come_to_them() -> None:
    stored = [{"time": 0, "drawing": {"objects": [{"radius": 1}, {"id": "", "radius": 2}, {"id": "c"}]}}]
    [after] = changed(stored, [entry(0, "d")], [], [])
    first, second, third, fourth = after["drawing"]["objects"]
    assert [len(drawn["id"]) for drawn in (first, second)] == [36, 36]
    assert [third, fourth] == [{"id": "c"}, {"id": "d"}]


def test_an_id_is_added_once() -> None:
    twice = {"time": 0, "drawing": {"objects": [{"id": "a", "n": 1}, {"id": "a", "n": 2}]}}
    assert changed([], [twice, twice], [], [])[0]["drawing"]["objects"] == [{"id": "a", "n": 1}]


def test_updates_replace_what_is_there_and_move_it_to_the_end() -> None:
    new = {"time": 0, "drawing": {"objects": [{"id": "b", "radius": 9}, {"id": "a", "radius": 8}, {"id": "nobody"}]}}
    [after] = changed([entry(0, "a", "b", "c", width=1)], [], [new, entry(7, "a")], [])
    assert after["drawing"]["objects"] == [{"id": "c"}, {"id": "b", "radius": 9}, {"id": "a", "radius": 8}]
    assert after["width"] == 1


def test_entries_without_an_object_go() -> None:
    stored = [entry(0, "a"), entry(1, "b"), entry(2)]
    assert changed(stored, [], [], [{"time": 0, "objects": ["a"]}]) == [entry(1, "b")]
    assert changed(None, [entry(5)], [], []) == []


@pytest.mark.parametrize(
    ("stored", "time", "same"),
    [(1, 1.0, True), (0.1, 0.1000000000000001, False), (0, -0.0, True), (True, 1, False), ("1", 1, False)],
)
def test_times_are_one_when_they_are_equal_numbers(stored: Any, time: float, same: bool) -> None:
    assert len(changed([entry(stored, "a")], [entry(time, "b")], [], [])) == (1 if same else 2)


def test_entries_stay_in_the_order_in_which_they_came() -> None:
    stored = [entry(3, "a"), entry(1, "b")]
    assert list(ids_of(changed(stored, [entry(2, "c"), entry(1, "d"), entry(0, "e")], [], []))) == [3, 1, 2, 0]


_KEYS = st.sampled_from(["id", "time", "drawing", "objects"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(_KEYS, values, max_size=3),
    max_leaves=8,
)


@given(_JSON)
def test_whatever_was_stored_is_drawn_on(stored: Any) -> None:
    after = changed(stored, [entry(0.5, "new")], [entry(0.5, "x")], [{"time": 0.5, "objects": ["y"]}])
    assert {"id": "new"} in after[-1]["drawing"]["objects"]


# Two reviewers at once

_TIMES = st.sampled_from([0, 0.04, 1.2])
_OBJECTS = st.lists(st.sampled_from("abc"), max_size=3, unique=True)


@st.composite
def sessions(draw: st.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    """Requests of two reviewers in the order in which they come, each about objects of their own."""
    requests = []
    for number in range(draw(st.integers(0, 12))):
        who = draw(st.sampled_from("xy"))

        def drawn(time: float, names: list[str], who: str = who, number: int = number) -> dict[str, Any]:
            return {"time": time, "drawing": {"objects": [{"id": f"{who}-{name}", "n": number} for name in names]}}

        gone = {"time": draw(_TIMES), "objects": [f"{who}-{name}" for name in draw(_OBJECTS)]}
        added, updated = (drawn(draw(_TIMES), draw(_OBJECTS)) for _ in range(2))
        requests.append((who, {"additions": [added], "updates": [updated], "deletions": [gone]}))
    return requests


def _after(requests: list[tuple[str, dict[str, Any]]]) -> list[dict[str, Any]]:
    stored: list[dict[str, Any]] = []
    for _, request in requests:
        stored = changed(stored, **request)
    return stored


def _of(who: str, entries: list[dict[str, Any]]) -> dict[float, list[Any]]:
    """What is of one reviewer, at each time where there is any."""
    own = {
        drawn["time"]: [item for item in drawn["drawing"]["objects"] if item["id"].startswith(f"{who}-")]
        for drawn in entries
    }
    return {time: objects for time, objects in own.items() if objects}


@given(sessions())
def test_what_reviewers_do_at_once_is_what_each_does_alone(requests: list[tuple[str, dict[str, Any]]]) -> None:
    together = _after(requests)
    for who in "xy":
        assert _of(who, together) == _of(who, _after([request for request in requests if request[0] == who]))
    times = [drawn["time"] for drawn in together]
    assert len(times) == len(set(times))


@pytest.fixture(scope="module")
def preview(admin: Client) -> dict[str, Any]:
    task = factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))
    return published(admin, admin, task["id"])


def path(preview: dict[str, Any]) -> str:
    return f"/actions/preview-files/{preview['id']}/update-annotations"


def test_two_reviewers_at_once_lose_no_stroke(admin: Client, preview: dict[str, Any]) -> None:
    task = admin.ok_get(f"/data/tasks/{preview['task_id']}")
    reviewers = [factories.hire(admin, "supervisor") for _ in range(2)]
    for reviewer in reviewers:
        factories.join(admin, task["project_id"], reviewer)

    def draws(reviewer: Client, number: int) -> dict[str, Any]:
        own = [entry(time, f"{reviewer.id}-{number}") for time in (0, 1.04)]
        gone = [{"time": 1.04, "objects": [f"{reviewer.id}-{number - 1}"]}]
        return dict(reviewer.ok_put(path(preview), {"additions": own, "deletions": gone}))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda i: draws(reviewers[i % 2], i // 2), range(24)))
    row = admin.ok_get(f"/data/preview-files/{preview['id']}")
    everything = {f"{reviewer.id}-{number}" for reviewer in reviewers for number in range(12)}
    assert set(ids_of(row["annotations"])[0]) == everything
    assert all(f"{reviewer.id}-11" in ids_of(row["annotations"])[1.04] for reviewer in reviewers)

    # Each answer is a state that all later ones grew from, and the events come in the same order.
    orders = sorted((ids_of(answer["annotations"])[0] for answer in answers), key=len)
    assert all(longer[: len(shorter)] == shorter for shorter, longer in pairwise(orders))
    named = {"project_id": task["project_id"], "name": "preview-file:annotation-update", "limit": 100}
    events = [event["data"] for event in reversed(admin.ok_get("/data/events/last", params=named))]
    events = [event for event in events if event["preview_file_id"] == preview["id"]]
    drawn_by = [name.rpartition("-")[0] for name in orders[-1]]
    assert [event["person_id"] for event in events] == drawn_by
    assert [moment for moment, _ in groupby(event["updated_at"] for event in events)] == sorted(
        {event["updated_at"] for event in events}
    )
    assert events[-1]["updated_at"] == row["updated_at"]


def test_who_waits_too_long_for_another_is_told_to_come_again(
    admin: Client, preview: dict[str, Any], server: Server
) -> None:
    before = admin.ok_get(f"/data/preview-files/{preview['id']}")["annotations"]
    with psycopg.connect(server.database_url) as holder:
        holder.execute("SELECT FROM preview_file WHERE id = %s FOR UPDATE", [preview["id"]])
        answer = admin.put(path(preview), {"additions": [entry(0, "late")]})
        assert (answer.status_code, answer.headers.get("retry-after")) == (503, "5"), answer.text
        holder.rollback()
    assert admin.ok_get(f"/data/preview-files/{preview['id']}")["annotations"] == before
    assert admin.put(path(preview), {"additions": [entry(0, "late")]}).status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"additions": [{"drawing": {"objects": []}}]}, "additions.0.time"),
        ({"additions": [entry(0, "a"), {"time": True, "drawing": {"objects": []}}]}, "additions.1.time"),
        ({"updates": [{"time": "0"}]}, "updates.0.time"),
        ({"deletions": [{"time": None, "objects": []}]}, "deletions.0.time"),
        ({"deletions": [{"time": 0, "objects": "a"}]}, "deletions.0.objects"),
        ({"deletions": [{"time": 0, "objects": [5]}]}, "deletions.0.objects"),
        ({"additions": [{"time": 0, "drawing": []}]}, "additions.0.drawing"),
        ({"additions": [{"time": 0, "drawing": {"objects": {}}}]}, "additions.0.drawing.objects"),
        ({"updates": [{"time": 0, "drawing": {"objects": [{}, 5]}}]}, "updates.0.drawing.objects.1"),
        ({"additions": [{"time": 0, "drawing": {"objects": [{"id": ["a"]}]}}]}, "additions.0.drawing.objects.0.id"),
        ({"additions": "none"}, "additions"),
        ({"updates": {}}, "updates"),
        ({"deletions": None}, "deletions"),
        ({"deletions": [5]}, "deletions.0"),
        ({"additions": [{"time": 0, "drawing": {"objects": [{"id": "a\0"}]}}]}, "additions"),
    ],
)
def test_what_is_no_annotation_is_refused_by_its_field(
    admin: Client, preview: dict[str, Any], body: dict[str, Any], field: str
) -> None:
    before = admin.ok_get(f"/data/preview-files/{preview['id']}")
    answer = admin.put(path(preview), {"additions": [entry(0, "fine")]} | body)
    assert answer.status_code == 400, answer.text
    assert field in [error["field"] for error in answer.json()["data"]["errors"]], answer.text
    assert admin.ok_get(f"/data/preview-files/{preview['id']}") == before


@pytest.mark.parametrize("time", ["1e999", "NaN", "1" * 400])
def test_times_that_are_no_numbers_of_json_are_refused(admin: Client, preview: dict[str, Any], time: str) -> None:
    body = f'{{"additions": [{{"time": {time}, "drawing": {{"objects": [{{"id": "unreal"}}]}}}}]}}'
    answer = admin.call("PUT", path(preview), data=body, headers={"Content-Type": "application/json"})
    # What is no JSON is no body, and then nothing is changed.
    assert answer.status_code in (200, 400), answer.text
    assert "unreal" not in admin.get(f"/data/preview-files/{preview['id']}").text


def test_a_preview_holds_so_much(admin: Client, preview: dict[str, Any]) -> None:
    large = {"time": 0, "drawing": {"objects": [{"id": "large", "path": "L 1 2" * 4_000_000}]}}
    answer = admin.put(path(preview), {"additions": [large]})
    assert (answer.status_code, "16 MB" in answer.json()["message"]) == (413, True), answer.text[:300]
    assert "large" not in str(admin.ok_get(f"/data/preview-files/{preview['id']}")["annotations"])


def test_a_change_is_answered_with_the_preview_and_told(admin: Client, preview: dict[str, Any]) -> None:
    task = admin.ok_get(f"/data/tasks/{preview['task_id']}")
    answer = admin.ok_put(path(preview), {"additions": [entry(9, "told")]})
    row = admin.ok_get(f"/data/preview-files/{preview['id']}")
    assert answer == {key: value for key, value in row.items() if key != "comments"}
    named = {"project_id": task["project_id"], "name": "preview-file:annotation-update", "limit": 1}
    [event] = admin.ok_get("/data/events/last", params=named)
    assert event["data"] == {
        "preview_file_id": preview["id"],
        "person_id": admin.id,
        "updated_at": row["updated_at"],
        "project_id": task["project_id"],
    }


def test_artists_do_not_draw_and_clients_do(admin: Client, preview: dict[str, Any]) -> None:
    task = admin.ok_get(f"/data/tasks/{preview['task_id']}")
    for role, status in {"user": 403, "vendor": 403, "client": 200, "supervisor": 200, "manager": 200}.items():
        who = factories.hire(admin, role)
        factories.join(admin, task["project_id"], who)
        assert who.put(path(preview), {}).status_code == status, role
