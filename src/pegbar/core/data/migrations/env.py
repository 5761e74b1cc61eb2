"""Alembic's entry point. Pegbar's version table lives in its own schema, so that another server's stays as it is."""

from alembic import context

from pegbar.core.data.schema import OWN_SCHEMA

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    version_table="alembic_version",
    version_table_schema=OWN_SCHEMA,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
