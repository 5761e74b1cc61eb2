"""Names of the segments of a write-ahead log, and how one is packed: a line that says what it is, then gzip."""

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from pegbar.core.backup.sealing import Damaged

#: What `initdb` makes; the numbers in names depend on it.
SEGMENT_SIZE = 16 * 1024**2
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_HISTORY = re.compile(r"[0-9A-F]{8}\.history")
_BLOCK = 64 * 1024


class Head(msgspec.Struct, frozen=True):
    """What a packed object holds: its size and SHA-256 unpacked, and for a segment its last commit, if it has any."""

    name: str
    size: int
    digest: str
    last: datetime | None = None


def is_segment(name: str) -> bool:
    """Whether this is the name of a whole segment."""
    return _SEGMENT.fullmatch(name) is not None


def is_kept(name: str) -> bool:
    """Whether a file of the log is worth keeping: segments, and what tells where a timeline left another."""
    return is_segment(name) or _HISTORY.fullmatch(name) is not None


def timeline_of(name: str) -> int:
    """The timeline of a segment, or of a history."""
    return int(name[:8], 16)


def after(name: str) -> str:
    """The segment after this one, on its timeline."""
    number = (int(name[8:16], 16) << 8) + int(name[16:], 16) + 1
    return f"{name[:8]}{number >> 8:08X}{number & 0xFF:08X}"


def chain(stop: str, names: Iterable[str]) -> list[str]:
    """Those of these segments that follow each other without a gap, from `stop` on."""
    there, linked = set(names), []
    while stop in there:
        linked.append(stop)
        stop = after(stop)
    return linked


def packed(name: str, content: bytes, last: datetime | None = None) -> Iterator[bytes]:
    """An object as it is kept."""
    yield msgspec.json.encode(Head(name, len(content), hashlib.sha256(content).hexdigest(), last)) + b"\n"
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    yield packer.compress(content)
    yield packer.flush()


def head_of(chunks: Iterable[bytes], path: str) -> Head:
    """What a packed object says of itself. Raises Damaged."""
    line = b""
    for chunk in chunks:
        line += chunk
        if b"\n" in line or len(line) > _BLOCK:
            break
    try:
        return msgspec.json.decode(line.partition(b"\n")[0], type=Head)
    except msgspec.DecodeError:
        raise Damaged(f"{path} of the archive is damaged: it cannot be read.") from None


def unpacked(chunks: Iterable[bytes], path: str) -> tuple[Head, bytes]:
    """What a packed object holds. Raises Damaged unless it is what it was."""
    whole = b"".join(chunks)
    head = head_of([whole], path)
    try:
        content = gzip.decompress(whole.partition(b"\n")[2])
    except (zlib.error, EOFError, OSError):
        content = b""
    if len(content) != head.size or hashlib.sha256(content).hexdigest() != head.digest:
        raise Damaged(f"{path} of the archive is damaged: its checksum is another.")
    return head, content


def write_sparse(path: Path, content: bytes) -> None:
    """Write a segment; what is empty of it (most, where one was cut short by the clock) takes no room."""
    empty = bytes(_BLOCK)
    with path.open("wb") as file:
        for start in range(0, len(content), _BLOCK):
            block = content[start : start + _BLOCK]
            if block == empty:
                file.seek(len(block), 1)
            else:
                file.write(block)
        file.truncate(len(content))
