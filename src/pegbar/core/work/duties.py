"""Duties: what a job worker does all the time, besides its jobs.

    @duty("open.webhooks")
    async def deliver(db: Database) -> None: ...

Every worker of every node has all of them: where it matters they agree in the database who does what. A duty that fails
is begun again.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from pegbar.core.data.database import Database
from pegbar.core.data.faults import answer_to

log = structlog.get_logger()

Duty = Callable[[Database], Awaitable[None]]

#: Every duty declared, by name.
declared: dict[str, Duty] = {}

_LONGEST_DELAY = 30.0


def duty(name: str) -> Callable[[Duty], Duty]:
    """Declare a coroutine that runs until it is cancelled."""
    assert name not in declared, f"{name} is declared twice"

    def declare(function: Duty) -> Duty:
        declared[name] = function
        return function

    return declare


async def attend(db: Database) -> None:
    """Do all duties, until cancelled."""
    async with asyncio.TaskGroup() as group:
        for name, function in declared.items():
            group.create_task(_attend_one(db, name, function))


async def _attend_one(db: Database, name: str, function: Duty) -> None:
    delay = 0.5
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await function(db)
        except Exception as error:
            if answer_to(error) is None:
                log.error("a duty failed and is begun again", duty=name, exc_info=error)
            else:
                log.warning("a duty waits for the database", duty=name, error=str(error))
        if asyncio.get_running_loop().time() - started > 2 * _LONGEST_DELAY:
            delay = 0.5
        await asyncio.sleep(delay)
        delay = min(delay * 2, _LONGEST_DELAY)
