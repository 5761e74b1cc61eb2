"""The context is sent again when it may have changed, by whomever. Source: spec user, "Worth fixing"."""

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sqlalchemy import Executable, select

from pegbar.core.data.compiled import compiled
from pegbar.core.data.migrations.versions.m0035_marks_of_the_studio import MORE, NEW
from pegbar.workspace import context
from tests import factories
from tests.client import Client, unique
from tests.entities.shows import Show
from tests.server import Server
from tests.tasks.test_comments import say, status
from tests.timesheets.test_time import person

#: The tables of which a change marks the studio (of entities, that of an episode), or everything.
MARKED = MORE.keys() | NEW.keys() | {"entity_type", "project_status"}
#: What is told by another mark, or read by the validator itself.
_OTHERWISE = {"notification", "pegbar.team_addition"}


def tables_of(statement: Executable) -> set[str]:
    """The tables that a statement reads."""
    return set(re.findall(r"(?:FROM|JOIN)\s+(?:LATERAL\s+)?\(?\s*([a-z_.]+)", compiled(statement).sql))


@pytest.mark.parametrize("role", ["admin", "manager", "user", "client", "vendor"])
def test_every_table_of_the_context_leaves_marks(role: str) -> None:
    tables = tables_of(context.context(context.Viewer(role))) - _OTHERWISE
    assert {"project", "person", "search_filter"} <= tables <= MARKED


@pytest.mark.parametrize("manages", [True, False])
@pytest.mark.parametrize("role", ["admin", "manager", "supervisor", "user", "client", "vendor"])
def test_what_viewers_share_is_the_same_for_all_of_them(role: str, manages: bool) -> None:
    viewer = context.Viewer(role, manages)
    shared = {key: value for key, value in context.keys(viewer).items() if key not in context.own_keys(viewer)}
    assert {"task_types", "task_status", "departments"} <= shared.keys()
    assert not compiled(select(*shared.values())).of_caller & {"caller_id", "caller_departments"}
    assert {"notification_count", "project_roles", "search_filters"} <= context.own_keys(viewer)
    assert ("persons" in shared) is (role == "admin" or (role in ("supervisor", "user") and not manages))


def test_what_viewers_share_is_as_the_database_has_it(admin: Client, server: Server) -> None:
    show = Show(admin)
    one, other, manager = (show.join(person(admin, role)) for role in ("user", "user", "manager"))
    for who in (one, other, manager, admin):
        who.ok_get("/data/user/context")

    def seen(who: Client, key: str) -> list[Any]:
        rows: list[Any] = who.ok_get("/data/user/context")[key]
        return rows

    for _ in range(2):  # by a process that has what it was before
        department = admin.ok_post("/data/departments", {"name": unique("Roto"), "color": "#000000"})
        for who in (one, other, manager, admin):
            assert department["id"] in {row["id"] for row in seen(who, "departments")}
    with psycopg.connect(server.database_url, autocommit=True) as database:
        database.execute("UPDATE person SET first_name = 'Elsewhere' WHERE id = %s", [other.id])
    for who in (one, other, manager, admin):
        (row,) = [row for row in seen(who, "persons") if row["id"] == other.id]
        assert row["first_name"] == "Elsewhere"
    # Who manages somebody sees more of them than who did not a moment ago.
    assert "email" not in {**next(row for row in seen(one, "persons") if row["id"] == other.id)}
    factories.join(admin, show.id, one, "manager")
    assert "email" in {**next(row for row in seen(one, "persons") if row["id"] == other.id)}
    assert seen(one, "project_roles") == {show.id: "manager"}
    assert seen(other, "project_roles") == {}


def test_a_context_that_changed_is_sent_again(admin: Client, server: Server) -> None:
    show = Show(admin)
    artist, other = show.join(person(admin, "user")), person(admin, "user")
    task = factories.task(admin, show.asset(), assignees=[artist.id])
    search = {"list_type": "asset", "name": "Mine", "search_query": "x", "project_id": show.id}

    def tag(who: Client) -> str:
        return str(who.get("/data/user/context").headers["etag"])

    with psycopg.connect(server.database_url, autocommit=True) as database:
        changes: list[Callable[[], Any]] = [
            lambda: say(admin, task, status(admin, "Todo"), "Hello"),  # a notification
            lambda: admin.ok_put(show.path, {"description": "x"}),
            show.episode,
            lambda: factories.hire(admin),
            lambda: admin.ok_post("/data/search-filters", {**search, "person_id": artist.id}),
            lambda: admin.ok_post("/data/search-filters", {**search, "person_id": admin.id, "is_shared": True}),
            lambda: admin.ok_post("/data/departments", {"name": unique("Roto"), "color": "#000000"}),
            lambda: database.execute("UPDATE task_type SET priority = priority WHERE name = 'Modeling'"),
            lambda: database.execute("UPDATE project SET fps = '30' WHERE id = %s", [show.id]),
            lambda: database.execute("UPDATE person SET phone = '1' WHERE id = %s", [artist.id]),
            lambda: database.execute("DELETE FROM project_person_link WHERE person_id = %s", [artist.id]),
        ]
        for number, change in enumerate(changes):
            before = tag(artist)
            known = {"If-None-Match": before}
            same = artist.get("/data/user/context", headers=known)
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", before)
            assert int(same.headers["server-timing"].split('"')[1].split()[0]) == 1, "the caller's, and no other"
            change()
            assert artist.get("/data/user/context", headers=known).status_code == 200, number
        # What is somebody else's own changes nobody else's.
        before = tag(other)
        admin.ok_post("/data/search-filters", {**search, "person_id": artist.id, "name": "Own", "project_id": None})
        factories.task(admin, show.asset())
        assert other.get("/data/user/context", headers={"If-None-Match": before}).status_code == 304
