"""Webhooks, what they deliver and the log of it; incoming hooks."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0030"
down_revision = "0029"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.webhook_head (
    id integer PRIMARY KEY,
    seen text NOT NULL,
    reading text,
    position bigint NOT NULL DEFAULT 0,
    seen_at timestamp NOT NULL DEFAULT timezone('utc', now())
);
INSERT INTO pegbar.webhook_head (id, seen) VALUES (1, pg_current_snapshot()::text) ON CONFLICT DO NOTHING;

CREATE TABLE IF NOT EXISTS pegbar.webhook (
    id uuid PRIMARY KEY,
    name varchar(200) NOT NULL,
    url varchar(2000) NOT NULL,
    events text[] NOT NULL,
    patterns text[] NOT NULL,
    filter jsonb,
    project_id uuid REFERENCES project (id) ON DELETE CASCADE,
    owner_id uuid REFERENCES person (id) ON DELETE SET NULL,
    state varchar(10) NOT NULL DEFAULT 'active',
    reason text,
    sealed_secret bytea NOT NULL,
    sealed_former_secret bytea,
    former_secret_until timestamp,
    seen text,
    reading text,
    position bigint NOT NULL DEFAULT 0,
    seen_at timestamp NOT NULL DEFAULT timezone('utc', now()),
    failing_since timestamp,
    failures integer NOT NULL DEFAULT 0,
    retry_at timestamp,
    delivered_at timestamp,
    created_at timestamp NOT NULL DEFAULT timezone('utc', now()),
    updated_at timestamp NOT NULL DEFAULT timezone('utc', now())
);
CREATE INDEX IF NOT EXISTS ix_webhook_project_id ON pegbar.webhook (project_id);
CREATE INDEX IF NOT EXISTS ix_webhook_owner_id ON pegbar.webhook (owner_id);

CREATE TABLE IF NOT EXISTS pegbar.webhook_delivery (
    id uuid PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
    webhook_id uuid NOT NULL REFERENCES pegbar.webhook (id) ON DELETE CASCADE,
    position bigint,
    name varchar(80) NOT NULL,
    thing text NOT NULL,
    body text NOT NULL,
    status varchar(10) NOT NULL DEFAULT 'waiting',
    attempts integer NOT NULL DEFAULT 0,
    attempts_before integer NOT NULL DEFAULT 0,
    due_at timestamp NOT NULL DEFAULT timezone('utc', now()),
    leased_until timestamp,
    expires_at timestamp NOT NULL,
    created_at timestamp NOT NULL DEFAULT timezone('utc', now()),
    ended_at timestamp,
    CONSTRAINT webhook_delivery_once UNIQUE (webhook_id, position)
);
CREATE INDEX IF NOT EXISTS ix_webhook_delivery_due ON pegbar.webhook_delivery (webhook_id, due_at)
    WHERE status = 'waiting';
CREATE INDEX IF NOT EXISTS ix_webhook_delivery_thing ON pegbar.webhook_delivery (webhook_id, thing, number)
    WHERE status = 'waiting';
CREATE INDEX IF NOT EXISTS ix_webhook_delivery_log ON pegbar.webhook_delivery (webhook_id, number);
CREATE INDEX IF NOT EXISTS ix_webhook_delivery_ended_at ON pegbar.webhook_delivery (ended_at);

CREATE TABLE IF NOT EXISTS pegbar.webhook_attempt (
    webhook_delivery_id uuid NOT NULL REFERENCES pegbar.webhook_delivery (id) ON DELETE CASCADE,
    number integer NOT NULL,
    made_at timestamp NOT NULL DEFAULT timezone('utc', now()),
    duration_ms integer NOT NULL,
    request_headers jsonb NOT NULL,
    response_status integer,
    response_headers jsonb NOT NULL,
    response_body text NOT NULL,
    error text NOT NULL,
    PRIMARY KEY (webhook_delivery_id, number)
);

CREATE TABLE IF NOT EXISTS pegbar.incoming_hook (
    id uuid PRIMARY KEY,
    name varchar(70) NOT NULL,
    token_hash varchar(64) NOT NULL UNIQUE,
    task_id uuid NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    bot_id uuid NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    created_by uuid REFERENCES person (id) ON DELETE SET NULL,
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamp NOT NULL DEFAULT timezone('utc', now()),
    used_at timestamp,
    minute timestamp,
    minute_count integer NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS ix_incoming_hook_task_id ON pegbar.incoming_hook (task_id);
CREATE INDEX IF NOT EXISTS ix_incoming_hook_bot_id ON pegbar.incoming_hook (bot_id);
CREATE INDEX IF NOT EXISTS ix_incoming_hook_created_by ON pegbar.incoming_hook (created_by);
"""


def upgrade() -> None:
    """Add the tables."""
    run_script(op.get_bind(), _SCRIPT)
