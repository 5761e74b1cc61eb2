"""Folders to work in, which are gone afterwards, whatever becomes of the process."""

import fcntl
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pegbar.config import settings
from pegbar.core.storage import check_room, disk_errors

_FOLDER, _LOCK = "work-", ".in-use"
#: Seconds that a process has to lock a folder it made.
_SETTING_UP = 60


def sweep() -> None:
    """Remove the folders of processes that were killed: whoever works in one holds a lock there."""
    for folder in settings().upload_folder.glob(f"{_FOLDER}*"):
        with suppress(FileNotFoundError, BlockingIOError):  # somebody else swept it, or works there
            if folder.stat().st_mtime < time.time() - _SETTING_UP:
                with (folder / _LOCK).open("ab") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder)


@asynccontextmanager
async def workshop() -> AsyncIterator[Path]:
    """A folder that is gone afterwards."""
    with disk_errors():
        settings().upload_folder.mkdir(parents=True, exist_ok=True)
        check_room(settings().upload_folder)
        folder = tempfile.TemporaryDirectory(dir=settings().upload_folder, prefix=_FOLDER)
    with folder as path, (Path(path) / _LOCK).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(path)
