"""The numbers of budget revisions that are gone are not given again."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0007"
down_revision = "0006"

_TABLE = """
CREATE TABLE IF NOT EXISTS pegbar.budget_revision (
  project_id UUID NOT NULL,
  last INTEGER NOT NULL,
  CONSTRAINT budget_revision_pkey PRIMARY KEY (project_id)
)
"""


def upgrade() -> None:
    """Remember the last one of each production."""
    run_script(op.get_bind(), _TABLE)
