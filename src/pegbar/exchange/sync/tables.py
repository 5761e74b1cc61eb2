"""What is kept of other servers: how far a copy is, and what was copied from them.

It is in the database, not in a file, so that progress commits with the rows it is about: whatever is killed, neither
is ahead of the other. All of it is of no use without the other server, and goes with its peer.
"""

from pegbar.core.data.schema import JSONB, TIMESTAMP, BigInteger, Column, Integer, Text, Uuid, own_table, reference


def _peer() -> Column[object]:
    return reference(
        "pegbar.sync_peer", "peer_id", on_delete="CASCADE", primary_key=True, index=False, goes="with", made=False
    )


#: Another server, for one purpose: a pull of everything or of some productions, a push, or one comparison.
sync_peer = own_table(
    "sync_peer",
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("run", Integer, nullable=False),
    Column("started_at", TIMESTAMP, nullable=False),
    Column("finished_at", TIMESTAMP),
    Column("cursor", JSONB),
)

#: The lists of the run under way: how many pages are read, and when the last one was.
sync_list = own_table(
    "sync_list",
    _peer(),
    Column("name", Text, primary_key=True),
    Column("pages", Integer, nullable=False),
    Column("finished_at", TIMESTAMP),
)

#: The rows that the other server has, by the run that saw them last; without their content once it is written here.
sync_row = own_table(
    "sync_row",
    _peer(),
    Column("table_name", Text, primary_key=True),
    Column("row_id", Uuid, primary_key=True),
    Column("run", Integer, nullable=False),
    Column("row", JSONB),
)

#: The files copied, by the version of the row that they belong to.
sync_file = own_table(
    "sync_file",
    _peer(),
    Column("key", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("size", BigInteger),
)

#: Rows that have another id there: the studio's own, which the API does not take with theirs.
sync_id = own_table(
    "sync_id",
    _peer(),
    Column("table_name", Text, primary_key=True),
    Column("here", Uuid, primary_key=True),
    Column("there", Uuid, nullable=False),
)
