"""The tables of a Kitsu database, unless they are there already."""

from pathlib import Path

from alembic import op
from sqlalchemy import text

from pegbar.core.data.migrations import run_script

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create them on an empty database; an adopted one has them."""
    connection = op.get_bind()
    if connection.execute(text("SELECT to_regclass('public.person') IS NOT NULL")).scalar():
        return
    run_script(connection, Path(__file__).with_name("kitsu.sql").read_text())
