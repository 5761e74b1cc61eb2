"""Workers are told of jobs after the commit (core/data/notices.py), not by a trigger that makes commits wait."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0034"
down_revision = "0033"

_SCRIPT = """
DROP TRIGGER IF EXISTS procrastinate_jobs_notify_queue_job_inserted_v1 ON pegbar.procrastinate_jobs;
"""


def upgrade() -> None:
    """Drop the trigger."""
    run_script(op.get_bind(), _SCRIPT)
