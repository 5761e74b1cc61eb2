"""A person is removed with force, whatever names them, through every column that does."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb
from sqlalchemy import ARRAY, Column, Table, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from pegbar.accounts.tables import one_time_secret, person
from pegbar.app import load_domains
from pegbar.console.tables import log_line, mail_refusal, session_use, slow_request, storage_census
from pegbar.core.data import tallies
from pegbar.core.data.removal import columns_naming, goes_of, undeclared
from pegbar.core.data.schema import metadata
from pegbar.core.work.failures import job_failure
from pegbar.core.work.nodes import node
from pegbar.entities.tables import entity, entity_version
from pegbar.notifications.tables import notification
from pegbar.productions.tables import metadata_descriptor, project
from pegbar.tasks.tables import attachment_file, comment, comment_preview_link, task
from tests.client import Client
from tests.entities.shows import Show
from tests.factories import entity as make_entity
from tests.factories import hire
from tests.factories import task as make_task
from tests.server import Server
from tests.whole.rows import Rows

load_domains()

#: Columns of ids or JSON without a foreign key, which name no person; reviewed one by one.
NAME_NO_PERSON = {
    "api_event.data",  # the log says what happened: the ids in it name nobody any more
    "asset_instance.data",
    "attachment_file.reply_id",
    "budget_entry.exceptions",  # amounts by month
    "chat.object_id",
    "comment.checklist",
    "comment.data",
    "comment.object_id",
    "data_import_error.event_data",  # ids of another system
    "entity_link.data",
    "metadata_descriptor.choices",
    "notification.reply_id",
    "output_file.data",
    "pegbar.budget_revision.project_id",
    "pegbar.change.parts",  # ids of batches and imports
    "pegbar.change.request_id",
    "pegbar.consumer.filter",  # whose events are asked for, as the reader said it
    "pegbar.consumer_event.lease_id",
    "pegbar.held_file.held_by",  # an entry of the trash
    # What changed holds anybody's id, and forgets it (core/data/history.py).
    "pegbar.history.key",
    "pegbar.history.new",
    "pegbar.history.old",
    "pegbar.history.project_id",
    "pegbar.history.row_id",
    "pegbar.mark.scope",
    "pegbar.node.settings",  # digests
    "pegbar.search_document.project_id",
    "pegbar.directory_run.counts",  # numbers
    "pegbar.log_line.details",  # the log of an hour, as it was written
    "pegbar.outbox.event_id",
    "pegbar.outbox.project_id",
    "pegbar.playlist_addition.entity_id",  # as entries hold it, whatever becomes of what it names
    "pegbar.playlist_addition.preview_file_id",
    "pegbar.project_removal.project_id",
    "pegbar.review_presence.playlist_id",
    "pegbar.review_room.playlist_id",
    "pegbar.review_room.state",  # as a client sent it, forgotten with the room
    "pegbar.shotgrid_pass.waiting",  # numbers of another system
    "pegbar.sync_id.here",  # what is known of other servers: rows of theirs, and which of ours they are
    "pegbar.sync_id.there",
    "pegbar.sync_peer.cursor",
    "pegbar.sync_row.row",
    "pegbar.storage_census.report",  # productions, and sums
    "pegbar.sync_row.row_id",
    "pegbar.trash.production_id",
    "pegbar.trash.rows",  # numbers
    "pegbar.trash_change.trash_id",
    "pegbar.trash_remainder.row",  # as the history: it holds anybody's id, and forgets it
    "pegbar.trash_thing.row_id",  # what was deleted; persons are nothing that the trash has
    "pegbar.trash_thing.trash_id",
    "pegbar.upload.claim",  # a request's
    "pegbar.upload_part.upload_id",
    "pegbar.webhook.filter",  # which events are sent, as somebody said it: an id in it finds nothing any more
    "pegbar.webhook_attempt.request_headers",  # as they were sent, and answered
    "pegbar.webhook_attempt.response_headers",
    "person.data",
    "person.fido_credentials",
    "playlist.shots",
    "preview_file.annotations",  # drawings, as clients sent them
    "preview_file.data",
    "project.file_tree",
    "project_template.data",
    "project_template.file_tree",
    "project_template.metadata_descriptors",
    "schedule_item.object_id",
    "software.secondary_extensions",
    "stored_file.journal",
    "task.last_preview_file_id",
    "working_file.data",
}
#: What is left of somebody who is gone: ids in the log of events, the note that their picture is to go, the mark
#: that their subscriptions changed, and, until tallies are folded, that their hours are taken away. And the log, for an
#: hour.
KEEPS_IDS = {"api_event", "pegbar.outbox", "pegbar.mark", "pegbar.hours_tally", "pegbar.log_line", "stored_file"}
#: What each process writes of itself, by the clock.
BY_THE_CLOCK = {node, log_line, mail_refusal, session_use, slow_request, storage_census, job_failure}

#: Triggers take from these what goes (tests/core/data/test_tallies.py).
TALLIED = {*(of.table for of in tallies.TALLIES), *tallies.KEPT}

NAMING = [(column.table, column) for column in columns_naming(person)]


def test_every_column_that_names_a_person_says_what_becomes_of_its_row() -> None:
    assert undeclared(person) == []
    assert len(NAMING) > 30


def _is_id(column: Column[Any]) -> bool:
    kind = column.type.item_type if isinstance(column.type, ARRAY) else column.type
    return isinstance(kind, Uuid | JSONB) and not column.foreign_keys and column.name != "id"


def test_every_column_of_ids_without_a_foreign_key_was_reviewed() -> None:
    loose = {
        f"{table.fullname}.{column.name}"
        for table in metadata.tables.values()
        if table not in TALLIED
        for column in table.columns
        if _is_id(column)
    }
    declared = {f"{table.fullname}.{column.name}" for table, column in NAMING if _is_id(column)}
    assert loose - declared == NAME_NO_PERSON


class Crowd:
    """Rows of every table, by a colleague; and one more for each column that may name somebody, who is `ida` there."""

    def __init__(self, server: Server, admin: Client, connection: psycopg.Connection) -> None:
        self.admin, self.connection = admin, connection
        self.ida, self.colleague = hire(admin), hire(admin)
        show = Show(admin)
        asset = make_entity(admin, show.id)
        work = make_task(admin, asset)
        given = {"project": show.id, "entity": asset["id"], "task": work["id"], "person": self.colleague.id}
        self.rows = Rows(connection, given)
        self.named: dict[str, tuple[Table, UUID]] = {}
        for table, column in NAMING:
            self.named[f"{table.fullname}.{column.name}"] = (table, self._name_through(table, column))

    def _name_through(self, table: Table, column: Column[Any]) -> UUID:
        ida = self.ida.id
        if table is one_time_secret:
            named = {"subject": ida} if column.name == "subject" else {"data": Jsonb({"person_id": ida})}
            return self.rows.another(table, **named)
        if column is comment.c.replies:
            return self._reply(ida)
        if column.name != "data":
            return self.rows.another(table, **{column.name: ida})
        if table in (project, task, entity):
            return self._metadata(table, ida)
        assert table is entity_version
        return self.rows.another(table, data=Jsonb({"lead_of_entity": ida, "frame_in": 1}))

    def _reply(self, ida: str) -> UUID:
        """A colleague's comment which she answered, with a file, and where a colleague's reply mentions her."""
        reply_id, other = uuid4(), self.colleague.id
        replies = [
            {"id": str(reply_id), "person_id": ida, "text": "mine", "mentions": []},
            {"id": str(uuid4()), "person_id": other, "text": "theirs", "mentions": [ida, other]},
            "old",
        ]
        comment_id = self.rows.another(comment, replies=Jsonb(replies))
        self.rows.another(attachment_file, comment_id=comment_id, reply_id=reply_id)
        self.rows.another(notification, comment_id=comment_id, reply_id=reply_id, type="reply")
        return comment_id

    def _metadata(self, table: Table, ida: str) -> UUID:
        """A row whose metadata is her, and among others; the row of the colleague is hers too in part."""
        kind = {"project": "Project", "task": "Task", "entity": "Asset"}[table.name]
        of_type = self.rows.ids["task_type"] if kind == "Task" else None
        for name in ("lead", "crew"):
            self.rows.another(
                metadata_descriptor,
                name=f"{name} of {table.name}",
                field_name=f"{name}_of_{table.name}",
                data_type="person",
                entity_type=kind,
                task_type_id=of_type,
            )
        row_id = self.rows.ids[table.name]
        data = {f"lead_of_{table.name}": ida, f"crew_of_{table.name}": [ida, self.colleague.id], "note": "kept"}
        self.connection.execute(
            f"UPDATE {table.name} SET data = %s{', task_type_id = %s' if of_type else ''} WHERE id = %s",
            [Jsonb(data), *([of_type] if of_type else []), row_id],
        )
        return row_id

    def naming(self) -> dict[str, int]:
        """How many rows of each table hold her id anywhere."""
        found = {}
        for table in metadata.tables.values():
            if table.fullname not in KEEPS_IDS:
                statement = f"SELECT count(*) FROM {table.fullname} AS r WHERE to_jsonb(r)::text LIKE %s"
                (found[table.fullname],) = self.connection.execute(statement, [f"%{self.ida.id}%"]).fetchone() or (0,)
        return {name: count for name, count in found.items() if count}

    def everything(self) -> dict[str, list[str]]:
        """All rows of all tables but those that the server writes on its own."""
        found = {}
        for table in set(metadata.tables.values()) - TALLIED - BY_THE_CLOCK:
            rows = self.connection.execute(f"SELECT to_jsonb(r)::text FROM {table.fullname} AS r").fetchall()
            found[table.fullname] = sorted(row for (row,) in rows)
        return found

    def there(self, table: Table, row_id: UUID) -> bool:
        found = self.connection.execute(f"SELECT 1 FROM {table.fullname} WHERE id = %s", [row_id]).fetchone()
        return found is not None


@pytest.fixture
def crowd(server: Server, admin: Client) -> Iterator[Crowd]:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield Crowd(server, admin, connection)


def test_whoever_leaves_is_named_nowhere_and_the_work_of_others_stays(crowd: Crowd) -> None:
    assert set(crowd.naming()) >= {table.fullname for table, _ in NAMING} - KEEPS_IDS
    before = _of_colleague(crowd)
    crowd.admin.ok_delete(f"/data/persons/{crowd.ida.id}?force=true")
    assert crowd.naming() == {}
    for name, (table, row_id) in crowd.named.items():
        column = table.c[name.rpartition(".")[2]]
        stays = goes_of(column) == "null" or (isinstance(column.type, JSONB) and table is not one_time_secret)
        if "id" in table.c and isinstance(table.c.id.type, Uuid):
            assert crowd.there(table, row_id) is stays, name
    for name, row_id in crowd.rows.ids.items():
        if "id" in metadata.tables[name].c:
            assert crowd.there(metadata.tables[name], row_id), f"a colleague's row of {name} went"
    assert _of_colleague(crowd) == before
    for table in (project, task, entity):
        statement = f"SELECT data FROM {table.name} WHERE id = %s"
        (data,) = crowd.connection.execute(statement, [crowd.rows.ids[table.name]]).fetchone() or (None,)
        assert data == {f"crew_of_{table.name}": [crowd.colleague.id], "note": "kept"}
    _, answered = crowd.named["comment.replies"]
    (replies,) = crowd.connection.execute("SELECT replies FROM comment WHERE id = %s", [answered]).fetchone() or (None,)
    assert [reply if isinstance(reply, str) else reply["mentions"] for reply in replies] == [
        [crowd.colleague.id],
        "old",
    ]
    hanging = """
        SELECT (SELECT count(*) FROM attachment_file WHERE comment_id = %(id)s),
               (SELECT count(*) FROM notification WHERE comment_id = %(id)s AND reply_id IS NOT NULL)
    """
    assert crowd.connection.execute(hanging, {"id": answered}).fetchone() == (0, 0)


def _of_colleague(crowd: Crowd) -> set[str]:
    """The columns that name the colleague in some row."""
    return {
        f"{table.fullname}.{column.name}"
        for table, column in NAMING
        if column.foreign_keys
        and table.schema is None
        and crowd.connection.execute(
            f'SELECT 1 FROM {table.fullname} WHERE "{column.name}" = %s', [crowd.colleague.id]
        ).fetchone()
    }


def test_a_removal_that_fails_half_way_changes_nothing(crowd: Crowd) -> None:
    connection, ida = crowd.connection, crowd.ida
    connection.execute("CREATE TABLE plugin_badge (person_id uuid REFERENCES person)")
    try:
        connection.execute("INSERT INTO plugin_badge VALUES (%s)", [ida.id])
        before = crowd.everything()
        answer = crowd.admin.delete(f"/data/persons/{ida.id}?force=true")
        assert (answer.status_code, "plugin_badge" in answer.json()["message"]) == (400, True)
        assert crowd.everything() == before
        for refused in (crowd.colleague, ida):
            assert refused.delete(f"/data/persons/{ida.id}?force=true").status_code == 403
        assert crowd.admin.delete(f"/data/persons/{ida.id}").status_code == 400, "not forced"
        assert crowd.everything() == before
    finally:
        connection.execute("DROP TABLE plugin_badge")
    crowd.admin.ok_delete(f"/data/persons/{ida.id}?force=true")


def test_previews_of_others_outlive_the_comment_they_were_published_with(crowd: Crowd) -> None:
    rows, previews = crowd.rows, metadata.tables["preview_file"]
    said, answered = (rows.another(comment, person_id=author) for author in (crowd.ida.id, crowd.colleague.id))
    names = ("hers", "unknown", "shown elsewhere", "a colleague's")
    authors = (crowd.ida.id, None, crowd.ida.id, crowd.colleague.id)
    made = dict(
        zip(
            names,
            (rows.another(previews, person_id=author, revision=n + 10) for n, author in enumerate(authors)),
            strict=True,
        )
    )
    for preview_id in made.values():
        rows.another(comment_preview_link, comment=said, preview_file=preview_id)
    rows.another(comment_preview_link, comment=answered, preview_file=made["shown elsewhere"])
    crowd.admin.ok_delete(f"/data/persons/{crowd.ida.id}?force=true")
    left = [name for name, preview_id in made.items() if crowd.there(previews, preview_id)]
    assert left == ["shown elsewhere", "a colleague's"]
