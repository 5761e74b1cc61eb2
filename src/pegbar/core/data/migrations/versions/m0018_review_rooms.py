"""Review rooms: who is in them, and what they look at."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0018"
down_revision = "0017"

_SCRIPT = """
CREATE UNLOGGED TABLE IF NOT EXISTS pegbar.review_room (
    playlist_id uuid PRIMARY KEY,
    state jsonb NOT NULL
);

CREATE UNLOGGED TABLE IF NOT EXISTS pegbar.review_presence (
    playlist_id uuid NOT NULL,
    socket text NOT NULL,
    node integer NOT NULL,
    person_id uuid NOT NULL,
    in_people boolean NOT NULL,
    since timestamp NOT NULL,
    PRIMARY KEY (playlist_id, socket)
);
CREATE INDEX IF NOT EXISTS ix_review_presence_node ON pegbar.review_presence (node);
CREATE INDEX IF NOT EXISTS ix_review_presence_person_id ON pegbar.review_presence (person_id);
"""


def upgrade() -> None:
    """Add the tables."""
    run_script(op.get_bind(), _SCRIPT)
