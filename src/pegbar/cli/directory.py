"""`pegbar directory`: the people of LDAP directories and Active Directories (docs/single-sign-on.md)."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pegbar.cli import UserError, app, err, out
from pegbar.cli.place import Place, with_database

if TYPE_CHECKING:
    from pegbar.accounts.sign_on.ldap.sync import Report

directory = App(name="directory", help="Bring over the people of LDAP directories and Active Directories.")
app.command(directory)

#: Lines that are printed of a run.
_MOST_LISTED = 200


def _flag(text: str) -> Any:
    return Parameter(negative=(), help=text)


@directory.command
def sync(
    place: Place | None = None,
    *,
    directory: Annotated[str | None, Parameter(help="Only this one, by its name; all unless given.")] = None,
    dry_run: Annotated[bool, _flag("Say what would change, and change nothing.")] = False,
    force: Annotated[bool, _flag("Switch off however many are gone from the directory.")] = False,
    json: Annotated[bool, _flag("Print the report as JSON.")] = False,
) -> None:
    """Make, change and switch off people as their directory says; exit code 1 if one was not gone through.

    Run it as often as you like: what is as it should be is not touched. The server does it by itself every so many
    minutes with PEGBAR_DIRECTORY_SYNC_EVERY.
    """
    from pegbar.accounts.sign_on.ldap.outcomes import DirectoryAway
    from pegbar.accounts.sign_on.ldap.sync import TooMany
    from pegbar.core.work import logs

    logs.configure()
    reports, problems = list["Report"](), list[str]()

    async def run(db: Any) -> None:
        from pegbar.accounts.sign_on.ldap import jobs
        from pegbar.accounts.sign_on.ldap import sync as runs

        for row in _chosen(directory):
            try:
                work = runs.run(db, row, dry_run=True, force=force) if dry_run else jobs.run(db, row, force=force)
                report = await work
            except DirectoryAway as away:
                problems.append(f"The directory {row.name} was not gone through, and nothing was changed: {away}")
            except TooMany as many:
                problems.append(str(many))
            else:
                assert report is not None
                reports.append(report)

    with_database(place, run, size=2)
    if json:
        import msgspec

        out.print(msgspec.json.encode([_as_json(report) for report in reports]).decode(), markup=False)
    else:
        for report in reports:
            _print(report, dry_run=dry_run)
    if problems:
        raise UserError("\n".join(problems))


def _chosen(name: str | None) -> Any:
    """The directories that are meant. Raises UserError when there is none."""
    from pegbar.accounts.sign_on.providers import sign_on

    known = sign_on().ldap
    if not known:
        raise UserError(
            "No directory is set up: set AUTH_STRATEGY=auth_remote_ldap and LDAP_HOST, or write [ldap.NAME] into the "
            "file of PEGBAR_SIGN_ON_FILE (docs/single-sign-on.md)."
        )
    rows = [row for row in known if name in (None, row.name)]
    if not rows:
        raise UserError(f"There is no directory {name}. There are: {', '.join(row.name for row in known)}.")
    return rows


def _as_json(report: "Report") -> dict[str, Any]:
    lines = [
        {"what": line.what, "name": line.name, "login": line.login, "detail": line.detail} for line in report.lines
    ]
    return {"directory": report.directory, "counts": report.counts, "lines": lines}


def _print(report: "Report", *, dry_run: bool) -> None:
    table = Table("", "Name", "Login", "", box=SIMPLE_HEAD)
    for line in report.lines[:_MOST_LISTED]:
        table.add_row(line.what, line.name, line.login, line.detail)
    if report.lines:
        out.print(table)
    if len(report.lines) > _MOST_LISTED:
        err.print(f"… and {len(report.lines) - _MOST_LISTED} more (--json tells all)", markup=False)
    counts = report.counts
    listed = ", ".join(
        f"{counts[what]} {what}" for what in ("new", "changed", "on", "off", "left out") if what in counts
    )
    out.print(
        f"{report.directory}: {counts['seen']} people, {counts['unchanged']} as they were"
        f"{f', {listed}' if listed else ''}, {counts['photos']} photos.",
        markup=False,
    )
    if dry_run:
        out.print("Nothing was changed (dry run).")


@directory.command(name="list")
def list_directories(place: Place | None = None) -> None:
    """List the directories, with their last run."""
    from pegbar.accounts.sign_on.ldap.jobs import RUNS

    table = Table("Name", "Host", "People below", "Last run", "", box=SIMPLE_HEAD)
    rows = with_database(place, lambda db: db.rows(RUNS))
    runs = {row["directory"]: row for row in rows}
    for row in _chosen(None):
        run = runs.get(row.name)
        counts = "" if run is None else ", ".join(f"{number} {what}" for what, number in (run["counts"] or {}).items())
        when = "never" if run is None else f"{run['began_at']:%Y-%m-%d %H:%M} UTC"
        told = "" if run is None else run["problem"] or ("under way" if run["ended_at"] is None else counts)
        table.add_row(row.name, f"{row.host}:{row.port}", row.base_dn, when, told)
    out.print(table)
