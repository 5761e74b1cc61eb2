"""History: every change of every row, by whom and from where, written in the transaction that makes it.

Triggers (core/data/migrations/recording.py) add rows to `pegbar.history` for what each statement changed, whoever
wrote it: an older server and psql too. Which tables have them, and what of their rows is never told, is declared with
the table:

    table("milestone", …)                        all of it: rows of productions are, unless they say otherwise
    table("department", …, history="all")        rows of the studio say it
    table("news", …, history="deleted")          derived rows: only the row that goes, as it was
    table("api_event", …, history="none")        nothing
    Column("password", …, info=unrecorded())     not this column

`pegbar.change` has a row for each transaction of ours that changed something. Its number is taken by the first trigger
(`pegbar.this_change()`), so that all of them know it without a round trip; who and from where is added with the events
at the commit. Changes without such a row were made by somebody else who writes to the database.

What a row was at a moment follows from what it is, or was when it was deleted, by taking back what came later: so
neither a new row nor the first change of an old one needs a copy.
"""

from functools import lru_cache
from uuid import UUID

from sqlalchemy import Index, Table, func, text

from pegbar.core.data import belonging
from pegbar.core.data.causes import OF_TRANSACTION
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import (
    JSONB,
    OWN_SCHEMA,
    TIMESTAMP,
    BigInteger,
    Column,
    History,
    String,
    Text,
    Uuid,
    names,
    own_table,
)

change = own_table(
    "change",
    Column("id", BigInteger, primary_key=True, server_default=text("nextval('pegbar.change_id')")),
    Column("at", TIMESTAMP(timezone=True), nullable=False, server_default=func.now(), index=True),
    Column("person_id", Uuid, info=names("person", goes="null"), index=True),
    Column("origin", String(10), nullable=False),
    Column("request_id", Uuid, index=True),
    Column("method", String(10)),
    Column("route", Text),
    Column("parts", JSONB),  #: what it is a part of: {"batch": id}, {"import": id}, {"undo": id}…
)

#: Partitioned by month of `at`. `key`: the primary key of a row that is not told by one id, whose `row_id` is then that
#: of the row it belongs to first: an assignment's task. `old` and `new` of an update are the columns that it changed;
#: `old` of a deletion is the row.
history = own_table(
    "history",
    Column("id", BigInteger, nullable=False, server_default=text("nextval('pegbar.history_id')")),
    Column("change_id", BigInteger, nullable=False),
    Column("at", TIMESTAMP(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("table_name", Text, nullable=False),
    Column("row_id", Uuid, nullable=False),
    Column("key", JSONB),
    Column("project_id", Uuid),
    Column("op", String(1), nullable=False),
    Column("old", JSONB),
    Column("new", JSONB),
    Index("ix_history_row", "row_id", "id"),
    Index("ix_history_project", "project_id", "id"),
    Index("ix_history_change", "change_id"),
)


@lru_cache(None)
def recorded(table: Table) -> History | None:
    """What is told of the changes of a table's rows; None when nothing says it."""
    declared: History | None = table.info.get("history")
    if declared is not None:
        return declared
    if table.schema == OWN_SCHEMA:
        return "none"
    return "all" if belonging.belongs(table) else None


@lru_cache(None)
def left_out(table: Table) -> tuple[str, ...]:
    """The columns of a table whose values no history tells."""
    return tuple(column.name for column in table.columns if column.info.get("history") == "none")


@lru_cache(None)
def key_of(table: Table) -> tuple[str, ...]:
    """The columns that tell rows of a table apart, when it is not `id` alone."""
    columns = tuple(column.name for column in table.primary_key.columns)
    return () if columns == ("id",) else columns


@lru_cache(None)
def subject_of(table: Table) -> str:
    """The column whose value is the `row_id` of a row: its id, or that of the row it belongs to first."""
    key = key_of(table)
    if not key:
        return "id"
    of_production = {column.name for column in belonging.references(table)}
    return next((name for name in key if name in of_production), key[0])


#: From when on all changes are known.
start = own_table("history_start", Column("at", TIMESTAMP(timezone=True), nullable=False))

#: What somebody who is gone for good did stays, by nobody. What is about their account goes, and so do the contents of
#: the rows that went with it in this transaction; elsewhere their id becomes null.
_FORGET = (
    sql("DELETE FROM pegbar.history WHERE row_id = :person_id"),
    sql(
        f"""
        UPDATE pegbar.history h SET old = NULL, new = NULL
          FROM pegbar.history gone
         WHERE gone.change_id = {OF_TRANSACTION} AND gone.op = 'D' AND h.row_id = gone.row_id
           AND h.table_name = gone.table_name AND h.key IS NOT DISTINCT FROM gone.key
        """  # noqa: S608 - a constant
    ),
    sql(
        """
        UPDATE pegbar.history h
           SET key = pegbar.without_person(key, :name), old = pegbar.without_person(old, :name),
               new = pegbar.without_person(new, :name)
         WHERE concat(key, old, new) LIKE '%' || :name || '%'
        """,
        name=Text,
    ),
    sql("UPDATE pegbar.change SET person_id = NULL WHERE person_id = :person_id"),
)

#: What is kept apart of deleted rows (core/data/migrations/keeping.py) is history as well: what went with them is not
#: kept, what is in the trash names them no more.
_FORGET_REMAINDERS = (
    sql(
        f"""
        DELETE FROM pegbar.trash_remainder
         WHERE change_id = {OF_TRANSACTION} AND row::text LIKE '%' || :name || '%'
        """,  # noqa: S608 - a constant
        name=Text,
    ),
    sql(
        """
        UPDATE pegbar.trash_remainder SET row = pegbar.without_person(row, :name)
         WHERE row::text LIKE '%' || :name || '%'
        """,
        name=Text,
    ),
)


async def forget(tx: Transaction, person_id: UUID) -> None:
    """Have the history name a person no more whose row was just deleted for good."""
    about_account, about_theirs, elsewhere, by_them = _FORGET
    await tx.execute(about_account, person_id=person_id)
    await tx.execute(about_theirs)
    await tx.execute(elsewhere, name=str(person_id))
    await tx.execute(by_them, person_id=person_id)
    for of_remainders in _FORGET_REMAINDERS:
        await tx.execute(of_remainders, name=str(person_id))
