"""A real server on a real PostgreSQL, started as a user would start it."""

import atexit
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

ADMIN = ("admin@example.com", "mysecretpassword")
#: A test database may lose what a power cut would lose; passwords hash and movies encode fast.
FAST = {
    "PEGBAR_POSTGRES_OPTIONS": "fsync=off full_page_writes=off synchronous_commit=off",
    "BCRYPT_LOG_ROUNDS": "4",
    "MOVIE_ENCODING_PRESET": "ultrafast",
    "DEBUG": "true",  # answers count their statements, and say what failed
    "PEGBAR_ADMIN_EMAIL": ADMIN[0],
    "PEGBAR_ADMIN_PASSWORD": ADMIN[1],
    "PEGBAR_LOGIN_RATE_LIMIT": "0",
    "PEGBAR_WEBHOOK_NETWORKS": "127.0.0.1",  # the receivers that tests play
    "PEGBAR_WEBHOOK_HTTP": "true",
}

#: Servers start several times in a run: they may keep what Python compiled.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@cache
def _made_database() -> Path:
    """A data folder whose database is made: servers of their own folder start on a copy, which is quicker."""
    folder = Path(tempfile.mkdtemp(prefix="pegbar-made-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    command = [sys.executable, "-m", "pegbar", "db", "init", "--data", str(folder)]
    subprocess.run(command, env={**_ENVIRONMENT, **FAST}, check=True, capture_output=True, cwd="/")
    return folder / "postgresql"


class Server:
    """`pegbar serve` on a folder of its own with a database made before, unless given a database URL or a folder."""

    def __init__(self, folder: Path | None = None, *options: str, **environment: str) -> None:
        self._own_folder = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="pegbar-test-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.api = f"{self.url}/api"
        self.options = options
        self.environment = {**FAST, **environment}
        self.process: subprocess.Popen[bytes] | None = None
        self.log = self.folder / f"serve-{self.port}.log"

    @property
    def database_url(self) -> str:
        given = self.environment.get("DATABASE_URL")
        return given or f"postgresql://postgres@/pegbar?host={self.folder / 'postgresql' / 'socket'}"

    def start(self) -> "Server":
        if self._own_folder and "DATABASE_URL" not in self.environment and "--database-url" not in self.options:
            copy = self.folder / "postgresql"
            if not copy.exists():
                # As it is: the files belong to the user that PostgreSQL runs as.
                subprocess.run(["cp", "-a", _made_database(), copy], check=True)
        deadline = time.monotonic() + 180
        while self._answers() and time.monotonic() < deadline:
            time.sleep(0.05)  # the API of one that was killed has not ended yet
        command = [sys.executable, "-m", "pegbar", "serve", "--port", str(self.port), "--data", str(self.folder)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.options], env={**_ENVIRONMENT, **self.environment}, stdout=log, stderr=log, cwd="/"
            )
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server stopped:\n{self.text()}")
            if self._answers():
                return self
            time.sleep(0.1)
        raise RuntimeError(f"the server did not answer:\n{self.text()}")

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("HEAD", "/api/")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True

    def text(self) -> str:
        """What the server printed."""
        return self.log.read_text(errors="replace")

    def wait_for_text(self, text: str, timeout: float = 20, start: int = 0) -> None:
        """Wait until the server has printed a text, from a place in its log on."""
        deadline = time.monotonic() + timeout
        while text not in self.text()[start:]:
            assert time.monotonic() < deadline, f"{text!r} is not in the log:\n{self.text()[-2000:]}"
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Stop it and wait; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise RuntimeError(f"the server did not stop:\n{self.text()}") from None

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
