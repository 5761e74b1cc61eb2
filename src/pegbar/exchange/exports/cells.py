"""CSV written by PostgreSQL. Source: spec exchange, "CSV output: format".

`;` between cells, quotes only when needed and doubled inside, CRLF; null is an empty cell, and what is not text is
written as Python prints it.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Float, String, Text, case, cast, func, literal_column
from sqlalchemy.dialects.postgresql import JSONB

from pegbar.core.data.wire import json_text

#: What a column holds: `text`; `plain` text that never needs quotes (codes, dates); a `number`, which may have come in
#: as text; a `measure`, a number that we write.
Kind = Literal["text", "plain", "number", "measure"]

#: How a sheet tells a spreadsheet program what its columns hold.
MARKS: dict[Kind, str] = {"text": "t", "plain": "t", "number": "n", "measure": "m"}


def words(text: str) -> ColumnElement[str]:
    """A constant of ours as an SQL string."""
    return literal_column("'" + text.replace("'", "''") + "'", Text)


NOTHING, SEPARATOR, END_OF_LINE = words(""), words(";"), words("\r\n")
_QUOTE, _TWO_QUOTES, _SPECIAL = words('"'), words('""'), words('[;"\\r\\n]')


def cell(text: ColumnElement[Any]) -> ColumnElement[str]:
    """A cell of any text; NULL when it is NULL, which `concat` takes for nothing."""
    quoted = func.concat(_QUOTE, func.replace(text, _QUOTE, _TWO_QUOTES), _QUOTE, type_=Text)
    return case((text.op("~")(_SPECIAL), quoted), else_=text)


def cell_of(value: ColumnElement[Any], kind: Kind) -> ColumnElement[str]:
    """A cell of what a column of this kind holds."""
    if kind == "text" or (kind == "number" and isinstance(value.type, String)):
        return cell(value)
    return json_text(value) if isinstance(value.type, Float) else cast(value, Text)


def printed(value: ColumnElement[Any]) -> ColumnElement[str]:
    """A JSON value as text: a string is itself, `true` is True, null is NULL; lists and objects stay JSON."""
    text = value.op("#>>", return_type=Text())(words("{}"))
    return case((func.jsonb_typeof(value) == words("boolean"), func.initcap(text)), else_=text)


def value_at(data: ColumnElement[Any], key: ColumnElement[str] | str) -> ColumnElement[str]:
    """A value of metadata as text; NULL when the metadata are no object."""
    name = words(key) if isinstance(key, str) else key
    return printed(data.op("->", return_type=JSONB())(name))
