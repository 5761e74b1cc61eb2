"""Search: a document for each row that can be found, kept by triggers."""

from pathlib import Path

from alembic import op

from pegbar.core.data.migrations import run_script

revision = "0019"
down_revision = "0018"

_NO_PRODUCTION = "'00000000-0000-0000-0000-000000000000'::uuid"

#: Most comments of an import only change a status: no document is made of them.
SAYS_SOMETHING = """(coalesce(c.text, '') <> '' OR jsonb_typeof(c.replies) = 'array' AND c.replies <> '[]'
         OR jsonb_typeof(c.checklist) = 'array' AND c.checklist <> '[]')"""

#: Table -> the documents of its rows with some ids.
DOCUMENTS = {
    "entity": """
      SELECT e.id, k.kind, e.project_id, pegbar.search_key(e.name),
             pegbar.search_vector(
               k.kind, e.project_id, e.name,
               CASE k.kind WHEN 'assets' THEN t.name ELSE concat_ws(' ', above.name, parent.name) END,
               e.description, e.data)
        FROM public.entity e
        JOIN public.entity_type t ON t.id = e.entity_type_id
       CROSS JOIN LATERAL (
               SELECT CASE t.name WHEN 'Shot' THEN 'shots' WHEN 'Sequence' THEN 'sequences'
                      WHEN 'Episode' THEN 'episodes' WHEN 'Edit' THEN 'edits' ELSE 'assets' END AS kind) k
        LEFT JOIN public.entity parent ON parent.id = e.parent_id
        LEFT JOIN public.entity above ON above.id = parent.parent_id
       WHERE e.id = ANY(ids) AND t.name NOT IN ('Scene', 'Concept', 'ConceptFolder')""",
    "project": """
      SELECT p.id, 'projects', p.id, pegbar.search_key(p.name),
             pegbar.search_vector('projects', p.id, p.name, p.code, p.description, NULL)
        FROM public.project p WHERE p.id = ANY(ids)""",
    "person": f"""
      SELECT p.id, 'persons', {_NO_PRODUCTION}, pegbar.search_key(n.full_name),
             pegbar.search_vector('persons', {_NO_PRODUCTION}, n.full_name, NULL, NULL, NULL)
        FROM public.person p CROSS JOIN LATERAL (SELECT concat_ws(' ', p.first_name, p.last_name) AS full_name) n
       WHERE p.id = ANY(ids) AND p.active IS NOT FALSE AND p.is_bot IS NOT TRUE AND p.is_guest IS NOT TRUE
         AND p.preview_project_id IS NULL""",  # noqa: S608 - a constant
    "playlist": """
      SELECT p.id, 'playlists', p.project_id, pegbar.search_key(p.name),
             pegbar.search_vector('playlists', p.project_id, p.name, NULL, NULL, NULL)
        FROM public.playlist p WHERE p.id = ANY(ids) AND p.project_id IS NOT NULL""",
    # Of equal rank, the newest comes first. Whatever another server leaves empty, a document never refuses its row.
    "comment": f"""
      SELECT c.id, 'comments', t.project_id,
             to_char(
               100000000000 - CASE WHEN isfinite(c.created_at) THEN extract(epoch FROM c.created_at) ELSE 0 END,
               'FM000000000000.000000'),
             pegbar.search_vector('comments', t.project_id, NULL, left(concat_ws(' ', c.text, (
               SELECT string_agg(said.value ->> 'text', ' ')
                 FROM jsonb_array_elements(
                        CASE WHEN jsonb_typeof(c.replies) = 'array' THEN c.replies ELSE '[]' END
                        || CASE WHEN jsonb_typeof(c.checklist) = 'array' THEN c.checklist ELSE '[]' END) said
                WHERE jsonb_typeof(said.value) = 'object')), 4000), NULL, NULL)
        FROM public.comment c JOIN public.task t ON t.id = c.object_id
       WHERE c.id = ANY(ids) AND t.project_id IS NOT NULL AND {SAYS_SOMETHING}""",  # noqa: S608 - a constant
}

#: Table -> the documents of rows that are found no longer, though they are there. Ids narrow both sides: a plan that a
#: session made while tables were empty would read all rows ever after.
_DROPPED = {
    "comment": f"""DELETE FROM pegbar.search_document d USING public.comment c
   WHERE d.id = ANY(ids) AND c.id = ANY(ids) AND c.id = d.id AND NOT ({SAYS_SOMETHING});
""",  # noqa: S608 - a constant
    "entity": """DELETE FROM pegbar.search_document d USING public.entity e, public.entity_type t
   WHERE d.id = ANY(ids) AND e.id = ANY(ids) AND e.id = d.id AND t.id = e.entity_type_id
     AND t.name IN ('Scene', 'Concept', 'ConceptFolder');
""",
    "person": """DELETE FROM pegbar.search_document d USING public.person p
   WHERE d.id = ANY(ids) AND p.id = ANY(ids) AND p.id = d.id
     AND (p.active IS FALSE OR p.is_bot OR p.is_guest OR p.preview_project_id IS NOT NULL);
""",
}

#: Table -> the columns on which its documents depend.
_SOURCES = {
    "entity": "name parent_id entity_type_id project_id description data",
    "project": "name code description",
    "person": "first_name last_name active is_bot is_guest preview_project_id",
    "playlist": "name project_id",
    "comment": "text replies checklist object_id created_at",
}
_KINDS = {
    "entity": "assets shots sequences episodes edits",
    "project": "projects",
    "person": "persons",
    "playlist": "playlists",
    "comment": "comments",
}

_HEAD = "LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$"

#: The plan is made for a session when tables may be small yet, and is kept while they grow: rows come by indexes alone.
#: Without the last setting a list of one id would be planned anew each time, which takes longer than to write its
#: document.
BY_INDEX = _HEAD.replace(
    " AS $$",
    " SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off"
    " SET plan_cache_mode = force_generic_plan AS $$",
)


def writing(table: str) -> str:
    """The function that writes the documents of rows."""
    return f"""
CREATE OR REPLACE FUNCTION pegbar.search_write_{table}(ids uuid[]) RETURNS void {BY_INDEX}
BEGIN
  {_DROPPED.get(table, "")}{adding(table)}
END $$;
"""


def adding(table: str) -> str:
    """What writes the documents of the rows `ids`."""
    return f"""
  WITH written AS (
    INSERT INTO pegbar.search_document AS known (id, kind, project_id, key, words){DOCUMENTS[table]}
     ORDER BY 1
    ON CONFLICT (id) DO UPDATE
       SET kind = excluded.kind, project_id = excluded.project_id, key = excluded.key, words = excluded.words
     WHERE (known.kind, known.project_id, known.key, known.words)
           IS DISTINCT FROM (excluded.kind, excluded.project_id, excluded.key, excluded.words)
    RETURNING kind, words
  )
  INSERT INTO pegbar.search_word (kind, place, word)
  SELECT w.kind, w.place, w.word
    FROM (SELECT DISTINCT written.kind, l.place, l.word
            FROM written CROSS JOIN LATERAL pegbar.search_lexemes(written.words) l OFFSET 0) w
   WHERE NOT EXISTS (
     SELECT 1 FROM pegbar.search_word k WHERE k.kind = w.kind AND k.place = w.place AND k.word = w.word);"""  # noqa: S608 - names of ours


def _triggers(table: str) -> str:
    columns = _SOURCES[table].split()
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("o", "n"))
    kinds = ", ".join(f"'{kind}'" for kind in _KINDS[table].split())
    # The documents of what is below an entity tell its name.
    and_below = (
        """IF below_ids <> '{}' THEN
      changed_ids := changed_ids || ARRAY(
        WITH child AS (SELECT id FROM public.entity WHERE parent_id = ANY(below_ids))
        SELECT id FROM child UNION
        SELECT e.id FROM public.entity e WHERE e.parent_id IN (SELECT id FROM child) ORDER BY id);
    END IF;"""
        if table == "entity"
        else ""
    )
    moved = (
        "(o.name, o.parent_id, o.entity_type_id) IS DISTINCT FROM (n.name, n.parent_id, n.entity_type_id)"
        if table == "entity"
        else "false"
    )
    return f"""
CREATE FUNCTION pegbar.search_{table}_insert() RETURNS trigger {_HEAD}
BEGIN
  PERFORM pegbar.search_write_{table}(ARRAY(SELECT id FROM after_change));
  RETURN NULL;
END $$;
CREATE FUNCTION pegbar.search_{table}_update() RETURNS trigger {_HEAD}
DECLARE
  changed_ids uuid[];
  below_ids uuid[];
BEGIN
  SELECT array_agg(n.id), coalesce(array_agg(n.id) FILTER (WHERE {moved}), '{{}}') INTO changed_ids, below_ids
    FROM after_change n JOIN before_change o ON o.id = n.id
   WHERE ({old}) IS DISTINCT FROM ({new});
  IF changed_ids IS NOT NULL THEN
    {and_below}
    PERFORM pegbar.search_write_{table}(changed_ids);
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION pegbar.search_{table}_delete() RETURNS trigger {_HEAD}
BEGIN
  DELETE FROM pegbar.search_document WHERE id IN (SELECT id FROM before_change);
  RETURN NULL;
END $$;
CREATE FUNCTION pegbar.search_{table}_truncate() RETURNS trigger {_HEAD}
BEGIN
  DELETE FROM pegbar.search_document WHERE kind IN ({kinds});
  RETURN NULL;
END $$;
{_trigger(table, "INSERT", "REFERENCING NEW TABLE AS after_change")}
{_trigger(table, "UPDATE", "REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change")}
{_trigger(table, "DELETE", "REFERENCING OLD TABLE AS before_change")}
{_trigger(table, "TRUNCATE", "")}
"""  # noqa: S608 - names of ours


def _trigger(table: str, operation: str, referencing: str) -> str:
    name = f"search_{table}_{operation.lower()}"
    # Also where another server's scripts switch ordinary triggers off.
    return f"""
CREATE TRIGGER pegbar_{name} AFTER {operation} ON public.{table} {referencing}
  FOR EACH STATEMENT EXECUTE FUNCTION pegbar.{name}();
ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER pegbar_{name};"""


_TYPE_RENAMED = f"""
CREATE FUNCTION pegbar.search_entity_type_update() RETURNS trigger {_HEAD}
BEGIN
  PERFORM pegbar.search_write_entity(ARRAY(
    SELECT e.id FROM public.entity e WHERE e.entity_type_id IN (
      SELECT n.id FROM after_change n JOIN before_change o ON o.id = n.id WHERE o.name IS DISTINCT FROM n.name)
     ORDER BY e.id));
  RETURN NULL;
END $$;
{_trigger("entity_type", "UPDATE", "REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change")}
"""  # noqa: S608 - names of ours


_WRITE_ALL = """
DO $$
DECLARE
  last uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
  WHILE last IS NOT NULL LOOP
    last := pegbar.search_rewrite('{table}', last);
  END LOOP;
END $$;
"""


def upgrade() -> None:
    """Create the documents, their triggers, and the documents of what is there."""
    connection = op.get_bind()
    run_script(connection, Path(__file__).with_name("search.sql").read_text())
    for table in DOCUMENTS:
        run_script(connection, writing(table))
        run_script(connection, _triggers(table))
    run_script(connection, _TYPE_RENAMED)
    run_script(connection, "SELECT pegbar.search_use_similarity()")
    for table in DOCUMENTS:
        run_script(connection, _WRITE_ALL.format(table=table))
