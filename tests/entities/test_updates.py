"""The one way an entity is changed, by either route. Source: spec crud, "entities"; spec shots, `PUT /data/shots`."""

import re
from typing import Any

import pytest
import requests

from tests.client import Client, unique
from tests.entities.shows import Show, happened
from tests.server import Server


def statements(answer: requests.Response) -> int:
    """How many statements a request made."""
    assert answer.status_code == 200, answer.text
    match = re.fullmatch(r'db;desc="(\d+) statements"', answer.headers["server-timing"])
    assert match is not None
    return int(match[1])


@pytest.fixture(scope="module")
def show(admin: Client) -> Show:
    return Show(admin)


#: The caller, the row with its kind, the write, the two of its event, the answer; for a name its lock and a look at
#: others of the name; for a range or a name the latest version and the one that is kept.
@pytest.mark.parametrize(
    ("path", "document", "most"),
    [
        ("entities", {}, 6),
        ("entities", {"data": {"mood": "calm"}}, 6),
        ("entities", {"name": "SH900", "data": {"frame_in": 7}}, 10),
        ("shots", {}, 6),
        ("shots", {"name": "SH901", "data": {"frame_in": 8}}, 10),
    ],
)
def test_the_row_is_read_once_with_its_kind_and_written_once(
    show: Show, path: str, document: dict[str, Any], most: int
) -> None:
    shot = show.shot(show.sequence(), data={"frame_in": 1})
    assert statements(show.admin.put(f"/data/{path}/{shot['id']}", document)) <= most


def test_both_routes_refuse_the_same_and_say_it_in_their_words(show: Show) -> None:
    sequence = show.sequence()
    shot, other = show.shot(sequence), show.shot(sequence)
    taken = {
        "entities": f"name: there is another shot {other['name']!r} of this type here already.",
        "shots": "name: another shot of this sequence has this name.",
    }
    for path, message in taken.items():
        answer = show.admin.put(f"/data/{path}/{shot['id']}", {"name": other["name"]})
        assert (answer.status_code, answer.json()["message"]) == (400, message)
        answer = show.admin.put(f"/data/{path}/{shot['id']}", {"source_id": shot["id"]})
        assert answer.status_code == 400
        assert answer.json()["message"] == "source_id names no other entity of this production."


def test_metadata_are_merged_by_one_route_and_replaced_by_the_other(server: Server, admin: Client) -> None:
    show = Show(admin)
    shot = show.shot(show.sequence(), data={"frame_in": 1, "mood": "calm"})
    merged = admin.ok_put(f"/data/entities/{shot['id']}", {"data": {"frame_in": 2}, "name": unique("SH")})
    assert merged["data"] == {"frame_in": 2, "mood": "calm"}
    replaced = admin.ok_put(f"/data/shots/{shot['id']}", {"data": {"frame_in": 3}})
    assert replaced["data"] == {"frame_in": 3}
    updates = [payload for name, payload in happened(server, show.id) if name == "shot:update"]
    assert updates == [{"shot_id": shot["id"], "project_id": show.id}] * 2


def test_a_changed_type_tells_of_the_kind_it_becomes(server: Server, admin: Client) -> None:
    show = Show(admin)
    asset, shot = show.asset(), show.shot()
    changed = admin.ok_put(f"/data/entities/{asset['id']}", {"entity_type_id": shot["entity_type_id"]})
    assert changed["type"] == "Shot"
    names = [name for name, payload in happened(server, show.id) if payload.get("shot_id") == asset["id"]]
    assert names == ["shot:update"]


def test_links_of_a_concept_are_replaced(show: Show) -> None:
    lamp, chair = show.asset(), show.asset()
    concept = show.admin.ok_post(f"{show.path}/concepts", {"name": unique("C"), "entity_concept_links": [lamp["id"]]})
    path = f"/data/entities/{concept['id']}"
    changed = show.admin.ok_put(path, {"entity_concept_links": [chair["id"]]})
    assert changed["entity_concept_links"] == [chair["id"]]
    assert show.admin.ok_put(path, {"entity_concept_links": []})["entity_concept_links"] == []
