"""Cuts imported into productions: who may, what becomes of shots, what is told, what is refused."""

import json
import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import gazu
import pytest

from tests.client import Client
from tests.exchange.timelines.cuts import edl, send
from tests.factories import hire, join, named, production

Show = dict[str, Any]


@pytest.fixture(scope="module")
def manager(admin: Client) -> Client:
    return hire(admin, "manager")


def show_of(admin: Client, *team: Client, **more: Any) -> Show:
    """A production with two task types for shots."""
    show = production(admin, *team, **more)
    for name in ("Layout", "Animation"):
        task_type = named(admin, "task-types", name, for_entity="Shot")
        admin.ok_post(f"/data/projects/{show['id']}/settings/task-types", {"task_type_id": task_type["id"]})
    return show


@pytest.fixture
def show(admin: Client, manager: Client) -> Show:
    return show_of(admin, manager)


def shots_of(who: Client, show: Show) -> dict[str, tuple[Any, Any, Any]]:
    """The frames of the shots of a production, by `sequence/shot`."""
    rows = who.ok_get("/data/shots/with-tasks", params={"project_id": show["id"]})
    return {
        f"{row['sequence_name']}/{row['name']}": (row["frame_in"], row["frame_out"], row["nb_frames"]) for row in rows
    }


def events_since(who: Client, cursor: str) -> list[str]:
    """The names of what was told since."""
    return [
        event["name"] for event in who.ok_get("/data/events/since", params={"cursor": cursor, "limit": 1000})["events"]
    ]


def cursor_of(who: Client) -> str:
    return str(who.ok_get("/data/events/since")["cursor"])


def ok(answer: Any, status: int = 201) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json()


def refused(answer: Any) -> str:
    assert answer.status_code == 400, (answer.status_code, answer.text)
    assert answer.json()["error"] is True
    return str(answer.json()["message"])


def test_a_cut_makes_shots_with_their_tasks_and_later_changes_them(manager: Client, show: Show) -> None:
    name = show["name"]
    cursor = cursor_of(manager)
    body = ok(
        send(manager, show["id"], edl((f"{name}_SQ1-A.mov", 100), (f"{name}_SQ1-B.mov", 50), (f"{name}_SQ2-A", 7)))
    )
    assert [row["name"] for row in body["created_shots"]] == ["A", "B", "A"]
    assert body["updated_shots"] == []
    assert shots_of(manager, show) == {"SQ1/A": (0, 99, 100), "SQ1/B": (100, 149, 50), "SQ2/A": (150, 156, 7)}
    told = events_since(manager, cursor)
    assert sorted(told) == sorted(["sequence:new"] * 2 + ["shot:new"] * 3 + ["task:new"] * 6)
    tasks = manager.ok_get(f"/data/projects/{show['id']}/tasks")
    assert len(tasks) == 6
    assert {task["assigner_id"] for task in tasks} == {manager.id}
    cursor = cursor_of(manager)
    body = ok(send(manager, show["id"], edl((f"{name}_SQ1-B.mov", 60), (f"{name}_SQ1-C.mov", 1))))
    assert [row["name"] for row in body["updated_shots"]] == ["B"]
    assert [row["name"] for row in body["created_shots"]] == ["C"]
    assert sorted(events_since(manager, cursor)) == ["shot:new", "shot:update", "task:new", "task:new"]
    assert shots_of(manager, show)["SQ1/B"] == (0, 59, 60)
    shot_id = body["updated_shots"][0]["id"]
    assert manager.ok_get(f"/data/shots/{shot_id}/versions") == [], "a cut makes no version of a shot"


def test_other_metadata_of_a_shot_stay(manager: Client, show: Show) -> None:
    created = ok(send(manager, show["id"], edl((f"{show['name']}_SQ-A", 100))))["created_shots"]
    data = {"frame_in": 5, "fps": "24", "look": "wet"}
    manager.ok_put(f"/data/entities/{created[0]['id']}", {"data": data, "description": "kept"})
    updated = ok(send(manager, show["id"], edl((f"{show['name']}_SQ-A", 10))))["updated_shots"]
    assert updated[0]["data"] == {"frame_in": 0, "frame_out": 9, "fps": "24", "look": "wet"}
    assert (updated[0]["nb_frames"], updated[0]["description"]) == (10, "kept")


def test_a_shot_that_occurs_twice_is_one_shot(manager: Client, show: Show) -> None:
    cut = edl(("other_SQ-A", 10), ("other_SQ-B", 5), ("other_SQ-A", 20))
    report = ok(send(manager, show["id"], cut, dry_run="true"), 200)
    assert len(report["new"]) == 2
    assert "SQ / A" in report["warnings"][0]
    body = ok(send(manager, show["id"], cut))
    assert [row["name"] for row in body["created_shots"]] == ["A", "B"]
    assert len(manager.ok_get(f"/data/projects/{show['id']}/tasks")) == 4
    body = ok(send(manager, show["id"], cut.replace("other", show["name"])))
    assert [row["name"] for row in body["updated_shots"]] == ["A", "B"]
    assert shots_of(manager, show) == {"SQ/A": (15, 34, 20), "SQ/B": (10, 14, 5)}


def test_clips_of_another_production_leave_shots_alone(manager: Client, show: Show) -> None:
    ok(send(manager, show["id"], edl((f"{show['name']}_SQ-A", 10))))
    cursor = cursor_of(manager)
    body = ok(send(manager, show["id"], edl(("Elsewhere_SQ-A", 99))))
    assert ([row["name"] for row in body["created_shots"]], body["updated_shots"]) == (["A"], [])
    assert shots_of(manager, show) == {"SQ/A": (0, 9, 10)}
    assert events_since(manager, cursor) == []


def test_versions_in_clip_names_are_read_by_the_convention(manager: Client, show: Show) -> None:
    form = {"naming_convention": r"${sequence_name}__${shot_name}_v\d+"}
    ok(send(manager, show["id"], edl(("SQ__A_v001.mov", 10)), form=form))
    body = ok(send(manager, show["id"], edl(("SQ__A_v002.mov", 12)), form=form))
    assert ([row["name"] for row in body["updated_shots"]], body["created_shots"]) == (["A"], [])
    assert shots_of(manager, show) == {"SQ/A": (0, 11, 12)}
    body = ok(send(manager, show["id"], edl(("SQ__A_v003.mov", 14)), **form))
    assert shots_of(manager, show) == {"SQ/A": (0, 13, 14)}, "the query string may say it too"


def test_case_counts_unless_it_is_said_not_to(manager: Client, show: Show) -> None:
    name = show["name"]
    ok(send(manager, show["id"], edl((f"{name}_SQ-Ä", 10))))
    body = ok(
        send(
            manager,
            show["id"],
            edl((f"{name.upper()}_sq-ä", 20), (f"{name.upper()}_sq-b", 5)),
            form={"match_case": "0"},
        )
    )
    assert [row["name"] for row in body["updated_shots"]] == ["Ä"]
    assert shots_of(manager, show) == {"SQ/Ä": (0, 19, 20), "SQ/b": (20, 24, 5)}
    ok(send(manager, show["id"], edl((f"{name}_sq-ä", 10)), match_case="True"))
    assert sorted(shots_of(manager, show)) == ["SQ/b", "SQ/Ä", "sq/ä"]
    assert "match_case" in refused(send(manager, show["id"], edl((f"{name}_sq-ä", 10)), form={"match_case": "perhaps"}))


def test_the_first_bad_clip_stops_an_import_and_those_before_it_stay(manager: Client, show: Show) -> None:
    cut = edl(("X_SQ-A", 10), ("black", 12), ("X_SQ-B", 10), ("_-C", 3))
    message = refused(send(manager, show["id"], cut))
    assert "black" in message
    assert "event 002" in message
    assert shots_of(manager, show) == {"SQ/A": (0, 9, 10)}
    assert len(manager.ok_get(f"/data/projects/{show['id']}/tasks")) == 2


def test_a_dry_run_tells_the_difference_and_writes_nothing(manager: Client, show: Show) -> None:
    name = show["name"]
    ok(send(manager, show["id"], edl(*[(f"{name}_SQ-{shot}", 10) for shot in "ABCDE"])))
    before, cursor = shots_of(manager, show), cursor_of(manager)
    cut = edl(
        (f"{name}_SQ-A", 10),
        (f"{name}_SQ-B", 15),
        (f"{name}_SQ-C", 10),
        (f"{name}_NEW-N", 3),
        ("Other_SQ-D", 1),
        ("nonsense", 1),
        (f"{name}_-X", 1),
        (f"{name}_{'S' * 170}-X", 1),
    )
    report = ok(send(manager, show["id"], cut, dry_run="true"), 200)
    lines = {
        kind: [f"{line['sequence']}/{line['shot']}" for line in report[kind]]
        for kind in report
        if kind not in ("errors", "warnings")
    }
    assert lines == {
        "new": ["NEW/N"],
        "moved": ["SQ/C"],
        "trimmed": ["SQ/B"],
        "unchanged": ["SQ/A"],
        "left": ["SQ/D"],
        "gone": ["SQ/E"],
    }
    (moved,) = report["moved"]
    assert moved["before"] == {"frame_in": 20, "frame_out": 29, "nb_frames": 10}
    assert moved["after"] == {"frame_in": 25, "frame_out": 34, "nb_frames": 10}
    assert moved["clip"] == f"{name}_SQ-C"
    (new,) = report["new"]
    assert (new["shot_id"], new["before"], new["after"]["nb_frames"]) == (None, None, 3)
    assert report["gone"][0]["after"] is None
    assert [error["clip"][:8] for error in report["errors"]] == ["nonsense", f"{name}_-X"[:8], f"{name}_SSS"[:8]]
    assert all(error["place"].startswith("event") and error["message"] for error in report["errors"])
    assert (shots_of(manager, show), events_since(manager, cursor)) == (before, [])
    canceled = manager.ok_get("/data/shots", params={"project_id": show["id"], "name": "E"})[0]
    manager.ok_put(f"/data/entities/{canceled['id']}", {"canceled": True})
    assert ok(send(manager, show["id"], cut, dry_run="true"), 200)["gone"] == []


def test_names_that_run_into_each_other_are_told(manager: Client, show: Show) -> None:
    for sequence, shot in (("S", "1-2"), ("S-1", "2")):
        row = manager.ok_post(f"/data/projects/{show['id']}/sequences", {"name": sequence})
        manager.ok_post(f"/data/projects/{show['id']}/shots", {"name": shot, "sequence_id": row["id"]})
    message = refused(send(manager, show["id"], edl((f"{show['name']}_S-1-2", 5))))
    assert "1-2 of S" in message
    assert "2 of S-1" in message


def test_the_cut_of_an_episode_stays_in_it(admin: Client, manager: Client) -> None:
    show = show_of(admin, manager, production_type="tvshow", fps="24")
    name = show["name"]
    first = manager.ok_get(f"/data/projects/{show['id']}/episodes")[0]
    second = manager.ok_post(f"/data/projects/{show['id']}/episodes", {"name": "E02"})
    assert "episode by episode" in refused(send(manager, show["id"], edl(("a", 1))))
    cut = edl((f"{name}_E01-SQ-A", 24), (f"{name}_E01-SQ-B", 12), rate=24)
    for episode in (first, second, first):
        body = ok(send(manager, show["id"], cut, episode_id=episode["id"]))
    assert len(body["updated_shots"]) == 2
    sequences = manager.ok_get(f"/data/projects/{show['id']}/sequences")
    assert {row["parent_id"] for row in sequences} == {first["id"], second["id"]}
    report = ok(send(manager, show["id"], cut, episode_id=second["id"], dry_run="true"), 200)
    assert [len(report[kind]) for kind in ("new", "unchanged", "left", "gone")] == [0, 0, 2, 0]
    for episode_id in (str(uuid4()), sequences[0]["id"], "nonsense"):
        assert send(manager, show["id"], cut, episode_id=episode_id).status_code == 404
    elsewhere = show_of(admin, manager, production_type="tvshow")
    assert send(manager, elsewhere["id"], cut, episode_id=first["id"]).status_code == 404


def test_managers_of_the_production_import(admin: Client, manager: Client, show: Show, anonymous: Client) -> None:
    cut = edl((f"{show['name']}_SQ-A", 5))
    for role in ("user", "supervisor", "client", "vendor"):
        member = hire(admin, role)
        join(admin, show["id"], member)
        assert send(member, show["id"], cut).status_code == 403
        assert send(member, show["id"], cut, dry_run="true").status_code == 403
    assert send(hire(admin, "manager"), show["id"], cut).status_code == 403
    assert send(anonymous, show["id"], cut).status_code == 401
    assert shots_of(admin, show) == {}
    for who in (manager, admin):
        assert send(who, show["id"], cut).status_code == 201
        assert send(who, str(uuid4()), cut).status_code == 404
        assert send(who, "nonsense", cut).status_code == 404
    promoted = hire(admin, "user")
    join(admin, show["id"], promoted, "manager")
    assert send(promoted, show["id"], cut).status_code == 201


def test_gazu_imports_cuts(admin: Client, manager: Client, show: Show, tmp_path: Path) -> None:
    path = tmp_path / "cut.edl"
    path.write_text(edl((f"{show['name']}_SQ-A.mov", 5), (f"{show['name']}_SQ-B.mov", 5)))
    client = gazu.client.create_client(manager.api)
    gazu.client.set_tokens({"access_token": manager.token}, client=client)
    body = gazu.shot.import_otio({"id": show["id"]}, str(path), client=client)
    assert [row["name"] for row in body["created_shots"]] == ["A", "B"]
    body = gazu.shot.import_otio(
        {"id": show["id"]},
        str(path),
        naming_convention="${project_name}_${sequence_name}-${shot_name}",
        match_case=False,
        client=client,
    )
    assert [row["name"] for row in body["updated_shots"]] == ["A", "B"]


def test_cuts_imported_at_once_make_each_shot_once(manager: Client, show: Show) -> None:
    cut = edl(*[(f"{show['name']}_SQ{number % 5}-{number}", 10) for number in range(40)])

    def import_it(_: int) -> int:
        return send(Client(manager.api, manager.token), show["id"], cut).status_code

    with ThreadPoolExecutor(4) as several:
        assert list(several.map(import_it, range(4))) == [201] * 4
    assert len(manager.ok_get(f"/data/projects/{show['id']}/shots")) == 40
    assert len(manager.ok_get(f"/data/projects/{show['id']}/sequences")) == 5
    assert len(manager.ok_get(f"/data/projects/{show['id']}/tasks")) == 80


def test_statements_do_not_grow_with_the_cut(manager: Client, show: Show) -> None:
    """Nor for what is there already: three clips and three hundred take the same number."""

    def statements(clips: int, prefix: str) -> int:
        answer = send(manager, show["id"], edl(*[(f"{show['name']}_{prefix}-{number}", 10) for number in range(clips)]))
        ok(answer)
        count = re.fullmatch(r'db;desc="(\d+) statements"', answer.headers["server-timing"])
        assert count is not None
        return int(count[1])

    new = {statements(3, "SQA"), statements(300, "SQB")}
    again = {statements(3, "SQA"), statements(300, "SQB")}
    assert (len(new), len(again)) == (1, 1)


CYCLE = {
    "OTIO_SCHEMA": "Stack.1",
    "OTIO_REF_ID": "a",
    "children": [{"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "a"}],
}
BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE x [\n<!ENTITY a "aaaaaaaaaa">\n'
    + "".join(
        f'<!ENTITY {after} "{f"&{before};" * 10}">\n' for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><xmeml>&i;</xmeml>"
)


def zip_bomb() -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("content.otio", "w") as file:
        for _ in range(100):
            file.write(b"[" * 2**20)
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("cut.txt", b"x", ["cut.txt", "otio", "edl"]),
        ("cut", b"x", ["otio, otioz"]),
        ("edl", b"x", ["otio, otioz"]),
        ("cut.edl", b"not an edit list", ["cut.edl", "line 1"]),
        ("cut.edl", bytes(range(256)) * 100, ["line 1"]),
        ("cut.otio", b"{}", ["OTIO_SCHEMA"]),
        ("cut.otio", json.dumps(CYCLE).encode(), ["'a' contains itself"]),
        ("cut.otio", b'{"OTIO_SCHEMA": "Timeline.1", "x": ' + b"[" * 900_000, ["deep"]),
        ("cut.otio", b'{"OTIO_SCHEMA": "Track.1", "children": 5}', ["cut.otio"]),
        ("cut.otioz", zip_bomb(), ["larger than"]),
        ("cut.xml", BOMB.encode(), ["line 3", "'a'"]),
        ("cut.fcpxml", BOMB.replace("xmeml", "fcpxml").encode(), ["line 3", "'a'"]),
        ("cut.xges", BOMB.replace("xmeml", "ges").encode(), ["line 3", "'a'"]),
        ("cut.aaf", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 5000, ["cut.aaf"]),
        ("cut.ale", b"Heading\nColumn\nName\nData\na\tb\tc\n", ["cut.ale"]),
        ("cut.ma", b"x", ["Maya"]),
    ],
)
def test_files_that_are_no_cuts_are_refused_in_words(
    manager: Client, show: Show, name: str, content: bytes, words: list[str]
) -> None:
    message = refused(send(manager, show["id"], content, name))
    assert all(word in message for word in words), message
    assert shots_of(manager, show) == {}


def test_a_line_of_two_hundred_megabytes_is_refused(manager: Client, show: Show) -> None:
    message = refused(send(manager, show["id"], b"001" + b" A" * (100 * 2**20), "cut.edl"))
    assert str(64 * 2**20) in message


def test_conventions_that_cannot_be_are_refused(manager: Client, show: Show) -> None:
    cut = edl(("a" * 250, 5))
    for convention, word in [
        ("${shot_name}", "sequence_name"),
        ("${sequence_name}", "shot_name"),
        ("(${sequence_name}-${shot_name}", "regular expression"),
        ("${sequence_name}-${shot_name}${version}", "version"),
        (r"(\w+\w+)+${sequence_name}-${shot_name}!", "too long"),
    ]:
        message = refused(send(manager, show["id"], cut, form={"naming_convention": convention}))
        assert "naming_convention" in message
        assert word in message
    assert refused(manager.post(f"/import/otio/projects/{show['id']}")) == "File not provided."
