"""`Idempotency-Key`: what is sent twice is done once, and answered as it was."""

import re
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests

from pegbar.app import load_domains
from tests.client import Client, unique
from tests.core.data.test_transactions import wait_until_blocked
from tests.factories import entity, hire, named, production, task
from tests.server import Server

MUTATING = [operation for operation in load_domains() if operation.mutates]


def keyed(key: str | None = None) -> dict[str, str]:
    return {"Idempotency-Key": key or str(uuid4())}


def wood() -> dict[str, str]:
    return {"name": unique("Wood"), "color": "#000000"}


def rows_named(admin: Client, name: str) -> int:
    return len(admin.ok_get("/data/departments", params={"name": name}))


@pytest.fixture(scope="module")
def some_task(admin: Client) -> dict[str, Any]:
    return task(admin, entity(admin, production(admin)["id"]))


def test_what_is_sent_again_is_done_once_and_answered_the_same(admin: Client) -> None:
    row, headers = wood(), keyed()
    first, again = (admin.post("/data/departments", row, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert rows_named(admin, row["name"]) == 1


def test_the_answer_stays_when_the_row_is_gone(admin: Client) -> None:
    made = admin.ok_post("/data/departments", wood())
    headers = keyed()
    path = f"/data/departments/{made['id']}"
    assert [admin.delete(path, headers=headers).status_code for _ in range(3)] == [204] * 3
    assert admin.delete(path, headers=keyed()).status_code == 404


def test_a_comment_is_posted_once(admin: Client, some_task: dict[str, Any]) -> None:
    """Of a route that opens its transaction itself."""
    path = f"/actions/tasks/{some_task['id']}/comment"
    body = {"task_status_id": named(admin, "task-status", "Work In Progress")["id"], "comment": unique("once")}
    headers = keyed()
    first, again = (admin.ok_post(path, body, headers=headers) for _ in range(2))
    assert first == again
    said = [
        row["id"] for row in admin.ok_get(f"/data/tasks/{some_task['id']}/comments") if row["text"] == body["comment"]
    ]
    assert said == [first["id"]]


def test_a_form_and_a_query_string_count_as_content(admin: Client) -> None:
    made = admin.ok_post("/data/departments", wood())
    path, headers = f"/data/departments/{made['id']}", keyed()
    assert admin.put(path, {"color": "#111111"}, headers=headers).status_code == 200
    for other in (
        admin.put(path, {"color": "#222222"}, headers=headers),
        admin.put(path + "?x=1", {"color": "#111111"}, headers=headers),
        admin.delete(path, headers=headers),
    ):
        assert other.status_code == 422
        assert other.json()["error"] is True
    assert admin.ok_get(path)["color"] == "#111111"


def test_a_key_is_its_person_s(admin: Client) -> None:
    row, headers = wood(), keyed()
    assert admin.post("/data/departments", row, headers=headers).status_code == 201
    other = hire(admin, "admin").post("/data/departments", {**row, "name": unique("Wood")}, headers=headers)
    assert (other.status_code, other.headers.get("idempotency-replayed")) == (201, None)


@pytest.mark.parametrize("role", ["manager", "supervisor", "user", "client", "vendor"])
def test_whoever_may_not_do_it_may_not_with_a_key(admin: Client, role: str) -> None:
    row, headers, who = wood(), keyed(), hire(admin, role)
    assert [who.post("/data/departments", row, headers=headers).status_code for _ in range(2)] == [403, 403]
    assert rows_named(admin, row["name"]) == 0


def test_nobody_is_answered_who_is_nobody_any_more(admin: Client, anonymous: Client) -> None:
    leaver, row, headers = hire(admin, "admin"), wood(), keyed()
    assert leaver.post("/data/departments", row, headers=headers).status_code == 201
    admin.ok_put(f"/data/persons/{leaver.id}", {"active": False})
    assert leaver.post("/data/departments", row, headers=headers).status_code == 401
    assert anonymous.post("/data/departments", row, headers=headers).status_code == 401


def test_a_refusal_is_judged_anew(admin: Client) -> None:
    """It changed nothing: whoever corrects the request, or what stood in its way, keeps the key."""
    headers, row = keyed(), wood()
    assert admin.post("/data/departments", {"name": None}, headers=headers).status_code == 400
    assert admin.post("/data/departments", row, headers=headers).status_code == 201
    assert admin.post("/data/departments", row, headers=headers).headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "caf\xe9", "tab\tbed"])
def test_a_key_is_printable(admin: Client, key: str) -> None:
    row = wood()
    answer = admin.post("/data/departments", row, headers={"Idempotency-Key": key.encode("latin-1")})
    assert answer.status_code == 400, answer.text
    assert "Idempotency-Key" in answer.json()["message"]
    assert rows_named(admin, row["name"]) == 0


def test_a_quoted_key_is_the_same(admin: Client) -> None:
    row, key = wood(), str(uuid4())
    assert admin.post("/data/departments", row, headers=keyed(key)).status_code == 201
    assert admin.post("/data/departments", row, headers=keyed(f'"{key}"')).headers["idempotency-replayed"] == "true"


def test_a_read_takes_no_notice(admin: Client) -> None:
    headers = keyed()
    assert admin.get("/data/departments", headers=headers).status_code == 200
    assert "idempotency-replayed" not in admin.get("/data/departments", headers=headers).headers


def test_a_form_with_files_is_sent_to_uploads(admin: Client, some_task: dict[str, Any]) -> None:
    body = {"task_status_id": some_task["task_status_id"], "comment": unique("file")}
    path = f"/actions/tasks/{some_task['id']}/comment"
    answer = admin.call("POST", path, data=body, files={"file": ("a.txt", b"x")}, headers=keyed())
    assert answer.status_code == 400
    assert "/uploads" in answer.json()["message"]
    assert all(row["text"] != body["comment"] for row in admin.ok_get(f"/data/tasks/{some_task['id']}/comments"))


def test_others_with_the_key_wait_for_the_first(server: Server, admin: Client) -> None:
    row, headers = wood(), keyed()
    made = admin.ok_post("/data/departments", row)
    path, change = f"/data/departments/{made['id']}", {"color": "#abcdef"}

    def send() -> requests.Response:
        return Client(admin.api, admin.token).put(path, change, headers=headers)

    with (
        psycopg.connect(server.database_url) as locker,
        psycopg.connect(server.database_url, autocommit=True) as watcher,
        ThreadPoolExecutor(4) as pool,
    ):
        locker.execute("SELECT 1 FROM department WHERE id = %s FOR UPDATE", (made["id"],))
        first = pool.submit(send)
        wait_until_blocked(watcher, "FROM department")
        others = [pool.submit(send) for _ in range(3)]
        locker.rollback()
        answers = [future.result() for future in as_completed([first, *others])]
    assert {answer.status_code for answer in answers} <= {200, 409}  # a slow machine: they wait for a bounded time
    done = [answer for answer in answers if answer.status_code == 200]
    assert len({answer.content for answer in done}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in done) == 1


def test_whoever_waits_too_long_is_told_to_come_again(server: Server, admin: Client) -> None:
    made = admin.ok_post("/data/departments", wood())
    path, headers = f"/data/departments/{made['id']}", keyed()
    answers: list[requests.Response] = []

    def send() -> None:
        answers.append(Client(admin.api, admin.token).put(path, {"color": "#abcdef"}, headers=headers))

    with (
        psycopg.connect(server.database_url) as locker,
        psycopg.connect(server.database_url, autocommit=True) as watcher,
    ):
        locker.execute("SELECT 1 FROM department WHERE id = %s FOR UPDATE", (made["id"],))
        first = threading.Thread(target=send)
        first.start()
        wait_until_blocked(watcher, "FROM department")
        second = Client(admin.api, admin.token).put(path, {"color": "#abcdef"}, headers=headers)
        locker.rollback()
        first.join()
    assert (second.status_code, second.json()["done"]) == (409, False)
    assert int(second.headers["retry-after"]) > 0
    assert answers[0].status_code == 200


def test_what_is_kept_tells_nothing_and_goes(server: Server, admin: Client) -> None:
    """The answer is sealed; a row whose day is over is no answer any more, and goes with its person."""
    bot, row, headers = hire(admin, "admin"), wood(), keyed()
    assert bot.post("/data/departments", row, headers=headers).status_code == 201
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        find = "FROM pegbar.idempotent_request WHERE person_id = %s"
        kept = connection.execute(f"SELECT digest, content, answer {find}", (bot.id,)).fetchall()
        assert len(kept) == 1
        for value in kept[0]:
            for secret in (row["name"], headers["Idempotency-Key"], "color"):
                assert secret.encode() not in value
        connection.execute(
            "UPDATE pegbar.idempotent_request SET created_at = created_at - interval '25 hours' WHERE person_id = %s",
            (bot.id,),
        )
        again = bot.post("/data/departments", {**row, "name": unique("Wood")}, headers=headers)
        assert (again.status_code, "idempotency-replayed" in again.headers) == (201, False)
        admin.ok_delete(f"/data/persons/{bot.id}", params={"force": "true"})
        assert connection.execute(f"SELECT count(*) {find}", (bot.id,)).fetchone() == (0,)


def test_every_route_takes_a_key_or_says_why_not(admin: Client) -> None:
    """Sent one that is too long, each names what is wrong: with the key, or with a key."""
    for operation in MUTATING:
        path = re.sub(r"\{[^}]+\}", str(uuid4()), re.sub(r"\{\w+:int\}", "1", operation.path))
        answer = admin.call(operation.method, path, headers=keyed("x" * 256), json={})
        assert answer.status_code == 400, f"{operation.method} {operation.path}: {answer.text}"
        message = answer.json()["message"]
        assert "Idempotency-Key" in message
        assert (operation.takes_no_key or "printable") in message


def test_a_route_without_somebody_signed_in_takes_none() -> None:
    for operation in MUTATING:
        assert operation.takes_no_key or not operation.access.public, operation.path
        if operation.path.startswith("/auth/"):
            assert operation.takes_no_key, f"{operation.path}: its answers may hold tokens"
