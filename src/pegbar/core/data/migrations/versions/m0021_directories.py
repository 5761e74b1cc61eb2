"""Which directory people come from, and the last run over each."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0021"
down_revision = "0020"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.directory_person (
    person_id uuid PRIMARY KEY,
    directory varchar(40) NOT NULL,
    photo_digest varchar(64) NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS pegbar.directory_run (
    directory varchar(40) PRIMARY KEY,
    began_at timestamp NOT NULL,
    ended_at timestamp,
    problem text,
    counts jsonb
);
"""


def upgrade() -> None:
    """Add the tables."""
    run_script(op.get_bind(), _SCRIPT)
