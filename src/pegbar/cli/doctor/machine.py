"""The machine: files and limits of the process, and who may read what the server keeps."""

import os
import stat
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from pegbar.cli.doctor.checks import Findings, Visit, check, fault, note, skip, warning

AREA = "Machine"


@check("Data folder", about="whether the server may write there, and others may not read", area=AREA)
def data_folder(visit: Visit) -> Findings:
    """It is there, it is ours, and it is closed."""
    folder = visit.settings.data_folder.resolve()
    if not folder.exists():
        if visit.embedded:
            yield fault(
                f"There is no folder {folder}.",
                mend="pegbar serve makes it, or choose another with --data (PEGBAR_DATA)",
            )
        else:
            yield note(f"{folder} is not there yet; the server makes it.")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield fault(
            f"{folder} cannot be written.",
            mend=f"chown it to the server's user, and run this as that user (now {_user()})",
        )
    private = {
        "secret.key": "anybody could sign in as anybody",
        "sign-on.toml": "secrets of providers stand there",
        "postgresql.log": "statements stand there",
        "previews": "pictures of all productions lie there",
        "": "what the server keeps lies there",
    }
    for name, harm in private.items():
        path = folder / name
        mode = _mode(path)
        if mode & (stat.S_IROTH | stat.S_IWOTH) or (name == "secret.key" and mode & stat.S_IWGRP):
            yield (fault if name == "secret.key" else warning)(
                f"Other users of this machine may read {path}: {harm}.", mend=f"chmod o-rwx {path}"
            )


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except (FileNotFoundError, PermissionError):
        return 0


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.geteuid())


@check("Secret key", about="the key that signs tokens", area=AREA)
def secret_key(visit: Visit) -> Findings:
    """Long, random, and kept to the server."""
    path = visit.settings.data_folder / "secret.key"
    given = visit.settings.secret_key
    another = (
        "SECRET_KEY=$(openssl rand -hex 32), the same on all nodes; people sign in again, share links are made again"
    )
    if not given:
        if not path.exists():
            yield note("None yet: the server makes one at its start.")
            return
        try:
            key = path.read_text().strip()
        except PermissionError:
            yield skip(f"{path} can only be read by the server's user.")
            return
    else:
        key = given
    if key == "mysecretkey":
        yield fault("It is the one of Kitsu's documentation: anybody could sign in as anybody.", mend=another)
    elif len(key) < 32 or len(set(key)) < 10:
        yield fault(f"It can be guessed: {len(key)} characters, {len(set(key))} different ones.", mend=another)
    elif not given:
        years = (time.time() - path.stat().st_mtime) / (365.25 * 86400)
        yield note(f"Kept in {path}, made {datetime.fromtimestamp(path.stat().st_mtime, UTC):%Y-%m-%d}.")
        if years > 3:
            yield warning(
                f"It is {years:.0f} years old: whoever saw it since can still sign tokens.",
                mend=f"Remove {path} and start the server again; people sign in again, share links are made again",
            )
    else:
        yield note("Set by SECRET_KEY.")


@check("Open files", about="how many files and sockets the server may hold", area=AREA)
def open_files(visit: Visit) -> Findings:
    """Enough for some thousand people."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < 4096:
        yield warning(
            f"{soft} are allowed, also for each socket.",
            mend=f"LimitNOFILE=65536 in the systemd unit, or ulimit -n 65536 (up to {hard} now)",
        )


@check("Memory", about="whether there is enough", area=AREA)
def memory(visit: Visit) -> Findings:
    """Some is left."""
    import psutil

    now = psutil.virtual_memory()
    if now.available < min(512 * 2**20, now.total // 10):
        yield warning(
            f"{now.available / 2**20:,.0f} MB of {now.total / 2**20:,.0f} MB are left.",
            mend="Stop other programs, lower PEGBAR_WORKERS or PEGBAR_PICTURE_PROCESSES, or add memory",
        )
    yield note(f"{now.available / 2**30:.1f} of {now.total / 2**30:.1f} GB are available.")


@check("Python", about="the version that runs Pegbar", area=AREA)
def python(visit: Visit) -> Findings:
    """One that its makers still mend."""
    yield note(f"Python {sys.version.partition(' ')[0]}, {os.cpu_count()} processors.")
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever installs it against the rules is told
        yield fault("Pegbar needs Python 3.11 or newer.", mend="Install it with a newer Python")
    if sys.platform == "linux" and os.geteuid() == 0 and not Path("/.dockerenv").exists():
        yield note("This runs as root; the server need not.")


@check("Time zones", about="the data of time zones, by which days begin and end", area=AREA)
def time_zones(visit: Visit) -> Findings:
    """It is there, here and in the database."""
    import zoneinfo

    name = visit.settings.default_timezone
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        yield fault(f"There is no time zone {name!r} here.", mend="Correct DEFAULT_TIMEZONE, or pip install tzdata")
        return
    if visit.state == "ours" and not visit.value(
        "SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = :name)", name=name
    ):
        yield fault(
            f"PostgreSQL knows no time zone {name!r}.",
            mend="Install the system's time zones where PostgreSQL runs (apt-get install tzdata)",
        )
    elif visit.state == "ours":
        unknown = visit.rows(
            """
            SELECT timezone AS name, count(*) AS people FROM person
             WHERE active AND timezone IS NOT NULL AND timezone NOT IN (SELECT name FROM pg_timezone_names)
             GROUP BY 1 ORDER BY 2 DESC LIMIT 3
            """
        )
        for row in unknown:
            yield warning(
                f"{row['people']} people have the time zone {row['name']!r}, which there is not.",
                mend="Set another one in their profiles",
            )
