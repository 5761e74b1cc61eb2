"""Tables of imports."""

from sqlalchemy import Enum

from pegbar.core.data.schema import JSONB, TIMESTAMP, Column, Integer, String, own_table, reference, table

IMPORT_SOURCE = Enum("csv", "shotgun", name="import_source_enum")

data_import_error = table(
    "data_import_error",
    Column("event_data", JSONB, nullable=False),
    Column("source", IMPORT_SOURCE),
    history="none",
)

#: How far `pegbar import shotgrid` read the rows of a kind that belong to a production. A pass reads them by their ids;
#: what changed in ShotGrid up to `read_until` came with the passes before.
shotgrid_pass = own_table(
    "shotgrid_pass",
    reference("project", on_delete="CASCADE", index=False, primary_key=True, goes="with", made=False),
    Column("kind", String(30), primary_key=True),
    #: Of the site and its mapping: another one begins anew.
    Column("digest", String(40), nullable=False),
    Column("read_until", TIMESTAMP),
    #: When the pass under way began, by the site's clock, and the last row that it took.
    Column("began", TIMESTAMP),
    Column("last_id", Integer, nullable=False),
    #: Ids of rows that could not come over, to be tried again.
    Column("waiting", JSONB, nullable=False),
)
