"""Multipart forms of any size: text fields in memory, files in the upload folder, both read as they arrive.

    async with multipart_form(request) as form:
        upload = form.file()

What routes use is `received_form` (core/http/uploads), which knows files that came before the request too. Nothing
stays behind: a file that nobody took is removed when the block ends, also when the caller hangs up or the
disk fills. Source: spec media, "Parameters and errors".
"""

import asyncio
import os
import tempfile
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from litestar import Request
from litestar.exceptions import ClientException
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from pegbar.config import settings
from pegbar.core.errors import BadRequest, TooLarge
from pegbar.core.storage import check_room, disk_errors
from pegbar.core.storage.behind import WrittenBehind

#: Text fields of a form, all together. The largest is a batch of comments.
_MOST_TEXT = 16 * 1024**2
_MOST_PARTS = 1000

#: Characters of a file's name that are kept, and of its extension when it is longer.
_LONGEST_NAME, _LONGEST_EXTENSION = 250, 20
#: What no name holds: control characters, halves of characters, ends of lines.
_UNFIT = ("Cc", "Cs", "Zl", "Zp")


def file_name(text: str) -> str:
    """A caller's name for a file as one by which it can be fetched: a single part of a path, never empty."""
    name = text.replace("\\", "/").rpartition("/")[2]
    name = "".join(character for character in name if unicodedata.category(character) not in _UNFIT).strip()
    if name in ("", ".", ".."):
        return "file"
    if len(name) > _LONGEST_NAME:
        extension = name.rpartition(".")[2]
        end = f".{extension}" if len(extension) <= _LONGEST_EXTENSION else ""
        name = name[: _LONGEST_NAME - len(end)].rstrip() + end
    return name


@dataclass
class Upload:
    """A file of a form, waiting in the upload folder."""

    field: str
    name: str  #: by which it can be fetched (`file_name`)
    content_type: str
    path: Path
    size: int = 0

    @property
    def extension(self) -> str:
        """The text after the last dot, lowercased; the whole name when it has none."""
        return self.name.rpartition(".")[2].lower()

    @property
    def stem(self) -> str:
        """The name without its last extension."""
        return self.name.rpartition(".")[0] or self.name


@dataclass
class Form:
    """The text fields (the first of each name) and files of a form."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[Upload] = field(default_factory=list)
    #: All text fields in their order, those of the same name too.
    texts: list[tuple[str, str]] = field(default_factory=list)

    def file(self, name: str = "file") -> Upload:
        """The file of that field; 400 when there is none."""
        for upload in self.files:
            if upload.field == name:
                return upload
        raise BadRequest("File not provided.")


class _Reader:
    """Turns the events of the parser into a form."""

    def __init__(self, most_bytes: int | None) -> None:
        self.form = Form()
        self._most_bytes, self._bytes = most_bytes, 0
        self._text: bytearray | None = None
        self._texts = 0
        self._name = ""
        self._file: BinaryIO | None = None
        self._behind: WrittenBehind | None = None

    def start(self, segment: MultipartSegment) -> None:
        self._name = segment.name or ""
        if segment.filename is None:
            self._text = bytearray()
            return
        folder = settings().upload_folder
        with disk_errors():
            folder.mkdir(parents=True, exist_ok=True)
            check_room(folder)
            handle, path = tempfile.mkstemp(dir=folder, prefix="upload-")
            self._file = os.fdopen(handle, "wb", buffering=0)
        self._behind = WrittenBehind(handle, folder)
        kind = segment.content_type or "application/octet-stream"
        self.form.files.append(Upload(self._name, file_name(segment.filename), kind, Path(path)))

    async def take(self, data: bytes | bytearray) -> None:
        if self._text is not None:
            self._text += data
            self._texts += len(data)
            if self._texts > _MOST_TEXT:
                raise TooLarge(f"The text fields of a form are limited to {_MOST_TEXT} bytes.")
            return
        self._bytes += len(data)
        if self._most_bytes is not None and self._bytes > self._most_bytes:
            raise TooLarge(f"The files of this form are limited to {self._most_bytes} bytes.")
        assert self._behind is not None
        await self._behind.write(data)

    async def end(self) -> None:
        if self._text is not None:
            text = self._text.decode(errors="replace")
            self.form.fields.setdefault(self._name, text)
            self.form.texts.append((self._name, text))
            self._text = None
        elif self._file is not None:
            assert self._behind is not None
            self.form.files[-1].size = await self._behind.flush()
            with disk_errors():
                await asyncio.to_thread(self._file.close)
            self._file = None

    async def discard(self) -> None:
        """Remove what was not taken elsewhere."""
        if self._file is not None and self._behind is not None:
            await self._behind.abandon()
        if self._file is not None or self.form.files:  # most forms have none, and a thread costs more than they do
            await asyncio.to_thread(self._remove)

    def _remove(self) -> None:
        if self._file is not None:
            with suppress(OSError):  # the disk is full, which the request was told
                self._file.close()
        for upload in self.form.files:
            upload.path.unlink(missing_ok=True)


async def _read(request: Request[Any, Any, Any], boundary: str, reader: _Reader) -> None:
    with PushMultipartParser(boundary, max_segment_count=_MOST_PARTS) as parser:
        async for chunk in request.stream():
            if not chunk:
                continue
            for event in parser.parse(chunk):
                if event is None:
                    await reader.end()
                elif isinstance(event, MultipartSegment):
                    reader.start(event)
                else:
                    await reader.take(event)


@asynccontextmanager
async def multipart_form(request: Request[Any, Any, Any], *, most_bytes: int | None = None) -> AsyncIterator[Form]:
    """The form of a request. A body that is no multipart form is an empty one; a broken form is 400.

    With `most_bytes` its files are refused (413) where they grow beyond that together.
    Read it before opening a transaction: an upload may take an hour.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    reader = _Reader(most_bytes)
    try:
        if kind == "multipart/form-data":
            try:
                await _read(request, options.get("boundary", ""), reader)
            except (MultipartError, ClientException) as error:
                raise BadRequest(f"The form cannot be read: {error}") from None
        yield reader.form
    finally:
        await reader.discard()


__all__ = ["Form", "Upload", "file_name", "multipart_form"]
