"""How often secrets may be guessed: by the address that guesses, and at the account that is guessed at.

An address has so many failed attempts in a minute. What is guessed at (a name typed at the sign-in, whether somebody
has it or not; the secrets of somebody signed in) is closed for a while after five wrong guesses: for an address that
the person signed in from before by its own count, for all other addresses by one count together. So the answers tell
nobody who has an account, a thousand addresses have no more guesses than one, and a stranger's do not keep the owner
out.

Counts are kept by place, a keyed hash: the table holds no names, and has no more rows than there are places.
Source: spec accounts, "Login flow" (lockout).
"""

import hmac
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    Executable,
    Integer,
    Select,
    Text,
    and_,
    any_,
    case,
    delete,
    exists,
    false,
    func,
    literal,
    select,
    text,
    true,
)

from pegbar.accounts import queries
from pegbar.accounts.addresses import AnyRequest, client_address, network_of
from pegbar.accounts.tables import failed_attempt, failed_guess, known_address, person
from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.errors import TooManyRequests

#: Wrong guesses in a row that close a place.
ATTEMPTS = 5
#: Places that counts are kept by.
_PLACES = 2**22
#: Without a wrong guess for so long, a place starts anew (as _COUNT_GUESS has it).
FORGOTTEN_AFTER = timedelta(hours=1)
#: How many addresses are remembered of a person, and how long since they last signed in from one.
_KNOWN_ADDRESSES, KNOWN_FOR = 20, timedelta(days=90)

_NOW = func.timezone("utc", func.now())
_SECONDS_LEFT = "ceil(extract(epoch FROM locked_until - timezone('utc', now())))::int"


def _state(who: Select[Any]) -> Executable:
    """A person, if there is one, with the wrong guesses so far: of the address, and at the place that counts for it."""
    person = who.subquery("who").lateral()
    known = known_address.c.person_id.is_not(None)
    place = case((known, param("here", Integer)), else_=param("elsewhere", Integer))
    of_them = (known_address.c.person_id == person.c.id) & (known_address.c.address == param("address", Text))
    of_the_minute = and_(
        failed_attempt.c.address == param("network", Text),
        failed_attempt.c.minute == func.date_trunc("minute", _NOW),
    )
    source = (
        select(literal(1).label("one"))
        .subquery("one")
        .outerjoin(person, true())
        .outerjoin(known_address, of_them)
        .outerjoin(failed_guess, failed_guess.c.place == place)
        .outerjoin(failed_attempt, of_the_minute)
    )
    return select(
        person,
        known.label("is_known_address"),
        (known_address.c.seen_at > _NOW - text("interval '1 day'")).label("seen_today"),
        case((failed_guess.c.locked_until > _NOW, text(_SECONDS_LEFT))).label("closed_for"),
        failed_attempt.c.attempts,
    ).select_from(source)


_AT_SIGN_IN = _state(queries.person_to_sign_in)
_OF_PERSON = _state(queries.person_by_id)
_OF_NOBODY = _state(select(person.c.id).where(false()))

_ATTEMPTS_OF_ADDRESS = select(failed_attempt.c.attempts).where(
    failed_attempt.c.address == param("network", Text),
    failed_attempt.c.minute == func.date_trunc("minute", _NOW),
)
_ADD_ATTEMPT = """
    INSERT INTO pegbar.failed_attempt (address, minute, attempts)
    SELECT :network, date_trunc('minute', timezone('utc', now())), 1 WHERE :is_limited
    ON CONFLICT (address, minute) DO UPDATE SET attempts = failed_attempt.attempts + 1
    RETURNING attempts
"""
_PARAMETERS = (param("network", Text), param("is_limited"))
_COUNT_ATTEMPT = text(_ADD_ATTEMPT).bindparams(*_PARAMETERS)

#: One statement, so that guesses made at the same time are all counted; none at a closed place. A place closes for a
#: minute, the next time for two, at most for fifteen, and starts anew after an hour without a wrong guess.
_COUNT_GUESS = text(
    f"""
    WITH counted AS (
      INSERT INTO pegbar.failed_guess AS f (place, failures, locks, last_failed)
      VALUES (:place, 1, 0, timezone('utc', now()))
      ON CONFLICT (place) DO UPDATE
         SET failures = CASE WHEN f.failures >= {ATTEMPTS} OR f.last_failed < excluded.last_failed - interval '1 hour'
                             THEN 1 ELSE f.failures + 1 END,
             locks = CASE WHEN f.last_failed < excluded.last_failed - interval '1 hour' THEN 0
                          WHEN f.failures = {ATTEMPTS - 1} THEN least(f.locks + 1, 8) ELSE f.locks END,
             locked_until = CASE WHEN f.failures = {ATTEMPTS - 1}
                                      AND f.last_failed >= excluded.last_failed - interval '1 hour'
                                 THEN excluded.last_failed + least(2 ^ f.locks, 15) * interval '1 minute' END,
             last_failed = excluded.last_failed
       WHERE f.locked_until IS NULL OR f.locked_until <= excluded.last_failed
      RETURNING 1),
    attempt AS ({_ADD_ATTEMPT})
    SELECT EXISTS (SELECT 1 FROM counted) AS was_open, (SELECT attempts FROM attempt) AS attempts,
           (SELECT {_SECONDS_LEFT} FROM pegbar.failed_guess WHERE place = :place) AS closed_for
    """  # noqa: S608
).bindparams(param("place", Integer), *_PARAMETERS)

_PLACE = failed_guess.c.place == param("place", Integer)
#: Waits for guesses that are being counted.
_HELD = (
    select(case((failed_guess.c.locked_until > _NOW, text(_SECONDS_LEFT))).label("closed_for"))
    .where(_PLACE)
    .with_for_update()
)
_FORGET = delete(failed_guess).where(failed_guess.c.place == any_(param("places", ARRAY(Integer))))

_REMEMBER = sql(
    f"""
    WITH remembered AS (
      INSERT INTO pegbar.known_address (person_id, address, seen_at)
      VALUES (:person_id, :address, timezone('utc', now()))
      ON CONFLICT (person_id, address) DO UPDATE SET seen_at = excluded.seen_at)
    DELETE FROM pegbar.known_address WHERE person_id = :person_id AND address IN (
      SELECT address FROM pegbar.known_address WHERE person_id = :person_id AND address <> :address
       ORDER BY seen_at DESC OFFSET {_KNOWN_ADDRESSES - 1})
    """,  # noqa: S608
    address=Text,
)
_IS_KNOWN = select(
    exists().where(
        known_address.c.person_id == param("person_id"),
        known_address.c.address == param("address", Text),
    )
)
_KNOWN = select(known_address.c.address).where(known_address.c.person_id == param("person_id"))


def _digest(*parts: str) -> bytes:
    message = "\0".join(parts).encode(errors="surrogatepass")
    return hmac.digest(settings().secret_key.encode(), message, "sha256")


def _place(*parts: str) -> int:
    return int.from_bytes(_digest("failed-guess", *parts)[:4]) % _PLACES


def _name(identifier: str) -> str:
    """A name as it is counted: coarser than any comparison of names, so that no other spelling is counted apart."""
    folded = unicodedata.normalize("NFKD", identifier.strip().casefold()).casefold()
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


@dataclass(frozen=True)
class Target:
    """What an attempt guesses at."""

    place: int
    #: The person, when there is one.
    who: asyncpg.Record | None
    #: Seconds until the next guess; None while the place is open.
    closed_for: int | None
    #: Whether the person signed in from this address before.
    is_known_address: bool
    #: Whether that was within a day.
    seen_today: bool


class Guesses:
    """The attempts of one request, counted over all processes."""

    def __init__(self, db: Database, request: AnyRequest) -> None:
        self.db, self._limit = db, settings().login_rate_limit
        self.network = network_of(request)
        #: The address as it is remembered; nothing when it is not certain: nobody signed in from there before.
        self.address = _digest("known-address", self.network).hex() if client_address(request) else ""

    async def check(self) -> None:
        """Raise TooManyRequests when the address has used up its attempts."""
        if self._limit:
            self._refuse_beyond(await self.db.value(_ATTEMPTS_OF_ADDRESS, network=self.network), self._limit - 1)

    async def failed(self) -> None:
        """Count a failed attempt of the address alone. Raises TooManyRequests when it is one too many."""
        if self._limit:
            self._refuse_beyond(await self.db.value(_COUNT_ATTEMPT, network=self.network, is_limited=True), self._limit)

    async def at_sign_in(self, identifier: str) -> Target:
        """What somebody guesses at who types this name. Raises TooManyRequests as `check` does."""
        return await self._target(_AT_SIGN_IN, ("sign-in", _name(identifier)), identifier=identifier.strip())

    async def of_person(self, person_id: UUID) -> Target:
        """The secrets that somebody signed in is asked for again. Raises TooManyRequests as `check` does."""
        return await self._target(_OF_PERSON, ("signed-in", str(person_id)), person_id=person_id)

    async def of_secret(self, kind: str, name: str) -> Target:
        """A secret that is nobody's own, such as the password of a link. Raises TooManyRequests as `check` does."""
        return await self._target(_OF_NOBODY, (kind, name))

    async def _target(self, statement: Executable, subject: tuple[str, str], **key: Any) -> Target:
        here, elsewhere = _place(*subject, self.address), _place(*subject)
        state = await self.db.row(
            statement, here=here, elsewhere=elsewhere, address=self.address, network=self.network, **key
        )
        assert state is not None
        if self._limit:
            self._refuse_beyond(state["attempts"], self._limit - 1)
        return Target(
            place=here if state["is_known_address"] else elsewhere,
            who=state if state["id"] is not None else None,
            closed_for=state["closed_for"],
            is_known_address=state["is_known_address"],
            seen_today=bool(state["seen_today"]),
        )

    async def wrong(self, target: Target) -> int | None:
        """Count a wrong guess, of the address too; how many seconds the place is closed for, None when it was open.

        Raises TooManyRequests when it is one too many of the address.
        """
        counted = await self.db.row(
            _COUNT_GUESS, place=target.place, network=self.network, is_limited=bool(self._limit)
        )
        assert counted is not None
        if self._limit:
            self._refuse_beyond(counted["attempts"], self._limit)
        return None if counted["was_open"] else max(counted["closed_for"] or 0, 1)

    async def right(self, tx: Transaction, target: Target) -> int | None:
        """Forget the wrong guesses after a right one; how many seconds the place is closed for, if it was meanwhile."""
        held = await tx.row(_HELD, place=target.place)
        if held is None:
            return None
        closed_for: int | None = held["closed_for"]
        if closed_for is None:
            await tx.execute(_FORGET, places=[target.place])
        return closed_for

    async def remember(self, tx: Transaction, person_id: UUID) -> None:
        """Remember that somebody proved at this address who they are."""
        if self.address:
            await tx.execute(_REMEMBER, person_id=person_id, address=self.address)

    @staticmethod
    def _refuse_beyond(attempts: int | None, most: int) -> None:
        if attempts is None or attempts <= most:
            return
        # Gazu takes a 429 for a success unless `login` is false (spec clients).
        error = TooManyRequests(
            "Too many failed attempts from this address. Wait a minute, then try again.", login=False
        )
        error.headers["retry-after"] = "60"
        raise error


async def is_known(db: Database, person_id: UUID, address: str) -> bool:
    """Whether somebody signed in from an address, as it is remembered, before."""
    return bool(await db.value(_IS_KNOWN, person_id=person_id, address=address))


async def let_in_again(tx: Transaction, person_id: UUID, names: Iterable[str | None]) -> None:
    """Forget the wrong guesses at these names of a person, and at what they are asked for again when signed in."""
    addresses = await tx.column(_KNOWN, person_id=person_id)
    subjects = [("sign-in", _name(name)) for name in names if name] + [("signed-in", str(person_id))]
    places = [_place(*subject) for subject in subjects]
    places += [_place(*subject, address) for subject in subjects for address in addresses]
    await tx.execute(_FORGET, places=places)
