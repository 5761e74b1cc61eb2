"""Whom the providers of single sign-on mean by their subjects."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0020"
down_revision = "0019"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.identity_link (
    protocol varchar(10) NOT NULL,
    issuer text NOT NULL,
    subject varchar(255) NOT NULL,
    person_id uuid NOT NULL,
    bound_at timestamp NOT NULL,
    PRIMARY KEY (protocol, issuer, subject),
    CONSTRAINT identity_link_person_key UNIQUE (person_id, protocol, issuer)
);
"""


def upgrade() -> None:
    """Add the table."""
    run_script(op.get_bind(), _SCRIPT)
