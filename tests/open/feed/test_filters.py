"""The filter of the feed is the same rule in SQL and in Python; listeners that are slow are left behind."""

import asyncio
import json
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from pegbar.core.data.migrations import connect
from pegbar.core.http.access import Token
from pegbar.core.live.cursors import Cursor, parsed, stem, written
from pegbar.open.feed import listeners
from pegbar.open.feed.filters import CONDITION, Filter
from pegbar.open.feed.listeners import Listener
from tests.server import Server

_IDS = [UUID(int=number) for number in range(1, 4)]
_KEYS = ("task_id", "shot_id", "asset_instance_id", "note")
_PARTS = ("task", "shot", "asset_instance", "asset-instance", "a.b", "%", "x")
_names = st.builds(":".join, st.lists(st.sampled_from(_PARTS), min_size=1, max_size=3))
_words = st.lists(st.sampled_from([*_PARTS[:4], "x", ":", "*", "_"]), min_size=1, max_size=4)
_patterns = st.lists(st.builds("".join, _words), max_size=3)
_EVENT = text(
    f"SELECT {CONDITION}"
    "  FROM (SELECT :name ::text AS name, :project ::uuid AS project_id, :payload ::text AS payload) o"
)


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[Connection]:
    with connect(server.database_url) as connection:
        yield connection


@given(
    names=_patterns,
    only_project=st.none() | st.sampled_from(_IDS),
    thing=st.none() | st.tuples(st.sampled_from(["task", "asset-instance", "entity", "it"]), st.sampled_from(_IDS)),
    name=_names,
    project=st.none() | st.sampled_from(_IDS),
    payload=st.dictionaries(st.sampled_from(_KEYS), st.sampled_from([*map(str, _IDS), "x", None])),
)
@settings(max_examples=80)
def test_a_filter_says_the_same_in_sql_and_in_python(
    database: Connection,
    names: list[str],
    only_project: UUID | None,
    thing: tuple[str, UUID] | None,
    name: str,
    project: UUID | None,
    payload: dict[str, str | None],
) -> None:
    only = Filter(tuple(names), only_project, *(thing or (None, None)))
    told = json.dumps(payload)
    row = database.execute(_EVENT, {**only.parameters, "name": name, "project": project, "payload": told}).scalar()
    assert row is only.matches(name, project, told)


_number = st.integers(0, 2**60)
_snapshots = st.builds("{}:{}:{}".format, _number, _number, st.sampled_from(["", "7", "7,9,12"]))


@given(st.tuples(_snapshots, _number, st.none() | _snapshots, _number))
def test_a_cursor_is_read_as_it_was_written(parts: tuple[str, int, str | None, int]) -> None:
    cursor = Cursor(*parts)
    assert parsed(written(cursor)) == cursor
    assert parsed(f"{stem(cursor)}.{cursor.position}") == cursor


def listener() -> Listener:
    return Listener(Token(sub=uuid4(), jti="a", type="access", identity_type="person", iat=0), Filter())


def at(position: int) -> Cursor:
    return Cursor("1:1:", 0, "2:2:", position)


def test_a_slow_listener_is_left_behind_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "_WAITING", 10)

    async def run() -> None:
        slow = listener()
        slow.tell(b"12345", at(1))
        assert (await slow.taken(), slow.cursor) == (b"12345", at(1))
        slow.tell(b"67890", at(2))
        slow.keep_alive(at(3))
        slow.tell(b"123456", at(4))
        slow.tell(b"1", at(5))
        assert (await slow.taken(), slow.cursor, slow.behind) == (b"", at(1), True)

    asyncio.run(run())


def test_a_listener_is_told_everything_before_its_end() -> None:
    async def run() -> None:
        quick = listener()
        waiting = asyncio.create_task(quick.taken())
        await asyncio.sleep(0)
        for number in (1, 2):
            quick.tell(b"%d" % number, at(number))
        quick.end("over")
        quick.end("again")
        assert (await waiting, quick.cursor) == (b"12", at(2))
        assert (await quick.taken(), quick.ended) == (b"", "over")

    asyncio.run(run())
