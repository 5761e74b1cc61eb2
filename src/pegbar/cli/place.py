"""Which server a command is about: its data folder and its database."""

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from cyclopts import Parameter

from pegbar.cli import UserError
from pegbar.config import settings
from pegbar.core import privacy
from pegbar.core.data.embedded import EmbeddedPostgres
from pegbar.environment import note_origin

T = TypeVar("T")

#: The key that every reader of Kitsu's documentation knows.
_KNOWN_KEY = "mysecretkey"


#: Where the address of a database comes from that nobody set.
EMBEDDED = "the embedded database"

#: What former versions made readable for every user of the machine, in the data folder.
_MADE_OPEN = ("previews", "tmp", "metrics", "postgresql.log", "pegbar.lock")


def give(name: str, value: object | None, origin: str = "option of the command") -> None:
    """Hand an option down to every process, as the environment variable it stands for."""
    if value is not None:
        os.environ[name] = str(value)
        note_origin(os.environ, name, origin)
        settings.cache_clear()


def give_key() -> None:
    """Hand down the key that signs tokens: the setting, else the one that is kept in the data folder."""
    is_set = bool(settings().secret_key)
    key = secret_key(settings().data_folder)
    if not is_set:
        give("SECRET_KEY", key, "secret.key of the data folder")


@Parameter(name="*")
@dataclass(kw_only=True)
class Place:
    """The options that say where the data is."""

    data: Annotated[Path | None, Parameter(help="Folder of the database, key and files (./data).")] = None
    "Folder of the database, key and files (./data)."
    database_url: Annotated[str | None, Parameter(help="PostgreSQL to use instead of the embedded one.")] = None
    "PostgreSQL to use instead of the embedded one."

    def choose(self) -> None:
        """Make these options the settings of this process and its children; nothing is touched."""
        give("PEGBAR_DATA", None if self.data is None else self.data.resolve())
        give("DATABASE_URL", self.database_url)

    def settle(self) -> None:
        """Likewise, and close to others what former versions left open."""
        self.choose()
        privacy.close(settings().data_folder / name for name in _MADE_OPEN)


@contextmanager
def database_of(place: Place | None, *, current: bool = True) -> Iterator[str]:
    """The URL of the database of a command: the external one, or the embedded one, started unless it runs already.

    With `current`, the schema must be this Pegbar's: the embedded database is brought up to date, an external one is
    refused with the command to run.
    """
    from pegbar.core.data import migrations

    (place or Place()).settle()
    if settings().external_database:
        if current:
            migrations.check(settings().external_database)
        yield settings().external_database
        return
    folder = settings().data_folder
    embedded = EmbeddedPostgres(folder, settings().postgres_options)
    if embedded.serves():
        if current:
            migrations.check(embedded.url())
        give("DATABASE_URL", embedded.url(), EMBEDDED)
        yield embedded.url()
        return
    if current and not embedded.exists():
        raise UserError(
            f"There is no database in {folder.resolve()}. Run: pegbar db init (or choose --data or --database-url)"
        )
    url = embedded.start()
    try:
        if current:
            migrations.upgrade(url)
        give("DATABASE_URL", url, EMBEDDED)
        yield url
    finally:
        embedded.stop()


def secret_key(folder: Path) -> str:
    """The key that signs tokens: the setting, else one generated once and kept in the data folder."""
    if settings().secret_key:
        if settings().secret_key == _KNOWN_KEY and not settings().debug:
            raise UserError(
                f"SECRET_KEY is {_KNOWN_KEY!r}, which everybody knows: anybody could sign in as anybody. Set another "
                "(openssl rand -hex 32), or unset it and one is kept in the data folder."
            )
        return settings().secret_key
    path = folder / "secret.key"
    if not path.exists():
        privacy.make_folder(folder)
        # Whole or not at all: a key cut short by a crash would lock everybody out, or let anybody in.
        fresh = folder / f"secret.key.{os.getpid()}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        fresh.replace(path)
    return path.read_text().strip()


def with_database(place: Place | None, work: Callable[[Any], Awaitable[T]], *, size: int = 1) -> T:
    """Do something with the database of a place, over so many connections."""
    from pegbar.app import load_domains
    from pegbar.core.data.database import Database

    async def run(url: str) -> T:
        database = Database(url, size=size)
        await database.open()
        try:
            return await work(database)
        finally:
            await database.close()

    with database_of(place) as url:
        give_key()
        load_domains()
        return asyncio.run(run(url))
