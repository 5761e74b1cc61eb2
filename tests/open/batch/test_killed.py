"""A server that dies in the middle of a batch, or between its commit and the answer: done once, or not at all."""

import signal
import threading
from uuid import uuid4

import psutil
import psycopg
import requests

from tests.client import Client, sign_in, unique
from tests.core.data.test_transactions import wait_until_blocked
from tests.server import ADMIN, Server

BATCH = "/open/v1/batch"


def test_a_batch_whose_server_is_killed_is_done_once_when_sent_again() -> None:
    with Server() as own:
        admin = sign_in(own.api, *ADMIN)
        held = admin.ok_post("/data/departments", {"name": unique("Held"), "color": "#000000"})
        names = [unique("New") for _ in range(3)]
        steps = [
            *[{"method": "POST", "path": "/data/departments", "body": {"name": n, "color": "#111111"}} for n in names],
            {"method": "PUT", "path": f"/data/departments/{held['id']}", "body": {"color": "#222222"}},
        ]
        headers = {"Idempotency-Key": str(uuid4())}

        def send() -> requests.Response:
            return Client(own.api, admin.token).post(BATCH, {"operations": steps}, headers=headers)

        def send_into_the_void() -> None:
            try:
                broken.append(send().status_code)
            except requests.RequestException:
                broken.append(None)

        broken: list[int | None] = []
        with psycopg.connect(own.database_url) as locker:
            locker.execute("SELECT 1 FROM department WHERE id = %s FOR UPDATE", (held["id"],))
            request = threading.Thread(target=send_into_the_void)
            request.start()
            with psycopg.connect(own.database_url, autocommit=True) as watcher:
                wait_until_blocked(watcher, "FROM department")
                processes = psutil.Process(own.process.pid).children(recursive=True) if own.process else []
                own.stop(signal.SIGKILL)
                for process in processes:  # they would finish what they have begun
                    if process.is_running() and not process.name().startswith("postgres"):
                        process.kill()
                request.join()
        assert broken == [None]
        psutil.wait_procs(processes, timeout=90)
        own.start()
        kept = {row["name"]: row["color"] for row in admin.ok_get("/data/departments")}
        assert (kept.keys() & set(names), kept[held["name"]]) == (set(), "#000000")
        # Sent again, and once more, as by somebody whose connection broke before the answer.
        first, again = send(), send()
        assert (first.status_code, again.status_code) == (200, 200)
        assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
        rows = [row for row in admin.ok_get("/data/departments") if row["name"] in {*names, held["name"]}]
        assert sorted(row["name"] for row in rows) == sorted([*names, held["name"]])
        assert {row["name"]: row["color"] for row in rows}[held["name"]] == "#222222"
