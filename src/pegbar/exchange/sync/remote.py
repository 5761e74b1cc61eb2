"""Another server of this API, as an administrator of it sees it.

It may be slow, restart, refuse for a while, and end its tokens: what is asked of it is asked again until it answers, or
until it has not answered for `patience` seconds. Its answers are not trusted: their size is bounded, and what they say
is checked by those who read them. Nothing of what authenticates is ever in a message.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from pegbar import __version__
from pegbar.core.errors import CannotRun

#: The longest answer that is read into memory, and bytes of a file that are read at a time.
_LONGEST, _CHUNK = 256 * 1024**2, 256 * 1024
#: What passes by itself.
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
_LONGEST_PAUSE = 30.0
#: A server error that stays: it is this request's, not the server's.
_MOST_FAULTS = 5


class Unreachable(CannotRun):
    """The other server does not answer, or refuses what is asked of it."""


class Refusal(CannotRun):
    """What the other server answers instead of what was asked for."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Interrupted(Exception):
    """The connection broke, or the server is busy: the same may work a moment later."""

    def __init__(self, reason: str, pause: float | None = None, *, faulty: bool = False) -> None:
        super().__init__(reason)
        self.pause, self.faulty = pause, faulty


async def together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do several things at once; the first that fails ends the others, and is what is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Credentials:
    """How to sign in: with a password, or a token that somebody made."""

    email: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def _message(body: bytes) -> str:
    """What an error says, short and in one line."""
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return ""
    text = document.get("message") or document.get("msg") if isinstance(document, dict) else None
    return " ".join(str(text or "").split())[:300]


class Remote:
    """A connection to another server."""

    def __init__(self, url: str, credentials: Credentials, *, patience: float = 600) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CannotRun(f"{url!r} is not the address of a server (https://…).")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise CannotRun("The address of the other server is its address only: sign in with --email or --token.")
        self._credentials, self._patience = credentials, patience
        self._access = credentials.token
        self._refresh = ""
        self._signing_in = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Remote"]:
        """Sign in, and close the connections in the end."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=120)
        headers = {"User-Agent": f"pegbar-sync/{__version__}"}
        async with aiohttp.ClientSession(timeout=timeout, headers=headers, auto_decompress=True) as session:
            self._session = session
            await self._find_api()
            if not self._access:
                await self._sign_in()
            await self._check_rights()
            yield self

    async def _find_api(self) -> None:
        """The API is at the address given, or below it at `/api`."""
        for base in (self.url, f"{self.url}/api"):
            try:
                answer = await self._ask("GET", f"{base}/", signed=False)
            except Refusal:
                continue
            document = _decoded(answer, strict=False)
            if isinstance(document, dict) and "api" in document:
                self.url = base
                return
        raise Unreachable(f"There is no Kitsu API at {self.url}.")

    async def _sign_in(self) -> None:
        body = {"email": self._credentials.email, "password": self._credentials.password}
        try:
            answer = _decoded(await self._ask("POST", f"{self.url}/auth/login", json=body, signed=False))
        except Refusal as refusal:
            raise Unreachable(
                f"{self.url} does not let {self._credentials.email} in (where a second factor is asked for, make a "
                f"token and give it with --token). {refusal}"
            ) from None
        access = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(access, str):
            raise Unreachable(f"{self.url} does not let {self._credentials.email} in with a password alone.")
        self._access, self._refresh = access, str(answer.get("refresh_token") or "")

    async def _check_rights(self) -> None:
        answer = await self.get("/auth/authenticated")
        person = answer.get("user") if isinstance(answer, dict) else None
        if not isinstance(person, dict) or person.get("role") != "admin":
            raise Unreachable(f"Only an administrator of {self.url} sees all that is to be copied.")

    async def _renew(self, expired: str) -> None:
        """A new access token in place of one that is over; whoever comes second finds it made."""
        async with self._signing_in:
            if self._access != expired:
                return
            if self._refresh:
                try:
                    answer = _decoded(
                        await self._ask("GET", f"{self.url}/auth/refresh-token", signed=False, token=self._refresh)
                    )
                    self._access = str(answer["access_token"])
                except (Refusal, KeyError, TypeError):
                    self._refresh = ""
                else:
                    return
            if not self._credentials.password:
                raise Unreachable(f"The token is over, or {self.url} does not know it.")
            await self._sign_in()

    # What is asked

    async def get(self, path: str, **params: Any) -> Any:
        """The JSON at a path of the API."""
        return _decoded(await self._ask("GET", self.url + path, params=params))

    async def post(self, path: str, document: Any, **params: Any) -> Any:
        """What a POST answers."""
        return _decoded(await self._ask("POST", self.url + path, json=document, params=params))

    async def put(self, path: str, document: Any) -> Any:
        """What a PUT answers."""
        return _decoded(await self._ask("PUT", self.url + path, json=document))

    async def delete(self, path: str, **params: Any) -> None:
        """Delete something."""
        await self._ask("DELETE", self.url + path, params=params)

    async def size(self, path: str) -> int | None:
        """The size of a file that the server has, -1 when it does not say; None when it has none."""
        started, faults = time.monotonic(), 0
        while True:
            try:
                async with self._answer("GET", self.url + path) as answer:
                    if answer.status in (202, 404, 410):
                        return None
                    await _refuse(answer)
                    size = -1 if answer.content_length is None else answer.content_length
                    answer.close()  # the rest is not wanted
                    return size
            except Interrupted as reason:
                faults = await self._pause(reason, started, faults)
            except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                faults = await self._pause(Interrupted(type(error).__name__), started, faults)

    async def upload(self, path: str, file: Path, name: str) -> Any:
        """Send a file as a form's `file`, from the disk; the answer."""

        def form() -> aiohttp.FormData:
            data = aiohttp.FormData()
            data.add_field("file", file.open("rb"), filename=name)
            return data

        return _decoded(await self._ask("POST", self.url + path, form=form), strict=False)

    async def download(self, path: str, target: Path, most: int) -> int | None:
        """Write a file that the server has; its size, or None when it has none.

        A connection that breaks goes on where it broke, as long as the server says that the file is the same.
        """
        written, tag = 0, ""
        started, faults = time.monotonic(), 0
        while True:
            try:
                headers = {"Range": f"bytes={written}-", "If-Range": tag} if written and tag else {}
                async with self._answer("GET", self.url + path, headers=headers) as answer:
                    if answer.status in (202, 404, 410):  # 202: it is being made
                        return None
                    await _refuse(answer)
                    if answer.status != 206:
                        written = 0
                    tag = answer.headers.get("ETag", "")
                    before = written
                    mode = "ab" if written else "wb"
                    with target.open(mode) as file:
                        async for piece in answer.content.iter_chunked(_CHUNK):
                            written += len(piece)
                            if written > most:
                                raise Refusal(413, f"{path} is longer than {most} bytes")
                            await asyncio.to_thread(file.write, piece)
                    expected = answer.content_length
                    encoded = answer.headers.get("Content-Encoding", "identity") != "identity"
                    if expected is not None and not encoded and written - before != expected:
                        raise Interrupted("the file ended before its end")
                    return written
            except Interrupted as reason:
                faults = await self._pause(reason, started, faults)
            except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                faults = await self._pause(Interrupted(type(error).__name__), started, faults)

    async def digest(self, path: str) -> "Digest | None":
        """The size and sum of a file that the server has, or None."""
        started, faults = time.monotonic(), 0
        while True:
            digest = Digest()
            try:
                async with self._answer("GET", self.url + path) as answer:
                    if answer.status in (202, 404, 410):
                        return None
                    await _refuse(answer)
                    async for piece in answer.content.iter_chunked(_CHUNK):
                        digest.add(piece)
                    return digest
            except Interrupted as reason:
                faults = await self._pause(reason, started, faults)
            except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                faults = await self._pause(Interrupted(type(error).__name__), started, faults)

    @asynccontextmanager
    async def _answer(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer as it comes; a token that is over is made anew once."""
        assert self._session is not None
        access = self._access
        signed = {**(headers or {}), "Authorization": f"Bearer {access}"}
        async with self._session.request(method, url, headers=signed, **options) as answer:
            if answer.status != 401:
                yield answer
                return
        await self._renew(access)
        raise Interrupted("the token was over", 0, faulty=True)

    async def _ask(
        self,
        method: str,
        url: str,
        *,
        signed: bool = True,
        token: str = "",
        form: Any = None,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
    ) -> bytes:
        assert self._session is not None
        started, faults = time.monotonic(), 0
        texts = {name: str(value) for name, value in (params or {}).items()}
        while True:
            options: dict[str, Any] = {"params": texts}
            if json is not None:
                options |= {"data": msgspec.json.encode(json)}
            if form is not None:
                options |= {"data": form()}
            headers = {"Content-Type": "application/json"} if json is not None else {}
            try:
                if signed:
                    async with self._answer(method, url, headers=headers, **options) as answer:
                        return await _body(answer)
                if token:
                    headers["Authorization"] = f"Bearer {token}"
                async with self._session.request(method, url, headers=headers, **options) as answer:
                    return await _body(answer)
            except Interrupted as reason:
                faults = await self._pause(reason, started, faults)
            except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                faults = await self._pause(Interrupted(type(error).__name__), started, faults)

    async def _pause(self, reason: Interrupted, started: float, faults: int) -> int:
        """Wait before the next try; how many there were. Gives up when patience or hope is lost."""
        waited = time.monotonic() - started
        if waited > self._patience or (reason.faulty and faults >= _MOST_FAULTS):
            raise Unreachable(f"{self.url} does not answer: {reason}. Run the same command again to go on.")
        pause = min(0.25 * 2**faults, _LONGEST_PAUSE) if reason.pause is None else min(reason.pause, 300.0)
        await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311 - so that tries do not come at once
        return faults + 1


class Digest:
    """The size and sum of bytes."""

    def __init__(self) -> None:
        import hashlib

        self.size = 0
        self._sum = hashlib.sha256()

    def add(self, piece: bytes) -> None:
        """Count some more."""
        self.size += len(piece)
        self._sum.update(piece)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Digest) and (self.size, self.text) == (other.size, other.text)

    __hash__ = None  # type: ignore[assignment]

    @property
    def text(self) -> str:
        """The sum, as text."""
        return self._sum.hexdigest()


def _decoded(body: bytes, *, strict: bool = True) -> Any:
    try:
        return msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, RecursionError):
        if strict:
            raise Unreachable("The other server answers something that is no JSON.") from None
        return None


async def _refuse(answer: aiohttp.ClientResponse) -> None:
    """Raise what an answer says that is none."""
    if answer.status < 300:
        return
    if answer.status in _AGAIN:
        after = answer.headers.get("Retry-After", "")
        pause = float(after) if after.isdigit() else None
        raise Interrupted(f"it answers {answer.status}", pause, faulty=answer.status == 500)
    message = _message(await answer.content.read(64 * 1024))
    raise Refusal(answer.status, f"{answer.method} {answer.url.path} answers {answer.status}. {message}".strip())


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    await _refuse(answer)
    pieces: list[bytes] = []
    size = 0
    async for piece in answer.content.iter_chunked(_CHUNK):
        size += len(piece)
        if size > _LONGEST:
            raise Unreachable(f"{answer.url.path} answers more than {_LONGEST // 1024**2} MB at once.")
        pieces.append(piece)
    return b"".join(pieces)
