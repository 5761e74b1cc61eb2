"""How the server is reached and reaches others: its public address and proxy, mail."""

import asyncio
import http.client
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

from pegbar.cli.doctor.checks import PATIENCE, Findings, Visit, check, fault, note, skip, warning

AREA = "Outside"
#: An address that nobody has (RFC 5737): a proxy that lets it through lets everybody say who they are.
_MADE_UP = "192.0.2.123"
_UNSET_DOMAIN = "localhost:8080"
_MOVIE = 4 * 2**30


def _ask(root: str, path: str, method: str = "GET", **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    """What the public address answers; no proxy of the environment is used. Raises OSError, HTTPException."""
    parts = urlsplit(root)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=PATIENCE)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        body = b"" if answer.status == 101 else answer.read(100_000)
        return answer.status, answer.headers, body
    finally:
        connection.close()


def _public(visit: Visit) -> str:
    """The public address when it is set and answers, else nothing."""
    return str(visit.known.get("public", ""))


@check("Public address", about="whether people reach the server there", area=AREA)
def public_address(visit: Visit) -> Findings:
    """DOMAIN_PROTOCOL and DOMAIN_NAME lead to this server."""
    if visit.settings.domain_name == _UNSET_DOMAIN:
        yield skip("DOMAIN_NAME is not set: links in mails lead to localhost:8080.")
        return
    root = visit.settings.public_url
    advice = "Correct DOMAIN_PROTOCOL and DOMAIN_NAME, and let the proxy there pass /api on (docs/operating.md)"
    try:
        status, _, body = _ask(root, "/api/status/live")
    except ssl.SSLCertVerificationError as error:
        yield fault(
            f"The certificate of {root} is not believed: {error.verify_message}.",
            mend="Renew it, or give the proxy the whole chain",
        )
        return
    except (OSError, http.client.HTTPException) as error:
        yield fault(f"{root} does not answer: {error}.", mend=advice)
        return
    if status != 200 or b'"live"' not in body:
        yield fault(f"Something else answers at {root}/api/status/live ({status}).", mend=advice)
        return
    visit.known["public"] = root
    yield note(root)
    if visit.settings.domain_protocol != "https":
        yield warning(
            "People reach it without encryption.",
            mend="Let a proxy speak HTTPS (deploy/nginx.conf, deploy/Caddyfile), and set DOMAIN_PROTOCOL=https",
        )


@check("Proxy headers", about="whether the proxy tells who calls, and nobody else does", area=AREA)
def proxy_headers(visit: Visit) -> Findings:
    """Addresses come from the proxy, made-up ones do not pass."""
    root = _public(visit)
    if not root:
        yield skip("It needs the public address.")
        return
    _, _, body = _ask(root, "/api/status/address", X_Real_IP=_MADE_UP, X_Forwarded_For=_MADE_UP)
    seen: dict[str, Any] = json.loads(body)
    if seen.get("address") == _MADE_UP:
        yield fault(
            "The proxy passes on the address that clients make up: limits of sign-in count for nothing.",
            mend="nginx: proxy_set_header X-Real-IP $remote_addr; X-Forwarded-For likewise (deploy/nginx.conf)",
        )
    elif seen.get("address") is None:
        yield warning(
            "The proxy's headers name two addresses for one caller: nobody is told apart.",
            mend="Set X-Real-IP and X-Forwarded-For in the proxy, both to the caller's address (deploy/nginx.conf)",
        )
    if visit.settings.domain_protocol == "https" and not seen.get("https"):
        yield fault(
            "The server does not know that people use HTTPS: cookies are sent without it.",
            mend="nginx: proxy_set_header X-Forwarded-Proto $scheme; PEGBAR_TRUSTED_PROXIES holds the proxy's address",
        )


@check("Live sockets", about="whether the proxy lets web sockets through", area=AREA)
def sockets(visit: Visit) -> Findings:
    """/socket.io is upgraded."""
    root = _public(visit)
    if not root:
        yield skip("It needs the public address.")
        return
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "cGVnYmFyIGRvY3RvciBoZQ==",
    }
    status, _, _ = _ask(root, "/socket.io/?EIO=4&transport=websocket", **upgrade)
    if status != 101:
        yield warning(
            f"The proxy does not upgrade /socket.io ({status}): live changes come by polling.",
            mend="nginx: location /socket.io/ with proxy_http_version 1.1 and the Upgrade headers (deploy/nginx.conf)",
        )


@check("Upload size", about="whether the proxy lets movies through", area=AREA)
def upload_size(visit: Visit) -> Findings:
    """Four gigabytes pass."""
    root = _public(visit)
    if not root:
        yield skip("It needs the public address.")
        return
    most = visit.settings.max_content_length
    size = min(_MOVIE, most) if most else _MOVIE
    try:
        # The headers alone: a proxy refuses a body that is too large before it comes; the route takes none.
        status, _, _ = _ask(root, "/api/status/live", "POST", Content_Length=str(size), Expect="100-continue")
    except (TimeoutError, http.client.HTTPException):
        return  # it waits for the body: it would take it
    if status == 413:
        yield warning(
            f"The proxy refuses uploads of {size / 2**30:.1f} GB.",
            mend="nginx: client_max_body_size 0 (deploy/nginx.conf); Caddy has no limit",
        )


@check("Metrics", about="whether strangers read them", area=AREA)
def metrics(visit: Visit) -> Findings:
    """They are off, or not let through."""
    if not visit.settings.metrics_enabled:
        yield skip("Off (PROMETHEUS_METRICS_ENABLED).")
        return
    root = _public(visit)
    if root and any(_ask(root, path)[0] == 200 for path in ("/api/metrics", "/metrics")):
        yield warning(
            f"Everybody reads {root}/api/metrics.",
            mend="Refuse /metrics and /api/metrics in the proxy (deploy/nginx.conf)",
        )


@check("Mail", about="whether the mail server takes mails", area=AREA)
def mail(visit: Visit) -> Findings:
    """It lets the server in; with `--send-to` it takes a mail."""
    now = visit.settings
    if not now.mail_enabled:
        yield skip("Off (MAIL_ENABLED).")
        return
    if not now.mail_server:
        yield warning(
            "There is none: who forgets a password finds the link in the server's log only.",
            mend="Set MAIL_SERVER (and MAIL_PORT, MAIL_USERNAME, MAIL_PASSWORD, MAIL_USE_TLS), or MAIL_ENABLED=false",
        )
        return
    if now.mail_default_sender == "no-reply@your-studio.com":
        yield warning(
            "Mails come from no-reply@your-studio.com: they are taken for spam.", mend="Set MAIL_DEFAULT_SENDER"
        )
    try:
        asyncio.run(_try_mail(visit))
    except Exception as error:
        code = getattr(error, "code", "")
        reason = f"{type(error).__name__} {code}".strip()
        yield fault(
            f"{now.mail_server}:{now.mail_port} does not take mails: {reason}.",
            mend="Correct MAIL_SERVER, MAIL_PORT, MAIL_USERNAME, MAIL_PASSWORD, MAIL_USE_TLS, MAIL_USE_SSL",
        )
        return
    if now.mail_username and not (now.mail_use_tls or now.mail_use_ssl):
        yield warning(
            "The password of the mail server goes over the network as it is.",
            mend="MAIL_USE_TLS=true or MAIL_USE_SSL=true",
        )
    yield note(
        f"A mail to {visit.send_to} was taken: see whether it arrives."
        if visit.send_to
        else f"{now.mail_server} lets us in (--send-to ADDRESS sends one)."
    )


async def _try_mail(visit: Visit) -> None:
    """Sign in at the mail server, and send a mail when that was asked for. Raises what goes wrong."""
    import aiosmtplib

    from pegbar.core.messages.mail import Mail, compose

    now = visit.settings
    server = aiosmtplib.SMTP(
        hostname=now.mail_server,
        port=now.mail_port,
        username=now.mail_username or None,
        password=now.mail_password or None,
        use_tls=now.mail_use_ssl,
        start_tls=now.mail_use_tls,
        local_hostname=now.domain_name.partition(":")[0],
        timeout=PATIENCE,
    )
    async with server:
        await server.noop()
        if visit.send_to:
            words = "<p>This is the mail that <strong>pegbar doctor</strong> was asked to send. It arrived.</p>"
            await server.send_message(
                compose(Mail(visit.send_to, "Pegbar sends mails", "Mails arrive", words), "Pegbar")
            )
