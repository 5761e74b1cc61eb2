"""Statements as PostgreSQL gets them: compiled once, with numbered parameters."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import BindParameter, ClauseElement, Executable, Text, TextualSelect, bindparam, column, text
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.types import NullType

from pegbar.core.data.parameters import CALLER_DEPARTMENTS, CALLER_ID, CALLER_ROLE, about_caller

E = TypeVar("E", bound=Executable)

DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]
#: The same with named parameters: nothing else in such a text looks like one.
_NAMED = asyncpg_dialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
_PLACE = re.compile(r"%\(([^()]+)\)s|%%")


class _Compiler(DIALECT.statement_compiler):  # type: ignore[name-defined,misc]
    """Renders lists that are written into a statement with it, though other parameters have no value yet."""

    def construct_params(self, *args: Any, _check: bool = True, **options: Any) -> Any:
        return super().construct_params(*args, _check=False, **options)


DIALECT.statement_compiler = _NAMED.statement_compiler = _Compiler

_OF_CALLER = {parameter.key for parameter in (CALLER_ID, CALLER_ROLE, CALLER_DEPARTMENTS)}
#: A statement that may change something, and one that may delete rows.
_WRITES = re.compile(r"\b(?:INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)
_DELETES = re.compile(r"\bDELETE FROM\b", re.IGNORECASE)
#: A parameter of a statement that is no list, as it is compiled or written by hand (`:most ::int`).
_SCALAR = re.compile(r"\$\d+ ?::(?:TIMESTAMP WITHOUT TIME ZONE|(?!TIMESTAMP WITHOUT)\w+)\b(?!\[)")


def planned_once(statement: E) -> E:
    """The statement, planned for a person or a page like any other.

    PostgreSQL plans a prepared statement anew at each run as long as plans for the very values at hand promise to be
    cheaper: for an artist without tasks, or the first page of much. Where many tables are joined that takes longer than
    to read the rows. Only for statements whose one plan is good for all: few rows by indexes, from what is given.
    """
    return statement.execution_options(planned_once=True)


def _rendered(statement: Executable, dialect: Any) -> tuple[Any, set[str]]:
    """A statement as text, and the names of the parameters that must be given."""
    assert isinstance(statement, ClauseElement)
    # Lists written into a statement are part of it: they are rendered now, not at each run.
    compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    return compiled, {parameter.key for parameter in compiled.bind_names if parameter.required}


@lru_cache(1024)
def embedded(
    statement: Executable, departments: str, key: str = "", *, is_list: bool = False, unless: str = ""
) -> TextualSelect:
    """A statement of one column of JSON text, to be selected within another one as `along`.

    It stays as it is: in no part of it are tables taken for those of the other one. Its parameter `key` becomes that
    one's `key`. Of a list the rows are a JSON array. Where `unless`, a condition in SQL, holds it is not run. What it
    asks of the caller is given but for their departments, which nobody knows yet: `departments` is SQL that finds them
    by `:caller_id`.
    """
    sql, binds = as_part(statement, key, departments)
    if is_list:
        sql = f"SELECT '[' || array_to_string(ARRAY({sql}), ',') || ']'"
    if unless:
        sql = f"SELECT CASE WHEN NOT ({unless}) THEN ({sql}) END"
    selected = text(sql).bindparams(*binds).columns(column("along", Text))
    return planned_once(selected) if statement.get_execution_options().get("planned_once") else selected


def as_part(statement: Executable, key: str, departments: str = "") -> tuple[str, list[BindParameter[Any]]]:
    """A statement as the text of a subquery, and its parameters, whose names are none of the statement around it.

    Its parameter `key` is called `key` there; those about the caller stay, unless `departments` is SQL for theirs.
    """
    rendered, required = _rendered(statement, _NAMED)
    assert required <= {key, *_OF_CALLER}, required
    values = rendered.construct_params()
    #: What SQLAlchemy makes of names with points, brackets or spaces.
    unescaped = {escaped: name for name, escaped in rendered.escaped_bind_names.items()}
    names: dict[str, str] = {}

    def place(match: re.Match[str]) -> str:
        if match[1] is None:
            return "%"
        name = str(unescaped.get(match[1], match[1]))
        if departments and name == CALLER_DEPARTMENTS.key:
            names[CALLER_ID.key] = CALLER_ID.key
            return departments
        if name not in names:
            names[name] = "key" if name == key else name if name in _OF_CALLER else f"along_{len(names)}"
        return f":{names[name]} "

    sql = _PLACE.sub(place, str(rendered).replace(":", r"\:"))
    binds: list[BindParameter[Any]] = [
        bindparam(names[name], type_=NullType())
        if name in required | {CALLER_ID.key}
        else bindparam(names[name], values[name], NullType())
        for name in names
    ]
    return sql, binds


class Compiled:
    """SQL with numbered parameters and the names that fill them."""

    __slots__ = ("defaults", "deletes", "known", "names", "of_caller", "required", "sql", "writes")

    def __init__(self, statement: Executable) -> None:
        compiled, self.required = _rendered(statement, DIALECT)
        # The value of a subquery is not known to the planner.
        once = statement.get_execution_options().get("planned_once")
        self.sql: str = _SCALAR.sub(r"(SELECT \g<0>)", str(compiled)) if once else str(compiled)
        self.writes = _WRITES.search(self.sql) is not None
        self.deletes = _DELETES.search(self.sql) is not None
        self.names: list[str] = list(compiled.positiontup or ())
        self.known = frozenset(self.names)
        self.of_caller = _OF_CALLER.intersection(self.names)
        self.defaults: Mapping[str, Any] = compiled.construct_params() or {}

    def arguments(self, params: Mapping[str, Any]) -> list[Any]:
        """The parameters in their order, with those about the caller.

        Every name given must be one of the statement's, and none may be missing.
        """
        if self.of_caller:
            known = about_caller.get()
            params = {**{name: known[name] for name in self.of_caller if name in known}, **params}
        assert params.keys() <= self.known, f"no such parameter: {params.keys() - self.known}"
        assert self.required <= params.keys(), f"missing parameter: {self.required - params.keys()}"
        return [params[name] if name in params else self.defaults[name] for name in self.names]


_compiled: WeakKeyDictionary[Executable, Compiled] = WeakKeyDictionary()


def compiled(statement: Executable) -> Compiled:
    """The compiled form of a statement, made at its first use."""
    ready = _compiled.get(statement)
    if ready is None:
        ready = _compiled[statement] = Compiled(statement)
    return ready
