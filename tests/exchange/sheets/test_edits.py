"""Edits from spreadsheets."""

from tests.client import Client
from tests.entities.shows import happened
from tests.exchange.sheets.spreadsheets import Sheets, csv_of, refusal_of, rows_of
from tests.server import Server


def test_edits_are_of_an_episode_or_of_none(server: Server, admin: Client) -> None:
    show = Sheets(admin, production_type="tvshow")
    show.describe("Format", "Edit")
    text = csv_of(("Episode", "Name", "Format"), ("E02", "Cut", "16:9"), ("", "Cut", ""), ("MP", "Trailer", ""))
    cut, whole, trailer = rows_of(show.send("edits", text))
    assert (cut["description"], cut["data"]) == ("", {"format": "16:9"})
    assert show.read({"id": cut["parent_id"]})["name"] == "E02"
    assert (whole["parent_id"], trailer["parent_id"]) == (None, None)
    assert "MP" not in {row["name"] for row in admin.ok_get(f"{show.path}/episodes")}
    told = [payload for name, payload in happened(server, show.id) if name == "edit:new"]
    assert (told[0]["edit_id"], told[0]["parent_id"]) == (cut["id"], cut["parent_id"])
    assert [row["id"] for row in rows_of(show.send("edits", text))] == [cut["id"], whole["id"], trailer["id"]]
    (row,) = rows_of(show.send("edits", csv_of(("Name", "Description"), ("Cut", "Long")), update="true"))
    assert (row["id"], row["description"]) == (whole["id"], "Long")


def test_edits_have_statuses_and_comments_but_nobody_is_assigned(admin: Client) -> None:
    film = Sheets(admin)
    editing = film.use_task_type("Editing", "Edit")
    grading = film.use_task_type("Grading", "Edit")
    head = ("Name", editing, f"{editing} comment", f"{editing} assignations")
    first, second = rows_of(film.send("edits", csv_of(head, ("Cut", "wfa", "Look", "Nobody"), ("Rough", "", "", ""))))
    tasks = film.tasks(first["id"])
    assert set(tasks) == set(film.task_types.values()), "a new edit has all tasks"
    assert film.comments(tasks[film.task_types["Editing"]]) == ["Look"]
    assert tasks[film.task_types["Editing"]]["task_status_id"] == film.status("Waiting For Approval")
    assert set(film.tasks(second["id"])) == set(film.task_types.values())
    assert grading != editing


def test_edits_have_names_and_films_no_episodes(admin: Client) -> None:
    film = Sheets(admin)
    for columns, cells, word in [
        (("Name", "Description"), ("", "x"), "Name"),
        (("Episode", "Description"), ("", "x"), "Name"),
        (("Name", "Episode"), ("Cut", "E01"), "Episode"),
    ]:
        message, line, imported = refusal_of(film.send("edits", csv_of(columns, cells)))
        assert word in message
        assert (line, imported) == (2, 0)
