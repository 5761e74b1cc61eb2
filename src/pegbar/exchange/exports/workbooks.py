"""Sheets as Excel workbooks, made in turn by processes of their own (`program.py`) while the rows are read."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import cache

import structlog

from pegbar.core.errors import BadRequest
from pegbar.core.http.made import MadeFile
from pegbar.core.slugs import slug
from pegbar.core.storage import check_room
from pegbar.core.turns import Holder, Turns
from pegbar.core.work import programs
from pegbar.core.work.workshop import workshop
from pegbar.exchange.exports import program

log = structlog.get_logger()

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MOST_WAITING = 10


@cache
def _turns() -> Turns:
    places = max((os.cpu_count() or 1) // 2, 1)
    return Turns(places, max(places - 1, 1), most_waiting=_MOST_WAITING, what="workbooks")


async def made(lines: AsyncIterator[list[str]], holder: Holder, *, header: int) -> MadeFile:
    """The workbook of an export's lines (`export.statement`), whose header is this row of the sheet, from 0.

    Raises BadRequest when they do not fit into one, and Busy.
    """
    async with _turns().place(holder), workshop() as folder:
        name, *start = await anext(lines)
        path = folder / "export.xlsx"
        process = await asyncio.create_subprocess_exec(
            *programs.command(program.__name__, str(path), str(header)),
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # a server that stops lets the requests under way finish
        )
        try:
            complaints = asyncio.ensure_future(_read(process.stderr))
            await _fed(process, start, lines)
            await process.wait()
            complaint = (await complaints).decode(errors="replace").strip()
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode == 0:
            return MadeFile(path, kind=MEDIA_TYPE, name=f"{slug(name)}.xlsx", attachment=True)
        if process.returncode == program.DOES_NOT_FIT:
            raise BadRequest(f"{complaint} Take the export as CSV instead.")
        check_room(folder)
        log.error("a workbook was not made", code=process.returncode, stderr=complaint[-4096:])
        raise RuntimeError(f"making a workbook ended with {process.returncode}")


async def _read(stream: asyncio.StreamReader | None) -> bytes:
    assert stream is not None
    return await stream.read()


async def _fed(process: asyncio.subprocess.Process, start: list[str], rest: AsyncIterator[list[str]]) -> None:
    """Give the process all lines, no faster than it takes them; it may have ended before."""
    assert process.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write("".join(start).encode())
        async for lines in rest:
            process.stdin.write("".join(lines).encode())
            await process.stdin.drain()
    process.stdin.close()
