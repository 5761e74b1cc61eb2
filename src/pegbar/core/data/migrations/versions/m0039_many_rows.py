"""Many rows at once: ids grow with the time, and each new word of search is looked for once."""

from alembic import op

from pegbar.core.data.migrations import run_script
from pegbar.core.data.migrations.versions.m0019_search import DOCUMENTS, writing

revision = "0039"
down_revision = "0038"

_SCRIPT = """
-- Ids that grow with the time (core/data/identifiers.py), where PostgreSQL makes them.
DO $$
DECLARE
  maker text := CASE WHEN to_regprocedure('pg_catalog.uuidv7()') IS NULL THEN 'gen_random_uuid' ELSE 'uuidv7' END;
BEGIN
  EXECUTE format('CREATE FUNCTION pegbar.new_id() RETURNS uuid LANGUAGE sql RETURN pg_catalog.%I()', maker);
END $$;
"""


def upgrade() -> None:
    """Make the function of ids, and the functions of documents anew."""
    connection = op.get_bind()
    run_script(connection, _SCRIPT)
    for table in DOCUMENTS:
        run_script(connection, writing(table))
