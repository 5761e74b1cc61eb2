"""What `pegbar sso test` tries of a provider, one step after the other: each says what it found or what to change.

A walk is an async generator of steps (`oidc/walk.py`, `saml/walk.py`, `ldap/walk.py`) and ends with its first failure.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pegbar.accounts.sign_on.persons import Settled


@dataclass(frozen=True)
class Step:
    """One thing that was tried."""

    title: str
    #: What was found, a line each.
    told: tuple[str, ...] = ()
    #: What went wrong; nothing when it went right.
    failure: str = ""
    #: What to change then.
    advice: str = ""


#: The steps with a provider, of the protocol's own.
Walk = Callable[[Any], AsyncIterator[Step]]


def of_plain(address: str) -> tuple[str, ...]:
    """What is to be said of an address that is asked without HTTPS."""
    plain = address.startswith("http://")
    return ("it is asked without HTTPS: whoever stands between may pass for the provider",) if plain else ()


def outcome_of(settled: Settled) -> tuple[str, ...]:
    """What a sign-in would make of somebody, a line each."""
    who = settled.person
    name = " ".join(part for part in (who["first_name"], who["last_name"]) if part)
    lines = [
        f"{name or 'nameless'} <{who['email']}>, {who['role']}{'' if who['active'] is not False else ', inactive'}"
    ]
    if settled.created:
        lines.append("a new account would be made")
    if settled.bound:
        lines.append("the account would be bound to this identity")
    for column, (before, after) in sorted(settled.changes.items()):
        lines.append(f"{column}: {_shown(before)} -> {_shown(after)}")
    if settled.unknown_departments:
        lines.append(f"departments that are not here: {', '.join(settled.unknown_departments)}")
    return tuple(lines)


def _shown(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value)) or "none"
    return "nothing" if value in (None, "") else str(value)
