"""History: every change of every row, by whom and from where (core/data/history.py)."""

from pathlib import Path

from alembic import op

from pegbar.core.data.migrations import recording, run_script

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    """Make the tables with their first partitions, and the triggers; without our schema all is gone."""
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_name("history.sql").read_text())
    recording.install(connection)
