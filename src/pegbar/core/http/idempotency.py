"""`Idempotency-Key`: a mutation that is sent again within a day is done once, and answered as it was.

Whoever sends a request twice, as nobody knows what became of the first (a connection that broke, a farm job started
anew), sends it both times with the same key. What was done is written into `pegbar.idempotent_request` by the
transaction that did it, so that there is no moment at which one is kept without the other.

- Only what was committed is remembered. A refusal changed nothing: what comes again is judged anew.
- While a request with the key is under way, others with the same key wait for it, a while (then 409).
- The same key with other content (method, path, query, body) is 422.
- An answer is kept compressed, and sealed with a key derived from SECRET_KEY and from the caller's own key, which is
  stored nowhere. One of more than MOST bytes is not kept: what comes again is told that it was done (409, `done`).

Which routes take no key, and why, is declared (`Operation.takes_no_key`). Source: issue "The open platform", point 2;
the IETF draft "The Idempotency-Key HTTP Header Field".
"""

import asyncio
import hmac
import secrets
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from litestar import Request
from litestar.response.base import ASGIResponse
from sqlalchemy import BigInteger, LargeBinary, SmallInteger

from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import TIMESTAMP, Column, Integer, Uuid, names, own_table
from pegbar.core.errors import ApiError, BadRequest, HungUp, TooLarge

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
#: How long a key is remembered.
HOURS = 24
#: Bytes of an answer that are kept at most, before they are compressed.
MOST = 8 * 2**20
#: Seconds that a request waits for another one with its key.
PATIENCE = 10

#: Why some routes take no key.
SECRETS = "what it takes or answers is a secret"
RESUMES = "an upload goes on where it stands, whoever sends it again"
STORES = "it works on files while it goes on, in more than one transaction"

LONGEST = 255
_NONCE = 12
#: Headers of an answer that are made when it is sent.
_MADE_ANEW = frozenset({b"content-length", b"set-cookie", b"server-timing"})

#: What was done under a key. `digest` is a keyed hash of the person and the key, `content` one of the request.
idempotent_request = own_table(
    "idempotent_request",
    Column("digest", LargeBinary, primary_key=True),
    Column("person_id", Uuid, nullable=False, index=True, info=names("person", goes="with")),
    Column("content", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("length", Integer, nullable=False),
    Column("answer", LargeBinary),  #: headers and body; NULL when it is too long to be kept
    Column("created_at", TIMESTAMP, nullable=False, index=True),
)


class UnderWay(ApiError):
    """A request with the same key is still being answered."""

    status = 409

    def __init__(self) -> None:
        super().__init__(f"A request with this {HEADER} is under way. Send it again in a moment.", done=False)
        self.headers = {"retry-after": "5"}


class AnswerNotKept(ApiError):
    """A request that was done before, with an answer too long to be kept."""

    status = 409

    def __init__(self, status: int, length: int) -> None:
        super().__init__(
            f"This was done before, and answered {status}. The answer was too long to be kept ({length} bytes): "
            "read what it changed.",
            done=True,
        )
        self.headers = {REPLAYED.lower(): "true"}


class OtherContent(ApiError):
    """A key that was used for another request."""

    status = 422

    def __init__(self) -> None:
        super().__init__(f"This {HEADER} was used for another request within the last {HOURS} hours.")


@dataclass(frozen=True)
class Sent:
    """A request with a key, and who sent it."""

    person_id: UUID
    digest: bytes
    content: bytes
    seal: bytes

    @property
    def lock(self) -> int:
        """The number of the lock that a request with the key holds."""
        return int.from_bytes(self.digest[:8], signed=True)


class _Kept(msgspec.Struct, array_like=True):
    """An answer, as it is kept."""

    headers: list[tuple[bytes, bytes]]
    body: bytes


async def read(request: Request[Any, Any, Any], person_id: UUID) -> tuple[Sent, bytes]:
    """The key and content of a request, with its body. Raises BadRequest, TooLarge."""
    text = request.headers[HEADER].strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':  # the draft has it as a quoted string
        text = text[1:-1]
    if not text or len(text) > LONGEST or not text.isascii() or not text.isprintable():
        raise BadRequest(f"{HEADER}: a key is 1 to {LONGEST} printable ASCII characters, best a random UUID.")
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        raise BadRequest(
            f"{HEADER}: a form with files takes no key. Upload the files to /uploads first, which goes on where it "
            "broke off, and name them here (`upload_id`)."
        )
    body = await _body(request)
    about = person_id.bytes + text.encode()
    seal = _hash("seal", about)
    address = f"{request.method} {request.scope['path']}?".encode() + request.scope.get("query_string", b"")
    content = hmac.digest(seal, len(address).to_bytes(8) + address + body, "sha256")
    return Sent(person_id, _hash("find", about), content, seal), body


async def _body(request: Request[Any, Any, Any]) -> bytes:
    limit = settings().max_json_length
    parts, size = [], 0
    while True:
        message: Any = await request.receive()
        if message["type"] != "http.request":
            raise HungUp("The caller hung up in the middle of the body.")
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise TooLarge(f"With an {HEADER} a body is limited to {limit} bytes.")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


@lru_cache
def _key(secret_key: str, purpose: str) -> bytes:
    return hmac.digest(secret_key.encode(), f"pegbar idempotency: {purpose}".encode(), "sha256")


def _hash(purpose: str, about: bytes) -> bytes:
    return hmac.digest(_key(settings().secret_key, purpose), about, "sha256")


async def once(
    db: Database,
    sent: Sent,
    known: Callable[[Transaction], Awaitable[None]],
    do: Callable[[Transaction], Awaitable[ASGIResponse]],
) -> ASGIResponse:
    """The answer to a request with a key: of `do`, or the one that it had before.

    `known` is asked when the request was done before: it raises when its caller is nobody any more. Raises UnderWay,
    OtherContent, AnswerNotKept.
    """

    async def work(tx: Transaction) -> ASGIResponse:
        before = await _held(tx, sent)
        row = await tx.row(_FIND, digest=sent.digest, before=before, hours=HOURS)
        assert row is not None
        if row["content"] is not None:
            await known(tx)
            return _again(sent, row)
        response = await do(tx)
        if response.status_code < 500 and response.status_code not in (401, 429):
            await _remember(tx, sent, response)
        return response

    async with _in_turn(sent.digest):
        return await db.write(sent.person_id, work)


# One after the other

#: `lock_timeout` is the transaction's: what was set before is set again once the lock is held.
_HOLD = sql(
    """
    SELECT current_setting('lock_timeout') AS before, set_config('lock_timeout', :patience, true),
           pg_advisory_xact_lock(:lock)
    """,
    lock=BigInteger,
)
#: In a statement of its own: it sees what was committed while the lock was waited for.
_FIND = sql(
    """
    SELECT set_config('lock_timeout', :before, true), r.content, r.status, r.length, r.answer
      FROM (SELECT 1) AS always
      LEFT JOIN pegbar.idempotent_request r
             ON r.digest = :digest AND r.created_at > timezone('utc', now()) - make_interval(hours => :hours)
    """,
    hours=Integer,
    digest=LargeBinary,
)
#: A row that is there already is one whose day is over.
_REMEMBER = sql(
    """
    INSERT INTO pegbar.idempotent_request (digest, person_id, content, status, length, answer, created_at)
    VALUES (:digest, :person_id, :content, :status, :length, :answer, timezone('utc', now()))
        ON CONFLICT (digest) DO UPDATE
       SET content = excluded.content, status = excluded.status, length = excluded.length, answer = excluded.answer,
           created_at = excluded.created_at
    """,
    digest=LargeBinary,
    content=LargeBinary,
    answer=LargeBinary,
    status=SmallInteger,
    length=Integer,
)


async def _held(tx: Transaction, sent: Sent) -> str:
    """Wait for requests with the same key on any node, and keep others waiting from now on."""
    try:
        row = await tx.row(_HOLD, patience=f"{PATIENCE}s", lock=sent.lock)
    except asyncpg.LockNotAvailableError:
        raise UnderWay from None
    assert row is not None
    before: str = row["before"]
    return before


#: Those of this process queue here, so that all but one of them need no connection.
_queues: dict[bytes, tuple[asyncio.Lock, int]] = {}


@asynccontextmanager
async def _in_turn(digest: bytes) -> AsyncIterator[None]:
    lock, waiting = _queues.get(digest) or (asyncio.Lock(), 0)
    _queues[digest] = lock, waiting + 1
    try:
        try:
            async with asyncio.timeout(PATIENCE):
                await lock.acquire()
        except TimeoutError:
            raise UnderWay from None
        try:
            yield
        finally:
            lock.release()
    finally:
        lock, waiting = _queues[digest]
        if waiting > 1:
            _queues[digest] = lock, waiting - 1
        else:
            del _queues[digest]


# What is kept


async def _remember(tx: Transaction, sent: Sent, response: ASGIResponse) -> None:
    body = bytes(response.body)
    await tx.execute(
        _REMEMBER,
        digest=sent.digest,
        person_id=sent.person_id,
        content=sent.content,
        status=response.status_code,
        length=len(body),
        answer=await asyncio.to_thread(_sealed, sent, response, body) if len(body) <= MOST else None,
    )


def _sealed(sent: Sent, response: ASGIResponse, body: bytes) -> bytes:
    headers = [(name, value) for name, value in response.encode_headers() if name.lower() not in _MADE_ANEW]
    packed = zlib.compress(msgspec.msgpack.encode(_Kept(headers, body)), 1)
    nonce = secrets.token_bytes(_NONCE)
    return nonce + AESGCM(sent.seal).encrypt(nonce, packed, sent.digest)


def _again(sent: Sent, row: asyncpg.Record) -> ASGIResponse:
    """The answer that a request had before."""
    if not hmac.compare_digest(row["content"], sent.content):
        raise OtherContent
    if row["answer"] is None:
        raise AnswerNotKept(row["status"], row["length"])
    try:
        packed = AESGCM(sent.seal).decrypt(row["answer"][:_NONCE], row["answer"][_NONCE:], sent.digest)
    except InvalidTag:
        raise AnswerNotKept(row["status"], row["length"]) from None
    kept = msgspec.msgpack.decode(zlib.decompress(packed), type=_Kept)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in kept.headers]
    return ASGIResponse(body=kept.body, status_code=row["status"], headers=[*headers, (REPLAYED.lower(), "true")])


__all__ = ["HEADER", "HOURS", "MOST", "REPLAYED", "Sent", "idempotent_request", "once", "read"]
