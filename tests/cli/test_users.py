"""`pegbar user` beside a running server, on its own database."""

from pathlib import Path
from typing import get_args

import msgspec

from pegbar.accounts.tables import ROLES
from pegbar.cli.users import Role
from tests.client import Client, sign_in, unique
from tests.command import Done, pegbar
from tests.server import Server


def command(server: Server, *arguments: str) -> Done:
    return pegbar("user", *arguments, "--data", str(server.folder))


def address() -> str:
    return unique("user").replace(" ", "-") + "@example.com"


def test_the_roles_are_those_of_the_table() -> None:
    assert set(get_args(Role)) == set(ROLES)


def test_a_person_is_made_promoted_and_let_in_again(server: Server, admin: Client) -> None:
    email = address()
    created = command(server, "create", email, "--first-name", "Ada", "--last-name", "Lovelace")
    assert created.returncode == 0, created.stderr
    password = created.stdout.strip().rpartition(" ")[2]
    ada = sign_in(server.api, email, password)
    assert (ada.person["full_name"], ada.person["role"]) == ("Ada Lovelace", "user")

    assert "is manager now" in command(server, "promote", email, "--role", "manager").stdout
    assert "was manager already" in command(server, "promote", email, "--role", "manager").stdout
    assert ada.ok_get("/auth/authenticated")["user"]["role"] == "manager"

    for _ in range(6):
        Client(server.api).post("/auth/login", {"email": email, "password": "wrong password"})
    reset = command(server, "reset-password", email, "--password", "anotherpassword")
    assert reset.returncode == 0, reset.stderr
    assert "anotherpassword" not in reset.stdout
    assert ada.get("/auth/authenticated").status_code == 401
    assert sign_in(server.api, email, "anotherpassword").person["id"] == ada.id

    listed = msgspec.json.decode(command(server, "list", "--json").stdout)
    assert {"Ada Lovelace"} == {row["full_name"] for row in listed if row["email"] == email}
    assert admin.person["email"] in command(server, "list").stdout


def test_a_bot_calls_the_api_with_its_token(server: Server) -> None:
    name = unique("Farm")
    created = command(server, "create-bot", name, "--role", "supervisor", "--expires", "2090-01-31")
    assert created.returncode == 0, created.stderr
    who = Client(server.api, created.stdout.strip()).ok_get("/auth/authenticated")["user"]
    assert (who["first_name"], who["role"], who["is_bot"]) == (name, "supervisor", True)


def test_mistakes_are_told(server: Server) -> None:
    for arguments, code, message in [
        (["create", "nobody"], 1, "nobody"),
        (["create", address(), "--password", "short"], 1, "at least 8 characters"),
        (["create", address(), "--role", "king"], 2, "role"),
        (["create", "admin@example.com"], 1, "already in use"),
        (["promote", "nobody@example.com"], 1, "Nobody has the e-mail address nobody@example.com"),
        (["reset-password", "nobody@example.com"], 1, "Nobody has"),
        (["create-bot", "Old", "--expires", "2001-01-01"], 1, "past"),
        (["create"], 2, "EMAIL"),
    ]:
        done = command(server, *arguments)
        seen = done.stderr.lower()
        assert (done.returncode, message.lower() in seen, "traceback" in seen) == (code, True, False), done.stderr


def test_without_a_server_the_database_is_started_for_the_command(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path))
    refused = pegbar("user", "list", *data)
    assert (refused.returncode, "pegbar db init" in refused.stderr) == (1, True)
    assert pegbar("db", "init", *data).returncode == 0
    assert pegbar("user", "create", "ada@example.com", "--password", "mysecretpassword", *data).returncode == 0
    assert "ada@example.com" in pegbar("user", "list", *data).stdout
    assert pegbar("jobs", "list", *data).returncode == 0
    assert not (tmp_path / "postgresql" / "postmaster.pid").exists()
    assert pegbar("db", "url", *data).returncode == 1


def test_a_password_may_come_from_the_standard_input(server: Server) -> None:
    email = address()
    data = ("--data", str(server.folder))
    done = pegbar("user", "create", email, "--password-stdin", *data, stdin="mysecretpassword\n")
    assert done.returncode == 0, done.stderr
    assert sign_in(server.api, email, "mysecretpassword").person["email"] == email
