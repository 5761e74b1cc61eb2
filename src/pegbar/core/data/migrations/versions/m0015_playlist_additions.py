"""What was added to playlists, so that whoever sends a whole list loses nobody's entry."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0015"
down_revision = "0014"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.playlist_addition (
    number bigserial PRIMARY KEY,
    playlist_id uuid NOT NULL REFERENCES public.playlist (id) ON DELETE CASCADE,
    entity_id uuid NOT NULL,
    preview_file_id uuid,
    in_list_of uuid REFERENCES public.person (id) ON DELETE SET NULL
);
CREATE INDEX IF NOT EXISTS ix_pegbar_playlist_addition_playlist_id
    ON pegbar.playlist_addition (playlist_id, number);
CREATE INDEX IF NOT EXISTS ix_pegbar_playlist_addition_in_list_of ON pegbar.playlist_addition (in_list_of);
"""


def upgrade() -> None:
    """Add the table."""
    run_script(op.get_bind(), _SCRIPT)
