"""Uploads that arrive in pieces, before the request that uses them."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0012"
down_revision = "0011"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.upload (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES public.person (id) ON DELETE CASCADE,
    name varchar(250) NOT NULL,
    content_type varchar(255) NOT NULL,
    metadata text NOT NULL,
    length bigint NOT NULL,
    received bigint NOT NULL,
    created_at timestamp NOT NULL,
    expires_at timestamp NOT NULL,
    wanted_at timestamp,
    claim uuid,
    claimed_until timestamp
);
CREATE INDEX IF NOT EXISTS ix_pegbar_upload_person_id ON pegbar.upload (person_id);
CREATE INDEX IF NOT EXISTS ix_pegbar_upload_expires_at ON pegbar.upload (expires_at);

CREATE TABLE IF NOT EXISTS pegbar.upload_part (
    upload_id uuid NOT NULL,
    name varchar(40) NOT NULL,
    start bigint NOT NULL,
    size bigint NOT NULL,
    stored boolean NOT NULL,
    created_at timestamp NOT NULL,
    PRIMARY KEY (upload_id, name)
);
"""


def upgrade() -> None:
    """Add the tables; parts are rows of their own only where binaries are in an object store."""
    run_script(op.get_bind(), _SCRIPT)
