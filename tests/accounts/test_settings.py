"""What settings change at sign-in, seen from inside: a server for each would take too long."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Request

from pegbar.accounts import addresses, cookies, passwords, sign_in
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


def person(**more: Any) -> Any:
    stored = asyncio.run(passwords.hash_password("longenough"))
    return {
        "id": None,
        "password": stored,
        "login_failed_attemps": 0,
        "last_login_failed": None,
        "active": True,
        "preview_project_id": None,
        "is_generated_from_ldap": False,
        **more,
    }


@pytest.mark.parametrize(
    ("environment", "from_directory", "status"),
    [
        ({"AUTH_STRATEGY": "auth_local_classic"}, False, 200),
        ({"AUTH_STRATEGY": "auth_local_no_password"}, False, 200),
        ({"AUTH_STRATEGY": "auth_local_no_password"}, True, 200),
        ({"AUTH_STRATEGY": "auth_remote_ldap"}, False, 400),
        ({"AUTH_STRATEGY": "auth_remote_ldap"}, True, 400),
        ({"AUTH_STRATEGY": "auth_remote_ldap", "LDAP_FALLBACK": "true"}, False, 200),
        ({"AUTH_STRATEGY": "auth_remote_ldap", "LDAP_FALLBACK": "true"}, True, 400),
        ({"AUTH_STRATEGY": "auth_by_magic"}, False, 409),
    ],
)
def test_strategies(setting: Set, environment: dict[str, str], from_directory: bool, status: int) -> None:
    setting(BCRYPT_LOG_ROUNDS="4", **environment)
    check = sign_in.check_password_of(None, person(is_generated_from_ldap=from_directory), "longenough")  # type: ignore[arg-type]
    if status == 200:
        asyncio.run(check)
        return
    with pytest.raises(sign_in.SignInRefused) as refused:
        asyncio.run(check)
    assert refused.value.status == status
    assert refused.value.body["login"] is False


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
