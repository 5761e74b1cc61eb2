"""What is known of the movies that are built of playlists."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0016"
down_revision = "0015"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.playlist_build (
    build_job_id uuid PRIMARY KEY REFERENCES public.build_job (id) ON DELETE CASCADE,
    digest varchar(64),
    is_full boolean NOT NULL,
    has_titles boolean NOT NULL,
    requested_by uuid REFERENCES public.person (id) ON DELETE SET NULL,
    progress integer NOT NULL,
    attempts integer NOT NULL,
    seen_at timestamp NOT NULL
);
CREATE INDEX IF NOT EXISTS ix_pegbar_playlist_build_requested_by ON pegbar.playlist_build (requested_by);
"""


def upgrade() -> None:
    """Add the table."""
    run_script(op.get_bind(), _SCRIPT)
