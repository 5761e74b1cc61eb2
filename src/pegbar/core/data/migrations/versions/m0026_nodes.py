"""Which processes run, as they tell of themselves."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0026"
down_revision = "0022"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.node (
    host varchar(255) NOT NULL,
    process integer NOT NULL,
    kind varchar(10) NOT NULL,
    version varchar(40) NOT NULL,
    settings jsonb NOT NULL,
    started_at timestamp NOT NULL DEFAULT timezone('utc', now()),
    seen_at timestamp NOT NULL DEFAULT timezone('utc', now()),
    CONSTRAINT node_pkey PRIMARY KEY (host, process)
);
"""


def upgrade() -> None:
    """Add the table."""
    run_script(op.get_bind(), _SCRIPT)
