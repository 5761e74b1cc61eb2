"""`pegbar routes`, `pegbar config` and `pegbar jobs`: what there is, what is set, what is being done."""

import os
from typing import Annotated, Literal

from cyclopts import App, Parameter
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pegbar.cli import As_json, app, out, print_json
from pegbar.cli.place import Place, database_of

jobs = App(name="jobs", help="Look at the background jobs.")
app.command(jobs)
Status = Literal["todo", "doing", "failed", "succeeded", "aborted", "cancelled"]


@app.command
def routes(*, json: As_json = False) -> None:
    """List every route with who may use it and the events it emits."""
    from pegbar.app import load_domains

    rows = [
        {
            "method": operation.method,
            "path": operation.path,
            "access": operation.access.text,
            "events": sorted({event.name for event in operation.events}),
        }
        for operation in sorted(load_domains(), key=lambda operation: (operation.path, operation.method))
    ]
    if json:
        print_json(rows)
        return
    for row in rows:
        events = f"  -> {', '.join(row['events'])}" if row["events"] else ""
        out.print(f"{row['method']:<7}{row['path']:<70}  {row['access']}{events}", markup=False)


@app.command
def events(
    *, markdown: Annotated[bool, Parameter(negative=(), help="Their documentation, as Markdown.")] = False
) -> None:
    """List every event with its payload."""
    from pegbar.app import load_domains
    from pegbar.core.live import conversations
    from pegbar.core.live import events as declared

    load_domains()
    if markdown:
        text = declared.documentation() + conversations.documentation()
        out.print(text, markup=False, end="", soft_wrap=True)
        return
    for name, keys in sorted({(event.name, event.keys) for event in declared.declared}):
        out.print(f"{name:<44}{', '.join(keys)}", markup=False, soft_wrap=True)


@app.command
def config(
    *, markdown: Annotated[bool, Parameter(negative=(), help="Their documentation, as Markdown.")] = False
) -> None:
    """Show every setting, its value here and the environment variable that changes it."""
    from pegbar import config as declared
    from pegbar.environment import described

    if markdown:
        out.print(declared.documentation(), markup=False, end="")
        return
    for section, rows in described(declared.load(os.environ), os.environ).items():
        table = Table("Variable", "Value", "Meaning", box=SIMPLE_HEAD, title=section, title_justify="left")
        for row in rows:
            changed = "bold" if row.value != row.default else None
            table.add_row(row.variables[0], row.masked, row.help, style=changed)
        out.print(table)


@jobs.command(name="list")
def list_jobs(
    place: Place | None = None,
    *,
    status: Annotated[Status | None, Parameter(help="Only jobs in this state.")] = None,
    limit: Annotated[int, Parameter(help="At most so many, the newest first.")] = 50,
    json: As_json = False,
) -> None:
    """List background jobs: waiting (todo), running (doing), done or failed."""
    from pegbar.console import queries
    from pegbar.core.data import migrations

    params = {"status": status, "job": None, "limit": limit}
    with database_of(place) as url, migrations.connect(url) as connection:
        rows = connection.execute(queries.jobs, params).mappings().all()
    if json:
        print_json([dict(row) for row in rows])
        return
    if not rows:
        out.print("No job.")
        return
    table = Table("Id", "Job", "State", "Attempts", "Last change", "Not before", "Arguments", "Cause", box=SIMPLE_HEAD)
    for row in rows:
        times = [(at or "").replace("T", " ") for at in (row["last_change"], row["scheduled_at"])]
        table.add_row(
            str(row["id"]),
            row["task_name"],
            row["status"],
            str(row["attempts"]),
            *times,
            row["args"],
            row["cause"] or "",
        )
    out.print(table)


@jobs.command
def removals(place: Place | None = None, *, json: As_json = False) -> None:
    """List the productions that were deleted and still lose their rows, with how far that is."""
    from pegbar.console import queries
    from pegbar.core.data import migrations

    with database_of(place) as url, migrations.connect(url) as connection:
        rows = connection.execute(queries.removals).mappings().all()
    if json:
        print_json([dict(row) for row in rows])
        return
    if not rows:
        out.print("No production is being deleted.")
        return
    table = Table("Production", "Deleted by", "Since", "Rows", "Now", "Last error", box=SIMPLE_HEAD)
    for row in rows:
        progress = f"{row['removed']} of {row['total']}"
        since = f"{row['requested_at']:%Y-%m-%d %H:%M:%S}"
        table.add_row(row["project_name"], row["requested_by"], since, progress, row["doing"], row["last_error"] or "")
    out.print(table)
