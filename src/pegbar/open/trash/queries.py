"""Statements about the trash: what a change deleted, its entry, lists of entries and what they hold."""

from functools import cache

from sqlalchemy import ColumnElement, Executable, Integer, and_, func, literal_column, select, tuple_

from pegbar.accounts.standing import CALLER, is_going, teams
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import JSONB, TIMESTAMP, BigInteger, String, Text
from pegbar.core.data.wire import Wire, constant, json_object
from pegbar.core.storage import held_file, stored_file
from pegbar.open.trash.tables import trash, trash_thing
from pegbar.productions.tables import project

_CHANGE = "nullif(current_setting('pegbar.change', true), '')::bigint"

# Noting

#: The rows that this transaction deleted, by table; those of Pegbar's own tables are kept apart.
DELETED = sql(
    f"""
    SELECT table_name, count(*) AS rows FROM (
      SELECT table_name FROM pegbar.history WHERE change_id = {_CHANGE} AND op = 'D'
       UNION ALL
      SELECT table_name FROM pegbar.trash_remainder WHERE change_id = {_CHANGE} AND table_name LIKE 'pegbar.%') AS gone
     GROUP BY table_name
    """  # noqa: S608 - a constant
)

#: The production that is being emptied by this transaction; `goes_on` while its row is there.
GOING = sql(
    f"""
    SELECT r.project_id, r.project_name AS name, true AS goes_on FROM pegbar.project_removal r
     WHERE r.project_id IN (SELECT h.project_id FROM pegbar.history h WHERE h.change_id = {_CHANGE} AND h.op = 'D')
     UNION ALL
    SELECT t.production_id, t.name, false FROM pegbar.history h
      JOIN pegbar.trash t ON t.production_id = h.row_id AND t.state = 'emptying'
     WHERE h.change_id = {_CHANGE} AND h.op = 'D' AND h.table_name = 'project'
     LIMIT 1
    """  # noqa: S608 - a constant
)

OF_PRODUCTION = sql(
    "SELECT id FROM pegbar.trash WHERE production_id = :project_id AND state = 'emptying' ORDER BY deleted_at DESC"
    " LIMIT 1 FOR UPDATE"
)

#: Deleted things that hang on no other row that this transaction deleted, with what people call them.
ROOTS = sql(
    f"""
    WITH gone AS MATERIALIZED (
      SELECT id, table_name, row_id, project_id, old FROM pegbar.history
       WHERE change_id = {_CHANGE} AND op = 'D' AND key IS NULL
    ), hanging AS (
      SELECT g.id FROM unnest(:holders ::text[], :columns ::text[], :targets ::text[])
                       AS reference (holder, name, target)
        JOIN gone g ON g.table_name = reference.holder
        JOIN gone above ON above.table_name = reference.target AND above.row_id::text = g.old ->> reference.name
    )
    SELECT gone.table_name, gone.row_id, gone.project_id,
           CASE gone.table_name
             WHEN 'entity' THEN coalesce((SELECT CASE WHEN t.name IN ('Shot', 'Sequence', 'Episode', 'Scene', 'Edit',
                                                                      'Concept', 'ConceptFolder')
                                                      THEN t.name ELSE 'Asset' END
                                            FROM entity_type t WHERE t.id::text = gone.old ->> 'entity_type_id'),
                                         'Entity')
             ELSE thing.kind END AS kind,
           left(CASE gone.table_name
             WHEN 'task' THEN concat_ws(' / ',
                    (SELECT e.name FROM entity e WHERE e.id::text = gone.old ->> 'entity_id'),
                    (SELECT t.name FROM task_type t WHERE t.id::text = gone.old ->> 'task_type_id'))
             ELSE coalesce(gone.old ->> 'name', gone.old ->> 'text', gone.old ->> 'title', gone.old ->> 'date')
           END, 200) AS name
      FROM gone JOIN unnest(:names ::text[], :kinds ::text[]) AS thing (name, kind) ON thing.name = gone.table_name
     WHERE gone.id NOT IN (SELECT id FROM hanging)
     ORDER BY gone.id
    """  # noqa: S608 - a constant
)

ADD = sql(
    """
    INSERT INTO pegbar.trash (id, deleted_at, person_id, production_id, production_name, kind, name, state, row_count,
                              rows)
    VALUES (:trash_id, :deleted_at, :person_id, :production_id,
            coalesce((SELECT p.name FROM project p WHERE p.id = :production_id),
                     CASE WHEN :kind = 'Project' THEN left(:name, 80) END),
            :kind, :name, :state, :row_count, :rows)
    """,
    kind=String,
    name=Text,
    state=String,
    row_count=BigInteger,
    rows=JSONB,
)

#: A hidden production's name was changed before the first batch: that change belongs to its entry too.
ADD_CHANGE = sql(
    f"""
    INSERT INTO pegbar.trash_change (change_id, trash_id)
    SELECT {_CHANGE}, :trash_id
     UNION
    SELECT hidden.change_id, :trash_id
      FROM pegbar.trash t
     CROSS JOIN LATERAL (SELECT h.change_id FROM pegbar.history h
                          WHERE h.row_id = t.production_id AND h.table_name = 'project' AND h.op = 'U'
                            AND h.new ->> 'name' = 'deleted ' || t.production_id
                          ORDER BY h.id DESC LIMIT 1) AS hidden
     WHERE t.id = :trash_id AND t.kind = 'Project'
        ON CONFLICT (change_id) DO NOTHING
    """  # noqa: S608 - a constant
)

GATHER = sql(
    """
    UPDATE pegbar.trash t SET state = :state, row_count = t.row_count + added.row_count, rows = added.rows
      FROM (SELECT (SELECT sum(value::bigint) FROM jsonb_each_text(:rows ::jsonb)) AS row_count,
                   (SELECT jsonb_object_agg(key, n) FROM (
                      SELECT key, sum(value::bigint) AS n FROM (
                        SELECT * FROM jsonb_each_text(:rows ::jsonb)
                         UNION ALL
                        SELECT e.* FROM pegbar.trash o, jsonb_each_text(o.rows) e WHERE o.id = :trash_id) AS of_both
                       GROUP BY key) AS summed) AS rows) AS added
     WHERE t.id = :trash_id
    """,
    state=String,
)

HOLD = sql(
    """
    INSERT INTO pegbar.held_file (bucket, key, held_by)
    SELECT s.bucket, s.key, :held_by FROM stored_file s
      JOIN (SELECT DISTINCT * FROM unnest(:buckets ::text[], :keys ::text[])) AS discarded (bucket, key)
        ON discarded.bucket = s.bucket AND discarded.key = s.key
     WHERE s.deleted_at IS NOT NULL AND s.purged_at IS NULL
        ON CONFLICT (bucket, key) DO UPDATE SET held_by = EXCLUDED.held_by
    """,
    held_by=trash.c.id.type,
)

# Reading

_stored, _held = stored_file.alias("stored"), held_file.alias("held")
_files = (
    select(
        func.count(_stored.c.size).label("files"),
        func.coalesce(func.sum(_stored.c.size), 0).cast(BigInteger).label("file_size"),
    )
    .select_from(_held.join(_stored, and_(_stored.c.bucket == _held.c.bucket, _stored.c.key == _held.c.key)))
    .where(_held.c.held_by == trash.c.id)
    .correlate(trash)
    .lateral("files")
)
_SOURCE = trash.join(_files, literal_column("true"))

#: An entry as it is told. `kept_until`: when it goes for good.
ENTRY = Wire(
    {
        "id": trash.c.id,
        "type": constant("TrashEntry"),
        "deleted_at": trash.c.deleted_at,
        "kept_until": (trash.c.deleted_at + func.make_interval(0, 0, 0, param("days", Integer))).cast(TIMESTAMP),
        "person_id": trash.c.person_id,
        "project_id": trash.c.production_id,
        "project_name": trash.c.production_name,
        "kind": trash.c.kind,
        "name": trash.c.name,
        "things": select(func.count()).where(trash_thing.c.trash_id == trash.c.id).correlate(trash).scalar_subquery(),
        "row_count": trash.c.row_count,
        "rows": trash.c.rows,
        "files": _files.c.files,
        "file_size": _files.c.file_size,
        "state": trash.c.state,
        "doing": trash.c.doing,
        "error": trash.c.error,
    }
)

#: What a list may be narrowed by, each with its parameter.
_FILTERS: dict[str, ColumnElement[bool]] = {
    "project_id": trash.c.production_id == param("project_id"),
    "person_id": trash.c.person_id == param("person_id"),
    "kind": func.lower(trash.c.kind) == func.lower(param("kind", String)),
    "since": trash.c.deleted_at >= param("since", TIMESTAMP),
    "until": trash.c.deleted_at < param("until", TIMESTAMP),
    "thing_id": trash.c.id.in_(select(trash_thing.c.trash_id).where(trash_thing.c.row_id == param("thing_id"))),
    "after": tuple_(trash.c.deleted_at, trash.c.id) < tuple_(param("after_at"), param("after_id")),
}


@cache
def entries(filters: frozenset[str], everything: bool) -> Executable:
    """A page of entries, latest first: `deleted_at`, `id` and the JSON. Unless `everything`, of managed productions."""
    conditions = [_FILTERS[name] for name in sorted(filters)]
    if not everything:
        conditions.append(trash.c.production_id.in_(teams(CALLER, "manager")))
    return (
        select(trash.c.deleted_at, trash.c.id, json_object(ENTRY))
        .select_from(_SOURCE)
        .where(*conditions)
        .order_by(trash.c.deleted_at.desc(), trash.c.id.desc())
        .limit(param("most"))
    )


#: The production of the entry `key` that a rule is about; none while it is not there, or is being emptied.
_production = project.alias()
PRODUCTION_OF_ENTRY = (
    select(_production.c.id.label("place_id"))
    .select_from(
        trash.outerjoin(_production, and_(_production.c.id == trash.c.production_id, ~is_going(_production.c.id)))
    )
    .where(trash.c.id == param("key"))
)

ONE = select(json_object(ENTRY)).select_from(_SOURCE).where(trash.c.id == param("trash_id"))

#: The rows of an entry: at most `:most` of each table, by what people call them, and the columns that forgot them.
CONTENTS = sql(
    """
    WITH gone AS (
      SELECT h.table_name, h.row_id, h.key,
             left(coalesce(h.old ->> 'name', h.old ->> 'text', h.old ->> 'title'), 200) AS name,
             row_number() OVER (PARTITION BY h.table_name ORDER BY h.id) AS n
        FROM pegbar.trash_change c JOIN pegbar.history h ON h.change_id = c.change_id
       WHERE c.trash_id = :trash_id AND h.op = 'D'
    ), listed AS (
      SELECT table_name,
             json_agg(json_strip_nulls(json_build_object('id', row_id, 'key', key, 'name', name)) ORDER BY n) AS rows
        FROM gone WHERE n <= :most GROUP BY table_name
    ), changed AS (
      SELECT h.table_name, h.row_id, array_agg(DISTINCT o.key) AS columns, min(h.id) AS n
        FROM pegbar.trash_change c JOIN pegbar.history h ON h.change_id = c.change_id
       CROSS JOIN LATERAL jsonb_object_keys(h.old) AS o (key)
       WHERE c.trash_id = :trash_id AND h.op = 'U'
       GROUP BY h.table_name, h.row_id ORDER BY n LIMIT :most
    )
    SELECT json_build_object(
             'contents', coalesce((SELECT json_object_agg(table_name, rows) FROM listed), '{}'),
             'changed', coalesce((SELECT json_agg(json_build_object('table', table_name, 'id', row_id,
                                                                    'columns', columns) ORDER BY n) FROM changed), '[]')
           )::text
    """
)

# Sweeping

#: Some entries that are kept no longer; one that is being emptied or restored is left alone.
EXPIRED = sql(
    """
    DELETE FROM pegbar.trash WHERE id IN (
      SELECT id FROM pegbar.trash WHERE deleted_at < :before AND state = 'whole'
       ORDER BY deleted_at LIMIT 500 FOR UPDATE SKIP LOCKED)
    RETURNING id
    """,
    before=TIMESTAMP,
)
#: What is kept apart and belongs to no entry, some time after the transaction that might still have made one.
FORGET_REMAINDERS = sql(
    """
    DELETE FROM pegbar.trash_remainder r
     WHERE r.at < :before AND NOT EXISTS (SELECT FROM pegbar.trash_change c WHERE c.change_id = r.change_id)
    """,
    before=TIMESTAMP,
)
FORGET_REMAINDERS_OF = sql(
    """
    DELETE FROM pegbar.trash_remainder WHERE change_id IN (
      SELECT change_id FROM pegbar.trash_change WHERE trash_id = ANY(:ids))
    """
)

# Purging

STATE = sql("SELECT id, state, kind, name, production_id, row_count FROM pegbar.trash WHERE id = :trash_id")
#: One at a time restores or purges an entry. No lock of its row, which tells how far it is meanwhile.
TAKE_IN_TURN = sql("SELECT pg_advisory_xact_lock(hashtextextended('trash ' || CAST(:trash_id AS text), 0))")
TAKE = sql("SELECT pg_try_advisory_xact_lock(hashtextextended('trash ' || CAST(:trash_id AS text), 0))")
#: What the rows were; that there were such rows, and who deleted them when, stays.
ERASE = sql(
    """
    UPDATE pegbar.history h SET old = NULL
      FROM pegbar.trash_change c WHERE c.trash_id = :trash_id AND h.change_id = c.change_id AND h.op = 'D'
    """
)
DROP = sql("DELETE FROM pegbar.trash WHERE id = :trash_id")

# Restoring

THINGS_AMONG = sql("SELECT row_id FROM pegbar.trash_thing WHERE trash_id = :trash_id AND row_id = ANY(:ids) LIMIT 1")

#: The deletion was one of several things that a change did.
IS_PART = sql(
    """
    SELECT EXISTS (SELECT FROM pegbar.trash_change t JOIN pegbar.change c ON c.id = t.change_id
                    WHERE t.trash_id = :trash_id AND c.parts ?| ARRAY['batch', 'import', 'undo'])
    """
)

_KIND = """CASE WHEN t.name IN ('Shot', 'Sequence', 'Episode', 'Scene', 'Edit', 'Concept', 'ConceptFolder')
               THEN t.name ELSE 'Asset' END"""

KINDS_COMING = sql(
    f"""
    SELECT DISTINCT {_KIND} AS kind, s.project_id FROM pg_temp.trash_entity s
      JOIN entity_type t ON t.id = s.entity_type_id ORDER BY 1, 2
    """  # noqa: S608 - a constant
)

#: One that came back and has the name of another where names are taken once (entities/kinds.py, `Within`).
NAMES_TAKEN = sql(
    f"""
    SELECT s.name, {_KIND} AS kind FROM pg_temp.trash_entity s
      JOIN entity_type t ON t.id = s.entity_type_id
      JOIN entity o ON o.project_id = s.project_id AND o.entity_type_id = s.entity_type_id AND o.name = s.name
     WHERE NOT EXISTS (SELECT FROM pg_temp.trash_entity also WHERE also.id = o.id)
       AND CASE {_KIND}
             WHEN 'Asset' THEN o.canceled IS NOT TRUE AND s.canceled IS NOT TRUE
             WHEN 'Concept' THEN true
             WHEN 'ConceptFolder' THEN true
             ELSE o.parent_id IS NOT DISTINCT FROM s.parent_id END
     LIMIT 1
    """  # noqa: S608 - a constant
)

BEGIN = sql("UPDATE pegbar.trash SET state = 'restoring', doing = NULL, error = NULL WHERE id = :trash_id")
DOING = sql("UPDATE pegbar.trash SET doing = :doing WHERE id = :trash_id", doing=String)
FAIL = sql(
    """
    UPDATE pegbar.trash SET state = 'whole', doing = NULL, error = :error
     WHERE id = :trash_id AND state = 'restoring'
    """,
    error=Text,
)
