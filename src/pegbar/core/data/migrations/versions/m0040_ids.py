"""Ids that grow with the time (core/ids.py), where PostgreSQL makes them: from version 18 on."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0040"
down_revision = "0039"

_SCRIPT = """
DO $$
DECLARE
  maker text := CASE WHEN to_regprocedure('pg_catalog.uuidv7()') IS NULL THEN 'gen_random_uuid' ELSE 'uuidv7' END;
BEGIN
  EXECUTE format('CREATE FUNCTION pegbar.new_id() RETURNS uuid LANGUAGE sql RETURN pg_catalog.%I()', maker);
END $$;
"""


def upgrade() -> None:
    """Make the function."""
    run_script(op.get_bind(), _SCRIPT)
