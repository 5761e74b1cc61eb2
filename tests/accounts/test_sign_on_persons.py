"""Whom an identity is: found, bound, made, changed, refused. One place for SAML, OIDC and directories."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest

from pegbar.accounts.sign_on.groups import read_mapping
from pegbar.accounts.sign_on.persons import Identity, Settled, forget, settle
from pegbar.accounts.sign_on.providers import Oidc, Provider
from pegbar.accounts.sign_on.refusals import SignOnRefused
from pegbar.config import settings
from pegbar.core.data.database import Database, Transaction
from tests.accounts.people import artist, stored
from tests.client import Client, unique
from tests.server import Server

T = TypeVar("T")
ISSUER = "https://idp.example"


def provider(**more: Any) -> Oidc:
    urls = {"discovery_url": f"{ISSUER}/.well-known/openid-configuration", "client_id": "pegbar"}
    return Oidc(name="idp", label="Studio login", **urls, **more)


def address() -> str:
    return f"{unique('lee').replace(' ', '.')}@studio.example"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Settings as this process sees them."""

    def give(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()

    yield give
    monkeypatch.undo()
    settings.cache_clear()


class Here:
    """The accounts of the server, from inside."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        async def connected() -> T:
            database = Database(self.server.database_url, size=1, streams=1)
            await database.open()
            try:
                return await database.write(None, work)
            finally:
                await database.close()

        return asyncio.run(connected())

    def settle(self, at: Provider | None = None, **identity: Any) -> Settled:
        who = Identity(**{"protocol": "oidc", "issuer": ISSUER, "email": None, **identity})
        return self.run(lambda tx: settle(tx, at or provider(), who))

    def refused(self, words: str, at: Provider | None = None, **identity: Any) -> None:
        with pytest.raises(SignOnRefused, match=re.escape(words)):
            self.settle(at, **identity)


@pytest.fixture
def here(server: Server) -> Here:
    return Here(server)


def test_somebody_new_is_made_once_and_is_the_same_by_the_subject(here: Here, admin: Client) -> None:
    email, subject = address(), unique("sub")
    first = here.settle(subject=subject, email=email.upper(), first_name="Lee\x00", last_name="Ufan", country="kr")
    assert (first.created, first.bound) == (True, True)
    person_id = str(first.person["id"])
    row = admin.ok_get(f"/data/persons/{person_id}")
    kept = {name: row[name] for name in ("email", "first_name", "last_name", "country", "role", "active")}
    assert kept == {
        "email": email,
        "first_name": "Lee",
        "last_name": "Ufan",
        "country": "KR",
        "role": "user",
        "active": True,
    }
    # By the subject alone, whatever the address says; it changes what changed and tells it once.
    moved = address()
    again = here.settle(subject=subject, email=moved, first_name="Lee", last_name="Ufan")
    assert (again.created, again.bound, str(again.person["id"])) == (False, False, person_id)
    assert again.changes == {"email": (email, moved)}
    events = "SELECT name FROM api_event WHERE data ->> 'person_id' = %s ORDER BY created_at"
    assert stored(here.server, events, person_id) == [("person:new",), ("person:update",)]
    unchanged = here.settle(subject=subject, email=moved)
    assert not unchanged.changes
    assert len(stored(here.server, events, person_id)) == 2


def test_an_address_binds_and_what_is_bound_stays(here: Here, admin: Client) -> None:
    person_id, email = artist(admin)
    subject = unique("sub")
    assert here.settle(subject=subject, email=email).bound
    here.refused("belongs to somebody else", subject=unique("sub"), email=email)
    # Another provider binds them as well, and both keep knowing them by the subject.
    other = here.settle(subject=unique("sub"), email=email, issuer="https://other.example")
    assert str(other.person["id"]) == person_id
    assert str(here.settle(subject=subject).person["id"]) == person_id
    here.refused("belongs to somebody else", subject=unique("sub"), email=email)
    here.run(lambda tx: forget(tx, other.person["id"]))
    assert here.settle(subject=unique("sub"), email=email).bound


def test_an_identity_of_kitsus_own_columns_is_known(here: Here, admin: Client) -> None:
    person_id, email = artist(admin)
    subject = unique("sub")
    query = "UPDATE person SET oidc_issuer = %s, oidc_subject = %s WHERE id = %s RETURNING id"
    stored(here.server, query, ISSUER, subject, person_id)
    assert str(here.settle(subject=subject, email=address()).person["id"]) == person_id
    here.refused("somebody else", subject=unique("sub"), email=here.settle(subject=subject).person["email"])
    assert email != here.settle(subject=subject).person["email"]


def test_no_address_or_one_that_nobody_vouches_for_finds_nobody(here: Here, admin: Client) -> None:
    _, email = artist(admin)
    here.refused("tells no e-mail address", subject=unique("sub"))
    here.refused("tells no e-mail address", subject=unique("sub"), email="not an address")
    here.refused("has not verified", subject=unique("sub"), email=email, email_verified=False)
    outside = provider(email_domains=("@Studio.example",))
    here.refused("no address of this studio", outside, subject=unique("sub"), email="lee@elsewhere.example")
    assert here.settle(outside, subject=unique("sub"), email=address()).created
    # Nor does it change the address of somebody known, nor takes it somebody else's.
    subject = unique("sub")
    mine = here.settle(subject=subject, email=address()).person["email"]
    assert here.settle(subject=subject, email=address(), email_verified=False).person["email"] == mine
    assert here.settle(subject=subject, email=email).person["email"] == mine
    here.refused("in a way that cannot be kept", subject="s" * 256, email=address())


def test_bots_guests_and_protected_accounts_are_nobody_to_bind(
    here: Here, admin: Client, environment: Callable[..., None]
) -> None:
    bot = admin.ok_post("/data/persons", {"first_name": "Bot", "last_name": "", "is_bot": True, "email": address()})
    made = here.settle(subject=unique("sub"), email=bot["email"])
    assert made.created
    assert str(made.person["id"]) != bot["id"]
    guest_id, guest = artist(admin, "client")
    stored(here.server, "UPDATE person SET is_guest = true WHERE id = %s RETURNING id", guest_id)
    here.refused("is not one that signs in", subject=unique("sub"), email=guest)
    person_id, boss = artist(admin, "admin")
    subject = unique("sub")
    here.settle(subject=subject, email=boss)
    environment(PROTECTED_ACCOUNTS=boss)
    here.refused("is protected", subject=unique("sub"), email=boss, issuer="https://other.example")
    # Bound before, they sign in; but no group makes less of them, and nobody takes their address.
    demoting = provider(mapping=read_mapping({"all": {"role": "client"}}))
    after = here.settle(demoting, subject=subject, email=address(), groups=("all",), active=False).person
    assert (str(after["id"]), after["email"], after["role"], after["active"]) == (person_id, boss, "admin", True)


def test_groups_give_roles_and_departments_and_leave_what_is_not_theirs(here: Here, admin: Client) -> None:
    layout, light, own = (
        admin.ok_post("/data/departments", {"name": unique(name), "color": "#000000"})["name"]
        for name in ("Layout", "Light", "Own")
    )
    grants = {"layout": {"departments": [layout]}, "light": {"departments": [light, "Nowhere"], "role": "supervisor"}}
    mapped = provider(mapping=read_mapping(grants))
    subject = unique("sub")
    made = here.settle(mapped, subject=subject, email=address(), groups=("light",))
    assert (made.person["role"], made.changes["departments"]) == ("supervisor", ((), (light,)))
    assert made.unknown_departments == ("nowhere",)
    by_name = {row["name"]: row["id"] for row in admin.ok_get("/data/departments")}
    admin.ok_post(f"/actions/persons/{made.person['id']}/departments/add", {"department_id": by_name[own]})
    moved = here.settle(mapped, subject=subject, groups=("layout",))
    assert moved.changes["departments"] == (tuple(sorted((light, own))), tuple(sorted((layout, own))))
    # A provider that says nothing of groups, or groups that mean nothing here, leave everything.
    assert not here.settle(mapped, subject=subject).changes
    assert not here.settle(mapped, subject=subject, groups=("unknown",)).changes
    exact = here.settle(subject=subject, departments=(by_name[light], own.upper()))
    assert exact.changes["departments"][1] == tuple(sorted((light, own)))


def test_a_seat_must_be_free_and_a_provider_may_make_nobody(
    here: Here, admin: Client, environment: Callable[..., None]
) -> None:
    email = address()
    here.refused("A studio manager adds people", provider(create=False), subject=unique("sub"), email=email)
    environment(USER_LIMIT="1")
    here.refused("User limit reached", subject=unique("sub"), email=email)
    assert stored(here.server, "SELECT count(*) FROM person WHERE email = %s", email) == [(0,)]
    person_id, known = artist(admin)
    assert str(here.settle(subject=unique("sub"), email=known).person["id"]) == person_id


def test_two_first_sign_ins_at_once_make_one_person(here: Here) -> None:
    email, subject = address(), unique("sub")
    who = Identity(protocol="oidc", issuer=ISSUER, subject=subject, email=email)

    async def both() -> list[Settled]:
        database = Database(here.server.database_url, size=2, streams=1)
        await database.open()
        try:
            work = [database.write(None, lambda tx: settle(tx, provider(), who)) for _ in range(2)]
            return await asyncio.gather(*work)
        finally:
            await database.close()

    one, two = asyncio.run(both())
    assert one.person["id"] == two.person["id"]
    assert {one.created, two.created} == {True, False}
