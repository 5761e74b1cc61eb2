"""Wrong guesses are counted for names that nobody has too; addresses that signed in; several links for one person."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0010"
down_revision = "0009"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.failed_guess (
  place INTEGER NOT NULL,
  failures SMALLINT NOT NULL,
  locks SMALLINT NOT NULL,
  locked_until TIMESTAMP WITHOUT TIME ZONE,
  last_failed TIMESTAMP WITHOUT TIME ZONE NOT NULL,
  CONSTRAINT failed_guess_pkey PRIMARY KEY (place)
);
CREATE INDEX IF NOT EXISTS ix_failed_guess_last_failed ON pegbar.failed_guess (last_failed);

CREATE TABLE IF NOT EXISTS pegbar.known_address (
  person_id UUID NOT NULL,
  address VARCHAR(64) NOT NULL,
  seen_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
  CONSTRAINT known_address_pkey PRIMARY KEY (person_id, address)
);
CREATE INDEX IF NOT EXISTS ix_known_address_seen_at ON pegbar.known_address (seen_at);

ALTER TABLE pegbar.one_time_secret ADD COLUMN IF NOT EXISTS slot VARCHAR(64) NOT NULL DEFAULT '';
ALTER TABLE pegbar.one_time_secret DROP CONSTRAINT one_time_secret_pkey;
ALTER TABLE pegbar.one_time_secret ADD CONSTRAINT one_time_secret_pkey PRIMARY KEY (kind, subject, slot);
"""


def upgrade() -> None:
    """Add their tables; a one-time secret has a slot of its subject, so that several may be good beside one another."""
    run_script(op.get_bind(), _SCRIPT)
