"""The floor: the thinnest Granian and asyncpg handlers that run the same SQL as Pegbar and send as many bytes.

No routing, no tokens, no access rules: what is left is what the server, the driver and PostgreSQL cost by themselves.
`python -m bench.floor PORT` serves the statements that the file BENCH_STATEMENTS holds (bench/recording.py).
"""

import os
import pickle
import sys
from pathlib import Path
from typing import Any

import asyncpg

#: path -> [(SQL, its arguments)]
STATEMENTS: dict[str, list[tuple[str, list[Any]]]] = {}
POOLS: list[asyncpg.Pool] = []


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        await receive()
        pool = await asyncpg.create_pool(
            os.environ["DATABASE_URL"], min_size=2, max_size=10, max_cacheable_statement_size=0,
            server_settings={"jit": "off"},
        )  # fmt: skip
        POOLS.append(pool)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await pool.close()
        await send({"type": "lifespan.shutdown.complete"})
        return
    query = scope["query_string"].decode()
    parts = []
    for sql, arguments in STATEMENTS[scope["path"] + (f"?{query}" if query else "")]:
        rows = await POOLS[0].fetch(sql, *arguments)
        parts += [row[0] if isinstance(row[0], str) else str(row[0]) for row in rows]
    body = ("[" + ",".join(parts) + "]").encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def create() -> Any:
    """The application of a worker."""
    STATEMENTS.update(pickle.loads(Path(os.environ["BENCH_STATEMENTS"]).read_bytes()))
    return app


def main() -> None:
    """Serve."""
    from granian import Granian
    from granian.constants import Interfaces, Loops

    Granian(
        "bench.floor:create", factory=True, address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.ASGI,
        loop=Loops.uvloop, workers=1, log_enabled=False,
    ).serve()  # fmt: skip


if __name__ == "__main__":
    main()
