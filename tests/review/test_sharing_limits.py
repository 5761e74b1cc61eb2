"""Strangers who have a link can fill neither the disk nor the day of those who read their comments."""

from collections.abc import Iterator

import psycopg
import pytest

from pegbar.config import Settings
from tests.client import Client
from tests.review.sharing import Guest, Shared, share
from tests.server import Server

LIMITS = Settings()
ARROW = [{"time": 0, "drawing": {"objects": [{"id": "a"}]}}]


@pytest.fixture(scope="module")
def shared(admin: Client) -> Shared:
    return share(admin)


@pytest.fixture
def database(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield connection


def used(database: psycopg.Connection, page: str, link_id: str, **amounts: int) -> None:
    """So much was done by a link within this hour."""
    assignments = ", ".join(f"{name} = %s" for name in amounts)
    query = f"UPDATE pegbar.share_usage SET {assignments} WHERE playlist_share_link_id = %s"
    assert database.execute(query, [*amounts.values(), link_id]).rowcount == 1


def test_what_guests_do_in_an_hour_is_limited(shared: Shared, server: Server, database: psycopg.Connection) -> None:
    link = shared.link()
    page = f"/shared/playlists/{link['token']}"
    guest = Guest(server.api, page)
    comment = guest.said(shared)
    used(
        database,
        page,
        link["id"],
        guests=LIMITS.share_guests_per_hour,
        comments=LIMITS.share_comments_per_hour - 1,
        drawings=LIMITS.share_drawings_per_hour,
    )
    late = Client(server.api).post(f"{page}/guest", {"first_name": "Late"})
    assert (late.status_code, "retry-after" in late.headers) == (429, True)
    assert guest.post(f"{page}/guest", {"guest_id": guest.id}).status_code == 200, "who is there comes back"
    assert guest.draw(shared.preview["id"], additions=ARROW).status_code == 429
    assert guest.say(shared.task["id"], shared.status()).status_code == 201
    one, me = f"{page}/comments/{comment['id']}", {"guest_id": guest.id}
    refused = [
        guest.say(shared.task["id"], shared.status()),
        guest.put(one, {**me, "text": "x"}),
        guest.attach(comment["id"]),
        guest.delete(f"{one}/attachments/{comment['id']}", params=me),
        guest.delete(one, params=me),
    ]
    assert [answer.status_code for answer in refused] == [429] * 5
    assert len(guest.ok_get(f"{page}/comments")) == 2, "reading is not limited, and nothing was half written"
    other = Guest(server.api, shared.page())
    assert other.say(shared.task["id"], shared.status()).status_code == 201, "another link has its own count"
    database.execute(
        "UPDATE pegbar.share_usage SET hour = hour - interval '1 hour' WHERE playlist_share_link_id = %s", [link["id"]]
    )
    assert guest.say(shared.task["id"], shared.status()).status_code == 201


def test_files_of_guests_are_limited_for_as_long_as_the_link_is_there(
    shared: Shared, server: Server, database: psycopg.Connection
) -> None:
    link = shared.link()
    page = f"/shared/playlists/{link['token']}"
    guest = Guest(server.api, page)
    comment = guest.said(shared)
    file = guest.attach(comment["id"], b"12345").json()["attachment_files"][0]
    guest.ok_delete(f"{page}/comments/{comment['id']}/attachments/{file['id']}", params={"guest_id": guest.id})
    counted = "SELECT bytes FROM pegbar.share_usage WHERE playlist_share_link_id = %s"
    assert database.execute(counted, [link["id"]]).fetchone() == (5,), "removed files may still be on the disk"
    used(database, page, link["id"], bytes=LIMITS.share_upload_total - 10)
    assert guest.attach(comment["id"], b"x" * 11).status_code == 413
    assert guest.attach(comment["id"], b"x" * 10).status_code == 201
    database.execute(
        "UPDATE pegbar.share_usage SET hour = hour - interval '1 day' WHERE playlist_share_link_id = %s", [link["id"]]
    )
    full = guest.attach(comment["id"], b"x")
    assert (full.status_code, full.json()["error"]) == (413, True)
    stored = "SELECT count(*) FROM attachment_file WHERE comment_id = %s"
    assert database.execute(stored, [comment["id"]]).fetchone() == (1,)
