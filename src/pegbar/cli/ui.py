"""`pegbar ui`: builds of the Kitsu web UI in the data folder, and which of them is served."""

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.box import SIMPLE_HEAD
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table

from pegbar.cli import As_json, UserError, app, err, out, print_json
from pegbar.cli.place import Place
from pegbar.config import settings

ui = App(name="ui", help="Install builds of the Kitsu web UI, which `pegbar serve` then serves, and choose among them.")
app.command(ui)

Version = Annotated[str, Parameter(help="The version, as `pegbar ui list` shows it.")]


def _folder(place: Place | None) -> Path:
    from pegbar.core.ui.builds import folder_of

    (place or Place()).settle()
    return folder_of(settings().data_folder)


@ui.command
def install(
    place: Place | None = None,
    *,
    version: Annotated[
        str | None, Parameter(help="The version to fetch, the latest unless given; with --from, what to call it.")
    ] = None,
    source: Annotated[
        str | None, Parameter(name="--from", help="File or address of a build, a tar.gz or zip with one index.html.")
    ] = None,
) -> None:
    """Install a released build of the Kitsu web UI and serve it.

    The one before stays: `pegbar ui use` goes back to it. A server that runs serves the new one at once. Without a way
    to the internet, fetch the archive elsewhere and give it with --from.
    """
    from pegbar.core.ui import builds, releases

    folder = _folder(place)
    if version is not None:
        builds.check_version(version)
        if source is not None:
            builds.refuse_installed(folder, version)
    with builds.under_way(folder) as scratch:
        if source is None or source.lower().startswith(("http://", "https://")):
            archive = scratch / "archive"
            version = asyncio.run(_fetched(folder, archive, source, version))
        else:
            archive = Path(source)
            if not archive.is_file():
                raise UserError(f"{archive} is no file. Give an archive (tar.gz, zip), or an address with https://.")
            version = version or _named(releases.version_in(archive.name), archive.name)
        builds.install(folder, archive, version)
    (build,) = [build for build in builds.builds(folder) if build.version == version]
    out.print(f"Installed version {version} of the web UI: {build.files} files, {decimal(build.bytes)}.", markup=False)
    _tell_where()


async def _fetched(folder: Path, archive: Path, url: str | None, version: str | None) -> str:
    """Fetch a build; its version. One that is installed is not fetched."""
    from pegbar.core.ui import builds, releases

    if url is None:
        source = await releases.find(settings().ui_releases, version)
    else:
        source = releases.source_of(url)
    version = _named((version if url is not None else None) or source.version, source.url)
    builds.check_version(version)
    builds.refuse_installed(folder, version)
    with Progress(TextColumn("Fetching"), BarColumn(), DownloadColumn(), console=err, transient=True) as bar:
        task = bar.add_task("", total=None)
        await releases.fetch(source, archive, lambda size, total: bar.update(task, completed=size, total=total))
    return version


def _named(version: str | None, name: str) -> str:
    if version is None:
        raise UserError(f"{name} does not tell its version: say it with --version.")
    return version


def _tell_where() -> None:
    if settings().ui_folder:
        out.print(f"PEGBAR_UI is set: servers with it serve {settings().ui_folder} instead.", markup=False)
    else:
        out.print("`pegbar serve` serves it; one that runs does so already.")


@ui.command(name="list")
def list_builds(place: Place | None = None, *, json: As_json = False) -> None:
    """List the builds that are installed, and which of them is served."""
    from pegbar.core.ui.builds import builds

    rows = builds(_folder(place))
    if json:
        print_json(rows)
        return
    if not rows:
        out.print("No web UI is installed. Install one: pegbar ui install")
        return
    table = Table("Version", "Served", "Files", "Size", "Installed", box=SIMPLE_HEAD)
    for row in rows:
        served = "yes" if row.is_current else ""
        installed = row.installed_at.strftime("%Y-%m-%d %H:%M UTC")
        table.add_row(row.version, served, str(row.files), decimal(row.bytes), installed)
    out.print(table)
    if settings().ui_folder:
        _tell_where()


@ui.command
def use(version: Version, place: Place | None = None) -> None:
    """Serve another build that is installed; servers that run do so at once."""
    from pegbar.core.ui import builds

    builds.use(_folder(place), version)
    out.print(f"Version {version} is served.", markup=False)
    if settings().ui_folder:
        _tell_where()


@ui.command
def remove(version: Version, place: Place | None = None) -> None:
    """Remove a build that is not served. The only one there is may be removed, too: then none is served."""
    from pegbar.core.ui import builds

    folder = _folder(place)
    if builds.versions(folder) == [version]:
        builds.turn_off(folder)
    builds.remove(folder, version)
    out.print(f"Version {version} is removed.", markup=False)
