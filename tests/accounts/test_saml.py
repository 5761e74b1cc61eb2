"""Signing in with SAML: at a real provider, and at one that forges."""

import asyncio
import base64
import re
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from pegbar.accounts.sign_on import attempts
from pegbar.accounts.sign_on.attempts import Attempt
from pegbar.accounts.sign_on.providers import Saml
from pegbar.accounts.sign_on.refusals import SignOnRefused
from pegbar.accounts.sign_on.saml import flow, service, structure
from pegbar.accounts.sign_on.saml.structure import Malformed
from pegbar.config import settings
from tests.accounts.people import artist, stored
from tests.accounts.providers import Assertion, Browser, Forger, Key, Real, encoded, needs_xmlsec, request_of
from tests.client import Client, unique
from tests.server import Server

NAME = "forged-saml"

pytestmark = needs_xmlsec


@pytest.fixture(autouse=True)
def keys(forger: Forger) -> Iterator[None]:
    kept = list(forger.keys)
    yield
    forger.keys = kept


def address() -> str:
    return f"{unique('lee').replace(' ', '.')}@studio.example"


def base(node: Server, name: str = NAME) -> str:
    return f"http://127.0.0.1:{node.port}/api/auth/saml/{name}"


def begin(node: Server, browser: requests.Session, name: str = NAME) -> str:
    """Begin a sign-in; the id of the request."""
    answer = browser.get(f"{base(node, name)}/login", allow_redirects=False, timeout=60)
    assert answer.status_code == 302, answer.text
    return request_of(answer.headers["location"])["ID"]


def right(node: Server, forger: Forger, request: str | None, name: str = NAME, email: str | None = None) -> Assertion:
    return Assertion(forger, f"{base(node, name)}/login", f"{base(node, name)}/sso", request, email or address())


def send(node: Server, browser: requests.Session, response: str, name: str = NAME) -> requests.Response:
    form = {"SAMLResponse": encoded(response), "RelayState": "https://evil.example"}
    headers = {"Accept": "*/*"}
    return browser.post(f"{base(node, name)}/sso", data=form, allow_redirects=False, timeout=60, headers=headers)


def refused(answer: requests.Response, words: str) -> None:
    assert answer.status_code == 400, (answer.status_code, answer.text)
    assert words in answer.json()["error"], answer.json()
    assert "set-cookie" not in answer.headers


def user_of(browser: requests.Session, node: Server) -> dict[str, Any]:
    user: dict[str, Any] = browser.get(f"{node.api}/auth/authenticated", timeout=60).json()["user"]
    return user


def test_a_real_provider_signs_people_in(signing_on: Server, real: Real) -> None:
    browser = Browser()
    answer = browser.sign_in(f"{base(signing_on, 'real-saml')}/login", "lee")
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"] == f"http://127.0.0.1:{signing_on.port}"
    user = user_of(browser, signing_on)
    assert (user["email"], user["role"]) == ("lee@studio.example", "manager")
    assert browser.get(f"{signing_on.api}/data/user/context", timeout=60).status_code == 403  # ENFORCE_2FA
    assert "lee@studio.example" not in signing_on.text()


def test_the_request_and_our_metadata_say_the_same(signing_on: Server, forger: Forger) -> None:
    answer = requests.get(f"{base(signing_on)}/login", allow_redirects=False, timeout=60)
    where = answer.headers["location"]
    assert where.startswith(f"{forger.url}/sso?tenant=1&SAMLRequest=")
    request = request_of(where)
    assert request["AssertionConsumerServiceURL"] == f"{base(signing_on)}/sso"
    assert request["Destination"] == f"{forger.url}/sso?tenant=1"
    metadata = requests.get(f"{base(signing_on)}/metadata", timeout=60)
    assert metadata.headers["content-type"] == "application/samlmetadata+xml"
    assert f'entityID="{base(signing_on)}/login"' in metadata.text
    assert f'Location="{base(signing_on)}/sso"' in metadata.text
    assert 'WantAssertionsSigned="true"' in metadata.text
    assert "sha1" not in metadata.text


def test_attributes_make_the_person_and_change_them(signing_on: Server, forger: Forger, admin: Client) -> None:
    department = admin.ok_post("/data/departments", {"name": unique("Comp"), "color": "#000000"})
    email = address()

    def sign_in(**attributes: list[str]) -> dict[str, Any]:
        browser = Browser()
        assertion = right(signing_on, forger, begin(signing_on, browser), email=email)
        assertion.attributes = attributes
        answer = send(signing_on, browser, assertion.response())
        assert answer.status_code == 302, answer.text
        assert answer.headers["location"] == f"http://127.0.0.1:{signing_on.port}"
        person: dict[str, Any] = admin.ok_get(f"/data/persons/{user_of(browser, signing_on)['id']}?relations=true")
        return person

    bare = sign_in()
    assert (bare["first_name"], bare["last_name"], bare["email"], bare["departments"]) == ("", "", email, [])
    full = sign_in(
        first_name=["Nam", "June"], last_name=["Paik"], phone=["1"], country=["kr"], departments=[department["name"]]
    )
    assert (full["id"], full["full_name"], full["phone"], full["country"]) == (bare["id"], "Nam June Paik", "1", "KR")
    assert full["departments"] == [department["id"]]
    assert sign_in(country=["Korea"], groups=["producers"])["country"] == "KR"
    last = sign_in(first_name=[""], country=[""], departments=[""])
    assert (last["first_name"], last["country"], last["departments"]) == ("Nam June", None, [])
    assert last["role"] == "manager"


def test_the_cookie_of_an_attempt_goes_with_the_post_of_another_site(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The provider's page posts the answer; with HTTPS nothing plain can set the cookie."""
    request.addfinalizer(settings.cache_clear)
    kept = r"-sign-on=b{43}; Path=/; Max-Age=900; HttpOnly"
    for protocol, pattern in (
        ("http", f"pegbar{kept}"),
        ("https", f"__Host-pegbar{kept}; Secure; SameSite=None"),
    ):
        monkeypatch.setenv("DOMAIN_PROTOCOL", protocol)
        settings.cache_clear()
        assert re.fullmatch(pattern, attempts.cookie(Attempt("b" * 43, "handle")))


def test_a_subject_binds_and_needs_its_attribute(signing_on: Server, forger: Forger, admin: Client) -> None:
    name = "by-subject"
    person_id, email = artist(admin)

    def sign_in(mail: str, uid: str | None) -> requests.Response:
        browser = Browser()
        assertion = right(signing_on, forger, begin(signing_on, browser, name), name, "a name that is no address")
        assertion.attributes = {"mail": [mail]} | ({"uid": [uid]} if uid else {})
        return send(signing_on, browser, assertion.response(), name)

    uid = uuid.uuid4().hex
    refused(sign_in(email, None), "has no attribute 'uid'")
    assert sign_in(email, uid).status_code == 302
    moved = address()
    assert sign_in(moved, uid).status_code == 302
    query = "SELECT email, saml_issuer, saml_subject FROM person WHERE id = %s"
    assert stored(signing_on, query, person_id) == [(moved, f"{forger.url}/idp", uid)]
    refused(sign_in(moved, uuid.uuid4().hex), "belongs to somebody else")
    # Not asked for: here it is not taken.
    assertion = right(signing_on, forger, None, name)
    refused(send(signing_on, Browser(), assertion.response(), name), "not asked for")


def test_an_answer_is_good_once_and_in_the_browser_that_asked(signing_on: Server, forger: Forger) -> None:
    browser = Browser()
    response = right(signing_on, forger, begin(signing_on, browser)).response()
    refused(send(signing_on, Browser(), response), "not begun in this browser")
    assert send(signing_on, browser, response).status_code == 302
    refused(send(signing_on, browser, response), "ended before")
    # What the provider's portal begins is taken once, too; and not with a request that was cut off.
    unasked = right(signing_on, forger, None).response()
    assert send(signing_on, Browser(), unasked).status_code == 302
    refused(send(signing_on, Browser(), unasked), "ended before")
    cut = right(signing_on, forger, begin(signing_on, browser))
    cut.request = None
    refused(send(signing_on, browser, cut.response()), "answers another sign-in")
    # Both of its processes, and any node, know what was used: the database does.
    rows = stored(signing_on, "SELECT count(*) FROM pegbar.one_time_secret WHERE kind = 'sign-on-seen'")
    assert rows[0][0] >= 2


def test_an_answer_may_come_deflated_in_the_address(signing_on: Server, forger: Forger) -> None:
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    response = right(signing_on, forger, None).response().encode()
    field = base64.b64encode(packing.compress(response) + packing.flush()).decode()
    where = f"{base(signing_on)}/sso"
    answer = requests.get(where, params={"SAMLResponse": field}, allow_redirects=False, timeout=60)
    assert answer.status_code == 302, answer.text
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    field = base64.b64encode(bomb.compress(b" " * 2**26) + bomb.flush()).decode()
    answer = requests.get(where, params={"SAMLResponse": field}, allow_redirects=False, timeout=60)
    assert answer.status_code in (400, 414, 431), answer.status_code


Change = Callable[[Assertion], None]


def changed(**values: Any) -> Change:
    def change(assertion: Assertion) -> None:
        for name, value in values.items():
            setattr(assertion, name, value)

    return change


def moved(**differences: timedelta) -> Change:
    def change(assertion: Assertion) -> None:
        for name, difference in differences.items():
            setattr(assertion, name, getattr(assertion, name) + difference)

    return change


OLD, DAY = -timedelta(hours=1), timedelta(days=1)
WRONG: dict[str, tuple[Change, str]] = {
    "another audience": (changed(audience="https://elsewhere.example"), ""),
    "no audience": (changed(audience=""), "it is not for"),
    "another destination": (changed(destination="https://elsewhere.example/sso"), "it was meant for"),
    "another recipient": (changed(recipient="https://elsewhere.example/sso"), ""),
    "another issuer": (changed(issuer="https://elsewhere.example"), "another provider"),
    "expired": (moved(until=OLD, not_before=OLD, issued=OLD), "too old"),
    "not yet valid": (moved(not_before=DAY / 2, until=DAY / 2), ""),
    "of last week": (moved(issued=-7 * DAY), ""),
    "another request": (changed(confirmed_request="id-other"), "answers another sign-in"),
    "not of the bearer": (changed(method="urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"), "its bearer"),
    "signed by a stranger": (changed(key=Key("stranger")), "signature is wrong"),
    "signed with SHA-1": (changed(algorithm="rsa-sha1", digest="sha1"), "signed in a way that is not taken"),
    "a sign-in that failed": (changed(status="urn:oasis:names:tc:SAML:2.0:status:Responder"), "did not sign you in"),
    "no address": (changed(email="nobody"), "tells no e-mail address"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_answer_that_is_wrong_is_refused(signing_on: Server, forger: Forger, case: str) -> None:
    browser, (change, words) = Browser(), WRONG[case]
    assertion = right(signing_on, forger, begin(signing_on, browser))
    change(assertion)
    refused(send(signing_on, browser, assertion.response()), words or "is refused")


def test_a_signature_is_of_what_is_read(signing_on: Server, forger: Forger) -> None:
    browser = Browser()

    def attempt(words: str, make: Callable[[Assertion], str]) -> None:
        refused(send(signing_on, browser, make(right(signing_on, forger, begin(signing_on, browser)))), words)

    def evil(assertion: Assertion, id_: str = "evil") -> str:
        kept = assertion.email, assertion.id
        assertion.email, assertion.id = "boss@studio.example", id_
        forged = assertion.unsigned()
        assertion.email, assertion.id = kept
        return forged

    attempt("not signed", lambda right: right.response(right.unsigned()))
    attempt(
        "signature is wrong", lambda right: right.response(right.signed().replace(right.email, "boss@studio.example"))
    )
    # The right assertion beside a forged one, before or behind it; within it; within its signature; in extensions.
    attempt("does not hold one assertion", lambda right: right.response(evil(right) + right.signed()))
    attempt("does not hold one assertion", lambda right: right.response(right.signed() + evil(right)))
    attempt(
        "does not hold one assertion",
        lambda right: right.response(evil(right).replace("</saml:Assertion>", right.signed() + "</saml:Assertion>")),
    )

    def in_signature(right: Assertion) -> str:
        signed = right.signed()
        signature = re.search(r"<ds:Signature.*</ds:Signature>", signed, re.DOTALL)
        assert signature is not None
        bare = signed.replace(signature[0], "")
        wrapped = signature[0].replace("</ds:Signature>", f"<ds:Object>{bare}</ds:Object></ds:Signature>")
        return right.response(evil(right).replace("<saml:Subject>", wrapped + "<saml:Subject>"))

    attempt("does not hold one assertion", in_signature)
    attempt(
        "same id",
        lambda right: right.response(
            evil(right, right.id).replace(
                "</saml:Assertion>", f"<saml:Advice>{right.signed()}</saml:Advice></saml:Assertion>"
            )
        ),
    )

    def borrowed(right: Assertion) -> str:
        """The signature of another assertion in a forged one."""
        signature = re.search(r"<ds:Signature.*</ds:Signature>", right.signed(), re.DOTALL)
        assert signature is not None
        return right.response(evil(right).replace("<saml:Subject>", signature[0] + "<saml:Subject>"))

    attempt("not of the element that it stands in", borrowed)


def test_what_is_no_answer_is_refused(signing_on: Server, forger: Forger) -> None:
    where = f"{base(signing_on)}/sso"

    def sent(field: str) -> requests.Response:
        return requests.post(where, data={"SAMLResponse": field}, timeout=60)

    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE r [<!ENTITY l0 "ha">{laughs}]><r>&l11;</r>'
    outside = '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'
    for field, words in (
        ("", "holds no SAMLResponse"),
        ("%%%", "not base64"),
        (encoded("not xml"), "not XML"),
        (encoded("<a/>"), "no SAML response"),
        (encoded(bomb), "declares entities"),
        (encoded(outside), "declares entities"),
        (encoded("<a>" * 2000 + "</a>" * 2000), "no SAML response"),
        ("A" * 500_000, "too long"),
    ):
        refused(sent(field), words)
    refused(requests.post(where, json={"SAMLResponse": "x"}, timeout=60), "holds no SAMLResponse")
    refused(requests.post(where, data={"SAMLResponse": "x" * 2**21}, timeout=60), "at most")
    deep = right(signing_on, forger, None).response("<saml:Advice>" * 100 + "</saml:Advice>" * 100)
    refused(sent(encoded(deep)), "holds too much")


def test_a_provider_may_change_its_keys(
    signing_on: Server, forger: Forger, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """Metadata is read again when a signature is wrong, unless that was just now: by a process whose clock is set."""
    request.addfinalizer(settings.cache_clear)
    monkeypatch.setenv("DOMAIN_NAME", f"127.0.0.1:{signing_on.port}")
    monkeypatch.setenv("DOMAIN_PROTOCOL", "http")
    settings.cache_clear()
    provider, clock = Saml(name=NAME, metadata_url=f"{forger.url}/metadata"), [0.0]

    async def sign_in() -> str | None:
        response = right(signing_on, forger, None).response().encode()
        identity, _ = await flow.arrived(provider, flow.Arrival(response, structure.judged(response)), "here")
        return identity.email

    async def sign_in_as_time_goes_by() -> None:
        kept = service.service_of(provider)
        kept._clock = lambda: clock[0]
        assert "@" in (await sign_in() or "")
        forger.keys = [Key("fresh"), *forger.keys]
        with pytest.raises(SignOnRefused, match="signature is wrong"):
            await sign_in()
        clock[0] += 31
        assert "@" in (await sign_in() or "")
        forger.keys = [Key("stranger"), *forger.keys[1:]]
        with pytest.raises(SignOnRefused, match="signature is wrong"):
            await sign_in()

    asyncio.run(sign_in_as_time_goes_by())


def test_a_provider_that_is_away_says_so(signing_on: Server) -> None:
    refused(Client(signing_on.api).get("/auth/saml/away-saml/login"), "The provider cannot be reached")


@given(st.binary(max_size=400))
def test_any_bytes_are_an_answer_or_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        structure.judged(content)


@given(st.text(max_size=200), st.booleans())
def test_any_field_is_decoded_or_malformed(field: str, deflated: bool) -> None:
    with suppress(Malformed):
        assert isinstance(structure.decoded(field, deflated=deflated), bytes)
