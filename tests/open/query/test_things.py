"""What each thing tells to whom: news, notifications, casting links, and the previews of playlists."""

from typing import Any

import pytest

from tests import factories
from tests.client import Client
from tests.entities.shows import Show
from tests.open.query.show import ROLES

People = dict[str, Client]


@pytest.fixture(scope="module")
def people(admin: Client) -> People:
    return {role: factories.hire(admin, role) for role in ROLES}


@pytest.fixture(scope="module")
def show(admin: Client, people: People) -> Show:
    return Show(admin, *people.values())


def rows(who: Client, thing: str, **query: Any) -> list[dict[str, Any]]:
    return list(who.ok_post(f"/open/v1/query/{thing}", query)["data"])


def said(admin: Client, task: dict[str, Any], text: str) -> dict[str, Any]:
    body = {"task_status_id": task["task_status_id"], "comment": text}
    return dict(admin.ok_post(f"/actions/tasks/{task['id']}/comment", body))


def test_notifications_are_ones_own(admin: Client, people: People, show: Show) -> None:
    artist = people["user"]
    task = factories.task(admin, show.shot(), "Animation", assignees=[artist.id])
    comment = said(admin, task, "smoother")
    about = [["comment.id", "is", comment["id"]]]
    fields = ["notification_type", "read", "comment.text", "author.id", "task.name"]
    (row,) = rows(artist, "notifications", filters=about, fields=fields)
    assert row == {
        "notification_type": "comment",
        "read": False,
        "comment": {"text": "smoother"},
        "author": {"id": admin.id},
        "task": {"name": task["name"]},
    }
    for role, who in {"admin": admin, **people}.items():
        if role != "user":
            assert rows(who, "notifications", filters=about) == [], role
            assert rows(who, "comments", filters=[["notifications.person_id", "is", artist.id]]) == [], role
        whose = rows(who, "notifications", summaries=[{"type": "count"}], grouping=["person_id"])
        assert {group["group"]["person_id"] for group in whose} <= {who.id}


def test_news_are_those_of_ones_productions(admin: Client, people: People, show: Show) -> None:
    task = factories.task(admin, show.shot(), "Animation", assignees=[people["vendor"].id])
    other = factories.task(admin, show.shot(), "Animation")
    comments = [said(admin, row, "drawn")["id"] for row in (task, other)]
    about = [["comment_id", "in", comments]]
    told = {
        role: {row["task_id"] for row in rows(who, "news", filters=about)}
        for role, who in {"admin": admin, **people, "outside": factories.hire(admin)}.items()
    }
    whole = {task["id"], other["id"]}
    assert told == {
        **dict.fromkeys(("admin", "manager", "supervisor", "user"), whole),
        "vendor": {task["id"]},
        "client": set(),
        "outside": set(),
    }
    tasks = rows(people["user"], "tasks", filters=[["news.comment_id", "in", comments]], fields=["id", "news.change"])
    assert {row["id"]: len(row["news"]) for row in tasks} == {task["id"]: 1, other["id"]: 1}


def test_casting_links_are_told_with_what_they_cast(admin: Client, people: People, show: Show) -> None:
    shot, asset = show.shot(name="cast here"), show.asset(name="Lantern")
    show.cast(shot, asset, count=3)
    factories.task(admin, shot, "Animation", assignees=[people["vendor"].id])
    hidden = show.shot()
    show.cast(hidden, asset)
    elsewhere = Show(admin)
    show_there = elsewhere.shot()
    elsewhere.cast(show_there, elsewhere.asset())
    fields = ["nb_occurences", "entity_in.name", "entity_out.name"]
    about = [["entity_in_id", "in", [shot["id"], hidden["id"], show_there["id"]]]]
    for role, who in people.items():
        found = rows(who, "entity-links", filters=about, fields=fields, sort="-nb_occurences")
        if role == "vendor":
            assert found == []
        else:
            told = {"nb_occurences": 3, "entity_in": {"name": "cast here"}, "entity_out": {"name": "Lantern"}}
            assert (found[0], len(found)) == (told, 2), role
        assert who.post("/open/v1/query/entity-links", {"fields": ["data"]}).status_code == 400
    assert len(rows(admin, "entity-links", filters=about, fields=["data"])) == 3
    counted = rows(
        people["user"],
        "entity-links",
        filters=[["entity_out_id", "is", asset["id"]]],
        summaries=[{"type": "sum", "field": "nb_occurences"}],
    )
    assert counted == [{"group": {}, "summary": {"sum(nb_occurences)": 4}}]


def test_what_another_production_does_not_share_is_not_cast(admin: Client, people: People, show: Show) -> None:
    """A link to an asset that another production stopped sharing is told to studio managers alone."""
    elsewhere = Show(admin)
    lent = elsewhere.asset(is_shared=True)
    shot = show.shot()
    show.cast(shot, lent)
    about = [["entity_in_id", "is", shot["id"]]]
    assert len(rows(people["user"], "entity-links", filters=about)) == 1
    admin.ok_put(f"/data/entities/{lent['id']}", {"is_shared": False})
    assert rows(people["user"], "entity-links", filters=about) == []
    assert len(rows(admin, "entity-links", filters=about)) == 1


def test_playlists_lead_to_the_previews_of_their_entries(admin: Client, people: People, show: Show) -> None:
    shots = [show.shot(), show.shot()]
    previews = []
    for shot in shots:
        task = factories.task(admin, shot, "Animation")
        comment = said(admin, task, "look")
        path = f"/actions/tasks/{task['id']}/comments/{comment['id']}/add-preview"
        previews.append(admin.ok_post(path, {})["id"])
    entries = [
        {"entity_id": shots[0]["id"], "preview_file_id": previews[0]},
        {"entity_id": shots[1]["id"]},
        {"entity_id": shots[1]["id"], "preview_file_id": None},
    ]
    body = {"name": "dailies", "project_id": show.id, "for_entity": "shot", "shots": entries}
    playlist = admin.ok_post("/data/playlists", body)
    about = [["id", "is", playlist["id"]]]
    for role in ("manager", "supervisor", "user"):
        (row,) = rows(people[role], "playlists", filters=about, fields=["preview_files", "preview_files.revision"])
        assert [list(preview) for preview in row["preview_files"]] == [["revision"]], role
        (row,) = rows(people[role], "playlists", filters=about, fields=["preview_files"])
        assert row["preview_files"] == [previews[0]], role
        shown = rows(
            people[role], "preview-files", filters=[["playlists.name", "is", "dailies"], ["id", "in", previews]]
        )
        assert [preview["id"] for preview in shown] == [previews[0]], role
    assert rows(people["client"], "playlists", filters=about) == []
    assert rows(people["user"], "playlists", filters=[*about, ["preview_files.revision", "greater_than", 1]]) == []
