"""Doing a batch: the endpoints of its operations, one after the other, in one transaction.

Each operation is what it is alone: its endpoint reads who calls, tests the rule, checks the body, writes, emits. All
of that happens on the connection of the transaction, so each sees what the ones before it wrote. Where several of a
kind follow each other and none needs the answer of another, they are done at once (`Together`); if that is refused,
they are done again one by one, which tells the one at fault.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import msgspec
from litestar import Request
from litestar.response.base import ASGIResponse
from msgspec import UNSET, structs

from pegbar.config import settings
from pegbar.core.data.causes import begin, cause
from pegbar.core.data.database import CONFLICT_ERRORS, Json, Transaction
from pegbar.core.data.faults import answer_to
from pegbar.core.data.joined import Joined
from pegbar.core.data.parameters import sql
from pegbar.core.errors import ApiError, BadRequest, TooLarge
from pegbar.core.http.body import document_of, with_body, with_document
from pegbar.core.http.endpoint import Endpoint
from pegbar.core.http.openapi import path_of
from pegbar.core.http.router import Router
from pegbar.open.batch import references
from pegbar.open.batch.shapes import Batch, Step

AnyRequest = Request[Any, Any, Any]

#: Headers of the request that are about its own body.
_OF_BODY = frozenset(
    {b"content-length", b"content-type", b"transfer-encoding", b"expect", b"idempotency-key", b"content-encoding"}
)


#: Where a request keeps that it was tried before.
_TRIED = "pegbar.batch.tried"
#: Batches about the same rows in another order block each other: the one that was rolled back is done again when no
#: other batch is under way.
_AMONG_OTHERS = sql("SELECT pg_advisory_xact_lock_shared(hashtextextended('pegbar batches', 0))")
_ALONE = sql("SELECT pg_advisory_xact_lock(hashtextextended('pegbar batches', 0))")


class Failed(ApiError):
    """An operation that was refused: nothing of the batch was done. The status is that of its own refusal."""

    def __init__(self, index: int, what: str, error: ApiError) -> None:
        super().__init__(
            f"operations.{index} ({what}): {error.message}",
            status=error.status,
            data=error.data,
            index=index,
            answer=error.body,
        )
        self.headers = dict(error.headers)


class _Undone(Exception):
    """Ends a dry run."""


class _Refused(ApiError):
    """An answer that is a refusal, though nothing was raised."""

    def __init__(self, response: ASGIResponse) -> None:
        try:
            document = msgspec.json.decode(response.body)
        except msgspec.DecodeError:
            document = None
        words = document if isinstance(document, dict) else {}
        super().__init__(str(words.get("message", "It was refused.")), status=response.status_code)
        self._words = words

    @property
    def body(self) -> Any:
        return self._words or super().body


async def run(request: AnyRequest, tx: Transaction, batch: Batch) -> Json:
    """Do a batch; what each of its operations answers. Raises Failed for the first that is refused."""
    batch_id = uuid4()
    # Written at the end of the transaction, so it is said for the rest of the request.
    begin(structs.replace(cause(), parts={"batch": str(batch_id)}))
    await tx.execute(_ALONE if _TRIED in request.scope else _AMONG_OTHERS)
    request.scope[_TRIED] = True  # type: ignore[literal-required]
    work = _Work(request, tx, batch.operations)
    if not batch.dry_run:
        await work.run()
    else:
        try:
            async with tx.attempt():
                await work.run()
                await tx.flush()
                raise _Undone
        except _Undone:
            pass
    results = b",".join(work.results)
    told = b"true" if batch.dry_run else b"false"
    return Json(b'{"batch_id":"%s","dry_run":%s,"results":[%s]}' % (str(batch_id).encode(), told, results))


class _Planned:
    """An operation of which all is known but the answers that it refers to."""

    def __init__(self, step: Step, index: int) -> None:
        self.step, self.index = step, index
        if step.operation is not None and step.path is None and step.method is None:
            self.method, self.path = path_of(step.operation, step.params)
        elif step.method is not None and step.path is not None and step.operation is None and not step.params:
            self.method, self.path = step.method, step.path
        else:
            raise BadRequest("Give a method and a path, or an operation with its params.")
        if not self.path.startswith("/"):
            raise BadRequest("path: it begins with a /, as /data/tasks does.")
        if self.path.startswith("/api/"):
            self.path = self.path[4:]
        self.needs = {*references.numbers_of_path(self.path), *references.numbers(step.body)}
        if late := [number for number in self.needs if number >= index]:
            raise BadRequest(f"${min(late)}: a reference is to an operation before its own.")

    @property
    def words(self) -> str:
        """The operation, in a message."""
        return f"{self.method} {self.path.partition('?')[0]}"


def _subject(endpoint: Endpoint, request: AnyRequest) -> object | None:
    """What an operation is about, when it can be done at once with others of its kind."""
    together, document = endpoint.operation.together, document_of(request)
    if together is None or not isinstance(document, dict):
        return None
    return together.subject(request.path_params, document)


def _names_upload(document: Any) -> bool:
    return isinstance(document, dict) and any(name.startswith("upload_id") for name in document)


class _Work:
    """A batch under way."""

    def __init__(self, request: AnyRequest, tx: Transaction, steps: Sequence[Step]) -> None:
        self.tx, self.steps = tx, steps
        state = request.app.state
        self.db = Joined(state.database, tx)
        self.directory: Router[Endpoint] = state.directory
        self.base = {key: value for key, value in request.scope.items() if not key.startswith("pegbar.")}
        self.headers = [(name, value) for name, value in request.scope["headers"] if name.lower() not in _OF_BODY]
        self.results: list[bytes] = []
        self.bodies: list[bytes] = []
        self._decoded: dict[int, Any] = {}
        self._size = 0

    async def run(self) -> None:
        """Do all operations."""
        planned = [self._plan(index) for index in range(len(self.steps))]
        done = 0
        while done < len(planned):
            alike = self._alike(planned[done:])
            if len(alike) < 2 or not await self._did_together(alike):
                for one in planned[done : done + max(len(alike), 1)]:
                    await self._do(one)
            done += max(len(alike), 1)

    def _plan(self, index: int) -> _Planned:
        try:
            return _Planned(self.steps[index], index)
        except ApiError as error:
            step = self.steps[index]
            raise Failed(index, step.operation or f"{step.method} {step.path}", error) from None

    async def _do(self, one: _Planned) -> None:
        try:
            endpoint, request = self._request(one)
            result = await endpoint.perform(request, self.db, self.tx, part=True)
            self._answered(endpoint, result)
        except CONFLICT_ERRORS:
            raise  # the whole is run again
        except Exception as error:
            refusal = answer_to(error)
            if refusal is None:
                raise
            raise Failed(one.index, one.words, refusal) from error

    # Several at once

    def _alike(self, planned: Sequence[_Planned]) -> list[tuple[Endpoint, AnyRequest]]:
        """The operations from the first on that can be done at once; none when the first is done alone."""
        alike: list[tuple[Endpoint, AnyRequest]] = []
        subjects: set[object] = set()
        for one in planned:
            if any(number >= planned[0].index for number in one.needs):
                break
            try:
                endpoint, request = self._request(one)
            except ApiError:
                break  # told when its turn comes
            subject = _subject(endpoint, request)
            if subject is None or subject in subjects or (alike and endpoint is not alike[0][0]):
                break
            subjects.add(subject)
            alike.append((endpoint, request))
        return alike

    async def _did_together(self, alike: Sequence[tuple[Endpoint, AnyRequest]]) -> bool:
        """Do operations of a kind at once; False, and nothing is done, when one of them is refused."""
        endpoint = alike[0][0]
        try:
            async with self.tx.attempt():
                results = await endpoint.perform_together([request for _, request in alike], self.tx)
        except CONFLICT_ERRORS:
            raise
        except Exception as error:
            if answer_to(error) is None:
                raise
            return False
        for result in results:
            self._answered(endpoint, result)
        return True

    # Requests and answers

    def _request(self, one: _Planned) -> tuple[Endpoint, AnyRequest]:
        """The endpoint of an operation, and the request as it would have come alone."""
        path, _, query = references.resolved_path(one.path, self._answer).partition("?")
        endpoint, texts = self.directory.find(one.method, path)
        if reason := endpoint.operation.stands_alone:
            raise BadRequest(f"This is no part of a batch: {reason}.")
        document = references.resolved(one.step.body, self._answer)
        if endpoint.operation.files and ("upload_id" in query or _names_upload(document)):
            raise BadRequest("upload_id: files are no part of a batch.")
        scope = {
            **self.base,
            "method": one.method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": self.headers,
            "path_params": {name: unquote(text) if isinstance(text, str) else text for name, text in texts.items()},
            "state": {},
        }
        if document is UNSET:
            return endpoint, with_body(scope, b"")
        scope["headers"] = [*self.headers, (b"content-type", b"application/json")]
        return endpoint, with_document(scope, document)

    def _answer(self, index: int) -> Any:
        """What an earlier operation answered."""
        if index not in self._decoded:
            self._decoded[index] = msgspec.json.decode(self.bodies[index])
        return self._decoded[index]

    def _answered(self, endpoint: Endpoint, result: Any) -> None:
        response = endpoint.reply(result)
        if not isinstance(response, ASGIResponse):
            raise BadRequest("This is no part of a batch: its answer is streamed.")
        if response.status_code >= 400:
            raise _Refused(response)
        body = bytes(response.body) or b"null"
        kind = response.headers.get("content-type", "")
        if body != b"null" and not kind.startswith("application/json"):
            raise BadRequest("This is no part of a batch: it answers no JSON.")
        self._size += len(body)
        if self._size > settings().max_json_length:
            raise TooLarge(f"The answers of a batch are limited to {settings().max_json_length} bytes.")
        self.bodies.append(body)
        self.results.append(b'{"status":%d,"body":%s}' % (response.status_code, body))
