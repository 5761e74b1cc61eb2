"""Comments that say nothing have no document: an import makes thousands of them, and search looks at none."""

from alembic import op

from pegbar.core.data.migrations import run_script
from pegbar.core.data.migrations.versions.m0019_search import DOCUMENTS, SAYS_SOMETHING, writing

revision = "0036"
down_revision = "0035"

_SCRIPT = f"""
CREATE OR REPLACE FUNCTION pegbar.search_comment_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  said uuid[] := ARRAY(SELECT c.id FROM after_change c WHERE {SAYS_SOMETHING});
BEGIN
  IF said <> '{{}}' THEN
    PERFORM pegbar.search_write_comment(said);
  END IF;
  RETURN NULL;
END $$;
"""  # noqa: S608 - a constant


def upgrade() -> None:
    """Pass over new comments that say nothing; find rows that are found no longer by their ids."""
    connection = op.get_bind()
    run_script(connection, _SCRIPT)
    for table in DOCUMENTS:
        run_script(connection, writing(table))
