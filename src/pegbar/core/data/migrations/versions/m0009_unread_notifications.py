"""The unread notifications of a person are counted at every start of the web UI: without those read."""

from alembic import op
from sqlalchemy import Connection, text

from pegbar.core.data.migrations import run_script

revision = "0009"
down_revision = "0008"

_NAME = "pegbar_notification_unread"
_INDEX = f"INDEX {{}} IF NOT EXISTS {_NAME} ON notification (person_id) WHERE read IS FALSE"
_UNFINISHED = text("SELECT EXISTS (SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid)")


def _add_beside_writers(connection: Connection) -> None:
    if connection.execute(_UNFINISHED, {"name": f"public.{_NAME}"}).scalar():
        # Left by an attempt that was cut short.
        connection.execute(text(f"DROP INDEX CONCURRENTLY {_NAME}"))
    connection.execute(text(f"CREATE {_INDEX.format('CONCURRENTLY')}"))


def upgrade() -> None:
    """Add the index; without holding up writers when there are rows."""
    if not op.get_bind().execute(text("SELECT EXISTS (SELECT 1 FROM notification)")).scalar():
        run_script(op.get_bind(), f"CREATE {_INDEX.format('')}")
        return
    with op.get_context().autocommit_block():
        _add_beside_writers(op.get_bind())
