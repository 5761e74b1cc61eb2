"""The floor of the feed: a Granian application that sends one event to all who listen, and does nothing else.

`python -m bench.sending PORT` serves it; bench/feed.py asks it. `/listen` is a stream, `/tell` sends and answers with
the milliseconds of processor time that it took, those of Granian's threads after the last send too.
"""

import asyncio
import json
import sys
import time
from typing import Any

_EVENT = b"id: 0\nevent: shot:update\ndata: {%s}\n\n" % (b"x" * 400)
_listeners: dict[int, Any] = {}


async def application(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    is_listening = scope["path"] == "/listen"
    body = b": listening\n\n" if is_listening else json.dumps(await _tell()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body, "more_body": is_listening})
    if is_listening:
        _listeners[id(send)] = send
        while (await receive())["type"] != "http.disconnect":
            pass
        del _listeners[id(send)]


async def _tell() -> float:
    begun = time.process_time()
    for send in list(_listeners.values()):
        await send({"type": "http.response.body", "body": _EVENT, "more_body": True})
    await asyncio.sleep(0.5)  # until it is written to the sockets
    return (time.process_time() - begun) * 1000


if __name__ == "__main__":
    from granian import Granian
    from granian.constants import Interfaces, Loops

    Granian(
        "bench.sending:application",
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        port=int(sys.argv[1]),
        backpressure=4000,
    ).serve()
