"""Each new word of search is looked for once by a statement that writes many documents."""

from alembic import op

from pegbar.core.data.migrations import run_script
from pegbar.core.data.migrations.versions.m0019_search import DOCUMENTS, writing

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    """Make the functions that write documents anew."""
    connection = op.get_bind()
    for table in DOCUMENTS:
        run_script(connection, writing(table))
