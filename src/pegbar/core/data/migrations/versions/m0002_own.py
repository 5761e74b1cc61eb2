"""Pegbar's own tables and the job queue, in the PostgreSQL schema `pegbar`."""

from pathlib import Path

from alembic import op
from procrastinate.schema import SchemaManager

from pegbar.core.data.migrations import run_script

revision = "0002"
down_revision = "0001"

#: The queue's functions name its tables without a schema: each looks in ours first, whoever calls it.
_PIN_FUNCTIONS = """
DO $$
DECLARE f regprocedure;
BEGIN
  FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = 'pegbar'::regnamespace AND proname LIKE 'procrastinate%' LOOP
    EXECUTE format('ALTER FUNCTION %s SET search_path = pegbar, public', f);
  END LOOP;
END $$
"""


def upgrade() -> None:
    """Create them."""
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_name("own.sql").read_text())
    run_script(connection, "SET LOCAL search_path = pegbar, public")
    run_script(connection, SchemaManager.get_schema())
    run_script(connection, "SET LOCAL search_path = public")
    run_script(connection, _PIN_FUNCTIONS)
