"""`pegbar sso`: the providers that people sign in with, looked at and tried out by whoever runs the server."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from getpass import getpass
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.text import Text

from pegbar.cli import UserError, app, out
from pegbar.cli.place import Place, with_database

sso = App(name="sso", help="Look at the providers of single sign-on, and try them out.")
app.command(sso)

#: Seconds between two looks at whether somebody has signed in.
_LOOK = 1.0


def _providers(name: str | None) -> list[Any]:
    """The provider of a name, or all. Raises UserError."""
    from pegbar.accounts.sign_on.providers import sign_on
    from pegbar.config import settings

    rows = [row for row in sign_on() if name in (None, row.name)]
    if rows:
        return rows
    known = ", ".join(row.name for row in sign_on())
    if name is not None and known:
        raise UserError(f"No provider is named {name!r}. There are: {known}.")
    raise UserError(
        f"No provider is set up: neither by SAML_ENABLED, OIDC_ENABLED or AUTH_STRATEGY=auth_remote_ldap, nor in "
        f"{settings().sign_on_path}. docs/single-sign-on.md tells what to enter where."
    )


@sso.command
def check(place: Place | None = None) -> None:
    """List the providers, with the addresses to register at them. Nothing is asked of them."""
    from pegbar.accounts.sign_on.oidc.flow import redirect_uri
    from pegbar.accounts.sign_on.providers import Oidc, Saml, protocol_of
    from pegbar.accounts.sign_on.saml import service

    (place or Place()).settle()
    rows = _providers(None)
    for row in rows:
        out.print(Text.assemble((row.name, "bold"), f"  {protocol_of(row)}", f"  {row.label}" if row.label else ""))
        lines = [f"directory: {row.host}:{row.port}"] if not isinstance(row, Oidc | Saml) else []
        if isinstance(row, Oidc):
            lines = [f"redirect address: {redirect_uri(row)}"]
        elif isinstance(row, Saml):
            lines = [f"entity id: {service.entity_id(row)}", f"assertion consumer service: {service.consumer(row)}"]
        for line in lines:
            out.print(f"    {line}", markup=False)
    _check_file()
    if any(isinstance(row, Saml) for row in rows) and (lack := service.missing()):
        raise UserError(lack)


def _check_file() -> None:
    """Say so when others may read what is secret."""
    from pegbar.config import settings

    path = settings().sign_on_path
    if os.name == "posix" and path.exists() and path.stat().st_mode & 0o004 and "client_secret" in path.read_text():
        out.print(f"\nEvery user of this machine may read {path}: chmod 600, or keep secrets in files of their own.")


@sso.command(name="test")
def try_out(
    provider: str | None = None,
    /,
    place: Place | None = None,
    *,
    sign_in: Annotated[
        bool,
        Parameter(help="Go on to a sign-in: an address to open, and what would come of it.", negative="--no-sign-in"),
    ] = True,
    wait: Annotated[float, Parameter(help="Minutes to wait for it.")] = 10,
    login: Annotated[
        str | None, Parameter(help="Directories: whose sign-in to try (PEGBAR_DIRECTORY_PASSWORD, or asked).")
    ] = None,
) -> None:
    """Walk a sign-in, step by step, and say which step fails and what to change. Nothing is changed here.

    PROVIDER is the name of one of `pegbar sso check`; the first unless given. The server itself must run for the last
    steps: the provider sends people back to it.
    """
    from pegbar.accounts.sign_on.providers import Ldap

    (place or Place()).settle()
    chosen = _providers(provider)[0]
    if login is not None and not isinstance(chosen, Ldap):
        raise UserError(
            f"{chosen.name} is no directory: people sign in there themselves, at the address that is printed."
        )
    password = os.environ.get("PEGBAR_DIRECTORY_PASSWORD") or getpass(f"Password of {login}: ") if login else ""
    asyncio.run(_walk(chosen))
    if isinstance(chosen, Ldap):
        if login:
            with_database(place, lambda db: _walk_of(db, chosen, login, password))
    elif sign_in:
        asyncio.run(_see_server(chosen))
        with_database(place, lambda db: _wait_for_sign_in(db, chosen, wait * 60))


def _steps(provider: Any) -> AsyncIterator[Any]:
    from pegbar.accounts.sign_on.providers import Oidc, Saml

    if isinstance(provider, Oidc):
        from pegbar.accounts.sign_on.oidc.walk import walk as of_oidc

        return of_oidc(provider)
    if isinstance(provider, Saml):
        from pegbar.accounts.sign_on.saml.walk import walk as of_saml

        return of_saml(provider)
    from pegbar.accounts.sign_on.ldap.walk import walk as of_directory

    return of_directory(provider)


async def _walk(provider: Any) -> None:
    out.print(Text.assemble("Trying ", (provider.title, "bold")))
    async for step in _steps(provider):
        _tell(step)


async def _walk_of(db: Any, directory: Any, login: str, password: str) -> None:
    from pegbar.accounts.sign_on.ldap.walk import walk_of

    async for step in walk_of(db, directory, login, password):
        _tell(step)


def _tell(step: Any) -> None:
    """Print a step. Raises UserError for one that failed."""
    _heading(step.title, not step.failure)
    for line in step.told:
        out.print(f"    {line}", markup=False)
    if step.failure:
        raise UserError(f"{step.title}: {step.failure}\n{step.advice}".rstrip())


def _heading(title: str, good: bool) -> None:
    out.print(Text.assemble(("ok  " if good else "no  ", "green" if good else "red"), title))


def _address(provider: Any) -> str:
    from pegbar.accounts.sign_on.providers import protocol_of

    return f"/api/auth/{protocol_of(provider)}/{provider.name}/login"


async def _see_server(provider: Any) -> None:
    """Is the server there under its public address, and does it know the provider."""
    import msgspec

    from pegbar.accounts.sign_on.fetching import fetch
    from pegbar.accounts.sign_on.refusals import ProviderAway
    from pegbar.accounts.sign_on.walks import Step
    from pegbar.config import settings

    root, title = settings().public_url, "This server"
    advice = (
        "DOMAIN_PROTOCOL and DOMAIN_NAME say under which address people reach it; the proxy there must pass /api on to "
        "it. They must be set here as for the server."
    )
    try:
        answer = await fetch(provider, f"{root}/api/config")
        document = msgspec.json.decode(answer.body, type=dict[str, Any])
        ways: Any = document.get("sign_on", [])
        known = [way.get("url") for way in ways]
    except (ProviderAway, msgspec.DecodeError, AttributeError, TypeError):
        _tell(Step(title, failure=f"it does not answer at {root}/api/config", advice=advice))
        return
    if _address(provider) not in known:
        failure = f"the one that answers at {root} does not know this provider"
        _tell(Step(title, failure=failure, advice="Start it again, with the settings that this command has."))
    _tell(Step(title, (f"answers at {root}, and knows the provider",)))


async def _wait_for_sign_in(db: Any, provider: Any, patience: float) -> None:
    """Wait for somebody to sign in, and tell what would come of it."""
    from pegbar.accounts.sign_on import trials
    from pegbar.config import settings

    trial = await trials.begin(db)
    out.print("\nOpen this address in a browser and sign in; it opens no session here:\n")
    out.print(f"  {settings().public_url}{_address(provider)}?trial={trial}\n", markup=False)
    until = time.monotonic() + min(patience, trials.LIFETIME.total_seconds())
    while (done := await trials.outcome(db, trial)) is None:
        if time.monotonic() > until:
            raise UserError(
                "Nobody came back. Where the provider showed an error, compare what is registered there; where this "
                "server did, the page says why."
            )
        await asyncio.sleep(_LOOK)
    _tell_outcome(done)


def _tell_outcome(done: dict[str, Any]) -> None:
    import msgspec

    if "said" in done:
        _heading("What the provider says", True)
        said: dict[str, Any] = msgspec.json.decode(done["said"])
        for name, value in said.items():
            out.print(f"    {name}: {msgspec.json.encode(value).decode()}", markup=False)
    if "failure" in done:
        _heading("The person" if "said" in done else "The provider's answer", False)
        raise UserError(done["failure"])
    _heading("What would come of it", True)
    for line in done["outcome"]:
        out.print(f"    {line}", markup=False)


@sso.command
def forget(email: str, /, place: Place | None = None) -> None:
    """Free somebody from the identities they are bound to: the next sign-in binds them anew, by their address."""
    from pegbar.accounts.administration import person_of
    from pegbar.accounts.sign_on import persons

    async def run(db: Any) -> None:
        async with db.transaction() as tx:
            await persons.forget(tx, (await person_of(tx, email))["id"])

    with_database(place, run)
    out.print(f"{email} is bound to no identity now.", markup=False)
