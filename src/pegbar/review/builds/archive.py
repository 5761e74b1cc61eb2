"""The files of a playlist as a zip, made while it is sent: nothing is compressed, and nothing of it lies on a disk.

Source: spec review, "GET /data/playlists/{playlist_id}/download/zip".
"""

import asyncio
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from uuid import UUID

import asyncpg
import structlog
from litestar.types import Receive, Scope, Send

from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.http.downloads import HEAD_ONLY, disposition
from pegbar.core.storage import Address, Binary, store
from pegbar.core.turns import Allowance, Busy, Holder
from pegbar.media import addresses
from pegbar.media.movies.workshop import VERSIONS
from pegbar.media.serving import download_name, movie_versions
from pegbar.review.builds import queries
from pegbar.review.builds.inputs import all_stored, facts_of, label
from pegbar.review.builds.plan import archived_name, file_name

log = structlog.get_logger()

#: Archives that an API worker sends one person at once.
_BY_PERSON = 4
#: The text in an archive that lists the previews whose files are not stored.
MISSING = "missing.txt"
#: Zip knows no time before.
_OLDEST = 1980
_LARGE = 2**31


@cache
def _under_way() -> Allowance:
    return Allowance(0, _BY_PERSON)


@dataclass(frozen=True)
class Item:
    """A file of an archive."""

    name: str
    binary: Binary


class _Sink:
    """Takes what is written and forgets it once it is taken: all that an archive of any size needs of memory."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing to flush."""

    def close(self) -> None:
        """Nor to close."""

    def take(self) -> bytes:
        """What was written since the last time."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _entry(name: str, binary: Binary | None = None) -> zipfile.ZipInfo:
    moment = None if binary is None else binary.modified.timetuple()[:6]
    entry = zipfile.ZipInfo(name, moment if moment and moment[0] >= _OLDEST else (_OLDEST, 1, 1, 0, 0, 0))
    entry.external_attr = 0o644 << 16
    return entry


async def pieces_of(items: Sequence[Item], missing: Sequence[str]) -> AsyncIterator[bytes]:
    """An archive, piece by piece. Raises FileNotFoundError when a file is removed meanwhile."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for item in items:
            large = item.binary.size >= _LARGE
            with archive.open(_entry(item.name, item.binary), "w", force_zip64=large) as file:
                async with aclosing(store().read(item.binary.address, 0, item.binary.size)) as pieces:  # type: ignore[type-var]
                    async for piece in pieces:
                        file.write(piece)
                        yield sink.take()
        if missing:
            archive.writestr(_entry(MISSING), "\r\n".join(["Not stored any more:", *missing, ""]).encode())
    yield sink.take()


async def archive_of(db: Database, holder: Holder, playlist_id: UUID) -> "Archive":
    """The files of a playlist, in order; those that are not stored are listed in `missing.txt`. Raises Busy."""
    rows = await db.rows(queries.files_of_playlist, playlist_id=playlist_id)
    items: list[Item] = []
    missing: list[str] = []
    taken = {MISSING}
    for index, (row, binary) in enumerate(zip(rows, await all_stored(list(map(_choices, rows))), strict=True), 1):
        if binary is None:
            missing.append(f"{label(row)}: {download_name(row)}")
            continue
        name = archived_name(download_name(row), index, taken)
        taken.add(name.lower())
        items.append(Item(name, binary))
    return Archive(pieces_of(items, missing), file_name(await facts_of(db, playlist_id), "zip"), holder)


def _choices(row: asyncpg.Record) -> list[Address]:
    """Where the file of a preview may be, the best first."""
    if row["extension"] == "mp4":
        return movie_versions(row, VERSIONS)
    if row["extension"] == "png":
        return [addresses.picture("original", row["id"])]
    return [addresses.other(row["id"])]


class Archive:
    """An ASGI response that goes on as its client takes it, and ends with them. Raises Busy."""

    def __init__(self, pieces: AsyncIterator[bytes], name: str, holder: Holder) -> None:
        self._pieces, self._name, self._holder = pieces, name, holder
        if not _under_way().take(holder):
            raise Busy(f"{_BY_PERSON} archives are being sent to you already. Take them first, then try again.")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {
            "content-type": "application/zip",
            "content-disposition": disposition(self._name, attachment=True),
            "cache-control": "no-cache",
        }
        raw = [(key.encode(), value.encode("latin-1")) for key, value in headers.items()]
        gone = asyncio.create_task(_disconnected(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": raw})
            if not scope.get(HEAD_ONLY) and not await self._is_sent(scope["path"], gone, send):
                return
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            await self._pieces.aclose()  # type: ignore[attr-defined]
            _under_way().give_back(self._holder)

    async def _is_sent(self, path: str, gone: "asyncio.Task[None]", send: Send) -> bool:
        """Send the archive; whether that was all of it: without its end the client knows that the transfer broke."""
        try:
            async for piece in self._pieces:
                if gone.done():
                    return False
                async with asyncio.timeout(settings().stream_patience):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except TimeoutError:
            log.warning("an answer broke off: its client took nothing", path=path, seconds=settings().stream_patience)
            return False
        except FileNotFoundError as error:
            log.warning("an answer broke off: a file was removed", path=path, error=str(error))
            return False
        return True


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
