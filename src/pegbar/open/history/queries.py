"""What changed, newest first, as JSON made by PostgreSQL; what is not for its reader is taken out there.

Values are those that the columns held, as PostgreSQL writes them in JSON: times to the microsecond.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Executable, select

from pegbar.core.data.database import Reader
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import JSONB, TIMESTAMP, BigInteger, Boolean
from pegbar.core.http.access import Caller
from pegbar.productions.descriptors.shapes import DESCRIPTORS_FOR
from pegbar.productions.tables import metadata_descriptor

#: What a page is narrowed by, when it is asked for.
_FILTERS = {
    "row_id": "h.row_id = :row_id",
    "project_id": "h.project_id = :project_id",
    "change_id": "h.change_id = :change_id",
    "request_id": "h.change_id IN (SELECT id FROM pegbar.change WHERE request_id = :request_id)",
    "person_id": "c.person_id = :person_id",
    "since": "h.at >= :since",
    "until": "h.at < :until",
    "before": "h.id < :before",
}
_TYPES: Mapping[str, Any] = {
    "change_id": BigInteger,
    "before": BigInteger,
    "since": TIMESTAMP(timezone=True),
    "until": TIMESTAMP(timezone=True),
}


def moment(column: str) -> str:
    """SQL: a moment as the API writes it, to the microsecond: what is passed on as `at` is what was meant."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24\\:MI\\:SS.US')"""


#: SQL: the change `h` is of a link into another production, to what is not shared, or of an instance of such an asset.
#: Only studio managers are told of it, here and in the feed, as everywhere. Other rows name nothing of that kind.
LEADS_ELSEWHERE = """
    (h.key IS NOT NULL OR h.table_name IN ('entity', 'asset_instance')) AND EXISTS (
      SELECT FROM (SELECT value FROM jsonb_each_text(h.key) UNION ALL SELECT h.row_id::text) part
       CROSS JOIN LATERAL (SELECT CASE WHEN part.value ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                                       THEN part.value::uuid END AS id OFFSET 0) named
        LEFT JOIN asset_instance i ON i.id = named.id
        JOIN entity e ON e.id = coalesce(i.asset_id, named.id)
       WHERE e.project_id <> h.project_id AND NOT e.is_shared)
"""


@lru_cache(256)
def page(narrowed_by: frozenset[str], *, everywhere: bool) -> Executable:
    """A page of changes of some `tables`: `id`, and the JSON of each.

    `columns`: by table, those that are told; all where it is null. `fields`: those of metadata, or null for all.
    Changes of which nothing is told are left out, and with `only_changes` rows that came; unless the reader sees
    `everywhere`, links to what other productions do not share.
    """
    conditions = " AND ".join(
        [
            "h.table_name = ANY (:tables ::text[])",
            *(_FILTERS[name] for name in sorted(narrowed_by)),
            *(() if everywhere else (f"NOT ({LEADS_ELSEWHERE})",)),
        ]
    )
    return sql(
        f"""
        SELECT h.id, json_build_object(
                 'id', h.id, 'at', {moment("h.at")}, 'table', h.table_name, 'row_id', h.row_id, 'key', h.key,
                 'project_id', h.project_id,
                 'action', CASE h.op WHEN 'I' THEN 'created' WHEN 'U' THEN 'updated' ELSE 'deleted' END,
                 'old', told.old, 'new', told.new, 'change_id', h.change_id, 'person_id', c.person_id,
                 'origin', coalesce(c.origin, 'database'), 'method', c.method, 'route', c.route,
                 'request_id', c.request_id, 'parts', c.parts)::text AS row
          FROM pegbar.history h
          LEFT JOIN pegbar.change c ON c.id = h.change_id
         CROSS JOIN LATERAL (
                 SELECT pegbar.shown_of(h.old, nullif(:columns -> h.table_name, 'null'), :fields ::text[]) AS old,
                        pegbar.shown_of(h.new, nullif(:columns -> h.table_name, 'null'), :fields ::text[]) AS new) told
         WHERE {conditions} AND (h.op = 'I' AND NOT :only_changes OR told.old IS DISTINCT FROM told.new)
         ORDER BY h.id DESC
         LIMIT :most ::int
        """,  # noqa: S608 - conditions of ours
        columns=JSONB,
        only_changes=Boolean,
        **{name: kind for name, kind in _TYPES.items() if name in narrowed_by},
    )


_FIELDS = {
    role: select(metadata_descriptor.c.field_name).where(
        metadata_descriptor.c.project_id == param("project_id"), condition
    )
    for role, condition in DESCRIPTORS_FOR.items()
}


async def visible_fields(db: Reader, caller: Caller) -> list[str] | None:
    """The fields of metadata that the caller is shown on the production in question; None for all."""
    if caller.is_admin or caller.role_here not in _FIELDS:
        return None
    return await db.column(_FIELDS[caller.role_here], project_id=caller.project_id)


IS_THERE = sql("SELECT 1 FROM pegbar.history WHERE row_id = :row_id AND table_name = :table ::text LIMIT 1")
#: From when on everything is known.
START = sql("SELECT at FROM pegbar.history_start")
