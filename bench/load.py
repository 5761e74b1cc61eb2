"""A small load generator: raw HTTP/1.1 over kept connections, so that the client costs little beside the server."""

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Measure:
    """What a run of requests took. Times in milliseconds."""

    times: list[float] = field(default_factory=list)
    first_bytes: list[float] = field(default_factory=list)
    seconds: float = 0.0
    size: int = 0
    failures: int = 0

    @property
    def median(self) -> float:
        """The median time."""
        return _median(self.times)

    @property
    def first_byte(self) -> float:
        """The median time until the answer began."""
        return _median(self.first_bytes)

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.times) / self.seconds if self.seconds else 0.0


def _median(times: list[float]) -> float:
    return sorted(times)[len(times) // 2] if times else 0.0


async def run(
    url: str, method: str, body: bytes | None, headers: dict[str, str], *, clients: int, requests: int, seconds: float
) -> Measure:
    """Send the same request over `clients` connections, `requests` times or until `seconds` are over."""
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body is not None:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    raw = "".join([f"{line}\r\n" for line in (*lines, "")]).encode() + (body or b"")
    measure, left = Measure(), [requests]
    started = time.perf_counter()
    assert parts.hostname is not None
    assert parts.port is not None
    sending = [
        _client(parts.hostname, parts.port, raw, measure, left, started + seconds, bodiless=method == "HEAD")
        for _ in range(clients)
    ]
    await asyncio.gather(*sending)
    measure.seconds = time.perf_counter() - started
    return measure


async def _client(
    host: str, port: int, raw: bytes, measure: Measure, left: list[int], end: float, *, bodiless: bool
) -> None:
    reader, writer = await asyncio.open_connection(host, port, limit=2**24)
    began = False
    while left[0] > 0 and not (began and time.perf_counter() > end):
        began = True
        left[0] -= 1
        started = time.perf_counter()
        writer.write(raw)
        head = await reader.readuntil(b"\r\n\r\n")
        measure.first_bytes.append((time.perf_counter() - started) * 1000)
        unchanged = head.startswith(b"HTTP/1.1 304")
        size = 0 if bodiless or unchanged else await _body(reader, head.lower())
        measure.times.append((time.perf_counter() - started) * 1000)
        measure.size = size
        measure.failures += not (unchanged or head.startswith(b"HTTP/1.1 2"))
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
