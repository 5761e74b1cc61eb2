"""`pegbar db dump` and `pegbar db restore`: the rows of a running server in a file, and back."""

import os
import subprocess
from pathlib import Path

from pegbar.cli import UserError, out
from pegbar.cli.database import db
from pegbar.cli.place import Place, database_of
from pegbar.core.data import migrations
from pegbar.core.data.embedded import binary


def _run(program: str, *arguments: str) -> None:
    done = subprocess.run([str(binary(program)), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{program} failed: {done.stderr.strip()}")


@db.command
def dump(file: Path, /, place: Place | None = None) -> None:
    """Write the whole database into a file, as it is at this moment; the server may go on running."""
    with database_of(place, current=False) as url:
        part = file.with_name(f"{file.name}.part")
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))  # it holds everybody's data
        try:
            _run("pg_dump", "--format=custom", f"--file={part}", f"--dbname={url}")
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
    out.print(f"The database is in {file} ({file.stat().st_size:,} bytes).", markup=False)
    out.print("The stored files (previews) and secret.key of the data folder are not: copy them too.")


@db.command
def restore(file: Path, /, place: Place | None = None) -> None:
    """Fill a new, empty database with what `pegbar db dump` wrote: all of it, or nothing."""
    if not file.is_file():
        raise UserError(f"There is no file {file}.")
    with database_of(place, current=False) as url:
        with migrations.connect(url) as connection:
            if migrations.state(connection) != "empty":
                raise UserError(
                    "This database holds something already. Restore into a new folder (--data) or database."
                )
        _run("pg_restore", "--no-owner", "--single-transaction", "--exit-on-error", f"--dbname={url}", str(file))
    out.print("The database is restored. Copy the stored files and secret.key into the data folder, then: pegbar serve")
