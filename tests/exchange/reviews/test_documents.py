"""The review of a playlist as PDF and CSV: what is in it, and for whom."""

import base64
import io
import os
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pypdf
import pytest
from psycopg.types.json import Jsonb

from tests import factories
from tests.client import Client, unique
from tests.entities.shows import Show
from tests.exchange.exports.sheets import of_csv
from tests.exchange.exports.test_playlists import say
from tests.media.publishing import comment_on, place, png, published, upload
from tests.media.test_annotated_frames import annotate, box, movie
from tests.server import Server

HEAD = ["Position", "Entity name", "Task Type", "Revision", "Task Status", "Author", "Date", "Note Status", "Note"]
HEAD += ["Checklist", "Replies"]
#: A word of each kind of script.
SCRIPTS = ["Éclairé łódź", "Ελλάδα", "Привет", "镜头太暗", "カメラ", "한국어", "สวัสดี", "ᏣᎳᎩ", "👍"]
ANYBODY, TEAM, OWN = "everybody may read this", "for the team alone", "a client asks"


@dataclass
class Reviewed:
    """A playlist of two shots with notes, and who reads it."""

    show: Show
    people: dict[str, Client]
    task: dict[str, Any]
    picture: dict[str, Any]
    playlist: dict[str, Any]

    def path(self, form: str) -> str:
        return f"/data/playlists/{self.playlist['id']}/review.{form}"


@pytest.fixture(scope="module")
def reviewed(admin: Client) -> Reviewed:
    people = {role: factories.hire(admin, role) for role in ("manager", "supervisor", "user", "client", "vendor")}
    show = Show(admin, *people.values(), production_type="tvshow")
    sequence = show.sequence(show.episode("E01"), "SQ01")
    first, second = (show.shot(sequence, name=name) for name in ("SH010", "SH020"))
    task = factories.task(admin, first, "Layout")
    picture = published(admin, admin, task["id"], png(640, 320))
    annotate(admin, picture, (0, [box("a")]), (1, [box("b", "#00ff00", 20)]))
    note = say(
        people["supervisor"],
        task,
        TEAM,
        checklist=[{"text": "Darker", "checked": True}, {"text": "Longer", "checked": False}],
    )
    people["supervisor"].ok_post(f"/data/tasks/{task['id']}/comments/{note['id']}/reply", {"text": "Will do"})
    say(people["manager"], task, ANYBODY, for_client=True)
    say(people["client"], task, OWN)
    entries = [
        {"entity_id": second["id"]},
        {"entity_id": first["id"], "preview_file_id": picture["id"]},
    ]
    row = {"name": unique("Dailies"), "project_id": show.id, "shots": entries, "for_client": True}
    return Reviewed(show, people, task, picture, admin.ok_post("/data/playlists", row))


def paper(who: Client, reviewed: Reviewed, **query: Any) -> pypdf.PdfReader:
    answer = who.get(reviewed.path("pdf"), params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"].endswith(".pdf")
    return pypdf.PdfReader(io.BytesIO(answer.content))


def words(document: pypdf.PdfReader) -> str:
    return "\n".join(page.extract_text() for page in document.pages).replace("\0", "")


def notes(who: Client, reviewed: Reviewed, **query: Any) -> list[list[str]]:
    head, *rows = of_csv(who.get(reviewed.path("csv"), params=query).content)
    assert head == HEAD
    return rows


def test_a_review_says_what_was_said_by_entry(admin: Client, reviewed: Reviewed) -> None:
    document = paper(admin, reviewed)
    text = words(document)
    expected = ["1. E01 / SQ01 / SH020", "2. E01 / SQ01 / SH010", "Layout · revision 1", TEAM, "☑ Darker", "☐ Longer"]
    places = [text.index(part) for part in [*expected, "Will do", ANYBODY, OWN]]
    assert places == sorted(places)
    assert reviewed.playlist["name"] in text
    # A thumbnail, and the picture once for each time that it was drawn on.
    assert sum(len(page.images) for page in document.pages) == 3
    assert "drawing 2" in text


def test_letters_of_any_script_are_printed(admin: Client, reviewed: Reviewed) -> None:
    shot = reviewed.show.shot(reviewed.show.sequence(reviewed.show.episode("E02"), "SQ01"), name="SH010")
    task = factories.task(admin, shot, "Layout")
    entry = {"entity_id": shot["id"], "preview_file_id": published(admin, admin, task["id"])["id"]}
    say(admin, task, " ".join(SCRIPTS))
    row = {"name": unique("Scripts"), "project_id": reviewed.show.id, "shots": [entry]}
    text = words(paper(admin, replace(reviewed, playlist=admin.ok_post("/data/playlists", row))))
    assert [word for word in SCRIPTS if word not in text] == []


@pytest.mark.parametrize(
    ("role", "query", "told"),
    [
        ("manager", {}, [TEAM, ANYBODY, OWN]),
        ("supervisor", {}, [TEAM, ANYBODY, OWN]),
        ("user", {}, [TEAM, ANYBODY]),
        ("client", {}, [ANYBODY, OWN]),
        ("manager", {"for_client": "true"}, [ANYBODY, OWN]),
        ("user", {"for_client": "true"}, [ANYBODY]),
        ("client", {"for_client": "true"}, [ANYBODY, OWN]),
    ],
)
def test_notes_are_told_to_whom_they_are_for(
    reviewed: Reviewed, role: str, query: dict[str, str], told: list[str]
) -> None:
    text = words(paper(reviewed.people[role], reviewed, **query))
    assert [note for note in (TEAM, ANYBODY, OWN) if note in text] == told
    # Answers and lists go with the note that they are of.
    assert ("Will do" in text) == ("Darker" in text) == (TEAM in told)
    rows = notes(reviewed.people[role], reviewed, **query)
    assert ("Look" in str(rows)) == (role != "client" and not query)
    assert [row[8].partition("\n")[0] for row in rows if row[8] != "Look"] == told


def test_a_sheet_has_a_row_for_each_note(admin: Client, reviewed: Reviewed) -> None:
    rows = notes(admin, reviewed)
    team = next(row for row in rows if row[8] == TEAM)
    supervisor = f"Bo {reviewed.people['supervisor'].person['last_name']}"
    assert team[:5] == ["2", "E01 / SQ01 / SH010", "Layout", "1", "Todo"]
    assert (team[5], team[7]) == (supervisor, "Todo")
    assert len(team[6]) == len("2026-01-31T09:30:00")
    assert team[9:] == ["[x] Darker\n[ ] Longer", f"{supervisor}: Will do"]
    name = reviewed.playlist["name"].lower().replace(" ", "_")
    answer = admin.get(reviewed.path("csv"))
    assert answer.headers["content-disposition"].endswith(f"_review_{name}.csv")


def test_what_managers_say_to_themselves_is_not_for_clients(admin: Client, reviewed: Reviewed) -> None:
    """Everybody sees their own comments; a document for clients has none of its reader's own."""
    say(reviewed.people["manager"], reviewed.task, "a manager's own")
    assert "a manager's own" not in words(paper(reviewed.people["manager"], reviewed, for_client="true"))
    assert "a manager's own" not in str(notes(reviewed.people["manager"], reviewed, for_client="true"))


def test_isolated_clients_do_not_hear_each_other(admin: Client, reviewed: Reviewed) -> None:
    other = factories.hire(admin, "client")
    factories.join(admin, reviewed.show.id, other)
    assert OWN in words(paper(other, reviewed))
    admin.ok_put(f"/data/projects/{reviewed.show.id}", {"is_clients_isolated": True})
    try:
        assert OWN not in words(paper(other, reviewed)) + str(notes(other, reviewed))
        assert OWN in words(paper(reviewed.people["client"], reviewed))
        assert OWN not in words(paper(admin, reviewed, for_client="true"))
    finally:
        admin.ok_put(f"/data/projects/{reviewed.show.id}", {"is_clients_isolated": False})


@pytest.mark.parametrize("form", ["pdf", "csv"])
def test_who_reads_a_playlist_takes_its_review_along(admin: Client, reviewed: Reviewed, form: str) -> None:
    private = admin.ok_post("/data/playlists", {"name": unique("Ours"), "project_id": reviewed.show.id})
    for role, status in {"manager": 200, "user": 200, "client": 403, "vendor": 403}.items():
        path = f"/data/playlists/{private['id']}/review.{form}"
        assert reviewed.people[role].get(path).status_code == status, role
    assert reviewed.people["vendor"].get(reviewed.path(form)).status_code == 403
    assert factories.hire(admin, "manager").get(reviewed.path(form)).status_code == 403
    assert Client(admin.api).get(reviewed.path(form)).status_code == 401
    for nothing in (reviewed.show.id, "x"):
        assert admin.get(f"/data/playlists/{nothing}/review.{form}").status_code == 404
    assert admin.get(reviewed.path(form), params={"for_client": "perhaps"}).status_code == 400


def test_frames_of_a_movie_are_drawn_on(admin: Client, reviewed: Reviewed, server: Server) -> None:
    task = factories.task(admin, reviewed.show.shot(None, name="SH900"), "Layout")
    film = place(admin, task["id"], comment_on(admin, admin, task["id"])["id"])
    upload(admin, film["id"], movie(20, (320, 160)), "take.mp4")
    annotate(admin, film, (0, [box("a")]), (0.4, [box("b")]), (9.0, [box("c")]))
    row = {
        "name": unique("Movies"),
        "project_id": reviewed.show.id,
        "shots": [{"entity_id": task["entity_id"], "preview_file_id": film["id"]}],
    }
    made = admin.ok_post("/data/playlists", row)
    answer = admin.get(f"/data/playlists/{made['id']}/review.pdf")
    document = pypdf.PdfReader(io.BytesIO(answer.content))
    text = words(document)
    assert "frame 1\n" in text
    assert "frame 11\n" in text
    assert "frame 226: there is no picture of it" in text


def test_a_review_of_what_is_no_longer_there(admin: Client, reviewed: Reviewed, server: Server) -> None:
    """Entries of old servers, entities that are gone, notes that hold anything: what can be told is told."""
    show, task = reviewed.show, reviewed.task
    made = admin.ok_post("/data/playlists", {"name": unique("Odd"), "project_id": show.id})
    gone = show.asset("Prop", name="Gone")
    shots = [{"shot_id": task["entity_id"]}, {"id": gone["id"]}, "junk", {"entity_id": "nonsense"}]
    admin.ok_delete(f"/data/assets/{gone['id']}", params={"force": "true"})
    with psycopg.connect(server.database_url) as connection:
        connection.execute("UPDATE playlist SET shots = %s WHERE id = %s", [Jsonb(shots), made["id"]])
    answer = admin.get(f"/data/playlists/{made['id']}/review.pdf")
    text = words(pypdf.PdfReader(io.BytesIO(answer.content)))
    assert "1. E01 / SQ01 / SH010" in text
    assert "no preview" in text
    assert "2. " not in text
    noted = say(admin, task, "a note that holds anything")
    odd = [1, None, {"text": 5}, {"checked": "x"}]
    with psycopg.connect(server.database_url) as connection:
        update = "UPDATE comment SET checklist = %s, replies = %s, text = %s WHERE id = %s"
        said = "\x1b[0m \x07" + "W" * 3000
        connection.execute(update, [Jsonb(odd), Jsonb(odd[2:]), said, noted["id"]])
        connection.execute("UPDATE comment SET checklist = %s WHERE text = %s", [Jsonb({"a": 1}), OWN])
    assert "WWWW" in words(paper(admin, reviewed))
    assert said.replace("\x07", "\x07") in [row[8] for row in notes(admin, reviewed)]


def test_a_document_is_bounded(admin: Client, reviewed: Reviewed, server: Server) -> None:
    many = [{"entity_id": reviewed.task["entity_id"]}] * 501
    made = admin.ok_post("/data/playlists", {"name": unique("Many"), "project_id": reviewed.show.id, "shots": many})
    answer = admin.get(f"/data/playlists/{made['id']}/review.pdf")
    assert answer.status_code == 400
    assert "501 entries; 500 go on paper" in answer.json()["message"]
    assert admin.get(f"/data/playlists/{made['id']}/review.csv").status_code == 200
    heavy = [{"time": 0, "drawing": {"objects": [{"id": "a", "text": base64.b64encode(os.urandom(2**25)).decode()}]}}]
    with psycopg.connect(server.database_url) as connection:
        update = "UPDATE preview_file SET annotations = %s WHERE id = %s"
        connection.execute(update, [Jsonb(heavy), reviewed.picture["id"]])
    answer = admin.get(reviewed.path("pdf"))
    assert (answer.status_code, "bytes of drawings" in answer.json()["message"]) == (400, True)
    entry = {"time": 0, "drawing": {"objects": [box()]}}
    drawn = Jsonb([{**entry, "time": n} for n in range(130)])
    with psycopg.connect(server.database_url) as connection:
        update = "UPDATE preview_file SET annotations = %s, width = 3840, height = 2160 WHERE id = %s"
        connection.execute(update, [drawn, reviewed.picture["id"]])
    text = words(paper(admin, reviewed))
    assert "drawn frames: 32" in text
    assert "98 more drawn frames are not shown" in text
