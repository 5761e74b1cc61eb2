"""Routes of single sign-on. Source: spec accounts, 6 and the operations under /auth/saml and /auth/oidc.

The addresses without a name are of the first provider, or of the one that `?provider=` names; those with a name are
what is registered at the provider of that name.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from pegbar.accounts.addresses import AnyRequest
from pegbar.accounts.guesses import Guesses
from pegbar.accounts.resources import persons
from pegbar.accounts.sign_on import attempts, trials
from pegbar.accounts.sign_on.arriving import answered, let_in
from pegbar.accounts.sign_on.attempts import Attempt
from pegbar.accounts.sign_on.oidc import flow as oidc
from pegbar.accounts.sign_on.pages import PRIVATE
from pegbar.accounts.sign_on.persons import Identity
from pegbar.accounts.sign_on.providers import Oidc, Saml, sign_on
from pegbar.accounts.sign_on.refusals import ProviderAway, SignOnRefused
from pegbar.accounts.sign_on.saml import flow as saml
from pegbar.accounts.sign_on.saml import service, structure
from pegbar.accounts.sign_on.trials import Arrive
from pegbar.core.data.database import Database
from pegbar.core.http.access import anyone
from pegbar.core.http.body import url_encoded
from pegbar.core.http.routing import Reply, get, post

_ERRORS = (400, 429)
_EVENTS = (persons.events["new"], persons.events["update"])
#: What a form holds at most: the answer, in base64 and with its signs escaped.
_LONGEST_FORM = structure.LONGEST * 3
_STALE = "This sign-in was not begun in this browser, or it was ended before, or it took too long. Begin it again."


class Trial(msgspec.Struct):
    """Whether the sign-in is one that whoever runs the server tries out: its secret (`pegbar sso test`)."""

    trial: str = ""


class Chosen(Trial):
    """Which provider, by its name; the first unless given."""

    provider: str = ""


def _provider(kind: type[Any], protocol: str, name: str) -> Any:
    provider = sign_on().of(kind, name or None)
    if provider is None and name and sign_on().of(kind) is not None:
        raise SignOnRefused(f"No {protocol} provider is named {name!r}.")
    if provider is None:
        raise SignOnRefused(f"{protocol} is not enabled.")
    return provider


def oidc_provider(name: str = "") -> Oidc:
    """The OpenID Connect provider of a name. Raises SignOnRefused."""
    provider: Oidc = _provider(Oidc, "OIDC", name)
    return provider


def saml_provider(name: str = "") -> Saml:
    """The SAML provider of a name. Raises SignOnRefused."""
    provider: Saml = _provider(Saml, "SAML", name)
    return provider


# OpenID Connect


class Returned(msgspec.Struct):
    """What the provider sends people back with: a code, or why there is none."""

    state: str = ""
    code: str = ""
    error: str = ""
    error_description: str = ""
    #: Who answers (RFC 9207).
    iss: str = ""


async def _begin(
    db: Database, request: AnyRequest, known: Callable[[str], Oidc | Saml], name: str, trial: str
) -> Reply:
    """Send somebody to the provider; of a trial, when somebody waits for it."""
    provider = known(name)
    await Guesses(db, request).check()
    if trial:
        await trials.check(db, trial)
    attempt = attempts.begun(request, trial)
    where = await (oidc.address(provider, attempt) if isinstance(provider, Oidc) else saml.address(provider, attempt))
    async with db.transaction() as tx:
        await attempts.keep(tx, provider, attempt)
    return Reply(b"", status=302, headers={"location": where, **PRIVATE}, cookies=[attempts.cookie(attempt)])


async def _ended(db: Database, request: AnyRequest, provider: Oidc | Saml, handle: str) -> Attempt:
    """The attempt that this browser began, used up. Raises SignOnRefused when there is none."""
    async with db.transaction() as tx:
        attempt = await attempts.end(tx, provider, request, handle)
    if attempt is None:
        await Guesses(db, request).failed()
        raise SignOnRefused(_STALE)
    return attempt


async def _concluded(
    db: Database, request: AnyRequest, provider: Oidc | Saml, attempt: Attempt | None, arrive: Arrive
) -> Reply:
    """A session for whoever arrives; of a trial, what would come of it."""
    if attempt is not None and attempt.trial:
        return await trials.run(db, attempt.trial, provider, arrive)
    identity, _ = await arrive()
    return await let_in(db, request, provider, identity)


async def _end_oidc(db: Database, request: AnyRequest, name: str, query: Returned) -> Reply:
    provider = oidc_provider(name)
    await Guesses(db, request).check()
    attempt = await _ended(db, request, provider, query.state)

    async def arrive() -> tuple[Identity, Mapping[str, Any]]:
        if query.error or not query.code:
            reason = query.error_description or query.error or "it gave no code"
            raise SignOnRefused(f"{provider.title} did not sign you in: {reason[:300]}")
        return await oidc.arrived(provider, attempt, query.code, query.iss)

    return await _concluded(db, request, provider, attempt, arrive)


@get("/auth/oidc/login", access=anyone, status=302, errors=_ERRORS)
async def begin_oidc(db: Database, request: AnyRequest, query: Chosen) -> Reply:
    """Begin an OpenID Connect sign-in: to the provider.

    Refusals are 400 `{"error": str}`, or a page for browsers.
    """
    return await answered(request, _begin(db, request, oidc_provider, query.provider, query.trial))


@get("/auth/oidc/{provider_name:str}/login", access=anyone, status=302, errors=_ERRORS)
async def begin_named_oidc(db: Database, request: AnyRequest, provider_name: str, query: Trial) -> Reply:
    """Begin an OpenID Connect sign-in at the provider of this name."""
    return await answered(request, _begin(db, request, oidc_provider, provider_name, query.trial))


@get("/auth/oidc/callback", access=anyone, status=302, errors=_ERRORS, events=_EVENTS)
async def end_oidc(db: Database, request: AnyRequest, query: Returned) -> Reply:
    """End an OpenID Connect sign-in: session cookies, and to the web UI.

    Refusals are 400 `{"error": str}`, or a page for browsers: an attempt that is unknown, a code or an id token that
    is not good, an address that is not verified, an account that is somebody else's.
    """
    return await answered(request, _end_oidc(db, request, "oidc", query))


@get("/auth/oidc/{provider_name:str}/callback", access=anyone, status=302, errors=_ERRORS, events=_EVENTS)
async def end_named_oidc(db: Database, request: AnyRequest, provider_name: str, query: Returned) -> Reply:
    """End an OpenID Connect sign-in at the provider of this name."""
    return await answered(request, _end_oidc(db, request, provider_name, query))


# SAML


class Deflated(msgspec.Struct):
    """An answer in an address."""

    SAMLResponse: str = ""


async def _end_saml(db: Database, request: AnyRequest, name: str, field: str, *, deflated: bool = False) -> Reply:
    provider = saml_provider(name)
    guesses = Guesses(db, request)
    await guesses.check()
    try:
        arrival = await saml.received(provider, field, guesses.network, deflated=deflated)
    except SignOnRefused:
        await guesses.failed()
        raise
    asked = bool(arrival.envelope.in_response_to)
    attempt = await _ended(db, request, provider, arrival.handle) if asked else None

    async def arrive() -> tuple[Identity, Mapping[str, Any]]:
        try:
            identity, attributes = await saml.arrived(provider, arrival, guesses.network)
        except ProviderAway:
            raise
        except SignOnRefused:
            await guesses.failed()
            raise
        async with db.transaction() as tx:
            if await attempts.is_first(tx, provider, arrival.envelope.assertion_id, saml.SEEN_FOR):
                return identity, attributes
        await guesses.failed()
        raise SignOnRefused(_STALE)

    return await _concluded(db, request, provider, attempt, arrive)


async def _form_answer(request: AnyRequest) -> str:
    """The answer in a form."""
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > _LONGEST_FORM:
        raise SignOnRefused(f"A form with SAMLResponse is expected, of at most {_LONGEST_FORM} bytes.")
    return dict(await url_encoded(request)).get("SAMLResponse", "")


@get("/auth/saml/login", access=anyone, status=302, errors=_ERRORS)
async def begin_saml(db: Database, request: AnyRequest, query: Chosen) -> Reply:
    """Begin a SAML sign-in: to the provider. Refusals are 400 `{"error": str}`, or a page for browsers."""
    return await answered(request, _begin(db, request, saml_provider, query.provider, query.trial))


@get("/auth/saml/{provider_name:str}/login", access=anyone, status=302, errors=_ERRORS)
async def begin_named_saml(db: Database, request: AnyRequest, provider_name: str, query: Trial) -> Reply:
    """Begin a SAML sign-in at the provider of this name."""
    return await answered(request, _begin(db, request, saml_provider, provider_name, query.trial))


async def _posted(db: Database, request: AnyRequest, name: str) -> Reply:
    saml_provider(name)
    return await _end_saml(db, request, name, await _form_answer(request))


@post("/auth/saml/sso", access=anyone, status=302, errors=_ERRORS, events=_EVENTS)
async def end_saml(db: Database, request: AnyRequest) -> Reply:
    """End a SAML sign-in, from the form field `SAMLResponse`: session cookies, and to the web UI.

    Refusals are 400 `{"error": str}`, or a page for browsers.
    """
    return await answered(request, _posted(db, request, "saml"))


@post("/auth/saml/{provider_name:str}/sso", access=anyone, status=302, errors=_ERRORS, events=_EVENTS)
async def end_named_saml(db: Database, request: AnyRequest, provider_name: str) -> Reply:
    """End a SAML sign-in at the provider of this name."""
    return await answered(request, _posted(db, request, provider_name))


@get("/auth/saml/sso", access=anyone, status=302, errors=_ERRORS, events=_EVENTS)
async def end_saml_by_address(db: Database, request: AnyRequest, query: Deflated) -> Reply:
    """End a SAML sign-in whose answer comes in the address, deflated."""
    return await answered(request, _end_saml(db, request, "saml", query.SAMLResponse, deflated=True))


@get("/auth/saml/{provider_name:str}/sso", access=anyone, status=302, errors=_ERRORS, events=_EVENTS)
async def end_named_saml_by_address(db: Database, request: AnyRequest, provider_name: str, query: Deflated) -> Reply:
    """End a SAML sign-in whose answer comes in the address, at the provider of this name."""
    return await answered(request, _end_saml(db, request, provider_name, query.SAMLResponse, deflated=True))


async def _metadata(name: str) -> Reply:
    provider = saml_provider(name)
    if lack := service.missing():
        raise SignOnRefused(lack)
    document = await service.threads().run(None, service.described, provider)
    return Reply(document, media_type="application/samlmetadata+xml")


@get("/auth/saml/metadata", access=anyone, errors=_ERRORS)
async def saml_metadata(request: AnyRequest, query: Chosen) -> Reply:
    """What a SAML provider is told of this server: its metadata, as XML."""
    return await answered(request, _metadata(query.provider))


@get("/auth/saml/{provider_name:str}/metadata", access=anyone, errors=_ERRORS)
async def named_saml_metadata(request: AnyRequest, provider_name: str) -> Reply:
    """What the SAML provider of this name is told of this server."""
    return await answered(request, _metadata(provider_name))
