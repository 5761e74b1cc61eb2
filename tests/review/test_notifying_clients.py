"""Clients are told that a playlist is ready: in their inbox, and by mail as they want it, in their language."""

from typing import Any

import psycopg

from tests import factories
from tests.accounts.mailbox import html_of
from tests.client import Client, unique
from tests.notifications.test_messages import Post, person, post
from tests.review.test_playlists import new_playlist

__all__ = ["post"]


def told(post: Post, playlist_id: str) -> set[str]:
    with psycopg.connect(post.server.database_url) as connection:
        query = "SELECT person_id FROM notification WHERE playlist_id = %s AND type = 'playlist-ready'"
        return {str(row[0]) for row in connection.execute(query, [playlist_id])}


def client(post: Post, name: str, **more: Any) -> Client:
    """Somebody who is not a bot: bots are told nothing."""
    made = person(post.admin, name, role="client", **more)
    with psycopg.connect(post.server.database_url) as connection:
        connection.execute("UPDATE person SET is_bot = false WHERE id = %s", [made.id])
    return made


def test_the_clients_of_a_team_are_told(post: Post) -> None:
    admin = post.admin
    studio = admin.ok_post("/data/studios", {"name": unique("Agency"), "color": "#ff0000"})
    department = admin.ok_post("/data/departments", {"name": unique("Story"), "color": "#ff0000"})
    ada = client(post, "Ada", notifications_enabled=True, locale="fr_FR", studio_id=studio["id"])
    sam = client(post, "Sam", departments=[department["id"]])
    away, bot, outside = client(post, "Al", active=False), person(admin, "Bot", role="client"), client(post, "Out")
    manager, artist = factories.hire(admin, "manager"), client(post, "Art")
    show = factories.production(admin, ada, sam, away, bot, manager)
    factories.join(admin, show["id"], artist, "user")
    shots = [{"entity_id": factories.entity(admin, show["id"])["id"]} for _ in range(2)]
    made = new_playlist(admin, show, shots=shots)
    path = f"/data/playlists/{made['id']}/notify-clients"

    assert manager.ok_post(path, {}) == {"status": "success"}
    assert told(post, made["id"]) == {ada.id, sam.id}
    mail = post.mailbox.next(str(ada.person["email"]))
    assert mail["Subject"] == f"[Kitsu] La playlist {made['name']} de {show['name']} est prête à être revue"
    assert f"/productions/{show['id']}/playlists/{made['id']}" in html_of(mail)
    assert "Elle a 2 éléments." in html_of(mail)

    for chosen, expected in (({"studio_id": studio["id"]}, ada), ({"department_id": department["id"]}, sam)):
        other = new_playlist(admin, show)  # which has no entries at all
        manager.ok_post(f"/data/playlists/{other['id']}/notify-clients", {**chosen, "unknown": ""})
        assert told(post, other["id"]) == {expected.id}
    assert post.mailbox.next(str(ada.person["email"]))
    nobody = {"studio_id": studio["id"], "department_id": department["id"]}
    last = new_playlist(admin, show)
    path = f"/data/playlists/{last['id']}/notify-clients"
    assert manager.ok_post(path, nobody) == {"status": "success"}
    assert told(post, last["id"]) == set()
    assert outside.id not in told(post, made["id"])
    assert manager.post(path, {"studio_id": "x"}).status_code == 400
    assert manager.post(f"/data/playlists/{show['id']}/notify-clients").status_code == 404
    supervisor = factories.hire(admin, "supervisor")
    factories.join(admin, show["id"], supervisor)
    assert supervisor.post(path).status_code == 403
    assert manager.ok_post(path, {"studio_id": "", "department_id": None}) == {"status": "success"}
    assert manager.ok_post(path) == {"status": "success"}
