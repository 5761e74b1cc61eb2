"""The rule of share links, in SQL: which links are good, what they show, and who are their guests.

Every statement about a link begins with `LINK`: no row unless the link exists, is active, is not past its date, and its
password, if it has one, is proved. It is evaluated where the data are read, so what was revoked is gone with the next
request, on every node. Source: spec review, "Share links", "What a link shows", "Guests".
"""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, TextClause

from pegbar.accounts.standing import as_text, is_going, written
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import Text

#: A token of ours is found by its keyed hash, that of another server as it is. A stored hash is no token of its own.
NAMES_LINK = "l.token IN (:token_hash, :token) AND (l.token = :token_hash) = (s.sealed_token IS NOT NULL)"
_PROOF = "encode(sha256(convert_to(l.password, 'UTF8')), 'hex')"

#: Whatever its password is.
_GOOD = f"""
       FROM playlist_share_link l
       JOIN playlist p ON p.id = l.playlist_id
       JOIN project j ON j.id = p.project_id
       LEFT JOIN pegbar.share_link s ON s.playlist_share_link_id = l.id
      WHERE {NAMES_LINK} AND l.is_active
        AND (l.expiration_date IS NULL OR l.expiration_date >= timezone('utc', now()))
        AND NOT {as_text(is_going(written("p.project_id")))}"""

LINK = f"""
    link AS (
     SELECT l.id AS link_id, l.playlist_id, p.project_id, p.shots, l.can_comment,
            coalesce(s.can_annotate, l.can_comment) AS can_annotate, coalesce(s.can_download, true) AS can_download,
            coalesce(j.is_clients_isolated, false) AS is_isolated,
            p.is_for_all AND p.episode_id IS NULL AS is_for_all
     {_GOOD}
        AND (coalesce(l.password, '') = '' OR {_PROOF} = ANY(:proofs))
    )"""

#: The stored password of a link that is good but for it; null when it has none.
password_of_link = sql(
    f"SELECT nullif(l.password, '') AS password {_GOOD}",
    token=Text,
    token_hash=Text,
)

_UUID = "'^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'"
_LIST = "CASE WHEN jsonb_typeof(link.shots) = 'array' THEN link.shots ELSE '[]'::jsonb END"
_OF = "coalesce(e.entry->>'id', e.entry->>'shot_id', e.entry->>'entity_id')"
_PREVIEW = f"CASE WHEN e.entry->>'preview_file_id' ~ {_UUID} THEN (e.entry->>'preview_file_id')::uuid END"

#: The entries of the playlist, in their order.
ENTRIES = f"""
    entries AS (
     SELECT e.n, e.entry, {_OF} AS entity_text, CASE WHEN {_OF} ~ {_UUID} THEN ({_OF})::uuid END AS entity_id,
            {_PREVIEW} AS preview_id
       FROM link CROSS JOIN LATERAL jsonb_array_elements({_LIST}) WITH ORDINALITY AS e (entry, n)
      WHERE jsonb_typeof(e.entry) = 'object'
    )"""  # noqa: S608 - constants
#: The tasks whose previews the link shows: those that its comments are about.
SHOWN = """
    shown AS (
     SELECT DISTINCT f.task_id
       FROM entries e
       JOIN preview_file f ON f.id = e.preview_id
       JOIN task t ON t.id = f.task_id AND t.entity_id = e.entity_id
    )"""


def is_shown(preview_id: str) -> str:
    """Whether the link shows a preview: it is an entry's, or of the same revision of the same task as one.

    The few previews that count are looked for among the entries, rather than each entry's preview looked up: that
    takes a millisecond for a playlist of a thousand, and a page asks it for each of its pictures.
    """
    return f"""EXISTS (
       SELECT 1
         FROM preview_file x
         JOIN task xt ON xt.id = x.task_id
         CROSS JOIN LATERAL (
           SELECT jsonb_build_object('ids', jsonb_agg(stored.id::text) || jsonb_agg(upper(stored.id::text))) AS sought
             FROM preview_file stored
            WHERE stored.task_id = x.task_id AND (stored.id = x.id OR stored.revision = x.revision)) AS beside
         CROSS JOIN LATERAL jsonb_path_query(
           link.shots, '$[*] ? (@.preview_file_id == $ids[*])', beside.sought) AS e (entry)
        WHERE x.id = {preview_id} AND lower({_OF}) = xt.entity_id::text)"""  # noqa: S608 - constants


def is_visible(comment: str, author: str) -> str:
    """Whether guests see a comment on a shown task: it is for clients, or by a guest.

    Where clients are kept apart, only by a guest of the same link.
    """
    return f"""(coalesce({comment}.for_client, false) OR ({author}.is_guest
                AND (NOT link.is_isolated OR {author}.data->>'share_link_id' = link.link_id::text)))"""


#: A guest of the link, as `g`.
GUEST = """
    person g ON g.id = :guest_id AND g.is_guest AND g.active IS NOT FALSE
            AND g.data->>'share_link_id' = link.link_id::text"""


def in_text(statement: ColumnElement[Any] | Select[Any]) -> str:
    """A statement of Core, in parentheses, as a part of one about a link; colons in its texts begin no parameter."""
    return re.sub(r"(?<!:):(?=\w)", r"\\:", as_text(statement))


_TYPES: Mapping[str, Any] = {"token": Text, "token_hash": Text, "proofs": ARRAY(Text)}


def about_link(statement: str, **types: Any) -> TextClause:
    """A statement that begins with `LINK`, with the parameters of a visit (visits.py) typed."""
    return sql(statement, **_TYPES, **types)
