"""Guards of the door: required second factors, limits on guessing, preview accounts, other strategies, tidying up."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from tests.accounts.people import PASSWORD, artist, is_in, log_in, signed_in, stored, wait_until_none
from tests.accounts.test_second_factors import code_of
from tests.client import Client
from tests.server import Server

_hosts = itertools.count(1)


def somewhere() -> dict[str, Any]:
    """A request from an address of its own."""
    return {"headers": {"X-Real-IP": f"198.51.100.{next(_hosts)}"}}


def test_a_required_second_factor_comes_before_anything_else(strict: Server, strict_admin: Client) -> None:
    _, email = artist(strict_admin)
    opened = log_in(strict_admin, email).json()
    assert opened["two_factor_authentication_required"] is True
    ida, renewing = Client(strict.api, opened["access_token"]), Client(strict.api, opened["refresh_token"])
    for refused in (
        ida.get("/data/persons"),
        ida.post("/auth/app-login/code", {"code_challenge": "x" * 43}),
        ida.post("/auth/change-password", {"old_password": "x", "password": "x", "password_2": "x"}),
        Client(strict.api, renewing.ok_get("/auth/refresh-token")["access_token"]).get("/data/persons"),
    ):
        assert refused.status_code == 403
        assert refused.json()["two_factor_authentication_required"] is True
    assert is_in(ida)
    secret = ida.ok_put("/auth/totp")["otp_secret"]
    done = ida.ok_post("/auth/totp", {"totp": code_of(secret, -1)})
    free = Client(strict.api, done["access_token"])
    free.ok_get("/data/persons")
    renewed = Client(strict.api, done["refresh_token"]).ok_get("/auth/refresh-token")["access_token"]
    Client(strict.api, renewed).ok_get("/data/persons")
    ida.ok_get("/auth/logout")
    assert is_in(free)


def test_exempt_accounts_need_no_second_factor(strict_admin: Client) -> None:
    strict_admin.ok_get("/data/persons")


def test_failed_attempts_of_an_address_are_limited_over_all_processes(strict: Server) -> None:
    here, anonymous = somewhere(), Client(strict.api)

    def guess(number: int) -> int:
        body = {"email": f"nobody{number}@example.com", "password": "guess"}
        return requests.post(f"{strict.api}/auth/login", json=body, timeout=30, **here).status_code

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(guess, range(12)))
    assert sorted(answers) == [400] * 6 + [429] * 6
    refused = anonymous.post("/auth/login", {"email": "x", "password": "x"}, **here)
    assert (refused.status_code, refused.json()["error"], refused.json()["login"]) == (429, True, False)
    assert int(refused.headers["Retry-After"]) > 0
    assert anonymous.post("/auth/login", {"email": "x", "password": "x"}, **somewhere()).status_code == 400


@pytest.mark.parametrize(
    "attempt",
    [
        ("GET", "/auth/email-otp?email=x", None),
        ("GET", "/auth/fido?email=x", None),
        ("POST", "/auth/reset-password", {"email": "x"}),
        ("PUT", "/auth/reset-password", {"email": "x", "token": "x", "password": "x" * 8, "password2": "x" * 8}),
        ("POST", "/auth/app-login/token", {"code": "x", "code_verifier": "x" * 43}),
    ],
)
def test_every_way_to_guess_is_limited(strict: Server, attempt: tuple[str, str, Any]) -> None:
    method, path, body = attempt
    here, anonymous = somewhere(), Client(strict.api)
    answers = [anonymous.call(method, path, json=body, **here).status_code for _ in range(8)]
    assert 429 not in answers[:6]
    assert answers[7] == 429


def test_proofs_of_a_signed_in_person_are_limited_by_address(strict: Server, strict_admin: Client) -> None:
    _, email = artist(strict_admin)
    ida, here = signed_in(strict_admin, email), somewhere()
    ida.ok_put("/auth/totp")
    answers = [ida.post("/auth/totp", {"totp": "123"}, **here).status_code for _ in range(8)]
    assert answers[:6] == [400] * 6
    assert answers[7] == 429
    old = {"old_password": "wrong", "password": "changed now", "password_2": "changed now"}
    assert ida.post("/auth/change-password", old, **here).status_code in (403, 429)


def test_right_passwords_are_no_failed_attempts(strict: Server, strict_admin: Client) -> None:
    _, email = artist(strict_admin)
    here = somewhere()
    body = {"email": email, "password": PASSWORD}
    answers = [Client(strict.api).post("/auth/login", body, **here).status_code for _ in range(9)]
    assert answers == [200] * 9


def preview_account(server: Server, admin: Client, window: str) -> tuple[str, str]:
    """An account that only sees one production, open for a while."""
    person_id, email = artist(admin, role="client")
    project = admin.ok_post("/data/projects", {"name": f"Preview {person_id}"})
    stored(
        server,
        "UPDATE person SET preview_project_id = %s, preview_opened_at = now() AT TIME ZONE 'UTC' - interval '1 hour',"
        " preview_open_until = now() AT TIME ZONE 'UTC' + %s::interval WHERE id = %s RETURNING 1",
        project["id"],
        window,
        person_id,
    )
    return person_id, email


def test_a_preview_account_signs_in_while_its_window_is_open(server: Server, admin: Client) -> None:
    person_id, email = preview_account(server, admin, "1 hour")
    visitor = signed_in(admin, email)
    assert is_in(visitor)
    assert visitor.put("/auth/totp").status_code == 403
    stored(
        server,
        "UPDATE person SET preview_opened_at = now() AT TIME ZONE 'UTC' + interval '5 seconds' WHERE id = %s"
        " RETURNING 1",
        person_id,
    )
    assert visitor.get("/auth/authenticated").json()["msg"] == "Token has been revoked"


def test_a_preview_account_is_shut_out_with_its_window(server: Server, strict_admin: Client, admin: Client) -> None:
    _, email = preview_account(server, admin, "-1 minute")
    refused = log_in(admin, email)
    assert (refused.status_code, refused.json()["unactive"]) == (401, True)
    _, email = preview_account(server, admin, "1 hour")
    assert "two_factor_authentication_required" not in log_in(strict_admin, email).json()


def test_only_what_has_expired_is_tidied_up(server: Server, admin: Client) -> None:
    _, email = artist(admin)
    ida = signed_in(admin, email)
    ida.ok_get("/auth/logout")
    stored(
        server,
        """
        WITH tokens AS (INSERT INTO pegbar.revoked_token VALUES ('long ago', '2020-01-01')),
             secrets AS (INSERT INTO pegbar.one_time_secret VALUES ('old', 'x', '{}', '2020-01-01'),
                                                                   ('new', 'x', '{}', '2099-01-01')),
             attempts AS (INSERT INTO pegbar.failed_attempt VALUES ('x', '2020-01-01', 3)),
             floors AS (INSERT INTO pegbar.session_floor VALUES (gen_random_uuid(), '2020-01-01'))
        SELECT pegbar.procrastinate_defer_jobs_v1(ARRAY[ROW('default', 'accounts.forget_expired', 0, NULL, NULL, '{}',
               NULL)::pegbar.procrastinate_job_to_defer_v1])
        """,
    )
    left = """
        SELECT (SELECT count(*) FROM pegbar.revoked_token WHERE expires_at < '2021-01-01')
             + (SELECT count(*) FROM pegbar.one_time_secret WHERE expires_at < '2021-01-01')
             + (SELECT count(*) FROM pegbar.failed_attempt WHERE minute < '2021-01-01')
             + (SELECT count(*) FROM pegbar.session_floor WHERE not_before < '2021-01-01')
        """
    assert stored(server, "SELECT 1 FROM pegbar.one_time_secret WHERE kind = 'new'") == [(1,)]
    wait_until_none(server, left)
    assert stored(server, "SELECT 1 FROM pegbar.one_time_secret WHERE kind = 'new'") == [(1,)]
    assert not is_in(ida)
