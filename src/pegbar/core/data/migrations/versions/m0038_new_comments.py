"""A new comment costs less: its document is written at once, with a plan that is kept."""

from alembic import op

from pegbar.core.data.migrations import run_script
from pegbar.core.data.migrations.versions.m0019_search import BY_INDEX, DOCUMENTS, SAYS_SOMETHING, adding, writing

revision = "0038"
down_revision = "0037"

#: What is new has no document that would have to go.
_COMMENT = f"""
CREATE OR REPLACE FUNCTION pegbar.search_comment_insert() RETURNS trigger {BY_INDEX}
DECLARE
  ids uuid[] := ARRAY(SELECT c.id FROM after_change c WHERE {SAYS_SOMETHING});
BEGIN
  IF ids <> '{{}}' THEN
    {adding("comment")}
  END IF;
  RETURN NULL;
END $$;
"""  # noqa: S608 - a constant


def upgrade() -> None:
    """Keep the plans of all documents; write those of new comments in the trigger itself."""
    connection = op.get_bind()
    for table in DOCUMENTS:
        run_script(connection, writing(table))
    run_script(connection, _COMMENT)
