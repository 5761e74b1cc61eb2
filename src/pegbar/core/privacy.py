"""Keeping other users of the machine out of what the server writes.

New files and folders are closed by the mask of the process; those that were made before it had one are closed here.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

#: What users who are neither the owner nor in the group may do: nothing.
_OTHERS = 0o007


def shut_others_out() -> None:
    """Let this process and its children make nothing that other users may read; the group stays as it is."""
    os.umask(os.umask(0o077) | _OTHERS)


def close(paths: Iterable[Path]) -> None:
    """Take from other users what they may do with these files and folders of ours, where they are there."""
    for path in paths:
        with suppress(FileNotFoundError):
            info = path.stat()
            if info.st_mode & _OTHERS and info.st_uid == os.geteuid():
                path.chmod(info.st_mode & 0o7777 & ~_OTHERS)


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner enters; one that is there stays as it is."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
