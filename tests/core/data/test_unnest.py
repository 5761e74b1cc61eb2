"""Rows as parameters: what goes in as rows comes out of PostgreSQL, one or many."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import ARRAY

from pegbar.core.data.database import Database
from pegbar.core.data.schema import JSONB, TIMESTAMP, Boolean, Integer, String, Text, Uuid
from pegbar.core.data.unnest import AboutRows
from tests.server import Server

COLUMNS: dict[str, Any] = {
    "place": Integer, "key": Uuid, "text": Text, "flag": Boolean, "at": TIMESTAMP, "names": ARRAY(String),
    "ids": ARRAY(Uuid), "document": JSONB,
}  # fmt: skip
_READ = AboutRows(COLUMNS, lambda rows: f'SELECT * FROM ({rows}) AS given ORDER BY "place"')

_texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**31), 2**31) | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=5,
)
_rows = st.lists(
    st.fixed_dictionaries(
        {
            "key": st.uuids(),
            "text": st.none() | _texts,
            "flag": st.none() | st.booleans(),
            "at": st.none() | st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)),
            "names": st.none() | st.lists(_texts | st.sampled_from(["NULL", '"', "\\", "{}", ","]), max_size=3),
            "ids": st.none() | st.lists(st.uuids(), max_size=3),
            "document": st.lists(_json, max_size=3) | st.dictionaries(_texts, _json, max_size=3),
        }
    ),
    min_size=1,
    max_size=5,
)


@pytest.fixture(scope="module")
def loop() -> Any:
    with asyncio.Runner() as runner:
        yield runner


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_rows)
def test_rows_come_out_as_they_went_in(server: Server, loop: asyncio.Runner, rows: list[dict[str, Any]]) -> None:
    numbered = [{"place": place, **row} for place, row in enumerate(rows)]

    async def read() -> list[dict[str, Any]]:
        db = Database(server.database_url, size=1)
        await db.open()
        try:
            statement, params = _READ.of({name: [row[name] for row in numbered] for name in COLUMNS})
            return [dict(row) for row in await db.rows(statement, **params)]
        finally:
            await db.close()

    assert loop.run(read()) == numbered
