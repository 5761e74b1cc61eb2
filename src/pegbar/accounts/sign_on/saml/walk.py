"""The steps of a trial with a SAML provider, up to where a person signs in."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

from cryptography import x509

from pegbar.accounts.sign_on.providers import Saml
from pegbar.accounts.sign_on.refusals import ProviderAway
from pegbar.accounts.sign_on.saml.service import Service, built, consumer, entity_id, missing, read_metadata, threads
from pegbar.accounts.sign_on.walks import Step, of_plain


async def walk(provider: Saml) -> AsyncIterator[Step]:
    """Is what SAML needs installed, is its metadata there and right; what is to be registered."""
    if lack := missing():
        yield Step("Programs", failure=lack, advice="Install it, then begin again.")
        return
    where = provider.metadata_url or provider.metadata_file
    try:
        metadata = await read_metadata(provider)
        service = await threads().run(None, built, provider, metadata)
    except ProviderAway as failure:
        yield Step("Metadata", failure=failure.message, advice=f"{where} must be the provider's SAML 2.0 metadata.")
        return
    names = (f"entity id: {service.idp}", f"people sign in at: {service.sign_in_at}")
    yield Step("Metadata", (*names, *_certificates(service), *of_plain(provider.metadata_url)))
    registered = (
        f"entity id (audience): {entity_id(provider)}",
        f"assertion consumer service (reply address, HTTP-POST): {consumer(provider)}",
        f"or the metadata itself: {consumer(provider).removesuffix('sso')}metadata",
        f"NameID: {'any' if provider.email_attribute else 'the e-mail address'}; assertions signed, not encrypted",
    )
    yield Step("To be registered at the provider", registered)


def _certificates(service: Service) -> tuple[str, ...]:
    """How long the provider's certificates last, a line each.

    Signatures are checked with the key whatever the date: providers leave old dates on keys that are good.
    """
    bodies = [body for _, body in service.client.metadata.certs(service.idp, "any", "signing")]
    told = []
    for body in bodies:
        text = "".join(str(body).split())
        pem = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
        try:
            until = x509.load_pem_x509_certificate(pem.encode()).not_valid_after_utc
        except ValueError:
            told.append("a certificate that cannot be read")
            continue
        told.append(f"certificate until {until:%Y-%m-%d}{'' if until > datetime.now(UTC) else ', which is over'}")
    return tuple(told)
