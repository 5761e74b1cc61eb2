"""Cuts that leave: who may, what they hold, and that they come back without a change."""

from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
import requests

from tests import factories
from tests.client import Client, unique
from tests.exchange.timelines.cuts import send
from tests.factories import hire, join, named, production
from tests.media.publishing import comment_on, place

otio = pytest.importorskip("opentimelineio")

Row = dict[str, Any]
NAMES = ["sh010", "Été 2", 'the "end"', "O'Neil & <co>", "a.b.mov", "x  y", "日本"]


@pytest.fixture(scope="module")
def manager(admin: Client) -> Client:
    return hire(admin, "manager")


def sequence(who: Client, show: Row, name: str, episode_id: str | None = None) -> Row:
    return dict(who.ok_post(f"/data/projects/{show['id']}/sequences", {"name": name, "episode_id": episode_id}))


def shot(who: Client, show: Row, of: Row, name: str, span: tuple[int, int] | None = None, **more: Any) -> Row:
    """A shot in a sequence, with its first and last frame."""
    data = {} if span is None else {"frame_in": span[0], "frame_out": span[1]}
    frames = {} if span is None else {"nb_frames": span[1] - span[0] + 1}
    body = {"name": name, "sequence_id": of["id"], "data": data, **frames, **more}
    return dict(who.ok_post(f"/data/projects/{show['id']}/shots", body))


def movie(admin: Client, of: Row, task_type: str = "Layout", **more: Any) -> Row:
    """A preview of an entity that is a movie of four seconds."""
    tasks = admin.ok_get("/data/tasks", params={"entity_id": of["id"]})
    kind = "Asset" if task_type == "Modeling" else "Shot"
    wanted = named(admin, "task-types", task_type, for_entity=kind)["id"]
    task = next((task for task in tasks if task["task_type_id"] == wanted), None) or factories.task(
        admin, of, task_type, task_type_id=wanted
    )
    preview = place(admin, task["id"], comment_on(admin, admin, task["id"])["id"])
    values = {"extension": "mp4", "status": "ready", "width": 640, "height": 360, "duration": 4.0, **more}
    return dict(admin.ok_put(f"/data/preview-files/{preview['id']}", values))


def cut_of(answer: requests.Response, adapter: str = "otio_json", **more: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return otio.adapters.read_from_string(answer.content.decode(), adapter, **more)


def clips(timeline: Any) -> list[tuple[str, float, float]]:
    """Name, start and length of the clips of a timeline."""
    spans = [(clip.name, clip.range_in_parent()) for clip in timeline.find_clips()]
    return [(name, span.start_time.value, span.duration.value) for name, span in spans]


@pytest.mark.parametrize("fps", ["24", "25", "23.976", "29.97", "30"])
def test_what_leaves_comes_back_without_a_change(admin: Client, manager: Client, fps: str) -> None:
    show = production(admin, manager, name=unique("Été d'à côté"), fps=fps)
    start = 0
    for name in ("SQ 1", "séquence_2"):
        of = sequence(manager, show, name)
        for number, shot_name in enumerate(NAMES):
            start += 7 * (number % 3)
            shot(manager, show, of, shot_name, (start, start + 24 * 60 * 3 + number))
            start += 24 * 60 * 3 + number + 1
    exports = [f"/export/otio/projects/{show['id']}", f"/export/otio/projects/{show['id']}/sequences/{of['id']}"]
    for path, count in zip(exports, (14, 7), strict=True):
        for extension in ("otio", "edl", "xml"):
            answer = manager.get(path, params={"format": extension})
            assert answer.status_code == 200, answer.text
            report = send(manager, show["id"], answer.content, f"cut.{extension}", dry_run="true").json()
            assert len(report["unchanged"]) == count, (extension, report)
            assert [report[kind] for kind in ("new", "moved", "trimmed", "left", "errors", "warnings")] == [[]] * 6


def test_a_cut_shows_previews_and_says_what_they_are(admin: Client, manager: Client) -> None:
    show = production(admin, manager, fps="24")
    of = sequence(manager, show, "SQ")
    first, second = shot(manager, show, of, "A", (0, 47)), shot(manager, show, of, "B", (60, 99))
    old = movie(admin, first)
    latest = movie(admin, first, "Animation")
    done = named(admin, "task-status", "Done")
    admin.ok_put(f"/data/tasks/{latest['task_id']}", {"task_status_id": done["id"]})
    admin.ok_put(f"/data/entities/{first['id']}", {"preview_file_id": latest["id"]})
    answer = manager.get(f"/export/otio/projects/{show['id']}/sequences/{of['id']}")
    assert answer.headers["content-disposition"].startswith("attachment; filename=kitsu_show_")
    assert answer.headers["content-disposition"].endswith("_sq.otio")
    timeline = cut_of(answer)
    assert clips(timeline) == [(f"{show['name']}_SQ-A", 0, 48), (f"{show['name']}_SQ-B", 60, 40)]
    shown, bare = timeline.find_clips()
    assert shown.media_reference.target_url.endswith(f"/api/movies/originals/preview-files/{latest['id']}.mp4")
    assert shown.media_reference.available_range.duration == otio.opentime.RationalTime(96, 24)
    facts = {**shown.metadata["pegbar"]}
    assert facts == {
        "project": show["name"],
        "episode": None,
        "sequence": "SQ",
        "shot": "A",
        "entity_type": "Shot",
        "entity_id": first["id"],
        "task_type": "Animation",
        "task_id": latest["task_id"],
        "revision": 1,
        "status": "Done",
        "preview_file_id": latest["id"],
    }
    assert (shown.markers[0].name, shown.markers[0].color) == ("Animation v1 done", "GREEN")
    assert isinstance(bare.media_reference, otio.schema.MissingReference)
    assert bare.metadata["pegbar"]["entity_id"] == second["id"]
    layout = named(admin, "task-types", "Layout", for_entity="Shot")["id"]
    path = f"/export/otio/projects/{show['id']}"
    shown, bare = cut_of(manager.get(path, params={"task_type_id": layout})).find_clips()
    assert shown.metadata["pegbar"]["preview_file_id"] == old["id"]
    assert clips(cut_of(manager.get(path, params={"format": "xml"}), "fcp_xml"))[1] == (f"{show['name']}_SQ-B", 60, 40)
    assert manager.get(path, params={"task_type_id": "nonsense"}).status_code == 400
    admin.ok_put(f"/data/entities/{first['id']}", {"preview_file_id": None})
    shown, bare = cut_of(manager.get(path)).find_clips()
    assert shown.metadata["pegbar"]["preview_file_id"] == latest["id"], "the last one made"


def test_shots_without_places_follow_one_another(admin: Client, manager: Client) -> None:
    show = production(admin, manager)
    of = sequence(manager, show, "SQ")
    for name, span in (("B", (1001, 1010)), ("A", (1001, 1020))):
        shot(manager, show, of, name, span)
    shot(manager, show, of, "C")
    gone = shot(manager, show, of, "D", (0, 9))
    manager.ok_put(f"/data/entities/{gone['id']}", {"canceled": True})
    timeline = cut_of(manager.get(f"/export/otio/projects/{show['id']}"))
    assert clips(timeline) == [(f"{show['name']}_SQ-A", 0, 20), (f"{show['name']}_SQ-B", 20, 10)]
    assert list(timeline.metadata["pegbar"]["left_out"]) == [f"{show['name']}_SQ-C"]


def test_a_cut_begins_where_the_production_does_unless_it_is_said(admin: Client, manager: Client) -> None:
    show = production(admin, manager, fps="25")
    of = sequence(manager, show, "SQ")
    shot(manager, show, of, "A", (500, 509))
    path = f"/export/otio/projects/{show['id']}/sequences/{of['id']}"
    assert clips(cut_of(manager.get(path)))[0][1] == 500
    assert clips(cut_of(manager.get(path, params={"from_zero": "true"})))[0][1] == 0
    black, clip = manager.get(path, params={"format": "edl"}).text.splitlines()[3:6:2]
    assert "BL" in black
    assert clip.endswith("01:00:20:00 01:00:20:10")


def test_episodes_leave_by_themselves(admin: Client, manager: Client) -> None:
    show = production(admin, manager, production_type="tvshow")
    first = manager.ok_get(f"/data/projects/{show['id']}/episodes")[0]
    second = manager.ok_post(f"/data/projects/{show['id']}/episodes", {"name": "E02"})
    for episode in (first, second):
        shot(manager, show, sequence(manager, show, "SQ", episode["id"]), "A", (0, 9))
    path = f"/export/otio/projects/{show['id']}"
    answer = manager.get(f"{path}/episodes/{second['id']}")
    assert clips(cut_of(answer)) == [(f"{show['name']}_E02-SQ-A", 0, 10)]
    report = send(manager, show["id"], answer.content, "cut.otio", episode_id=second["id"], dry_run="true").json()
    assert len(report["unchanged"]) == 1
    assert [name for name, _, _ in clips(cut_of(manager.get(path)))] == [
        f"{show['name']}_E01-SQ-A",
        f"{show['name']}_E02-SQ-A",
    ]
    for kind, entity_id in (("episodes", str(uuid4())), ("sequences", first["id"]), ("episodes", "nonsense")):
        assert manager.get(f"{path}/{kind}/{entity_id}").status_code == 404


def test_playlists_are_cuts_of_their_entries(admin: Client, manager: Client) -> None:
    show, elsewhere = production(admin, manager, fps="24"), production(admin, manager)
    of = sequence(manager, show, "SQ")
    first, second = shot(manager, show, of, "A", (0, 9)), shot(manager, show, of, "B")
    asset = factories.entity(admin, show["id"], name="Hero")
    foreign = factories.entity(admin, elsewhere["id"])
    previews = {row["id"]: movie(admin, row) for row in (first, second)}
    picture = movie(admin, asset, "Modeling", extension="png", duration=0)
    entries = [
        {"entity_id": second["id"], "preview_file_id": previews[second["id"]]["id"]},
        {"entity_id": first["id"], "preview_file_id": previews[first["id"]]["id"]},
        {"entity_id": asset["id"], "preview_file_id": picture["id"]},
        {"entity_id": first["id"]},
        {"entity_id": str(uuid4()), "preview_file_id": "nonsense"},
    ]
    playlist = admin.ok_post("/data/playlists", {"name": "The Dailies", "project_id": show["id"], "shots": entries})
    path = f"/export/otio/playlists/{playlist['id']}"
    answer = manager.get(path)
    assert "the_dailies.otio" in answer.headers["content-disposition"]
    name = show["name"]
    timeline = cut_of(answer)
    assert clips(timeline) == [
        (f"{name}_SQ-B", 0, 96),
        (f"{name}_SQ-A", 96, 10),
        (f"{name}_Character_Hero", 106, 48),
        (f"{name}_SQ-A", 154, 10),
    ]
    media = [getattr(clip.media_reference, "target_url", "") for clip in timeline.find_clips()]
    assert media[2].endswith(f"/api/pictures/originals/preview-files/{picture['id']}.png")
    assert media[3] == ""
    for extension, adapter in (("edl", "cmx_3600"), ("xml", "fcp_xml")):
        more = {"rate": 24} if extension == "edl" else {}
        read = clips(cut_of(manager.get(path, params={"format": extension}), adapter, **more))
        assert [length for _, _, length in read] == [96, 10, 48, 10]
        assert all(start + length == after for (_, start, length), (_, after, _) in pairwise(read))
    message = manager.get(path, params={"format": "aaf"})
    assert (message.status_code, "otio, edl, xml" in message.json()["message"]) == (400, True)
    assert foreign["name"] not in answer.text


def test_playlists_leave_for_those_who_lead_and_clients_they_are_for(
    admin: Client, manager: Client, anonymous: Client
) -> None:
    show = production(admin, manager)
    playlist = admin.ok_post("/data/playlists", {"name": "x", "project_id": show["id"], "shots": []})
    path = f"/export/otio/playlists/{playlist['id']}"
    members = {role: hire(admin, role) for role in ("manager", "supervisor", "user", "client", "vendor")}
    for member in members.values():
        join(admin, show["id"], member)
    status = {role: member.get(path).status_code for role, member in members.items()}
    assert status == {"manager": 200, "supervisor": 200, "user": 403, "client": 403, "vendor": 403}
    admin.ok_put(f"/data/playlists/{playlist['id']}", {"for_client": True})
    assert members["client"].get(path).status_code == 200
    assert [hire(admin, role).get(path).status_code for role in ("manager", "client")] == [403, 403]
    assert anonymous.get(path).status_code == 401
    assert [manager.get(f"/export/otio/playlists/{of}").status_code for of in (str(uuid4()), "nonsense")] == [404, 404]


def test_productions_leave_for_their_team_but_vendors(admin: Client, manager: Client, anonymous: Client) -> None:
    show = production(admin, manager)
    of = sequence(manager, show, "SQ")
    path = f"/export/otio/projects/{show['id']}"
    paths = [path, f"{path}/sequences/{of['id']}"]
    for role in ("manager", "supervisor", "user", "client", "vendor"):
        member = hire(admin, role)
        assert [member.get(address).status_code for address in paths] == [403, 403]
        join(admin, show["id"], member)
        expected = 403 if role == "vendor" else 200
        assert [member.get(address).status_code for address in paths] == [expected] * 2
    assert anonymous.get(path).status_code == 401
    assert manager.get(f"/export/otio/projects/{uuid4()}").status_code == 404
    other = production(admin, manager)
    assert manager.get(f"/export/otio/projects/{other['id']}/sequences/{of['id']}").status_code == 404


def test_clients_get_no_concepts_and_nobody_what_is_of_another_production(admin: Client, manager: Client) -> None:
    show, elsewhere = production(admin, manager, fps="25"), production(admin, manager)
    client = hire(admin, "client")
    join(admin, show["id"], client)
    concept = admin.ok_post(f"/data/projects/{show['id']}/concepts", {"name": "Sketch"})
    lent, private = factories.entity(admin, elsewhere["id"]), factories.entity(admin, elsewhere["id"])
    previews = {row["id"]: movie(admin, row, "Modeling") for row in (lent, private)}
    admin.ok_put(f"/data/entities/{lent['id']}", {"is_shared": True})
    entries = [{"entity_id": row["id"]} for row in (concept, lent)]
    playlist = admin.ok_post(
        "/data/playlists", {"name": "x", "project_id": show["id"], "shots": entries, "for_client": True}
    )
    path = f"/export/otio/playlists/{playlist['id']}"
    for who, sees in ((client, False), (manager, True)):
        text = who.get(path).text
        assert ("Sketch" in text) == sees
        assert lent["name"] in text, "what is shared may be shown, if only by its name"
        assert not any(
            word in text for word in (private["name"], elsewhere["name"], *[row["id"] for row in previews.values()])
        )
