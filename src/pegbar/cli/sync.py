"""`pegbar sync`: copy a studio from or to another server of this API, compare the two, follow one (docs/sync.md)."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from getpass import getpass
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from pegbar.cli import UserError, app, err, out
from pegbar.cli.place import Place, with_database

sync = App(name="sync", help="Copy a studio from or to another Kitsu or Pegbar server, and compare the two.")
app.command(sync)

From = Annotated[str, Parameter(name="--from", help="Address of the other server, such as https://kitsu.studio.")]
To = Annotated[str, Parameter(name="--to", help="Address of the other server, such as https://kitsu.studio.")]
Email = Annotated[str | None, Parameter(help="An administrator of the other server (PEGBAR_SYNC_PASSWORD, or asked).")]
Token = Annotated[str | None, Parameter(help="An access token of the other server, say a bot's (PEGBAR_SYNC_TOKEN).")]
Projects = Annotated[tuple[str, ...], Parameter(name="--project", help="Only this production; may be given again.")]
Files = Annotated[bool, Parameter(help="Copy pictures, movies and attachments too.")]
DryRun = Annotated[bool, Parameter(help="Say what would be written, and write nothing.")]


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s", style="progress.data.speed")


class _Bars:
    """Bars with rate and remaining time, on the terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._tasks = progress, dict[str, Any]()

    def begin(self, what: str, total: int | None) -> None:
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)

    def advance(self, what: str, pieces: int, total: int | None = None) -> None:
        self.begin(what, total)
        if total is not None:
            self._progress.update(self._tasks[what], total=total)
        self._progress.advance(self._tasks[what], pieces)

    def end(self, what: str) -> None:
        if (task := self._tasks.pop(what, None)) is not None:
            self._progress.remove_task(task)

    def say(self, text: str) -> None:
        self._progress.console.print(text, markup=False)


@contextmanager
def _bars() -> Iterator[_Bars]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        yield _Bars(progress)


def _credentials(email: str | None, token: str | None) -> Any:
    from pegbar.exchange.sync.remote import Credentials

    token = token or os.environ.get("PEGBAR_SYNC_TOKEN", "")
    if token:
        return Credentials(token=token)
    if not email:
        raise UserError("Say who signs in to the other server: --email (an administrator), or --token.")
    password = os.environ.get("PEGBAR_SYNC_PASSWORD") or getpass(f"Password of {email}: ")
    return Credentials(email=email, password=password)


@sync.command
def pull(  # noqa: PLR0913 - options of a command
    place: Place | None = None,
    *,
    from_: From,
    email: Email = None,
    token: Token = None,
    project: Projects = (),
    files: Files = True,
    dry_run: DryRun = False,
    follow: Annotated[bool, Parameter(help="Then follow what changes there, until Ctrl-C.")] = False,
    interval: Annotated[float, Parameter(help="Seconds between two looks while following.")] = 2.0,
    with_passwords: Annotated[
        bool, Parameter(help="Copy password hashes of people who have none here, where the other server tells them.")
    ] = False,
    delete_many: Annotated[bool, Parameter(help="Delete however much is gone there.")] = False,
    patience: Annotated[float, Parameter(help="Seconds that the other server may be away.")] = 600,
) -> None:
    """Copy everything that another server has into this one, or what changed since; interrupted, it goes on."""
    from pegbar.exchange.sync.report import Report
    from pegbar.exchange.sync.runs import Options, pull, pull_on, verify
    from pegbar.exchange.sync.staging import productions

    options = Options(files, with_passwords, delete_many, interval)
    report = Report()

    async def run(db: Any) -> None:
        async with _remote(from_, email, token, patience).opened() as remote:
            scope = await productions(remote, project)
            with _bars() as bars:
                if dry_run:
                    _print_plan(await verify(db, remote, scope, report, bars, files=False), report)
                    return
                peer = await pull(db, remote, scope, options, report, bars)
                _print_report(report)
                if follow:
                    bars.say("Following what changes there. Ctrl-C ends it.")
                    await pull_on(db, remote, scope, options, Report(), bars, peer)

    with_database(place, run, size=8)


@sync.command
def verify(
    place: Place | None = None,
    *,
    from_: From,
    email: Email = None,
    token: Token = None,
    project: Projects = (),
    files: Annotated[bool, Parameter(help="Compare the sums of all files too.")] = True,
    patience: Annotated[float, Parameter(help="Seconds that the other server may be away.")] = 600,
) -> None:
    """Compare rows and files with those of another server, and print what differs; exit code 1 if anything does."""
    from pegbar.exchange.sync.report import Report
    from pegbar.exchange.sync.runs import verify
    from pegbar.exchange.sync.staging import productions

    report = Report()

    async def run(db: Any) -> bool:
        async with _remote(from_, email, token, patience).opened() as remote:
            scope = await productions(remote, project)
            with _bars() as bars:
                verified = await verify(db, remote, scope, report, bars, files=files)
        _print_differences(verified, report)
        return verified.same

    if not with_database(place, run, size=8):
        raise UserError("The two servers differ.")


def _remote(url: str, email: str | None, token: str | None, patience: float) -> Any:
    from pegbar.exchange.sync.remote import Remote

    return Remote(url, _credentials(email, token), patience=patience)


def _print_report(report: Any) -> None:
    for name, counts in report.rows.items():
        if counts.touched or counts.left_out:
            parts = {
                "new": counts.created,
                "changed": counts.changed,
                "deleted": counts.deleted,
                "left out": counts.left_out,
            }
            listed = ", ".join(f"{number} {what}" for what, number in parts.items() if number)
            out.print(f"{name.replace('_', ' '):<24}{counts.there:>9} there  {listed}", markup=False)
    out.print(f"{report.touched} rows written.", markup=False)
    if report.files or report.files_known:
        size = f"{report.bytes / 1024**2:.1f} MB"
        out.print(f"{report.files} files copied ({size}), {report.files_known} were here already.", markup=False)
    _print_problems(report)


def _print_problems(report: Any) -> None:
    for problem in report.problems:
        err.print(f"- {problem}", markup=False)
    if report.problem_count > len(report.problems):
        err.print(f"… and {report.problem_count - len(report.problems)} more", markup=False)


def _print_plan(verified: Any, report: Any) -> None:
    for compared in verified.rows:
        if compared.only_there or compared.differing:
            name = compared.part.title
            out.print(
                f"{name:<24}{len(compared.only_there)} would be new, {len(compared.differing)} changed", markup=False
            )
    out.print("Nothing was written (dry run).")
    _print_problems(report)


def _print_differences(verified: Any, report: Any) -> None:
    for compared in verified.rows:
        verdict = "same" if compared.same else "DIFFERENT"
        out.print(
            f"{compared.part.title:<36}{compared.there:>9} there {compared.here:>9} here  {verdict}", markup=False
        )
        for what, ids in (("only there", compared.only_there), ("only here", compared.only_here)):
            if ids:
                out.print(f"    {what}: {', '.join(map(str, ids[:5]))}{'…' if len(ids) > 5 else ''}", markup=False)
        if compared.differing:
            out.print(f"    differing: {len(compared.differing)}", markup=False)
        for row_id, names in compared.names.items():
            out.print(f"      {row_id}: {', '.join(names)}", markup=False)
    if verified.files is not None:
        out.print(f"{verified.files.same} files are the same, {len(verified.files.differing)} differ.", markup=False)
        for line in sorted(verified.files.differing)[:20]:
            out.print(f"    {line}", markup=False)
    _print_problems(report)


@sync.command
def push(
    place: Place | None = None,
    *,
    to: To,
    email: Email = None,
    token: Token = None,
    project: Projects = (),
    files: Files = True,
    dry_run: DryRun = False,
    patience: Annotated[float, Parameter(help="Seconds that the other server may be away.")] = 600,
) -> None:
    """Send what this server has, or some productions of it, to another one; nothing is deleted there."""
    from pegbar.exchange.sync.push import productions_here, push
    from pegbar.exchange.sync.report import Report

    report = Report()

    async def run(db: Any) -> None:
        scope = await productions_here(db, project)
        async with _remote(to, email, token, patience).opened() as remote:
            with _bars() as bars:
                await push(db, remote, scope, report, bars, dry_run=dry_run, files=files)
        _print_report(report)
        if dry_run:
            out.print("Nothing was sent (dry run).")

    with_database(place, run, size=8)
