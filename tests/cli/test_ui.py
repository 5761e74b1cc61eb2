"""`pegbar ui`: builds that are installed beside a running server, and archives that mean harm."""

import gzip
import hashlib
import http.server
import io
import json
import stat
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import requests

from pegbar.core.ui import archive as archives
from pegbar.core.ui.releases import version_in
from tests.command import Done, pegbar
from tests.server import Server

BROWSER = {"Accept": "text/html"}


def build(name: str) -> dict[str, bytes]:
    """The files of a build that calls itself by a name."""
    return {
        "index.html": f"<!doctype html><title>{name}</title><script src=assets/index-{name}AAAA.js></script>".encode(),
        f"assets/index-{name}AAAA.js": f"/* {name} */".encode() + b" work();" * 500,
        "favicon.ico": b"icon",
    }


def tgz(path: Path, files: dict[str, bytes], *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in members:
            tar.addfile(member)
    return path


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return path


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def ui(folder: Path, *arguments: str, **environment: str) -> Done:
    return pegbar("ui", *arguments, "--data", str(folder), **environment)


def test_a_running_server_serves_what_is_installed(server: Server, tmp_path: Path) -> None:
    landing = requests.get(server.url, headers=BROWSER, timeout=20)
    assert "pegbar ui install" in landing.text
    assert "No web UI is installed" in ui(server.folder, "list").stdout

    # Without a folder, as Kitsu's are.
    done = ui(server.folder, "install", "--from", str(tgz(tmp_path / "kitsu-1.0.1.tgz", build("ONE1"))))
    assert done.returncode == 0, done.stderr
    page = requests.get(f"{server.url}/productions/open", headers=BROWSER, timeout=20)
    assert ("ONE1" in page.text, page.headers["cache-control"]) == (True, "no-cache")
    script = f"{server.url}/assets/index-ONE1AAAA.js"
    packed = requests.get(script, headers={"Accept-Encoding": "br, gzip"}, timeout=20)
    plain = requests.get(script, headers={"Accept-Encoding": "gzip;q=0, identity"}, timeout=20)
    assert packed.content == plain.content == build("ONE1")["assets/index-ONE1AAAA.js"]
    assert [answer.headers.get("content-encoding") for answer in (packed, plain)] == ["gzip", None]
    assert packed.headers["etag"] != plain.headers["etag"]
    assert {answer.headers["vary"] for answer in (packed, plain)} == {"Accept-Encoding"}
    assert "immutable" in packed.headers["cache-control"]
    assert requests.get(f"{server.url}/assets/index-NONEAAAA.js", timeout=20).status_code == 404
    assert requests.get(f"{server.api}/assets/index-ONE1AAAA.js", timeout=20).status_code == 404
    assert "ONE1" not in requests.get(f"{server.api}/", headers=BROWSER, timeout=20).text

    # A second one, in a folder of its archive: pages that were open still find their files.
    files = {f"kitsu/dist/{name}": content for name, content in build("TWO2").items()} | {"kitsu/README": b"?"}
    done = ui(server.folder, "install", "--from", str(zipped(tmp_path / "build.zip", files)), "--version", "2.0-beta")
    assert done.returncode == 0, done.stderr
    assert "TWO2" in requests.get(server.url, headers=BROWSER, timeout=20).text
    assert requests.get(script, timeout=20).content == plain.content
    assert requests.get(f"{server.url}/README", timeout=20).status_code == 404

    rows = msgspec.json.decode(ui(server.folder, "list", "--json").stdout)
    assert [(row["version"], row["is_current"]) for row in rows] == [("2.0-beta", True), ("1.0.1", False)]
    assert "being served" in ui(server.folder, "remove", "2.0-beta").stderr
    assert ui(server.folder, "use", "1.0.1").returncode == 0
    assert "ONE1" in requests.get(server.url, headers=BROWSER, timeout=20).text
    assert ui(server.folder, "remove", "2.0-beta").returncode == 0
    assert "1.0.1" in ui(server.folder, "list").stdout
    assert ui(server.folder, "remove", "1.0.1").returncode == 0
    assert requests.get(server.url, headers=BROWSER, timeout=20).text == landing.text
    assert list((server.folder / "ui").iterdir()) == []


Make = Callable[[Path], Path]


def _encrypted(path: Path) -> Path:
    content = bytearray(zipped(path, build("X")).read_bytes())
    place = content.find(b"PK\x01\x02")
    content[place + 8] |= 1
    path.write_bytes(content)
    return path


def _linked(path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("index.html", "<!doctype html>")
        info = zipfile.ZipInfo("assets")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(info, "/etc")
    return path


def _bomb(path: Path) -> Path:
    with gzip.open(path, "wb", compresslevel=1) as file, tarfile.open(fileobj=file, mode="w") as tar:
        member = tarfile.TarInfo("index.html")
        member.size = archives.LARGEST + 1
        tar.addfile(member, _Zeros(member.size))
    return path


class _Zeros(io.RawIOBase):
    def __init__(self, size: int) -> None:
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        piece = bytes(min(size, self._left))
        self._left -= len(piece)
        return piece


def _cut(path: Path) -> Path:
    content = tgz(path, build("X")).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def _written(content: bytes) -> Make:
    def make(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return make


def _with(*members: tarfile.TarInfo, **files: bytes) -> Make:
    return lambda path: tgz(path, {"index.html": b"<!doctype html>", **files}, *members)


HOSTILE: dict[str, tuple[Make, str]] = {
    "out": (_with(**{"../outside.txt": b"!"}), "leads out of the archive"),
    "deep out": (_with(**{"assets/../../outside.txt": b"!"}), "leads out of the archive"),
    "absolute": (_with(**{"/tmp/outside.txt": b"!"}), "leads out of the archive"),
    "zip out": (lambda path: zipped(path, {"index.html": b"", "../outside.txt": b"!"}), "leads out of the archive"),
    "backslash": (_with(**{"..\\outside.txt": b"!"}), "is no name of a file"),
    "drive": (_with(**{"C:outside.txt": b"!"}), "is no name of a file"),
    "control": (_with(**{"a\nb": b"!"}), "is no name of a file"),
    "symlink": (_with(special("assets", tarfile.SYMTYPE, "/etc")), "'assets' is a link"),
    "hard link": (_with(special("copy", tarfile.LNKTYPE, "index.html")), "'copy' is a link"),
    "device": (_with(special("zero", tarfile.CHRTYPE)), "'zero' is neither a file nor a folder"),
    "pipe": (_with(special("pipe", tarfile.FIFOTYPE)), "'pipe' is neither a file nor a folder"),
    "zip symlink": (_linked, "'assets' is a link"),
    "encrypted": (_encrypted, "is encrypted"),
    "no index": (lambda path: tgz(path, {"main.html": b"!"}), "holds no index.html"),
    "two": (_with(**{"old/index.html": b"!"}), "holds 2 times index.html"),
    "twice": (_with(**{"./index.html": b"!"}), "'index.html' is in it twice"),
    "file and folder": (_with(**{"index.html/a": b"!"}), "is a file and a folder"),
    "bomb": (_bomb, "unpacked it has more than"),
    "crowd": (_with(*[special(f"{i}", tarfile.DIRTYPE) for i in range(archives.MOST)]), "more than 20000 files"),
    "cut": (_cut, "is damaged"),
    "no end": (_written(b"PK\x03\x04 and nothing"), "its end is missing"),
    "other": (_written(b"MZ, a program"), "neither a tar.gz nor a zip"),
    "empty": (_written(b""), "neither a tar.gz nor a zip"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_archives_that_are_no_build_change_nothing(name: str, tmp_path: Path) -> None:
    make, message = HOSTILE[name]
    folder = tmp_path / "data"
    assert ui(folder, "install", "--from", str(tgz(tmp_path / "kitsu-1.0.tgz", build("ONE1")))).returncode == 0
    before = sorted(path for path in tmp_path.rglob("*"))
    made = make(tmp_path / "kitsu-6.6.6.archive")
    done = ui(folder, "install", "--from", str(made), "--version", "6.6.6")
    assert (done.returncode, message in done.stderr, "Traceback" in done.stderr) == (1, True, False), done.stderr
    assert sorted(path for path in tmp_path.rglob("*") if path != made) == before
    assert (folder / "ui" / "current" / "index.html").read_bytes() == build("ONE1")["index.html"]


@contextmanager
def published(answers: dict[str, tuple[int, bytes]]) -> Iterator[str]:
    """A server of releases; its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, b"{}"))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", body.decode())
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}"
        finally:
            running.shutdown()
            thread.join()


def release(tag: str, **assets: tuple[str, str | None]) -> tuple[int, bytes]:
    rows = [
        {"name": name, "browser_download_url": url, "digest": None if digest is None else f"sha256:{digest}"}
        for name, (url, digest) in assets.items()
    ]
    return 200, json.dumps({"tag_name": tag, "assets": rows, "draft": False}).encode()


def test_releases_are_fetched_and_checked(tmp_path: Path) -> None:
    content = tgz(tmp_path / "a.tgz", build("ONE1")).read_bytes()
    right = hashlib.sha256(content).hexdigest()
    answers: dict[str, tuple[int, bytes]] = {}
    with published(answers) as root:
        answers |= {
            "/kitsu.tgz": (302, f"{root}/elsewhere".encode()),
            "/elsewhere": (200, content),
            "/releases/latest": release(
                "v1.2.3", **{"kitsu-1.2.3.tgz": (f"{root}/kitsu.tgz", right), "a.txt": ("", None)}
            ),
            "/releases/tags/1.0.0": release("1.0.0", **{"kitsu-1.0.0.tgz": (f"{root}/kitsu.tgz", None)}),
            "/releases/tags/v6.0": release("v6.0", **{"kitsu-6.0.tgz": (f"{root}/kitsu.tgz", "0" * 64)}),
            "/releases/tags/v5.0": release("v5.0", **{"a.tgz": (f"{root}/a", None), "b.zip": (f"{root}/b", None)}),
            "/releases/tags/v4.0": (200, b"<html>"),
            "/releases/tags/v3.0": release("v3.0", **{"kitsu.zip": (f"{root}/gone.zip", None)}),
            "/releases/tags/v2.0": release("v2.0", **{"kitsu.zip": ("file:///etc/passwd", None)}),
            "/builds/kitsu-1.1.0.tgz": (200, content),
        }

        def install(*arguments: str) -> Done:
            return ui(tmp_path / "data", "install", *arguments, PEGBAR_UI_RELEASES=f"{root}/releases")

        assert "Installed version 1.2.3" in install().stdout
        assert "installed already" in install().stderr
        assert "Installed version 1.0.0" in install("--version", "1.0.0").stdout
        assert "Installed version 1.1.0" in install("--from", f"{root}/builds/kitsu-1.1.0.tgz").stdout
        for arguments, message in [
            (["--version", "6.0"], "SHA-256 differs"),
            (["--version", "5.0"], "holds a.tgz, b.zip"),
            (["--version", "4.0"], "tells no release"),
            (["--version", "3.0"], "answers 404"),
            (["--version", "2.0"], "is no address"),
            (["--version", "9.9"], "knows no release 9.9"),
            (["--from", f"{root}/kitsu.tgz"], "say it with --version"),
            (["--version", "../../etc"], "is no version"),
            (["--version", "current"], "is no version"),
            (["--from", str(tmp_path / "none.tgz")], "is no file"),
        ]:
            done = install(*arguments)
            assert (done.returncode, message in done.stderr) == (1, True), done.stderr
    offline = ui(tmp_path / "data", "install", PEGBAR_UI_RELEASES=f"{root}/releases")
    assert (offline.returncode, "pegbar ui install --from FILE" in offline.stderr) == (1, True), offline.stderr
    rows = msgspec.json.decode(ui(tmp_path / "data", "list", "--json").stdout)
    assert [(row["version"], row["is_current"]) for row in rows] == [
        ("1.1.0", True),
        ("1.0.0", False),
        ("1.2.3", False),
    ]


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("kitsu-0.20.35.tgz", "0.20.35"),
        ("kitsu-v1.0.tar.gz", "1.0"),
        ("kitsu-1.2.3-rc.1.zip", "1.2.3-rc.1"),
        ("1.2.3.zip", "1.2.3"),
        ("kitsu.tgz", None),
        ("dist2.zip", None),
    ],
)
def test_the_name_of_an_archive_tells_its_version(name: str, version: str | None) -> None:
    assert version_in(name) == version
