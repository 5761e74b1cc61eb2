"""Guesses at passwords and codes: what they tell, whom they stop, and whom they do not."""

import asyncio
import itertools
import os
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import bcrypt
import pytest
import requests

from pegbar.accounts import passwords
from pegbar.core.errors import Unavailable
from tests.accounts.mailbox import Mailbox
from tests.accounts.people import PASSWORD, artist, log_in, signed_in, stored, wait_until_none
from tests.accounts.test_second_factors import code_of, mailed_code, with_totp
from tests.client import Client, unique
from tests.server import Server

_hosts = itertools.count(1)
MAILS_TO_SEND = """
    SELECT count(*) FROM pegbar.procrastinate_jobs
     WHERE starts_with(task_name, 'accounts.mail') AND status IN ('todo', 'doing')
"""
TOO_MANY = "too_many_failed_login_attemps"
NEW = {"password": "changed now", "password_2": "changed now"}


def an_address() -> str:
    return f"192.0.2.{next(_hosts)}"


def log_in_from(admin: Client, address: str, email: str, password: str = PASSWORD, **proof: Any) -> requests.Response:
    body = {"email": email, "password": password, **proof}
    return Client(admin.api).post("/auth/login", body, headers={"X-Real-IP": address})


def lock(admin: Client, address: str, email: str) -> None:
    """Guess until the next guess is refused as one too many."""
    for number in range(5):
        assert TOO_MANY not in log_in_from(admin, address, email, f"guess {number}").json()
    assert log_in_from(admin, address, email).json()[TOO_MANY] is True


def test_guesses_at_nobody_are_answered_as_guesses_at_somebody(admin: Client) -> None:
    _, email = artist(admin)
    address = an_address()
    answers = [
        [
            (answer.status_code, answer.json())
            for answer in (log_in_from(admin, address, name, "a wrong one") for _ in range(8))
        ]
        for name in (email, f"no.{email}")
    ]
    assert answers[0] == answers[1]
    assert [TOO_MANY in body for _, body in answers[0]] == [False] * 5 + [True] * 3


def test_a_stranger_does_not_keep_the_owner_out(admin: Client) -> None:
    _, email = artist(admin)
    home, elsewhere = an_address(), an_address()
    assert log_in_from(admin, home, email).status_code == 200
    lock(admin, elsewhere, email)
    assert log_in_from(admin, home, email).status_code == 200
    assert log_in_from(admin, an_address(), email).json()[TOO_MANY] is True, "addresses share what strangers may guess"


def test_guesses_from_an_address_that_signed_in_before_are_limited_too(admin: Client) -> None:
    _, email = artist(admin)
    home = an_address()
    assert log_in_from(admin, home, email).status_code == 200
    lock(admin, home, email)
    assert log_in_from(admin, an_address(), email).status_code == 200


def test_an_address_is_known_for_whom_it_signed_in(admin: Client) -> None:
    (_, email), (_, colleague) = artist(admin), artist(admin)
    office = an_address()
    assert log_in_from(admin, office, colleague).status_code == 200
    lock(admin, an_address(), email)
    assert log_in_from(admin, office, email).json()[TOO_MANY] is True


def test_an_address_that_may_be_made_up_is_never_known(admin: Client) -> None:
    _, email = artist(admin)
    body, doubtful = (
        {"email": email, "password": PASSWORD},
        {"X-Real-IP": an_address(), "X-Forwarded-For": an_address()},
    )
    assert Client(admin.api).post("/auth/login", body, headers=doubtful).status_code == 200
    lock(admin, an_address(), email)
    assert Client(admin.api).post("/auth/login", body, headers=doubtful).json()[TOO_MANY] is True


def test_whoever_sets_a_password_by_a_link_gets_in_there(admin: Client) -> None:
    person_id, email = artist(admin)
    lock(admin, an_address(), email)
    link = admin.ok_post(f"/actions/persons/{person_id}/reset-password-link")["reset_password_link"]
    home = an_address()
    body = {
        "email": email,
        "token": link.partition("token=")[2][:64],
        "password": "by a link",
        "password2": "by a link",
    }
    assert Client(admin.api).put("/auth/reset-password", body, headers={"X-Real-IP": home}).status_code == 200
    assert log_in_from(admin, home, email, "by a link").status_code == 200


def test_other_spellings_of_a_name_have_no_guesses_of_their_own(admin: Client) -> None:
    _, email = artist(admin)
    address = an_address()
    spellings = [email, email.upper(), f" {email} ", email.replace("i", "İ", 1), email.replace("a", "ａ", 1)]
    for spelling in spellings:
        assert TOO_MANY not in log_in_from(admin, address, spelling, "a wrong one").json()
    assert log_in_from(admin, address, email).json()[TOO_MANY] is True


def test_a_name_closes_for_longer_each_time(server: Server, admin: Client) -> None:
    _, email = artist(admin)
    address, waits = an_address(), []
    for _ in range(6):
        lock(admin, address, email)
        waits.append(int(log_in_from(admin, address, email).headers["Retry-After"]))
        stored(
            server,
            "UPDATE pegbar.failed_guess SET locked_until = now() AT TIME ZONE 'UTC'"
            " WHERE last_failed = (SELECT max(last_failed) FROM pegbar.failed_guess) RETURNING 1",
        )
    assert [-(-wait // 60) for wait in waits] == [1, 2, 4, 8, 15, 15]
    assert log_in_from(admin, address, email).status_code == 200
    lock(admin, an_address(), f"other.{email}")


def test_names_are_not_kept(server: Server, admin: Client) -> None:
    name = f"{unique('secret').replace(' ', '.')}@example.com"
    log_in_from(admin, an_address(), name, "a wrong one")
    for table in ("failed_guess", "known_address", "failed_attempt"):
        assert not any(name in row for (row,) in stored(server, f"SELECT t::text FROM pegbar.{table} t"))


def test_old_guesses_and_addresses_are_tidied_up(server: Server, admin: Client) -> None:
    _, email = artist(admin)
    home = an_address()
    assert log_in_from(admin, home, email).status_code == 200
    stored(
        server,
        """
        WITH guesses AS (INSERT INTO pegbar.failed_guess VALUES (-1, 3, 0, NULL, '2020-01-01')),
             addresses AS (INSERT INTO pegbar.known_address VALUES (gen_random_uuid(), 'x', '2020-01-01'))
        SELECT pegbar.procrastinate_defer_jobs_v1(ARRAY[ROW('default', 'accounts.forget_expired', 0, NULL, NULL, '{}',
               NULL)::pegbar.procrastinate_job_to_defer_v1])
        """,
    )
    wait_until_none(
        server,
        """SELECT (SELECT count(*) FROM pegbar.failed_guess WHERE last_failed < '2021-01-01')
                + (SELECT count(*) FROM pegbar.known_address WHERE seen_at < '2021-01-01')""",
    )
    lock(admin, an_address(), email)
    assert log_in_from(admin, home, email).status_code == 200


def test_a_person_is_known_at_so_many_addresses(server: Server, admin: Client) -> None:
    person_id, email = artist(admin)
    for _ in range(22):
        assert log_in_from(admin, an_address(), email).status_code == 200
    assert stored(server, "SELECT count(*) FROM pegbar.known_address WHERE person_id = %s", person_id) == [(20,)]
    admin.ok_delete(f"/data/persons/{person_id}?force=true")
    assert stored(server, "SELECT count(*) FROM pegbar.known_address WHERE person_id = %s", person_id) == [(0,)]


def test_a_stolen_session_does_not_keep_the_owner_out(admin: Client) -> None:
    ida, email, secret, _ = with_totp(admin)
    for _ in range(6):
        ida.delete("/auth/totp", json={"totp": "123"})
    assert log_in(admin, email, totp=code_of(secret)).status_code == 200
    for _ in range(6):
        ida.post("/auth/change-password", {"old_password": "a wrong one", **NEW})
    assert log_in(admin, email, totp=code_of(secret, 1)).status_code == 200


@pytest.mark.parametrize("factor", ["totp", "email-otp"])
def test_the_code_that_turns_a_factor_on_is_guessed_five_times(admin: Client, factor: str) -> None:
    ida = signed_in(admin, artist(admin)[1])
    secret = ida.ok_put(f"/auth/{factor}").get("otp_secret")
    key = factor.replace("-", "_")
    for _ in range(5):
        assert TOO_MANY not in ida.post(f"/auth/{factor}", {key: "no code"}).json()
    right = code_of(secret) if secret else "no code"
    locked = ida.post(f"/auth/{factor}", {key: right})
    assert (locked.status_code, locked.json()[TOO_MANY], locked.json()["wrong_OTP"]) == (400, True, True)


def test_a_right_proof_among_many_guesses_at_once_does_not_pass(admin: Client) -> None:
    ida, _, secret, codes = with_totp(admin)
    for _ in range(5):
        ida.delete("/auth/totp", json={"recovery_code": "no code"})
    with ThreadPoolExecutor(4) as pool:
        proofs = [{"recovery_code": code} for code in codes[:3]] + [{"totp": code_of(secret)}]
        answers = list(pool.map(lambda proof: ida.delete("/auth/totp", json=proof).json(), proofs))
    assert [answer[TOO_MANY] for answer in answers] == [True] * 4


def test_a_stranger_who_asks_for_codes_takes_none_away(
    mailing: Server, mailing_admin: Client, mailbox: Mailbox
) -> None:
    _, email = artist(mailing_admin)
    ida, anonymous = signed_in(mailing_admin, email), Client(mailing.api)
    ida.ok_put("/auth/email-otp")
    ida.ok_post("/auth/email-otp", {"email_otp": mailed_code(mailbox, email)})
    home, elsewhere = ({"X-Real-IP": an_address()} for _ in range(2))
    ask = {"params": {"email": email}}

    def sign_in_at_home(code: str) -> int:
        body = {"email": email, "password": PASSWORD, "email_otp": code}
        return anonymous.post("/auth/login", body, headers=home).status_code

    anonymous.ok_get("/auth/email-otp", **ask, headers=home)
    assert sign_in_at_home(mailed_code(mailbox, email)) == 200
    anonymous.ok_get("/auth/email-otp", **ask, headers=home)
    mine = mailed_code(mailbox, email)
    for _ in range(7):
        anonymous.ok_get("/auth/email-otp", **ask, headers=elsewhere)
    wait_until_none(mailing, MAILS_TO_SEND)
    assert len({str(mail["To"]) for mail in mailbox.take(5)}) == 1
    assert mailbox.is_empty(), "after five codes in a row the last one is left"
    assert sign_in_at_home(mine) == 200


def test_asking_for_links_fills_no_mailbox(mailing: Server, mailing_admin: Client, mailbox: Mailbox) -> None:
    (_, email), (_, other) = artist(mailing_admin), artist(mailing_admin)
    anonymous = Client(mailing.api)
    for name in [email] * 8 + [other]:
        anonymous.ok_post("/auth/reset-password", {"email": name})
    wait_until_none(mailing, MAILS_TO_SEND)
    assert Counter(str(mail["To"]) for mail in mailbox.take(6)) == {email: 5, other: 1}
    assert mailbox.is_empty()


def test_passwords_that_would_be_cut_are_refused(server: Server, admin: Client) -> None:
    person_id, email = artist(admin)
    ida, anonymous = signed_in(admin, email), Client(admin.api)
    long, longest = "é" * 37, "é" * 36
    link = admin.ok_post(f"/actions/persons/{person_id}/reset-password-link")["reset_password_link"]
    reset = {"email": email, "token": link.partition("token=")[2][:64]}
    row = {"first_name": "Ida", "last_name": "Lup", "email": f"long.{email}"}
    for answer in (
        ida.post("/auth/change-password", {"old_password": PASSWORD, "password": long, "password_2": long}),
        admin.post(f"/actions/persons/{person_id}/change-password", {"password": long, "password_2": long}),
        anonymous.put("/auth/reset-password", {**reset, "password": long, "password2": long}),
        admin.post("/data/persons", {**row, "password": long}),
    ):
        assert answer.status_code == 400, answer.text
        assert "password" in answer.json()["message"]
        assert "72" in answer.json()["message"]
    assert log_in(admin, email).status_code == 200
    assert (
        anonymous.put("/auth/reset-password", {**reset, "password": longest, "password2": longest}).status_code == 200
    )
    assert log_in(admin, email, longest).status_code == 200
    cut = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4))
    stored(server, "UPDATE person SET password = %s WHERE id = %s RETURNING 1", cut, person_id)
    assert log_in(admin, email, long).status_code == 200, "a hash that another server cut goes on working"


def test_hashing_takes_so_many_threads_and_a_bounded_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, running, seen = threading.Event(), Counter[str](), []

    def slow(password: bytes, stored: bytes) -> bool:
        running["now"] += 1
        seen.append(running["now"])
        opened.wait(30)
        running["now"] -= 1
        return True

    monkeypatch.setattr(bcrypt, "checkpw", slow)
    hashed = b"$2b$04$" + b"a" * 53

    async def crowd() -> list[Any]:
        one = [asyncio.ensure_future(passwords.matches("x", hashed, "192.0.2.1")) for _ in range(passwords.MOST)]
        others = [
            asyncio.ensure_future(passwords.matches("x", hashed, f"198.51.100.{n}")) for n in range(passwords.MOST)
        ]
        await asyncio.sleep(0)
        opened.set()
        return await asyncio.gather(*one, *others, return_exceptions=True)

    answers = asyncio.run(crowd())
    of_one, of_others = answers[: passwords.MOST], answers[passwords.MOST :]
    assert of_one.count(True) == passwords.MOST // 2, "an address leaves half of the queue to others"
    assert of_others.count(True) == passwords.MOST - passwords.MOST // 2
    refused = [answer for answer in answers if answer is not True]
    assert all(isinstance(answer, Unavailable) for answer in refused)
    assert (refused[0].status, refused[0].headers["retry-after"], refused[0].body["login"]) == (503, "5", False)
    assert max(seen) <= passwords.THREADS


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux only")
def test_hashing_gives_way_to_requests() -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert asyncio.run(passwords.in_turn(None, niceness)) > niceness()
