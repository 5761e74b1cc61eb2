"""Events are read by transaction: a node that lost its connection, and consumers with a cursor."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Find the events of the transactions since one."""
    run_script(op.get_bind(), "CREATE INDEX IF NOT EXISTS ix_outbox_xid ON pegbar.outbox (xid)")
