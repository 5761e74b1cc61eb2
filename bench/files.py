"""`python -m bench.files [--megabytes 2048]`: files in and out.

Uploads beside a copy on the same disk, a range of a large file, and thumbnails beside a task by its id and a server
that only sends a file: requests a second, and processor time of the API for each, which other work on the machine
disturbs less. With `wrk` on the machine the client costs little.
"""

import argparse
import asyncio
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.cost import processes, processor_time
from bench.load import run
from bench.memory import resident
from tests import factories
from tests.client import Client, sign_in
from tests.media.publishing import comment_on, place, png, published
from tests.server import ADMIN, Server, free_port

_PIECE = 1024**2
#: Rounds by turns; the quickest of each counts, as the machine is noisy.
_ROUNDS = 3
#: How long each is asked for again and again.
_SECONDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.files")
    parser.add_argument("--megabytes", type=int, default=2048)
    megabytes = parser.parse_args().megabytes
    with Server(None, PEGBAR_POSTGRES_OPTIONS="", DEBUG="false", BCRYPT_LOG_ROUNDS="12") as server:
        admin = sign_in(server.api, *ADMIN)
        task = factories.task(admin, factories.entity(admin, factories.production(admin)["id"]))
        measure_uploads(server, admin, task["id"], megabytes)
        measure_thumbnails(server, admin, task["id"])


def measure_uploads(server: Server, admin: Client, task_id: str, megabytes: int) -> None:
    assert server.process is not None
    before = resident(server.process.pid)
    source = server.folder / "source"
    data = os.urandom(_PIECE)
    with source.open("wb") as file:
        for _ in range(megabytes):
            file.write(data)
    copies, pieces, forms = [], [], []
    path = ""
    for _ in range(_ROUNDS):
        copies.append(timed(lambda: copied(source)))
        pieces.append(timed(lambda: resumable(admin, source)))
        preview = place(admin, task_id, comment_on(admin, admin, task_id)["id"])
        forms.append(timed(lambda: form(admin, preview["id"], source)))  # noqa: B023 - called at once
        path = f"/pictures/originals/preview-files/{preview['id']}.zip"
    best = min(copies)
    print(f"copy, with fsync:       {megabytes / best:8.0f} MB/s")
    print(f"upload by pieces (tus): {megabytes / min(pieces):8.0f} MB/s  {best / min(pieces):.2f} of the copy")
    print(f"upload by form:         {megabytes / min(forms):8.0f} MB/s  {best / min(forms):.2f} of the copy")
    for name, headers in (("whole file", {}), ("range of it", {"Range": "bytes=1-"})):
        seconds = min(timed(lambda: read(admin, path, headers)) for _ in range(_ROUNDS))  # noqa: B023
        print(f"download, {name + ':':14}{megabytes / seconds:8.0f} MB/s")
    print(f"memory of the API:      {before:8.0f} MB before, {resident(server.process.pid):.0f} MB after")


def timed(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def copied(source: Path) -> None:
    target = source.with_name("copy")
    shutil.copyfile(source, target)
    with target.open("rb+") as file:
        os.fsync(file.fileno())
    target.unlink()


def resumable(who: Client, source: Path) -> None:
    where = f"/{who.post('/uploads', headers={'Upload-Length': str(source.stat().st_size)}).headers['Location']}"
    headers = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}
    with source.open("rb") as file:
        answer = who.call("PATCH", where, data=file, headers=headers, timeout=600)
    assert answer.status_code == 204, answer.text
    who.ok_delete(where)


class _Form:
    """The body of a form with a file, of a known length: as browsers and Gazu send it."""

    def __init__(self, file: Any, size: int) -> None:
        self._parts = [
            io.BytesIO(b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'),
            file,
            io.BytesIO(b"\r\n--x--\r\n"),
        ]
        self._length = size + sum(len(part.getvalue()) for part in (self._parts[0], self._parts[2]))

    def __len__(self) -> int:
        return self._length

    def read(self, size: int) -> bytes:
        while self._parts:
            if piece := self._parts[0].read(max(size, _PIECE)):
                return bytes(piece)
            del self._parts[0]
        return b""


def form(who: Client, preview_id: str, source: Path) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with source.open("rb") as file:
        body = _Form(file, source.stat().st_size)
        answer = who.call("POST", f"/pictures/preview-files/{preview_id}", data=body, headers=headers, timeout=600)
    assert answer.status_code == 201, answer.text


def read(who: Client, path: str, headers: dict[str, str]) -> None:
    with who.get(path, headers=headers, stream=True, timeout=600) as answer:
        assert answer.status_code in (200, 206)
        while answer.raw.read(_PIECE):
            pass


_FLOOR = """
import sys
from granian import Granian

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"image/png")]})
    await send({"type": "http.response.pathsend", "path": sys.argv[2]})

if __name__ == "__main__":
    Granian("floor:app", interface="asginl", port=int(sys.argv[1]), log_enabled=False).serve()
"""


def measure_thumbnails(server: Server, admin: Client, task_id: str) -> None:
    row = published(admin, admin, task_id, png(640, 320))
    path = f"/pictures/thumbnails/preview-files/{row['id']}.png"
    who = {"Authorization": f"Bearer {admin.token}"}
    picture = admin.get(path)
    lines = {
        "a task by its id": (f"/data/tasks/{task_id}", who),
        "a thumbnail": (path, who),
        "one that is unchanged": (path, {**who, "If-None-Match": picture.headers["ETag"]}),
    }
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "thumbnail.png"
        file.write_bytes(picture.content)
        (Path(folder) / "floor.py").write_text(_FLOOR)
        port = free_port()
        static = subprocess.Popen([sys.executable, "floor.py", str(port), str(file)], cwd=folder)
        try:
            time.sleep(3)
            floor = []
            rates: dict[str, list[float]] = {name: [] for name in lines}
            costs: dict[str, list[float]] = {name: [] for name in lines}
            for _ in range(_ROUNDS):
                for name, (target, headers) in lines.items():
                    before = spent(server)
                    rates[name].append(rate(server.api + target, headers))
                    costs[name].append((spent(server) - before) / (rates[name][-1] * _SECONDS))
                floor.append(rate(f"http://127.0.0.1:{port}/", {}))
        finally:
            static.terminate()
            static.wait(10)
    for name in lines:
        cost = f"{min(costs[name]):.3f} ms of the API's processor"
        print(f"{name + ':':23}{max(rates[name]):8.0f} a second, {cost}")
    print(f"a server of that file: {max(floor):8.0f} a second")


def spent(server: Server) -> float:
    """Milliseconds of processor that the API took so far."""
    return processor_time(processes(server))


def rate(url: str, headers: dict[str, str]) -> float:
    """Requests a second, of sixteen clients."""
    if shutil.which("wrk") is None:
        measure = asyncio.run(run(url, "GET", None, headers, clients=16, requests=10**6, seconds=_SECONDS))
        assert not measure.failures
        return measure.rate
    options = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", "-c16", f"-d{_SECONDS}s", *options, url]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in told, told
    return float(re.findall(r"Requests/sec:\s+([\d.]+)", told)[0])


if __name__ == "__main__":
    main()
