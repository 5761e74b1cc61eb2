"""`pegbar serve` and `pegbar worker`."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from pegbar.cli import app, out
from pegbar.config import settings
from pegbar.core import migrations
from pegbar.core.embedded import EmbeddedPostgres


def _give(name: str, value: object | None) -> None:
    """Hand an option down to every process, as the environment variable it stands for."""
    if value is not None:
        os.environ[name] = str(value)


def secret_key(folder: Path) -> str:
    """The key that signs tokens: the setting, else one generated once and kept in the data folder."""
    if settings().secret_key:
        return settings().secret_key
    path = folder / "secret.key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()


@app.command
def serve(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on (127.0.0.1).")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on (8000).")] = None,
    data: Annotated[Path | None, Parameter(help="Folder of the database, key and files (./data).")] = None,
    database_url: Annotated[str | None, Parameter(help="PostgreSQL to use instead of the embedded one.")] = None,
    workers: Annotated[int | None, Parameter(help="API worker processes (1).")] = None,
    ui: Annotated[Path | None, Parameter(help="Folder of a built Kitsu web UI to serve.")] = None,
) -> None:
    """Run the server: database, API, sockets and background jobs, on one port."""
    given = {
        "PEGBAR_HOST": host,
        "PEGBAR_PORT": port,
        "PEGBAR_DATA": data,
        "DATABASE_URL": database_url,
        "PEGBAR_WORKERS": workers,
        "PEGBAR_UI": ui,
    }
    for name, value in given.items():
        _give(name, value)
    settings.cache_clear()
    _give("SECRET_KEY", secret_key(settings().data_folder))
    embedded = None
    if not settings().external_database:
        embedded = EmbeddedPostgres(settings().data_folder, settings().postgres_options)
        _give("DATABASE_URL", embedded.start())
        migrations.upgrade(os.environ["DATABASE_URL"])
    else:
        migrations.check(settings().external_database)
    settings.cache_clear()
    first = asyncio.run(_first_start())
    if first is not None:
        out.print(f"Administrator {first[0]} with the password {first[1]} (shown this once)")
    jobs = subprocess.Popen([sys.executable, "-m", "pegbar", "worker"], start_new_session=True)
    try:
        out.print(f"API on http://{settings().host}:{settings().port}/api")
        _run_api()
    finally:
        jobs.send_signal(signal.SIGTERM)
        jobs.wait(30)
        if embedded is not None:
            embedded.stop()


async def _first_start() -> tuple[str, str] | None:
    """Load the default data set and make the first administrator, where they are missing."""
    from pegbar.accounts.administration import ensure_administrator
    from pegbar.core.database import Database
    from pegbar.studio.defaults import load_defaults

    database = Database(settings().external_database, size=1)
    await database.open()
    try:
        async with database.transaction() as tx:
            await load_defaults(tx)
        return await ensure_administrator(database, settings().admin_email, settings().admin_password)
    finally:
        await database.close()


def _run_api() -> None:
    from granian import Granian
    from granian.constants import Interfaces, Loops

    Granian(
        "pegbar.app:create",
        factory=True,
        address=settings().host,
        port=settings().port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings().workers,
        workers_kill_timeout=30,
        log_access=False,
        log_enabled=True,
    ).serve()


@app.command
def worker() -> None:
    """Run background jobs only, for a node beside `pegbar serve`."""
    from pegbar.app import load_domains
    from pegbar.core import jobs
    from pegbar.core.database import Database

    load_domains()

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        database = Database(settings().external_database, size=4)
        await database.open()
        try:
            await jobs.work(settings().external_database, database, concurrency=2, stop=stop)
        finally:
            await database.close()

    asyncio.run(run())
