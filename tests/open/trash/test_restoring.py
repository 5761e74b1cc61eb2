"""What was deleted comes back, byte for byte. Source: issue 13, "Trash"."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.client import Client, unique
from tests.factories import entity, named, production, task
from tests.media.publishing import published
from tests.open.trash.images import differences, files_of, rows_of
from tests.productions.test_deletion import _fill
from tests.server import Server


@pytest.fixture(scope="module")
def world(admin: Client, database: psycopg.Connection) -> dict[str, str]:
    """A production with one of everything, on whose task a picture is published."""
    show, other = production(admin), production(admin)
    hero, scene, guest = entity(admin, show["id"]), entity(admin, show["id"]), entity(admin, other["id"])
    ids = {"show": show["id"], "hero": hero["id"], "scene": scene["id"], "guest": guest["id"], "admin": admin.id}
    ids |= {"task": task(admin, hero, assignees=[admin.id])["id"], "name": unique("status")}
    ids["department"] = named(admin, "departments", "Modeling")["id"]
    words = "preview comment working output instance status playlist budget descriptor version group chat message"
    ids |= {word: str(uuid4()) for word in (*words.split(), "account", "stored")}
    _fill(database, ids)
    # Rows that are written by hand are counted by nobody.
    counted = "(SELECT count(*) FROM entity_link l WHERE l.entity_in_id = entity.id)"
    database.execute(f"UPDATE entity SET nb_entities_out = {counted} WHERE id = %s", (guest["id"],))
    published(admin, admin, ids["task"])
    # A share link with what is kept apart of it, and an annotation.
    admin.ok_post(f"/data/playlists/{ids['playlist']}/share", {"password": "open sesame"})
    return ids


def only_entry(who: Client, thing_id: str) -> dict[str, Any]:
    (entry,) = who.ok_get("/open/v1/trash", params={"thing_id": thing_id})["entries"]
    return dict(entry)


_DELETIONS = {
    "task": "/data/tasks/{task}?force=true",
    "preview": "/data/preview-files/{preview}",
    "comment": "/data/tasks/{task}/comments/{comment}",
    "playlist": "/data/playlists/{playlist}",
    "hero": "/data/assets/{hero}?force=true",
    "working": "/data/working-files/{working}?force=true",
    "descriptor": "/data/metadata-descriptors/{descriptor}",
    "budget": "/data/projects/{show}/budgets/{budget}",
    "version": "/data/production-schedule-versions/{version}",
    "group": "/data/user/filter-groups/{group}",
}


@pytest.mark.parametrize("thing", _DELETIONS)
def test_one_of_everything_comes_back_as_it_was(
    server: Server, admin: Client, database: psycopg.Connection, world: dict[str, str], thing: str
) -> None:
    rows, files = rows_of(database), files_of(server)
    admin.ok_delete(_DELETIONS[thing].format(**world))
    assert differences(rows, rows_of(database)) != []
    entry = only_entry(admin, world[thing])
    assert (entry["state"], entry["person_id"]) == ("whole", admin.id)
    tried = admin.ok_post(f"/open/v1/trash/{entry['id']}/restore", {"dry_run": True})
    assert (tried["state"], tried["rows"]) == ("would be restored", entry["rows"])
    assert only_entry(admin, world[thing]) == entry
    came = admin.ok_post(f"/open/v1/trash/{entry['id']}/restore", {})
    assert {**tried, "state": "restored"} == came
    assert (came["left_out"], came["forgotten"], came["written"]) == ({}, {}, [])
    assert differences(rows, rows_of(database)) == []
    assert files_of(server) == files
    assert admin.get(f"/open/v1/trash/{entry['id']}").status_code == 404
    assert admin.post(f"/open/v1/trash/{entry['id']}/restore", {}).status_code == 404
