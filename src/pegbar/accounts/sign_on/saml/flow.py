"""Sign-ins with SAML: where people are sent, and who comes back. Source: spec accounts, 6 (SAML)."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import structlog

from pegbar.accounts.sign_on.attempts import Attempt
from pegbar.accounts.sign_on.persons import Identity
from pegbar.accounts.sign_on.providers import Saml
from pegbar.accounts.sign_on.refusals import SignOnRefused
from pegbar.accounts.sign_on.saml import structure
from pegbar.accounts.sign_on.saml.service import Service, consumer, entity_id, service_of, threads
from pegbar.accounts.sign_on.saml.structure import Envelope, Malformed

log = structlog.get_logger()

#: An XML id begins with a letter.
_PREFIX = "id-"
_POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_LONGEST_REASON = 300
#: An answer counts as seen for longer than any is good.
SEEN_FOR = timedelta(days=2)

Attributes = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Arrival:
    """An answer of a form that is taken, and nothing of it believed yet."""

    xml: bytes
    envelope: Envelope

    @property
    def handle(self) -> str:
        """What names the attempt that it says it answers."""
        return self.envelope.in_response_to.removeprefix(_PREFIX)


async def address(provider: Saml, attempt: Attempt) -> str:
    """Where somebody signs in. Raises ProviderAway."""
    service = await service_of(provider).get()

    def work() -> str:
        _, request = service.client.create_authn_request(
            service.sign_in_at,
            binding=_POST,
            message_id=_PREFIX + attempt.handle,
            sign=False,
            nameid_format=None if not provider.email_attribute else "",
        )
        prepared = service.client.apply_binding(_REDIRECT, str(request), service.sign_in_at)
        return str(dict(prepared["headers"])["Location"])

    where = urlsplit(await threads().run(None, work))
    query = [(name, value) for name, value in parse_qsl(where.query) if name != "RelayState"]
    return urlunsplit(where._replace(query=urlencode(query)))


async def received(provider: Saml, field: str, client: str, *, deflated: bool) -> Arrival:
    """An answer that a client sent, judged by its form. Raises SignOnRefused."""

    def work() -> Arrival:
        xml = structure.decoded(field, deflated=deflated)
        return Arrival(xml, structure.judged(xml))

    try:
        arrival = await threads().run(client, work)
    except Malformed as reason:
        raise _refused(provider, str(reason)) from None
    if arrival.envelope.destination and arrival.envelope.destination != consumer(provider):
        raise _refused(provider, f"it was meant for {arrival.envelope.destination[:200]!r}")
    if not arrival.envelope.in_response_to and not provider.allow_unsolicited:
        raise _refused(provider, "it was not asked for")
    return arrival


async def arrived(provider: Saml, arrival: Arrival, client: str) -> tuple[Identity, Attributes]:
    """Who came back with an answer, and what it says, once its signature is found right. Raises SignOnRefused.

    The metadata is read again when it is not: providers change their keys.
    """
    kept = service_of(provider)
    service = await kept.get()
    try:
        return await threads().run(client, verified, service, arrival)
    except SignOnRefused:
        renewed = await kept.again()
        if renewed is service:
            raise
        return await threads().run(client, verified, renewed, arrival)


def verified(service: Service, arrival: Arrival) -> tuple[Identity, Attributes]:
    """The person whom an answer names, and its attributes, when it is the provider's, for us, and good now. Blocks.

    Raises SignOnRefused.
    """
    try:
        response = service.client.parse_authn_request_response(base64.b64encode(arrival.xml).decode(), _POST)
    except Exception as error:
        raise _refused(service.provider, _reason(error)) from None
    # The library answers None, or a response without an assertion, to some of what it refuses.
    assertion = None if response is None else response.assertion
    if assertion is None or response.name_id is None or assertion.id != arrival.envelope.assertion_id:
        raise _refused(service.provider, "it is not an answer to this server")
    _check_parties(service, assertion)
    _check_confirmation(service.provider, assertion, arrival)
    name_id, attributes = str(response.name_id.text or ""), _attributes(assertion)
    return identity_of(service.provider, service.idp, name_id, attributes), {"NameID": (name_id,), **attributes}


def _reason(error: Exception) -> str:
    """What the library says, without documents and addresses of memory."""
    words = " ".join(str(error).split()) or type(error).__name__
    known = {
        "SignatureError": "its signature is wrong",
        "MissingKey": "it is of another provider, or the metadata holds no key of this one",
        "ResponseLifetimeExceed": "it is too old; or the clocks of the servers differ",
        "ToEarly": "it is not good yet: the clocks of the servers differ",
    }
    return known.get(type(error).__name__, words[:_LONGEST_REASON])


def _check_parties(service: Service, assertion: Any) -> None:
    """Refuse what another says, or says to others."""
    issuer = "" if assertion.issuer is None else str(assertion.issuer.text or "").strip()
    if issuer != service.idp:
        raise _refused(service.provider, f"it is of {issuer[:200]!r}, not of {service.idp!r}")
    restrictions = [] if assertion.conditions is None else assertion.conditions.audience_restriction
    ours = entity_id(service.provider)
    audiences = [{str(item.text or "").strip() for item in row.audience} for row in restrictions]
    if not audiences or not all(ours in names for names in audiences):
        raise _refused(service.provider, f"it is not for {ours!r}")


def _check_confirmation(provider: Saml, assertion: Any, arrival: Arrival) -> None:
    """Refuse an assertion that its bearer may not bring here, now, in answer to what this browser asked."""
    confirmations = assertion.subject.subject_confirmation
    datas = [row.subject_confirmation_data for row in confirmations if row.method == _BEARER]
    if not datas or len(datas) != len(confirmations) or any(data is None for data in datas):
        raise _refused(provider, "its bearer may not use it")
    for data in datas:
        if data.recipient != consumer(provider):
            raise _refused(provider, f"it was meant for {str(data.recipient)[:200]!r}")
        if (data.in_response_to or "") != arrival.envelope.in_response_to:
            raise _refused(provider, "it answers another sign-in")
        if not data.not_on_or_after:
            raise _refused(provider, "it is good for ever")
    if not _is_of_today(str(assertion.issue_instant)):
        raise _refused(provider, "it is not of today")


def _is_of_today(moment: str) -> bool:
    """Whether an assertion is younger than its id is remembered."""
    try:
        issued = datetime.fromisoformat(moment)
    except ValueError:
        return False
    return abs(datetime.now(UTC) - (issued if issued.tzinfo else issued.replace(tzinfo=UTC))) < SEEN_FOR / 2


def _refused(provider: Saml, reason: str) -> SignOnRefused:
    return SignOnRefused(f"The answer of {provider.title} is refused: {reason}.")


# Attributes


def _attributes(assertion: Any) -> Attributes:
    """The attributes of an assertion, each by its name and by its friendly name."""
    attributes: Attributes = {}
    for statement in assertion.attribute_statement:
        for attribute in statement.attribute:
            values = tuple(str(value.text or "").strip() for value in attribute.attribute_value)
            for name in {attribute.name, attribute.friendly_name}:  # they may be the same
                if name:
                    attributes[name] = attributes.get(name, ()) + values
    return attributes


def identity_of(provider: Saml, issuer: str, name_id: str, attributes: Attributes) -> Identity:
    """The person that an assertion describes. Raises SignOnRefused when it lacks the attribute that names persons."""
    subject = ""
    if provider.subject_attribute:
        subject = _joined(attributes, provider.subject_attribute) or ""
        if not subject:
            raise _refused(provider, f"it has no attribute {provider.subject_attribute!r}")
    email = name_id.strip()
    if provider.email_attribute:
        email = next(iter(attributes.get(provider.email_attribute, ())), "")
    return Identity(
        protocol="saml",
        issuer=issuer,
        subject=subject,
        email=email,
        first_name=_joined(attributes, provider.first_name_attribute) or None,
        last_name=_joined(attributes, provider.last_name_attribute) or None,
        phone=_joined(attributes, provider.phone_attribute),
        country=_joined(attributes, provider.country_attribute),
        studio_id=_joined(attributes, provider.studio_attribute),
        departments=_list(attributes, provider.departments_attribute),
        groups=_list(attributes, provider.groups_attribute),
    )


def _joined(attributes: Attributes, name: str) -> str | None:
    values = attributes.get(name)
    return None if values is None else " ".join(values).strip()


def _list(attributes: Attributes, name: str) -> tuple[str, ...] | None:
    values = attributes.get(name)
    return None if values is None else tuple(value for value in values if value)
