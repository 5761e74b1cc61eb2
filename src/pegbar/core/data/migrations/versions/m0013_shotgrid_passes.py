"""How far the rows of ShotGrid sites were read."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0013"
down_revision = "0012"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.shotgrid_pass (
    project_id uuid NOT NULL REFERENCES public.project (id) ON DELETE CASCADE,
    kind varchar(30) NOT NULL,
    digest varchar(40) NOT NULL,
    read_until timestamp,
    began timestamp,
    last_id integer NOT NULL,
    waiting jsonb NOT NULL,
    PRIMARY KEY (project_id, kind)
);
"""


def upgrade() -> None:
    """Add the table."""
    run_script(op.get_bind(), _SCRIPT)
