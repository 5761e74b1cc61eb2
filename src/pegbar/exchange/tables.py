"""Tables of imports."""

from sqlalchemy import Enum

from pegbar.core.data.schema import JSONB, Column, table

IMPORT_SOURCE = Enum("csv", "shotgun", name="import_source_enum")

data_import_error = table(
    "data_import_error",
    Column("event_data", JSONB, nullable=False),
    Column("source", IMPORT_SOURCE),
)
