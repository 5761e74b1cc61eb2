"""A sheet as an answer: CSV as it is read, or a workbook made of it. Source: spec exchange, "CSV output: format"."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Literal

from pegbar.core.data.database import Database
from pegbar.core.http.access import Caller
from pegbar.core.http.downloads import disposition
from pegbar.core.http.made import MadeFile
from pegbar.core.http.streaming import Streaming, stream_text
from pegbar.core.slugs import slug
from pegbar.exchange.exports import workbooks
from pegbar.exchange.exports.export import Export, statement

Form = Literal["csv", "xlsx"]


@dataclass(frozen=True)
class Sheet:
    """An export with what its statement takes."""

    export: Export
    params: dict[str, Any] = field(default_factory=dict)
    media_type: str = "text/csv"  #: as CSV


async def send(db: Database, caller: Caller, sheet: Sheet, form: Form) -> Streaming | MadeFile:
    """The answer that is a sheet. Errors of its statement come before the first byte, and so does Busy."""
    lines = db.texts(caller.id, statement(sheet.export), **sheet.params)
    if form == "xlsx":
        async with aclosing(lines):  # type: ignore[type-var]
            return await workbooks.made(lines, caller.id, header=len(sheet.export.before))
    start = await _begun(lines)
    headers = {"content-disposition": disposition(f"{slug(start[0])}.csv", attachment=True)}
    return await stream_text(lines, caller, start[2:], sheet.media_type, headers)


async def _begun(lines: AsyncIterator[list[str]]) -> list[str]:
    """The first lines: the name, the marks and the header are among them."""
    try:
        return await anext(lines)
    except BaseException:
        await lines.aclose()  # type: ignore[attr-defined]
        raise
