"""Answers in fewer bytes: gzip and Zstandard, as `Accept-Encoding` has it.

Text of the API is made smaller as it is sent, piece by piece. A megabyte of a board takes 0.9 ms of processor time and
leaves an eighth with gzip by ISA-L, a tenth with Zstandard (zlib: 3.9 ms at its lowest level), so that it pays on any
network (`python -m bench.compression`). Files stay as they are (scripts write them as they come), and what sets a
cookie.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

import zstandard
from litestar.types import Send

try:
    from isal import isal_zlib as deflate
except ImportError:  # no wheel for this machine
    import zlib as deflate  # type: ignore[no-redef]

#: A shorter body fits into a few packets as it is.
_SHORTEST = 4096
_TEXTS = re.compile(rb"(?:application/(?:json|x-ndjson|javascript|xml)|text/(?!event-stream)[\w.+-]+)\s*(?:;|$)")
_REFUSED = re.compile(r"\s*q\s*=\s*0(?:\.0*)?\s*")
_GZIP = 16 + 15  # how zlib names it


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self, mode: int = ..., /) -> bytes: ...


def _zstd() -> tuple[_Packer, int]:
    return zstandard.ZstdCompressor(level=1).compressobj(), zstandard.COMPRESSOBJ_FLUSH_BLOCK


def _gzip() -> tuple[_Packer, int]:
    return deflate.compressobj(1, deflate.DEFLATED, _GZIP), deflate.Z_SYNC_FLUSH


#: The best first: each makes a packer, with what it calls a flush after which all is readable.
_CODINGS: dict[str, Callable[[], tuple[_Packer, int]]] = {"zstd": _zstd, "gzip": _gzip}
_SUFFIX = re.compile(f'-(?:{"|".join(_CODINGS)})"$')


@lru_cache(256)
def accepted(header: str) -> frozenset[str]:
    """The codings that a client takes by name."""
    choices = (choice.partition(";") for choice in header.lower().split(","))
    return frozenset(coding.strip() for coding, _, weight in choices if not _REFUSED.fullmatch(weight))


def without_coding(tag: str) -> str:
    """The strong ETag of an answer, whatever it was compressed with."""
    return _SUFFIX.sub('"', tag)


class Compressing:
    """Sends an answer compressed when it is text, long enough, and the client takes it."""

    def __init__(self, send: Send, header: bytes) -> None:
        self._send, self._header = send, header
        self._coding: str | None = None
        self._start: Any = None  #: the headers, until the first piece tells how long the body is
        self._packer: _Packer | None = None
        self._flush = 0

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start" and _is_text(message):
            if (b"vary", b"Accept-Encoding") not in message["headers"]:
                message = {**message, "headers": [*message["headers"], (b"vary", b"Accept-Encoding")]}
            self._coding = _coding(self._header)
            if self._coding is not None:
                self._start = message
                return
        elif self._coding is None:  # as it is
            pass
        elif message["type"] == "http.response.body":
            message = await self._packed(message)
        elif self._start is not None:  # a file: the server sends it by itself
            start, self._start = self._start, None
            await self._send(start)
        await self._send(message)

    async def _packed(self, message: Any) -> Any:
        body, more = message.get("body", b""), message.get("more_body", False)
        assert self._coding is not None
        if self._start is not None:
            start, self._start = self._start, None
            if more or len(body) >= _SHORTEST:
                self._packer, self._flush = _CODINGS[self._coding]()
            whole = None if more or self._packer is None else self._pack(body, more=False)
            await self._send(start if self._packer is None else _renamed(start, self._coding, whole))
            if whole is not None:
                return {**message, "body": whole}
        return message if self._packer is None else {**message, "body": self._pack(body, more=more)}

    def _pack(self, body: bytes, *, more: bool) -> bytes:
        assert self._packer is not None
        packed = self._packer.compress(body)
        return packed + (self._packer.flush(self._flush) if more else self._packer.flush())


@lru_cache(256)
def _coding(header: bytes) -> str | None:
    """The best coding that an Accept-Encoding takes."""
    codings = accepted(header.decode("latin-1"))
    return next((coding for coding in _CODINGS if coding in codings), None)


#: What an answer that stays as it is has among its headers.
_WHOLE = frozenset((b"content-encoding", b"content-range", b"accept-ranges", b"content-disposition", b"set-cookie"))


def _is_text(message: Any) -> bool:
    if message["status"] in (204, 304):
        return False
    headers = dict(message["headers"])
    return headers.keys().isdisjoint(_WHOLE) and _TEXTS.match(headers.get(b"content-type", b"")) is not None


def _renamed(start: Any, coding: str | None, whole: bytes | None) -> Any:
    """The headers of the compressed answer: a strong ETag names these bytes and no others."""
    suffix = f'-{coding}"'.encode()
    headers = [
        (name, value.removesuffix(b'"') + suffix if name == b"etag" else value)
        for name, value in start["headers"]
        if name != b"content-length"
    ]
    headers.append((b"content-encoding", str(coding).encode()))
    if whole is not None:
        headers.append((b"content-length", str(len(whole)).encode()))
    return {**start, "headers": headers}
