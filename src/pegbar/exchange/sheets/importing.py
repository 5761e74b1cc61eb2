"""Importing a sheet: its rows are taken in order, and written many at once.

A `Sheet` says what the columns of its kind are, what it must know of the database to judge rows, what becomes of one
row, and how those that were taken are written. Everything else is here: files, batches, the first row that is refused,
trying without writing. Source: spec exchange, "CSV input: format"; a dry run is ours.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from litestar import Request

from pegbar.core.data import faults
from pegbar.core.data.causes import of_import
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.errors import ApiError
from pegbar.core.http.access import Caller
from pegbar.core.http.routing import Reply
from pegbar.core.http.uploads import received_form
from pegbar.core.turns import Turns
from pegbar.core.work.workshop import workshop
from pegbar.exchange.parameters import truth
from pegbar.exchange.sheets import reading, reports
from pegbar.exchange.sheets.columns import Column, Line, Reading, Row, RowError, Table
from pegbar.exchange.sheets.reports import Outcome

T = TypeVar("T")
#: Rows that are judged before others get their turn on the event loop.
_AT_ONCE = 100


class Options(msgspec.Struct):
    """How a sheet is imported."""

    update: str = ""  #: `true`: rows that exist are changed
    dry_run: str = ""  #: `true`: nothing is written
    encoding: str | None = None
    report: reports.Format = "json"

    @property
    def updates(self) -> bool:
        """Whether rows that exist are to be changed."""
        return self.update.lower() == "true"


class RowRefused(ApiError):
    """A row that cannot be imported: its line in the file, and how many rows before it were."""

    status = 400

    def __init__(self, message: str, line_number: int, imported_rows: int) -> None:
        super().__init__(message, line_number=line_number, imported_rows=imported_rows)


@dataclass(frozen=True)
class Taken:
    """A row that can be imported: what becomes of it, what it is called, the id of the row it stands for.

    `note` is for whoever tries: why the row is left, if that is not plain.
    """

    outcome: Outcome
    name: str = ""
    row_id: UUID | None = None
    note: str = ""


class Sheet(ABC):
    """A kind of sheet, while one file of it is imported.

    `columns` comes first, once. Then, for each batch of rows, in a transaction of its own that may run more than once:
    `look_up`, `take` for one row after the other, `write`. What `take` keeps for `write` is forgotten by `look_up`.
    """

    def __init__(self, caller: Caller, *, update: bool) -> None:
        self.caller, self.update = caller, update
        self.reading = Reading((), ())  #: the columns that the file has; set before `look_up`
        self.dry = False  #: whether nothing will be written, so that nothing is to be held

    @property
    def batch(self) -> int:
        """Rows that are written by one transaction: few enough that nobody waits long for what they hold."""
        return 500

    @abstractmethod
    async def columns(self, tx: Transaction, header: Sequence[str]) -> Sequence[Column]:
        """The columns that mean something in a file of this header."""

    @abstractmethod
    async def look_up(self, tx: Transaction, rows: Sequence[Row]) -> None:
        """Learn, and hold unless it is `dry`, what these rows are judged by."""

    @abstractmethod
    def take(self, row: Row) -> Taken:
        """What becomes of a row, kept for `write`. Raises ApiError, and has kept nothing then."""

    @abstractmethod
    async def write(self, tx: Transaction) -> None:
        """Write all that was taken, with its events."""

    @abstractmethod
    async def answer(self, db: Database, row_ids: Sequence[UUID | None]) -> Json:
        """What an import answers: an item for each row."""


def nothing_for(row_ids: Sequence[UUID | None]) -> Json:
    """An answer that says nothing of each row."""
    return Json(f"[{','.join(['null'] * len(row_ids))}]".encode())


#: A line, what it says, and all that is wrong with its cells.
_Read = tuple[Line, Row, list[RowError]]


@dataclass
class _Part:
    """What became of a batch of lines, up to the first that was refused."""

    rows: list[reports.Entry] = field(default_factory=list)
    row_ids: list[UUID | None] = field(default_factory=list)
    refused: tuple[Line, ApiError] | None = None


@cache
def _turns() -> Turns:
    """Places for imports, whose files are in memory; a person leaves some to others."""
    return Turns(4, 2, most_waiting=10, what="imports")


async def answer_to(request: Request[Any, Any, Any], db: Database, sheet: Sheet, options: Options) -> Json | Reply:
    """Import the sheet in the field `file` of a request's form, or say what that would do."""
    dry = truth("dry_run", options.dry_run, default=False)
    async with received_form(request) as form, _turns().place(sheet.caller.id), workshop() as folder:
        table = await reading.read(form.file().path, folder, encoding=options.encoding or None)
        sheet.dry = dry
        async with db.transaction() as tx:
            sheet.reading = Reading(await sheet.columns(tx, table.header), table.header)
        if dry:
            return reports.answer((await _tried(db, sheet, table)).rows, options.report)
        with of_import():
            row_ids = await _imported(db, sheet, table)
        return await sheet.answer(db, row_ids)


async def _imported(db: Database, sheet: Sheet, table: Table) -> list[UUID | None]:
    """The ids that the rows stand for, once written. Raises RowRefused after the rows before it are."""
    row_ids: list[UUID | None] = []
    refused = None
    async with aclosing(_read_ahead(sheet, table)) as batches:
        async for rows in batches:
            part = await _written(db, sheet, rows)
            row_ids += part.row_ids
            if part.refused is not None:
                line, error = part.refused
                refused = RowRefused(error.message, line.number, len(row_ids))
                break
    if refused is not None:
        raise refused
    return row_ids


async def _read_ahead(sheet: Sheet, table: Table) -> AsyncGenerator[list[_Read]]:
    """The batches of a table, each read while the database writes the one before."""
    batches = [table.lines[start : start + sheet.batch] for start in range(0, len(table.lines), sheet.batch)]
    reading: asyncio.Task[list[_Read]] | None = None
    try:
        for lines in [*batches, None]:
            before, reading = reading, None if lines is None else asyncio.create_task(_read(sheet, lines, stops=True))
            if before is not None:
                yield await before
    finally:
        if reading is not None:
            reading.cancel()


async def _read(sheet: Sheet, lines: Sequence[Line], *, stops: bool) -> list[_Read]:
    """What lines say; with `stops` none after the first with an error is looked at."""
    rows: list[_Read] = []
    async for line in _unhurried(lines):
        rows.append((line, *sheet.reading.row(line)))
        if stops and rows[-1][2]:
            break
    return rows


async def _written(db: Database, sheet: Sheet, rows: Sequence[_Read]) -> _Part:
    """Write a batch. One that the database refuses is halved, down to the row that it is about."""

    async def work(tx: Transaction) -> _Part:
        part = await _take(tx, sheet, rows, stops=True)
        await sheet.write(tx)
        return part

    try:
        return await db.write(sheet.caller.id, work)
    except faults.VALUE_ERRORS as error:
        if len(rows) == 1:
            return _Part(refused=(rows[0][0], faults.refusal(error)))
    half = len(rows) // 2
    part = await _written(db, sheet, rows[:half])
    if part.refused is None:
        rest = await _written(db, sheet, rows[half:])
        part.row_ids += rest.row_ids
        part.refused = rest.refused
    return part


async def _tried(db: Database, sheet: Sheet, table: Table) -> _Part:
    """What would become of all lines; nothing is written."""
    async with db.transaction() as tx:
        return await _take(tx, sheet, await _read(sheet, table.lines, stops=False), stops=False)


async def _take(tx: Transaction, sheet: Sheet, rows: Sequence[_Read], *, stops: bool) -> _Part:
    """What becomes of lines, in order; with `stops` none after the first that is refused is looked at."""
    part = _Part()
    await sheet.look_up(tx, [row for _, row, errors in rows if not errors])
    async for line, row, errors in _unhurried(rows):
        try:
            if errors:
                raise errors[0]
            taken = sheet.take(row)
        except ApiError as error:
            part.rows.append(reports.Entry(line.number, Outcome.REFUSED, errors=reports.problems(errors or [error])))
            if stops:
                part.refused = (line, error)
                break
        else:
            part.rows.append(reports.Entry(line.number, taken.outcome, taken.name, reports.notes(taken.note)))
            part.row_ids.append(taken.row_id)
    return part


async def _unhurried(items: Sequence[T]) -> AsyncIterator[T]:
    """The items; every now and then other requests get their turn."""
    for number, item in enumerate(items, 1):
        yield item
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)
