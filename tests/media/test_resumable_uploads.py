"""Uploads that arrive in pieces (tus 1.0), by hand, by tuspy and by tus-js-client."""

import base64
import contextlib
import hashlib
import io
import json
import os
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import requests
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from tests import factories
from tests.client import Client, sign_in
from tests.media.publishing import comment_on, place, png
from tests.server import ADMIN, Server

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def artist(admin: Client) -> Client:
    return factories.hire(admin)


def metadata(**pairs: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


def begin(who: Client, length: int, **headers: str) -> requests.Response:
    return who.post("/uploads", headers={**TUS, "Upload-Length": str(length), **headers})


def begun(who: Client, length: int, name: str = "a.bin") -> str:
    answer = begin(who, length, **{"Upload-Metadata": metadata(filename=name)})
    assert answer.status_code == 201, answer.text
    return f"/{answer.headers['Location']}"


def patch(who: Client, where: str, offset: int, data: Any, **headers: str) -> requests.Response:
    return who.call("PATCH", where, data=data, headers={**PIECE, "Upload-Offset": str(offset), **headers})


def offset_of(who: Client, where: str) -> int:
    answer = who.call("HEAD", where, headers=TUS)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    return int(answer.headers["Upload-Offset"])


def whole(who: Client, data: bytes, name: str = "pose.png") -> str:
    """An upload that is complete; its id."""
    where = begun(who, len(data), name)
    assert patch(who, where, 0, data).status_code == 204
    return where.rpartition("/")[2]


def stored(server: Server, where: str) -> Path:
    return server.folder / "previews" / "uploads" / where.rpartition("/")[2]


def test_options_tell_what_the_server_speaks(anonymous: Client) -> None:
    answer = anonymous.call("OPTIONS", "/uploads")
    assert answer.status_code == 200
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Tus-Max-Size"] == str(10 * 1024**3)
    assert answer.headers["Tus-Extension"] == "creation,creation-with-upload,expiration,termination,checksum"
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,md5"
    assert "PATCH" in anonymous.call("OPTIONS", "/uploads/d3b07384-d9a0-4c9b-8f3e-000000000000").headers["Allow"]


def test_an_upload_arrives_in_pieces(server: Server, artist: Client) -> None:
    data = os.urandom(300_000)
    answer = begin(artist, len(data), **{"Upload-Metadata": metadata(filename="../x/Tøm.PNG", filetype="image/png")})
    where = "/" + answer.headers["Location"]
    assert (answer.status_code, answer.headers["Upload-Offset"], answer.headers["Tus-Resumable"]) == (201, "0", "1.0.0")
    assert answer.headers["Upload-Expires"].endswith("GMT")
    for start in range(0, len(data), 100_000):
        assert offset_of(artist, where) == start
        piece = patch(artist, where, start, data[start : start + 100_000])
        assert (piece.status_code, piece.headers["Upload-Offset"]) == (204, str(start + 100_000))
    assert stored(server, where).read_bytes() == data
    head = artist.call("HEAD", where, headers=TUS)
    assert head.headers["Upload-Length"] == "300000"
    assert head.headers["Upload-Metadata"] == metadata(filename="../x/Tøm.PNG", filetype="image/png")
    row = artist.ok_get(where)
    assert (row["name"], row["content_type"], row["is_complete"]) == ("Tøm.PNG", "image/png", True)
    assert where.rpartition("/")[2] in [item["id"] for item in artist.ok_get("/uploads")]
    assert patch(artist, where, len(data), b"").status_code == 204
    assert patch(artist, where, len(data), b"x").status_code == 413


def test_a_creation_may_bring_the_first_piece(artist: Client) -> None:
    headers = {**PIECE, "Upload-Length": "10"}
    answer = artist.post("/uploads/", data=b"12345", headers=headers)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "5")
    where = f"/uploads/{answer.headers['Location']}"
    assert artist.call("DELETE", where, headers=TUS).status_code == 204
    before = len(artist.ok_get("/uploads"))
    refused = artist.post("/uploads", data=b"12345", headers={**headers, "Upload-Checksum": "sha1 AAAA"})
    assert refused.status_code == 460
    assert len(artist.ok_get("/uploads")) == before


@pytest.mark.parametrize("method", ["HEAD", "GET", "PATCH", "DELETE"])
def test_nobody_knows_of_an_upload_but_its_owner(admin: Client, artist: Client, method: str) -> None:
    where = begun(artist, 5)
    headers = {**PIECE, "Upload-Offset": "0"}
    for other in (admin, factories.hire(admin, "manager")):
        assert other.call(method, where, headers=headers, data=b"12345").status_code == 404
    assert where.rpartition("/")[2] not in [item["id"] for item in admin.ok_get("/uploads")]
    assert offset_of(artist, where) == 0


def test_nobody_uploads_without_signing_in(anonymous: Client) -> None:
    answer = begin(anonymous, 5)
    assert (answer.status_code, answer.headers["Tus-Resumable"]) == (401, "1.0.0")


@pytest.mark.parametrize(
    ("headers", "status", "word"),
    [
        ({}, 400, "Upload-Length"),
        ({"Upload-Length": "-1"}, 400, "Upload-Length"),
        ({"Upload-Length": "1e3"}, 400, "Upload-Length"),
        ({"Upload-Defer-Length": "1"}, 400, "Upload-Defer-Length"),
        ({"Upload-Length": str(11 * 1024**3)}, 413, "limited"),
        ({"Upload-Length": "5", "Upload-Metadata": "filename not-base64!"}, 400, "Upload-Metadata"),
        ({"Upload-Length": "5", "Upload-Metadata": "filename " + "A" * 9000}, 400, "Upload-Metadata"),
        ({"Upload-Length": "5", "Tus-Resumable": "0.2.2"}, 412, "Tus-Resumable"),
    ],
)
def test_a_creation_that_makes_no_sense_is_refused(
    artist: Client, headers: dict[str, str], status: int, word: str
) -> None:
    answer = artist.post("/uploads", headers={**TUS, **headers})
    assert (answer.status_code, word in answer.json()["message"]) == (status, True), answer.text


def test_pieces_that_do_not_fit_are_refused(artist: Client) -> None:
    where = begun(artist, 10)
    assert patch(artist, where, 3, b"123").status_code == 409
    assert patch(artist, where, 0, b"12345678901").status_code == 413
    assert patch(artist, where, 0, iter([b"123456", b"78901"])).status_code == 413
    assert artist.call("PATCH", where, data=b"1", headers={**TUS, "Upload-Offset": "0"}).status_code == 415
    assert artist.call("PATCH", where, data=b"1", headers=PIECE).status_code == 400
    assert patch(artist, where, 0, b"1", **{"Upload-Checksum": "crc32 AAAA"}).status_code == 400
    assert patch(artist, where, 0, b"1", **{"Upload-Checksum": "sha1 !"}).status_code == 400
    assert offset_of(artist, where) == 0
    assert patch(artist, where, 0, b"1234567890").status_code == 204


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "md5"])
def test_only_bytes_of_the_checksum_are_taken(server: Server, artist: Client, algorithm: str) -> None:
    data = os.urandom(50_000)
    where = begun(artist, len(data))

    def checksum(of: bytes) -> dict[str, str]:
        return {"Upload-Checksum": f"{algorithm} {base64.b64encode(hashlib.new(algorithm, of).digest()).decode()}"}

    assert patch(artist, where, 0, data, **checksum(b"others")).status_code == 460
    assert (offset_of(artist, where), stored(server, where).stat().st_size) == (0, 0)
    assert patch(artist, where, 0, data, **checksum(data)).status_code == 204
    assert stored(server, where).read_bytes() == data


def test_methods_may_be_sent_by_post(artist: Client) -> None:
    where = begun(artist, 3)
    headers = {**PIECE, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert artist.post(where, data=b"123", headers=headers).headers["Upload-Offset"] == "3"
    assert artist.post(where, headers=TUS).status_code == 415
    assert artist.post(where, headers={**TUS, "X-HTTP-Method-Override": "DELETE"}).status_code == 204
    assert artist.get(where).status_code == 404


def test_a_deleted_upload_leaves_nothing(server: Server, artist: Client) -> None:
    where = begun(artist, 5)
    patch(artist, where, 0, b"123")
    assert artist.call("DELETE", where, headers=TUS).status_code == 204
    assert not stored(server, where).exists()
    assert artist.call("HEAD", where, headers=TUS).status_code == 404
    assert patch(artist, where, 3, b"45").status_code == 404


class HalfSent:
    """A PATCH whose bytes come by hand."""

    def __init__(self, server: Server, who: Client, where: str, offset: int, length: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", server.port))
        lines = [
            f"PATCH /api{where} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {who.token}",
            "Content-Type: application/offset+octet-stream",
            f"Upload-Offset: {offset}",
            f"Content-Length: {length}",
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def hang_up(self) -> None:
        self.socket.close()

    def status(self) -> int:
        return int(self.socket.recv(4096).split()[1])


def settled(who: Client, where: str, least: int) -> int:
    """Where an upload stands once at least so much has been kept."""
    deadline = time.monotonic() + 20
    while (offset := offset_of(who, where)) < least:
        assert time.monotonic() < deadline, f"it stands at {offset}"
    return offset


def test_what_came_before_a_connection_broke_stays(server: Server, artist: Client) -> None:
    data = os.urandom(500_000)
    where = begun(artist, len(data))
    half = HalfSent(server, artist, where, 0, len(data))
    half.send(data[:200_000])
    half.hang_up()
    offset = settled(artist, where, 1)
    answer = patch(artist, where, offset, data[offset:])
    assert answer.status_code == 204, answer.text
    assert stored(server, where).read_bytes() == data


def test_of_two_writers_only_one_goes_on(server: Server, artist: Client) -> None:
    data = os.urandom(3_000_000)
    where = begun(artist, len(data))
    first = HalfSent(server, artist, where, 0, len(data))
    first.send(data[:2_500_000])
    deadline = time.monotonic() + 20
    while stored(server, where).stat().st_size == 0:
        assert time.monotonic() < deadline, "the first has not begun"
    assert patch(artist, where, 0, os.urandom(1000)).status_code == 423
    first.send(data[2_500_000:])
    assert first.status() == 204
    assert stored(server, where).read_bytes() == data


def test_a_connection_that_fell_silent_makes_way(server: Server, artist: Client) -> None:
    where = begun(artist, 10)
    silent = HalfSent(server, artist, where, 0, 10)
    silent.send(b"12345")
    deadline = time.monotonic() + 30
    while (
        answer := patch(artist, where, (offset := offset_of(artist, where)), b"1234567890"[offset:])
    ).status_code != 204:
        assert answer.status_code in (409, 423)
        assert time.monotonic() < deadline, "the silent one keeps it"
        time.sleep(0.2)
    assert silent.status() in (408, 409)
    assert stored(server, where).read_bytes() == b"1234567890"


def test_many_writers_at_once_corrupt_nothing(server: Server, artist: Client) -> None:
    data = os.urandom(400_000)
    where = begun(artist, len(data))
    statuses: list[int] = []

    def write() -> None:
        client = Client(server.api, artist.token)
        statuses.extend(
            patch(client, where, start, data[start : start + 100_000]).status_code
            for start in range(0, len(data), 100_000)
        )

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {204, 409, 423}
    offset = offset_of(artist, where)
    if offset < len(data):
        assert patch(artist, where, offset, data[offset:]).status_code == 204
    assert stored(server, where).read_bytes() == data


def test_an_expired_upload_is_gone_with_its_bytes(server: Server, artist: Client) -> None:
    where, other = begun(artist, 5), begun(artist, 5)
    stray = stored(server, where).with_name("d3b07384-d9a0-4c9b-8f3e-000000000000.d3b07384-d9a0-4c9b-8f3e-000000000000")
    stray.write_bytes(b"left behind by a killed server")
    with psycopg.connect(server.database_url, autocommit=True) as database:
        database.execute(
            "UPDATE pegbar.upload SET expires_at = timezone('utc', now()) - interval '1 s' WHERE id = %s",
            [where.rpartition("/")[2]],
        )
        assert artist.call("HEAD", where, headers=TUS).status_code == 404
        database.execute("SELECT pegbar.procrastinate_defer_jobs_v1(ARRAY[ROW('default', 'media.expire_uploads', 0,"
                         " NULL, NULL, '{}'::jsonb, NULL)::pegbar.procrastinate_job_to_defer_v1])")  # fmt: skip
    deadline = time.monotonic() + 30
    while stored(server, where).exists() or stray.exists():
        assert time.monotonic() < deadline, "it is still there"
        time.sleep(0.05)
    assert stored(server, other).exists()


# What routes do with uploads


@pytest.fixture(scope="module")
def task(admin: Client, artist: Client) -> dict[str, Any]:
    show = factories.production(admin, artist)
    return factories.task(admin, factories.entity(admin, show["id"]), assignees=[artist.id])


@pytest.fixture
def preview(admin: Client, artist: Client, task: dict[str, Any]) -> dict[str, Any]:
    return place(artist, task["id"], comment_on(artist, admin, task["id"])["id"])


@pytest.mark.parametrize("how", ["json", "params", "data", "files"])
def test_an_upload_stands_for_the_file_of_a_form(artist: Client, preview: dict[str, Any], how: str) -> None:
    upload_id = whole(artist, png(80, 40), "Tom.Thumb.png")
    sent: Any = {"upload_id": (None, upload_id)} if how == "files" else {"upload_id": upload_id}
    answer = artist.call("POST", f"/pictures/preview-files/{preview['id']}", **{how: sent})
    assert answer.status_code == 201, answer.text
    row = answer.json()
    assert (row["status"], row["original_name"], row["width"]) == ("ready", "Tom.Thumb", 80)
    assert artist.get(f"/uploads/{upload_id}").status_code == 404


def test_a_refused_request_leaves_the_upload(server: Server, artist: Client, preview: dict[str, Any]) -> None:
    upload_id = whole(artist, png(), "a.xyz")
    path = f"/pictures/preview-files/{preview['id']}"
    for _ in range(2):
        assert artist.post(path, {"upload_id": upload_id}).status_code == 400
    assert artist.ok_get(f"/uploads/{upload_id}")["is_complete"]
    folder = stored(server, upload_id).parent
    assert [file.name for file in folder.iterdir() if file.name.startswith(upload_id)] == [upload_id]
    assert artist.call("DELETE", f"/uploads/{upload_id}").status_code == 204


def test_an_upload_that_cannot_be_used_is_told(admin: Client, artist: Client, preview: dict[str, Any]) -> None:
    path = f"/pictures/preview-files/{preview['id']}"
    unfinished = begun(artist, 5).rpartition("/")[2]
    for upload_id, status in (
        (unfinished, 409),
        (whole(admin, png()), 404),
        ("d3b07384-d9a0-4c9b-8f3e-000000000000", 404),
        ("7", 400),
        (7, 400),
        ([], 400),
    ):
        answer = artist.post(path, {"upload_id": upload_id})
        assert (answer.status_code, answer.json()["error"]) == (status, True), answer.text


def test_two_requests_do_not_use_one_upload(
    server: Server, admin: Client, artist: Client, task: dict[str, Any]
) -> None:
    upload_id = whole(artist, b"x" * 1000, "notes.pdf")
    comment = comment_on(artist, admin, task["id"])
    statuses: list[int] = []

    def use() -> None:
        client = Client(server.api, artist.token)
        path = f"/actions/tasks/{task['id']}/comments/{comment['id']}/add-attachment"
        statuses.append(client.post(path, {"upload_id": upload_id}).status_code)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(201) == 1
    assert set(statuses) <= {201, 404, 409}


def test_a_batch_of_comments_names_the_field_of_each_upload(
    admin: Client, artist: Client, task: dict[str, Any]
) -> None:
    status = factories.named(admin, "task-status", "Todo")["id"]
    shown, note = whole(artist, png(60, 30), "a.png"), whole(artist, b"note", "note.txt")
    body = {
        "comments": [{"task_status_id": status, "text": "One"}, {"task_status_id": status, "text": "Two"}],
        "upload_id": {"preview_file-1": shown, "attachment_file-0": note},
    }
    answer = artist.ok_post(f"/actions/tasks/{task['id']}/batch-comment", body)
    assert [len(item["preview_files"]) for item in answer] == [0, 1]
    assert answer[1]["preview_files"][0]["width"] == 60
    assert [item["name"] for item in answer[0]["attachment_files"]] == ["note.txt"]


@pytest.mark.parametrize("kind", ["avatar", "attachment", "csv"])
def test_other_routes_take_uploads_too(admin: Client, artist: Client, task: dict[str, Any], kind: str) -> None:
    if kind == "avatar":
        path, data, name = f"/pictures/thumbnails/persons/{admin.id}", png(), "me.png"
    elif kind == "attachment":
        comment = comment_on(admin, admin, task["id"])
        path = f"/actions/tasks/{task['id']}/comments/{comment['id']}/add-attachment"
        data, name = b"words", "notes.txt"
    else:
        path, data, name = "/import/csv/persons", b"First Name;Last Name;Email\nAda;Upload;ada-up@x.example\n", "p.csv"
    upload_id = whole(admin, data, name)
    answer = admin.post(path, {"upload_id": upload_id})
    assert answer.status_code == 201, answer.text
    assert admin.get(f"/uploads/{upload_id}").status_code == 404


# Clients of the protocol


def tuspy(server: Server, who: Client, data: bytes, **options: Any) -> Any:
    client = TusClient(f"{server.api}/uploads", headers={"Authorization": f"Bearer {who.token}"})
    return client.uploader(file_stream=io.BytesIO(data), chunk_size=200_000, metadata={"filename": "t.bin"}, **options)


def test_tuspy_uploads_and_resumes(server: Server, artist: Client) -> None:
    data = os.urandom(1_000_000)
    uploader = tuspy(server, artist, data)
    uploader.upload(stop_at=400_000)
    again = tuspy(server, artist, data, url=uploader.url, upload_checksum=True)
    assert again.get_offset() == 400_000
    again.upload()
    assert stored(server, uploader.url).read_bytes() == data


class Cutting:
    """Passes bytes on to a server, and cuts each connection after some."""

    def __init__(self, server: Server, seed: int) -> None:
        self._server, self._random = server, random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        budget = self._random.randint(50_000, 900_000)
        with client, socket.create_connection(("127.0.0.1", self._server.port)) as upstream:
            threading.Thread(target=self._back, args=(upstream, client), daemon=True).start()
            with contextlib.suppress(OSError):
                while data := client.recv(65536):
                    upstream.sendall(data)
                    budget -= len(data)
                    if budget < 0:
                        self.cuts += 1
                        break
                for end in (upstream, client):
                    end.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _back(upstream: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := upstream.recv(65536):
                client.sendall(data)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def cutting(server: Server) -> Iterator[Cutting]:
    proxy = Cutting(server, 7)
    yield proxy
    proxy.close()


def persistently(server: Server, who: Client, data: bytes, port: int) -> str:
    """Upload by tuspy whatever happens to the connection; where it is."""
    client = TusClient(f"http://127.0.0.1:{port}/api/uploads", headers={"Authorization": f"Bearer {who.token}"})
    url = f"http://127.0.0.1:{port}/api{begun(who, len(data))}"
    deadline = time.monotonic() + 120
    while True:
        assert time.monotonic() < deadline, "it does not come to an end"
        with contextlib.suppress(TusCommunicationError, requests.RequestException, OSError):
            uploader = client.uploader(file_stream=io.BytesIO(data), chunk_size=700_000, url=url)
            uploader.upload()
            return url


def test_an_upload_survives_cut_connections(server: Server, artist: Client, cutting: Cutting) -> None:
    data = os.urandom(6_000_000)
    where = persistently(server, artist, data, cutting.port)
    assert cutting.cuts > 3
    assert stored(server, where).read_bytes() == data


_JS = """
const tus = require("tus-js-client"), fs = require("fs");
const [endpoint, token, file] = process.argv.slice(2);
const upload = new tus.Upload(fs.createReadStream(file), {
  endpoint, headers: {Authorization: "Bearer " + token}, chunkSize: 600000, uploadSize: fs.statSync(file).size,
  retryDelays: Array(60).fill(50), metadata: {filename: "j.bin", filetype: "video/mp4"},
  onError: error => { console.error(String(error)); process.exit(1); },
  onSuccess: () => console.log(upload.url),
});
upload.start();
"""


@pytest.fixture(scope="session")
def javascript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tus-js-client, the client that browsers use."""
    if shutil.which("npm") is None:
        pytest.skip("tus-js-client needs node and npm, which are not on this machine")
    folder = tmp_path_factory.mktemp("tus-js")
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "tus-js-client@4"]
    installed = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if installed.returncode:
        pytest.skip(f"tus-js-client cannot be installed: {installed.stderr[-300:]}")
    (folder / "upload.js").write_text(_JS)
    return folder


def test_the_client_of_browsers_uploads_over_cut_connections(
    server: Server, artist: Client, cutting: Cutting, javascript: Path
) -> None:
    data = os.urandom(5_000_000)
    (javascript / "j.bin").write_bytes(data)
    endpoint = f"http://127.0.0.1:{cutting.port}/api/uploads"
    command = ["node", "upload.js", endpoint, str(artist.token), "j.bin"]
    ran = subprocess.run(command, cwd=javascript, capture_output=True, text=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr
    where = ran.stdout.strip()
    assert cutting.cuts > 0
    assert stored(server, where).read_bytes() == data
    assert artist.ok_get(where.partition("/api")[2])["content_type"] == "video/mp4"


def test_an_upload_goes_on_after_the_server_was_killed(tmp_path: Path) -> None:
    data = os.urandom(90_000_000)
    # A database that may forget its last commits, as those of other tests do, would forget what was received.
    options = {
        "PEGBAR_POSTGRES_OPTIONS": "",
        "PEGBAR_UPLOADS_PER_PERSON": "2",
        "PEGBAR_UPLOAD_BYTES_PER_PERSON": "95000000",
    }
    with Server(None, **options) as server:
        who = sign_in(server.api, *ADMIN)
        where = begun(who, len(data))
        half = HalfSent(server, who, where, 0, len(data))
        half.send(data[:80_000_000])
        offset = settled(who, where, 1)
        assert server.process is not None
        _kill(server)
        half.hang_up()
        server.start()
        who = sign_in(server.api, *ADMIN)
        again = offset_of(who, where)
        assert offset <= again < len(data)
        assert patch(who, where, again, data[again:]).status_code == 204
        assert stored(server, where).read_bytes() == data
        # What one person may have is bounded, in bytes and in number.
        assert begin(who, 6_000_000).status_code == 413
        assert begin(who, 5).status_code == 201
        refused = begin(who, 5)
        assert (refused.status_code, "unfinished" in refused.json()["message"]) == (429, True)
        rest = json.loads(who.get("/uploads").text)
        assert [item["received"] for item in rest] == [len(data), 0]


def _kill(server: Server) -> None:
    """Kill the processes that serve the API, as a crash would; the database lives on or is started again."""
    import psutil

    assert server.process is not None
    tree = [psutil.Process(server.process.pid), *psutil.Process(server.process.pid).children(recursive=True)]
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    server.process.wait(20)
