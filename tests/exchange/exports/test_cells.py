"""CSV as PostgreSQL writes it, beside Python's own writer."""

import csv
import io

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import column, select

from pegbar.core.data.compiled import compiled
from pegbar.exchange.exports.cells import cell
from tests.server import Server


@pytest.fixture(scope="module")
def database(server: Server) -> psycopg.Connection:
    return psycopg.connect(server.database_url, autocommit=True)


_CELL = str(compiled(select(cell(column("text")))).sql).partition("SELECT ")[2]
_PIECES = st.sampled_from([";", '"', "\n", "\r", "\r\n", "é", "🦊", "=1", "'", ",", " ", "\t", "\\", "\\n", "x"])


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(_PIECES).map("".join), min_size=1, max_size=30))
def test_a_cell_is_quoted_as_python_does(database: psycopg.Connection, texts: list[str]) -> None:
    query = f"SELECT {_CELL} FROM unnest(%s::text[]) WITH ORDINALITY AS u (text, n) ORDER BY n".replace("%s", "$1")
    cells = [row[0] for row in psycopg.RawCursor(database).execute(query, [texts]).fetchall()]
    for text, written in zip(texts, cells, strict=True):
        line = io.StringIO(newline="")
        csv.writer(line, delimiter=";").writerow([text, "x"])
        assert f"{written};x\r\n" == line.getvalue()
