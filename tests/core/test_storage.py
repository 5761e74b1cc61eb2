"""Where binaries lie, and what happens when they cannot: a folder, an S3 server, a full disk."""

import asyncio
import contextlib
import errno
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import boto3
import psycopg
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pegbar.config import settings
from pegbar.core import storage
from pegbar.core.http.downloads import UnsatisfiableRange, disposition, span_of
from pegbar.core.slugs import slug
from pegbar.core.storage import Address, LocalStore, ObjectStore, StorageFull, StorageUnavailable, in_memory
from tests import factories
from tests.client import Client, sign_in
from tests.media.publishing import comment_on, place, png, published, upload
from tests.server import ADMIN, Server, free_port

ID = UUID("12345678-9abc-4def-8123-456789abcdef")


async def whole(store: storage.Store, address: Address, *span: int) -> bytes:
    return b"".join([piece async for piece in store.read(address, *span)])


@pytest.mark.parametrize(
    ("bucket", "prefix", "path"),
    [
        ("pictures", "thumbnails", "pictures/thumbnails/123/456/12345678-9abc-4def-8123-456789abcdef"),
        ("movies", "previews", "movies/previews/123/456/12345678-9abc-4def-8123-456789abcdef"),
        (
            "pictures",
            "thumbnails-square",
            "pictures/thumbnails/squ/are/square-12345678-9abc-4def-8123-456789abcdef",
        ),
        (
            "pictures",
            "preview-backgrounds",
            "pictures/preview/bac/kgr/backgrounds-12345678-9abc-4def-8123-456789abcdef",
        ),
    ],
)
def test_files_lie_where_an_existing_installation_keeps_them(
    tmp_path: Path, bucket: Any, prefix: str, path: str
) -> None:
    assert LocalStore(tmp_path).path(Address(bucket, prefix, ID)) == tmp_path / path


def test_a_small_file_that_is_in_memory_is_read_without_waiting(tmp_path: Path) -> None:
    file = tmp_path / "small"
    file.write_bytes(b"picture")
    # A file system that cannot tell what is in memory has it read in another way.
    assert in_memory(str(file), 7) in (b"picture", None)
    for size in (0, 6, 8, 2**20):
        assert in_memory(str(file), size) is None, "it is another file by now, or too large"
    assert in_memory(str(tmp_path / "gone"), 7) is None


def test_an_id_that_would_leave_the_folder_is_refused() -> None:
    for wrong in ("../../etc/passwd", "a/b", "", ".hidden", "a\0b"):
        with pytest.raises(ValueError, match="not a safe name"):
            Address("files", "attachments", wrong)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"0123456789")
    return path


def test_a_local_file_is_written_whole_replaced_and_removed(tmp_path: Path, source: Path) -> None:
    store, address = LocalStore(tmp_path / "store"), Address("files", "working", ID)

    async def life() -> None:
        assert await store.stat(address) is None
        assert await store.put(address, source) == 10
        first = await store.stat(address)
        assert first is not None
        assert await whole(store, address, 2, 5) == b"234"
        other = source.with_name("other")
        other.write_bytes(b"new")
        assert await store.put(address, other) == 3
        second = await store.stat(address)
        assert second is not None
        assert (second.size, second.etag == first.etag) == (3, False)
        await store.remove(address)
        await store.remove(address)
        assert await store.stat(address) is None

    asyncio.run(life())
    assert source.read_bytes() == b"0123456789"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    store, address = LocalStore(tmp_path / "store"), Address("files", "working", ID)
    asyncio.run(store.put(address, source))

    def no_link(*_: object) -> None:
        raise OSError(errno.EXDEV, "another disk")

    def no_room(_: Path, target: Path) -> None:
        target.write_bytes(b"01")
        raise OSError(number, "no room")

    monkeypatch.setattr(Path, "hardlink_to", no_link)
    monkeypatch.setattr(shutil, "copyfile", no_room)
    with pytest.raises(StorageFull, match="is full; nothing was stored"):
        asyncio.run(store.put(address, source))
    assert asyncio.run(whole(store, address)) == b"0123456789"
    assert [path.name for path in (tmp_path / "store").rglob("*.part")] == []


# An S3 server

_KEYS = {"FS_S3_ACCESS_KEY": "key", "FS_S3_SECRET_KEY": "secret", "FS_S3_REGION": "us-east-1"}


def client_of(s3: dict[str, str]) -> Any:
    """A client of another maker for the store that the fixture `s3` tells of."""
    return boto3.client(
        "s3",
        endpoint_url=s3["FS_S3_ENDPOINT"],
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )


@pytest.fixture(scope="module")
def s3() -> Iterator[dict[str, str]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                requests.get(f"{url}/moto-api/", timeout=2)
                break
            except requests.ConnectionError:
                assert process.poll() is None
                assert time.monotonic() < deadline
        environment = {**_KEYS, "FS_BACKEND": "s3", "FS_S3_ENDPOINT": url, "FS_BUCKET_PREFIX": "show-"}
        client = client_of(environment)
        for bucket in ("pictures", "movies", "files"):
            client.create_bucket(Bucket=f"show-{bucket}")
        yield environment
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def in_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    def use(environment: dict[str, str]) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()

    yield use
    settings.cache_clear()


def test_an_object_store_keeps_large_files_and_gives_ranges(
    s3: dict[str, str], in_environment: Any, tmp_path: Path
) -> None:
    in_environment(s3)
    store, address = ObjectStore(), Address("movies", "previews", ID)
    large = tmp_path / "large"
    data = os.urandom(1024) * (12 * 1024)
    large.write_bytes(data)

    async def life() -> None:
        assert await store.stat(address) is None
        assert await store.put(address, large) == len(data)
        binary = await store.stat(address)
        assert binary is not None
        assert binary.size == len(data)
        assert await whole(store, address) == data
        assert await whole(store, address, 5_000_000, 5_000_010) == data[5_000_000:5_000_010]
        await store.remove(address)
        await store.remove(address)
        assert await store.stat(address) is None

    asyncio.run(life())


def test_a_missing_bucket_is_named(s3: dict[str, str], in_environment: Any, source: Path) -> None:
    in_environment({**s3, "FS_BUCKET_PREFIX": "missing-"})
    with pytest.raises(StorageUnavailable, match="no bucket 'missing-files'"):
        asyncio.run(ObjectStore().put(Address("files", "working", ID), source))


def test_a_missing_bucket_is_made_when_that_is_wanted(s3: dict[str, str], in_environment: Any, source: Path) -> None:
    in_environment({**s3, "FS_BUCKET_PREFIX": "made-", "FS_S3_CREATE_BUCKET": "true"})
    address = Address("files", "working", ID)

    async def life() -> bytes:
        store = ObjectStore()
        await store.put(address, source)
        return await whole(store, address)

    assert asyncio.run(life()) == source.read_bytes()


def test_previews_live_in_an_object_store_from_upload_to_removal(s3: dict[str, str]) -> None:
    client = client_of(s3)
    with Server(None, **s3, REMOVE_FILES="true", ENABLE_JOB_QUEUE="true", PEGBAR_TRASH_DAYS="0") as server:
        admin = sign_in(server.api, *ADMIN)
        task = factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))
        row = published(admin, admin, task["id"], png(64, 32))
        wait_for(lambda: admin.ok_get(f"/data/preview-files/{row['id']}")["status"] == "ready")
        keys = {entry["Key"] for entry in client.list_objects_v2(Bucket="show-pictures")["Contents"]}
        assert keys == {
            f"{prefix}-{row['id']}" for prefix in ("original", "previews", "thumbnails", "thumbnails-square")
        }
        path = f"/pictures/originals/preview-files/{row['id']}.png"
        answer = admin.get(path, headers={"Range": "bytes=1-3"})
        assert (answer.status_code, answer.content) == (206, b"PNG")
        etag = admin.get(path).headers["ETag"]
        assert admin.get(path, headers={"If-None-Match": etag}).status_code == 304
        registered = stored_files(server, row["id"])
        assert {(key, size > 0, deleted) for key, size, deleted, _, _ in registered} == {
            (key, True, None) for key in keys
        }
        admin.ok_delete(f"/data/preview-files/{row['id']}")
        wait_for(lambda: client.list_objects_v2(Bucket="show-pictures")["KeyCount"] == 0)
        wait_for(lambda: all(purged for *_, purged, _ in stored_files(server, row["id"])))
        journal = stored_files(server, row["id"])[0][-1]
        assert [entry["operation"] for entry in journal] == ["write", "delete"]


def test_uploads_in_pieces_and_signed_addresses_of_an_object_store(s3: dict[str, str]) -> None:
    client = client_of(s3)

    def pieces() -> list[str]:
        entries = client.list_objects_v2(Bucket="show-files").get("Contents", [])
        return [entry["Key"] for entry in entries if entry["Key"].startswith("uploads-")]

    with Server(None, **s3, PEGBAR_S3_REDIRECT="true") as server:
        admin = sign_in(server.api, *ADMIN)
        task = factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))
        preview = place(admin, task["id"], comment_on(admin, admin, task["id"])["id"])
        path = f"/pictures/originals/preview-files/{preview['id']}.png"
        missing = f"/movies/source/preview-files/{preview['id']}.mp4"
        # Remembered as absent, and there as soon as it is uploaded.
        assert [admin.get(missing).status_code for _ in range(3)] == [404, 404, 404]
        data = png(64, 32) + os.urandom(100_000)
        begun = admin.post(
            "/uploads", headers={"Upload-Length": str(len(data)), "Upload-Metadata": "filename YS5wbmc="}
        )
        where = f"/{begun.headers['Location']}"
        for start in (0, 40_000, 80_000):
            headers = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(start)}
            sent = admin.call("PATCH", where, data=data[start : start + 40_000], headers=headers)
            assert sent.status_code == 204, sent.text
        assert len(pieces()) == 3
        upload_id = where.rpartition("/")[2]
        answer = admin.post(f"/pictures/preview-files/{preview['id']}", {"upload_id": upload_id})
        assert (answer.status_code, answer.json()["width"]) == (201, 64), answer.text
        assert pieces() == []
        assert list((server.folder / "tmp").iterdir()) == []
        signed = admin.get(path)
        assert (signed.status_code, "private" in signed.headers["Cache-Control"]) == (302, True)
        picture = requests.get(signed.headers["Location"], timeout=20)
        assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/png")
        assert picture.content[:4] == b"\x89PNG"
        head = admin.call("HEAD", path)
        assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(picture.content)))
        # What is kept under a name, or could be run, comes from the server with its own headers.
        assert admin.get(f"/pictures/originals/preview-files/{preview['id']}/download").status_code == 200
        movie = place(admin, task["id"], comment_on(admin, admin, task["id"])["id"])
        late = f"/movies/source/preview-files/{movie['id']}.mp4"
        assert admin.get(late).status_code == 404
        assert admin.get(late).status_code == 404
        assert upload(admin, movie["id"], b"no movie yet", "a.mp4").status_code == 201
        assert admin.get(late).status_code == 302
        # Pieces of an upload that was deleted go too.
        other = f"/{admin.post('/uploads', headers={'Upload-Length': '9'}).headers['Location']}"
        headers = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
        assert admin.call("PATCH", other, data=b"12345", headers=headers).status_code == 204
        assert len(pieces()) == 1
        admin.ok_delete(other)
        assert pieces() == []


def wait_for(condition: Any) -> None:
    """Ask until it holds; the test's own time limit is the deadline."""
    pause = threading.Event()
    for _ in range(600):
        if condition():
            return
        pause.wait(0.05)
    raise AssertionError("it never happened")


def stored_files(server: Server, file_id: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.database_url) as connection:
        return connection.execute(
            "SELECT key, size, deleted_at, purged_at, journal FROM stored_file WHERE file_id = %s", [file_id]
        ).fetchall()


# The register, on the shared server


_SWEEP = """
SELECT pegbar.procrastinate_defer_jobs_v1(ARRAY[
  ROW('default', 'trash.sweep', 0, NULL, NULL, '{}', NULL)::pegbar.procrastinate_job_to_defer_v1])
"""


def test_a_deletion_marks_files_and_only_force_removes_them(admin: Client, server: Server) -> None:
    task = factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))
    kept, gone = (published(admin, admin, task["id"]) for _ in range(2))
    admin.ok_delete(f"/data/preview-files/{kept['id']}")
    admin.ok_delete(f"/data/preview-files/{gone['id']}", params={"force": "true"})
    for row in (kept, gone):
        assert all(deleted and not purged for _, _, deleted, purged, _ in stored_files(server, row["id"]))
    with psycopg.connect(server.database_url) as connection:  # the days of the trash are over
        aged = "UPDATE pegbar.trash SET deleted_at = deleted_at - interval '31 days' WHERE id IN"
        of_both = "(SELECT trash_id FROM pegbar.trash_thing WHERE row_id = ANY(%s::uuid[]))"
        connection.execute(f"{aged} {of_both}", ([kept["id"], gone["id"]],))
        connection.execute(_SWEEP)
    wait_for(lambda: all(purged for *_, purged, _ in stored_files(server, gone["id"])))

    def files() -> set[str]:
        return {path.name for path in (server.folder / "previews").rglob("*") if path.is_file()}

    wait_for(lambda: gone["id"] not in files())
    assert kept["id"] in files()
    assert all(deleted and not purged for _, _, deleted, purged, _ in stored_files(server, kept["id"]))


def test_an_upload_leaves_nothing_in_the_upload_folder(admin: Client, server: Server) -> None:
    task = factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))
    published(admin, admin, task["id"], b"x" * 3_000_000, "scene.blend")
    row = published(admin, admin, task["id"])
    assert admin.post(f"/pictures/preview-files/{row['id']}", data=b"broken", headers=_BROKEN).status_code == 400
    assert list((server.folder / "tmp").iterdir()) == []


_BROKEN = {"Content-Type": "multipart/form-data; boundary=x"}


def test_a_preview_folder_of_an_existing_installation_is_served(admin: Client, server: Server) -> None:
    task = factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))
    old = {"name": "old", "task_id": task["id"], "extension": "png", "status": "ready"}
    row = admin.ok_post("/data/preview-files", old)
    path = server.folder / "previews" / "pictures" / "original" / row["id"][:3] / row["id"][3:6] / row["id"]
    path.parent.mkdir(parents=True)
    path.write_bytes(png(3, 2))
    assert admin.get(f"/pictures/originals/preview-files/{row['id']}.png").content == png(3, 2)


# Pure functions


@given(st.integers(0, 50), st.one_of(st.none(), st.integers(0, 60)), st.integers(0, 50))
def test_a_range_is_a_part_of_the_file_or_refused(start: int, last: int | None, size: int) -> None:
    byte_range = f"bytes={start}-{'' if last is None else last}"
    satisfiable = start < size and (last is None or last >= start)
    if not satisfiable:
        with pytest.raises(UnsatisfiableRange):
            span_of(byte_range, size)
        return
    data = bytes(range(size))
    first, end = span_of(byte_range, size)
    assert data[first:end] == data[start : None if last is None else last + 1]


@given(st.text(max_size=200))
def test_any_range_header_is_a_span_or_a_416(text: str) -> None:
    with contextlib.suppress(UnsatisfiableRange):
        start, end = span_of(f"bytes={text}", 10)
        assert 0 <= start < end <= 10


@given(st.text())
def test_a_slug_is_plain(text: str) -> None:
    assert set(slug(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")


def test_the_slug_of_the_specification() -> None:
    assert slug("Foo Bar's été 1,000 &amp; x") == "foo_bar_s_ete_1000_x"


def test_names_of_downloads_survive_any_alphabet() -> None:
    assert disposition("a_v1.png", attachment=True) == "attachment; filename=a_v1.png"
    assert disposition("a b.png", attachment=False) == 'inline; filename="a b.png"'
    named = disposition('é"x.png', attachment=True)
    assert named == "attachment; filename=\"__x.png\"; filename*=UTF-8''%C3%A9%22x.png"


def test_what_killed_requests_left_is_swept_after_a_day(tmp_path: Path) -> None:
    old, new, kept = tmp_path / "upload-old", tmp_path / "upload-new", tmp_path / "uploads"
    folder = tmp_path / "render-old"
    folder.mkdir()
    for path in (old, new, kept, folder / "thumbnails"):
        path.write_bytes(b"half")
    for path in (old, kept, folder):
        os.utime(path, (0, 0))
    storage.sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["upload-new", "uploads"]
