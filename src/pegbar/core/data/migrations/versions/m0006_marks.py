"""Marks of changes: what a board's validator is made of, whoever writes to the database."""

from pathlib import Path

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0006"
down_revision = "0005"

#: Table -> the production or person that a changed row of `changed` concerns; all of them: the nil id.
CONCERNED = {
    "project": "SELECT id FROM changed",
    "entity": "SELECT project_id FROM changed",
    "task": "SELECT project_id FROM changed",
    "task_person_link": "SELECT t.project_id FROM changed c JOIN public.task t ON t.id = c.task_id",
    "entity_link": """SELECT e.project_id FROM changed c JOIN public.entity e ON e.id = c.entity_in_id
                       UNION SELECT e.project_id FROM changed c JOIN public.entity e ON e.id = c.entity_out_id""",
    "metadata_descriptor": "SELECT project_id FROM changed",
    "department_metadata_descriptor_link": """SELECT d.project_id FROM changed c
                       JOIN public.metadata_descriptor d ON d.id = c.metadata_descriptor_id""",
    "subscription": "SELECT person_id FROM changed",
    **dict.fromkeys(
        ("entity_type", "project_status"), "SELECT '00000000-0000-0000-0000-000000000000'::uuid FROM changed LIMIT 1"
    ),
}

#: The rows that an operation changed: before and after it.
_CHANGED = {
    "INSERT": ("SELECT * FROM after_change", "NEW TABLE AS after_change"),
    "UPDATE": (
        "SELECT * FROM before_change UNION ALL SELECT * FROM after_change",
        "OLD TABLE AS before_change NEW TABLE AS after_change",
    ),
    "DELETE": ("SELECT * FROM before_change", "OLD TABLE AS before_change"),
}


def functions(table: str, concerned: str) -> str:
    """What marks the scopes that changed rows of a table concern."""
    return "\n".join(_function(table, operation, changed, concerned) for operation, (changed, _) in _CHANGED.items())


def _function(table: str, operation: str, changed: str, concerned: str) -> str:
    # The transaction has marked a scope when a mark names it and was written by it: a restored database may hold
    # marks of another cluster's transactions.
    return f"""
CREATE OR REPLACE FUNCTION pegbar.mark_{table}_{operation.lower()}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  INSERT INTO pegbar.mark (scope)
  WITH changed AS ({changed}), concerned (scope) AS ({concerned})
  SELECT DISTINCT scope FROM concerned WHERE scope IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM pegbar.mark known WHERE known.scope = concerned.scope
       AND known.xid = pg_current_xact_id()::text::bigint AND known.xmin = pg_current_xact_id()::xid);
  RETURN NULL;
END $$;
"""  # noqa: S608 - names of ours


def triggers(table: str, concerned: str) -> str:
    """Those functions, and the triggers that call them."""
    statements = [functions(table, concerned)]
    for operation, (_, referencing) in _CHANGED.items():
        name = f"mark_{table}_{operation.lower()}"
        statements.append(
            f"CREATE TRIGGER pegbar_{name} AFTER {operation} ON public.{table} REFERENCING {referencing} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION pegbar.{name}();"
        )
    statements.append(
        f"CREATE TRIGGER pegbar_mark_{table}_truncate AFTER TRUNCATE ON public.{table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION pegbar.mark_all();"
    )
    names = [f"pegbar_mark_{table}_{verb}" for verb in ("insert", "update", "delete", "truncate")]
    # Also where another server's scripts switch ordinary triggers off.
    statements += [f"ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER {name};" for name in names]
    return "\n".join(statements)


def upgrade() -> None:
    """Create the marks and the triggers that leave them; without Pegbar's schema the triggers are gone too."""
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_name("marks.sql").read_text())
    for table, concerned in CONCERNED.items():
        run_script(connection, triggers(table, concerned))
