"""Where a change comes from: who asked for it, and how. Told with the change itself (core/data/history.py).

A request, a job and a command say at their beginning what they are; whatever they write is told to come from it. What
is a part of something larger (a batch, an import) says so for as long as it lasts:

    with part_of("import", import_id):
        await db.write(caller.id, work)

What is known only within a transaction is told to it: `tx.part_of("automation", automation_id)`. A change is a part of
one of each kind, the first that was told.

A request that several share may name itself (`X-Request-Id`, a UUID), so that all they changed is found together.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec

from pegbar.core.data.parameters import sql

Origin = Literal["session", "token", "link", "job", "command", "server"]


class Cause(msgspec.Struct, frozen=True):
    """What changes come from.

    `origin`: a signed-in session, an API token, a visitor with a link, a job, a command, or the server by itself.
    """

    origin: Origin = "server"
    request_id: UUID | None = None
    method: str | None = None
    #: The route as declared, the name of the job, or the command.
    route: str | None = None
    #: What it is a part of, by kind: `batch`, `import`, `undo`, `comment`…
    parts: Mapping[str, str] = {}


_cause: ContextVar[Cause] = ContextVar("cause", default=Cause())  # noqa: B039 - frozen


def cause() -> Cause:
    """What the changes of now come from."""
    return _cause.get()


def begin(known: Cause) -> None:
    """Say what the changes of this request, job or command come from."""
    _cause.set(known)


@contextmanager
def part_of(kind: str, part_id: UUID | str) -> Iterator[None]:
    """What is changed in the block is a part of something."""
    known = _cause.get()
    token = _cause.set(msgspec.structs.replace(known, parts={**known.parts, kind: str(part_id)}))
    try:
        yield
    finally:
        _cause.reset(token)


@contextmanager
def of_import() -> Iterator[None]:
    """What is changed in the block comes from one import: of the number of its request or command."""
    with part_of("import", _cause.get().request_id or uuid4()):
        yield


def request_id_of(header: str | None) -> UUID:
    """The id of a request: the one that its caller gave, if it is one."""
    try:
        return UUID(header) if header else uuid4()
    except ValueError:
        return uuid4()


#: The change of this transaction, when it changed something.
OF_TRANSACTION = "nullif(current_setting('pegbar.change', true), '')::bigint"

#: Adds who makes the changes of this transaction and from where: a clause of the statement that ends it.
NOTE = f"""
      INSERT INTO pegbar.change (id, person_id, origin, request_id, method, route, parts)
      SELECT {OF_TRANSACTION}, :changer ::uuid, :origin ::text, :request ::uuid, :method ::text, :route ::text,
             :parts ::text::jsonb
       WHERE {OF_TRANSACTION} IS NOT NULL
      ON CONFLICT (id) DO NOTHING
"""
#: The same, where a transaction emits nothing.
NOTE_ALONE = sql(NOTE)


def facts(author_id: Any, parts: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of `NOTE`; `parts` are what the transaction is a part of besides."""
    known = cause()
    parts = {**parts, **known.parts}
    return {
        "changer": author_id,
        "origin": known.origin,
        "request": known.request_id,
        "method": known.method,
        "route": known.route,
        "parts": msgspec.json.encode(parts).decode() if parts else None,
    }
