"""An index for a production's tasks in the order of their ids: a first page without reading them all."""

from alembic import op
from sqlalchemy import text

from pegbar.core.data.migrations.versions.m0004_indexes import add_indexes

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    """Add it without holding up writers; a new database has it already."""
    if op.get_bind().execute(text("SELECT EXISTS (SELECT 1 FROM task)")).scalar():
        with op.get_context().autocommit_block():
            add_indexes(op.get_bind(), concurrently=True)
