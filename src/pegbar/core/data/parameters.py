"""Parameters of statements, whose types follow from their names.

    param("project_id")                 a uuid, as all that ends in `_id`
    param("minutes", Float)             a name that tells nothing
    sql("SELECT … WHERE id = ANY(:ids) AND at < :now AND kind = :kind", kind=Text)

What a statement asks about the caller (`caller_id`, `caller_role`, `caller_departments`) the database fills in for the
request under way; nobody passes it on.

In `sql`, a parameter that the statement casts itself (`:ids ::text[]`) stays as it is, and one whose name tells nothing
and to which no type is given has the type that PostgreSQL infers.
"""

import re
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from sqlalchemy import ARRAY, BindParameter, TextClause, bindparam, text
from sqlalchemy.types import TypeEngine

from pegbar.core.data.schema import TIMESTAMP, Boolean, Date, Integer, Text, Uuid

#: What a name says of the type, the first that fits.
_RULES: tuple[tuple[re.Pattern[str], Any], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        (r"ids|.*_ids", ARRAY(Uuid)),
        (r"id|key|.*_id", Uuid),
        (r"now|at|.*_at", TIMESTAMP),
        (r"day|.*_day|.*_date|today", Date),
        (r"limit|offset|most|position|revision|.*_count", Integer),
        (r"is_.*|for_client|for_concept", Boolean),
        (r"caller_role", Text),
        (r"caller_departments", ARRAY(Uuid)),
    )
)
_NAME = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
_CAST = re.compile(_NAME.pattern + r"\s*::")


def type_of(name: str) -> Any:
    """The type that a parameter's name tells; None when it tells none."""
    return next((kind for pattern, kind in _RULES if pattern.fullmatch(name)), None)


def param(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]] | None = None) -> BindParameter[Any]:
    """A parameter of a statement, of the type given or told by its name."""
    known = type_of(name) if kind is None else kind
    assert known is not None, f"the name {name} tells no type"
    return bindparam(name, type_=known)


def sql(statement: str, **types: Any) -> TextClause:
    """A statement in SQL, with its parameters typed."""
    names = set(_NAME.findall(statement))
    assert types.keys() <= names, f"no such parameter: {types.keys() - names}"
    untold = names - set(_CAST.findall(statement))
    known = {name: types.get(name) or type_of(name) for name in sorted(untold | types.keys())}
    return text(statement).bindparams(*[param(name, kind) for name, kind in known.items() if kind is not None])


CALLER_ID, CALLER_ROLE, CALLER_DEPARTMENTS = param("caller_id"), param("caller_role"), param("caller_departments")

#: Those three of the request under way, by name.
about_caller: ContextVar[Mapping[str, Any]] = ContextVar("about_caller", default={})  # noqa: B039 - never changed
