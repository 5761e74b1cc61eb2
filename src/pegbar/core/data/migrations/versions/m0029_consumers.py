"""Named consumers of the feed, and the events that they have taken and not acknowledged."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0029"
down_revision = "0028"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.consumer (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL,
    name varchar(80) NOT NULL,
    filter jsonb NOT NULL,
    cursor text NOT NULL,
    created_at timestamp NOT NULL,
    updated_at timestamp NOT NULL,
    fetched_at timestamp,
    CONSTRAINT consumer_person_id_name_key UNIQUE (person_id, name)
);

CREATE TABLE IF NOT EXISTS pegbar.consumer_event (
    consumer_id uuid NOT NULL,
    number bigint GENERATED ALWAYS AS IDENTITY,
    position bigint NOT NULL,
    thing text,
    lease_id uuid,
    until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    CONSTRAINT consumer_event_pkey PRIMARY KEY (consumer_id, number),
    CONSTRAINT consumer_event_consumer_id_position_key UNIQUE (consumer_id, position),
    CONSTRAINT consumer_event_consumer_id_fkey
        FOREIGN KEY (consumer_id) REFERENCES pegbar.consumer (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS ix_consumer_event_thing ON pegbar.consumer_event (consumer_id, thing)
 WHERE thing IS NOT NULL;
"""


def upgrade() -> None:
    """Add the tables."""
    run_script(op.get_bind(), _SCRIPT)
