"""What settings change at sign-in, seen from inside: a server for each would take too long."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Request

from pegbar.accounts import addresses, cookies, passwords, sign_in
from pegbar.accounts.guesses import Target
from pegbar.config import settings
from tests.accounts.people import FIREFOX

Set = Callable[..., None]


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set environment variables, as the process sees them."""

    def give(**environment: str) -> None:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        addresses.trusted_networks.cache_clear()

    yield give
    monkeypatch.undo()
    settings.cache_clear()
    addresses.trusted_networks.cache_clear()


def request(peer: str = "203.0.113.5", **headers: str) -> Request[Any, Any, Any]:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope: Any = {"type": "http", "headers": raw, "client": (peer, 1), "scheme": "http", "path": "/", "method": "GET"}
    return Request(scope | {"server": ("localhost", 80), "query_string": b"", "root_path": "", "state": {}})


class Counting:
    """Guesses that are counted here."""

    network = "192.0.2.1"

    class db:
        """Where nobody came from a directory."""

        @staticmethod
        async def value(*_: Any, **__: Any) -> None:
            return None

    def __init__(self) -> None:
        self.counted: list[str] = []

    async def failed(self) -> None:
        self.counted.append("address")

    async def wrong(self, _: Target) -> None:
        self.counted.append("place")


def target(**more: Any) -> Target:
    """Somebody with a password to guess at; nobody when `who` is None."""
    row: Any = {
        "id": None,
        "password": asyncio.run(passwords.hash_password("longenough")),
        "active": True,
        "preview_project_id": None,
        "is_generated_from_ldap": False,
        "desktop_login": "ida",
    }
    row = None if "who" in more else {**row, **more}
    return Target(place=1, who=row, closed_for=None, is_known_address=False, seen_today=False)


def signing_in(who: Target, password: str = "longenough") -> tuple[int, Any, list[str]]:
    """Status and body of a sign-in, and what was counted."""
    guesses: Any = Counting()
    try:
        asyncio.run(sign_in.check_password(guesses, who, password))
    except sign_in.SignInRefused as refused:
        return refused.status, refused.body, guesses.counted
    return 200, None, guesses.counted


STRATEGIES: list[dict[str, str]] = [
    {"AUTH_STRATEGY": "auth_local_classic"},
    {"AUTH_STRATEGY": "auth_remote_ldap", "LDAP_PORT": "1"},
    {"AUTH_STRATEGY": "auth_remote_ldap", "LDAP_PORT": "1", "LDAP_FALLBACK": "true"},
    {"AUTH_STRATEGY": "auth_by_magic"},
]


@pytest.mark.parametrize(
    ("environment", "from_directory", "status"),
    [
        (STRATEGIES[0], False, 200),
        ({"AUTH_STRATEGY": "auth_local_no_password"}, False, 200),
        ({"AUTH_STRATEGY": "auth_local_no_password"}, True, 200),
        # Nobody answers at the directory's port.
        (STRATEGIES[1], False, 503),
        (STRATEGIES[1], True, 503),
        (STRATEGIES[2], False, 200),
        (STRATEGIES[2], True, 503),
        (STRATEGIES[3], False, 409),
    ],
)
def test_strategies(setting: Set, environment: dict[str, str], from_directory: bool, status: int) -> None:
    setting(BCRYPT_LOG_ROUNDS="4", **environment)
    answer = signing_in(target(is_generated_from_ldap=from_directory))
    assert answer[0] == status
    assert status == 200 or answer[1]["login"] is False


@pytest.mark.parametrize("environment", STRATEGIES)
def test_no_strategy_tells_who_has_an_account(
    setting: Set, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    setting(BCRYPT_LOG_ROUNDS="4", **environment)
    compared: list[int] = []
    compare = passwords.bcrypt.checkpw
    monkeypatch.setattr(passwords.bcrypt, "checkpw", lambda *both: compared.append(1) or compare(*both))
    answers = []
    for who in (
        target(who=None),
        target(),
        target(password=None),
        target(password=b"default"),
        target(password=b"$2b$99$" + b"a" * 53),
        target(is_generated_from_ldap=True),
        target(active=False),
    ):
        answers.append((signing_in(who, "a wrong one"), len(compared) > 0))
        compared.clear()
    assert all(answer == answers[0] for answer in answers), answers


@pytest.mark.parametrize(
    ("peer", "headers", "seen"),
    [
        ("203.0.113.5", {"x_real_ip": "192.0.2.1"}, "203.0.113.5"),
        ("203.0.113.5", {"x_forwarded_for": "192.0.2.1"}, "203.0.113.5"),
        ("10.0.0.9", {}, "10.0.0.9"),
        ("10.0.0.9", {"x_real_ip": "192.0.2.1"}, "192.0.2.1"),
        ("10.0.0.9", {"x_real_ip": "2001:DB8::1"}, "2001:db8::1"),
        ("10.0.0.9", {"x_real_ip": "nonsense"}, None),
        ("10.0.0.9", {"x_real_ip": "fe80::1%" + "eth" * 30}, "fe80::1"),
        ("10.0.0.9", {"x_forwarded_for": "6.6.6.6, 192.0.2.1, 10.0.0.3"}, "192.0.2.1"),
        ("10.0.0.9", {"x_forwarded_for": "nonsense"}, "10.0.0.9"),
        ("10.0.0.9", {"x_real_ip": "192.0.2.1", "x_forwarded_for": "6.6.6.6, 192.0.2.1"}, "192.0.2.1"),
        ("10.0.0.9", {"x_real_ip": "10.0.0.3", "x_forwarded_for": "192.0.2.1, 10.0.0.3"}, "192.0.2.1"),
        # A proxy that writes one of them passes on the other as it came.
        ("10.0.0.9", {"x_real_ip": "6.6.6.6", "x_forwarded_for": "192.0.2.1"}, None),
        ("10.0.0.9", {"x_real_ip": "192.0.2.1", "x_forwarded_for": "6.6.6.6"}, None),
    ],
)
def test_only_a_trusted_proxy_names_addresses(
    setting: Set, peer: str, headers: dict[str, str], seen: str | None
) -> None:
    setting(PEGBAR_TRUSTED_PROXIES="10.0.0.0/8")
    assert addresses.client_address(request(peer, **headers)) == seen


def test_only_a_trusted_proxy_says_https(setting: Set) -> None:
    setting(PEGBAR_TRUSTED_PROXIES="10.0.0.0/8")
    assert addresses.is_https(request("10.0.0.1", x_forwarded_proto="https"))
    assert not addresses.is_https(request("203.0.113.5", x_forwarded_proto="https"))


@given(st.text())
def test_any_address_header_is_read(text: str) -> None:
    headers = {"x_real_ip": text.encode("ascii", "ignore").decode()}
    addresses.client_address(request("127.0.0.1", **headers))


@pytest.mark.parametrize(
    ("agent", "browser"),
    [
        (FIREFOX, True),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36", True),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126 Safari/537.36 Edg/126.0", True),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 kitsu-publisher/1 Chrome/126 Electron/31 Safari/537", False),
        ("python-requests/2.32", False),
        ("", False),
    ],
)
def test_browsers_are_told_by_their_agent(agent: str, browser: bool) -> None:
    assert cookies.is_browser(request(user_agent=agent)) is browser
