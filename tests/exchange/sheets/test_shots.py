"""Shots from spreadsheets."""

import pytest

from tests.client import Client
from tests.entities.shows import happened
from tests.exchange.sheets.spreadsheets import Sheets, csv_of, refusal_of, rows_of
from tests.factories import hire
from tests.server import Server


@pytest.fixture(scope="module")
def show(admin: Client) -> Sheets:
    return Sheets(admin, production_type="tvshow")


@pytest.fixture(scope="module")
def film(admin: Client) -> Sheets:
    return Sheets(admin, production_type="featurefilm")


def test_episodes_sequences_and_shots_are_made_as_rows_name_them(server: Server, admin: Client) -> None:
    show = Sheets(admin, production_type="tvshow")
    head = ("Episode", "Sequence", "Name", "Description", "Nb Frames", "FPS")
    text = csv_of(head, ("E07", "SQ01", "SH01", "Dawn", "24", "12.5"), ("E07", "SQ01", "SH02", "", "", ""))
    first, second = rows_of(show.send("shots", text))
    assert (first["name"], first["description"], first["nb_frames"], first["data"]) == (
        "SH01",
        "Dawn",
        24,
        {"fps": "12.5"},
    )
    assert (second["description"], second["nb_frames"], second["data"]) == ("", 0, {"fps": ""})
    assert first["type"] == "Entity"
    assert first["parent_id"] == second["parent_id"]
    assert first["created_by"] is not None
    sequence = show.read({"id": first["parent_id"]})
    episode = show.read({"id": sequence["parent_id"]})
    assert (sequence["name"], episode["name"], episode["status"]) == ("SQ01", "E07", "running")
    events = [(name, payload) for name, payload in happened(server, show.id) if name.endswith(":new")]
    assert [name for name, _ in events][-4:] == ["episode:new", "sequence:new", "shot:new", "shot:new"]
    assert events[-1][1]["episode_id"] == episode["id"]
    assert [row["id"] for row in rows_of(show.send("shots", text))] == [first["id"], second["id"]]
    other = rows_of(show.send("shots", text.replace("E07", "E08")))
    assert {row["id"] for row in other}.isdisjoint({first["id"], second["id"]})


def test_known_shots_change_only_when_asked(server: Server, film: Sheets) -> None:
    head = ("Sequence", "Name", "Description", "Frame In", "Frame Out")
    (row,) = rows_of(film.send("shots", csv_of(head, ("K1", "S1", "Dawn", "101", "110"))))
    assert (row["nb_frames"], row["data"]) == (10, {"frame_in": 101, "frame_out": 110})
    again = csv_of(head, ("K1", "S1", "Dusk", "", "120"))
    assert rows_of(film.send("shots", again))[0]["description"] == "Dawn"
    (changed,) = rows_of(film.send("shots", again, update="TRUE"))
    assert (changed["id"], changed["description"], changed["nb_frames"]) == (row["id"], "Dusk", 20)
    updates = [payload["shot_id"] for name, payload in happened(server, film.id) if name == "shot:update"]
    assert updates == [row["id"]]
    rows_of(film.send("shots", again, update="true"))
    assert [name for name, _ in happened(server, film.id)].count("shot:update") == 1, "nothing changed"
    assert film.admin.ok_get(f"/data/shots/{row['id']}/versions") == [], "imports record no version"


def test_a_count_of_frames_stays_unless_the_file_gives_a_range(film: Sheets) -> None:
    head = ("Sequence", "Name", "Nb Frames", "Frame In", "Frame Out")
    (row,) = rows_of(film.send("shots", csv_of(head, ("F1", "S1", "50", "1", "10"))))
    assert row["nb_frames"] == 50
    (row,) = rows_of(film.send("shots", csv_of(("Sequence", "Name", "FPS"), ("F1", "S1", "25")), update="true"))
    assert row["nb_frames"] == 50
    (row,) = rows_of(film.send("shots", csv_of(("Sequence", "Name", "Out"), ("F1", "S1", "12")), update="true"))
    assert row["nb_frames"] == 12
    (row,) = rows_of(film.send("shots", csv_of(("Sequence", "Name", "In"), ("F1", "S1", "30")), update="true"))
    assert (row["nb_frames"], row["data"]["frame_in"]) == (12, 30), "a range that ends before it begins counts nothing"


def test_aliases_are_read_where_the_column_is_blank(film: Sheets) -> None:
    head = ("Sequence", "Name", "Nb Frames", "Frames", "Frame In", "In", "Frame Out", "Out")
    rows = rows_of(film.send("shots", csv_of(head, ("A1", "S1", "", "7", "", "'-5", "9", "8"))))
    assert (rows[0]["nb_frames"], rows[0]["data"]) == (7, {"frame_in": -5, "frame_out": 9})


def test_where_a_shot_is_must_be_there(show: Sheets, film: Sheets) -> None:
    for columns, cells, word in [
        (("Sequence", "Name"), ("SQ", "SH"), "Episode"),
        (("Episode", "Sequence", "Name"), ("", "SQ", "SH"), "Episode"),
        (("Episode", "Sequence", "Name"), ("E01", " ", "SH"), "Sequence"),
        (("Episode", "Sequence", "Name"), ("E01", "SQ", " "), "Name"),
        (("Episode", "Name"), ("E01", "SH"), "Sequence"),
        (("Episode", "Sequence", "Name"), ("E01", "SQ", "S" * 161), "Name"),
    ]:
        message, line, imported = refusal_of(show.send("shots", csv_of(columns, cells)))
        assert word in message
        assert (line, imported) == (2, 0)
    rows = rows_of(film.send("shots", csv_of(("Episode", "Sequence", "Name"), ("E01", "P1", "S1"))))
    assert film.read({"id": rows[0]["parent_id"]})["parent_id"] is None, "a film has no episodes"
    assert film.admin.ok_get(f"{film.path}/episodes") == []


def test_frames_are_whole_numbers(film: Sheets) -> None:
    for column in ("Nb Frames", "Frames", "Frame In", "In", "Frame Out", "Out"):
        for cell in ("twelve", "1.5", str(2**40)):
            text = csv_of(("Sequence", "Name", column), ("W1", "good", "12"), ("W1", "bad", cell))
            message, line, imported = refusal_of(film.send("shots", text))
            assert cell in message
            assert (line, imported) == (3, 1)
    names = [row["name"] for row in film.admin.ok_get(f"{film.path}/shots")]
    assert "good" in names
    assert "bad" not in names


def test_metadata_are_stored_as_their_columns_say(admin: Client, film: Sheets) -> None:
    film.describe("Vendor", "Shot")
    film.describe("Delivered", "Shot", "boolean")
    film.describe("Lead", "Shot", "person")
    email = f"lead-{film.id[:8]}@studio.example"
    lead = admin.ok_post("/data/persons", {"first_name": "Lea", "last_name": film.id[:8], "email": email})
    head = ("Sequence", "Name", "Vendor", "Delivered", "Lead", "Unknown")
    rows = rows_of(
        film.send(
            "shots",
            csv_of(
                head,
                ("M1", "S1", "Ink; co", "YES", f" lea {film.id[:8].upper()} ", "x"),
                ("M1", "S2", " ", "0", email.upper(), "x"),
                ("M1", "S3", "", "", lead["id"], "x"),
                ("M1", "S4", "", "", "", "x"),
            ),
        )
    )
    assert [row["data"] for row in rows] == [
        {"vendor": "Ink; co", "delivered": "true", "lead": lead["id"]},
        {"vendor": " ", "delivered": "false", "lead": lead["id"]},
        {"vendor": "", "delivered": "", "lead": lead["id"]},
        {"vendor": "", "delivered": "", "lead": ""},
    ]
    (row,) = rows_of(film.send("shots", csv_of(("Sequence", "Name", "Vendor"), ("M1", "S1", "")), update="true"))
    assert row["data"] == {"vendor": "", "delivered": "true", "lead": lead["id"]}, "absent columns keep their values"
    for column, cell in (("Delivered", "perhaps"), ("Lead", "Nobody Knows")):
        message, *_ = refusal_of(film.send("shots", csv_of(("Sequence", "Name", column), ("M1", "S1", cell))))
        assert column in message
        assert cell in message


def test_a_row_may_come_twice(film: Sheets) -> None:
    text = csv_of(("Sequence", "Name", "Description"), ("D1", "S1", "one"), ("D1", "S1", "two"))
    first, second = rows_of(film.send("shots", text))
    assert (first["id"], second["description"]) == (second["id"], "one")
    assert {row["description"] for row in rows_of(film.send("shots", text, update="true"))} == {"two"}


def test_every_role_but_managers_is_refused(admin: Client, film: Sheets) -> None:
    text = csv_of(("Sequence", "Name"), ("R1", "S1"))
    for role in ("user", "supervisor", "client", "vendor"):
        member = film.join(hire(admin, role))
        for kind in ("shots", "assets", "edits"):
            assert film.send(kind, text, member).status_code == 403, (role, kind)
    assert film.send("shots", text, hire(admin, "manager")).status_code == 403, "not of the team"
    assert film.send("shots", text, film.join(hire(admin, "user"), "manager")).status_code == 201
    for wrong in ("nothing", "00000000-0000-4000-8000-000000000000"):
        for kind in ("shots", "assets", "edits"):
            file = {"file": ("x.csv", text, "text/csv")}
            assert admin.post(f"/import/csv/projects/{wrong}/{kind}", files=file).status_code == 404
