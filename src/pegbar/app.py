"""The ASGI application: every domain's routes on one router, with the database, sockets and the outer shell."""

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from pegbar.accounts.callers import RequestCallers
from pegbar.config import postgresql, settings
from pegbar.console.ledger import watched
from pegbar.console.writing import keep_writing
from pegbar.core.data.database import Database
from pegbar.core.errors import ApiError, MethodNotAllowed, NotFound
from pegbar.core.http import routing
from pegbar.core.http.answers import unexpected
from pegbar.core.http.body import Call
from pegbar.core.http.directory import Directory
from pegbar.core.http.endpoint import Endpoint
from pegbar.core.http.front import Front
from pegbar.core.http.routing import Operation
from pegbar.core.http.segments import Candidate, choose, ranked, shape, shared_shapes
from pegbar.core.live.forwarding import SocketForwarder
from pegbar.core.live.sockets import Realtime
from pegbar.core.work import draining, metrics, traces
from pegbar.core.work.metrics import Answering, measured
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


def _no_route(_: Request[Any, Any, Any], error: HTTPException) -> Response[Mapping[str, Any]]:
    """What the router itself refuses: an unknown path, a wrong method."""
    refusals = {
        404: NotFound("there is no such route."),
        405: MethodNotAllowed("405 Method Not Allowed: this route does not take that method."),
    }
    refusal = refusals.get(error.status_code) or ApiError(error.detail, status=error.status_code)
    return Response(refusal.body, status_code=refusal.status, headers=error.headers)


def _fault(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """What fails outside any operation."""
    answer = unexpected(request, error)
    return Response(answer.body, status_code=answer.status_code, media_type="application/json")


def _handler(operation: Operation, endpoint: Answering) -> HTTPRouteHandler:
    """The Litestar handler of an operation: its signature is the request alone, Endpoint does the rest."""

    async def handle(request: Request[Any, Any, Any]) -> ASGIApp:
        return await endpoint(request)

    return HTTPRouteHandler(
        operation.routed,
        http_method=operation.method,  # type: ignore[arg-type]
        status_code=200,  # answers bring their own
        include_in_schema=False,
        name=f"{operation.method} {operation.path}",
    )(handle)


def _choosing_handler(path: str, method: str, candidates: list[Candidate]) -> HTTPRouteHandler:
    """The handler of operations whose paths differ inside a segment."""

    async def handle(request: Request[Any, Any, Any]) -> ASGIApp:
        chosen = choose(candidates, method, request.scope["path"].rstrip("/"))
        if isinstance(chosen, int):
            raise HTTPException(status_code=chosen)
        candidate, request.scope["path_params"] = chosen
        answer: ASGIApp = await candidate.answer(request)
        return answer

    return HTTPRouteHandler(
        path,
        http_method=method,  # type: ignore[arg-type]
        include_in_schema=False,
        name=f"{method} {path}",
    )(handle)


def _handlers(endpoints: Sequence[Endpoint]) -> list[HTTPRouteHandler]:
    """The handlers of all operations, with those that share a route put together."""
    shared = shared_shapes(endpoint.operation for endpoint in endpoints)
    handlers: list[HTTPRouteHandler] = []
    together: dict[str, list[Candidate]] = {}
    for own in endpoints:
        operation = own.operation
        endpoint = watched(operation, measured(operation, traced(operation, own)))
        if shape(operation.path) in shared:
            together.setdefault(shape(operation.path), []).append(Candidate(operation, endpoint))
        else:
            handlers.append(_handler(operation, endpoint))
    for path, candidates in together.items():
        methods = {candidate.operation.method for candidate in candidates}
        handlers += [_choosing_handler(path, method, ranked(candidates)) for method in methods]
    return handlers


def _application(
    kind: Kind, sockets: Realtime | SocketForwarder, database: Database, endpoints: Sequence[Endpoint]
) -> Litestar:
    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncIterator[None]:
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

    return Litestar(
        route_handlers=_handlers(endpoints),
        lifespan=[lifespan],
        exception_handlers={HTTPException: _no_route, Exception: _fault},
        openapi_config=None,
        logging_config=None,
        request_class=Call,
        state=State({"database": database, "directory": Directory(endpoints)}, deep_copy=False),
        request_max_body_size=None,
    )


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
