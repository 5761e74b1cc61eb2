"""Who put somebody into a team: managers do not read the salaries of those whom they added themselves."""

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0011"
down_revision = "0010"

_SCRIPT = """
CREATE TABLE IF NOT EXISTS pegbar.team_addition (
    project_id uuid NOT NULL REFERENCES public.project (id) ON DELETE CASCADE,
    person_id uuid NOT NULL REFERENCES public.person (id) ON DELETE CASCADE,
    added_by uuid NOT NULL REFERENCES public.person (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, person_id)
);
CREATE INDEX IF NOT EXISTS ix_pegbar_team_addition_person_id ON pegbar.team_addition (person_id);
CREATE INDEX IF NOT EXISTS ix_pegbar_team_addition_added_by ON pegbar.team_addition (added_by);
"""


def upgrade() -> None:
    """Add the table; for the teams that stand, nobody is known to have made them."""
    run_script(op.get_bind(), _SCRIPT)
