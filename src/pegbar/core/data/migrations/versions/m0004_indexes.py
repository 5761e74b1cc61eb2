"""Indexes for every foreign key and for the hot reads; the version by which another server knows its tables again."""

from alembic import op
from sqlalchemy import Connection, text

from pegbar.core.data.migrations.schemas import KITSU_REVISION, OURS, Columns, existing, missing_indexes

revision = "0004"
down_revision = "0003"

#: What lists order by or narrow by a range, where a foreign key alone would leave too many rows to sort.
HOT_READS: tuple[tuple[str, Columns], ...] = (
    ("comment", ("object_id", "created_at")),
    ("login_log", ("created_at",)),
    ("news", ("created_at",)),
    ("notification", ("person_id", "created_at")),
    ("task", ("project_id", "id")),
    ("time_spent", ("date",)),
)

_IS_INVALID = text(
    """
    SELECT EXISTS (SELECT 1 FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                    WHERE NOT i.indisvalid AND x.relname = :name AND x.relnamespace = 'public'::regnamespace)
    """
)


def add_indexes(connection: Connection, *, concurrently: bool) -> list[str]:
    """Add the indexes that the database lacks; their names. `concurrently` needs a connection in autocommit."""
    added = []
    for index in missing_indexes(existing(connection), HOT_READS):
        if concurrently and connection.execute(_IS_INVALID, {"name": index.name}).scalar():
            # Left by an attempt that was cut short: it would be taken for the index itself.
            connection.execute(text(f'DROP INDEX CONCURRENTLY "{index.name}"'))
        connection.execute(text(index.sql(concurrently=concurrently)))
        connection.execute(text(f"COMMENT ON INDEX public.\"{index.name}\" IS '{OURS}'"))
        added.append(index.name)
    return added


#: Constraints that say again what the primary key says, for databases that lack them (kitsu.sql makes them).
_TWICE = {
    "department_link": ("department_link_uc", "person_id, department_id"),
    "department_metadata_descriptor_link": (
        "department_metadata_descriptor_link_uc",
        "metadata_descriptor_id, department_id",
    ),
    "project_template_task_status_link": ("project_template_taskstatus_uc", "project_template_id, task_status_id"),
    "project_template_task_type_link": ("project_template_tasktype_uc", "project_template_id, task_type_id"),
    "task_type_asset_type_link": ("task_type_asset_type_link_uc", "asset_type_id, task_type_id"),
}


def upgrade() -> None:
    """Add them; without holding up writers when there are rows."""
    connection = op.get_bind()
    there = text("SELECT EXISTS (SELECT 1 FROM pg_constraint WHERE conrelid = to_regclass(:table) AND contype = 'u')")
    for table, (name, columns) in _TWICE.items():
        if not connection.execute(there, {"table": f"public.{table}"}).scalar():
            connection.execute(text(f"ALTER TABLE public.{table} ADD CONSTRAINT {name} UNIQUE ({columns})"))
            connection.execute(text(f"COMMENT ON CONSTRAINT {name} ON public.{table} IS '{OURS}'"))
    connection.execute(
        text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"),
    )
    connection.execute(
        text("INSERT INTO alembic_version SELECT :revision WHERE NOT EXISTS (SELECT 1 FROM alembic_version)"),
        {"revision": KITSU_REVISION},
    )
    if not connection.execute(text("SELECT EXISTS (SELECT 1 FROM person)")).scalar():
        add_indexes(connection, concurrently=False)
        return
    with op.get_context().autocommit_block():
        add_indexes(op.get_bind(), concurrently=True)
