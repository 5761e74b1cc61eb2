"""What was deleted and can still be restored: entries over the history, and the files that wait for them."""

from alembic import op

from pegbar.core.data.migrations import keeping, run_script

revision = "0032"
down_revision = "0031"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.trash (
    id uuid PRIMARY KEY,
    deleted_at timestamp NOT NULL,
    person_id uuid,
    production_id uuid,
    production_name varchar(80),
    kind varchar(80) NOT NULL,
    name text,
    state varchar(20) NOT NULL,
    row_count bigint NOT NULL,
    rows jsonb NOT NULL,
    doing varchar(80),
    error text
);
CREATE INDEX IF NOT EXISTS ix_pegbar_trash_deleted_at ON pegbar.trash (deleted_at, id);
CREATE INDEX IF NOT EXISTS ix_pegbar_trash_production_id ON pegbar.trash (production_id, deleted_at, id);
CREATE INDEX IF NOT EXISTS ix_pegbar_trash_person_id ON pegbar.trash (person_id);

CREATE TABLE IF NOT EXISTS pegbar.trash_change (
    change_id bigint PRIMARY KEY,
    trash_id uuid NOT NULL REFERENCES pegbar.trash (id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS ix_pegbar_trash_change_trash_id ON pegbar.trash_change (trash_id);

CREATE TABLE IF NOT EXISTS pegbar.trash_thing (
    trash_id uuid NOT NULL REFERENCES pegbar.trash (id) ON DELETE CASCADE,
    row_id uuid NOT NULL,
    table_name varchar(80) NOT NULL,
    kind varchar(80) NOT NULL,
    name text,
    CONSTRAINT trash_thing_pkey PRIMARY KEY (trash_id, row_id)
);
CREATE INDEX IF NOT EXISTS ix_pegbar_trash_thing_row_id ON pegbar.trash_thing (row_id);

CREATE TABLE IF NOT EXISTS pegbar.trash_remainder (
    change_id bigint NOT NULL,
    at timestamp NOT NULL DEFAULT timezone('utc', now()),
    table_name varchar(80) NOT NULL,
    row jsonb NOT NULL,
    forgot varchar(80)
);
CREATE INDEX IF NOT EXISTS ix_pegbar_trash_remainder_change_id ON pegbar.trash_remainder (change_id);
CREATE INDEX IF NOT EXISTS ix_pegbar_trash_remainder_waiting ON pegbar.trash_remainder ((row ->> 'id'))
    WHERE forgot = '';
CREATE INDEX IF NOT EXISTS ix_pegbar_trash_remainder_at ON pegbar.trash_remainder (at);

CREATE TABLE IF NOT EXISTS pegbar.held_file (
    bucket varchar(20) NOT NULL,
    key varchar(255) NOT NULL,
    held_by uuid NOT NULL,
    CONSTRAINT held_file_pkey PRIMARY KEY (bucket, key)
);
CREATE INDEX IF NOT EXISTS ix_pegbar_held_file_held_by ON pegbar.held_file (held_by);
"""


def upgrade() -> None:
    """Add the tables, and the triggers that keep what no history tells."""
    run_script(op.get_bind(), _SCRIPT)
    keeping.install(op.get_bind())
