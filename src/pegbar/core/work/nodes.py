"""The processes of all nodes, as they tell of themselves: who runs which version, with which settings.

Each API worker, job worker and process of sockets writes its row twice a minute. Settings are told by keyed digests:
enough to see that two nodes differ, nothing to learn a value from.
"""

import asyncio
import hashlib
import hmac
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields
from functools import cache
from typing import Any, Literal

import structlog
from sqlalchemy import func

from pegbar import __version__
from pegbar.config import settings
from pegbar.core.data.database import Database
from pegbar.core.data.faults import answer_to
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import JSONB, TIMESTAMP, Column, Integer, String, own_table
from pegbar.core.work.jobs import job

log = structlog.get_logger()
Kind = Literal["api", "worker", "sockets"]

#: Seconds between two signs of life; who gave none for so long is gone.
BEAT, GONE_AFTER = 30.0, 100.0

node = own_table(
    "node",
    Column("host", String(255), primary_key=True),
    Column("process", Integer, primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("version", String(40), nullable=False),
    Column("settings", JSONB, nullable=False),
    Column("started_at", TIMESTAMP, nullable=False, server_default=func.timezone("utc", func.now())),
    Column("seen_at", TIMESTAMP, nullable=False, server_default=func.timezone("utc", func.now())),
)

_HERE = sql(
    """
    INSERT INTO pegbar.node (host, process, kind, version, settings)
    VALUES (:host, :process, :kind, :version, :settings)
    ON CONFLICT (host, process) DO UPDATE
       SET kind = EXCLUDED.kind, version = EXCLUDED.version, settings = EXCLUDED.settings,
           seen_at = timezone('utc', now()),
           started_at = CASE WHEN :first THEN timezone('utc', now()) ELSE node.started_at END
    """,
    settings=JSONB,
)
_GONE = sql("DELETE FROM pegbar.node WHERE host = :host AND process = :process")
_FORGET = sql("DELETE FROM pegbar.node WHERE seen_at < timezone('utc', now()) - interval '1 day'")

#: Sections whose settings all nodes of one server share, but for what is of a machine.
_SHARED_SECTIONS = frozenset({"Accounts and security", "Single sign-on", "Mails", "Storage and media"})
_OF_A_MACHINE = frozenset(
    {
        "secret_key",  # told apart
        "admin_email",
        "admin_password",
        "sign_on_file",
        "tmp_folder",
        "preview_folder",  # the same folder may be mounted elsewhere
        "picture_processes",
        "movie_processes",
        "movie_encoder",
        "ffmpeg",
        "ocio_config",
        "ldap_ca_file",
    }
)


@cache
def fingerprints() -> dict[str, str]:
    """A digest of the key that signs tokens and of each setting that all nodes must share, by its variable.

    Digests are keyed with that key: only whoever has it could try values. A process without it tells none.
    """
    now = settings()
    if not now.secret_key:
        return {}
    key = now.secret_key.encode()

    def digest(*parts: str) -> str:
        return hmac.new(key, "\0".join(parts).encode(), hashlib.sha256).hexdigest()[:12]

    shared = {
        declared.metadata["env"][0]: digest(declared.name, repr(getattr(now, declared.name)))
        for declared in fields(now)
        if declared.metadata["section"] in _SHARED_SECTIONS and declared.name not in _OF_A_MACHINE
    }
    return {"SECRET_KEY": digest("the key itself"), **shared}


def differing(rows: Sequence[Any]) -> list[str]:
    """The settings in which processes differ that should share them; `SECRET_KEY` alone when it is that.

    Of processes of several versions those of the latest are compared: others may have other settings.
    """
    known = [row for row in rows if row["settings"]]
    if len({row["settings"]["SECRET_KEY"] for row in known}) > 1:
        return ["SECRET_KEY"]
    latest = max((row["version"] for row in rows), default="")
    of_latest = [row["settings"] for row in known if row["version"] == latest]
    names = sorted({name for shared in of_latest for name in shared})
    return [name for name in names if len({shared.get(name) for shared in of_latest}) > 1]


async def give_signs_of_life(db: Database, kind: Kind) -> None:
    """Tell that this process runs, again and again; when cancelled, that it ends. A database may be away meanwhile."""
    here = {"host": socket.gethostname()[:255], "process": os.getpid()}
    first = True
    try:
        while True:
            try:
                async with db.transaction() as tx:
                    await tx.execute(
                        _HERE, **here, kind=kind, version=__version__, settings=fingerprints(), first=first
                    )
                first = False
            except Exception as error:
                if answer_to(error) is None:
                    log.warning("this process cannot tell that it runs", error=str(error))
            await asyncio.sleep(BEAT)
    finally:
        with suppress(Exception):
            async with asyncio.timeout(2), db.transaction() as tx:
                await tx.execute(_GONE, **here)


FORGET_NODES = job("core.forget_nodes", cron="7 * * * *")


@FORGET_NODES.task
async def forget_nodes(db: Database) -> None:
    """Forget the processes that gave no sign of life for a day."""
    async with db.transaction() as tx:
        await tx.execute(_FORGET)
