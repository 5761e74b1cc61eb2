"""Many rows at once: what the log of events names is held once for a statement, and ids grow with the time."""

from alembic import op

from pegbar.core.data.migrations import holding, run_script
from pegbar.core.data.migrations.versions.m0019_search import DOCUMENTS, writing

revision = "0039"
down_revision = "0038"

_SCRIPT = """
-- How what was dropped of another server's tables is made, for when it gets them back.
CREATE TABLE pegbar.set_aside (
  number INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  statement TEXT NOT NULL
);

-- Ids that grow with the time (core/data/identifiers.py), where PostgreSQL makes them.
DO $$
DECLARE
  maker text := CASE WHEN to_regprocedure('pg_catalog.uuidv7()') IS NULL THEN 'gen_random_uuid' ELSE 'uuidv7' END;
BEGIN
  EXECUTE format('CREATE FUNCTION pegbar.new_id() RETURNS uuid LANGUAGE sql RETURN pg_catalog.%I()', maker);
END $$;
"""


def upgrade() -> None:
    """Make the triggers, and drop what they do in place of it; find each new word of search once."""
    connection = op.get_bind()
    run_script(connection, _SCRIPT)
    holding.install(connection)
    for table in DOCUMENTS:
        run_script(connection, writing(table))
