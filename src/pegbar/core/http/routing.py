"""Routes: one declaration each, from which the router, OpenAPI, `pegbar routes` and the access tests derive.

    @get("/data/projects/{project_id:uuid}/milestones", access=member_of("project_id"))
    async def project_milestones(project_id: UUID, db: Database) -> Json: ...

A handler names what it needs and gets it by type: path parameters by name; `Caller`; `Database` for reads or
`Transaction` for a mutation (committed, with its events and jobs, before the answer is sent); `body`, a msgspec
Struct validated from the request's JSON (or form and query string); `document`, a JSON object as it came; `query`, a
Struct from the query string; `request`.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, get_type_hints
from uuid import UUID

import msgspec
from litestar import Request
from litestar.types import ASGIApp
from sqlalchemy import Executable, Select, TextualSelect

from pegbar.core.data.compiled import embedded
from pegbar.core.data.database import Reader, Transaction
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http.access import Caller, Rule, Token, TokenType
from pegbar.core.ids import id_of
from pegbar.core.live.events import Event
from pegbar.core.turns import Turns

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
class Foreseen:
    """The answer of a read, selected by the statement that reads the caller: one round trip instead of two.

    Which statement that is depends on their role, which is not known before it has run: it is chosen by the role that
    they had the last time. The handler answers where that was another one, where a team gives them a role of its own,
    and to a request with a query string. It refuses nobody who passes the rule.
    """

    #: What the handler would run for a caller of this role: always the same object for the same role.
    statement: Callable[[str], Executable]
    #: Its parameter that the rule's place names.
    key: str = ""
    #: Whether its rows are a list.
    is_list: bool = False
    #: A condition in SQL about `:key` under which the handler answers, or refuses.
    unless: str = ""

    def along(self, role: str, departments: str) -> TextualSelect:
        """The statement for a role, as a part of the caller's; `departments` is SQL for theirs, by `:caller_id`."""
        return embedded(self.statement(role), departments, self.key, is_list=self.is_list, unless=self.unless)


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
    #: The whole answer, in the same statement, as far as it can be known which one that is.
    foreseen: Foreseen | None = None
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
        assert self.along is None or self.foreseen is None, "one thing is read along with the caller"
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


class Callers(Protocol):
    """Resolves the caller of a request at a place, in one statement (accounts/callers.py)."""

    def identify(self, request: Request[Any, Any, Any], expected: TokenType = "access") -> Token: ...

    async def resolve(
        self,
        token: Token,
        rule: Rule,
        key: UUID | None,
        method: str = "GET",
        along: Select[Any] | Foreseen | None = None,
        *,
        db: Reader | None = None,
    ) -> Caller: ...

    async def resolve_many(
        self, token: Token, rule: Rule, keys: Sequence[UUID | None], method: str, *, db: Reader
    ) -> list[Caller]: ...


#: Answers the requests of an operation.
Answering = Callable[[Request[Any, Any, Any]], Awaitable[ASGIApp]]

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
    foreseen: Foreseen | None = None,
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
                foreseen=foreseen,
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
        return id_of(text)
    except ValueError:
        if malformed == 404:
            raise NotFound(f"{text!r} is not an id.") from None
        raise BadRequest("Malformed ID.") from None


def found(row: T | None, what: str = "The requested object") -> T:
    """The row, or 404."""
    if row is None:
        raise NotFound(f"{what} does not exist.")
    return row
