"""A streaming replica of a database that a test server embeds."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from pegbar.core.data.embedded import SERVICE_USER, _binaries


def _as_service_user() -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    if os.geteuid():
        return {}
    user = pwd.getpwnam(SERVICE_USER)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Replica:
    """A copy that follows; it can be stopped."""

    def __init__(self, folder: Path) -> None:
        self._data = folder / "data"
        self.url = f"postgresql://postgres@/pegbar?host={folder}"
        self._folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def copy(self, url: str) -> None:
        """Begin as what the database is now."""
        command = [str(_binaries() / "pg_basebackup"), "--pgdata", str(self._data), "--dbname", url]
        done = subprocess.run(
            [*command, "--checkpoint=fast", "--write-recovery-conf"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **_as_service_user(),
        )
        assert not done.returncode, done.stderr

    def start(self) -> None:
        options = {
            "unix_socket_directories": self._folder, "listen_addresses": "", "max_connections": "200",
            "fsync": "off", "shared_buffers": "32MB",
        }  # fmt: skip
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [_binaries() / "postgres", "-D", self._data, *settings],
                stdout=log, stderr=log, cwd="/", **_as_service_user(),
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self._folder / "log").read_text()) from None
                time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.send_signal(2)  # not waiting for its clients
            self.process.wait(30)


@contextlib.contextmanager
def replica_of(url: str) -> Iterator[Replica]:
    folder = Path(tempfile.mkdtemp(prefix="pegbar-replica-"))
    if not os.geteuid():
        shutil.chown(folder, SERVICE_USER)
    replica = Replica(folder)
    try:
        replica.copy(url)
        replica.start()
        yield replica
    finally:
        replica.stop()
        shutil.rmtree(folder)
