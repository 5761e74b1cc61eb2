"""Pictures drawn by hand, and previews published as people do."""

import struct
import zlib
from typing import Any

import requests

from tests import factories
from tests.client import Client


def _part(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 64, height: int = 32, colour: tuple[int, ...] = (200, 40, 40)) -> bytes:
    rows = b"".join(b"\0" + bytes(colour) * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if len(colour) == 3 else 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _part(b"IHDR", header) + _part(b"IDAT", zlib.compress(rows)) + _part(b"IEND", b"")


def png_of(
    width: int, height: int, bits: int, kind: int, rows: bytes, *chunks: tuple[bytes, bytes], packed: bytes = b""
) -> bytes:
    """A PNG with a header as it is told, chunks before its pixels, and the rows (or what they are packed as)."""
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    extra = b"".join(_part(*chunk) for chunk in chunks)
    data = _part(b"IDAT", packed or zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + _part(b"IHDR", header) + extra + data + _part(b"IEND", b"")


def bomb(side: int) -> bytes:
    """A black square of one bit a pixel: a few kilobytes, whatever its size."""
    row = b"\0" * (1 + (side + 7) // 8)
    packer = zlib.compressobj()
    data = b"".join(packer.compress(row * min(500, side - top)) for top in range(0, side, 500)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _part(b"IHDR", header) + _part(b"IDAT", data) + _part(b"IEND", b"")


def size_of(picture: bytes) -> tuple[int, int]:
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


def comment_on(who: Client, admin: Client, task_id: str) -> dict[str, Any]:
    status = factories.named(admin, "task-status", "Todo")["id"]
    return dict(who.ok_post(f"/actions/tasks/{task_id}/comment", {"task_status_id": status, "comment": "Look"}))


def place(who: Client, task_id: str, comment_id: str, **body: Any) -> dict[str, Any]:
    return dict(who.ok_post(f"/actions/tasks/{task_id}/comments/{comment_id}/add-preview", body))


def upload(who: Client, preview_id: str, data: bytes, name: str = "pose.png", **query: str) -> requests.Response:
    return who.post(f"/pictures/preview-files/{preview_id}", files={"file": (name, data)}, params=query)


def published(
    who: Client, admin: Client, task_id: str, data: bytes | None = None, name: str = "a.png"
) -> dict[str, Any]:
    """A preview with its file, under a comment of its own. Unless told, a flat one: the wide preview is soon made."""
    comment = comment_on(who, admin, task_id)
    preview = place(who, task_id, comment["id"])
    answer = upload(who, preview["id"], png(64, 2) if data is None else data, name)
    assert answer.status_code == 201, answer.text
    return {**answer.json(), "comment_id": comment["id"]}


def events_of(who: Client, project_id: str) -> list[dict[str, Any]]:
    """The events of a production, in their order: only pages of a list have one."""
    page: list[dict[str, Any]] = who.ok_get("/data/events", params={"project_id": project_id, "page": 1})["data"]
    return page[::-1]
