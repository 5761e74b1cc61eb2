"""What this server is to a SAML provider, and what it knows of the provider: pysaml2, set up for one of them.

pysaml2 is an extra (`pegbar[saml]`) and needs the program xmlsec1. It blocks and reads XML of others: it runs in two
threads of its own, and few wait for them.
"""

import asyncio
import logging
import shutil
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from defusedxml.ElementTree import fromstring

from pegbar.accounts.sign_on import fetching
from pegbar.accounts.sign_on.fetching import Kept
from pegbar.accounts.sign_on.providers import Saml
from pegbar.accounts.sign_on.refusals import ProviderAway, SignOnRefused
from pegbar.accounts.threads import Threads
from pegbar.config import settings

_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
_ENTITY = "{urn:oasis:names:tc:SAML:2.0:metadata}EntityDescriptor"
_IDP = "{urn:oasis:names:tc:SAML:2.0:metadata}IDPSSODescriptor"
_SERVICE = "{urn:oasis:names:tc:SAML:2.0:metadata}SingleSignOnService"

#: Seconds that clocks may differ.
_LEEWAY = 60
_THREADS, _WAITING = 2, 40


def missing() -> str:
    """What SAML lacks on this machine, and how to get it; nothing when it is there."""
    if find_spec("saml2") is None:
        return "SAML needs the Python package pysaml2: pip install 'pegbar[saml]'"
    if shutil.which("xmlsec1") is None:
        return "SAML needs the program xmlsec1: apt-get install xmlsec1 (dnf install xmlsec1, brew install libxmlsec1)"
    return ""


# Addresses


def _base(provider: Saml) -> str:
    own = "" if provider.name == "saml" else f"{provider.name}/"
    return f"{settings().public_url}/api/auth/saml/{own}"


def entity_id(provider: Saml) -> str:
    """What this server is called at the provider."""
    return provider.entity_id or f"{_base(provider)}login"


def consumer(provider: Saml) -> str:
    """Where the provider sends its answers: the assertion consumer service."""
    return f"{_base(provider)}sso"


# The library


@cache
def threads() -> Threads:
    """The threads of this process that pysaml2 runs in."""
    return Threads("saml", _THREADS, _THREADS + _WAITING)


class _Nobody:
    """Keeps nobody: the library would remember whoever signed in, in this process and for ever."""

    def add_information_about_person(self, session_info: dict[str, Any]) -> None:
        """Forget it."""


@dataclass(frozen=True)
class Service:
    """This server at one provider."""

    provider: Saml
    client: Any
    #: The provider's entity id.
    idp: str
    #: Where people are sent.
    sign_in_at: str


def _settings(provider: Saml) -> dict[str, Any]:
    consuming = [(consumer(provider), _POST), (consumer(provider), _REDIRECT)]
    at_service = {
        "endpoints": {"assertion_consumer_service": consuming},
        # Whether an answer was asked for is judged by us: attempts are kept in the database.
        "allow_unsolicited": True,
        "authn_requests_signed": False,
        "want_assertions_signed": True,
        "want_response_signed": False,
    }
    if not provider.email_attribute:
        at_service["name_id_format"] = [_EMAIL_FORMAT]
    return {
        "entityid": entity_id(provider),
        "service": {"sp": at_service},
        "allow_unknown_attributes": True,
        "accepted_time_diff": _LEEWAY,
        "xmlsec_binary": shutil.which("xmlsec1"),
        "name": "Pegbar",
    }


def described(provider: Saml) -> bytes:
    """The metadata of this server for the provider. Blocks."""
    from saml2.config import SPConfig
    from saml2.metadata import entity_descriptor

    descriptor = entity_descriptor(SPConfig().load(_settings(provider)))
    descriptor.extensions = None  # all that xmlsec1 can do, old digests too; what is taken is less (structure.py)
    return str(descriptor).encode()


def built(provider: Saml, metadata: bytes) -> Service:
    """The service that a provider's metadata makes. Blocks. Raises ProviderAway saying what is wrong with it."""
    from saml2.client import Saml2Client
    from saml2.config import SPConfig

    # It logs whole answers, which are as good as passwords for a while; what matters of them is logged by us.
    logging.getLogger("saml2").setLevel(logging.CRITICAL + 1)
    where = provider.metadata_url or provider.metadata_file
    try:
        root = fromstring(metadata, forbid_dtd=True)
        entities = [entity for entity in root.iter(_ENTITY) if entity.find(_IDP) is not None]
    except Exception as error:
        raise ProviderAway(f"{provider.title}: {where} is not SAML metadata: {error}.") from None
    if len(entities) != 1:
        raise ProviderAway(f"{provider.title}: {where} describes {len(entities)} identity providers instead of one.")
    services = entities[0].findall(f"{_IDP}/{_SERVICE}")
    redirects = [service.get("Location", "") for service in services if service.get("Binding") == _REDIRECT]
    if not redirects or not redirects[0].startswith(("https://", "http://")):
        raise ProviderAway(f"{provider.title}: {where} names no address for the HTTP-Redirect binding.")
    try:
        config = SPConfig().load({**_settings(provider), "metadata": {"inline": [metadata.decode()]}})
        client = Saml2Client(config=config)
        client.users = _Nobody()
        if not client.metadata.certs(entities[0].get("entityID"), "any", "signing"):
            raise ValueError("it holds no certificate to check signatures with")
    except Exception as error:
        raise ProviderAway(f"{provider.title}: {where} cannot be used: {' '.join(str(error).split())}.") from None
    return Service(provider, client, str(entities[0].get("entityID")), redirects[0])


async def read_metadata(provider: Saml) -> bytes:
    """The metadata of a provider. Raises ProviderAway."""
    if provider.metadata_url:
        answer = await fetching.fetch(provider, provider.metadata_url)
        if answer.status != 200:
            raise ProviderAway(f"{provider.title}: {provider.metadata_url} answers {answer.status}.")
        return answer.body
    try:
        return await asyncio.to_thread(Path(provider.metadata_file).read_bytes)
    except OSError as error:
        raise ProviderAway(f"{provider.title}: {provider.metadata_file}: {error.strerror}.") from None


_services: dict[str, tuple[Saml, Kept[Service]]] = {}


def service_of(provider: Saml) -> Kept[Service]:
    """What this process knows of a provider. Raises SignOnRefused when SAML lacks something here."""
    if lack := missing():
        raise SignOnRefused(lack)
    known = _services.get(provider.name)
    if known is not None and known[0] == provider:
        return known[1]

    async def read() -> Service:
        metadata = await read_metadata(provider)
        return await threads().run(None, built, provider, metadata)

    kept = Kept(read)
    _services[provider.name] = (provider, kept)
    return kept
