"""The JSON of rows: whole tables written in two ways, and values at the edges of what a column holds."""

from datetime import date, datetime
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, Boolean, Column, Date, Float, Integer, MetaData, String, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

from pegbar.core.data.compiled import compiled
from pegbar.core.data.wire import json_object, row_json, rows_of, wire_of
from tests.server import Server

_TABLE = Table(
    "of_all_types",
    MetaData(),
    Column("id", Uuid),
    Column("name", String(80)),
    Column("notes", Text),
    Column("amount", Integer),
    Column("hours", Float),
    Column("is_done", Boolean),
    Column("due", Date),
    Column("made_at", TIMESTAMP),
    Column("data", JSONB),
    Column("words", ARRAY(String)),
)
_WIRE = wire_of(_TABLE, "Sample")
_IN_FULL = select(json_object(_WIRE))
_BY_ROW = select(row_json(rows_of(_TABLE, _WIRE, "samples")))

_INSERTION = f"INSERT INTO of_all_types VALUES ({', '.join(f'%({column.name})s' for column in _TABLE.columns)})"

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | _TEXT,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(_TEXT, values, max_size=3),
    max_leaves=5,
)
_ROWS = st.fixed_dictionaries(
    {
        "id": st.none() | st.uuids(),
        "name": st.none() | _TEXT,
        "notes": st.none() | _TEXT,
        "amount": st.none() | st.integers(-(2**31), 2**31 - 1),
        "hours": st.none() | st.floats(),
        "is_done": st.none() | st.booleans(),
        "due": st.none() | st.dates(),
        "made_at": st.none() | st.datetimes(),
        "data": st.none() | _JSON,
        "words": st.none() | st.lists(_TEXT, max_size=3),
    }
)


@pytest.fixture(scope="module")
def samples(server: Server) -> Any:
    """A connection with an empty table of all types, which is its own."""
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        connection.execute(
            "CREATE TEMPORARY TABLE of_all_types (id uuid, name varchar, notes text, amount int, hours float8,"
            " is_done bool, due date, made_at timestamp, data jsonb, words varchar[])"
        )
        yield connection


def _texts(connection: psycopg.Connection, row: dict[str, Any]) -> list[str]:
    connection.execute("TRUNCATE of_all_types")
    values = {**row, "data": None if row["data"] is None else Jsonb(row["data"])}
    connection.execute(_INSERTION, values)
    statements = [compiled(statement).sql for statement in (_IN_FULL, _BY_ROW)]
    return [connection.execute(sql.encode()).fetchall()[0][0] for sql in statements]


@given(row=_ROWS)
def test_a_row_is_the_same_text_in_either_way(samples: psycopg.Connection, row: dict[str, Any]) -> None:
    in_full, by_row = _texts(samples, row)
    assert in_full == by_row
    value = msgspec.json.decode(in_full)
    assert (value["name"], value["words"], value["type"]) == (row["name"], row["words"], "Sample")
    assert list(value) == list(_WIRE)


def test_values_are_written_as_the_specification_has_them(samples: psycopg.Connection) -> None:
    row = dict.fromkeys(_TABLE.c.keys())
    for hours, text in ((120.0, "120.0"), (0.25, "0.25"), (float("nan"), "null"), (float("inf"), "null")):
        moment = datetime(2026, 1, 2, 3, 4, 5, 999999)
        for answer in _texts(samples, {**row, "hours": hours, "made_at": moment, "due": date(2026, 1, 2)}):
            assert f'"hours":{text},' in answer
            assert '"due":"2026-01-02","made_at":"2026-01-02T03:04:05",' in answer


def test_where_an_outer_join_has_no_row_there_is_none(samples: psycopg.Connection) -> None:
    samples.execute("TRUNCATE of_all_types")
    rows = rows_of(_TABLE, _WIRE, "samples")
    one = select(_TABLE.c.id).subquery("one")
    statement = select(row_json(rows)).select_from(one.outerjoin(rows, rows.c.name == "nobody"))
    samples.execute("INSERT INTO of_all_types (name) VALUES ('somebody')")
    sql = compiled(statement).sql.replace("$1::VARCHAR", "'nobody'")
    assert samples.execute(sql.encode()).fetchall() == [("null",)]
