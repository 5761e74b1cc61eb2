"""Tallies: what pages count and sum is kept as it changes, whoever writes to the database (core/data/tallies.py)."""

# ruff: noqa: S608 - names of ours

from dataclasses import dataclass

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0022"
down_revision = "0021"

_NOBODY = "'00000000-0000-0000-0000-000000000000'::uuid"

_TABLES = """
CREATE TABLE pegbar.project_news (
  news_id UUID PRIMARY KEY,
  project_id UUID NOT NULL,
  task_status_id UUID NOT NULL,
  change BOOLEAN NOT NULL,
  created_at TIMESTAMP
);
CREATE INDEX ix_project_news_page ON pegbar.project_news (project_id, created_at DESC, news_id DESC);

CREATE TABLE pegbar.project_hours (
  time_spent_id UUID PRIMARY KEY,
  person_id UUID NOT NULL,
  project_id UUID NOT NULL,
  task_type_id UUID NOT NULL,
  date DATE NOT NULL,
  minutes NUMERIC NOT NULL
);

CREATE TABLE pegbar.project_link (
  link_id UUID PRIMARY KEY,
  project_id UUID NOT NULL,
  created_at TIMESTAMP
);
CREATE INDEX ix_project_link_page ON pegbar.project_link (project_id, created_at, link_id);

CREATE INDEX IF NOT EXISTS pegbar_entity_link_id ON public.entity_link (id);

CREATE TABLE pegbar.news_tally (
  project_id UUID NOT NULL,
  task_status_id UUID NOT NULL,
  amount BIGINT NOT NULL,
  changes BIGINT NOT NULL,
  folded BOOLEAN DEFAULT false NOT NULL
);
CREATE INDEX ix_news_tally_project_id ON pegbar.news_tally (project_id);

CREATE TABLE pegbar.hours_tally (
  unit TEXT NOT NULL,
  first DATE NOT NULL,
  person_id UUID NOT NULL,
  project_id UUID NOT NULL,
  task_type_id UUID NOT NULL,
  amount BIGINT NOT NULL,
  minutes NUMERIC NOT NULL,
  folded BOOLEAN DEFAULT false NOT NULL
);
CREATE INDEX ix_hours_tally_first ON pegbar.hours_tally (unit, first);

CREATE TABLE pegbar.link_tally (
  project_id UUID NOT NULL,
  amount BIGINT NOT NULL,
  folded BOOLEAN DEFAULT false NOT NULL
);
CREATE INDEX ix_link_tally_project_id ON pegbar.link_tally (project_id);

CREATE TABLE pegbar.task_tally (
  project_id UUID NOT NULL,
  task_type_id UUID NOT NULL,
  task_status_id UUID NOT NULL,
  in_place BOOLEAN NOT NULL,
  amount BIGINT NOT NULL,
  duration NUMERIC NOT NULL,
  estimation NUMERIC NOT NULL,
  folded BOOLEAN DEFAULT false NOT NULL
);
CREATE INDEX ix_task_tally_project_id ON pegbar.task_tally (project_id);

CREATE TABLE pegbar.task_day_tally (
  project_id UUID NOT NULL,
  task_type_id UUID NOT NULL,
  kind TEXT NOT NULL,
  day DATE NOT NULL,
  amount BIGINT NOT NULL,
  estimation NUMERIC NOT NULL,
  folded BOOLEAN DEFAULT false NOT NULL
);
CREATE INDEX ix_task_day_tally_project_id ON pegbar.task_day_tally (project_id, kind);

CREATE TABLE pegbar.place_tally (
  project_id UUID NOT NULL,
  parent_id UUID NOT NULL,
  source_id UUID NOT NULL,
  amount BIGINT NOT NULL,
  folded BOOLEAN DEFAULT false NOT NULL
);
CREATE INDEX ix_place_tally_project_id ON pegbar.place_tally (project_id);

CREATE TABLE pegbar.stray_task (task_id UUID PRIMARY KEY);

-- A number as it is written. What is none counts nothing: it could never be taken away again.
CREATE FUNCTION pegbar.exact(number DOUBLE PRECISION) RETURNS NUMERIC LANGUAGE sql STABLE AS $$
  SELECT CASE WHEN number > '-Infinity' AND number < 'Infinity' THEN number::text::numeric ELSE 0 END
$$;
"""

#: What triggers run with: rights on our tables whoever writes, numbers written alike in every session, and plans that
#: are kept (a list of one id would be planned anew each time).
_AS_OURS = (
    "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog SET extra_float_digits = 1"
    " SET plan_cache_mode = force_generic_plan"
)


def _trigger(table: str, name: str, when: str) -> str:
    """A trigger that fires also where another server's scripts switch ordinary triggers off."""
    return f"""
CREATE TRIGGER pegbar_{name} {when} EXECUTE FUNCTION pegbar.{name}();
ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER pegbar_{name};
"""


def _of_statements(table: str, insert: str, update: str, delete: str, truncate: str) -> str:
    """Triggers of a table for each statement: what each operation does, with the rows before and after it."""
    parts = []
    for verb, body, referencing in (
        ("insert", insert, "REFERENCING NEW TABLE AS after_change"),
        ("update", update, "REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change"),
        ("delete", delete, "REFERENCING OLD TABLE AS before_change"),
        ("truncate", truncate, ""),
    ):
        name = f"tally_{table}_{verb}"
        parts.append(f"CREATE FUNCTION pegbar.{name}() RETURNS trigger {_AS_OURS} AS $${body}$$;")
        parts.append(_trigger(table, name, f"AFTER {verb} ON public.{table} {referencing} FOR EACH STATEMENT"))
    return "\n".join(parts)


# Rows that are counted by what other rows say of them


@dataclass(frozen=True)
class Placed:
    """Rows of a table with what they are counted by, which other tables hold: kept beside them.

    When a row goes, those others may have gone in the same statement: only what is kept tells what to take away.
    """

    table: str
    name: str  #: of the table that keeps it
    key: str  #: its primary key
    columns: str  #: of the table that matter
    rows: str  #: selects what is kept; `r` is the row
    tallies: str  #: the tally and its columns
    counted: str  #: selects from `kept` what is counted, {sign} times
    grouped: str
    hold: str = ""  #: holds what the rows with `ids` are counted by


_PLACED = (
    Placed(
        "news",
        "project_news",
        "news_id",
        "task_id, comment_id, change, created_at",
        f"""SELECT r.id, t.project_id, coalesce(c.task_status_id, {_NOBODY}), r.change, r.created_at
              FROM public.news r
              JOIN public.task t ON t.id = r.task_id
              LEFT JOIN public.comment c ON c.id = r.comment_id
             WHERE t.project_id IS NOT NULL""",
        "news_tally (project_id, task_status_id, amount, changes)",
        "SELECT project_id, task_status_id, {sign} count(*), {sign} count(*) FILTER (WHERE change) FROM kept",
        "project_id, task_status_id",
        "PERFORM FROM public.comment WHERE id IN (SELECT comment_id FROM public.news WHERE id = ANY (ids)) FOR SHARE;",
    ),
    Placed(
        "time_spent",
        "project_hours",
        "time_spent_id",
        "task_id, person_id, date, duration",
        f"""SELECT r.id, r.person_id, coalesce(t.project_id, {_NOBODY}), coalesce(t.task_type_id, {_NOBODY}), r.date,
                   pegbar.exact(r.duration)
              FROM public.time_spent r JOIN public.task t ON t.id = r.task_id
             WHERE r.person_id IS NOT NULL""",
        "hours_tally (unit, first, person_id, project_id, task_type_id, amount, minutes)",
        """SELECT u.unit, date_trunc(u.unit, date::timestamp)::date, person_id, project_id, task_type_id,
                  {sign} count(*), {sign} sum(minutes)
             FROM kept CROSS JOIN (VALUES ('month'), ('week')) u (unit)""",
        "1, 2, 3, 4, 5",
    ),
    Placed(
        "entity_link",
        "project_link",
        "link_id",
        "entity_in_id, created_at",
        """SELECT r.id, e.project_id, r.created_at
             FROM public.entity_link r JOIN public.entity e ON e.id = r.entity_in_id
            WHERE e.project_id IS NOT NULL""",
        "link_tally (project_id, amount)",
        "SELECT project_id, {sign} count(*) FROM kept",
        "project_id",
    ),
)


def _placing(placed: Placed) -> str:
    """Functions that keep and forget what rows are counted by, and the triggers that call them."""
    table, name = placed.table, placed.name
    tally = placed.tallies.partition(" ")[0]
    add, take = placed.counted.format(sign=""), placed.counted.format(sign="-")
    functions = f"""
CREATE FUNCTION pegbar.keep_{name}(ids UUID[]) RETURNS void {_AS_OURS} AS $$
BEGIN
  {placed.hold}
  WITH kept AS (INSERT INTO pegbar.{name} {placed.rows} AND r.id = ANY (ids) RETURNING *)
  INSERT INTO pegbar.{placed.tallies} {add} GROUP BY {placed.grouped};
END $$;

CREATE FUNCTION pegbar.forget_{name}(ids UUID[]) RETURNS void {_AS_OURS} AS $$
BEGIN
  WITH kept AS (DELETE FROM pegbar.{name} WHERE {placed.key} = ANY (ids) RETURNING *)
  INSERT INTO pegbar.{placed.tallies} {take} GROUP BY {placed.grouped};
END $$;

-- What the rows say now, and what is to be counted of that: to begin with, and to compare.
CREATE FUNCTION pegbar.rows_of_{name}() RETURNS SETOF pegbar.{name} {_AS_OURS} AS $$
BEGIN
  RETURN QUERY {placed.rows};
END $$;

CREATE FUNCTION pegbar.count_{tally}() RETURNS SETOF pegbar.{tally} {_AS_OURS} AS $$
BEGIN
  RETURN QUERY WITH kept AS (SELECT * FROM pegbar.rows_of_{name}())
    SELECT counted.*, true FROM ({add} GROUP BY {placed.grouped}) counted;
END $$;
"""
    changed = f"""
  SELECT array_agg(DISTINCT id) FROM (
    (SELECT id, {placed.columns} FROM before_change EXCEPT ALL SELECT id, {placed.columns} FROM after_change)
    UNION ALL
    (SELECT id, {placed.columns} FROM after_change EXCEPT ALL SELECT id, {placed.columns} FROM before_change)
  ) changed"""
    triggers = _of_statements(
        table,
        insert=f"""
BEGIN
  PERFORM pegbar.keep_{name}((SELECT array_agg(id) FROM after_change));
  RETURN NULL;
END """,
        update=f"""
DECLARE
  ids UUID[] := ({changed});
BEGIN
  IF ids IS NOT NULL THEN
    PERFORM pegbar.forget_{name}(ids);
    PERFORM pegbar.keep_{name}(ids);
  END IF;
  RETURN NULL;
END """,
        delete=f"""
BEGIN
  PERFORM pegbar.forget_{name}((SELECT array_agg(id) FROM before_change));
  RETURN NULL;
END """,
        truncate=f"""
BEGIN
  TRUNCATE pegbar.{name}, pegbar.{tally};
  RETURN NULL;
END """,
    )
    return functions + triggers


def _moving(
    table: str, column: str, kept: tuple[tuple[str, str, str], ...], *, holds: tuple[str, ...] | None = None
) -> str:
    """Triggers for what is seldom: `column` of a row changes, by which rows of other tables are counted.

    Those tables are held first (or those that `holds` says), so that nobody adds to them meanwhile what counts by the
    value before. `kept`: the table, the column that names the row, and the table that keeps what it is counted by.
    """
    name = f"tally_{table}_{column}"
    held = [other for other, _, _ in kept] if holds is None else holds
    hold = "".join(f"\n  LOCK TABLE public.{other} IN SHARE MODE;" for other in held)
    again = "".join(
        f"""
  ids := ARRAY(SELECT id FROM public.{other} WHERE {reference} = NEW.id);
  PERFORM pegbar.forget_{kept_in}(ids);
  PERFORM pegbar.keep_{kept_in}(ids);"""
        for other, reference, kept_in in kept
    )
    when = f"UPDATE OF {column} ON public.{table} FOR EACH ROW WHEN (OLD.{column} IS DISTINCT FROM NEW.{column})"
    sql = f"""
CREATE FUNCTION pegbar.{name}() RETURNS trigger {_AS_OURS} AS $$
DECLARE
  ids UUID[];
BEGIN{again}
  RETURN NULL;
END $$;
{_trigger(table, name, f"AFTER {when}")}"""
    if not held:
        return sql
    return f"""{sql}
CREATE FUNCTION pegbar.{name}_first() RETURNS trigger {_AS_OURS} AS $$
BEGIN{hold}
  RETURN NEW;
END $$;
{_trigger(table, name + "_first", f"BEFORE {when}")}"""


# Rows that are counted by what they say themselves


@dataclass(frozen=True)
class Counted:
    """A tally of the rows of a table by columns of their own."""

    tally: str
    rows: str  #: selects the columns of the tally from {rows}, {sign} times
    keys: tuple[str, ...]
    amounts: tuple[str, ...]

    def sums(self, rows: str, more: str = "") -> str:
        """Selects the tally of rows."""
        sums = ", ".join(f"sum({name})" + "::bigint" * (name == "amount") for name in self.amounts)
        return f"SELECT {', '.join(self.keys)}, {sums}{more} FROM ({rows}) part GROUP BY {', '.join(self.keys)}"

    def delta(self, *parts: tuple[str, str]) -> str:
        """Adds to the tally what rows before and after a change make of it, unless it is nothing."""
        rows = " UNION ALL ".join(self.rows.format(sign=sign, rows=rows) for rows, sign in parts)
        columns = ", ".join((*self.keys, *self.amounts))
        some = " OR ".join(f"sum({name}) <> 0" for name in self.amounts)
        return f"INSERT INTO pegbar.{self.tally} ({columns}) {self.sums(rows)} HAVING {some};"

    def function(self, table: str) -> str:
        """The function that counts all rows."""
        rows = self.rows.format(sign="", rows=f"public.{table}")
        return f"""
CREATE FUNCTION pegbar.count_{self.tally}() RETURNS SETOF pegbar.{self.tally} {_AS_OURS} AS $$
BEGIN
  RETURN QUERY {self.sums(rows, ", true")};
END $$;
"""


_KNOWN = "t.project_id IS NOT NULL AND t.task_type_id IS NOT NULL AND t.task_status_id IS NOT NULL"
_COUNTED = {
    "task": (
        Counted(
            "task_tally",
            f"""SELECT t.project_id, t.task_type_id, t.task_status_id, t.entity_id IS NOT NULL AS in_place,
                       {{sign}} 1 AS amount, {{sign}} pegbar.exact(t.duration) AS duration,
                       {{sign}} pegbar.exact(t.estimation) AS estimation
                  FROM {{rows}} t WHERE {_KNOWN}""",
            ("project_id", "task_type_id", "task_status_id", "in_place"),
            ("amount", "duration", "estimation"),
        ),
        Counted(
            "task_day_tally",
            f"""SELECT t.project_id, t.task_type_id, d.kind, d.day::date AS day, {{sign}} 1 AS amount,
                       {{sign}} pegbar.exact(t.estimation) AS estimation
                  FROM {{rows}} t CROSS JOIN LATERAL
                       (VALUES ('done', t.done_date), ('start', t.start_date), ('due', t.due_date)) d (kind, day)
                 WHERE d.day IS NOT NULL AND {_KNOWN}""",
            ("project_id", "task_type_id", "kind", "day"),
            ("amount", "estimation"),
        ),
    ),
    "entity": (
        Counted(
            "place_tally",
            f"""SELECT e.project_id, coalesce(e.parent_id, {_NOBODY}) AS parent_id,
                       coalesce(e.source_id, {_NOBODY}) AS source_id, {{sign}} 1 AS amount
                  FROM {{rows}} e WHERE e.project_id IS NOT NULL""",
            ("project_id", "parent_id", "source_id"),
            ("amount",),
        ),
    ),
}


def _counting(table: str, tallies: tuple[Counted, ...]) -> str:
    """Functions that count the rows of a table, and the triggers that keep the counts."""

    def body(*parts: tuple[str, str]) -> str:
        deltas = "\n  ".join(counted.delta(*parts) for counted in tallies)
        return f"\nBEGIN\n  {deltas}\n  RETURN NULL;\nEND "

    names = ", ".join(f"pegbar.{counted.tally}" for counted in tallies)
    return "".join(counted.function(table) for counted in tallies) + _of_statements(
        table,
        insert=body(("after_change", "")),
        update=body(("before_change", "-"), ("after_change", "")),
        delete=body(("before_change", "-")),
        truncate=f"\nBEGIN\n  TRUNCATE {names};\n  RETURN NULL;\nEND ",
    )


#: Tasks whose entity is of another production. An entity that moves takes none with it.
_STRAYS = f"""
CREATE FUNCTION pegbar.rows_of_stray_task() RETURNS SETOF pegbar.stray_task {_AS_OURS} AS $$
BEGIN
  RETURN QUERY SELECT t.id FROM public.task t JOIN public.entity e ON e.id = t.entity_id
   WHERE e.project_id IS DISTINCT FROM t.project_id;
END $$;

CREATE FUNCTION pegbar.find_stray_tasks(ids UUID[]) RETURNS void {_AS_OURS} AS $$
BEGIN
  DELETE FROM pegbar.stray_task WHERE task_id = ANY (ids);
  INSERT INTO pegbar.stray_task
  SELECT t.id FROM public.task t JOIN public.entity e ON e.id = t.entity_id
   WHERE t.id = ANY (ids) AND e.project_id IS DISTINCT FROM t.project_id;
END $$;
"""


def _straying(table: str, when: str, body: str) -> str:
    name = f"tally_strays_{table}_{when.split()[1].lower()}"
    return f"""
CREATE FUNCTION pegbar.{name}() RETURNS trigger {_AS_OURS} AS $$
BEGIN
  {body};
  RETURN NULL;
END $$;
{_trigger(table, name, when)}"""


_STRAYING = (
    _straying(
        "task",
        "AFTER INSERT ON public.task REFERENCING NEW TABLE AS after_change FOR EACH STATEMENT",
        "PERFORM pegbar.find_stray_tasks((SELECT array_agg(id) FROM after_change))",
    ),
    _straying(
        "task",
        "AFTER UPDATE OF project_id, entity_id ON public.task FOR EACH ROW "
        "WHEN (OLD.project_id IS DISTINCT FROM NEW.project_id OR OLD.entity_id IS DISTINCT FROM NEW.entity_id)",
        "PERFORM pegbar.find_stray_tasks(ARRAY[NEW.id])",
    ),
    _straying(
        "task",
        "AFTER DELETE ON public.task REFERENCING OLD TABLE AS before_change FOR EACH STATEMENT",
        "DELETE FROM pegbar.stray_task WHERE task_id IN (SELECT id FROM before_change)",
    ),
    _straying(
        "task",
        "AFTER TRUNCATE ON public.task FOR EACH STATEMENT",
        "TRUNCATE pegbar.stray_task",
    ),
    _straying(
        "entity",
        "AFTER UPDATE OF project_id ON public.entity FOR EACH ROW "
        "WHEN (OLD.project_id IS DISTINCT FROM NEW.project_id)",
        "PERFORM pegbar.find_stray_tasks(ARRAY(SELECT id FROM public.task WHERE entity_id = NEW.id))",
    ),
)

#: All of it counted again, while nobody writes.
_RECOUNT = f"""
CREATE FUNCTION pegbar.recount_tallies() RETURNS void {_AS_OURS} AS $$
BEGIN
  LOCK TABLE public.entity, public.task, public.comment, public.news, public.time_spent, public.entity_link
    IN SHARE MODE;
  TRUNCATE pegbar.task_tally, pegbar.task_day_tally, pegbar.place_tally, pegbar.news_tally, pegbar.hours_tally,
           pegbar.link_tally, pegbar.stray_task, pegbar.project_news, pegbar.project_hours, pegbar.project_link;
  INSERT INTO pegbar.project_news SELECT * FROM pegbar.rows_of_project_news();
  INSERT INTO pegbar.project_hours SELECT * FROM pegbar.rows_of_project_hours();
  INSERT INTO pegbar.project_link SELECT * FROM pegbar.rows_of_project_link();
  INSERT INTO pegbar.stray_task SELECT * FROM pegbar.rows_of_stray_task();
  INSERT INTO pegbar.news_tally SELECT * FROM pegbar.count_news_tally();
  INSERT INTO pegbar.hours_tally SELECT * FROM pegbar.count_hours_tally() ORDER BY unit, first;
  INSERT INTO pegbar.link_tally SELECT * FROM pegbar.count_link_tally();
  INSERT INTO pegbar.task_tally SELECT * FROM pegbar.count_task_tally();
  INSERT INTO pegbar.task_day_tally SELECT * FROM pegbar.count_task_day_tally();
  INSERT INTO pegbar.place_tally SELECT * FROM pegbar.count_place_tally();
END $$;
SELECT pegbar.recount_tallies();
"""

_MOVES = (
    _moving(
        "task",
        "project_id",
        (("news", "task_id", "project_news"), ("time_spent", "task_id", "project_hours")),
    ),
    _moving("task", "task_type_id", (("time_spent", "task_id", "project_hours"),)),
    _moving(
        "entity",
        "project_id",
        (("entity_link", "entity_in_id", "project_link"),),
        holds=("entity_link", "task"),
    ),
    # Who adds news holds their comment.
    _moving("comment", "task_status_id", (("news", "comment_id", "project_news"),), holds=()),
)


def upgrade() -> None:
    """Make the tallies and the triggers that keep them, and count what is there; without our schema all is gone."""
    connection = op.get_bind()
    run_script(connection, _TABLES)
    for placed in _PLACED:
        run_script(connection, _placing(placed))
    for table, tallies in _COUNTED.items():
        run_script(connection, _counting(table, tallies))
    for moves in (*_MOVES, _STRAYS, *_STRAYING):
        run_script(connection, moves)
    run_script(connection, _RECOUNT)
