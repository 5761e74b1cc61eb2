"""The builds of the web UI in the data folder: `<data>/ui/<version>`, and `current`, a link to the one that is served.

A build appears and goes by one rename, `current` changes by one: servers look at each request and need no word.
"""

import gzip
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pegbar.core.errors import CannotRun
from pegbar.core.privacy import make_folder
from pegbar.core.ui.archive import unpack

CURRENT = "current"
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]{0,63}")
_UNDER_WAY = ".under-way-"
#: Seconds after which what an install left behind belongs to one that was killed.
_ABANDONED = 3600
#: What is worth compressing once, so that it need not be for each browser.
_TEXTS = frozenset({".css", ".html", ".js", ".json", ".mjs", ".svg", ".ttf", ".txt", ".wasm", ".xml"})
_SMALL = 1024


@dataclass(frozen=True)
class Build:
    """A build that is installed."""

    version: str
    files: int
    bytes: int
    installed_at: datetime
    is_current: bool


def folder_of(data_folder: Path) -> Path:
    """Where the builds of a data folder are."""
    return data_folder / "ui"


def current_version(folder: Path) -> str | None:
    """The version that is served; None when there is none."""
    try:
        version = str((folder / CURRENT).readlink())
    except OSError:
        return None
    return version if _is_version(version) and (folder / version).is_dir() else None


def versions(folder: Path) -> list[str]:
    """The versions that are installed, latest first."""
    if not folder.is_dir():
        return []
    there = [path for path in folder.iterdir() if _is_version(path.name) and not path.is_symlink() and path.is_dir()]
    return [path.name for path in sorted(there, key=lambda path: path.stat().st_mtime, reverse=True)]


def builds(folder: Path) -> list[Build]:
    """The builds that are installed, latest first."""
    current, rows = current_version(folder), []
    for version in versions(folder):
        sizes = [path.stat().st_size for path in (folder / version).rglob("*") if path.is_file()]
        installed_at = datetime.fromtimestamp(int((folder / version).stat().st_mtime), UTC)
        rows.append(Build(version, len(sizes), sum(sizes), installed_at, version == current))
    return rows


def check_version(version: str) -> None:
    """Refuse what can be no name of a version."""
    if not _is_version(version):
        raise CannotRun(f"{version!r} is no version: give letters, digits and . _ + - (at most 64), like 1.2.3.")


def _is_version(name: str) -> bool:
    return name != CURRENT and VERSION.fullmatch(name) is not None


def install(folder: Path, archive: Path, version: str) -> None:
    """Unpack a build beside the others and serve it. Raises CannotRun, BadArchive too: nothing has changed then."""
    check_version(version)
    refuse_installed(folder, version)
    with under_way(folder) as scratch:
        unpacked = scratch / version
        unpacked.mkdir()
        unpack(archive, unpacked)
        _compress(unpacked)
        try:
            unpacked.rename(folder / version)
        except OSError:
            refuse_installed(folder, version)  # by somebody else, meanwhile
            raise
    use(folder, version)


def refuse_installed(folder: Path, version: str) -> None:
    """Raise CannotRun for a version that is there."""
    if version in versions(folder):
        raise CannotRun(
            f"Version {version} is installed already. Serve it: pegbar ui use {version}; to install it anew, remove it "
            f"first (pegbar ui remove {version}) or give the other build another --version."
        )


@contextmanager
def under_way(folder: Path) -> Iterator[Path]:
    """A folder beside the builds for what is not finished; it goes in the end, with what killed installs left."""
    make_folder(folder)
    for left in folder.glob(f"{_UNDER_WAY}*"):
        if left.stat().st_mtime < time.time() - _ABANDONED:
            shutil.rmtree(left, ignore_errors=True)
    scratch = Path(tempfile.mkdtemp(prefix=_UNDER_WAY, dir=folder))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def use(folder: Path, version: str) -> None:
    """Serve a build that is installed."""
    _check_installed(folder, version)
    with under_way(folder) as scratch:
        link = scratch / CURRENT
        link.symlink_to(version)
        link.replace(folder / CURRENT)


def remove(folder: Path, version: str) -> None:
    """Remove a build that is not served."""
    _check_installed(folder, version)
    if version == current_version(folder):
        raise CannotRun(f"Version {version} is being served: choose another first (pegbar ui use VERSION).")
    with under_way(folder) as scratch:
        (folder / version).rename(scratch / version)


def turn_off(folder: Path) -> None:
    """Serve no build any more; those that are installed stay."""
    (folder / CURRENT).unlink(missing_ok=True)


def _check_installed(folder: Path, version: str) -> None:
    check_version(version)
    if version not in (there := versions(folder)):
        listed = f"Installed: {', '.join(there)}." if there else "None is: pegbar ui install."
        raise CannotRun(f"Version {version} of the web UI is not installed. {listed}")


def _compress(folder: Path) -> None:
    """Put `.gz` beside the texts that gain by it, unless the build brought them."""
    for path in [path for path in folder.rglob("*") if path.suffix in _TEXTS and path.is_file()]:
        packed = path.with_name(f"{path.name}.gz")
        if packed.exists() or path.stat().st_size < _SMALL:
            continue
        content = path.read_bytes()
        smaller = gzip.compress(content, mtime=0)
        if len(smaller) < 0.9 * len(content):
            packed.write_bytes(smaller)
