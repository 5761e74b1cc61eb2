"""The ASGI application: every domain's routes on one router, with the database, sockets and the outer shell."""

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from litestar.types import ASGIApp

from pegbar.accounts.callers import RequestCallers
from pegbar.config import postgresql, settings
from pegbar.console.ledger import watched
from pegbar.console.writing import keep_writing
from pegbar.core.data.database import Database
from pegbar.core.http import routing
from pegbar.core.http.application import Application
from pegbar.core.http.endpoint import Endpoint
from pegbar.core.http.front import Front
from pegbar.core.http.router import Router
from pegbar.core.http.routing import Answering, Operation
from pegbar.core.live.forwarding import SocketForwarder
from pegbar.core.live.sockets import Realtime
from pegbar.core.work import draining, metrics, traces
from pegbar.core.work.metrics import measured
from pegbar.core.work.nodes import Kind, give_signs_of_life
from pegbar.core.work.traces import traced

DOMAINS = (
    "accounts",
    "studio",
    "productions",
    "entities",
    "tasks",
    "timesheets",
    "notifications",
    "media",
    "files",
    "planning",
    "review",
    "search",
    "workspace",
    "exchange",
    "open",
    "console",
)


def load_domains() -> list[Operation]:
    """Import every module of every domain, for the routes, jobs and events they declare; their operations."""
    for core_module in ("work.housekeeping", "work.nodes", "work.failures", "http.resumable.tables", "backup.jobs"):
        importlib.import_module(f"pegbar.core.{core_module}")
    for domain in DOMAINS:
        package = importlib.import_module(f"pegbar.{domain}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # A program runs in a process of its own and declares nothing: what it draws or writes with stays there.
            if not module.name.endswith(".program"):
                importlib.import_module(module.name)
    return routing.operations


def answering(endpoints: Sequence[Endpoint]) -> list[tuple[Operation, Answering]]:
    """The operations with what answers their requests: their endpoints, traced, measured and watched."""
    return [
        (own.operation, watched(own.operation, measured(own.operation, traced(own.operation, own))))
        for own in endpoints
    ]


def _application(
    kind: Kind, sockets: Realtime | SocketForwarder, database: Database, endpoints: Sequence[Endpoint]
) -> Application:
    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        draining.listen()
        await database.open()
        await sockets.start()
        tasks = [
            asyncio.create_task(give_signs_of_life(database, kind)),
            asyncio.create_task(keep_writing(database, kind)),
        ]
        if settings().metrics_enabled:
            tasks.append(asyncio.create_task(metrics.sample(database, sockets)))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await traces.stop()
            await sockets.stop()
            await database.close()

    directory = Router((endpoint.operation, endpoint) for endpoint in endpoints)
    return Application(answering(endpoints), lifespan, {"database": database, "directory": directory})


def _database() -> Database:
    now = settings()
    return Database(
        now.external_database,
        size=now.db_pool_size,
        pooler=postgresql(now.pooler_url),
        pooler_prepares=now.pooler_prepares,
        replica=postgresql(now.replica_url),
    )


def create() -> ASGIApp:
    """The application of one worker process. Its sockets are its own, or another process's (see create_sockets)."""
    database = _database()
    operations = load_domains()
    callers = RequestCallers(database)
    elsewhere = settings().sockets_at
    sockets = SocketForwarder(elsewhere) if elsewhere else Realtime(database, callers)
    endpoints = [Endpoint(operation, database, callers) for operation in operations]
    api = _application("api", sockets, database, endpoints)
    return Front(api, sockets.asgi, operations)


def create_sockets() -> ASGIApp:
    """The application of the process that holds the sockets for several workers."""
    database = _database()
    load_domains()  # for the conversations that they declare
    realtime = Realtime(database, RequestCallers(database))
    return Front(_application("sockets", realtime, database, []), realtime.asgi, [])
