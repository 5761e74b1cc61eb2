"""Sign-ins that cross a change of the account: held up at its row, they come out on the right side."""

import threading
from concurrent.futures import ThreadPoolExecutor

import bcrypt
import psycopg
import pytest

from tests.accounts.people import artist, is_in, log_in
from tests.client import Client
from tests.core.data.test_transactions import wait_until_blocked
from tests.server import Server

CHANGES = {
    "password": "UPDATE person SET password = %s WHERE id = %s",
    "deactivation": "UPDATE person SET active = false, notifications_slack_userid = left(%s::bytea::text, 0)"
    " WHERE id = %s",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_right_password_that_was_overtaken_opens_no_session(server: Server, admin: Client, change: str) -> None:
    person_id, email = artist(admin)
    hashed = bcrypt.hashpw(b"another one", bcrypt.gensalt(4))
    with (
        psycopg.connect(server.database_url) as changing,
        psycopg.connect(server.database_url, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as pool,
    ):
        changing.execute(CHANGES[change], (hashed, person_id))
        signing_in = pool.submit(log_in, admin, email)
        wait_until_blocked(watcher, "FOR SHARE")
        changing.commit()
        answer = signing_in.result(30)
    assert answer.status_code == 400
    assert answer.json()["login"] is False
    assert "too_many_failed_login_attemps" not in answer.json()


def test_a_right_password_that_a_lockout_overtook_opens_no_session(server: Server, admin: Client) -> None:
    _, email = artist(admin)
    for _ in range(4):
        log_in(admin, email, "a wrong one")
    with (
        psycopg.connect(server.database_url) as changing,
        psycopg.connect(server.database_url, autocommit=True) as watcher,
        ThreadPoolExecutor(1) as pool,
    ):
        changing.execute(
            "UPDATE pegbar.failed_guess SET failures = 5, locked_until = now() AT TIME ZONE 'UTC' + interval '1 minute'"
            " WHERE last_failed = (SELECT max(last_failed) FROM pegbar.failed_guess)"
        )
        signing_in = pool.submit(log_in, admin, email)
        wait_until_blocked(watcher, "failed_guess")
        changing.commit()
        answer = signing_in.result(30)
    assert (answer.status_code, answer.json()["too_many_failed_login_attemps"]) == (400, True)


def test_a_refresh_that_was_overtaken_makes_no_token(server: Server, admin: Client) -> None:
    person_id, email = artist(admin)
    renewing = Client(server.api, log_in(admin, email).json()["refresh_token"])
    answers: list[int] = []
    with (
        psycopg.connect(server.database_url) as changing,
        psycopg.connect(server.database_url, autocommit=True) as watcher,
    ):
        changing.execute("UPDATE person SET password = NULL WHERE id = %s", (person_id,))
        changing.execute(
            "INSERT INTO pegbar.session_floor (person_id, not_before) VALUES (%s, now() AT TIME ZONE 'UTC')",
            (person_id,),
        )
        thread = threading.Thread(target=lambda: answers.append(renewing.get("/auth/refresh-token").status_code))
        thread.start()
        wait_until_blocked(watcher, "FOR SHARE")
        changing.commit()
        thread.join(30)
    assert answers == [401]
    assert not is_in(renewing)
