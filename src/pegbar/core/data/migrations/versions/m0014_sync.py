"""How far copies from and to other servers are."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0014"
down_revision = "0013"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.sync_peer (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE,
    run integer NOT NULL,
    started_at timestamp NOT NULL,
    finished_at timestamp,
    cursor jsonb
);

CREATE TABLE IF NOT EXISTS pegbar.sync_list (
    peer_id uuid NOT NULL REFERENCES pegbar.sync_peer (id) ON DELETE CASCADE,
    name text NOT NULL,
    pages integer NOT NULL,
    finished_at timestamp,
    PRIMARY KEY (peer_id, name)
);

CREATE TABLE IF NOT EXISTS pegbar.sync_row (
    peer_id uuid NOT NULL REFERENCES pegbar.sync_peer (id) ON DELETE CASCADE,
    table_name text NOT NULL,
    row_id uuid NOT NULL,
    run integer NOT NULL,
    row jsonb,
    PRIMARY KEY (peer_id, table_name, row_id)
);

CREATE TABLE IF NOT EXISTS pegbar.sync_file (
    peer_id uuid NOT NULL REFERENCES pegbar.sync_peer (id) ON DELETE CASCADE,
    key text NOT NULL,
    version text NOT NULL,
    size bigint,
    PRIMARY KEY (peer_id, key)
);

CREATE TABLE IF NOT EXISTS pegbar.sync_id (
    peer_id uuid NOT NULL REFERENCES pegbar.sync_peer (id) ON DELETE CASCADE,
    table_name text NOT NULL,
    here uuid NOT NULL,
    there uuid NOT NULL,
    PRIMARY KEY (peer_id, table_name, here)
);
"""


def upgrade() -> None:
    """Add the tables."""
    run_script(op.get_bind(), _SCRIPT)
