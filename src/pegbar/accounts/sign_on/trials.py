"""Sign-ins that whoever runs the server tries out: they go all the way, open no session and change nothing.

The command makes a trial and waits; the address that it prints begins a sign-in of it in any browser; what came of it
is kept for the command alone, under the trial's secret.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import msgspec

from pegbar.accounts import one_time
from pegbar.accounts.sign_on.pages import page
from pegbar.accounts.sign_on.persons import Identity, settle
from pegbar.accounts.sign_on.providers import Provider
from pegbar.accounts.sign_on.refusals import SignOnRefused
from pegbar.accounts.sign_on.walks import outcome_of
from pegbar.core.data.database import Database
from pegbar.core.http.routing import Reply

_OPEN, _DONE = "sign-on-trial", "sign-on-outcome"
LIFETIME = timedelta(minutes=15)

_TOLD = "You are not signed in: this was a trial. What came of it is in the terminal that printed the address."

#: Who comes back from a provider, and all that it says of them. Raises SignOnRefused.
Arrive = Callable[[], Awaitable[tuple[Identity, Mapping[str, Any]]]]


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


async def run(db: Database, trial: str, provider: Provider, arrive: Arrive) -> Reply:
    """Try a sign-in out, and keep what came of it for the command; the page that the browser shows."""
    told: dict[str, Any] = {}
    try:
        identity, said = await arrive()
        # As text: what a provider says may hold what no JSON of the database does.
        told["said"] = msgspec.json.encode(said).decode()
        told["outcome"] = await _would_be(db, provider, identity)
    except SignOnRefused as refusal:
        told["failure"] = refusal.message
    async with db.transaction() as tx:
        await one_time.keep(tx, _DONE, None, trial, LIFETIME, **told)
    return page("Tried out", _TOLD, 200)


class _Undone(Exception):
    """Ends a transaction that keeps nothing."""


async def _would_be(db: Database, provider: Provider, identity: Identity) -> tuple[str, ...]:
    """What the sign-in would make of somebody."""
    lines: tuple[str, ...] = ()
    try:
        async with db.transaction() as tx:
            lines = outcome_of(await settle(tx, provider, identity))
            raise _Undone
    except _Undone:
        return lines
