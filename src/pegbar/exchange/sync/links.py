"""Statements about links that travel with the rows that list them."""

from functools import lru_cache

from sqlalchemy import ARRAY, Executable, bindparam, select
from sqlalchemy.dialects import postgresql

from pegbar.core.data import belonging
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Column, Integer, Uuid
from pegbar.exchange.sync.parts import Link, Part, quoted

# ruff: noqa: S608 - names of our tables and columns

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def _kind(column: Column[object]) -> str:
    return str(column.type.compile(dialect=_DIALECT))


def _wanted(part: Part, link: Link) -> str:
    """The links that came, of owners that tell them: `owner`, each other column, and `detail`."""
    others = ", ".join(f"(item->>'{other.name}')::uuid AS \"{other.name}\"" for other in link.others)
    named = " AND ".join(
        f"EXISTS (SELECT 1 FROM public.{belonging.target_of(other).name} WHERE id = (item->>'{other.name}')::uuid)"  # type: ignore[union-attr]
        for other in link.others
    )
    key = ", ".join(f"item->>'{other.name}'" for other in link.others)
    return f"""
        SELECT DISTINCT ON (s.row_id, {key}) s.row_id AS owner, {others}, item AS detail
          FROM pegbar.sync_row s CROSS JOIN LATERAL jsonb_array_elements(s.row->'{link.key}') item
         WHERE s.peer_id = :peer_id AND s.table_name = '{part.name}' AND s.run = :run AND s.row ? '{link.key}'
           AND EXISTS (SELECT 1 FROM public.{part.name} WHERE id = s.row_id) AND {named}
    """


def _same(link: Link) -> str:
    pairs = [(link.owner.name, "owner"), *((other.name, other.name) for other in link.others)]
    return " AND ".join(f'kept."{ours}" = wanted."{theirs}"' for ours, theirs in pairs)


def _detail(link: Link, name: str) -> str:
    column = link.table.c[name]
    if isinstance(column.type, ARRAY):
        items = f"jsonb_array_elements_text(nullif(wanted.detail->'{name}', 'null'::jsonb))"
        return f"(SELECT array_agg(value)::{_kind(column)} FROM {items})"
    return f"(wanted.detail->>'{name}')::{_kind(column)}"


@lru_cache(None)
def unlink(part: Part, link: Link) -> Executable:
    """Removes links that did not come, of owners that tell theirs; the owners."""
    return sql(
        f"""
        WITH wanted AS MATERIALIZED ({_wanted(part, link)})
        DELETE FROM public.{link.table.name} kept USING pegbar.sync_row s
         WHERE s.peer_id = :peer_id AND s.table_name = '{part.name}' AND s.run = :run AND s.row ? '{link.key}'
           AND kept."{link.owner.name}" = s.row_id AND NOT EXISTS (SELECT 1 FROM wanted WHERE {_same(link)})
        RETURNING kept."{link.owner.name}"
        """,
        run=Integer,
    )


@lru_cache(None)
def add_links(part: Part, link: Link) -> Executable:
    """Adds the links that are missing; their owners."""
    columns = {link.owner.name: "wanted.owner"} | {other.name: f'wanted."{other.name}"' for other in link.others}
    columns |= {name: _detail(link, name) for name in link.details}
    for column in link.table.columns:
        if column.name == "id":
            columns["id"] = "pegbar.new_id()"
        elif column.name in ("created_at", "updated_at"):
            columns[column.name] = "timezone('utc', now())"
        elif column.name in link.details and not column.nullable:
            columns[column.name] = f"coalesce({columns[column.name]}, {column.server_default.arg})"  # type: ignore[union-attr]
    return sql(
        f"""
        WITH wanted AS MATERIALIZED ({_wanted(part, link)})
        INSERT INTO public.{link.table.name} ({quoted(columns)}) SELECT {", ".join(columns.values())} FROM wanted
         WHERE NOT EXISTS (SELECT 1 FROM public.{link.table.name} kept WHERE {_same(link)})
        RETURNING "{link.owner.name}"
        """,
        run=Integer,
    )


@lru_cache(None)
def change_links(part: Part, link: Link) -> Executable | None:
    """Changes what links say besides, where that is told; their owners."""
    if not link.details:
        return None
    assigned = ", ".join(
        f'"{name}" = CASE WHEN wanted.detail ? \'{name}\' THEN {_detail(link, name)} ELSE kept."{name}" END'
        for name in link.details
    )
    return sql(
        f"""
        WITH wanted AS MATERIALIZED ({_wanted(part, link)})
        UPDATE public.{link.table.name} kept SET {assigned} FROM wanted
         WHERE {_same(link)} AND ({_details_differ(link)})
        RETURNING kept."{link.owner.name}"
        """,
        run=Integer,
    )


def _details_differ(link: Link) -> str:
    return (
        " OR ".join(
            f"(wanted.detail ? '{name}' AND kept.\"{name}\" IS DISTINCT FROM {_detail(link, name)})"
            for name in link.details
        )
        or "false"
    )


@lru_cache(None)
def differing_links(part: Part, link: Link) -> Executable:
    """The owners whose links are others here."""
    owner = link.owner.name
    return sql(
        f"""
        WITH wanted AS MATERIALIZED ({_wanted(part, link)})
        SELECT wanted.owner AS id FROM wanted
         WHERE NOT EXISTS (SELECT 1 FROM public.{link.table.name} kept
                            WHERE {_same(link)} AND NOT ({_details_differ(link)}))
        UNION
        SELECT kept."{owner}" FROM public.{link.table.name} kept JOIN pegbar.sync_row s ON kept."{owner}" = s.row_id
         WHERE s.peer_id = :peer_id AND s.table_name = '{part.name}' AND s.run = :run AND s.row ? '{link.key}'
           AND NOT EXISTS (SELECT 1 FROM wanted WHERE {_same(link)})
        """,
        run=Integer,
    )


@lru_cache(None)
def links_here(link: Link) -> Executable:
    """What the links of an owner say besides."""
    names = [*link.others, *(link.table.c[name] for name in link.details)]
    return select(*names).where(link.owner == bindparam("owner_id", type_=Uuid))
