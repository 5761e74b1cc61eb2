"""`pegbar doctor`: what is wrong with a server, and what mends it. Changes nothing; works when the database is away."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import Annotated, Any

from cyclopts import Parameter
from rich.text import Text

from pegbar import __version__
from pegbar.cli import As_json, app, out, print_json
from pegbar.cli.doctor.checks import ORDER, Result, Severity, Visit, declared, made
from pegbar.cli.place import Place
from pegbar.config import settings

#: The modules that hold checks, in the order in which they are shown.
_MODULES = (
    "database",
    "addresses",
    "condition",
    "machine",
    "stored_files",
    "log_copy",
    "media",
    "accounts",
    "outside",
    "work",
)
#: What monitors read: all is well, something will hurt, something hurts.
EXIT_CODES: dict[Severity, int] = {"ok": 0, "skipped": 0, "warning": 1, "fault": 2}
_MARKS: dict[Severity, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "skipped": ("·", "dim"),
    "warning": ("!", "yellow"),
    "fault": ("✗", "bold red"),
}


@app.command
def doctor(
    place: Place | None = None,
    *,
    json: As_json = False,
    only: Annotated[str, Parameter(help="Only the checks whose area or name holds this.")] = "",
    send_to: Annotated[str, Parameter(help="Send a mail to this address, to see that it arrives.")] = "",
    quiet: Annotated[bool, Parameter(negative=(), help="Only what is wrong.")] = False,
) -> None:
    """Examine the server: what is wrong with it, and the command or setting that mends it. Changes nothing.

    Exit codes: 0 all is well, 1 there are warnings, 2 something is broken.
    """
    (place or Place()).choose()
    with _visit(send_to) as visit:
        checks = [one for one in _checks() if only.lower() in f"{one.area} {one.name}".lower()]
        results = [made(one, visit) for one in checks]
    worst: Severity = max((result.severity for result in results), key=ORDER.index, default="ok")
    if json:
        print_json(_document(results, worst))
    else:
        _print(results, quiet=quiet)
    if code := EXIT_CODES[worst]:
        sys.exit(code)


def _checks() -> list[Any]:
    for module in _MODULES:
        importlib.import_module(f"pegbar.cli.doctor.{module}")
    return declared


@contextmanager
def _visit(send_to: str) -> Iterator[Visit]:
    """A visit to the server of the settings, whether it runs or not: nothing is started for it."""
    from pegbar.core.data.embedded import EmbeddedPostgres

    url = settings().external_database
    if not url:
        embedded = EmbeddedPostgres(settings().data_folder, settings().postgres_options)
        url = embedded.url() if embedded.serves() else ""
    visit = Visit(url, send_to)
    try:
        yield visit
    finally:
        visit.close()


def _document(results: list[Result], worst: Severity) -> dict[str, Any]:
    """What `--json` prints; keys are added to it, never changed."""
    return {
        "format": 1,
        "version": __version__,
        "worst": worst,
        "checks": [
            {
                "area": result.check.area,
                "name": result.check.name,
                "about": result.check.about,
                "severity": result.severity,
                "seconds": round(result.seconds, 3),
                "findings": [
                    {"severity": found.severity, "message": found.message, "mend": found.mend}
                    for found in result.findings
                ],
            }
            for result in results
        ],
    }


def _print(results: list[Result], *, quiet: bool) -> None:
    shown = [result for result in results if not quiet or ORDER.index(result.severity) >= ORDER.index("warning")]
    for area, of_area in groupby(shown, key=lambda result: result.check.area):
        out.print(Text(area, style="bold"))
        for result in of_area:
            _print_result(result)
    counts = {severity: sum(result.severity == severity for result in results) for severity in ORDER}
    broken, warned = counts["fault"], counts["warning"]
    if not broken and not warned:
        out.print(Text(f"All is well: {len(results)} checks.", style="bold green"))
        return
    words = [f"{broken} broken"] * bool(broken) + [f"{warned} to look after"] * bool(warned)
    out.print(Text(f"{len(results)} checks: {', '.join(words)}.", style="bold red" if broken else "bold yellow"))


def _print_result(result: Result) -> None:
    mark, style = _MARKS[result.severity]
    head = Text.assemble((f"  {mark} ", style), result.check.name)
    plain = [found for found in result.findings if found.severity in ("ok", "skipped")]
    if result.severity in ("ok", "skipped"):
        told = " ".join(found.message for found in plain) or result.check.about
        out.print(head, Text(told, style="dim"))
        return
    out.print(head)
    for found in result.findings:
        mark, style = _MARKS[found.severity]
        out.print(Text.assemble(("      ", ""), (found.message, style if found.severity == "fault" else "")))
        if found.mend:
            out.print(Text.assemble(("      → ", "cyan"), (found.mend, "cyan")))
