"""Lines of the log as rows, and the writing of those of a process that has no event loop."""

import os
import socket
import threading
from typing import Any

from pegbar.config import settings
from pegbar.core.work import log_lines
from pegbar.core.work.log_lines import Line

_EVERY = 10.0


def host() -> str:
    """The name of this machine, as it is kept."""
    return socket.gethostname()[:255]


def line_row(line: Line, kind: str) -> dict[str, Any]:
    """A line of this process's log as it is kept."""
    return {
        "at": line.at,
        "level": line.level[:10],
        "host": host(),
        "process": os.getpid(),
        "kind": kind,
        "message": storable(line.text),
        "details": {name: storable(value) for name, value in line.values.items()},
        "trace": storable(line.trace),
    }


def storable(text: str) -> str:
    """A text that PostgreSQL takes."""
    return text.replace("\0", "�").encode(errors="replace").decode()


_ONE_LINE = """
INSERT INTO pegbar.log_line (at, level, host, process, kind, message, details, trace)
VALUES (%(at)s, %(level)s, %(host)s, %(process)s, %(kind)s, %(message)s, %(details)s, %(trace)s)
"""


def keep_writing_log(kind: str) -> None:
    """Write down the log of a process that has no event loop, from a thread of its own.

    Such a process (the one that supervises the others) logs next to nothing: it connects only to write.
    """
    pause = threading.Event()

    def write() -> None:
        while True:
            pause.wait(_EVERY)
            write_log(kind)

    threading.Thread(target=write, name="log for the console", daemon=True).start()


def write_log(kind: str) -> None:
    """Write down what this process has logged; what the database does not take stays for another time."""
    if not (lines := log_lines.taken()):
        return
    import psycopg
    from psycopg.types.json import Jsonb

    try:
        with psycopg.connect(settings().external_database, connect_timeout=5) as connection:
            for line in lines:
                row = line_row(line, kind)
                connection.execute(_ONE_LINE, row | {"details": Jsonb(row["details"])})
    except (psycopg.Error, OSError):
        log_lines.give_back(lines)
