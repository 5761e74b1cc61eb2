"""A small load generator: raw HTTP/1.1 over kept connections, so that the client costs little beside the server."""

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Measure:
    """What a run of requests took. Times in milliseconds."""

    times: list[float] = field(default_factory=list)
    seconds: float = 0.0
    size: int = 0
    failures: int = 0

    @property
    def median(self) -> float:
        """The median time."""
        return self._at(0.5)

    @property
    def p99(self) -> float:
        """The time that one request in a hundred exceeds."""
        return self._at(0.99)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.times) / self.seconds if self.seconds else 0.0

    def _at(self, share: float) -> float:
        ordered = sorted(self.times)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


async def run(url: str, method: str, body: bytes | None, token: str | None, *, clients: int, requests: int) -> Measure:
    """Send the same request `requests` times over `clients` connections."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    head = f"{method} {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
    if token:
        head += f"Authorization: Bearer {token}\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    raw = head.encode() + b"\r\n" + (body or b"")
    measure, left = Measure(), [requests]
    started = time.perf_counter()
    assert parts.hostname is not None
    assert parts.port is not None
    await asyncio.gather(*[_client(parts.hostname, parts.port, raw, measure, left) for _ in range(clients)])
    measure.seconds = time.perf_counter() - started
    return measure


async def _client(host: str, port: int, raw: bytes, measure: Measure, left: list[int]) -> None:
    reader, writer = await asyncio.open_connection(host, port, limit=2**24)
    while left[0] > 0:
        left[0] -= 1
        started = time.perf_counter()
        writer.write(raw)
        head = await reader.readuntil(b"\r\n\r\n")
        size = await _body(reader, head.lower())
        measure.times.append((time.perf_counter() - started) * 1000)
        measure.size = size
        measure.failures += not head.startswith(b"HTTP/1.1 2")
    writer.close()


async def _body(reader: asyncio.StreamReader, head: bytes) -> int:
    if b"content-length:" in head:
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
        return length
    size = 0
    while True:
        length = int((await reader.readuntil(b"\r\n")).strip() or b"0", 16)
        await reader.readexactly(length + 2)
        size += length
        if length == 0:
            return size
