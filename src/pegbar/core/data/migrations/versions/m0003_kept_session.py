"""A session that outlives the password change it made itself."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Remember which session goes on."""
    run_script(op.get_bind(), "ALTER TABLE pegbar.session_floor ADD COLUMN IF NOT EXISTS kept VARCHAR(60)")
