"""`pegbar media merge-annotations`: notes on one frame of a movie become one."""

from fractions import Fraction
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pegbar.media.drawings.upkeep import on_frames
from tests import factories
from tests.client import Client
from tests.command import pegbar
from tests.media.publishing import comment_on, place
from tests.server import Server


def entry(time: Any, *ids: str, **more: Any) -> dict[str, Any]:
    return {"time": time, "drawing": {"objects": [{"id": name} for name in ids]}, **more}


def test_entries_of_one_frame_become_one() -> None:
    entries = [entry(0.0834, "a", width=1), entry(0, "b"), entry(0.09, "a", "c", height=2), entry("soon", "d")]
    merged = on_frames(entries, Fraction(24))
    assert merged == [entry(0.0834, "a", "c", width=1, height=2), entry(0, "b"), entry("soon", "d")]


def test_times_become_those_of_frames() -> None:
    times = [item["time"] for item in on_frames([entry(0.08, "a"), entry("0.2", "b"), entry(-1, "c")], Fraction(24))]
    assert times == [0.0834, 0.2085, 0]


def test_objects_without_an_id_stay() -> None:
    nameless = {"time": 0, "drawing": {"objects": [{"n": 1}, {"n": 2}]}}
    [merged] = on_frames([nameless, {"time": 0.001, "drawing": {"objects": [{"n": 3}]}}], Fraction(25))
    assert merged["drawing"]["objects"] == [{"n": 1}, {"n": 2}, {"n": 3}]


_ENTRIES = st.lists(
    st.builds(lambda time, ids: entry(time, *ids), st.floats(0, 3), st.lists(st.sampled_from("abcd"), max_size=3))
)


@given(_ENTRIES, st.sampled_from([Fraction(24), Fraction(25), Fraction(24000, 1001), Fraction(60)]))
def test_nothing_is_lost_and_once_is_enough(entries: list[dict[str, Any]], rate: Fraction) -> None:
    merged = on_frames(entries, rate)
    times = [item["time"] for item in merged]
    assert len(times) == len(set(times))
    assert on_frames(merged, rate) == merged
    frame = round(float(1 / rate), 4)
    for before in entries:
        near = [after for after in merged if abs(after["time"] - before["time"]) <= frame / 2 + 1e-4]
        drawn = {item["id"] for after in near for item in after["drawing"]["objects"]}
        assert {item["id"] for item in before["drawing"]["objects"]} <= drawn


def test_the_command_merges_those_of_a_production(admin: Client, server: Server) -> None:
    show = factories.production(admin, fps="24")
    task = factories.task(admin, factories.entity(admin, show["id"]))
    preview = place(admin, task["id"], comment_on(admin, admin, task["id"])["id"])
    stored = [entry(0.0834, "a"), entry(0.0833, "b")]
    path = f"/data/preview-files/{preview['id']}"
    admin.ok_put(path, {"extension": "mp4", "annotations": stored})
    database = ["--data", str(server.folder)]

    told = pegbar("media", "merge-annotations", "--project", show["name"], "--dry-run", *database)
    assert (told.returncode, "1 movies would change." in told.stdout) == (0, True), told
    assert admin.ok_get(path)["annotations"] == stored

    done = pegbar("media", "merge-annotations", "--project", show["name"], *database)
    assert (done.returncode, f"{preview['id']} " in done.stdout, "2 times, now 1" in done.stdout) == (0, True, True), (
        done
    )
    assert admin.ok_get(path)["annotations"] == [entry(0.0834, "a", "b")]
    named = {"project_id": show["id"], "name": "preview-file:annotation-update"}
    assert [event["data"]["preview_file_id"] for event in admin.ok_get("/data/events/last", params=named)] == [
        preview["id"]
    ]

    again = pegbar("media", "merge-annotations", "--project", show["name"], *database)
    assert (again.returncode, "Nothing to merge." in again.stdout) == (0, True), again
    nobody = pegbar("media", "merge-annotations", "--project", "No such show", *database)
    assert (nobody.returncode, "No such show" in nobody.stderr) == (1, True), nobody
