"""Sign-ins that whoever runs the server tries out: they go all the way, open no session and change nothing.

The command makes a trial and waits; the address that it prints begins a sign-in of it in any browser; what came of it
is kept for the command alone, under the trial's secret.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog

from pegbar.accounts import one_time
from pegbar.accounts.sign_on.persons import Identity, settle
from pegbar.accounts.sign_on.providers import Provider
from pegbar.accounts.sign_on.refusals import SignOnRefused
from pegbar.accounts.sign_on.walks import outcome_of
from pegbar.core.data.database import Database

log = structlog.get_logger()

_OPEN, _DONE = "sign-on-trial", "sign-on-outcome"
LIFETIME = timedelta(minutes=15)

#: Told instead of a session.
PAGE = "The sign-in was tried out, and you are not signed in. What came of it is in the terminal that printed the address."


async def begin(db: Database) -> str:
    """The secret of a new trial."""
    trial = secrets.token_urlsafe(32)
    async with db.transaction() as tx:
        await one_time.keep(tx, _OPEN, None, trial, LIFETIME)
    return trial


async def check(db: Database, trial: str) -> None:
    """Refuse a sign-in of a trial that nobody waits for. Raises SignOnRefused."""
    if not await one_time.is_good(db, [_OPEN], None, trial):
        raise SignOnRefused("Nobody waits for this trial any more: begin it again with pegbar sso test.")


async def outcome(db: Database, trial: str) -> dict[str, Any] | None:
    """What came of a trial, once; None as long as nothing did."""
    async with db.transaction() as tx:
        done = await one_time.use(tx, [_DONE], None, trial)
        if done is not None:
            await one_time.use(tx, [_OPEN], None, trial)
    return done


async def run(
    db: Database, trial: str, provider: Provider, arrive: Callable[[], Awaitable[tuple[Identity, Mapping[str, Any]]]]
) -> SignOnRefused:
    """Try a sign-in out, and keep what came of it; what is told to the browser."""
    told: dict[str, Any] = {"step": "provider"}
    try:
        identity, told["claims"] = await arrive()
        told["step"] = "person"
        told["outcome"] = await _would_be(db, provider, identity)
        told["step"] = ""
    except SignOnRefused as refusal:
        told["failure"] = refusal.message
    async with db.transaction() as tx:
        await one_time.keep(tx, _DONE, None, trial, LIFETIME, **told)
    return SignOnRefused(PAGE, status=200)


class _Undone(Exception):
    """Ends a transaction that keeps nothing."""


async def _would_be(db: Database, provider: Provider, identity: Identity) -> tuple[str, ...]:
    """What the sign-in would make of somebody."""
    lines: tuple[str, ...] = ()
    try:
        async with db.transaction() as tx:
            lines = outcome_of(await settle(tx, provider, identity))
            raise _Undone  # noqa: TRY301 - a dry run is one that is rolled back
    except _Undone:
        return lines
