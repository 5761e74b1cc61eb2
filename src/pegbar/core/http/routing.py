"""Routes: one declaration each, from which the router, OpenAPI, `pegbar routes` and the access tests derive.

    @get("/data/projects/{project_id:uuid}/milestones", access=member_of("project_id"))
    async def project_milestones(project_id: UUID, db: Database) -> Json: ...

A handler names what it needs and gets it by type: path parameters by name; `Caller`; `Database` for reads or
`Transaction` for a mutation (committed, with its events and jobs, before the answer is sent); `body`, a msgspec
Struct validated from the request's JSON (or form and query string); `document`, a JSON object as it came; `query`, a
Struct from the query string; `request`.
"""

import asyncio
import inspect
import re
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar, get_type_hints
from uuid import UUID

import msgspec
import structlog
from litestar import Request
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlalchemy import Select

from pegbar.config import settings
from pegbar.core.data.causes import Cause, Origin, begin, cause, request_id_of
from pegbar.core.data.database import Database, Json, Reader, Transaction, statement_count
from pegbar.core.data.faults import answer_to
from pegbar.core.data.filters import uuid_filter
from pegbar.core.data.joined import Joined
from pegbar.core.data.parameters import about_caller
from pegbar.core.data.values import to_uuid
from pegbar.core.errors import ApiError, BadRequest, InternalError, NotFound
from pegbar.core.http import idempotency
from pegbar.core.http.access import STUDIO, Caller, Place, Rule, Token, TokenType, authenticated
from pegbar.core.http.body import json_document, read_body, read_query, with_body
from pegbar.core.http.limits import admitted
from pegbar.core.http.resumable.claims import settle
from pegbar.core.live.events import Event
from pegbar.core.turns import Turns

log = structlog.get_logger()

#: Where a request's scope has its caller, once known.
CALLER = "pegbar.caller"


@dataclass
class Reply:
    """An answer with its own status, headers, cookies or media type."""

    body: Any = None
    status: int | None = None
    media_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    cookies: list[str] = field(default_factory=list)  #: `Set-Cookie` values


@dataclass(frozen=True)
class Part:
    """One of several calls of a route that are done together."""

    caller: Caller
    params: Mapping[str, Any]  #: of the path
    document: dict[str, Any]


@dataclass(frozen=True)
class Together:
    """How calls of a route that follow each other within one transaction are done at once.

    What comes of it is what came of one after the other: rows, events, answers. Where a call is refused, all are done
    again one by one, so `run` need not tell which it was.
    """

    #: What a call with these parameters and document is about: calls about the same thing are not done together, nor is
    #: one about None with any other.
    subject: Callable[[Mapping[str, Any], dict[str, Any]], object | None]
    #: Does them; what the handler would have returned for each.
    run: Callable[[Transaction, Sequence[Part]], Awaitable[Sequence[Any]]]


@dataclass(frozen=True, eq=False)
class Operation:
    """A route as declared."""

    method: str
    path: str
    access: Rule
    handler: Callable[..., Awaitable[Any]]
    status: int
    events: tuple[Event, ...]
    #: What it answers: a Resource, a Wire or a list of one, a Struct or other type, or a JSON schema.
    returns: Any
    tag: str
    summary: str
    description: str
    #: Selects one JSON text by the rule's `key`, in the same statement as the caller: given as `caller.along`.
    along: Select[Any] | None = None
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    parameters: tuple[str, ...] = ()
    body_schema: Mapping[str, Any] | None = None
    errors: tuple[int, ...] = ()
    hidden: bool = False
    #: It takes files: in a form, or uploaded before (`upload_id`).
    files: bool = False
    #: Headers of every answer of the route, and of OPTIONS on its path.
    headers: Callable[[], Mapping[str, str]] | None = None
    deprecated: bool = False
    malformed: int | None = None
    #: Why it takes no Idempotency-Key, where that does not follow from the rest.
    unkeyed: str = ""
    #: Why it is no part of a batch; None when that follows from the rest.
    alone: str | None = None
    #: How calls of it in a row are done at once.
    together: Together | None = None
    #: The turns in which its callers are served: how many of their calls are under way at once.
    turns: Turns | None = None

    def __post_init__(self) -> None:
        rule = self.access
        assert self.together is None or (rule.chosen, rule.gone) == (None, None), "its rule is one for all calls"

    @property
    def mutates(self) -> bool:
        """Whether it may change something."""
        return self.method != "GET"

    @property
    def takes_no_key(self) -> str:
        """Why it takes no Idempotency-Key; nothing when it does. Where nothing changes, a key is not looked at."""
        if self.access.public:
            return "nobody is signed in there, whose key it could be"
        return self.unkeyed

    @property
    def stands_alone(self) -> str:
        """Why it is no part of a batch; nothing when it can be one."""
        if not self.mutates:
            return "it reads; a batch is of what changes something"
        if (reason := self.takes_no_key) or self.alone is not None:
            return reason or self.alone or ""
        if self.files:
            return "it takes files"
        if Transaction not in get_type_hints(self.handler).values():
            return "it is more than one transaction"
        return ""

    @property
    def routed(self) -> str:
        """The path as the router knows it: ids are read by the Endpoint, so that a malformed one hides no route."""
        return self.path.replace(":uuid}", ":str}")


class Callers(Protocol):
    """Resolves the caller of a request at a place, in one statement (accounts/callers.py)."""

    def identify(self, request: Request[Any, Any, Any], expected: TokenType = "access") -> Token: ...

    async def resolve(
        self,
        token: Token,
        rule: Rule,
        key: UUID | None,
        method: str = "GET",
        along: Select[Any] | None = None,
        *,
        db: Reader | None = None,
    ) -> Caller: ...

    async def resolve_many(
        self, token: Token, rule: Rule, keys: Sequence[UUID | None], method: str, *, db: Reader
    ) -> list[Caller]: ...


#: Every route declared so far, in order of declaration.
operations: list[Operation] = []

Handler = Callable[..., Awaitable[Any]]
T = TypeVar("T")


def route(  # noqa: PLR0913 - a declaration
    method: str,
    path: str,
    *,
    access: Rule,
    status: int | None = None,
    events: Sequence[Event] = (),
    returns: Any = None,
    tag: str | None = None,
    summary: str = "",
    description: str = "",
    along: Select[Any] | None = None,
    body_schema: Mapping[str, Any] | None = None,
    takes: type[Any] | None = None,
    errors: Sequence[int] = (),
    hidden: bool = False,
    files: bool = False,
    headers: Callable[[], Mapping[str, str]] | None = None,
    malformed: int | None = None,
    unkeyed: str = "",
    alone: str | None = None,
    together: Together | None = None,
    turns: Turns | None = None,
) -> Callable[[Handler], Handler]:
    """Declare a route. `status` is 200, or 201 for POST, unless given; a handler that returns None answers 204.

    `returns` documents the answer: a Resource (its row), a Wire (an object of its keys), a Struct or a JSON schema; an
    array of them as a list of one. `headers` makes those that every answer of the route has, refusals too.
    `files` says that it takes files (`received_form`). `takes` is the Struct of a body that the handler reads itself.

    `unkeyed` says why it takes no Idempotency-Key, `alone` why it is no part of a batch: unless given, routes that take
    files or are more than one transaction are none. `together` does many calls at once, in a batch.

    `malformed` is the status for an id of the path that is none, 400 or 404. Unless given it is 404 for a parameter
    that is a `uuid`, and 400 for one that the route declares as `str` and reads as an id (spec crud and tasks).
    """

    def declare(handler: Handler) -> Handler:
        hints = get_type_hints(handler)
        title, _, rest = inspect.cleandoc(handler.__doc__ or "").partition("\n\n")
        operations.append(
            Operation(
                method=method,
                path=path,
                access=access,
                handler=handler,
                status=status or (201 if method == "POST" else 200),
                events=tuple(events),
                returns=returns,
                tag=tag or handler.__module__.split(".")[1],
                summary=summary or title.replace("\n", " "),
                description=description or rest,
                along=along,
                body=takes or hints.get("body"),
                query=hints.get("query"),
                parameters=tuple(inspect.signature(handler).parameters),
                body_schema=body_schema,
                errors=tuple(errors),
                hidden=hidden,
                files=files,
                headers=headers,
                malformed=malformed,
                unkeyed=unkeyed,
                alone=alone,
                together=together,
                turns=turns,
            )
        )
        return handler

    return declare


def get(path: str, **declared: Any) -> Callable[[Handler], Handler]:
    """Declare a GET route (HEAD comes with it)."""
    return route("GET", path, **declared)


def post(path: str, **declared: Any) -> Callable[[Handler], Handler]:
    """Declare a POST route."""
    return route("POST", path, **declared)


def put(path: str, **declared: Any) -> Callable[[Handler], Handler]:
    """Declare a PUT route."""
    return route("PUT", path, **declared)


def delete(path: str, **declared: Any) -> Callable[[Handler], Handler]:
    """Declare a DELETE route."""
    return route("DELETE", path, **declared)


def path_uuid(text: str, malformed: int = 400) -> UUID:
    """An id of a path; 400 when it is not a UUID, as most generic tables answer, or 404."""
    try:
        return UUID(text)
    except ValueError:
        if malformed == 404:
            raise NotFound(f"{text!r} is not an id.") from None
        raise BadRequest("Malformed ID.") from None


_REQUEST_ID = b"x-request-id"
_UUID_PARAMETER = re.compile(r"\{(\w+):uuid\}")


class Endpoint:
    """Runs an operation for a request."""

    def __init__(self, operation: Operation, db: Database, callers: Callers) -> None:
        self.operation, self.db, self.callers = operation, db, callers
        hints = get_type_hints(operation.handler)
        self.writes = Transaction in hints.values()
        self.changes = operation.method != "GET" or self.writes
        self.wanted: list[tuple[str, Any]] = [(name, hints[name]) for name in operation.parameters]
        self.ids: list[str] = _UUID_PARAMETER.findall(operation.path)
        declared = operation.headers() if operation.headers is not None else {}
        self.headers = [(name.lower().encode(), value.encode()) for name, value in declared.items()]

    async def __call__(self, request: Request[Any, Any, Any]) -> ASGIApp:
        headers = [*self.headers, (_REQUEST_ID, str(self._begin(request)).encode())] if self.changes else self.headers
        if not settings().debug:
            return _with_headers(await self._answer(request), headers)
        counted: list[str] = []
        statement_count.set(counted)
        response = _with_headers(await self._answer(request), headers)
        return _telling(counted, response)

    def _begin(self, request: Request[Any, Any, Any], origin: Origin = "link") -> UUID:
        """Say what the changes of this request come from; the id that tells them."""
        operation, known = self.operation, cause().request_id if origin != "link" else None
        request_id = known or request_id_of(request.headers.get("x-request-id"))
        begin(Cause(origin=origin, request_id=request_id, method=operation.method, route=operation.path))
        return request_id

    async def _answer(self, request: Request[Any, Any, Any]) -> ASGIApp:
        try:
            response = await self._run(request)
        except Exception as error:
            await settle(request, used=False)
            return failure(request, error)
        except asyncio.CancelledError:
            await settle(request, used=False)
            raise
        await settle(request, used=True)
        return response

    async def _run(self, request: Request[Any, Any, Any]) -> ASGIApp:
        rule = self._rule(request)
        if rule.public:
            return await self._in_turn(request, None)
        token = self.callers.identify(request, rule.opened_by)
        with admitted(token):
            return await self._in_turn(request, token)

    async def _in_turn(self, request: Request[Any, Any, Any], token: Token | None) -> ASGIApp:
        if self.operation.turns is None:
            return await self._answered(request, token)
        assert token is not None, "turns are of callers"
        async with self.operation.turns.place(token.sub):
            return await self._answered(request, token)

    async def _answered(self, request: Request[Any, Any, Any], token: Token | None) -> ASGIApp:
        if self.operation.mutates and idempotency.HEADER in request.headers:
            return await self._once(request, token)
        return self.reply(await self.perform(request, self.db, token=token))

    async def _once(self, request: Request[Any, Any, Any], token: Token | None) -> ASGIApp:
        """The answer to a request with an Idempotency-Key."""
        operation = self.operation
        if reason := operation.takes_no_key:
            raise BadRequest(f"This route takes no {idempotency.HEADER}: {reason}.")
        if token is None:
            token = self.callers.identify(request, operation.access.opened_by)
        sent, body = await idempotency.read(request, token.sub)
        request = with_body(request.scope, body)

        async def known(tx: Transaction) -> None:
            # Who they are to the place was asked when it was done; it may be gone by now.
            rule = replace(authenticated, during_setup=operation.access.during_setup)
            await self.callers.resolve(token, rule, None, operation.method, db=tx)

        async def do(tx: Transaction) -> ASGIResponse:
            await settle(request, used=False)  # what a first try has claimed, that others stood in the way of
            response = self.reply(await self.perform(request, Joined(self.db, tx), tx, token=token))
            if not isinstance(response, ASGIResponse):
                raise BadRequest(f"This answer is streamed: the route takes no {idempotency.HEADER}.")
            return response

        return await idempotency.once(self.db, sent, known, do)

    async def perform(
        self,
        request: Request[Any, Any, Any],
        db: Database,
        within: Transaction | None = None,
        *,
        part: bool = False,
        token: Token | None = None,
    ) -> Any:
        """What the handler returns, once the caller is known and passes the rule: all read from `db`.

        A mutation is a transaction of its own, or in `within`. Its changes come from this request, unless that is a
        `part` of another one.
        """
        operation = self.operation
        rule, caller = self._rule(request), None
        if token is None and not rule.public:
            token = self.callers.identify(request, rule.opened_by)
        self._read_ids(request)
        about_caller.set({})
        if token is not None:
            if rule.chosen is not None:
                rule = rule.chosen(request.path_params)
            rule, caller = await self._resolve(request, token, rule, db)
            request.scope[CALLER] = caller  # type: ignore[literal-required]
            if (empty := rule.empty_answer(caller)) is not None:
                return Json(empty)
            rule.check(caller)
            if self.changes and not part:
                self._begin(request, "token" if token.identity_type == "bot" else "session")
            _tell_of(caller)
        arguments = await self._arguments(request, caller, db)
        if not self.writes:
            return await operation.handler(**arguments)

        async def work(transaction: Transaction) -> Any:
            for name, kind in self.wanted:
                if kind is Transaction:
                    arguments[name] = transaction
            return await operation.handler(**arguments)

        if within is not None:
            return await work(within)
        return await db.write(caller.id if caller else None, work)

    async def perform_together(self, requests: Sequence[Request[Any, Any, Any]], tx: Transaction) -> Sequence[Any]:
        """What the handler would return for each of these requests of one caller, done at once."""
        assert self.operation.together is not None
        rule = self.operation.access
        token = self.callers.identify(requests[0], rule.opened_by)
        for request in requests:
            self._read_ids(request)
        keys = [await self._place_key(request, rule.place) for request in requests]
        callers = await self.callers.resolve_many(token, rule, keys, self.operation.method, db=tx)
        for caller in callers:
            rule.check(caller)
        _tell_of(callers[0])
        return await self.operation.together.run(
            tx,
            [
                Part(caller, request.path_params, await json_document(request))
                for caller, request in zip(callers, requests, strict=True)
            ],
        )

    def _read_ids(self, request: Request[Any, Any, Any]) -> None:
        if self.ids:
            # Not in place: the router gives what it parsed to the next request of the same path too.
            texts: dict[str, Any] = request.path_params
            status = self.operation.malformed or 404
            ids = {name: path_uuid(str(texts[name]), status) for name in self.ids}
            request.scope["path_params"] = texts | ids

    async def _resolve(
        self, request: Request[Any, Any, Any], token: Token, rule: Rule, db: Database
    ) -> tuple[Rule, Caller]:
        """The caller at the rule's place, or at that of the rule that holds when what it is about is gone."""
        operation = self.operation
        key = await self._place_key(request, rule.place)
        try:
            return rule, await self.callers.resolve(token, rule, key, operation.method, operation.along, db=db)
        except NotFound:
            if rule.gone is None:
                raise
        return await self._resolve(request, token, rule.gone, db)

    def _rule(self, request: Request[Any, Any, Any]) -> Rule:
        """The operation's rule, at the first of its places that the query string names."""
        rule = self.operation.access
        place: Place | None = rule.place
        if place is None or not place.in_query:
            return rule
        while place is not None and not request.query_params.get(place.parameter):
            place = place.otherwise
        return replace(rule, place=place or STUDIO)

    async def _place_key(self, request: Request[Any, Any, Any], place: Place) -> UUID | None:
        """The id that the rule's place starts from."""
        name = place.parameter
        if not name:
            return None
        if place.in_query:
            return uuid_filter(request.query_params[name])
        if place.in_body:
            key = (await json_document(request)).get(name)
            if key is None:
                raise BadRequest(f"{name} is required.")
            return to_uuid(key, name)
        key = request.path_params[name]
        return key if isinstance(key, UUID) else path_uuid(key, self.operation.malformed or 400)

    async def _arguments(self, request: Request[Any, Any, Any], caller: Caller | None, db: Database) -> dict[str, Any]:
        arguments: dict[str, Any] = {}
        path_params = request.path_params
        for name, kind in self.wanted:
            if name in path_params:
                arguments[name] = path_params[name]
            elif name == "document":
                arguments[name] = await json_document(request)
            elif name == "body":
                arguments[name] = await read_body(request, kind)
            elif name == "query":
                arguments[name] = read_query(request, kind)
            elif name == "caller":
                arguments[name] = caller
            elif kind is Database:
                arguments[name] = db
            elif name == "request":
                arguments[name] = request
        return arguments

    def reply(self, result: Any) -> ASGIApp:
        """The response for what a handler returned."""
        if isinstance(result, Json):
            return ASGIResponse(body=result, status_code=self.operation.status, media_type="application/json")
        if result is None:
            return ASGIResponse(body=b"", status_code=204, media_type="text/html")
        if isinstance(result, Reply):
            return answer(result, self.operation.status)
        if callable(result):
            return _guarded(result)
        return ASGIResponse(
            body=msgspec.json.encode(result), status_code=self.operation.status, media_type="application/json"
        )


def _tell_of(caller: Caller) -> None:
    """Have statements know who asks."""
    departments = list(caller.departments)
    about_caller.set({"caller_id": caller.id, "caller_role": caller.role, "caller_departments": departments})


def _with_headers(app: ASGIApp, headers: Sequence[tuple[bytes, bytes]]) -> ASGIApp:
    """The response with more headers."""
    return _extended(app, lambda: headers) if headers else app


def _telling(statements: list[str], app: ASGIApp) -> ASGIApp:
    """The response with a header for the number of statements made before its first byte."""
    return _extended(app, lambda: [(b"server-timing", f'db;desc="{len(statements)} statements"'.encode())])


def _extended(app: ASGIApp, headers: Callable[[], Sequence[tuple[bytes, bytes]]]) -> ASGIApp:
    """The response with the headers that are known when it begins."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *headers()]}
            await send(message)

        await app(scope, receive, sending)

    return respond


def answer(reply: Reply, status: int = 200) -> ASGIResponse:
    """The response of a Reply."""
    body = reply.body
    if body is None:
        body = b""
    elif isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = msgspec.json.encode(body)
    headers = [*reply.headers.items(), *(("set-cookie", cookie) for cookie in reply.cookies)]
    return ASGIResponse(
        body=body,
        status_code=reply.status or status,
        media_type=reply.media_type,
        headers=headers,
    )


def error_answer(error: ApiError) -> ASGIResponse:
    """The response of an error."""
    return answer(Reply(error.body, status=error.status, headers=error.headers))


def failure(request: Request[Any, Any, Any], error: Exception) -> ASGIResponse:
    """The response to a request that failed; what whoever runs the server must know of is logged."""
    refusal = answer_to(error)
    if refusal is None:
        return unexpected(request, error)
    if refusal is not error and refusal.status >= 500:
        where = {"method": request.method, "path": told_path(request.scope)}
        log.error("a request was not served", reason=refusal.message, **where, error=_words(error))
    return error_answer(refusal)


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def told_path(scope: Mapping[str, Any]) -> str:
    """The path of a request as the log tells it: a parameter `token` is a secret."""
    path: str = scope["path"]
    token = scope.get("path_params", {}).get("token")
    return path.replace(token, "…") if token else path


def _guarded(app: ASGIApp) -> ASGIApp:
    """An answer that is made while it is sent: one that fails before its first byte is answered as any other."""

    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def sending(message: Any) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await app(scope, receive, sending)
        except Exception as error:
            if not begun:
                request: Request[Any, Any, Any] = Request(scope)
                await failure(request, error)(scope, receive, send)
                return
            # Without its end the transfer is broken, and the client knows it.
            known = answer_to(error) is not None
            log.error(
                "an answer broke off", path=told_path(scope), error=_words(error), exc_info=None if known else error
            )

    return respond


def unexpected(request: Request[Any, Any, Any], error: Exception) -> ASGIResponse:
    """The response to a fault of ours: logged whole, told only in debug mode."""
    log.error("a request failed", method=request.method, path=told_path(request.scope), exc_info=error)
    if settings().debug:
        return error_answer(InternalError(str(error), stacktrace="".join(traceback.format_exception(error))))
    return error_answer(InternalError("Internal server error."))


def found(row: T | None, what: str = "The requested object") -> T:
    """The row, or 404."""
    if row is None:
        raise NotFound(f"{what} does not exist.")
    return row
