"""Three nodes, one killed, one cut off, one started again, while people work: is anything lost, or told twice?

    python -m bench.nodes [--cut 20] [--writers 6]

Each node runs in a network namespace of its own, with an address of its own; PostgreSQL and an S3 server are reached
over that network and over nothing else. Wants root, on Linux. Prints what was answered in each phase, and fails when
something answered is not there, a follower missed an event or saw it twice, or a session that ended still opens a node.
"""

import argparse
import itertools
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
import psutil
import psycopg
import requests
import socketio

from pegbar.core.data import migrations
from pegbar.core.data.embedded import EmbeddedPostgres
from tests.client import Client, sign_in, unique
from tests.core.listener import Feed
from tests.server import ADMIN, FAST

NETWORK, HERE, BRIDGE = "10.213.7", "10.213.7.1", "pegbar-bench"
PORT = 8000
NODES = (1, 2, 3)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def network() -> Iterator[None]:
    """A bridge here, and a namespace for each node."""
    spaces = [f"{BRIDGE}{number}" for number in NODES]
    try:
        ip("link", "add", BRIDGE, "type", "bridge")
        ip("addr", "add", f"{HERE}/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for number, space in zip(NODES, spaces, strict=True):
            ip("netns", "add", space)
            ip("link", "add", f"pegbar-n{number}", "type", "veth", "peer", "name", "eth0", "netns", space)
            ip("link", "set", f"pegbar-n{number}", "master", BRIDGE, "up")
            for words in (
                f"addr add {NETWORK}.{10 + number}/24 dev eth0", "link set eth0 up", "link set lo up",
            ):  # fmt: skip
                ip("-n", space, *words.split())
        yield
    finally:
        for space in spaces:
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", BRIDGE], check=False, capture_output=True)


@contextmanager
def database(folder: Path) -> Iterator[str]:
    """PostgreSQL on the network; its address there."""
    access = folder / "access.conf"
    access.write_text(f"local all all trust\nhost all all {NETWORK}.0/24 trust\n")
    access.chmod(0o644)
    folder.chmod(0o755)
    options = f"{FAST['PEGBAR_POSTGRES_OPTIONS']} listen_addresses={HERE} hba_file={access}"
    embedded = EmbeddedPostgres(folder / "database", options)
    try:
        migrations.upgrade(embedded.start())
        yield f"postgresql://postgres@{HERE}:5432/pegbar"
    finally:
        embedded.stop()


@contextmanager
def object_store() -> Iterator[dict[str, str]]:
    """An S3 server on the network; the settings that lead to it."""
    url = f"http://{HERE}:5001"
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    command = [sys.executable, "-m", "moto.server", "-H", HERE, "-p", "5001"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"{url}/moto-api/")
        client = boto3.client("s3", endpoint_url=url, **keys)
        for bucket in ("pictures", "movies", "files"):
            client.create_bucket(Bucket=f"show-{bucket}")
        yield {
            "FS_BACKEND": "s3", "FS_S3_ENDPOINT": url, "FS_BUCKET_PREFIX": "show-",
            "FS_S3_ACCESS_KEY": "key", "FS_S3_SECRET_KEY": "secret", "FS_S3_REGION": "us-east-1",
        }  # fmt: skip
    finally:
        process.kill()
        process.wait(10)


def wait_for(url: str, seconds: float = 180) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            if requests.get(url, timeout=2).status_code == 200:
                return
        except requests.RequestException:
            pass
        assert time.monotonic() < until, f"{url} does not answer"
        time.sleep(0.2)


class Node:
    """`pegbar serve` in a namespace."""

    def __init__(self, number: int, folder: Path, environment: dict[str, str]) -> None:
        self.number, self.folder = number, folder / f"node{number}"
        self.url = f"http://{NETWORK}.{10 + number}:{PORT}"
        self.api = f"{self.url}/api"
        self._environment = environment
        self.folder.mkdir()
        self._log = (self.folder / "log").open("ab")

    def start(self) -> None:
        serve = [sys.executable, "-m", "pegbar", "serve", "--host", f"{NETWORK}.{10 + self.number}"]
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", f"{BRIDGE}{self.number}", *serve, "--port", str(PORT), "--data", str(self.folder)],
            env={**os.environ, **self._environment}, stdout=self._log, stderr=self._log, cwd="/",
        )  # fmt: skip

    def ready(self) -> None:
        wait_for(f"{self.api}/status/ready")

    def kill(self) -> None:
        """All its processes at once, as when a machine loses its power."""
        processes = [*psutil.Process(self.process.pid).children(recursive=True), psutil.Process(self.process.pid)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(90)

    def unplug(self) -> None:
        """Cut it off from the network."""
        ip("link", "set", f"pegbar-n{self.number}", "down")

    def plug_in(self) -> None:
        """Give it the network back."""
        ip("link", "set", f"pegbar-n{self.number}", "up")


class Load:
    """Writers who go to the next node when one does not answer."""

    def __init__(self, nodes: list[Node], token: str, writers: int) -> None:
        self.phase, self.answered, self.failed = "", Counter[str](), Counter[str]()
        self.made: list[str] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(nodes, token, number)) for number in range(writers)]

    def _write(self, nodes: list[Node], token: str, number: int) -> None:
        http = requests.Session()
        http.trust_env = False
        http.headers["Authorization"] = f"Bearer {token}"
        turn = itertools.cycle(nodes[number % len(nodes) :] + nodes[: number % len(nodes)])
        node = next(turn)
        while not self._stop.is_set():
            try:
                row = {"name": unique("Bench"), "color": "#000000"}
                answer = http.post(f"{node.api}/data/departments", json=row, timeout=3)
                answer.raise_for_status()
            except requests.RequestException:
                self.failed[self.phase] += 1
                node = next(turn)
                self._stop.wait(0.05)
                continue
            self.made.append(answer.json()["id"])
            self.answered[self.phase] += 1

    def during(self, phase: str, seconds: float, *acts: Callable[[], None]) -> None:
        """Go on for a while, with something happening at its beginning; print what was answered."""
        self.phase, started = phase, time.monotonic()
        for act in acts:
            act()
        self._stop.wait(max(0.0, seconds - (time.monotonic() - started)))
        lasted = time.monotonic() - started
        print(
            f"| {phase} | {lasted:.0f} s | {self.answered[phase] / lasted:.0f}/s | {self.failed[phase]} |", flush=True
        )

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


class Follower:
    """Hears through the socket of a node that there is something, and reads on from its cursor; moves when it must."""

    def __init__(self, nodes: list[Node], token: str, first: int) -> None:
        self._turn = itertools.cycle(nodes[first:] + nodes[:first])
        self._token = token
        self.seen: list[str] = []
        self.heard: list[Counter[str]] = []  #: by connection
        self.moves = 0
        self._awake, self._stop = threading.Event(), threading.Event()
        self._node = next(self._turn)
        self._feed = Feed(Client(self._node.api, token))
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()

    def _follow(self) -> None:
        while not self._stop.is_set():
            client = socketio.Client(reconnection=False, handle_sigint=False)
            connection = Counter[str]()
            self.heard.append(connection)
            client.on("department:new", self._hears(connection), namespace="/events")
            try:
                client.connect(
                    self._node.url, headers={"Authorization": f"Bearer {self._token}"},
                    transports=["websocket"], namespaces=["/events"], wait_timeout=5,
                )  # fmt: skip
                while client.connected and not self._stop.is_set():
                    self.read()
                    self._awake.wait(2)
                    self._awake.clear()
            except (requests.RequestException, socketio.exceptions.SocketIOError, AssertionError):
                pass
            with suppress(Exception):
                client.eio.disconnect(abort=True)
            self._node = next(self._turn)
            self.moves += 1

    def _hears(self, connection: Counter[str]) -> Any:
        def hear(payload: dict[str, str]) -> None:
            connection[payload["event_id"]] += 1
            self._awake.set()

        return hear

    def read(self) -> None:
        self._feed.who = Client(self._node.api, self._token)
        more = True
        while more:
            answer = self._feed.who.get("/data/events/since", params={"cursor": self._feed.cursor}, timeout=3)
            answer.raise_for_status()
            page = answer.json()
            self._feed.cursor, more = page["cursor"], page["more"]
            self.seen += [event["id"] for event in page["events"] if event["name"] == "department:new"]

    def finish(self, node: Node) -> None:
        """Read to the end, at a node that is well."""
        self.leave()
        self._node = node
        self.read()

    def leave(self) -> None:
        """Hang up for good."""
        self._stop.set()
        self._awake.set()
        self._thread.join(60)


def check(nodes: list[Node], url: str, load: Load, followers: list[Follower], token: str) -> None:
    """Nothing answered is lost, nothing was missed or told twice."""
    for node in nodes:
        known = {row["id"] for row in Client(node.api, token).ok_get("/data/departments")}
        lost = set(load.made) - known
        assert not lost, f"node {node.number} does not know {len(lost)} of what was answered"
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT event_id::text FROM pegbar.outbox WHERE name = 'department:new' AND payload::json->>'department_id'"
            " IN (SELECT id::text FROM department WHERE name LIKE 'Bench %')"
        ).fetchall()
    events = {row[0] for row in rows}
    for number, follower in enumerate(followers):
        follower.finish(nodes[0])
        seen = Counter(follower.seen)
        assert max(seen.values()) == 1, "a follower read an event twice"
        assert events <= seen.keys(), f"follower {number} missed {len(events - seen.keys())} events"
        twice = [event for heard in follower.heard for event, times in heard.items() if times > 1]
        assert not twice, f"a socket of follower {number} heard {len(twice)} events twice"
    print(f"{len(load.made)} answered and there; {len(events)} events, each read once by {len(followers)} followers,")
    print(f"who moved {sum(follower.moves for follower in followers)} times.")


def sessions_end_everywhere(nodes: list[Node]) -> None:
    """Who signs out at one node is out at all, and their sockets end."""
    session = sign_in(nodes[0].api, *ADMIN)
    hung_up = threading.Event()
    client = socketio.Client(reconnection=False, handle_sigint=False)
    client.on("disconnect", hung_up.set, namespace="/events")
    headers = {"Authorization": f"Bearer {session.token}"}
    client.connect(nodes[2].url, headers=headers, namespaces=["/events"], wait_timeout=10)
    assert Client(nodes[1].api, session.token).get("/auth/logout").status_code == 200
    assert {Client(node.api, session.token).get("/auth/authenticated").status_code for node in nodes} == {401}
    sign_in(nodes[1].api, *ADMIN).ok_post("/data/departments", {"name": unique("End"), "color": "#000000"})
    assert hung_up.wait(20), "a socket outlived its session"
    print("a session that ended at one node is closed at all, and its socket too.")


def main() -> None:
    """Run it all."""
    parser = argparse.ArgumentParser(prog="bench.nodes")
    parser.add_argument("--cut", type=float, default=20.0)
    parser.add_argument("--writers", type=int, default=6)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pegbar-nodes-"))
    with network(), database(folder) as url, object_store() as storage:
        environment = {**FAST, **storage, "DATABASE_URL": url, "SECRET_KEY": secrets.token_hex(32), "DEBUG": "false"}
        nodes = [Node(number, folder, environment) for number in NODES]
        followers: list[Follower] = []
        first, second, third = nodes
        try:
            for node in nodes:
                node.start()
                node.ready()
            token = str(sign_in(first.api, *ADMIN).token)
            followers = [Follower(nodes, token, number % len(nodes)) for number in range(2 * len(nodes))]
            print("| phase | lasted | answered | failed |\n|---|---:|---:|---:|")
            with Load(nodes, token, asked.writers) as load:
                load.during("all are well", 8)
                load.during("the first is killed", 8, first.kill)
                load.during("it comes back", 8, first.start, first.ready)
                load.during("the second is cut off", asked.cut, second.unplug)
                load.during("it is there again", 10, second.plug_in, second.ready)
                load.during("the third is started again", 8, third.stop, third.start, third.ready)
            check(nodes, url, load, followers, token)
            sessions_end_everywhere(nodes)
        finally:
            for follower in followers:
                follower.leave()
            for node in nodes:
                with suppress(Exception):
                    node.kill()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
