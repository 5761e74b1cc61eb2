"""Signing in against a directory: Debian's slapd."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from pegbar.accounts.sign_on.groups import GroupMapping
from pegbar.accounts.sign_on.ldap import connection, ntlm, searches
from pegbar.accounts.sign_on.ldap.connection import connected, of_login, of_service
from pegbar.accounts.sign_on.ldap.outcomes import BindRefused, DirectoryAway
from pegbar.accounts.sign_on.providers import Ldap
from tests.accounts import active_directory
from tests.accounts.active_directory import ActiveDirectory
from tests.accounts.people import artist, is_in, signed_in, stored
from tests.accounts.slapd import AD_USERS, GROUPS, OTHER_HOST, PASSWORD, PEOPLE, STUDIO, Slapd
from tests.client import Client, unique
from tests.server import Server

WRONG = "The e-mail or the password is wrong."


def uid() -> str:
    return unique("ida").replace(" ", ".")


def of(slapd: Slapd, **more: Any) -> Ldap:
    """The directory, as a provider."""
    about = {"host": "127.0.0.1", "port": slapd.port, "base_dn": PEOPLE, "timeout": 5, **more}
    return Ldap(name="ldap", **about)


def binds(directory: Ldap, login: str, password: str = PASSWORD) -> bool:
    try:
        with connected(directory, of_login(directory, login, password)):
            return True
    except BindRefused:
        return False


@pytest.fixture
def node(directory_node: Server) -> Client:
    return Client(directory_node.api)


@pytest.fixture
def person(slapd: Slapd, admin: Client) -> dict[str, Any]:
    """Somebody who is in the directory and here."""
    login = uid()
    slapd.person(login)
    return from_directory(admin, login)


def from_directory(admin: Client, login: str, **more: Any) -> dict[str, Any]:
    row = {"first_name": "Ida", "last_name": "Lup", "email": f"{login}@studio.example", "desktop_login": login, **more}
    made: dict[str, Any] = admin.ok_post("/data/persons", {**row, "is_generated_from_ldap": True})
    return made


def answer(node: Client, name: str, password: str) -> tuple[int, Any]:
    response = node.post("/auth/login", {"email": name, "password": password})
    return response.status_code, response.json()


# Through the server


def test_somebody_of_the_directory_signs_in_with_its_password(node: Client, person: dict[str, Any]) -> None:
    for name in (person["email"].upper(), person["desktop_login"]):
        status, body = answer(node, name, PASSWORD)
        assert (status, body["user"]["id"]) == (200, person["id"]), body
        assert is_in(Client(node.api, body["access_token"]))
    for wrong in ("", "*", PASSWORD + " ", PASSWORD.upper(), "default"):
        status, body = answer(node, person["email"], wrong)
        assert (status, body["login"], body["message"]) == (400, False, WRONG)


def test_a_password_that_is_kept_here_opens_nothing_for_them(node: Client, admin: Client, slapd: Slapd) -> None:
    login = uid()
    slapd.person(login)
    row = from_directory(admin, login, password="kept in here")
    assert answer(node, row["email"], "kept in here")[0] == 400
    session = signed_in(node, row["email"], PASSWORD)
    changed = session.post(
        "/auth/change-password", {"old_password": PASSWORD, "password": "n" * 9, "password_2": "n" * 9}
    )
    assert (changed.status_code, "directory" in changed.json()["message"]) == (400, True)


def test_others_use_their_local_password_with_the_fallback(node: Client, admin: Client) -> None:
    _, email = artist(admin)
    assert answer(node, email, "longenough")[0] == 200
    assert answer(node, email, "not the one")[1]["message"] == WRONG


def test_somebody_whom_the_directory_alone_knows_gets_an_account(
    node: Client, admin: Client, slapd: Slapd, server: Server
) -> None:
    login = uid()
    slapd.person(login, "Zoë", "Ångström", mail=[f"{login}@elsewhere.example", f"{login}@studio.example"])
    assert answer(node, login, "not the one")[0] == 400
    assert stored(server, "SELECT count(*) FROM person WHERE desktop_login = %s", login) == [(0,)]
    status, body = answer(node, login, PASSWORD)
    assert status == 200, body
    row = admin.ok_get(f"/data/persons/{body['user']['id']}")
    assert (row["full_name"], row["email"], row["role"]) == ("Zoë Ångström", f"{login}@studio.example", "user")
    assert row["is_generated_from_ldap"]
    assert row["ldap_uid"]
    for name in (f"{login}@elsewhere.example", login):
        assert answer(node, name, PASSWORD)[1]["user"]["id"] == row["id"]
    admin.ok_put(f"/data/persons/{row['id']}", {"active": False})
    for name in (f"{login}@elsewhere.example", login):
        assert answer(node, name, PASSWORD)[0] == 401, "nobody switches themselves on again"


def test_nobody_takes_over_an_account_by_its_address(node: Client, admin: Client, slapd: Slapd) -> None:
    person_id, email = artist(admin, role="admin")
    login = uid()
    slapd.person(login, mail=email)
    status, body = answer(node, login, PASSWORD)
    assert (status, "already" in body["message"]) == (400, True)
    row = admin.ok_get(f"/data/persons/{person_id}")
    assert (row["desktop_login"], bool(row["is_generated_from_ldap"])) == (None, False)


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "*)(uid=*",
        "{uid})(objectClass=*",
        "{uid},ou=people",
        "{uid}\x00",
        "uid={uid}",
        "{uid}*",
        "\\2a",
        " {uid}\x01",
    ],
)
@pytest.mark.parametrize("is_known", [True, False])
def test_names_are_names_and_no_filters(node: Client, admin: Client, slapd: Slapd, name: str, is_known: bool) -> None:
    login = uid()
    slapd.person(login)
    name = name.format(uid=login)
    if is_known and "\x00" not in name:
        row = from_directory(admin, f"{login}-x", desktop_login=name)
        name = row["email"]
    status, body = answer(node, name, PASSWORD)
    assert status == 400, body
    assert "user" not in body


def test_a_login_with_all_that_is_special_signs_in(slapd: Slapd, node: Client, admin: Client) -> None:
    login = f'{uid()} "O\'Neil", (#1) *+<>;=\\/é'
    slapd.person(login, mail=f"{uid()}@studio.example")
    row = from_directory(admin, uid(), desktop_login=login)
    assert answer(node, row["email"], PASSWORD)[0] == 200
    assert answer(node, row["email"], "not the one")[0] == 400


def test_guesses_at_the_directory_close_the_account(node: Client, person: dict[str, Any]) -> None:
    for _ in range(5):
        assert answer(node, person["desktop_login"], "not the one")[0] == 400
    status, body = answer(node, person["desktop_login"], PASSWORD)
    assert (status, body["too_many_failed_login_attemps"]) == (400, True)


def test_nobody_is_told_from_somebody(node: Client, admin: Client, slapd: Slapd) -> None:
    inactive, elsewhere = uid(), uid()
    slapd.person(inactive)
    from_directory(admin, inactive, active=False)
    from_directory(admin, elsewhere)
    answers = [
        answer(node, name, "not the one")
        for name in (inactive, elsewhere, uid(), f"{uid()}@studio.example", artist(admin)[1])
    ]
    assert all(one == answers[0] for one in answers), answers
    assert answer(node, inactive, PASSWORD)[1]["unactive"]


def test_a_directory_that_is_away_is_said_alike_to_all_but_those_with_a_local_password(
    server: Server, admin: Client, node: Client, slapd: Slapd, person: dict[str, Any]
) -> None:
    _, email = artist(admin)
    slapd.stop()
    try:
        answers = [answer(node, name, PASSWORD) for name in (person["email"], email, uid())]
        right = answer(node, email, "longenough")
    finally:
        slapd.start()
    assert right[0] == 200, right
    assert all(one == answers[0] for one in answers), answers
    status, body = answers[0]
    assert (status, body["login"], body["error"]) == (503, False, True)
    assert "directory" in body["message"]
    assert answer(node, person["email"], PASSWORD)[0] == 200


# The protocol


@pytest.mark.parametrize("how", [{}, {"start_tls": True}, {"ssl": True}])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_connections_plain_and_with_tls(slapd: Slapd, how: dict[str, Any], host: str) -> None:
    login = uid()
    slapd.person(login)
    port = slapd.tls_port if "ssl" in how else slapd.port
    directory = of(slapd, host=host, port=port, ca_file=str(slapd.ca), **how)
    assert binds(directory, login)
    assert not binds(directory, login, "not the one")
    assert not binds(directory, f"{login}x")


@pytest.mark.parametrize("how", [{"start_tls": True}, {"ssl": True}])
def test_a_certificate_that_nobody_vouches_for_is_refused(slapd: Slapd, how: dict[str, Any]) -> None:
    login = uid()
    slapd.person(login)
    directory = of(slapd, port=slapd.tls_port if "ssl" in how else slapd.port, **how)
    with pytest.raises(DirectoryAway, match="certificate verify failed"):
        binds(directory, login)
    other_name = msgspec.structs.replace(directory, host=OTHER_HOST, ca_file=str(slapd.ca))
    with pytest.raises(DirectoryAway, match="IP address mismatch"):
        binds(other_name, login)
    assert binds(msgspec.structs.replace(other_name, verify=False), login)


def test_an_address_of_tls_is_checked_too(slapd: Slapd) -> None:
    login = uid()
    slapd.person(login)
    directory = of(slapd, host=f"ldaps://127.0.0.1:{slapd.tls_port}")
    with pytest.raises(DirectoryAway, match="certificate verify failed"):
        binds(directory, login)
    assert binds(msgspec.structs.replace(directory, ca_file=str(slapd.ca)), login)


def test_tls_that_the_directory_does_not_offer_is_not_done_without(slapd: Slapd) -> None:
    refusal = b"\x78\x07\x0a\x01\x02\x04\x00\x04\x00"  # a protocol error
    with silent(refusal) as port, pytest.raises(DirectoryAway, match="startTLS failed - protocolError"):
        binds(of(slapd, port=port, start_tls=True), "ida")


def test_what_speaks_no_ldap_is_away(slapd: Slapd) -> None:
    with silent(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port, pytest.raises(DirectoryAway):
        binds(of(slapd, port=port, timeout=1), "ida")


def test_the_next_host_is_asked_when_one_is_away(slapd: Slapd) -> None:
    login = uid()
    slapd.person(login)
    with closed() as port:
        both = of(slapd, host=f"ldap://127.0.0.1:{port}, ldap://127.0.0.1:{slapd.port}")
        assert binds(both, login)
        with pytest.raises(DirectoryAway, match=str(port)):
            binds(of(slapd, host=f"ldap://127.0.0.1:{port}"), login)


@pytest.mark.parametrize("how", [{}, {"ssl": True}, {"start_tls": True}])
def test_a_directory_that_keeps_silent_is_given_up(slapd: Slapd, how: dict[str, Any]) -> None:
    with silent() as port, pytest.raises(DirectoryAway):
        binds(of(slapd, port=port, timeout=1, **how), "ida")


def test_a_slow_directory_takes_a_bounded_number_of_threads(slapd: Slapd) -> None:
    release, running = threading.Event(), []
    connection._threads.cache_clear()
    directory = of(slapd, timeout=0.1)

    def slow() -> None:
        running.append(1)
        release.wait(30)

    async def crowd() -> list[Any]:
        work = [connection.in_thread(directory, f"192.0.2.{n}", slow) for n in range(connection.MOST + 3)]
        answers = await asyncio.gather(*work, return_exceptions=True)
        release.set()
        return answers

    answers = asyncio.run(crowd())
    connection._threads.cache_clear()
    assert all(isinstance(one, DirectoryAway) for one in answers)
    assert sum("did not answer" in str(one) for one in answers) == connection.MOST
    assert sum("too many" in str(one) for one in answers) == 3


def test_a_guess_is_counted_while_the_directory_is_away(node: Client, admin: Client, slapd: Slapd) -> None:
    """Else whoever keeps it busy would guess at local passwords for ever."""
    _, email = artist(admin)
    slapd.stop()
    try:
        answers = [answer(node, email, "not the one") for _ in range(6)]
    finally:
        slapd.start()
    assert [status for status, _ in answers] == [503] * 5 + [400]
    assert answers[5][1]["too_many_failed_login_attemps"]


@pytest.mark.parametrize("password", ["", "x" * 600])
def test_what_no_password_is_never_reaches_a_directory(password: str) -> None:
    assert not connection.is_plausible("ida", password)


def test_slapd_would_let_anybody_in_without_a_password(slapd: Slapd) -> None:
    """What the check above is for: such a bind succeeds, as nobody."""
    name = slapd.person(uid()).encode()
    request = b"\x02\x01\x03\x04" + bytes([len(name)]) + name + b"\x80\x00"
    request = b"\x02\x01\x01\x60" + bytes([len(request)]) + request
    with socket.create_connection(("127.0.0.1", slapd.port), 10) as raw:
        raw.sendall(b"\x30" + bytes([len(request)]) + request)
        assert raw.recv(100)[7:10] == b"\x0a\x01\x00", "success"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, (f"uid=a\\,b,{PEOPLE}", False)),
        ({"is_ad_simple": True}, (f"cn=a\\,b,{PEOPLE}", False)),
        ({"is_ad": True, "domain": "STUDIO"}, ("STUDIO\\a,b", True)),
        ({"is_ad": True, "domain": "STUDIO", "ssl": True}, ("STUDIO\\a,b", False)),
        ({"is_ad": True, "domain": "studio.example", "start_tls": True}, ("a,b@studio.example", False)),
        ({"is_ad": True, "domain": "STUDIO", "ssl": True, "authentication": "ntlm"}, ("STUDIO\\a,b", True)),
        ({"is_ad": True, "domain": "studio.example", "authentication": "simple"}, ("a,b@studio.example", False)),
    ],
)
def test_names_in_the_forms_of_directories(slapd: Slapd, more: dict[str, Any], expected: tuple[str, bool]) -> None:
    credentials = of_login(of(slapd, **more), "a,b", "secret")
    assert (credentials.name, credentials.with_ntlm) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"user": "reader"}, f"uid=reader,{PEOPLE}"),
        ({"user": f"cn=reader,{STUDIO}"}, f"cn=reader,{STUDIO}"),
        ({"user": "reader@ad.example", "is_ad_simple": True}, "reader@ad.example"),
        ({"user": "reader", "is_ad": True, "domain": "AD"}, "AD\\reader"),
        ({"user": "OTHER\\reader", "is_ad": True, "domain": "AD"}, "OTHER\\reader"),
    ],
)
def test_names_of_the_account_that_reads(slapd: Slapd, more: dict[str, Any], expected: str) -> None:
    assert of_service(of(slapd, **more)).name == expected


def test_people_of_active_directory_bind_by_their_dn(slapd: Slapd) -> None:
    login = uid()
    slapd.ad_user(login)
    directory = of(slapd, base_dn=AD_USERS, is_ad_simple=True)
    assert binds(directory, login)
    assert not binds(directory, login, "not the one")


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        (b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        (b"abc", "a448017aaf21d8525fc10ae87aa6729d"),
        (b"12345678901234567890" * 4, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_md4_as_in_its_standard(text: bytes, digest: str) -> None:
    assert ntlm.md4(text).hex() == digest


def test_a_hash_is_no_password() -> None:
    """The secret is that of Microsoft's example; and a stolen one, typed, is hashed like any other text."""
    assert ntlm.secret_of("Password") == "0" * 32 + ":a4f49c406510bdcab6824ee7c30fd852"
    stolen = ntlm.secret_of("Password")
    assert ntlm.secret_of(stolen) != stolen


def test_ntlm_proves_a_password(slapd: Slapd) -> None:
    with ActiveDirectory() as server:
        directory = of(slapd, port=server.port, is_ad=True, domain=active_directory.DOMAIN)
        assert binds(directory, "ida", active_directory.PASSWORD)
        assert not binds(directory, "ida", "not the one")
        assert not binds(directory, "ida", f"{'0' * 32}:a4f49c406510bdcab6824ee7c30fd852"), (
            "a stolen hash is no password"
        )
        assert not binds(msgspec.structs.replace(directory, domain="OTHER"), "ida", active_directory.PASSWORD)
        assert server.users == ["ida"]


def test_a_server_without_ntlm_lets_nobody_in(slapd: Slapd) -> None:
    with ActiveDirectory(packages=b"DPA") as server, pytest.raises(DirectoryAway, match="NTLM"):
        binds(of(slapd, port=server.port, is_ad=True, domain=active_directory.DOMAIN), "ida", active_directory.PASSWORD)


@pytest.mark.parametrize(("data", "expired"), [(b"data 532, v2580", True), (b"data 773", True), (b"data 775", False)])
def test_an_expired_password_is_told_from_a_wrong_one(slapd: Slapd, data: bytes, expired: bool) -> None:
    with ActiveDirectory(refusal=b"80090308: LdapErr, " + data) as server:
        directory = of(slapd, port=server.port, is_ad=True, domain=active_directory.DOMAIN)
        with pytest.raises(BindRefused) as refused, connected(directory, of_login(directory, "ida", "not the one")):
            pytest.fail("it is let in")
    assert refused.value.expired is expired


# Groups


def test_groups_are_found_from_either_side_and_within_each_other(slapd: Slapd) -> None:
    login = uid()
    dn = slapd.person(login)
    inner = slapd.group(f"inner {login}", dn)
    outer = slapd.group(f"outer {login}", inner)
    around = slapd.group(f"around {login}", outer, unique=True)
    slapd.change(inner, member=[dn, outer])  # a circle
    posix = slapd.add(f"cn=posix {login},{GROUPS}", "groupOfNames extensibleObject", member=[around], memberUid=[login])
    directory = of(slapd, base_dn=STUDIO, mapping=GroupMapping(default_role="user"))
    with connected(directory, of_service(of(slapd, user=f"cn=reader,{STUDIO}", password="readsall"))) as reading:
        known = searches.groups(reading, directory)
        entry = searches.one_to_sign_in(reading, directory, login, by_address=False)
        assert entry is not None
        assert {inner.lower(), outer.lower(), around.lower(), posix.lower()} == {dn.lower() for dn in known.of(entry)}
        for group in (inner, inner.upper(), f"Inner {login}", outer, f"around {login}"):
            assert known.has(group, entry), group
        assert not known.has("inner", entry)
        assert sorted(known.below(outer)) == sorted({inner, outer})


@contextmanager
def closed() -> Iterator[int]:
    """A port that nobody listens at."""
    with socket.socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield kept.getsockname()[1]


@contextmanager
def silent(reply: bytes = b"") -> Iterator[int]:
    """The port of a server that takes connections and says no more than this, to the first message."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        taken: list[socket.socket] = []

        def take() -> None:
            try:
                while True:
                    one, _ = listening.accept()
                    taken.append(one)
                    if reply:
                        request = one.recv(4096)
                        message_id = request[2 : 4 + request[3]]
                        one.sendall(bytes([0x30, len(message_id + reply)]) + message_id + reply)
            except OSError:
                return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        for one in taken:
            one.close()
