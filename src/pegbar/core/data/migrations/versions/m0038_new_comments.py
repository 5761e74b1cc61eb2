"""A new comment costs less: triggers write its document and its news at once, with plans that are kept."""

from alembic import op

from pegbar.core.data.migrations import run_script
from pegbar.core.data.migrations.versions.m0019_search import BY_INDEX, DOCUMENTS, SAYS_SOMETHING, adding, writing
from pegbar.core.data.migrations.versions.m0022_tallies import AS_OURS, NEWS

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

#: The plan is made for a session when a statement may bring many rows, and is kept for those that bring one.
_NEWS = f"""
CREATE OR REPLACE FUNCTION pegbar.tally_news_insert() RETURNS trigger {AS_OURS}
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  PERFORM FROM public.comment WHERE id IN (SELECT comment_id FROM after_change) FOR SHARE;
  {NEWS.keeping("after_change r")}
  RETURN NULL;
END $$;
"""  # noqa: S608 - a constant


def upgrade() -> None:
    """Keep the plans of all documents; write what comes with new comments in the triggers themselves."""
    connection = op.get_bind()
    for table in DOCUMENTS:
        run_script(connection, writing(table))
    for function in (_COMMENT, _NEWS):
        run_script(connection, function)
