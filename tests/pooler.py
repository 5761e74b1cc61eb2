"""PgBouncer in front of a database, in transaction mode."""

import contextlib
import getpass
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

needs_pgbouncer = pytest.mark.skipif(PROGRAM is None, reason="it needs pgbouncer (apt-get install pgbouncer)")

#: Fewer connections than one process of a server has: they must be shared.
_SETTINGS = """
[databases]
pegbar = host={host} dbname={name} user=postgres connect_query='SET jit = off'
[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = any
admin_users = postgres
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
"""


def keeps_statements() -> bool:
    """Whether it is one that knows prepared statements."""
    assert PROGRAM is not None
    told = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.(\d+)", told)
    assert found is not None
    return (int(found[1]), int(found[2])) >= (1, 21)


@contextlib.contextmanager
def pgbouncer(url: str) -> Iterator[str]:
    """The address of a pooler of a database."""
    assert PROGRAM is not None
    known = make_url(url)
    folder = Path(tempfile.mkdtemp(prefix="pegbar-pooler-"))
    settings = folder / "pgbouncer.ini"
    text = _SETTINGS.format(host=known.query["host"], name=known.database, folder=folder)
    settings.write_text(text + ("max_prepared_statements = 1000\n" if keeps_statements() else ""))
    # It does not run as root: as whom the embedded database runs then.
    user = "pegbar" if os.geteuid() == 0 else getpass.getuser()
    shutil.chown(folder, user)
    log = (folder / "log").open("wb")
    process = subprocess.Popen([PROGRAM, "-u", user, settings], stdout=log, stderr=log)
    address = f"postgresql://postgres@/pegbar?host={folder}&port=6432"
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                psycopg.connect(address).close()
                break
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((folder / "log").read_text()) from None
                time.sleep(0.05)
        yield address
    finally:
        process.kill()
        process.wait(10)
        log.close()
        shutil.rmtree(folder)
