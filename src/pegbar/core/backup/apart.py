"""A backup into the place of the settings, made by a process of its own."""

import asyncio
import sys
from contextlib import suppress

from pegbar.core.errors import CannotRun


async def back_up() -> str:
    """Run `pegbar backup`; what it says. Raises CannotRun when it makes none. It ends with whoever waits for it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pegbar", "backup", "--quiet"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        raise
    text = output.decode(errors="replace").strip()
    if process.returncode:
        raise CannotRun(f"No backup was made: {text}")
    return text
