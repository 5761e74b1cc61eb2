"""What every answer has, and what is not the API: limits, CORS, OPTIONS, HEAD, pages, the web UI."""

import http.client
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from tests.client import Client, sign_in, unique
from tests.server import ADMIN, Server

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Content-Security-Policy": "frame-ancestors 'self'",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kitsu") / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<title>Kitsu</title>")
    (folder / "assets" / "index-DkX_9aB2.js").write_text("run()")
    (folder / "favicon.ico").write_bytes(b"icon")
    (folder.parent / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(folder.parent / "secret.txt")
    (folder / ".env").write_text("secret")
    return folder


@pytest.fixture(scope="module")
def limited(ui: Path) -> Iterator[Server]:
    """A server with a web UI, narrow limits and CORS."""
    environment = {
        "MAX_CONTENT_LENGTH": "20000",
        "PEGBAR_MAX_JSON_LENGTH": "2000",
        "PEGBAR_MAX_JSON_DEPTH": "10",
        "CORS_ALLOWED_ORIGINS": r"https://kitsu.studio.com;https://[a-z]+\.farm\.com",
    }
    with Server(None, "--ui", str(ui), **environment) as running:
        yield running


@pytest.fixture(scope="module")
def boss(limited: Server) -> Client:
    return sign_in(limited.api, *ADMIN)


def raw(server: Server, method: str, path: str, **options: object) -> tuple[int, dict[str, str], bytes]:
    """A request sent as it stands: no path is tidied up."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    # A refused body is answered before all of it is sent.
    with suppress(BrokenPipeError, ConnectionResetError):
        connection.request(method, path, **options)  # type: ignore[arg-type]
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


def test_every_answer_has_the_security_headers(server: Server) -> None:
    for path in ("/api/", "/api/data/nowhere", "/api/data/persons", "/docs", "/"):
        headers = requests.get(server.url + path, timeout=20).headers
        policy = "default-src 'self'; frame-ancestors 'self'" if path == "/docs" else "frame-ancestors 'self'"
        wanted = {**SECURITY, "Content-Security-Policy": policy}
        assert {name: headers.get(name) for name in SECURITY} == wanted, path


def test_head_answers_as_get_does_without_a_body(server: Server, admin: Client) -> None:
    for path in ("/api/", "/", "/api/data/departments", "/docs", "/api/data/nowhere", "/openapi.json"):
        token = {"Authorization": f"Bearer {admin.token}"}
        got = raw(server, "GET", path, headers=token)
        head = raw(server, "HEAD", path, headers=token)
        assert head[0] == got[0], path
        assert head[1].get("content-type") == got[1].get("content-type"), path
        assert head[2] == b""


def test_options_lists_the_methods_of_a_path(server: Server) -> None:
    for path, allowed in [
        ("/api/data/departments", "GET, HEAD, OPTIONS, POST"),
        ("/api/data/departments/", "GET, HEAD, OPTIONS, POST"),
        ("/api/data/departments/x", "DELETE, GET, HEAD, OPTIONS, PUT"),
        ("/api/auth/login", "OPTIONS, POST"),
        ("/docs", "GET, HEAD, OPTIONS"),
        ("/api/openapi.json", "GET, HEAD, OPTIONS"),
    ]:
        answer = requests.options(server.url + path, timeout=20)
        assert (answer.status_code, answer.headers["Allow"], answer.content) == (200, allowed, b""), path
    assert requests.options(f"{server.api}/nowhere/at/all", timeout=20).status_code == 404


def test_a_trailing_slash_is_accepted(admin: Client) -> None:
    name = unique("Slash")
    department = admin.ok_post("/data/departments/", {"name": name, "color": "#102030"})
    assert admin.ok_get(f"/data/departments/{department['id']}/")["name"] == name
    assert admin.ok_get("/data/departments/", params={"name": name})[0]["id"] == department["id"]


def test_the_api_answers_at_the_root_and_under_api(server: Server) -> None:
    for root in (server.url, server.api):
        assert requests.get(f"{root}/", timeout=20).json()["api"]
        assert requests.get(f"{root}/data/departments", timeout=20).status_code == 401


def test_unknown_routes_and_methods_are_json(server: Server) -> None:
    for method, path, status in [
        ("GET", "/data/nowhere", 404),
        ("PATCH", "/data/departments", 405),
        ("DELETE", "/auth/login", 405),
        ("GET", "/data/departments/%zz", 401),
    ]:
        got = raw(server, method, f"/api{path}")
        assert got[0] == status, (path, got)
        assert got[1]["content-type"].startswith("application/json")


def test_no_cors_header_without_the_setting(server: Server) -> None:
    answer = requests.get(f"{server.api}/", headers={"Origin": "https://kitsu.studio.com"}, timeout=20)
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://kitsu.studio.com", True),
        ("https://render.farm.com", True),
        ("https://kitsuxstudio.com.evil.com", False),
        ("https://render.farm.com.evil.com", False),
        ("https://evil.com/https://kitsu.studio.com", False),
        ("null", False),
    ],
)
def test_cors_is_for_the_origins_of_the_setting(limited: Server, origin: str, allowed: bool) -> None:
    for answer in (
        requests.get(f"{limited.api}/", headers={"Origin": origin}, timeout=20),
        requests.get(f"{limited.api}/data/persons", headers={"Origin": origin}, timeout=20),
    ):
        assert "Origin" in answer.headers["Vary"].split(", ")
        assert answer.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
        assert answer.headers.get("Access-Control-Allow-Credentials") == ("true" if allowed else None)


def test_a_preflight_echoes_the_headers_asked_for(limited: Server) -> None:
    preflight = {"Origin": "https://kitsu.studio.com", "Access-Control-Request-Method": "PUT"}
    headers = {**preflight, "Access-Control-Request-Headers": "authorization, content-type"}
    answer = requests.options(f"{limited.api}/data/departments", headers=headers, timeout=20)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
    assert answer.headers["Access-Control-Allow-Headers"] == "authorization, content-type"
    assert answer.headers["Access-Control-Allow-Origin"] == "https://kitsu.studio.com"


def test_a_body_over_the_limit_is_413_whether_its_length_is_told_or_not(limited: Server, boss: Client) -> None:
    headers = {"Authorization": f"Bearer {boss.token}", "Content-Type": "application/octet-stream"}
    for path in ("/api/auth/login", "/api/data/departments"):
        measured = raw(limited, "POST", path, body=b"x" * 30_000, headers=headers)
        assert (measured[0], b"20000 bytes" in measured[2]) == (413, True)

    def pieces() -> Iterator[bytes]:
        for _ in range(30):
            yield b'{"name": "' + b"x" * 1000

    json = {**headers, "Content-Type": "application/json"}
    chunked = raw(limited, "POST", "/api/data/departments", body=pieces(), headers=json, encode_chunked=True)
    assert chunked[0] == 413
    form = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
    chunked = raw(limited, "POST", "/api/auth/login", body=pieces(), headers=form, encode_chunked=True)
    assert chunked[0] == 413


def test_a_json_body_is_bounded_in_size_and_depth(boss: Client) -> None:
    long = boss.post("/data/departments", {"name": "x" * 3000, "color": "#102030"})
    assert (long.status_code, "2000 bytes" in long.json()["message"]) == (413, True)
    deep = boss.call(
        "POST", "/data/departments", data="[" * 50 + "]" * 50, headers={"Content-Type": "application/json"}
    )
    assert (deep.status_code, "10 levels" in deep.json()["message"]) == (400, True)
    brackets = boss.post("/data/departments", {"name": "[" * 40, "color": "#102030"})
    assert brackets.status_code == 201
    plain = boss.call("POST", "/data/departments", data="name=x", headers={"Content-Type": "text/plain"})
    assert plain.status_code == 415
    for broken in ("{", "nul", '{"name": }', "\xff"):
        answer = boss.call(
            "POST", "/data/departments", data=broken.encode("latin-1"), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 400, broken


def test_browsers_get_a_landing_page_and_clients_json(server: Server) -> None:
    page = requests.get(f"{server.url}/", headers=HTML, timeout=20)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert 'href="docs"' in page.text
    assert requests.get(f"{server.url}/", headers={"Accept": "*/*"}, timeout=20).json()["api"]
    for asset in ("style.css", "landing.js", "script.js", "icon.svg"):
        assert requests.get(f"{server.url}/docs/{asset}", timeout=20).ok
    assert requests.get(f"{server.url}/docs/__init__.py", timeout=20).status_code == 404


def test_pages_need_nothing_from_the_internet(server: Server) -> None:
    for path in ("/", "/docs", "/docs/style.css", "/docs/script.js", "/docs/landing.js"):
        text = requests.get(server.url + path, headers=HTML, timeout=20).text
        assert "//cdn" not in text
        assert "https://" not in text
        assert "@import" not in text


def test_documentation_is_kept_by_browsers(server: Server) -> None:
    first = requests.get(f"{server.url}/openapi.json", timeout=20)
    again = requests.get(f"{server.url}/openapi.json", headers={"If-None-Match": first.headers["ETag"]}, timeout=20)
    assert (again.status_code, again.content) == (304, b"")
    assert requests.get(f"{server.url}/apidocs/", timeout=20).url.endswith("/docs")


def test_the_web_ui_and_its_client_side_routes(limited: Server) -> None:
    for path in ("/", "/productions/1b2c/assets", "/people", "/login"):
        page = requests.get(limited.url + path, headers=HTML, timeout=20)
        assert (page.status_code, page.text) == (200, "<title>Kitsu</title>"), path
        assert page.headers["Cache-Control"] == "no-cache"
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert requests.get(f"{limited.url}/people", timeout=20).status_code == 404
    assert requests.get(f"{limited.api}/people", headers=HTML, timeout=20).status_code == 404
    assert requests.post(f"{limited.url}/people", headers=HTML, timeout=20).status_code == 404
    assert requests.get(f"{limited.url}/data/persons", headers=HTML, timeout=20).status_code == 401
    assert requests.get(f"{limited.url}/", timeout=20).json()["api"]


def test_hashed_files_are_kept_for_ever_and_others_asked_about(limited: Server) -> None:
    hashed = requests.get(f"{limited.url}/assets/index-DkX_9aB2.js", timeout=20)
    assert (hashed.text, hashed.headers["Cache-Control"]) == ("run()", "public, max-age=31536000, immutable")
    assert hashed.headers["Content-Type"].startswith("text/javascript")
    icon = requests.get(f"{limited.url}/favicon.ico", timeout=20)
    assert (icon.content, icon.headers["Cache-Control"]) == (b"icon", "no-cache")
    again = requests.get(f"{limited.url}/favicon.ico", headers={"If-None-Match": icon.headers["ETag"]}, timeout=20)
    assert (again.status_code, again.content) == (304, b"")
    head = raw(limited, "HEAD", "/favicon.ico")
    assert (head[0], head[1]["content-length"], head[2]) == (200, "4", b"")


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/..%5c..%5csecret.txt",
        "//etc/passwd",
        "/link.txt",
        "/.env",
        "/index.html%00.js",
        "/assets",
        "/assets/",
    ],
)
def test_nothing_outside_the_folder_is_served(limited: Server, path: str) -> None:
    status, _, body = raw(limited, "GET", path)
    assert b"secret" not in body
    assert b"root:" not in body
    assert status in (400, 404), body
