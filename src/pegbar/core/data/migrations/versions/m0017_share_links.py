"""What share links have of Pegbar's own: their sealed token, finer rights, and how much their guests did."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0017"
down_revision = "0016"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.share_link (
    playlist_share_link_id uuid PRIMARY KEY REFERENCES playlist_share_link (id) ON DELETE CASCADE,
    sealed_token bytea,
    can_annotate boolean,
    can_download boolean,
    label varchar(200)
);

CREATE TABLE IF NOT EXISTS pegbar.share_usage (
    playlist_share_link_id uuid NOT NULL REFERENCES playlist_share_link (id) ON DELETE CASCADE,
    hour timestamp NOT NULL,
    guests integer NOT NULL,
    comments integer NOT NULL,
    drawings integer NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (playlist_share_link_id, hour)
);
"""


def upgrade() -> None:
    """Add the tables."""
    run_script(op.get_bind(), _SCRIPT)
