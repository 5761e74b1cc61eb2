"""The form of a SAML answer, judged before anything of it is believed, and the one assertion that may be believed.

A signature says that an element is the provider's, not that it is the element that is read: answers that hold more
than one assertion, an id twice, or a signature elsewhere than in what it signs are refused whatever the signature.
Source: SAML core 5.4; issue "Single sign-on" (wrapped signatures).
"""

import base64
import binascii
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

#: Bytes and elements of an answer: a thousand groups fit, and what is hostile costs a second at the most.
LONGEST = 256 * 1024
_MOST_ELEMENTS, _DEEPEST = 2_500, 40

_PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"

#: How signatures and digests are made that nobody forges today.
_SIGNATURES = frozenset(
    f"http://www.w3.org/2001/04/xmldsig-more#{name}"
    for name in ("rsa-sha256", "rsa-sha384", "rsa-sha512", "ecdsa-sha256", "ecdsa-sha384", "ecdsa-sha512")
)
_DIGESTS = frozenset(
    {
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmldsig-more#sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512",
    }
)


class Malformed(Exception):
    """An answer that is none, or of a form that is refused; the message says why."""


@dataclass(frozen=True)
class Envelope:
    """What is known of an answer before its signature is checked; none of it is to be believed."""

    #: The request that it says it answers.
    in_response_to: str
    destination: str
    assertion_id: str


def decoded(field: str, *, deflated: bool = False) -> bytes:
    """The XML of a `SAMLResponse`, of a form or, deflated, of an address. Raises Malformed."""
    if not field:
        raise Malformed("it holds no SAMLResponse")
    if len(field) > LONGEST * 4 // 3 + 4:
        raise Malformed("it is too long")
    try:
        content = base64.b64decode("".join(field.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("it is not base64") from None
    if not deflated:
        return content
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        content = inflating.decompress(content, LONGEST)
    except zlib.error:
        raise Malformed("it is not deflated") from None
    if inflating.unconsumed_tail or not inflating.eof:
        raise Malformed("it is too long, or not whole")
    return content


def judged(xml: bytes) -> Envelope:
    """The envelope of an answer of the form that is taken: one response, one signed assertion. Raises Malformed."""
    response = _parsed(xml)
    if response.tag != f"{_PROTOCOL}Response":
        raise Malformed("it is no SAML response")
    _check_status(response)
    elements = list(_bounded(response))
    ids = [value for element in elements for name, value in element.attrib.items() if name.lower() == "id"]
    if len(set(ids)) != len(ids):
        raise Malformed("two of its elements have the same id")
    if any(element.tag == f"{_ASSERTION}EncryptedAssertion" for element in elements):
        raise Malformed("its assertion is encrypted: let the provider sign it and send it plain, over HTTPS")
    assertions = [element for element in elements if element.tag == f"{_ASSERTION}Assertion"]
    if len(assertions) != 1 or assertions[0] not in list(response):
        raise Malformed("it does not hold one assertion")
    _check_signatures(elements, response, assertions[0])
    return Envelope(
        in_response_to=response.get("InResponseTo", ""),
        destination=response.get("Destination", ""),
        assertion_id=assertions[0].get("ID", ""),
    )


def _parsed(xml: bytes) -> Element:
    try:
        root: Element = fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise Malformed("it is not XML, or declares entities") from None
    return root


def _bounded(root: Element) -> Iterator[Element]:
    """All elements. Raises Malformed beyond so many, or so deep."""
    level, depth, count = [root], 0, 0
    while level:
        depth, count = depth + 1, count + len(level)
        if depth > _DEEPEST or count > _MOST_ELEMENTS:
            raise Malformed("it holds too much")
        yield from level
        level = [child for element in level for child in element]


def _check_status(response: Element) -> None:
    code = response.find(f"{_PROTOCOL}Status/{_PROTOCOL}StatusCode")
    value = "" if code is None else code.get("Value", "")
    if value != _SUCCESS:
        text = response.findtext(f"{_PROTOCOL}Status/{_PROTOCOL}StatusMessage") or ""
        inner = None if code is None else code.find(f"{_PROTOCOL}StatusCode")
        reason = " ".join(text.split()) or (value if inner is None else inner.get("Value", "")).rpartition(":")[2]
        raise Malformed(f"the provider did not sign you in: {reason[:200]}")


def _check_signatures(elements: list[Element], response: Element, assertion: Element) -> None:
    """Refuse signatures of anything but the response and the assertion that they stand in, and weak ones."""
    signatures = [element for element in elements if element.tag == f"{_DSIG}Signature"]
    owners = {id(child): owner for owner in (response, assertion) for child in owner if child in signatures}
    if any(id(signature) not in owners for signature in signatures):
        raise Malformed("it holds a signature where none belongs")
    if sum(owner is assertion for owner in owners.values()) != 1:
        raise Malformed("its assertion is not signed")
    for signature in signatures:
        _check_signature(signature, owners[id(signature)])


def _check_signature(signature: Element, owner: Element) -> None:
    references = signature.findall(f".//{_DSIG}Reference")
    if len(references) != 1 or not owner.get("ID") or references[0].get("URI") != f"#{owner.get('ID')}":
        raise Malformed("a signature is not of the element that it stands in")
    method = signature.find(f"{_DSIG}SignedInfo/{_DSIG}SignatureMethod")
    digest = references[0].find(f"{_DSIG}DigestMethod")
    if method is None or method.get("Algorithm") not in _SIGNATURES:
        raise Malformed("it is signed in a way that is not taken: RSA or ECDSA with SHA-256 or more")
    if digest is None or digest.get("Algorithm") not in _DIGESTS:
        raise Malformed("its digest is one that is not taken: SHA-256 or more")
