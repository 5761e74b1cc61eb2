"""Nothing beyond the playlist is reached by its link: every id of a production, and of the studio, is tried.

One row of every table hangs on the production of the playlist, and on an asset beside it; each id is tried at every
address under the link, in its path, its query string and its body.
"""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pegbar.app import load_domains
from pegbar.core.data.schema import metadata
from pegbar.core.http.routing import Operation
from tests.client import Client
from tests.review.sharing import Guest, Shared, share
from tests.server import Server
from tests.whole.rows import Rows

OPERATIONS = [operation for operation in load_domains() if operation.path.startswith("/shared/")]
#: The page that asks for a password shows nothing.
OPERATIONS = [operation for operation in OPERATIONS if not operation.path.endswith("/enter")]
_PARAMETER = re.compile(r"\{(\w+):\w+\}")
_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_PLAIN = {"extension": "png", "file_name": "x"}


@pytest.fixture(scope="module")
def shared(admin: Client) -> Shared:
    return share(admin)


@pytest.fixture(scope="module")
def page(shared: Shared) -> str:
    return shared.page()


@pytest.fixture(scope="module")
def guest(server: Server, page: str) -> Guest:
    return Guest(server.api, page)


@pytest.fixture(scope="module")
def ids(server: Server, shared: Shared, guest: Guest) -> Iterator[dict[str, str]]:
    """Every id, by what it is of."""
    given = {
        "project": shared.show["id"],
        "entity": shared.aside["id"],
        "task": shared.task_aside["id"],
    }
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        rows = Rows(connection, given)
        every = {name: str(row_id) for name, row_id in rows.ids.items()}
        asked = [table for table in metadata.tables.values() if table.schema is None and "id" in table.c]
        assert len(every.keys() & {table.name for table in asked}) > 50
        every |= {
            "another revision of the shown task": shared.older["id"],
            "a preview beside it": shared.hidden["id"],
            "the shown entity": shared.asset["id"],
            "the playlist": shared.playlist["id"],
            "an internal comment on the shown task": shared.older["comment_id"],
            "a studio manager": shared.admin.id,
        }
        yield every


@pytest.fixture(scope="module")
def right(guest: Guest, shared: Shared) -> dict[str, Any]:
    """What paths and bodies hold that are answered."""
    comment = guest.said(shared)
    return {
        "guest_id": guest.id,
        "task_id": shared.task["id"],
        "task_status_id": shared.status(),
        "preview_file_id": shared.preview["id"],
        "comment_id": comment["id"],
        "attachment_file_id": guest.attach(comment["id"]).json()["attachment_files"][0]["id"],
        "additions": [{"time": 0, "drawing": {"objects": [{"id": "reach"}]}}],
        "text": "Again",
    }


def test_there_are_addresses() -> None:
    assert len(OPERATIONS) == 20
    assert sum(operation.method == "GET" for operation in OPERATIONS) == 13


def _asked(operation: Operation) -> list[str]:
    """The names under which an id may be tried: of the path, and of the body but statuses, which are the studio's."""
    names = [name for name in _PARAMETER.findall(operation.path) if name not in ("token", *_PLAIN)]
    fields = operation.body.__struct_fields__ if operation.body is not None else ("guest_id",)
    in_body = [name for name in ("guest_id", "task_id", "preview_file_id") if name in fields]
    return names + (in_body if operation.method != "GET" else [])


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: f"{operation.method} {operation.path}")
def test_no_other_id_is_answered(
    operation: Operation, page: str, ids: dict[str, str], guest: Guest, right: dict[str, Any]
) -> None:
    for name in _asked(operation):
        for what, value in ids.items():
            tried: dict[str, Any] = {**right, **_PLAIN, "person_id": value, name: value}
            path = operation.path.replace("/shared/playlists/{token:str}", page)
            for parameter in _PARAMETER.findall(path):
                path = re.sub(rf"\{{{parameter}:\w+\}}", tried[parameter], path)
            options: dict[str, Any] = (
                {} if operation.method == "GET" else {"json": tried, "params": {"guest_id": tried["guest_id"]}}
            )
            answer = guest.call(operation.method, path, **options)
            where = f"{name} is {what}: {answer.status_code} {answer.text[:200]}"
            if not operation.path.endswith("/guest"):
                assert answer.status_code in (400, 403, 404), where
            elif answer.status_code != 429:
                assert (answer.status_code, answer.json()["id"] in ids.values()) == (201, False), where


def test_what_is_shown_is_answered(page: str, guest: Guest, right: dict[str, Any]) -> None:
    """The other side: the same addresses answer for what the link shows."""
    preview, file = right["preview_file_id"], right["attachment_file_id"]
    for path in (
        f"/preview-files/{preview}",
        f"/preview-files/{preview}/download",
        f"/pictures/originals/preview-files/{preview}.png",
        f"/pictures/thumbnails/preview-files/{preview}.png",
        f"/attachment-files/{file}/file/x",
    ):
        assert guest.get(page + path).status_code == 200, path
    assert guest.put(f"{page}/comments/{right['comment_id']}", right).status_code == 200
    assert guest.put(f"{page}/annotations", right).status_code == 200
    assert guest.post(f"{page}/comments", right).status_code == 201


def test_the_page_names_nothing_else(page: str, guest: Guest, shared: Shared, ids: dict[str, str]) -> None:
    known = {shared.show["id"], shared.playlist["id"], shared.asset["id"], shared.task["id"], shared.preview["id"]}
    known |= {shared.admin.id, shared.task["task_type_id"]}
    assert set(_ID.findall(guest.get(page).text)) == known
    linked = {shared.show["id"], ids["task_type"], ids["task_status"]}
    assert set(_ID.findall(guest.get(f"{page}/context").text)) == linked
    comment = guest.said(shared)
    listed = guest.get(f"{page}/comments").text
    assert comment["id"] in listed
    assert shared.older["comment_id"] not in listed
    assert shared.hidden["id"] not in listed


def test_a_token_of_the_studio_opens_nothing_more(page: str, shared: Shared) -> None:
    """A login is ignored."""
    admin = shared.admin
    assert admin.get(f"{page}/preview-files/{shared.hidden['id']}").status_code == 403
    assert admin.get(f"{page}/preview-files/{shared.preview['id']}").status_code == 200
    assert admin.get("/shared/playlists/none").status_code == 404
    for token in ("%00", "a" * 200, "ü", "' OR true --"):
        assert admin.get(f"/shared/playlists/{token}").status_code == 404
