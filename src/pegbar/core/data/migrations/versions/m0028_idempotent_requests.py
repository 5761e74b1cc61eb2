"""What was done under an `Idempotency-Key`, for a day."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0028"
down_revision = "0026"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.idempotent_request (
    digest bytea NOT NULL,
    person_id uuid NOT NULL,
    content bytea NOT NULL,
    status smallint NOT NULL,
    length integer NOT NULL,
    answer bytea,
    created_at timestamp NOT NULL,
    CONSTRAINT idempotent_request_pkey PRIMARY KEY (digest)
);
CREATE INDEX IF NOT EXISTS ix_pegbar_idempotent_request_person_id ON pegbar.idempotent_request (person_id);
CREATE INDEX IF NOT EXISTS ix_pegbar_idempotent_request_created_at ON pegbar.idempotent_request (created_at);
"""


def upgrade() -> None:
    """Add the table."""
    run_script(op.get_bind(), _SCRIPT)
