"""A new comment costs less: its document is written with a kept plan, and nothing is looked for to be dropped."""

from alembic import op

from pegbar.core.data.migrations import run_script
from pegbar.core.data.migrations.versions.m0019_search import DOCUMENTS, SAYS_SOMETHING, writing

revision = "0038"
down_revision = "0037"

_SCRIPT = f"""
CREATE OR REPLACE FUNCTION pegbar.search_comment_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
  said uuid[] := ARRAY(SELECT c.id FROM after_change c WHERE {SAYS_SOMETHING});
BEGIN
  IF said <> '{{}}' THEN
    PERFORM pegbar.search_add_comment(said);
  END IF;
  RETURN NULL;
END $$;
"""  # noqa: S608 - a constant


def upgrade() -> None:
    """Keep the plans of all documents; add those of new comments without a look for what they say no more."""
    connection = op.get_bind()
    for table in DOCUMENTS:
        run_script(connection, writing(table))
    run_script(connection, _SCRIPT)
