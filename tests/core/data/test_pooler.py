"""The core of the suite again, with a pooler between the server and its database.

Requests have three connections there, and another one for each transaction: what relied on a session would be lost.
"""

import json
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.client import Client, sign_in
from tests.command import pegbar
from tests.core.data.test_transactions import *  # noqa: F403 - the tests
from tests.core.live.test_news import test_an_event_that_nobody_told_of_reaches_the_sockets  # noqa: F401
from tests.core.live.test_realtime import test_events_of_one_object_arrive_once_and_in_order  # noqa: F401
from tests.entities.test_boards import *  # noqa: F403
from tests.pooler import keeps_statements, needs_pgbouncer, pgbouncer
from tests.review.test_event_feed import *  # noqa: F403
from tests.server import ADMIN, Server
from tests.tasks.test_concurrent_changes import *  # noqa: F403

pytestmark = needs_pgbouncer


@pytest.fixture(scope="module")
def server(server: Server) -> Iterator[Server]:
    key = (server.folder / "secret.key").read_text()
    with pgbouncer(server.database_url) as pooler:
        pooled = Server(
            None,
            DATABASE_URL=server.database_url,
            SECRET_KEY=key,
            PREVIEW_FOLDER=str(server.folder / "previews"),
            PEGBAR_POOLED_DATABASE_URL=pooler,
            PEGBAR_POOLED_STATEMENTS=str(keeps_statements()),
        )
        with pooled:
            yield pooled


@pytest.fixture(scope="module")
def admin(server: Server) -> Client:
    return sign_in(server.api, *ADMIN)


def test_requests_come_through_it_and_share_few_connections(server: Server, admin: Client) -> None:
    pooler = server.environment["PEGBAR_POOLED_DATABASE_URL"].replace("/pegbar?", "/pgbouncer?")
    with psycopg.connect(pooler, autocommit=True, row_factory=dict_row) as console:

        def shown(what: str) -> dict[str, int]:
            # Its console knows no extended protocol.
            (row,) = [row for row in console.execute(f"SHOW {what}").fetchall() if row["database"] == "pegbar"]
            return row

        before = shown("STATS")["total_xact_count"]
        admin.ok_get("/data/user/context")
        assert shown("STATS")["total_xact_count"] > before
        pool = shown("POOLS")
        assert sum(pool[state] for state in ("sv_active", "sv_idle", "sv_used", "sv_login")) <= 3


def test_the_doctor_looks_at_it(server: Server) -> None:
    environment = {"PEGBAR_POOLED_DATABASE_URL": server.environment["PEGBAR_POOLED_DATABASE_URL"]}
    done = pegbar("doctor", "--json", "--only", "pooler", "--database-url", server.database_url, **environment)
    assert json.loads(done.stdout)["checks"][0]["severity"] == "ok", done.stdout
    environment = {"PEGBAR_POOLED_DATABASE_URL": server.database_url.replace("/pegbar?", "/postgres?")}
    done = pegbar("doctor", "--json", "--only", "pooler", "--database-url", server.database_url, **environment)
    assert "another database" in done.stdout
