"""Guests of share links: who they are, what they say and draw, and what they see of each other."""

import json
from typing import Any

import psycopg
import pytest

from tests import factories
from tests.accounts.people import artist, signed_in
from tests.client import Client, unique
from tests.media.publishing import place, png, published, upload
from tests.review.sharing import Guest, Shared, share
from tests.server import Server

ARROW = {"time": 0.5, "drawing": {"objects": [{"id": "arrow", "type": "path", "left": 3}]}}


@pytest.fixture(scope="module")
def shared(admin: Client) -> Shared:
    return share(admin)


@pytest.fixture(scope="module")
def page(shared: Shared) -> str:
    return shared.page()


@pytest.fixture
def guest(server: Server, page: str) -> Guest:
    return Guest(server.api, page)


def test_a_guest_is_a_person_who_cannot_sign_in(guest: Guest, admin: Client, page: str) -> None:
    row = admin.ok_get(f"/data/persons/{guest.id}")
    assert (row["role"], row["is_guest"], row["email"].endswith("@guest.kitsu")) == ("client", True, True)
    assert not {"password", "totp_secret", "jti"} & guest.person.keys()
    assert (guest.person["full_name"], guest.person["departments"]) == ("Gil", [])
    events = admin.ok_get("/data/events/last", params={"name": "person:new", "limit": 20})
    assert guest.id in {event["data"]["person_id"] for event in events}
    for password in ("", "Gil", guest.person["guest_secret"]):
        answer = guest.post("/auth/login", {"email": row["email"], "password": password})
        assert answer.status_code in (400, 401)
    back = guest.post(f"{page}/guest", {"guest_id": guest.id})
    assert (back.status_code, back.json()["id"]) == (200, guest.id)


def test_names_are_what_a_person_can_have(guest: Guest, page: str) -> None:
    assert guest.ok_post(f"{page}/guest", {"first_name": "  ", "last_name": None})["full_name"] == "Guest"
    assert guest.ok_post(f"{page}/guest", {"first_name": " Zoé ", "last_name": "李"})["full_name"] == "Zoé 李"
    for wrong in ({"first_name": "x" * 81}, {"last_name": "a\0b"}, {"guest_id": "me"}, {"first_name": 3}):
        answer = guest.post(f"{page}/guest", wrong)
        assert answer.status_code == 400, answer.text
        assert next(iter(wrong)) in answer.text


def test_nobody_is_another_guest_by_their_id_or_name(server: Server, shared: Shared, page: str) -> None:
    """From "Worth fixing" 6. Ids are told with comments, so that they prove nothing."""
    gil = Guest(server.api, page, last_name=unique("Known"))
    comment = gil.said(shared)
    other = Guest(server.api, page, last_name=gil.person["last_name"])
    assert other.id != gil.id, "the same name is not the same guest"
    listed = other.ok_get(f"{page}/comments")
    assert next(row for row in listed if row["id"] == comment["id"])["person_id"] == gil.id
    thief = Client(server.api)
    one, arrow = f"{page}/comments/{comment['id']}", {"preview_file_id": shared.preview["id"], "additions": [ARROW]}
    body = {"guest_id": gil.id, "task_id": shared.task["id"], "task_status_id": shared.status()}
    for who in (thief, other):
        for answer in (
            who.post(f"{page}/comments", body),
            who.put(one, {"guest_id": gil.id, "text": "mine"}),
            who.delete(one, params={"guest_id": gil.id}),
            who.put(f"{page}/annotations", {"guest_id": gil.id, **arrow}),
            who.call("POST", f"{one}/attachments", data={"guest_id": gil.id}, files={"file": ("a.txt", b"a")}),
        ):
            assert (answer.status_code, answer.json()["error"]) == (403, "Forbidden")
    came = thief.post(f"{page}/guest", {"guest_id": gil.id})
    assert came.status_code == 201
    assert came.json()["id"] != gil.id, "the web UI takes the new id instead"
    # A program without cookies shows the secret in a header; a guest of another link is none of this one.
    secret = {"X-Guest-Secret": gil.person["guest_secret"]}
    program = Client(server.api)
    assert program.put(one, {"guest_id": gil.id, "text": "By hand"}, headers=secret).status_code == 200
    assert program.put(one, {"guest_id": gil.id, "text": "x"}, headers={"X-Guest-Secret": "é"}).status_code == 403
    beside_the_id = {"guest_id": gil.id, "guest_secret": gil.person["guest_secret"]}
    assert program.put(one, {**beside_the_id, "text": "By hand"}).status_code == 200
    assert program.post(f"{page}/guest", beside_the_id).json()["id"] == gil.id
    program = Client(server.api)  # without the cookie of that answer
    elsewhere = shared.page()
    assert program.post(f"{elsewhere}/comments", body, headers=secret).status_code == 403
    # Whoever types their own name again is themselves.
    names = {"first_name": "Gil", "last_name": gil.person["last_name"]}
    again = gil.post(f"{page}/guest", names)
    assert (again.status_code, again.json()["id"]) == (201, gil.id)


def test_a_guest_whom_the_studio_switched_off_says_nothing_more(guest: Guest, shared: Shared, admin: Client) -> None:
    comment = guest.said(shared)
    admin.ok_put(f"/data/persons/{guest.id}", {"active": False})
    assert guest.say(shared.task["id"], shared.status()).status_code == 403
    assert guest.delete(f"{guest.page}/comments/{comment['id']}", params={"guest_id": guest.id}).status_code == 403


def test_a_comment_goes_the_way_of_everybodys(server: Server, admin: Client) -> None:
    shared = share(admin)
    manager = signed_in(admin, artist(admin, "manager")[1])
    factories.join(admin, shared.show["id"], manager)
    guest = Guest(server.api, shared.page())
    retake = shared.status("Retake")
    name = manager.person["full_name"]
    said = guest.say(shared.task["id"], retake, f"Too short, @{name}", checklist=[{"text": "spout", "checked": False}])
    row = said.json()
    assert (said.status_code, row["person"]["id"], row["task_status"]["id"]) == (201, guest.id, retake)
    assert row["mentions"] == [manager.id]
    task = admin.ok_get(f"/data/tasks/{shared.task['id']}")
    assert (task["task_status_id"], task["retake_count"]) == (retake, 1)
    told = manager.ok_get("/data/user/notifications")
    assert [(row["notification_type"], row["author_id"]) for row in told] == [("mention", guest.id)]
    news = admin.ok_get(f"/data/projects/{shared.show['id']}/news")["data"]
    assert news[0]["author_id"] == guest.id
    one = f"{guest.page}/comments/{row['id']}"
    edited = guest.ok_put(one, {"guest_id": guest.id, "text": "Better", "task_status_id": shared.status()})
    assert (edited["text"], edited["mentions"], edited["editor_id"]) == ("Better", [], guest.id)
    assert edited["checklist"] == [{"text": "spout", "checked": False}]
    assert manager.ok_get("/data/user/notifications") == []
    assert admin.ok_get(f"/data/tasks/{shared.task['id']}")["task_status_id"] == shared.status()
    guest.ok_delete(one, params={"guest_id": guest.id})
    assert guest.ok_get(f"{guest.page}/comments") == []
    names = [event["name"] for event in admin.ok_get("/data/events/last", params={"project_id": shared.show["id"]})]
    for name in ("comment:new", "comment:update", "comment:delete", "task:status-changed", "news:new"):
        assert name in names


@pytest.mark.parametrize(
    ("change", "status", "word"),
    [
        ({"task_id": None}, 400, "task_id"),
        ({"task_status_id": "none"}, 400, "task_status_id"),
        ({"guest_id": "none"}, 400, "guest_id"),
        ({"text": 3}, 400, "text"),
        ({"text": "x" * 20_001}, 400, "text"),
        ({"checklist": [1] * 201}, 400, "checklist"),
        ({"checklist": "none"}, 400, "checklist"),
        ({"text": "a\0b"}, 400, "text"),
        ({"task_id": "aside"}, 403, "playlist"),
        ({"task_status_id": "unknown"}, 400, "status"),
        ({"task_status_id": "internal"}, 400, "status"),
    ],
)
def test_a_comment_that_is_none_is_refused(
    guest: Guest, shared: Shared, admin: Client, change: dict[str, Any], status: int, word: str
) -> None:
    named = {"aside": shared.task_aside["id"], "unknown": shared.show["id"]}
    if change.get("task_status_id") == "internal":
        internal = admin.ok_post(
            "/data/task-status",
            {
                "name": unique("Internal"),
                "short_name": unique("i")[-9:],
                "color": "#000000",
                "is_client_allowed": False,
            },
        )
        named["internal"] = internal["id"]
    change = {key: named.get(value, value) if isinstance(value, str) else value for key, value in change.items()}
    body = {"guest_id": guest.id, "task_id": shared.task["id"], "task_status_id": shared.status(), **change}
    before = guest.ok_get(f"{guest.page}/comments")
    answer = guest.post(f"{guest.page}/comments", body)
    assert answer.status_code == status, answer.text
    assert word in answer.text
    assert guest.ok_get(f"{guest.page}/comments") == before


def test_comments_are_changed_by_their_guest_alone(server: Server, shared: Shared, page: str, admin: Client) -> None:
    mine, theirs = Guest(server.api, page), Guest(server.api, page)
    comment = theirs.said(shared)
    internal = admin.ok_post(
        f"/actions/tasks/{shared.task['id']}/comment", {"task_status_id": shared.status(), "comment": "Internal"}
    )
    for comment_id in (comment["id"], internal["id"]):
        one, me = f"{page}/comments/{comment_id}", {"guest_id": mine.id}
        assert mine.put(one, {**me, "text": "x"}).status_code == 403
        assert mine.delete(one, params=me).status_code == 403
        assert mine.attach(comment_id).status_code == 403
        assert mine.delete(f"{one}/attachments/{comment_id}", params=me).status_code == 403
    unknown = mine.put(f"{page}/comments/{shared.show['id']}", {"guest_id": mine.id})
    assert (unknown.status_code, unknown.json()["error"]) == (404, "Comment not found")
    assert mine.put(f"{page}/comments/none", {"guest_id": mine.id}).status_code == 404


def test_guests_see_what_is_for_clients_and_what_guests_said(server: Server, admin: Client) -> None:
    shared = share(admin)
    task, here, there = shared.task["id"], Guest(server.api, shared.page()), Guest(server.api, shared.page())

    def said(**more: Any) -> str:
        body = {"task_status_id": shared.status(), "comment": "Look", **more}
        return str(admin.ok_post(f"/actions/tasks/{task}/comment", body)["id"])

    internal, shown = said(), said(for_client=True)
    said_here, said_there = here.said(shared)["id"], there.said(shared)["id"]
    answer = admin.call(
        "POST",
        f"/actions/tasks/{task}/comments/{internal}/add-attachment",
        files={"file": ("internal.txt", b"internal")},
    )
    file = answer.json()[0]["id"]
    admin.ok_post(f"/data/tasks/{task}/comments/{shown}/reply", {"text": "An answer"})
    listed = here.ok_get(f"{here.page}/comments")
    assert [row["id"] for row in listed] == [said_there, said_here, shown]
    assert listed[2]["replies"][0]["person"]["full_name"] == listed[2]["person"]["full_name"]
    assert not {"previews", "mentions", "acknowledgements"} & listed[0].keys()
    assert listed[0]["person"]["is_guest"] is True
    hidden = here.get(f"{here.page}/attachment-files/{file}/file/internal.txt")
    assert (hidden.status_code, hidden.json()["error"]) == (404, "Attachment not found")
    admin.ok_put(f"/data/projects/{shared.show['id']}", {"is_clients_isolated": True})
    listed = here.ok_get(f"{here.page}/comments")
    assert [row["id"] for row in listed] == [said_here, shown], "clients who are kept apart do not hear each other"


def test_files_of_comments(server: Server, shared: Shared, page: str, admin: Client) -> None:
    guest = Guest(server.api, page)
    comment = guest.said(shared)
    answer = guest.attach(comment["id"], b"<script>alert(1)</script>", "note.html", kind="text/html")
    assert answer.status_code == 201, answer.text
    (file,) = answer.json()["attachment_files"]
    assert (file["name"], file["size"], file["extension"]) == ("note.html", 25, "html")
    shown = guest.get(f"{page}/attachment-files/{file['id']}/file/anything")
    assert (shown.content, shown.headers["content-disposition"]) == (
        b"<script>alert(1)</script>",
        "attachment; filename=note.html",
    )
    picture = guest.attach(comment["id"], png(), "pose.png", kind="image/png").json()["attachment_files"][1]
    place_of = f"{page}/attachment-files/{picture['id']}/file/pose.png"
    assert guest.get(place_of).headers["content-type"] == "image/png"
    assert "attachment" not in guest.get(place_of).headers.get("content-disposition", "")
    odd = guest.attach(comment["id"], b"x", "odd.txt", kind="text/ü").json()["attachment_files"][2]
    assert guest.get(f"{page}/attachment-files/{odd['id']}/file/odd.txt").status_code == 200
    assert guest.attach(comment["id"], guest_id="").status_code == 403
    assert guest.attach(comment["id"], guest_id="none").status_code == 400
    nothing = guest.post(f"{page}/comments/{comment['id']}/attachments", params={"guest_id": guest.id})
    assert (nothing.status_code, len(nothing.json()["attachment_files"])) == (201, 3)
    one = f"{page}/comments/{comment['id']}/attachments"
    me = {"guest_id": guest.id}
    assert guest.delete(f"{one}/{comment['id']}", params=me).status_code == 404
    assert guest.delete(f"{one}/none", params=me).status_code == 404
    guest.ok_delete(f"{one}/{file['id']}", json=me)
    assert guest.get(f"{page}/attachment-files/{file['id']}/file/x").status_code == 404
    many = {f"file-{n}": (f"{n}.txt", b"x") for n in range(19)}
    full = guest.call("POST", one, data=me, files=many)
    assert (full.status_code, "20" in full.text) == (400, True)
    assert len(admin.ok_get(f"/data/tasks/{shared.task['id']}/comments")[0]["attachment_files"]) == 2


def test_drawings_merge_with_those_of_others(guest: Guest, shared: Shared, admin: Client) -> None:
    preview = shared.preview["id"]
    assert guest.draw(preview, additions=[ARROW]).json()["annotations"] == [ARROW]
    circle = {"time": 0.5, "drawing": {"objects": [{"id": "circle", "type": "path"}]}}
    admin.ok_put(f"/actions/preview-files/{preview}/update-annotations", {"additions": [circle]})
    moved = {"time": 0.5, "drawing": {"objects": [{"id": "arrow", "type": "path", "left": 9}]}}
    row = guest.draw(preview, updates=[moved]).json()
    assert {drawn["id"]: drawn.get("left") for drawn in row["annotations"][0]["drawing"]["objects"]} == {
        "circle": None,
        "arrow": 9,
    }
    events = admin.ok_get("/data/events/last", params={"project_id": shared.show["id"], "limit": 1})
    assert (events[0]["name"], events[0]["data"]["person_id"]) == ("preview-file:annotation-update", guest.id)
    row = guest.draw(preview, deletions=[{"time": 0.5, "objects": ["arrow", "circle"]}], additions=None).json()
    assert row["annotations"] == []
    wrong: list[dict[str, Any]] = [{"additions": [{"drawing": {}}]}, {"additions": [3]}, {"deletions": [{"time": "x"}]}]
    for changes in wrong:
        assert guest.draw(preview, **changes).status_code == 400
    assert guest.draw(shared.hidden["id"], additions=[ARROW]).status_code == 403
    assert guest.draw(shared.show["id"], additions=[ARROW]).status_code == 404


def test_the_page_shows_entries_in_their_preview_alone(admin: Client, server: Server, anonymous: Client) -> None:
    shared = share(admin)
    preview = shared.preview
    beside = place(admin, shared.task["id"], preview["comment_id"])
    assert upload(admin, beside["id"], png()).status_code == 201
    gone = {"entity_id": shared.show["id"], "preview_file_id": None, "preview_file_width": 77}
    bare = {"id": shared.aside["id"], "preview_file_annotations": ["stale"]}
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE playlist SET shots = shots || %s::jsonb WHERE id = %s",
            [f"[{json.dumps(gone)}, {json.dumps(bare)}, 3, {{}}]", shared.playlist["id"]],
        )
    page = anonymous.ok_get(shared.page())
    first, second, third, empty = page["shots"]
    assert (first["name"], first["parent_name"]) == (shared.asset["name"], "Character")
    assert first["preview_file_status"] == "ready"
    assert [row["id"] for row in first["preview_file_previews"]] == [beside["id"]]
    assert {"annotations", "status", "duration"} <= first["preview_file_previews"][0].keys()
    assert second == {"id": shared.show["id"], "entity_id": shared.show["id"], "preview_files": {}}
    assert third["name"] == shared.aside["name"]
    assert empty == {"id": None, "preview_files": {}}
    assert not [key for key in third if key.startswith("preview_file_")]
    assert (page["project_name"], page["project_fps"]) == (shared.show["name"], "25")


def test_shots_are_named_with_their_sequence(admin: Client, anonymous: Client) -> None:
    show = factories.production(admin, production_type="tvshow")
    kinds: dict[str, Any] = {}
    for kind, above in (("Episode", None), ("Sequence", "Episode"), ("Shot", "Sequence")):
        if not admin.ok_get("/data/entity-types", params={"name": kind}):
            admin.ok_post("/data/entity-types", {"name": kind})
        kinds[kind] = factories.entity(admin, show["id"], kind, parent_id=above and kinds[above]["id"])
    shots = [{"entity_id": kinds["Shot"]["id"]}]
    names = []
    for more in ({"is_for_all": True}, {"episode_id": kinds["Episode"]["id"]}):
        row = {"name": unique("Cut"), "project_id": show["id"], "shots": shots, **more}
        made = admin.ok_post("/data/playlists", row)
        link = admin.ok_post(f"/data/playlists/{made['id']}/share", {})
        names.append(anonymous.ok_get(f"/shared/playlists/{link['token']}")["shots"][0]["parent_name"])
    assert names == [f"{kinds['Episode']['name']} / {kinds['Sequence']['name']}", kinds["Sequence"]["name"]]


def test_media_are_served_as_to_those_who_signed_in(shared: Shared, page: str, admin: Client, server: Server) -> None:
    anonymous, preview = Client(server.api), shared.preview["id"]
    for path in ("pictures/thumbnails/preview-files/{}.png", "pictures/originals/preview-files/{}.png"):
        theirs, ours = anonymous.get(f"{page}/{path.format(preview)}"), admin.get(f"/{path.format(preview)}")
        assert theirs.content == ours.content
        for name in ("content-type", "cache-control", "etag", "accept-ranges"):
            assert theirs.headers[name] == ours.headers[name]
        again = anonymous.get(f"{page}/{path.format(preview)}", headers={"If-None-Match": theirs.headers["etag"]})
        assert again.status_code == 304
        part = anonymous.get(f"{page}/{path.format(preview)}", headers={"Range": "bytes=0-3"})
        assert (part.status_code, part.content) == (206, ours.content[:4])
    theirs = anonymous.get(f"{page}/preview-files/{preview}/download")
    assert (
        theirs.headers["content-disposition"]
        == (admin.get(f"/pictures/originals/preview-files/{preview}/download").headers["content-disposition"])
    )
    waiting = place(admin, shared.task["id"], shared.preview["comment_id"])
    thumbnail = f"{page}/pictures/thumbnails/preview-files/{waiting['id']}.png"
    assert anonymous.get(thumbnail, headers={"Accept": "image/*"}).headers["cache-control"] == "no-store"
    assert anonymous.get(thumbnail, headers={"Accept": "application/json"}).status_code == 202


def test_avatars_are_those_of_authors(server: Server, admin: Client) -> None:
    shared = share(admin)
    author, other = (factories.hire(admin, "manager") for _ in range(2))
    for member in (author, other):
        factories.join(admin, shared.show["id"], member)
        files = {"file": ("face.png", png())}
        assert admin.call("POST", f"/pictures/thumbnails/persons/{member.id}", files=files).status_code == 201
    page, anonymous = shared.page(), Client(server.api)
    body = {"task_status_id": shared.status(), "comment": "Look"}
    at = f"{page}/pictures/thumbnails/persons"
    said = author.ok_post(f"/actions/tasks/{shared.task['id']}/comment", body)
    assert anonymous.get(f"{at}/{author.id}.png").status_code == 404, "of an internal comment"
    admin.ok_put(f"/data/comments/{said['id']}", {"for_client": True})
    assert anonymous.get(f"{at}/{author.id}.png").status_code == 200
    assert anonymous.get(f"{at}/{other.id}.png").status_code == 404
    other.ok_post(f"/data/tasks/{shared.task['id']}/comments/{said['id']}/reply", {"text": "Yes"})
    assert anonymous.get(f"{at}/{other.id}.png").status_code == 200


def test_a_guest_on_another_production_of_the_same_asset_sees_nothing_of_it(admin: Client, server: Server) -> None:
    """A preview of another entity that an old entry names is not shown."""
    shared = share(admin)
    foreign = share(admin)
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        entry = {"entity_id": shared.asset["id"], "preview_file_id": foreign.preview["id"]}
        connection.execute(
            "UPDATE playlist SET shots = %s::jsonb WHERE id = %s", [f"[{json.dumps(entry)}]", shared.playlist["id"]]
        )
    page, anonymous = shared.page(), Client(server.api)
    assert anonymous.get(f"{page}/preview-files/{foreign.preview['id']}").status_code == 403
    assert "preview_file_id" not in anonymous.ok_get(page)["shots"][0]
    assert published(admin, admin, shared.task["id"])["id"] not in anonymous.get(page).text
