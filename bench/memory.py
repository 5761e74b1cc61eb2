"""Memory while boards stream: many clients at once, some of them slow."""

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

#: A slow client reads this many bytes a second.
_SLOW = 4 * 2**20


@dataclass
class Streamed:
    """What a client got."""

    size: int = 0
    seconds: float = 0.0
    first: float = 0.0
    whole: bool = False


def resident(pid: int) -> float:
    """The largest resident memory of the API's processes, in MB."""
    root = psutil.Process(pid)
    sizes = [0.0]
    for process in [root, *root.children(recursive=True)]:
        try:
            if process.name() not in ("postgres", "pegbar worker"):
                sizes.append(process.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return max(sizes) / 2**20


async def stream(url: str, token: str, *, slow: bool) -> Streamed:
    """Read an answer to its end, without keeping it."""
    parts = urlsplit(url)
    got, started = Streamed(), time.perf_counter()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**16)
    target = f"{parts.path}?{parts.query}"
    lines = (f"GET {target} HTTP/1.1", f"Host: {parts.netloc}", f"Authorization: Bearer {token}", "Connection: close")
    writer.write("".join([f"{line}\r\n" for line in (*lines, "")]).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    got.first = time.perf_counter() - started
    tail = b""
    while piece := await reader.read(2**16):
        got.size += len(piece)
        tail = (tail + piece)[-8:]
        if slow:
            await asyncio.sleep(len(piece) / _SLOW)
    got.whole = tail.endswith(b"0\r\n\r\n") or b"content-length" in head.lower()
    got.seconds = time.perf_counter() - started
    writer.close()
    return got


async def measure(pid: int, url: str, token: str, *, clients: int, slow: int) -> tuple[float, list[Streamed]]:
    """The most memory that the API took while `clients` read the answer at once, `slow` of them slowly."""
    most, done = resident(pid), asyncio.Event()

    async def watch() -> None:
        nonlocal most
        while not done.is_set():
            most = max(most, resident(pid))
            await asyncio.sleep(0.05)

    watching = asyncio.create_task(watch())
    got = await asyncio.gather(*[stream(url, token, slow=i < slow) for i in range(clients)])
    done.set()
    await watching
    return most, list(got)
