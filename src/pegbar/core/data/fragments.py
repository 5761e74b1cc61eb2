"""Expressions about a row as text, made once, for statements that are put together of them at run time.

    name = template(task.c.name, task)          # once: an expression of any depth
    name.about("q1")                            # often: the same of the row that a statement calls q1

To copy an expression for another row and to compile the copy takes SQLAlchemy milliseconds where it holds subqueries,
and a query of a caller holds dozens. What stands around fragments names its tables itself (`select_from`).
"""

import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Alias, BindParameter, Column, ColumnElement, Table, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeEngine

from pegbar.core.data.compiled import DIALECT

#: What stands for the name of the row, and around the number of a parameter.
_ROW, _MARK = "pegbar_row", "\x01"
_PARTS = re.compile(rf"(\b{_ROW}\b|{_MARK}\d+{_MARK})")
_quote = DIALECT.identifier_preparer.quote

Part = str | BindParameter[Any] | None  #: text, a parameter, or (None) the name of the row


class Fragment(ColumnElement[Any]):
    """The text of an expression about a row."""

    inherit_cache = False

    def __init__(self, parts: tuple[Part, ...], row: str, kind: TypeEngine[Any]) -> None:
        self.parts, self.row, self.type = parts, row, kind


@compiles(Fragment)
def _text(element: Fragment, compiler: SQLCompiler, **_: Any) -> str:
    return "".join(
        element.row if part is None else part if isinstance(part, str) else compiler.process(part)
        for part in element.parts
    )


def column_of(row: str, column: Column[Any]) -> Fragment:
    """A column of the row that a statement calls `row`."""
    return Fragment((f"{row}.{_quote(column.name)}",), row, column.type)


@dataclass(frozen=True, eq=False)
class Template:
    """An expression about a row that has no name yet."""

    parts: tuple[Part, ...]
    type: TypeEngine[Any]

    def about(self, row: str) -> Fragment:
        """The expression about the row that a statement calls so."""
        return Fragment(self.parts, row, self.type)


def template(expression: ColumnElement[Any], table: Table) -> Template:
    """An expression about rows of a table. Its constants become text; parameters that are to be given stay such."""
    if isinstance(expression, Column) and expression.table is table:
        return Template((None, f".{_quote(expression.name)}"), expression.type)
    elements: list[BindParameter[Any]] = []

    def replaced(element: Any, **_: Any) -> Any:
        if isinstance(element, Column) and element.table is table:
            return literal_column(f"{_ROW}.{_quote(element.name)}", element.type)
        if isinstance(element, BindParameter) and element.required:
            elements.append(element)
            return literal_column(f"{_MARK}{len(elements) - 1}{_MARK}", element.type)
        # Other rows of the same table stay what they are.
        return element if isinstance(element, Alias) and isinstance(element.element, Table) else None

    moved: ColumnElement[Any] = visitors.replacement_traverse(expression, {}, replaced)
    text = str(moved.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
    parts = tuple(_part(part, elements) for part in _PARTS.split(f"({text})") if part)
    return Template(parts, expression.type)


def _part(part: str, elements: list[BindParameter[Any]]) -> Part:
    if part == _ROW:
        return None
    return elements[int(part.strip(_MARK))] if part.startswith(_MARK) else part
