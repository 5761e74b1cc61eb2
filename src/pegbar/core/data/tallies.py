"""Tallies: counts and sums that are kept as rows change, so that no page counts what it does not show.

Triggers (core/migrations/versions/m0022_tallies.py) add a row for what each statement changed, whoever wrote it: how
many more or fewer there are of a key. Nobody waits for a count that others change, as they would for one row that all
update; and as only sums matter, the order of commits does not. Whoever reads adds up what their snapshot sees: it is
what counting the rows would give. A job folds the many rows of a key into one.

What is counted by columns of other tables (a piece of news by the production of its task) is kept beside the row
(`kept_rows`), which gives its pages an index in their order too.
"""

# ruff: noqa: S608 - names of ours

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Table, TextClause, literal_column, text

from pegbar.core.data.schema import Boolean, Column, Uuid, own_table


@dataclass(frozen=True)
class Tally:
    """A declared tally: the columns that it counts by, and those that it sums up."""

    table: Table
    keys: tuple[str, ...]
    amounts: tuple[str, ...]


#: What stands for none in a key: it takes no null.
NOBODY = literal_column(f"'{UUID(int=0)}'", Uuid)

TALLIES: list[Tally] = []
#: The tables that keep what rows are counted by.
KEPT: list[Table] = []


def tally(name: str, keys: list[Column[Any]], amounts: list[Column[Any]]) -> Table:
    """A tally; the first of its amounts is how many rows there are of a key."""
    folded = Column("folded", Boolean, nullable=False, server_default="false")
    columns = [*keys, *amounts]
    for column in columns:
        column.nullable = False
    table = own_table(name, *columns, folded)
    TALLIES.append(Tally(table, tuple(key.name for key in keys), tuple(amount.name for amount in amounts)))
    return table


def kept_rows(name: str, *columns: Column[Any]) -> Table:
    """A table that keeps what the rows of another one are counted by."""
    table = own_table(name, *columns)
    KEPT.append(table)
    return table


@lru_cache
def fold(of: Tally) -> TextClause:
    """One row for each key of which something changed. What is added meanwhile stays for the next time."""
    keys, amounts = ", ".join(of.keys), ", ".join(of.amounts)
    same = " AND ".join(f"t.{key} = c.{key}" for key in of.keys)
    sums = ", ".join(f"sum({name})" for name in of.amounts)
    some = " OR ".join(f"sum({name}) <> 0" for name in of.amounts)
    return text(
        f"""
        WITH changed AS (SELECT DISTINCT {keys} FROM {of.table} WHERE NOT folded),
             old AS (DELETE FROM {of.table} t USING changed c WHERE {same} RETURNING t.*)
        INSERT INTO {of.table} ({keys}, {amounts}, folded)
        SELECT {keys}, {sums}, true FROM old GROUP BY {keys} HAVING {some} ORDER BY {keys}
        """
    )


# Whether they are right

#: Not in a transaction that is REPEATABLE READ: it must see what others committed before they were held off.
RECOUNT = text("SELECT pegbar.recount_tallies()")


def differences(connection: Connection) -> dict[str, int]:
    """How many keys or rows of each table here are not as the rows counted say; only those of which some are.

    Everything is compared in one snapshot: run it in a transaction that is REPEATABLE READ.
    """
    wrong = {of.table.name: connection.execute(_compared(of)).scalar_one() for of in TALLIES}
    wrong |= {table.name: connection.execute(_compared_rows(table)).scalar_one() for table in KEPT}
    return {name: count for name, count in wrong.items() if count}


def _compared(of: Tally) -> TextClause:
    keys = ", ".join(of.keys)
    sums = ", ".join(f"sum({name}) AS {name}" for name in of.amounts)
    some = " OR ".join(f"sum({name}) <> 0" for name in of.amounts)
    now = f"SELECT {keys}, {sums} FROM {{}} GROUP BY {keys} HAVING {some}"
    return _different(now.format(of.table), now.format(f"pegbar.count_{of.table.name}() counted"))


def _compared_rows(table: Table) -> TextClause:
    columns = ", ".join(table.columns.keys())
    rows = f"SELECT {columns} FROM {{}}"
    return _different(rows.format(table), rows.format(f"pegbar.rows_of_{table.name}()"))


def _different(one: str, other: str) -> TextClause:
    return text(
        f"""
        SELECT count(*) FROM (
          ({one} EXCEPT ALL {other}) UNION ALL ({other} EXCEPT ALL {one})
        ) different
        """
    )
