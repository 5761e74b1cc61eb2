"""Queries: what can be asked for, and the answers. Page of the manual: docs/open/query.md."""

from typing import Any, Literal

import msgspec
from litestar import Request

from pegbar.core.data.database import Database
from pegbar.core.http.access import Caller, authenticated
from pegbar.core.http.routing import get, post
from pegbar.open.query.asking import Form, ask, seen_by, things_seen
from pegbar.open.query.grammar import OPERATORS, RELATED, parse_query
from pegbar.open.query.shapes import ThingTold, described

_TAG = "Query"
_sees = authenticated.further("what they may see")
_BODY = {
    "type": "object",
    "properties": {
        "filters": {
            "description": "A group `{logical_operator, conditions}`, or a list of conditions that all hold. A "
            f"condition is `[path, operator, value]`; operators are {', '.join(OPERATORS)}, and with a condition about "
            f"related rows {' and '.join(RELATED)}",
            "type": ["object", "array", "null"],
        },
        "fields": {"type": ["array", "string", "null"], "items": {"type": "string"}},
        "sort": {"type": ["array", "string", "null"], "items": {"type": "string"}},
        "limit": {"type": ["integer", "null"], "minimum": 1},
        "cursor": {"type": ["string", "null"]},
        "summaries": {"type": ["array", "null"], "items": {"type": "object"}},
        "grouping": {"type": ["array", "null"], "items": {"type": ["object", "string"]}},
    },
    "additionalProperties": False,
}
_ANSWER = {
    "type": "object",
    "properties": {
        "data": {"type": "array", "items": {"type": "object"}},
        "next": {"type": ["string", "null"], "description": "The cursor of the next page; null behind the last one"},
        "complete": {"type": "boolean", "description": "Of summaries: whether these are all groups"},
    },
    "required": ["data"],
}


class Format(msgspec.Struct):
    """How the answer is written; else as the header `Accept` says."""

    format: Literal["", "json", "ndjson", "csv"] = ""


_ACCEPTED: dict[str, Form] = {
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "text/csv": "csv",
}


def _form(request: Request[Any, Any, Any], query: Format) -> Form:
    if query.format:
        return query.format
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    return next((_ACCEPTED[kind] for kind in accepted if kind in _ACCEPTED), "json")


@get("/open/v1/query", access=_sees, returns={"type": "array", "items": {"type": "string"}}, tag=_TAG)
async def things(caller: Caller) -> Any:
    """The names of what the caller may ask for."""
    return things_seen(caller)


@get("/open/v1/query/{thing:str}", access=_sees, returns=ThingTold, tag=_TAG, errors=(404,))
async def describe(thing: str, caller: Caller) -> Any:
    """The fields and relations of a thing that the caller may ask for, and the operators of each field."""
    return described(seen_by(caller, thing))


@post(
    "/open/v1/query/{thing:str}",
    access=_sees,
    status=200,
    returns=_ANSWER,
    body_schema=_BODY,
    tag=_TAG,
    errors=(400, 404),
)
async def query_things(
    thing: str, document: dict[str, Any], query: Format, request: Request[Any, Any, Any], db: Database, caller: Caller
) -> Any:
    """Rows of a thing by nested filters, with fields of what they are related to, sorted and in pages; or summaries.

    As JSON, NDJSON (`application/x-ndjson`) or CSV (`text/csv`), by `Accept` or `?format=`. What the caller does not
    see is neither told, filtered by nor sorted by.
    """
    return await ask(db, caller, thing, document, parse_query(document), _form(request, query))
