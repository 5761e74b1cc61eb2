"""How stored files are served: what could be run is not, ranges hold nobody up, memory stays flat."""

import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests import factories
from tests.client import Client, sign_in
from tests.media.publishing import comment_on, place, png, published, upload
from tests.server import ADMIN, Server

_SCRIPT = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(document.cookie)</script></svg>'
_PAGE = b"<!doctype html><script>alert(document.cookie)</script>"


@pytest.fixture(scope="module")
def task(admin: Client) -> dict[str, Any]:
    return factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))


def _inert(answer: Any) -> None:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize("name", ["drawing.svg", "notes.md"])
def test_a_preview_that_could_be_run_is_an_attachment(admin: Client, task: dict[str, Any], name: str) -> None:
    row = published(admin, admin, task["id"], _SCRIPT if name.endswith("svg") else _PAGE, name)
    extension = name.rpartition(".")[2]
    for path in (f"{row['id']}.{extension}", f"{row['id']}/download"):
        _inert(admin.get(f"/pictures/originals/preview-files/{path}"))


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [("x.svg", _SCRIPT, "image/svg+xml"), ("x.html", _PAGE, "text/html"), ("x.png", _PAGE, "application/xhtml+xml")],
)
def test_an_attachment_that_could_be_run_is_not_shown(
    admin: Client, task: dict[str, Any], name: str, content: bytes, kind: str
) -> None:
    comment = comment_on(admin, admin, task["id"])
    path = f"/actions/tasks/{task['id']}/comments/{comment['id']}/add-attachment"
    row = admin.post(path, files={"file": (name, content, kind)}).json()[0]
    _inert(admin.get(f"/data/attachment-files/{row['id']}/file/{name}"))


def test_pictures_are_shown_in_place(admin: Client, task: dict[str, Any]) -> None:
    row = published(admin, admin, task["id"])
    shown = admin.get(f"/pictures/previews/preview-files/{row['id']}.png")
    assert "Content-Disposition" not in shown.headers
    assert shown.headers["Content-Security-Policy"] == "frame-ancestors 'self'"
    kept = admin.get(f"/pictures/originals/preview-files/{row['id']}/download")
    _inert(kept)


def test_a_thumbnail_is_one_statement(admin: Client, task: dict[str, Any]) -> None:
    row = published(admin, admin, task["id"])
    for where in ("thumbnails", "thumbnails-square", "originals", "previews"):
        answer = admin.get(f"/pictures/{where}/preview-files/{row['id']}.png")
        assert (answer.status_code, answer.headers["Server-Timing"]) == (200, 'db;desc="1 statements"')


def test_half_an_original_counts_as_absent(server: Server, admin: Client, task: dict[str, Any]) -> None:
    row = published(admin, admin, task["id"])
    original = row["id"]
    path = server.folder / "previews" / "pictures" / "original" / original[:3] / original[3:6] / original
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    for address in (f"{row['id']}.png", f"{row['id']}/download"):
        assert admin.get(f"/pictures/originals/preview-files/{address}").status_code == 404
    path.write_bytes(whole)
    assert admin.get(f"/pictures/originals/preview-files/{row['id']}.png").content == whole


def test_ranges_validators_and_conditions(admin: Client, task: dict[str, Any]) -> None:
    data = os.urandom(1000)
    row = published(admin, admin, task["id"], data, "a.zip")
    path = f"/pictures/originals/preview-files/{row['id']}.zip"
    whole = admin.get(path)
    etag, modified = whole.headers["ETag"], whole.headers["Last-Modified"]
    for asked, part in (
        ("bytes=0-0", data[:1]),
        ("bytes=990-", data[990:]),
        ("bytes=-10", data[-10:]),
        ("bytes=-5000", data),
        ("bytes=5-99999", data[5:]),
    ):
        answer = admin.get(path, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, part), asked
    for asked in ("bytes=1000-", "bytes=5-4", "bytes=-0", "bytes=0-1,5-6", "bytes=x-"):
        answer = admin.get(path, headers={"Range": asked})
        assert answer.status_code == 416, asked
        assert "the file has 1000 bytes" in answer.json()["message"]
    for condition, status in ((etag, 206), (modified, 206), ('"other"', 200), (f"W/{etag}", 200)):
        assert admin.get(path, headers={"Range": "bytes=0-9", "If-Range": condition}).status_code == status
    later = "Fri, 01 Jan 2100 00:00:00 GMT"
    assert admin.get(path, headers={"Range": "bytes=0-9", "If-Range": later}).status_code == 200
    assert admin.get(path, headers={"If-None-Match": etag}).status_code == 304
    assert admin.get(path, headers={"If-Modified-Since": modified}).status_code == 304
    head = admin.call("HEAD", path)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "1000", b"")
    assert head.headers["ETag"] == etag


@pytest.mark.parametrize("kind", ["preview-background-files", "projects"])
def test_thumbnails_that_are_made_are_not_uploaded(admin: Client, kind: str) -> None:
    path = f"/pictures/thumbnails/{kind}/d3b07384-d9a0-4c9b-8f3e-000000000000.png"
    answer = admin.post(path, files={"file": ("a.png", png())})
    assert (answer.status_code, answer.json()["error"]) == (405, True)


# A server of its own: its memory is looked at, and it has few slots


@pytest.fixture(scope="module")
def narrow() -> Iterator[Server]:
    with Server(None, MEDIA_MAX_CONCURRENT_REQUESTS="210", MEDIA_SLOT_WAIT_TIMEOUT="1") as running:
        yield running


def _worker(server: Server) -> psutil.Process:
    assert server.process is not None
    children = psutil.Process(server.process.pid).children(recursive=True)
    return next(child for child in children if any(c.laddr.port == server.port for c in child.net_connections()))


@pytest.fixture(scope="module")
def large(narrow: Server) -> tuple[Client, str, bytes]:
    """A stored file of some size, and who may see it."""
    admin = sign_in(narrow.api, *ADMIN)
    task = factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))
    data = os.urandom(1024**2) * 24
    row = published(admin, admin, task["id"], data, "large.zip")
    return admin, f"/pictures/originals/preview-files/{row['id']}.zip", data


class _Reader:
    """Asks for a range and takes it slowly."""

    def __init__(self, server: Server, who: Client, path: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        lines = [f"GET /api{path} HTTP/1.1", "Host: x", f"Authorization: Bearer {who.token}", "Range: bytes=1-", "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self.socket.settimeout(60)
        self.status = int(self.socket.recv(1024).split()[1])


def test_two_hundred_readers_of_ranges_leave_others_unharmed(narrow: Server, large: tuple[Client, str, bytes]) -> None:
    admin, path, data = large
    before = _worker(narrow).memory_info().rss
    readers = [_Reader(narrow, admin, path) for _ in range(200)]
    try:
        assert {reader.status for reader in readers} == {206}
        assert admin.get("/data/user/context", timeout=30).status_code == 200
        piece = admin.get(path, headers={"Range": "bytes=7-9"}, timeout=30)
        assert (piece.status_code, piece.content) == (206, data[7:10])
        # What each has on its way is bounded: not the file, which would be 4.8 GB.
        assert _worker(narrow).memory_info().rss - before < 400 * 1024**2
        readers += [_Reader(narrow, admin, path) for _ in range(9)]
        last = [_Reader(narrow, admin, path) for _ in range(2)]
        readers += last
        assert [reader.status for reader in last] == [206, 503]
    finally:
        for reader in readers:
            reader.socket.close()
    deadline = time.monotonic() + 60
    while (answer := admin.get(path, headers={"Range": "bytes=7-9"})).status_code == 503:
        assert (answer.headers["Retry-After"], answer.headers["Cache-Control"]) == ("5", "no-store")
        assert time.monotonic() < deadline, "the slots do not come back"


def test_the_memory_of_an_upload_is_flat(narrow: Server, tmp_path: Path) -> None:
    admin = sign_in(narrow.api, *ADMIN)
    task = factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))
    worker, piece, pieces = _worker(narrow), os.urandom(1024**2), 300
    peak = [0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], worker.memory_info().rss)

    def sent() -> Iterator[bytes]:
        for _ in range(pieces):
            yield piece

    def form() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
        yield from sent()
        yield b"\r\n--x--\r\n"

    preview = place(admin, task["id"], comment_on(admin, admin, task["id"])["id"])
    assert upload(admin, preview["id"], b"warm", "a.zip").status_code == 201
    before = worker.memory_info().rss
    watching = threading.Thread(target=watch)
    watching.start()
    try:
        begun = admin.post("/uploads", headers={"Upload-Length": str(pieces * 1024**2)}).headers["Location"]
        headers = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
        assert admin.call("PATCH", f"/{begun}", data=sent(), headers=headers, timeout=200).status_code == 204
        resumable = peak[0]
        preview = place(admin, task["id"], comment_on(admin, admin, task["id"])["id"])
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        path = f"/pictures/preview-files/{preview['id']}"
        assert admin.call("POST", path, data=form(), headers=kind, timeout=200).status_code == 201
    finally:
        done.set()
        watching.join()
    assert resumable - before < 20 * 1024**2
    assert peak[0] - before < 20 * 1024**2
    assert not re.search("Traceback", narrow.text())
