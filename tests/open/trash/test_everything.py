"""No table is forgotten: whatever goes with something is kept, by the history or beside it."""

import psycopg

from pegbar.app import load_domains
from pegbar.core.data.history import recorded
from pegbar.core.data.migrations.keeping import kept_columns, kept_tables, trigger_names
from pegbar.core.data.migrations.schemas import declared_metadata
from pegbar.core.data.removal import _doomed_tables
from pegbar.open.trash.things import things

#: What goes with something and does not come back, as docs/open/trash.md says: logs, and what is of the moment.
_NOT_KEPT = {"api_event", "review_room", "review_presence", "outbox", "webhook_delivery", "webhook_attempt"}


def test_whatever_goes_with_a_thing_comes_back_with_it() -> None:
    load_domains()
    tables = declared_metadata().tables
    going = {table for name in things() for table in _doomed_tables(tables[name])}
    assert len(going) > 20
    lost = {table.name for table in going if recorded(table) not in ("all", "deleted") and not kept_columns(table)}
    assert lost - _NOT_KEPT == set(), "give it a history, or let core/data/migrations/keeping.py keep it"


def test_the_database_has_the_triggers_that_are_declared(database: psycopg.Connection) -> None:
    """A migration that adds such a table calls keeping.install."""
    there = "SELECT tgname FROM pg_trigger WHERE tgname LIKE 'pegbar\\_trash\\_%' AND NOT tgisinternal"
    declared = {name for table in kept_tables() for name in trigger_names(table)}
    assert {row[0] for row in database.execute(there).fetchall()} == declared
