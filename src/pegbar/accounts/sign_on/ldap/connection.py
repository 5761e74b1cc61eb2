"""Connections to a directory: TLS, and proving who one is. Blocking: run it in `in_thread`.

Source: spec accounts, 6 ("LDAP"); spec operations, "LDAP sync" (the forms of names).
"""

import asyncio
import math
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pegbar.accounts.sign_on.ldap import ntlm
from pegbar.accounts.sign_on.ldap.outcomes import BindRefused, DirectoryAway
from pegbar.accounts.sign_on.providers import Ldap
from pegbar.accounts.threads import Threads
from pegbar.core.errors import Unavailable

# ldap3 takes a tenth of a second to import: servers without a directory, and other commands, do without it.
if TYPE_CHECKING:
    import ldap3

T = TypeVar("T")

#: Threads that wait for directories, and how many sign-ins may wait at once.
THREADS, MOST = 16, 64
#: Names and passwords beyond are nobody's.
_LONGEST = 512
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: What a directory answers when it means "not you" (RFC 4511): constraint violation (the account is locked), no such
#: object, invalid DN, inappropriate authentication (it has no password), invalid credentials, insufficient rights.
_REFUSALS = frozenset({19, 32, 34, 48, 49, 50})
#: Why Active Directory refuses a right password: `data 532` in its message.
_AD_REASON = re.compile(r"\bdata ([0-9a-f]{3,4})\b")
_EXPIRED = frozenset({"532", "773"})


@dataclass(frozen=True)
class Credentials:
    """A name in a form that the directory knows, and its password."""

    name: str
    password: str
    with_ntlm: bool = False


@cache
def _threads() -> Threads:
    return Threads("directory", THREADS, MOST)


async def in_thread(directory: Ldap, client: str | None, work: Callable[..., T], *arguments: object) -> T:
    """What the work returns, if that takes no longer than the directory may take. Raises DirectoryAway.

    That too many wait is no other answer: a guess is counted whether the directory was asked or not.
    """
    patience = directory.timeout * 2 + 1
    try:
        return await asyncio.wait_for(_threads().run(client, work, *arguments), patience)
    except TimeoutError:
        raise DirectoryAway(f"{directory.host} did not answer in {patience:g} seconds") from None
    except Unavailable:
        raise DirectoryAway(f"too many sign-ins wait for {directory.host}") from None


def is_plausible(login: str, password: str) -> bool:
    """Whether somebody may have such a login and password at all.

    A directory takes an empty password for somebody who does not want to be known, and lets them in.
    """
    return 0 < len(login) <= _LONGEST and not _CONTROL.search(login) and 0 < len(password) <= _LONGEST


def of_login(directory: Ldap, login: str, password: str) -> Credentials:
    """Somebody who signs in, by their login, as the settings say that the directory names people."""
    if directory.is_ad_simple:
        return Credentials(f"cn={_escaped(login)},{directory.base_dn}", password)
    if directory.is_ad:
        return _in_domain(directory, login, password)
    return Credentials(f"uid={_escaped(login)},{directory.base_dn}", password)


def _escaped(login: str) -> str:
    from ldap3.utils.dn import escape_rdn

    escaped: str = escape_rdn(login)
    return escaped


def of_service(directory: Ldap) -> Credentials:
    """The account that reads the directory."""
    user, password = directory.user, directory.password
    if directory.is_ad_simple or "=" in user:
        return Credentials(user, password)
    if directory.is_ad:
        return _in_domain(directory, user, password)
    return Credentials(f"uid={_escaped(user)},{directory.base_dn}", password)


def _in_domain(directory: Ldap, login: str, password: str) -> Credentials:
    """By NTLM unless TLS keeps the password from others: then as Microsoft advises, for servers without NTLM."""
    if directory.authentication == "ntlm" or (directory.authentication == "" and not is_encrypted(directory)):
        name = login if "\\" in login and login == directory.user else f"{directory.domain}\\{login}"
        return Credentials(name, password, with_ntlm=True)
    if "\\" in login or "@" in login:
        return Credentials(login, password)
    # Active Directory knows DOMAIN\login and login@domain.example.
    return Credentials(
        f"{login}@{directory.domain}" if "." in directory.domain else f"{directory.domain}\\{login}", password
    )


def is_encrypted(directory: Ldap) -> bool:
    """Whether passwords travel encrypted."""
    return directory.ssl or directory.start_tls or all(host.lower().startswith("ldaps://") for host in hosts(directory))


def hosts(directory: Ldap) -> list[str]:
    """The hosts to try, in order."""
    return re.split(r"[\s,]+", directory.host.strip())


@contextmanager
def connected(directory: Ldap, credentials: Credentials) -> "Iterator[ldap3.Connection]":
    """A connection that has proven who it is, to the first host that answers. Raises DirectoryAway, BindRefused."""
    connection = opened(directory, credentials)
    try:
        bind(connection)
        yield connection
    finally:
        with suppress(Exception):  # whatever a broken connection says to its end
            connection.unbind()


def opened(directory: Ldap, credentials: Credentials) -> "ldap3.Connection":
    """A connection to the first host that answers, encrypted if the settings say so. Raises DirectoryAway."""
    problems = []
    for host in hosts(directory):
        try:
            return _opened(directory, host, credentials)
        except DirectoryAway as away:
            problems.append(str(away))
    raise DirectoryAway("; ".join(problems))


def _opened(directory: Ldap, host: str, credentials: Credentials) -> "ldap3.Connection":
    with spoken(host):
        connection = _connection(directory, host, credentials)
        try:
            connection.open()
            if directory.start_tls and not connection.server.ssl:
                connection.start_tls()
        except BaseException:
            with suppress(Exception):
                connection.strategy.close()
            raise
        return connection


@contextmanager
def spoken(host: str) -> Iterator[None]:
    """What goes wrong between us and a host is that it is away: ldap3 stumbles over answers that are no LDAP."""
    from ldap3.core.exceptions import LDAPExceptionError

    try:
        yield
    except DirectoryAway:
        raise
    except (LDAPExceptionError, OSError) as error:
        raise DirectoryAway(f"{host}: {reason_of(error)}") from error
    except Exception as error:
        raise DirectoryAway(f"{host}: its answer is no LDAP ({type(error).__name__})") from error


def _connection(directory: Ldap, host: str, credentials: Credentials) -> "ldap3.Connection":
    import ldap3

    patience = math.ceil(directory.timeout)  # a socket takes whole seconds
    server = ldap3.Server(
        host,
        port=directory.port,
        use_ssl=directory.ssl,
        tls=_tls(directory),
        get_info=ldap3.NONE,
        connect_timeout=patience,
    )
    secret: Any = credentials.password.encode("utf-8", "surrogatepass")  # as it was typed: not prepared by any profile
    how = {"authentication": ldap3.SIMPLE}
    if credentials.with_ntlm:
        secret, how = ntlm.secret_of(credentials.password), {"authentication": ldap3.NTLM}
    return ldap3.Connection(
        server,
        credentials.name,
        secret,
        **how,
        auto_referrals=False,  # nobody's password goes to where a directory points
        receive_timeout=patience,
        read_only=True,
    )


def _tls(directory: Ldap) -> "ldap3.Tls":
    """TLS as Python does it: ldap3 looks for names in certificates itself, and not for addresses."""
    import ldap3

    context = _context(directory.ca_file, directory.verify)

    def wrap(connection: "ldap3.Connection", do_handshake: bool = False) -> None:
        connection.socket = context.wrap_socket(
            connection.socket, server_hostname=connection.server.host, do_handshake_on_connect=do_handshake
        )

    tls = ldap3.Tls()
    tls.wrap_socket = wrap
    return tls


@cache
def _context(ca_file: str, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file:
        context.load_verify_locations(ca_file)
    if not verify:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def bind(connection: "ldap3.Connection") -> None:
    """Prove who the connection is for. Raises BindRefused; DirectoryAway for every other answer than yes or no."""
    with spoken(connection.server.host):
        if connection.bind():
            # Where a server does not offer NTLM, ldap3 calls it a success that it was asked.
            if connection.authentication == "NTLM" and not connection.extend.standard.who_am_i():
                raise DirectoryAway(f"{connection.server.host}: it does not offer NTLM")
            return
    code, text = connection.result["result"], str(connection.result.get("message") or "").strip("\0 ")
    description = f"{connection.result['description']}{f' ({text})' if text else ''}"
    if code in _REFUSALS:
        found = _AD_REASON.search(text)
        raise BindRefused(description, expired=found is not None and found[1] in _EXPIRED)
    raise DirectoryAway(f"{connection.server.host}: it answers {description}")


def reason_of(error: BaseException) -> str:
    """What went wrong, in one line."""
    text = " ".join(str(error).split()).strip("()'\", ")  # ldap3 puts errors into tuples of tuples
    return text or type(error).__name__
