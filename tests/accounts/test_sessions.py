"""Signing in, refreshing and signing out."""

import base64
import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.accounts.people import FIREFOX, PASSWORD, artist, is_in, log_in, signed_in, stored
from tests.client import Client
from tests.factories import hire
from tests.server import Server

VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def test_an_artist_signs_in_refreshes_and_signs_out(server: Server, admin: Client) -> None:
    _, email = artist(admin)
    body = log_in(admin, email.upper()).json()
    ida, renewing = Client(server.api, body["access_token"]), Client(server.api, body["refresh_token"])
    account = ida.ok_get("/auth/authenticated")["user"]
    assert account["email"] == email
    assert account["fido_devices"] == []
    second = Client(server.api, renewing.ok_get("/auth/refresh-token")["access_token"])
    assert is_in(second)
    assert ida.get("/auth/refresh-token").status_code == 422
    assert renewing.get("/auth/authenticated").status_code == 422
    assert ida.ok_get("/auth/logout") == {"logout": True}
    for ended in (ida.get("/auth/authenticated"), renewing.get("/auth/refresh-token"), ida.get("/auth/logout")):
        assert (ended.status_code, ended.json()["msg"]) == (401, "Token has been revoked")


def test_access_tokens_made_by_refreshing_end_with_their_session(server: Server, admin: Client) -> None:
    _, email = artist(admin)
    body = log_in(admin, email).json()
    renewed = Client(server.api, body["refresh_token"]).ok_get("/auth/refresh-token")["access_token"]
    Client(server.api, renewed).ok_get("/auth/logout")
    assert not is_in(Client(server.api, body["access_token"]))


@pytest.mark.parametrize("login", ["", None])
def test_a_sign_in_names_somebody(anonymous: Client, login: str | None) -> None:
    refused = anonymous.post("/auth/login", {"email": login})
    assert refused.status_code == 400
    assert refused.json()["data"]["errors"][0]["field"] == "email"


def test_nobody_and_a_wrong_password_get_the_same_answer(admin: Client) -> None:
    _, email = artist(admin)
    nobody, wrong = log_in(admin, f"no.{email}"), log_in(admin, email, "wrong one")
    assert nobody.status_code == wrong.status_code == 400
    assert nobody.json() == wrong.json()
    assert nobody.json()["login"] is False


def test_a_desktop_login_signs_in(admin: Client) -> None:
    _, email = artist(admin, desktop_login="ida.desk")
    assert log_in(admin, "ida.desk").json()["user"]["email"] == email
    assert log_in(admin, "IDA.DESK").status_code == 400


def test_guests_never_sign_in(server: Server, admin: Client) -> None:
    person_id, email = artist(admin)
    stored(server, "UPDATE person SET is_guest = true WHERE id = %s RETURNING 1", person_id)
    assert log_in(admin, email).json()["login"] is False


def test_an_inactive_account_is_out_at_once_and_for_good(admin: Client) -> None:
    person_id, email = artist(admin)
    before = signed_in(admin, email)
    admin.ok_put(f"/data/persons/{person_id}", {"active": False})
    assert not is_in(before)
    refused = log_in(admin, email)
    assert (refused.status_code, refused.json()["unactive"], refused.json()["login"]) == (401, True, False)
    admin.ok_put(f"/data/persons/{person_id}", {"active": True})
    assert not is_in(before)
    assert is_in(signed_in(admin, email))


def test_five_failures_lock_even_the_right_password_out(admin: Client) -> None:
    _, email = artist(admin)
    for _ in range(5):
        assert "too_many_failed_login_attemps" not in log_in(admin, email, "wrong one").json()
    for password in (PASSWORD, "wrong one"):
        refused = log_in(admin, email, password)
        assert refused.status_code == 400
        assert refused.json() | {"message": ""} == {
            "error": True,
            "login": False,
            "too_many_failed_login_attemps": True,
            "message": "",
            "data": None,
        }


def test_guesses_made_at_the_same_time_are_all_counted(admin: Client) -> None:
    _, email = artist(admin)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: log_in(admin, email, f"wrong {n}").json(), range(24)))
    assert sum("too_many_failed_login_attemps" not in answer for answer in answers) == 5


def test_wrong_old_passwords_lock_as_well(admin: Client) -> None:
    _, email = artist(admin)
    ida = signed_in(admin, email)
    new = {"password": "changed now", "password_2": "changed now"}
    for _ in range(5):
        refused = ida.post("/auth/change-password", {"old_password": "wrong", **new})
        assert refused.status_code == 400
        assert refused.json()["error"] is True
    locked = ida.post("/auth/change-password", {"old_password": PASSWORD, **new})
    assert locked.json()["too_many_failed_login_attemps"] is True


def test_a_browser_gets_cookies_it_can_refresh_with_more_than_once(server: Server, admin: Client) -> None:
    _, email = artist(admin)
    browser = requests.Session()
    browser.headers["User-Agent"] = FIREFOX
    answer = browser.post(f"{server.api}/auth/login", json={"email": email, "password": PASSWORD}, timeout=10)
    set_cookies = answer.raw.headers.getlist("Set-Cookie")
    assert all("HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie for cookie in set_cookies)
    assert {cookie.split("Path=")[1].split(";")[0] for cookie in set_cookies} == {
        "/",
        "/auth/refresh-token",
        "/api/auth/refresh-token",
    }
    for root in (server.api, server.url, server.api):
        assert browser.get(f"{root}/auth/refresh-token", timeout=10).json() == {"refresh": True}
        assert browser.get(f"{root}/auth/authenticated", timeout=10).status_code == 200
    assert browser.get(f"{server.api}/auth/logout", timeout=10).json() == {"logout": True}
    assert not browser.cookies


def test_cookies_are_secure_on_https(server: Server, admin: Client) -> None:
    _, email = artist(admin)
    headers = {"User-Agent": FIREFOX, "X-Forwarded-Proto": "https"}
    body = {"email": email, "password": PASSWORD}
    answer = requests.post(f"{server.api}/auth/login", json=body, headers=headers, timeout=10)
    assert all("; Secure" in cookie for cookie in answer.raw.headers.getlist("Set-Cookie"))


def test_a_script_gets_no_cookies(admin: Client) -> None:
    _, email = artist(admin)
    assert "Set-Cookie" not in log_in(admin, email).headers


def test_an_unusable_cookie_gives_way_to_the_header(admin: Client) -> None:
    _, email = artist(admin)
    ida = signed_in(admin, email)
    assert ida.get("/auth/authenticated", headers={"Cookie": "access_token_cookie=nonsense"}).status_code == 200


@pytest.mark.parametrize(("named", "logged"), [("192.0.2.7", "192.0.2.7"), ("not an address", None)])
def test_sign_ins_are_logged_with_an_address_or_none(
    server: Server, admin: Client, named: str, logged: str | None
) -> None:
    person_id, email = artist(admin)
    headers = {"X-Real-IP": named, "User-Agent": FIREFOX}
    body = {"email": email, "password": PASSWORD}
    assert requests.post(f"{server.api}/auth/login", json=body, headers=headers, timeout=10).status_code == 200
    assert stored(server, "SELECT ip_address, origin FROM login_log WHERE person_id = %s", person_id) == [
        (logged, "web")
    ]


def test_signing_out_with_an_api_token_gives_it_up(server: Server, admin: Client) -> None:
    person_id, email = artist(admin)
    ida = signed_in(admin, email)
    token = admin.ok_put(f"/data/persons/{person_id}", {"expiration_date": "2099-12-31"})["access_token"]
    script = Client(server.api, token)
    assert is_in(script)
    script.ok_get("/auth/logout")
    assert not is_in(script)
    assert is_in(ida)


def test_bots_have_no_session_to_end_or_password_to_change(admin: Client) -> None:
    bot = hire(admin)
    assert is_in(bot)
    assert bot.get("/auth/logout").status_code == 403
    assert bot.get("/auth/refresh-token").status_code == 422
    assert bot.post("/auth/app-login/code", {"code_challenge": CHALLENGE}).status_code == 403
    assert bot.put("/auth/totp").status_code == 403
    new = {"old_password": "x", "password": "changed now", "password_2": "changed now"}
    assert bot.post("/auth/change-password", new).status_code == 403
    assert bot.post(f"/actions/persons/{bot.id}/change-password", new).status_code == 403


def test_an_application_signs_in_with_a_code_once(admin: Client, anonymous: Client) -> None:
    _, email = artist(admin)
    ida = signed_in(admin, email)
    codes = [ida.ok_post("/auth/app-login/code", {"code_challenge": CHALLENGE})["code"] for _ in range(2)]
    exchange = "/auth/app-login/token"
    opened = anonymous.ok_post(exchange, {"code": codes[0], "code_verifier": VERIFIER})
    assert opened["login"] is True
    assert is_in(Client(admin.api, opened["access_token"]))
    for code, verifier in ((codes[0], VERIFIER), ("unknown", VERIFIER), (codes[1], "w" * 50), (codes[1], VERIFIER)):
        refused = anonymous.post(exchange, {"code": code, "code_verifier": verifier})
        assert (refused.status_code, refused.json()["login"]) == (400, False)
    ida.ok_get("/auth/logout")
    assert is_in(Client(admin.api, opened["access_token"]))


def test_a_code_dies_with_the_session_that_made_it(admin: Client, anonymous: Client) -> None:
    _, email = artist(admin)
    ida = signed_in(admin, email)
    code = ida.ok_post("/auth/app-login/code", {"code_challenge": CHALLENGE})["code"]
    ida.ok_get("/auth/logout")
    assert anonymous.post("/auth/app-login/token", {"code": code, "code_verifier": VERIFIER}).status_code == 400


@pytest.mark.parametrize(
    "route", ["GET /auth/saml/login", "POST /auth/saml/sso", "GET /auth/oidc/login", "GET /auth/oidc/callback"]
)
def test_single_sign_on_says_that_it_is_not_there(anonymous: Client, route: str) -> None:
    answer = anonymous.call(*route.split())
    assert (answer.status_code, set(answer.json())) == (400, {"error", "message", "data"})
