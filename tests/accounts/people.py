"""People who type passwords."""

import time
from typing import Any

import psycopg
import requests

from tests.client import Client, unique
from tests.server import Server

PASSWORD = "longenough"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def artist(admin: Client, role: str = "user", **more: Any) -> tuple[str, str]:
    """The id and e-mail of somebody with a password."""
    email = f"{unique('ida').replace(' ', '.')}@example.com"
    row = admin.ok_post(
        "/data/persons",
        {"first_name": "Ida", "last_name": "Lup", "role": role, "email": email, "password": PASSWORD, **more},
    )
    return row["id"], row["email"]


def log_in(admin: Client, email: str, password: str = PASSWORD, **proof: Any) -> requests.Response:
    """The answer to a sign-in."""
    return Client(admin.api).post("/auth/login", {"email": email, "password": password, **proof})


def signed_in(admin: Client, email: str, password: str = PASSWORD, **proof: Any) -> Client:
    """A client with a session of its own."""
    answer = log_in(admin, email, password, **proof)
    assert answer.status_code == 200, answer.text
    return Client(admin.api, answer.json()["access_token"], answer.json()["user"])


def is_in(client: Client) -> bool:
    """Whether a client's token still works."""
    return client.get("/auth/authenticated").status_code == 200


def stored(server: Server, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """Rows that no route shows."""
    with psycopg.connect(server.database_url) as connection:
        return connection.execute(query, values).fetchall()


def wait_until_none(server: Server, count: str, timeout: float = 30) -> None:
    """Wait until a count of rows is zero: for what a job does."""
    deadline = time.monotonic() + timeout
    while stored(server, count) != [(0,)]:
        assert time.monotonic() < deadline, count
        time.sleep(0.05)
