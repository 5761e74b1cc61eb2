"""What the console shows and nothing kept: use of sessions, slow requests, refused mails, why jobs failed, the log."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0033"
down_revision = "0032"

#: The log of the last hour need not outlive a crash of the database, and should cost nothing.
_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.job_failure (
    job_id bigint NOT NULL,
    cause text NOT NULL,
    failed_at timestamp NOT NULL,
    CONSTRAINT job_failure_pkey PRIMARY KEY (job_id)
);
CREATE TABLE IF NOT EXISTS pegbar.session_use (
    session varchar(60) NOT NULL,
    person_id uuid NOT NULL,
    kind varchar(10) NOT NULL,
    address varchar(50),
    agent varchar(300),
    started_at timestamp NOT NULL,
    expires_at timestamp,
    seen_at timestamp NOT NULL,
    requests bigint NOT NULL,
    CONSTRAINT session_use_pkey PRIMARY KEY (session)
) WITH (fillfactor = 70);
CREATE INDEX IF NOT EXISTS ix_session_use_person_id ON pegbar.session_use (person_id);
CREATE TABLE IF NOT EXISTS pegbar.slow_request (
    number bigint GENERATED ALWAYS AS IDENTITY,
    at timestamp NOT NULL,
    method varchar(10) NOT NULL,
    route varchar(255) NOT NULL,
    status smallint NOT NULL,
    seconds real NOT NULL,
    person_id uuid,
    host varchar(255) NOT NULL,
    CONSTRAINT slow_request_pkey PRIMARY KEY (number)
);
CREATE INDEX IF NOT EXISTS ix_slow_request_at ON pegbar.slow_request (at);
CREATE INDEX IF NOT EXISTS ix_slow_request_person_id ON pegbar.slow_request (person_id);
CREATE TABLE IF NOT EXISTS pegbar.mail_refusal (
    number bigint GENERATED ALWAYS AS IDENTITY,
    at timestamp NOT NULL,
    recipient varchar(255) NOT NULL,
    subject varchar(300) NOT NULL,
    reason varchar(500) NOT NULL,
    CONSTRAINT mail_refusal_pkey PRIMARY KEY (number)
);
CREATE UNLOGGED TABLE IF NOT EXISTS pegbar.log_line (
    number bigint GENERATED ALWAYS AS IDENTITY,
    at timestamp NOT NULL,
    level varchar(10) NOT NULL,
    host varchar(255) NOT NULL,
    process integer NOT NULL,
    kind varchar(10) NOT NULL,
    message text NOT NULL,
    details jsonb NOT NULL,
    trace text NOT NULL,
    CONSTRAINT log_line_pkey PRIMARY KEY (number)
);
CREATE INDEX IF NOT EXISTS ix_log_line_at ON pegbar.log_line (at);
CREATE TABLE IF NOT EXISTS pegbar.storage_census (
    day date NOT NULL,
    counted_at timestamp NOT NULL,
    report jsonb NOT NULL,
    CONSTRAINT storage_census_pkey PRIMARY KEY (day)
);
"""


def upgrade() -> None:
    """Add the tables."""
    run_script(op.get_bind(), _SCRIPT)
