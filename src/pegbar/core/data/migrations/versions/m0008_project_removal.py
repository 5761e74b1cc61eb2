"""Productions that are being deleted: hidden at once, emptied by a job."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0008"
down_revision = "0007"

_TABLE = """
CREATE TABLE IF NOT EXISTS pegbar.project_removal (
  project_id UUID PRIMARY KEY,
  project_name VARCHAR(80) NOT NULL,
  requested_by UUID,
  requested_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
  updated_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
  total BIGINT NOT NULL,
  removed BIGINT NOT NULL,
  doing VARCHAR(40) NOT NULL,
  last_error TEXT
)
"""


def upgrade() -> None:
    """Add the table of their progress."""
    run_script(op.get_bind(), _TABLE)
