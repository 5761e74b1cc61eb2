"""Signing in with OpenID Connect: at a real provider, and at one that forges."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests

from pegbar.accounts.sign_on.fetching import check_address
from pegbar.accounts.sign_on.oidc import tokens
from pegbar.accounts.sign_on.oidc.discovery import Source, read_metadata
from pegbar.accounts.sign_on.providers import Oidc
from pegbar.accounts.sign_on.refusals import ProviderAway, SignOnRefused
from tests.accounts.people import FIREFOX, artist, stored
from tests.accounts.providers import Browser, Forger, Key, Real
from tests.client import Client, unique
from tests.server import Server


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture(autouse=True)
def restored(forger: Forger) -> Iterator[None]:
    yield
    forger.discovered, forger.userinfo = {}, {}


def begin(node: Server, browser: requests.Session, name: str = "forged") -> str:
    answer = browser.get(f"{node.api}/auth/oidc/{name}/login", allow_redirects=False, timeout=60)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


def come_back(node: Server, browser: requests.Session, name: str = "forged", **query: str) -> requests.Response:
    where = f"{node.api}/auth/oidc/{name}/callback"
    return browser.get(where, params=query, allow_redirects=False, timeout=60, headers={"Accept": "*/*"})


def query_of(location: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def signed_in(browser: requests.Session, node: Server) -> dict[str, Any]:
    answer = browser.get(f"{node.api}/auth/authenticated", timeout=60)
    assert answer.status_code == 200, answer.text
    user: dict[str, Any] = answer.json()["user"]
    return user


def address() -> str:
    return f"{unique('lee').replace(' ', '.')}@studio.example"


def refused(answer: requests.Response, words: str) -> None:
    assert answer.status_code == 400, (answer.status_code, answer.text)
    assert words in answer.json()["error"], answer.json()
    assert "access_token_cookie" not in answer.cookies


def sign_in(node: Server, forger: Forger, browser: requests.Session, **claims: Any) -> requests.Response:
    """A sign-in at the forger whose id token has these claims."""
    where = begin(node, browser)
    forger.gives(forger.signed(forger.claims(where, **claims)))
    return come_back(node, browser, code="a code", state=query_of(where)["state"])


def test_a_real_provider_signs_people_in(signing_on: Server, real: Real, browser: Browser) -> None:
    answer = browser.sign_in(f"{signing_on.api}/auth/oidc/login?provider=real", "lee")
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"] == f"http://127.0.0.1:{signing_on.port}"
    assert answer.headers["cache-control"] == "no-store"
    # ENFORCE_2FA: the session only goes as far as setting one up.
    user = signed_in(browser, signing_on)
    assert (user["email"], user["role"], user["active"]) == ("lee@studio.example", "manager", True)
    gated = browser.get(f"{signing_on.api}/data/user/context", timeout=60)
    assert gated.status_code == 403
    assert gated.json()["two_factor_authentication_required"] is True
    logs = stored(signing_on, "SELECT origin FROM login_log WHERE person_id = %s", user["id"])
    assert set(logs) == {("web",)}
    # The second time it is the same person, whatever browser.
    again = Browser()
    assert again.sign_in(f"{signing_on.api}/auth/oidc/real/login", "lee").status_code == 302
    assert signed_in(again, signing_on)["id"] == user["id"]


def test_config_tells_every_way_in(signing_on: Server, anonymous: Client) -> None:
    config = Client(signing_on.api).ok_get("/config")
    told = {name: config[name] for name in ("oidc_enabled", "oidc_idp_name", "saml_enabled", "saml_idp_name")}
    assert told == {
        "oidc_enabled": True,
        "oidc_idp_name": "Real login",
        "saml_enabled": True,
        "saml_idp_name": "real-saml",
    }
    assert {"name": "Nobody", "protocol": "oidc", "url": "/api/auth/oidc/away/login"} in config["sign_on"]
    bare = anonymous.ok_get("/config")
    assert (bare["oidc_enabled"], bare["saml_enabled"], bare["sign_on"]) == (False, False, [])


def test_without_providers_every_address_says_so(anonymous: Client, signing_on: Server) -> None:
    for method, path, protocol in (
        ("GET", "/auth/oidc/login", "OIDC"),
        ("GET", "/auth/oidc/callback?state=s&code=c", "OIDC"),
        ("GET", "/auth/oidc/some/login", "OIDC"),
        ("GET", "/auth/saml/login", "SAML"),
        ("POST", "/auth/saml/sso", "SAML"),
        ("GET", "/auth/saml/metadata", "SAML"),
    ):
        refused(anonymous.call(method, path), f"{protocol} is not enabled.")
    refused(Client(signing_on.api).get("/auth/oidc/login?provider=some"), "No OIDC provider is named 'some'.")


def test_the_request_is_one_that_only_this_browser_can_end(signing_on: Server, forger: Forger) -> None:
    browser = Browser()
    where = begin(signing_on, browser)
    query = query_of(where)
    assert where.startswith(f"{forger.url}/authorize?tenant=1&")
    assert query["redirect_uri"] == f"http://127.0.0.1:{signing_on.port}/api/auth/oidc/forged/callback"
    assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
    assert query["scope"] == "openid email profile"
    for secret in ("state", "nonce", "code_challenge"):
        assert len(query[secret]) == 43
    # The database holds none of them.
    rows = stored(signing_on, "SELECT data::text, subject, slot FROM pegbar.one_time_secret WHERE kind = 'sign-on'")
    assert rows
    assert not any(query[secret] in str(rows) for secret in ("state", "nonce", "code_challenge"))
    claims = forger.claims(where, email=address())
    forger.gives(forger.signed(claims))
    state = query["state"]
    refused(come_back(signing_on, Browser(), code="c", state=state), "not begun in this browser")
    refused(come_back(signing_on, browser, name="real", code="c", state=state), "not begun in this browser")
    refused(come_back(signing_on, browser, code="c", state=state[:-1] + "_"), "not begun in this browser")
    refused(come_back(signing_on, browser, code="c"), "not begun in this browser")
    # Two tabs: each ends its own.
    other = begin(signing_on, browser)
    assert come_back(signing_on, browser, code="c", state=state).status_code == 302
    refused(come_back(signing_on, browser, code="c", state=state), "ended before")
    forger.gives(forger.signed(claims))
    refused(come_back(signing_on, browser, code="c", state=query_of(other)["state"]), "nonce is of another sign-in")


def test_the_code_goes_back_with_secret_and_verifier(signing_on: Server, forger: Forger, browser: Browser) -> None:
    where, forms = begin(signing_on, browser), []

    def answer(form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        forms.append(form)
        return 200, {"id_token": forger.signed(forger.claims(where, email=address()))}

    forger.answer = answer
    assert come_back(signing_on, browser, code="the code", state=query_of(where)["state"]).status_code == 302
    (form,) = forms
    assert (form["code"], form["grant_type"]) == ("the code", "authorization_code")
    assert form["redirect_uri"] == query_of(where)["redirect_uri"]
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == query_of(where)["code_challenge"]
    basic = base64.b64decode(forger.authorization.removeprefix("Basic ")).decode()
    assert basic == "pegbar%20%26%20co:100%25%20secret"


def test_skip_2fa_opens_a_whole_session_and_keeps_the_mark(signing_on: Server, forger: Forger) -> None:
    browser = Browser()
    assert sign_in(signing_on, forger, browser, email=address()).status_code == 302
    assert browser.get(f"{signing_on.api}/data/user/context", timeout=60).status_code == 200
    refresh = browser.get(
        f"{signing_on.api}/auth/refresh-token", timeout=60, headers={"User-Agent": FIREFOX, "Accept": "*/*"}
    )
    assert refresh.status_code == 200
    claims = jwt.decode(browser.cookies["access_token_cookie"], options={"verify_signature": False})
    assert claims["skip_2fa_setup"] is True


FORGED: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "https://elsewhere.example"}, "issuer"),
    "another audience": ({"aud": "another client"}, "Audience"),
    "made for another of its audiences": ({"aud": ["pegbar & co", "other"], "azp": "other"}, "another application"),
    "several audiences, made for nobody": ({"aud": ["pegbar & co", "other"]}, "another application"),
    "expired": ({"exp": int(time.time()) - 120, "iat": int(time.time()) - 600}, "expired"),
    "never expires": ({"exp": None}, "exp"),
    "not yet valid": ({"nbf": int(time.time()) + 86400}, "not yet valid"),
    "of the future": ({"iat": int(time.time()) + 86400}, "not yet valid"),
    "another nonce": ({"nonce": "other"}, "nonce is of another"),
    "no nonce": ({"nonce": None}, "nonce is of another"),
    "a nonce that is no text": ({"nonce": 5}, "nonce is of another"),
    "no subject": ({"sub": None}, "sub"),
    "an empty subject": ({"sub": ""}, "names nobody"),
    "a long subject": ({"sub": "s" * 300}, "cannot be kept"),
    "no address": ({}, "tells no e-mail address"),
    "an address not verified": ({"email": "a@studio.example", "email_verified": False}, "not verified"),
    "an address of which nothing is said": ({"email": "a@studio.example", "email_verified": None}, "not verified"),
    "a protected account": ({"email": "boss@studio.example"}, "is protected"),
}


@pytest.mark.parametrize("case", FORGED)
def test_a_claim_that_is_wrong_is_refused(signing_on: Server, forger: Forger, admin: Client, case: str) -> None:
    claims, words = FORGED[case]
    if case == "a protected account" and not admin.ok_get("/data/persons?email=boss@studio.example"):
        admin.ok_post("/data/persons", {"first_name": "B", "last_name": "B", "email": "boss@studio.example"})
    refused(sign_in(signing_on, forger, Browser(), **claims), words)


def test_a_signature_that_is_not_the_providers_is_refused(signing_on: Server, forger: Forger) -> None:
    def attempt(make: Any, words: str) -> None:
        browser = Browser()
        where = begin(signing_on, browser)
        forger.gives(make(forger.claims(where, email=address())))
        refused(come_back(signing_on, browser, code="c", state=query_of(where)["state"]), words)

    key, stranger = forger.keys[0], Key()
    attempt(lambda claims: forger.signed(claims, stranger), "not among its keys")
    attempt(lambda claims: forger.signed(claims, stranger, kid=key.id), "Signature verification failed")
    attempt(lambda claims: jwt.encode(claims, "", algorithm="none", headers={"kid": key.id}), "'none'")
    attempt(lambda claims: _hmac_with_public_key(claims, key), "'HS256'")
    attempt(lambda claims: forger.signed(claims)[:-8], "refused")
    attempt(lambda claims: forger.signed(claims).split(".")[0], "not a signed token")
    attempt(lambda _: None, "no id token")
    attempt(lambda _: {"a": "document"}, "no id token")
    attempt(lambda _: "é.ü.ñ", "not a signed token")


def _hmac_with_public_key(claims: dict[str, Any], key: Key) -> str:
    def part(document: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=")

    message = part({"alg": "HS256", "typ": "JWT", "kid": key.id}) + b"." + part(claims)
    digest = hmac.new(key.public_pem.encode(), message, hashlib.sha256).digest()
    return (message + b"." + base64.urlsafe_b64encode(digest).rstrip(b"=")).decode()


def test_an_inactive_person_comes_home_without_a_session(signing_on: Server, forger: Forger, admin: Client) -> None:
    person_id, email = artist(admin)
    admin.ok_put(f"/data/persons/{person_id}", {"active": False})
    answer = sign_in(signing_on, forger, Browser(), email=email)
    assert (answer.status_code, "set-cookie" in answer.headers) == (302, False)


def test_what_the_id_token_leaves_out_is_asked_for(signing_on: Server, forger: Forger) -> None:
    def user(claims: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
        browser = Browser()
        forger.userinfo = told
        answer = sign_in(signing_on, forger, browser, **claims)
        assert answer.status_code == 302, answer.text
        return signed_in(browser, signing_on)

    subject, email = uuid.uuid4().hex, address()
    bare = {"sub": subject, "given_name": None, "family_name": None, "email_verified": None}
    told = {"sub": subject, "email": email, "email_verified": True, "given_name": "Ana", "family_name": "Mendieta"}
    made = user(bare, told)
    assert (made["email"], made["full_name"], made["role"]) == (email, "Ana Mendieta", "user")
    # Of somebody else it counts for nothing; groups are found below a claim.
    assert user(bare, {**told, "sub": "other", "given_name": "Eve"})["first_name"] == "Ana"
    assert user(bare, {**told, "realm": {"roles": ["producers"]}})["role"] == "manager"
    # That an address is verified is said by who says the address.
    refused_one = sign_in(signing_on, forger, Browser(), sub="x", email=address(), email_verified=None)
    forger.userinfo = {"sub": "x", "email_verified": True}
    refused(refused_one, "not verified")


def test_a_refusal_of_the_provider_is_told_and_harmless(signing_on: Server, forger: Forger, browser: Browser) -> None:
    where = begin(signing_on, browser)
    answer = browser.get(
        f"{signing_on.api}/auth/oidc/forged/callback",
        params={
            "state": query_of(where)["state"],
            "error": "access_denied",
            "error_description": "<script>no</script>",
        },
        timeout=60,
    )
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "&lt;script&gt;no" in answer.text
    assert "<script>" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    where = begin(signing_on, browser)
    forger.answer = lambda _: (400, {"error": "invalid_grant", "error_description": "Code was used"})
    refused(come_back(signing_on, browser, code="c", state=query_of(where)["state"]), "Code was used")
    where = begin(signing_on, browser)
    wrong = come_back(signing_on, browser, code="c", state=query_of(where)["state"], iss="https://elsewhere.example")
    refused(wrong, "not of forged")


def test_a_provider_that_is_away_says_so_and_the_server_stands(signing_on: Server) -> None:
    answer = Client(signing_on.api).get("/auth/oidc/away/login")
    refused(answer, "The provider cannot be reached")
    assert "127.0.0.1" not in answer.text
    signing_on.wait_for_text("Nobody cannot be reached at 127.0.0.1")


def test_keys_are_read_again_for_a_new_one_but_not_at_will(forger: Forger) -> None:
    """A process whose clock is set: what strangers send makes it ask the provider no more than every half minute."""
    clock = [0.0]
    provider = Oidc(name="rotating", discovery_url=forger.discovery, client_id="pegbar")

    async def token_of(source: Source, key: Key) -> str:
        metadata = await source.metadata.get()
        claims = forger.claims("?client_id=pegbar&nonce=n", sub="lee")
        verified = await tokens.verified(source, metadata, forger.signed(claims, key), "n")
        return str(verified["sub"])

    async def as_time_goes_by() -> None:
        source = Source(provider)
        for kept in (source.metadata, source.keys):
            kept._clock = lambda: clock[0]
        first, fresh = forger.keys[0], Key()
        assert await token_of(source, first) == "lee"
        forger.keys = [fresh]
        for _ in range(3):
            with pytest.raises(SignOnRefused, match="not among its keys"):
                await token_of(source, fresh)
        assert forger.seen.count("/keys") == 1
        clock[0] += 31
        assert await token_of(source, fresh) == "lee"
        with pytest.raises(SignOnRefused, match="not among its keys"):
            await token_of(source, first)
        assert forger.seen.count("/keys") == 2
        # What was read serves while the provider is away.
        clock[0] += 3600
        forger.broken = True
        assert await token_of(source, fresh) == "lee"
        clock[0] += 25 * 3600
        with pytest.raises(ProviderAway, match="answers 503"):
            await token_of(source, fresh)

    kept, forger.seen = forger.keys, []
    try:
        asyncio.run(as_time_goes_by())
    finally:
        forger.keys, forger.broken = kept, False


def test_only_configured_hosts_are_asked(forger: Forger) -> None:
    provider = Oidc(name="strict", discovery_url=forger.discovery, client_id="pegbar")

    def refuses(words: str, **discovered: Any) -> None:
        forger.discovered = discovered
        with pytest.raises(ProviderAway, match=words):
            asyncio.run(read_metadata(provider))

    refuses("not the host that is configured", token_endpoint="http://169.254.169.254/latest")
    refuses("not the host that is configured", jwks_uri="https://keys.elsewhere.example/")
    refuses("is not https", userinfo_endpoint="file:///etc/passwd")
    refuses("discovery address of your tenant", issuer="https://login.example/{tenantid}/v2.0")
    refuses("not what is expected", issuer=5)
    refuses("no address to sign in at", authorization_endpoint="javascript:alert(1)")
    google = Oidc(name="google", discovery_url="https://accounts.google.com/.well-known/x", client_id="pegbar")
    check_address(google, "https://oauth2.googleapis.com/token", google.discovery_url)
    with pytest.raises(ProviderAway, match="is not https"):
        check_address(google, "http://oauth2.googleapis.com/token", google.discovery_url)
    moved = Oidc(name="moved", discovery_url=f"{forger.url}/elsewhere", client_id="pegbar")
    with pytest.raises(ProviderAway, match="sends on to"):
        asyncio.run(read_metadata(moved))
