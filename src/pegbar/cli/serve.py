"""`pegbar serve`, `pegbar worker`, and the processes that serve starts."""

import asyncio
import errno
import http.client
import multiprocessing
import resource
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import structlog
from cyclopts import Parameter
from rich.text import Text

from pegbar.accounts.sign_on.providers import sign_on
from pegbar.cli import UserError, app, out
from pegbar.cli.forking import call, load
from pegbar.cli.place import EMBEDDED, Place, give, give_key
from pegbar.cli.supervisor import Service, Supervisor
from pegbar.config import settings
from pegbar.core.data.embedded import EmbeddedPostgres
from pegbar.core.ui.builds import current_version, folder_of
from pegbar.core.work import draining, logs
from pegbar.core.work.processes import LET_GO, loading

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = structlog.get_logger()

#: Seconds that requests and jobs under way may take to finish at a stop.
_REQUESTS_FINISH, _JOBS_FINISH = 30, 25
#: Files, connections among them, that a process may have open; those that are not connections of clients.
_FILES, _OTHER_FILES = 65_536, 1_000
#: Fewer files than this are few for a studio: whoever runs the server is told.
_FEW_FILES = 4_096


@app.command
def serve(
    place: Place | None = None,
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on (127.0.0.1).")] = None,
    port: Annotated[int | None, Parameter(help="Port to listen on (8000).")] = None,
    workers: Annotated[int | None, Parameter(help="API worker processes (1).")] = None,
    ui: Annotated[
        Path | None, Parameter(help="Folder of a built Kitsu web UI to serve, not the installed one.")
    ] = None,
) -> None:
    """Run the server: database, API, sockets and background jobs, on one port. Stop it with Ctrl-C.

    It serves the web UI that `pegbar ui install` installed; `pegbar demo` makes a production to look at.
    """
    from pegbar.console.log_rows import keep_writing_log

    (place or Place()).settle()
    give("PEGBAR_HOST", host)
    give("PEGBAR_PORT", port)
    give("PEGBAR_WORKERS", workers)
    give("PEGBAR_UI", None if ui is None else ui.resolve())
    logs.configure()
    _check_ui()
    _check_sign_on()
    _check_traces()
    give_key()
    _check_log()
    embedded = None
    if settings().external_database:
        _check_port()
    else:
        embedded = EmbeddedPostgres(settings().data_folder, settings().postgres_options)
        embedded.claim()
        _check_port()
        embedded.keep_log(60 * settings().backup_log_every)
    load()  # while the database starts
    try:
        if embedded is not None:
            give("DATABASE_URL", embedded.start(), EMBEDDED)
        beginning = call(prepare, embedded is not None)
        keep_writing_log("serve")
        with _private_socket():
            services = _services(embedded)
            supervisor = Supervisor(services, embedded, drain=settings().drain)
            supervisor.run(services[0], _answers, lambda: _greet(embedded, beginning))
    finally:
        if embedded is not None:
            embedded.stop()


@dataclass(frozen=True)
class Beginning:
    """What a server begins with: whether there is no production yet, and the first administrator if just made."""

    is_empty: bool
    administrator: tuple[str, str] | None = None  #: address and password


def prepare(embedded: bool) -> Beginning:
    """Make the folders and the database ready. Runs in a process that has loaded Pegbar, which this one has not."""
    from pegbar.console.log_rows import write_log
    from pegbar.core.data import migrations
    from pegbar.core.storage import sweep
    from pegbar.core.work import metrics

    logs.configure()
    sweep(settings().upload_folder)
    if settings().metrics_enabled:
        metrics.forget()
    if embedded:
        migrations.upgrade(settings().database_url)
    else:
        migrations.check(settings().external_database)
    administrator = None
    with migrations.turn(settings().external_database) as connection:
        if migrations.is_unused(connection):
            administrator = asyncio.run(_first_start())
        is_empty = not migrations.has_production(connection)
        check_search(connection)
    write_log("serve")
    return Beginning(is_empty, administrator)


def _check_ui() -> None:
    folder = settings().ui_folder
    if folder and not (Path(folder) / "index.html").is_file():
        raise UserError(f"{folder} holds no index.html: give the folder of a built Kitsu web UI (its `dist`).")


def _check_sign_on() -> None:
    """Refuse providers that are set up wrong; say what those lack that are set up right. None is asked anything."""
    if sign_on().saml:
        from pegbar.accounts.sign_on.saml.service import missing

        if lack := missing():
            log.error("nobody can sign in with SAML", reason=lack)


def _check_log() -> None:
    """Refuse to keep a log without a place for it; say when there is nothing to keep."""
    if not settings().backup_log_every:
        return
    if settings().external_database:
        log.warning(
            "PEGBAR_BACKUP_LOG_EVERY is for the embedded database: the log of an external one is kept by its own tools"
        )
    elif not settings().backup_to:
        raise UserError("PEGBAR_BACKUP_LOG_EVERY needs a place: set PEGBAR_BACKUP_TO.")


def _check_traces() -> None:
    from pegbar.core.work import traces

    if lack := traces.missing():
        raise UserError(lack)


def _check_port() -> None:
    """Refuse a port that is taken. Granian shares its port on purpose, so it would not notice."""
    host, port = settings().host, settings().port
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"Port {port} is already in use on {host}. Stop the server that has it, or choose another --port."
            ) from None
        if error.errno == errno.EACCES:
            raise UserError(f"Port {port} is reserved for root. Choose one above 1023 with --port.") from None
        raise UserError(f"Cannot listen on {host} port {port}: {error.strerror or error}.") from None


def check_search(connection: "Connection") -> None:
    """Say what the database lacks for the search, and what to do."""
    from pegbar.search.actions import ADVICE, USES_SIMILARITY

    if not connection.execute(USES_SIMILARITY).scalar():
        log.warning(ADVICE)


async def _first_start() -> tuple[str, str] | None:
    """Load the default data set and make the first administrator."""
    from pegbar.accounts.administration import ensure_administrator
    from pegbar.core.data.database import Database
    from pegbar.studio.defaults import load_defaults

    database = Database(settings().external_database, size=1)
    await database.open()
    try:
        async with database.transaction() as tx:
            await load_defaults(tx)
        return await ensure_administrator(database, settings().admin_email, settings().admin_password)
    finally:
        await database.close()


def _services(embedded: EmbeddedPostgres | None) -> list[Service]:
    """The processes of this server, the API first. Several API workers share one process for the live sockets."""
    several = bool(settings().sockets_at)
    services = [
        Service("API", ("api",), stop_timeout=_REQUESTS_FINISH + 5, never_ends=True, drains=True),
        Service("job worker", ("worker",), stop_timeout=_JOBS_FINISH + 5),
    ]
    if embedded is not None and settings().backup_log_every:
        services.append(Service("copy of the log", ("copy-log",), stop_timeout=30))
    if several:
        services.append(Service("live sockets", ("sockets",), stop_timeout=15, never_ends=True))
    return services


@contextmanager
def _private_socket() -> Iterator[None]:
    """A Unix socket for the live sockets, when there are several API workers."""
    if settings().workers == 1:
        give("PEGBAR_SOCKETS_AT", "", "pegbar serve")
        yield
        return
    with tempfile.TemporaryDirectory(prefix="pegbar-") as folder:  # only its owner enters it
        give("PEGBAR_SOCKETS_AT", Path(folder) / "sockets", "pegbar serve")
        yield


def _visible_host() -> str:
    """An address at which this machine reaches the server."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(settings().host, settings().host)  # noqa: S104
    return f"[{host}]" if ":" in host else host


def _answers() -> bool:
    """Whether the API answers."""
    connection = http.client.HTTPConnection(_visible_host().strip("[]"), settings().port, timeout=5)
    try:
        connection.request("HEAD", "/api/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def _greet(embedded: EmbeddedPostgres | None, beginning: Beginning) -> None:
    """Say where everything is, and what a newcomer may do next."""
    administrator = beginning.administrator
    root = f"http://{_visible_host()}:{settings().port}"
    has_ui = bool(settings().ui_folder or current_version(folder_of(settings().data_folder)))
    places = {
        "Web UI": f"{root}/" if has_ui else "",
        "API": f"{root}/api",
        "API documentation": f"{root}/docs",
        "Console": f"{root}/console",
        "Data": str(settings().data_folder.resolve()) if embedded else _without_password(settings().database_url),
        "Log": f"this terminal{f'; the database: {embedded.log}' if embedded else ''}",
    }
    if settings().log_format == "json":
        log.info("serving", **{name.lower().replace(" ", "_"): text for name, text in places.items() if text})
        if administrator is not None:
            generated = {} if settings().admin_password else {"password": administrator[1]}
            log.info("made the first administrator, told this once", email=administrator[0], **generated)
        return
    out.print(Text("Pegbar is running.", style="bold green"))
    for name, text in places.items():
        if text:
            out.print(Text.assemble((f"  {name:<19}", "dim"), text))
    if administrator is not None:
        email, password = administrator
        known = "the password of PEGBAR_ADMIN_PASSWORD" if settings().admin_password else password
        note = "" if settings().admin_password else " (shown this once: keep it)"
        words = (f"  {'Sign in as':<19}", "dim"), (email, "bold"), " with ", (known, "bold"), note
        out.print(Text.assemble(*words))
    hints = {
        "Install the web UI": "" if has_ui else "pegbar ui install",
        "See a production": "pegbar demo" if beginning.is_empty else "",
    }
    for name, command in hints.items():
        if command:
            out.print(Text.assemble((f"  {name:<19}", "dim"), command))
    out.print(Text("  Stop it with Ctrl-C.", style="dim"))


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    user, colon, _ = parts.netloc.rpartition("@")[0].partition(":")
    return parts._replace(netloc=f"{user}:***@{parts.netloc.rpartition('@')[2]}").geturl() if colon else url


@app.command(show=False)
def api() -> None:
    """Run the API processes of `pegbar serve`."""
    _run_granian("api", address=settings().host, port=settings().port, workers=settings().workers)


@app.command(show=False)
def sockets() -> None:
    """Run the process of `pegbar serve` that holds the live sockets for several API workers."""
    path = Path(settings().sockets_at)
    path.unlink(missing_ok=True)  # left by one that was killed
    _run_granian("sockets", uds=path, workers=1)


@app.command(show=False)
def copy_log() -> None:
    """Run the process of `pegbar serve` that brings the log of the embedded database to the backups."""
    from pegbar.cli.backup import archive_of
    from pegbar.core.backup.log.shipping import Shipping

    logs.configure()
    folder = EmbeddedPostgres(settings().data_folder).log_folder
    seconds = 60.0 * settings().backup_log_every
    shipping = Shipping(archive_of(), settings().backup_to, folder, settings().database_url, seconds)

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await shipping.run(stop)

    asyncio.run(run())


def _run_granian(application: str, **options: Any) -> None:
    # How long its workers may take to end is the supervisor's to say: they end with this process.
    from granian import Granian
    from granian.constants import Interfaces, Loops
    from granian.log import LogLevels

    multiprocessing.set_start_method("fork", force=True)  # of Granian's workers: they begin as loaded, too
    connections = _make_room_for_connections()
    for number in (LET_GO, draining.DRAIN):
        signal.signal(number, signal.SIG_IGN)  # for the workers, whose event loops handle it
    Granian(
        f"pegbar.cli.workers:{application}",
        factory=True,
        process_name=f"pegbar {application}",
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        respawn_failed_workers=True,
        log_access=False,
        backpressure=connections,
        log_level=LogLevels.debug if settings().log_level == "debug" else LogLevels.warning,
        log_dictconfig=logs.library_config(),
        **options,
    ).serve()


def _make_room_for_connections() -> int:
    """How many connections a process takes, once it may have as many files open as the system lets it.

    Those above wait until others end. Clients keep connections that they do not use: they must not fill it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = min(hard, _FILES) if hard != resource.RLIM_INFINITY else _FILES
    if soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    connections = max(most - _OTHER_FILES, most // 2)
    if most < _FEW_FILES:
        log.warning(
            "the system lets each API process open few files; clients above these connections wait",
            files=most,
            connections=connections,
            mend="LimitNOFILE=65536 in the systemd unit, or a higher ulimit -Hn",
        )
    return connections


@app.command
def worker(
    place: Place | None = None,
    *,
    concurrency: Annotated[int, Parameter(help="Jobs to run at the same time, movies aside.")] = 2,
) -> None:
    """Run background jobs only: `pegbar serve` has one already, this adds another, on any machine."""
    from pegbar.core.data import migrations

    (place or Place()).settle()
    logs.configure()
    if not settings().external_database:
        raise UserError("A worker needs the database of a server: give --database-url or set DATABASE_URL.")
    migrations.check(settings().external_database)
    with loading():
        import uvloop

        from pegbar.app import load_domains
        from pegbar.console.writing import keep_writing
        from pegbar.core.data.database import Database
        from pegbar.core.work.nodes import give_signs_of_life
        from pegbar.core.work.worker import work
        from pegbar.media.movies.workshop import movies_at_once

        load_domains()

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        database = Database(settings().external_database, size=4)
        await database.open()
        telling = [
            asyncio.create_task(give_signs_of_life(database, "worker")),
            asyncio.create_task(keep_writing(database, "worker")),
        ]
        try:
            await work(
                settings().external_database,
                database,
                concurrency=concurrency,
                long_concurrency=movies_at_once(),
                stop=stop,
            )
        finally:
            for task in telling:
                task.cancel()
            await asyncio.gather(*telling, return_exceptions=True)
            await database.close()

    uvloop.run(run())
