"""A request at an operation: who sends it, whether they may, what the handler needs, in which transaction.

Source: spec accounts, "HTTP conventions".
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, get_type_hints
from uuid import UUID

import msgspec
from litestar import Request
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp

from pegbar.config import settings
from pegbar.core.data.causes import Cause, Origin, begin, cause, request_id_of
from pegbar.core.data.database import Database, Json, Transaction, statement_count
from pegbar.core.data.filters import uuid_filter
from pegbar.core.data.joined import Joined
from pegbar.core.data.parameters import about_caller
from pegbar.core.data.values import to_uuid
from pegbar.core.errors import BadRequest, NotFound
from pegbar.core.http import idempotency
from pegbar.core.http.access import STUDIO, Caller, Place, Rule, Token, authenticated
from pegbar.core.http.answers import answer, failure, guarded, telling, with_headers
from pegbar.core.http.body import json_document, read_body, read_query, with_body
from pegbar.core.http.downloads import Download
from pegbar.core.http.limits import Admitted
from pegbar.core.http.resumable.claims import has_claims, settle
from pegbar.core.http.routing import CALLER, Callers, Operation, Part, Reply, path_uuid

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
            return with_headers(await self._answer(request), headers)
        counted: list[str] = []
        statement_count.set(counted)
        response = with_headers(await self._answer(request), headers)
        return telling(counted, response)

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
        if has_claims(request):
            await settle(request, used=True)
        return response

    async def _run(self, request: Request[Any, Any, Any]) -> ASGIApp:
        rule = self._rule(request)
        if rule.public:
            assert self.operation.turns is None, "turns are of callers"
            return await self._answered(request, None)
        token = self.callers.identify(request, rule.opened_by)
        turns = self.operation.turns
        with Admitted(token):
            if turns is None:
                return await self._answered(request, token)
            async with turns.place(token.sub):
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
            if operation.foreseen is not None and caller.along is not None:
                return Json(caller.along.encode())
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
            within.is_part = True
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
        along: Any = operation.along
        if operation.foreseen is not None and not request.scope["query_string"]:
            along = operation.foreseen
        try:
            return rule, await self.callers.resolve(token, rule, key, operation.method, along, db=db)
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
        if isinstance(result, Download) and result.is_at_hand:
            return result
        if callable(result):
            return guarded(result)
        return ASGIResponse(
            body=msgspec.json.encode(result), status_code=self.operation.status, media_type="application/json"
        )


def _tell_of(caller: Caller) -> None:
    """Have statements know who asks."""
    departments = list(caller.departments)
    about_caller.set({"caller_id": caller.id, "caller_role": caller.role, "caller_departments": departments})
