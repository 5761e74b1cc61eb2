"""Share links: made, changed, revoked; what they allow, and to whom they open."""

from typing import Any

import psycopg
import pytest

from tests import factories
from tests.accounts.conftest import beside
from tests.client import Client, unique
from tests.media.publishing import published
from tests.review.sharing import Guest, Shared, share
from tests.server import Server


@pytest.fixture(scope="module")
def shared(admin: Client) -> Shared:
    return share(admin)


def statements(answer: Any) -> str:
    return str(answer.headers["server-timing"])


def test_a_link_is_made_listed_changed_and_revoked(shared: Shared, admin: Client, anonymous: Client) -> None:
    made = shared.link(label="For the agency", expiration_date="2040-01-02")
    assert made["expiration_date"] == "2040-01-02T23:59:59"
    assert (made["can_comment"], made["can_annotate"], made["can_download"]) == (True, True, True)
    assert (made["has_password"], made["label"], "password" in made) == (False, "For the agency", False)
    assert made in admin.ok_get(shared.links)
    one, page = f"{shared.links}/{made['token']}", f"/shared/playlists/{made['token']}"
    changed = admin.ok_put(one, {"can_comment": False, "can_download": False, "expiration_date": None})
    assert changed["expiration_date"] is None
    assert (changed["can_annotate"], changed["can_download"], changed["label"]) == (False, False, "For the agency")
    assert anonymous.ok_get(page)["share"] == {"can_comment": False, "can_annotate": False, "can_download": False}
    assert admin.ok_put(one, {"can_annotate": True, "can_download": None, "label": None})["label"] is None
    assert anonymous.ok_get(page)["share"] == {"can_comment": False, "can_annotate": True, "can_download": True}
    admin.ok_put(one, {"expiration_date": "2020-01-01T10:00:00+02:00"})
    assert next(row for row in admin.ok_get(shared.links) if row["id"] == made["id"])["expiration_date"] == (
        "2020-01-01T08:00:00"
    )
    assert anonymous.get(page).status_code == 404
    for _ in range(2):
        assert admin.call("DELETE", one).json()["is_active"] is False
    assert admin.put(one, {"label": "x"}).status_code == 404
    assert made["id"] not in {row["id"] for row in admin.ok_get(shared.links)}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expiration_date": "someday"}, "expiration_date"),
        ({"expiration_date": "2030-13-01"}, "expiration_date"),
        ({"can_comment": None}, "can_comment"),
        ({"can_download": "perhaps"}, "can_download"),
        ({"password": "x" * 73}, "password"),
        ({"label": "x" * 201}, "label"),
    ],
)
def test_what_no_link_can_have_is_refused_by_its_name(shared: Shared, body: dict[str, Any], field: str) -> None:
    before = shared.admin.ok_get(shared.links)
    answer = shared.admin.post(shared.links, body)
    assert answer.status_code == 400
    assert field in answer.text
    assert shared.admin.ok_get(shared.links) == before


def test_tokens_are_not_in_the_database(shared: Shared, server: Server, anonymous: Client) -> None:
    made = shared.link()
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        query = "SELECT token FROM playlist_share_link WHERE id = %s"
        (stored,) = connection.execute(query, [made["id"]]).fetchone() or ("",)
        whole = connection.execute(
            "SELECT l::text || coalesce(s::text, '') FROM playlist_share_link l"
            " LEFT JOIN pegbar.share_link s ON s.playlist_share_link_id = l.id WHERE l.id = %s",
            [made["id"]],
        ).fetchone()
        assert whole is not None
        assert made["token"] not in whole[0]
        assert made["token"].encode().hex() not in whole[0]
        # Whoever read the database has the hash: it opens nothing.
        assert anonymous.get(f"/shared/playlists/{stored}").status_code == 404
        # The link of another server, which stores tokens plainly, goes on working.
        plain = unique("plain").replace(" ", "-")
        connection.execute(
            "INSERT INTO playlist_share_link (id, token, playlist_id, created_by, is_active, can_comment)"
            " SELECT gen_random_uuid(), %s, playlist_id, created_by, true, true FROM playlist_share_link WHERE id = %s",
            [plain, made["id"]],
        )
    assert anonymous.ok_get(f"/shared/playlists/{plain}")["id"] == shared.playlist["id"]
    assert plain in {row["token"] for row in shared.admin.ok_get(shared.links)}
    shared.admin.ok_put(f"{shared.links}/{plain}", {"can_download": False})
    assert anonymous.ok_get(f"/shared/playlists/{plain}")["share"]["can_download"] is False
    assert shared.admin.call("DELETE", f"{shared.links}/{plain}").status_code == 200
    assert anonymous.get(f"/shared/playlists/{plain}").status_code == 404


def test_who_shares_is_decided_by_the_role_on_the_production(shared: Shared, admin: Client) -> None:
    """From "Worth fixing" 13: not by the role in the studio first."""
    people = {role: factories.hire(admin, role) for role in ("manager", "supervisor", "user", "client", "vendor")}
    for member in people.values():
        factories.join(admin, shared.show["id"], member)
    promoted, demoted, outside = (factories.hire(admin, role) for role in ("user", "manager", "manager"))
    factories.join(admin, shared.show["id"], promoted, "manager")
    factories.join(admin, shared.show["id"], demoted, "user")
    token = shared.link()["token"]
    for who, may in [
        *((member, role == "manager") for role, member in people.items()),
        (promoted, True),
        (demoted, False),
        (outside, False),
    ]:
        assert who.get(shared.links).status_code == (200 if may else 403)
        assert who.post(shared.links, {}).status_code == (201 if may else 403)
        assert who.put(f"{shared.links}/{token}", {}).status_code == (200 if may else 403)
        assert who.post(f"{shared.links}/{token}/invite", {}).status_code == (200 if may else 403)
        assert may or who.delete(f"{shared.links}/{token}").status_code == 403
    elsewhere = f"/data/playlists/{share(admin).playlist['id']}/share/{token}"
    assert [admin.put(elsewhere, {}).status_code, admin.delete(elsewhere).status_code] == [404, 404]


def test_a_password_opens_every_address(shared: Shared, server: Server) -> None:
    def asked(address: str, **options: Any) -> Any:
        return Client(server.api).get(address, **options)  # without cookies

    page = shared.page(password="open sesame")
    guest_page = f"{page}/guest"
    picture = f"{page}/pictures/thumbnails/preview-files/{shared.preview['id']}.png"
    refused = asked(page)
    assert refused.status_code == 404
    for address in (page, f"{page}/context", f"{page}/comments", picture):
        assert asked(address).text == refused.text, "no answer tells that there is a link"
        assert asked(address, params={"password": "open says me"}).text == refused.text
        assert asked(address, params={"password": "open sesame"}).status_code == 200
        assert asked(address, headers={"X-Share-Password": "open sesame"}).status_code == 200
    assert Client(server.api).post(guest_page, {"first_name": "Gil"}).status_code == 404
    browser = Client(server.api)
    answer = browser.get(page, params={"password": "open sesame"})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert f"Path=/api{page};" in cookie
    assert [browser.get(address).status_code for address in (page, picture)] == [200, 200], "the pass is in a cookie"
    assert browser.post(guest_page, {"first_name": "Gil"}).status_code == 201
    token = page.rpartition("/")[2]
    shared.admin.ok_put(f"{shared.links}/{token}", {"password": "another"})
    assert browser.get(picture).status_code == 404, "a pass is good for the password it was given for"
    assert browser.get(page, params={"password": "open sesame"}).status_code == 404
    assert browser.get(page, params={"password": "another"}).status_code == 200
    shared.admin.ok_put(f"{shared.links}/{token}", {"password": ""})
    assert Client(server.api).get(page, params={"password": "whatever"}).status_code == 200


def test_a_browser_is_asked_for_the_password(shared: Shared, server: Server) -> None:
    """The web UI asks for none."""
    page = shared.page(password="open sesame")
    token, browser = page.rpartition("/")[2], Client(server.api)
    asked = browser.get(f"{page}/enter", headers={"Accept-Language": "fr,en;q=0.8"})
    assert (asked.status_code, asked.headers["cache-control"]) == (200, "no-store")
    assert "Mot de passe" in asked.text
    unknown = browser.get(f"/shared/playlists/{shared.show['id']}/enter", headers={"Accept-Language": "fr"})
    assert unknown.text == asked.text, "it looks the same where there is no link"
    wrong = browser.call("POST", f"{page}/enter", data={"password": "open says me"})
    assert (wrong.status_code, "This is not the password" in wrong.text) == (403, True)
    assert browser.get(page).status_code == 404
    right = browser.call("POST", f"{page}/enter", data={"password": "open sesame"})
    assert (right.status_code, right.headers["location"]) == (
        303,
        f"https://localhost:8080/playlists/shared/{token}",
    )
    assert browser.get(page).status_code == 200
    assert browser.get(f"{page}/enter").status_code == 303, "who is in goes on"
    assert Client(server.api).get(f"{shared.page()}/enter").status_code == 303, "nothing is asked for"


def test_passwords_are_not_guessed(shared: Shared, anonymous: Client) -> None:
    page = shared.page(password="open sesame")
    guesses = [anonymous.get(page, params={"password": f"guess {n}"}).status_code for n in range(7)]
    assert guesses[:4] == [404] * 4
    assert guesses[-1] == 429
    closed = anonymous.get(page, params={"password": "open sesame"})
    assert (closed.status_code, int(closed.headers["retry-after"]) > 0) == (429, True)
    assert anonymous.get(shared.page(password="another")).status_code == 404, "another link is not closed"


def test_a_link_says_what_it_allows(shared: Shared, server: Server) -> None:
    """At every address, whatever the page shows."""
    page = shared.page()
    token = page.rpartition("/")[2]
    guest = Guest(server.api, page)
    comment = guest.said(shared)
    picture, download = (
        f"{page}/pictures/originals/preview-files/{shared.preview['id']}.png",
        f"{page}/preview-files/{shared.preview['id']}/download",
    )
    one = f"{page}/comments/{comment['id']}"
    shared.admin.ok_put(f"{shared.links}/{token}", {"can_comment": False, "can_download": False})
    arrow = [{"time": 0, "drawing": {"objects": [{"id": "a"}]}}]
    for refused in (
        guest.say(shared.task["id"], shared.status()),
        guest.post(f"{page}/comments", {}),  # before the body is looked at
        guest.put(one, {"guest_id": guest.id, "text": "x"}),
        guest.delete(one, params={"guest_id": guest.id}),
        guest.attach(comment["id"]),
        guest.delete(f"{one}/attachments/{comment['id']}", params={"guest_id": guest.id}),
        guest.draw(shared.preview["id"], additions=arrow),
        guest.get(download),
    ):
        assert refused.status_code == 403, refused.text
        assert refused.json()["error"] == refused.json()["message"]
    assert guest.get(picture).status_code == 200
    assert guest.post(f"{page}/guest", {"first_name": "Late"}).status_code == 201
    shared.admin.ok_put(f"{shared.links}/{token}", {"can_annotate": True, "can_download": True})
    assert guest.draw(shared.preview["id"], additions=arrow).status_code == 200
    assert guest.say(shared.task["id"], shared.status()).status_code == 403
    assert "attachment" in guest.get(download).headers["content-disposition"]
    shared.admin.ok_put(f"{shared.links}/{token}", {"can_comment": True, "can_annotate": False})
    assert guest.draw(shared.preview["id"], additions=arrow).status_code == 403
    assert guest.say(shared.task["id"], shared.status()).status_code == 201


def test_originals_that_nobody_looks_at_are_downloads(admin: Client, anonymous: Client) -> None:
    shared = share(admin)
    model, manual = (
        published(admin, admin, shared.task["id"], b"# a model", "model.obj"),
        published(admin, admin, shared.task["id"], b"%PDF-1.4", "manual.pdf"),
    )
    shots = [{"entity_id": shared.asset["id"], "preview_file_id": row["id"]} for row in (model, manual)]
    admin.ok_put(f"/data/playlists/{shared.playlist['id']}", {"shots": shots})
    page = shared.page(can_download=False)
    at = f"{page}/pictures/originals/preview-files"
    assert anonymous.get(f"{at}/{model['id']}.obj").status_code == 403
    assert anonymous.get(f"{at}/{model['id']}.pdf").status_code == 403, "its bytes under another name"
    assert anonymous.get(f"{at}/{manual['id']}.pdf").content == b"%PDF-1.4"
    assert anonymous.get(f"{at}/{manual['id']}.mp4").status_code == 400
    free = f"{shared.page()}/pictures/originals/preview-files"
    assert anonymous.get(f"{free}/{model['id']}.obj").content == b"# a model"


def test_a_revoked_link_is_gone_at_once_on_every_node(shared: Shared, server: Server) -> None:
    page = shared.page()
    with beside(server, DEBUG="true") as node:
        here, there = Guest(server.api, page), Guest(node.api, page)
        comment = there.said(shared)
        token = page.rpartition("/")[2]
        assert shared.admin.call("DELETE", f"{shared.links}/{token}").status_code == 200
        preview = shared.preview["id"]
        for guest in (here, there):
            for path in (
                "",
                "/context",
                "/comments",
                f"/preview-files/{preview}",
                f"/preview-files/{preview}/download",
                f"/pictures/originals/preview-files/{preview}.png",
                f"/pictures/thumbnails/persons/{guest.id}.png",
            ):
                assert guest.get(page + path).status_code == 404, path
            assert guest.say(shared.task["id"], shared.status()).status_code == 404
            assert guest.put(f"{page}/comments/{comment['id']}", {"guest_id": guest.id, "text": "x"}).status_code == 404
            assert guest.attach(comment["id"]).status_code == 404
            assert guest.draw(preview).status_code == 404
            assert guest.post(f"{page}/guest", {"guest_id": guest.id}).status_code == 404
    thread = shared.admin.ok_get(f"/data/tasks/{shared.task['id']}/comments")
    assert comment["id"] in {row["id"] for row in thread}, "what was said stays"


def test_reads_are_one_statement(shared: Shared, anonymous: Client) -> None:
    page, preview = shared.page(), shared.preview["id"]
    for path in ("", "/context", "/comments", f"/preview-files/{preview}"):
        assert statements(anonymous.get(page + path)) == 'db;desc="1 statements"', path
    # The picture's place in the storage is one more.
    picture = anonymous.get(f"{page}/pictures/thumbnails/preview-files/{preview}.png")
    assert statements(picture) in ('db;desc="1 statements"', 'db;desc="2 statements"')


def test_invitations_are_mailed_in_the_language_of_who_gets_them(admin: Client, server: Server) -> None:
    """Without a mail server mails are in the log, as text: what is escaped in their HTML reads as it was written."""
    shared = share(admin, name=unique("<Dailies> & more"))
    made = shared.link(password="x", expiration_date="2040-01-02")
    invite = f"{shared.links}/{made['token']}/invite"
    names = {"first_name": "Zoé", "last_name": unique("Client"), "role": "client", "locale": "fr_FR"}
    known = admin.ok_post("/data/persons", {**names, "email": f"{unique('zoe').replace(' ', '.')}@example.com"})
    guest = Guest(server.api, f"/shared/playlists/{shared.link()['token']}")
    ann = unique("Ann").replace(" ", ".") + "@example.com"
    for wrong in (["nobody"], [ann, "wrong@"]):
        answer = admin.post(invite, {"emails": wrong})
        assert (answer.status_code, answer.json()["error"]) == (400, answer.json()["message"])
    body = {
        "emails": [ann, ann.upper(), known["email"].upper()],
        "person_ids": [known["id"], guest.id, shared.show["id"]],
        "message": "<b>Look</b> soon",
    }
    assert admin.ok_post(invite, body)["sent"] == [ann, known["email"]]
    for address in (ann, known["email"]):
        server.wait_for_text(f"to={address}")
        # Its subject stands before, its text behind; lines of other processes may come in between.
        before, _, after = server.text().partition(f"to={address}")
        mail = before.rpartition("\n")[2] + after[:4000]
        assert f"https://localhost:8080/api/shared/playlists/{made['token']}/enter" in mail
        assert shared.playlist["name"] in mail
        assert "<b>Look</b> soon" in mail
        assert "2040" in mail
        assert ("mot de passe" if address == known["email"] else "password") in mail
    with psycopg.connect(server.database_url) as connection:
        jobs = connection.execute("SELECT args::text FROM pegbar.procrastinate_jobs").fetchall()
    assert not any(made["token"] in arguments for (arguments,) in jobs), "no token lies in the queue"
    admin.ok_put(f"{shared.links}/{made['token']}", {"expiration_date": "2020-01-01"})
    assert admin.post(invite, {"emails": [ann]}).status_code == 400
    admin.call("DELETE", f"{shared.links}/{made['token']}")
    assert admin.post(invite, {"emails": [ann]}).status_code == 404


def test_a_playlist_that_goes_takes_its_links_with_it(admin: Client, server: Server, anonymous: Client) -> None:
    shared = share(admin)
    page = shared.page()
    guest = Guest(server.api, page)
    comment = guest.said(shared)
    admin.ok_delete(f"/data/playlists/{shared.playlist['id']}")
    assert anonymous.get(page).status_code == 404
    with psycopg.connect(server.database_url) as connection:
        for table in ("share_link", "share_usage"):
            query = f"SELECT count(*) FROM pegbar.{table} WHERE playlist_share_link_id NOT IN"
            assert connection.execute(f"{query} (SELECT id FROM playlist_share_link)").fetchone() == (0,)
    thread = admin.ok_get(f"/data/tasks/{shared.task['id']}/comments")
    assert comment["id"] in {row["id"] for row in thread}
