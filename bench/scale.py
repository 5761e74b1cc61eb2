"""A production several times as large: its shots again and again, with everything that belongs to them."""

import psycopg
from psycopg import sql

_SHOTS = "SELECT e.id FROM entity e JOIN entity_type t ON t.id = e.entity_type_id AND t.name = 'Shot'"
_TASKS = f"SELECT id FROM task WHERE entity_id IN ({_SHOTS})"
_COMMENTS = f"SELECT id FROM comment WHERE object_id IN ({_TASKS})"
_SEQUENCES = "SELECT e.id FROM entity e JOIN entity_type t ON t.id = e.entity_type_id AND t.name = 'Sequence'"

#: (table, which rows, the columns that get an id of the copy)
_COPIED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("entity", f"id IN ({_SEQUENCES})", ("id",)),
    ("entity", f"id IN ({_SHOTS})", ("id", "parent_id", "preview_file_id")),
    ("entity_link", f"entity_in_id IN ({_SHOTS})", ("id", "entity_in_id")),
    ("task", f"id IN ({_TASKS})", ("id", "entity_id", "last_preview_file_id")),
    ("task_person_link", f"task_id IN ({_TASKS})", ("task_id",)),
    ("subscription", f"task_id IN ({_TASKS})", ("id", "task_id")),
    ("preview_file", f"task_id IN ({_TASKS})", ("id", "task_id")),
    ("comment", f"object_id IN ({_TASKS})", ("id", "object_id")),
    ("comment_preview_link", f"comment IN ({_COMMENTS})", ("comment", "preview_file")),
    ("news", f"task_id IN ({_TASKS})", ("id", "task_id", "comment_id")),
    ("notification", f"task_id IN ({_TASKS})", ("id", "task_id", "comment_id")),
    ("time_spent", f"task_id IN ({_TASKS})", ("id", "task_id")),
)


def multiply(url: str, times: int) -> None:
    """Make the shots of every production `times` as many."""
    with psycopg.connect(url) as connection:
        # Rows refer to each other in circles; the copies are as whole as what they are copies of.
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute(
            "CREATE FUNCTION pg_temp.again(id uuid, n int) RETURNS uuid LANGUAGE sql IMMUTABLE"
            " AS $$ SELECT md5(id::text || n)::uuid $$"
        )
        # What is copied is chosen before the first copy is made.
        for i, (table, which, _) in enumerate(_COPIED):
            connection.execute(f"CREATE TEMP TABLE chosen_{i} AS SELECT * FROM {table} WHERE {which}")  # type: ignore[arg-type]
        for i, (table, _, renewed) in enumerate(_COPIED):
            cursor = connection.execute(f"SELECT * FROM chosen_{i} LIMIT 0")  # type: ignore[arg-type]
            columns = [column.name for column in cursor.description or ()]
            values = [
                sql.SQL("pg_temp.again({}, n)").format(sql.Identifier(name))
                if name in renewed
                else sql.SQL("name || ' ' || n")
                if (name, i) == ("name", 0)
                else sql.Identifier(name)
                for name in columns
            ]
            connection.execute(
                sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} CROSS JOIN generate_series(2, {}) n").format(
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, columns)),
                    sql.SQL(", ").join(values),
                    sql.Identifier(f"chosen_{i}"),
                    sql.Literal(times),
                )
            )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
