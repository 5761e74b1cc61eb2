"""A playlist as a sheet. Spec exchange, "GET /export/csv/playlists/{playlist_id}"."""

from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests import factories
from tests.client import Client, unique
from tests.entities.shows import Show
from tests.exchange.exports.sheets import NASTY, of_csv, of_workbook, sheet
from tests.media.publishing import published
from tests.server import Server

HEAD = [
    "Entity name",
    "Nb Frames",
    "Task Type",
    "Retake count",
    "Revision",
    "Task Status",
    "Last comment author",
    "Last comment date",
    "Last comment",
]


@dataclass
class Made:
    """A playlist of a shot that was talked about."""

    show: Show
    people: dict[str, Client]
    task: dict[str, Any]
    playlist: dict[str, Any]

    @property
    def path(self) -> str:
        return f"playlists/{self.playlist['id']}"


def say(who: Client, task: dict[str, Any], text: str, **more: Any) -> dict[str, Any]:
    body = {"task_status_id": task["task_status_id"], "comment": text, **more}
    return dict(who.ok_post(f"/actions/tasks/{task['id']}/comment", body))


@pytest.fixture(scope="module")
def made(admin: Client) -> Made:
    roles = ("manager", "supervisor", "user", "client", "vendor")
    people = {role: factories.hire(admin, role, first_name="Bo;") for role in roles}
    show = Show(admin, *people.values(), production_type="tvshow")
    episode = show.episode("E01")
    shot = show.shot(show.sequence(episode, "SQ01"), name="SH010", nb_frames=48)
    asset = show.asset("Prop", name="Boat")
    task = factories.task(admin, shot, "Layout")
    preview = published(admin, admin, task["id"])
    say(people["manager"], task, "for the client", for_client=True)
    say(people["supervisor"], task, NASTY[3])
    entries = [
        {"entity_id": shot["id"], "preview_file_id": preview["id"]},
        {"entity_id": asset["id"], "preview_file_id": None},
    ]
    row = {"name": unique("Dailies;"), "project_id": show.id, "episode_id": episode["id"], "shots": entries}
    return Made(show, people, task, admin.ok_post("/data/playlists", row))


def test_a_playlist_is_written_as_specified(made: Made, admin: Client) -> None:
    answer = admin.get(f"/export/csv/{made.path}")
    assert answer.headers["content-type"] == "text/csv"
    name, title = made.playlist["name"], made.show.row["name"]
    show_slug, list_slug = title.lower().replace(" ", "_"), name.lower().replace("; ", "_")
    assert answer.headers["content-disposition"] == (f"attachment; filename=kitsu_{show_slug}_playlist_{list_slug}.csv")
    first, second, head, shot, asset = of_csv(answer.content)
    assert first[:3] == ["Playlist", f"{title} - E01 | for shots", name]
    assert len(first[3]) == 19
    assert first[4:] == ["", "", ""]
    assert second == [""] * 7
    assert head == HEAD
    supervisor = f"Bo; {made.people['supervisor'].person['last_name']}"
    assert shot[:7] == ["E01 / SQ01 / SH010", "48", "Layout", "0", "1", "Todo", supervisor]
    assert len(shot[7]) == 19
    assert shot[8] == NASTY[3]
    assert asset == ["Prop / Boat", *[""] * 8]


def test_what_clients_say_is_left_out(made: Made) -> None:
    say(made.people["client"], made.task, "said by a client")
    assert sheet(made.people["manager"], made.path)[3][8] == NASTY[3]


def test_dates_are_those_of_the_callers_time_zone(made: Made, admin: Client) -> None:
    here = sheet(admin, made.path)
    before = admin.person["timezone"]
    admin.ok_put(f"/data/persons/{admin.id}", {"timezone": "Pacific/Kiritimati"})
    there = sheet(admin, made.path)
    admin.ok_put(f"/data/persons/{admin.id}", {"timezone": before})
    assert here[0][3] < there[0][3]
    assert here[3][7] < there[3][7]
    assert here[3][7].endswith(there[3][7][14:])


def test_clients_take_along_what_is_for_them(made: Made, admin: Client, anonymous: Client) -> None:
    path = f"/export/csv/{made.path}"
    for role, status in (("manager", 200), ("supervisor", 200), ("user", 403), ("client", 403), ("vendor", 403)):
        for query in ("", "?format=xlsx"):
            assert made.people[role].get(path + query).status_code == status, role
    assert factories.hire(admin, "manager").get(path).status_code == 403
    assert anonymous.get(path).status_code == 401
    for playlist_id in (made.show.id, "nothing"):
        assert admin.get(f"/export/csv/playlists/{playlist_id}").status_code == 404
    assert admin.get(f"{path}?format=pdf").status_code == 400
    admin.ok_put(f"/data/playlists/{made.playlist['id']}", {"for_client": True})
    shot = sheet(made.people["client"], made.path)[3]
    assert shot[3] == "0"
    assert shot[8] == "for the client"
    assert made.people["user"].get(path).status_code == 403
    admin.ok_put(f"/data/playlists/{made.playlist['id']}", {"for_client": False})


def test_entries_of_any_kind_leave_the_sheet_whole(made: Made, admin: Client, server: Server) -> None:
    """Unknown ids, previews of other entities, missing keys, no list at all. Spec: a row with empty task cells."""
    other = Show(admin)
    foreign = other.asset("Prop", name="Foreign")
    preview = published(admin, admin, factories.task(admin, foreign)["id"])
    asset = made.show.asset("FX", name="Smoke")
    row = {"name": unique("Odd"), "project_id": made.show.id, "for_entity": "asset"}
    playlist = admin.ok_post("/data/playlists", row)
    entries: list[Any] = [
        {"id": asset["id"]}, {"shot_id": asset["id"], "preview_file_id": "none"}, "text", {}, None,
        {"entity_id": asset["id"], "preview_file_id": preview["id"]},
        {"entity_id": foreign["id"], "preview_file_id": preview["id"]},
    ]  # fmt: skip
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        change = "UPDATE playlist SET shots = %s WHERE id = %s"
        connection.execute(change, [Jsonb(entries), playlist["id"]])
        rows = sheet(made.people["manager"], f"playlists/{playlist['id']}")
        connection.execute(change, [Jsonb({"not": "a list"}), playlist["id"]])
        none = sheet(made.people["manager"], f"playlists/{playlist['id']}")
    bare = ["FX / Smoke", *[""] * 8]
    nothing = [""] * 9
    assert rows[0][1] == f"{made.show.row['name']} | for assets"
    assert rows[3:] == [bare, bare, nothing, nothing, nothing, bare, nothing]
    assert none[3:] == []


def test_a_playlist_is_a_workbook_too(made: Made, admin: Client) -> None:
    rows = of_csv(admin.get(f"/export/csv/{made.path}").content)
    book = of_workbook(admin.get(f"/export/csv/{made.path}?format=xlsx").content)
    assert book[0][:3] == rows[0][:3]
    assert book[2] == HEAD
    assert book[3][:5] == ["E01 / SQ01 / SH010", 48, "Layout", 0, 1]
    assert book[3][8] == NASTY[3]
