"""`pegbar search`: looking for something from the terminal, how the search is, and writing its documents anew."""

from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pegbar.cli import As_json, app, err, out, print_json
from pegbar.cli.place import Place, with_database

search = App(name="search", help="Look for something, or mend the search.")
app.command(search)


@search.command
def find(
    query: Annotated[str, Parameter(help="What to look for.")],
    /,
    place: Place | None = None,
    *,
    index: Annotated[list[str] | None, Parameter(help="Where: assets, shots… (everywhere). May be repeated.")] = None,
    limit: Annotated[int, Parameter(help="At most so many of each.")] = 10,
    json: As_json = False,
) -> None:
    """Look for something in the open productions, as a studio manager would."""
    import msgspec

    from pegbar.accounts.administration import OPERATOR
    from pegbar.search.reading import Search, Wanted
    from pegbar.search.shapes import INDEXES

    wanted = Wanted(query, index or list(INDEXES), max(limit, 1))
    answer = with_database(place, lambda db: Search(db, OPERATOR, wanted).run())
    rows: dict[str, list[dict[str, Any]]] = msgspec.json.decode(answer)
    if json:
        print_json(rows)
        return
    if not any(rows.values()):
        out.print("Nothing was found.")
        return
    table = Table("Index", "Name", "In", "Production", "Found in", "Id", box=SIMPLE_HEAD)
    for name, found in rows.items():
        for row in found:
            above = row.get("sequence_name") or row.get("asset_type_name") or row.get("entity_name") or ""
            called = row.get("name") or row.get("full_name") or row.get("text") or ""
            matched = ", ".join(row["matched_terms"])
            table.add_row(name, called[:80], above, row.get("project_name") or "", matched, row["id"])
    out.print(table)


def _show(state: Any) -> None:
    from pegbar.search.actions import ADVICE

    table = Table("Index", "Rows", box=SIMPLE_HEAD)
    for kind, count in state.documents.items():
        table.add_row(kind, f"{count:,}")
    out.print(table)
    out.print("Typing errors are found with the extension pg_trgm." if state.similarity else ADVICE)


@search.command
def status(place: Place | None = None) -> None:
    """Tell how many rows can be found, and whether the database has what typing errors are found with."""
    from pegbar.search import actions

    _show(with_database(place, actions.state))


@search.command(alias="reset-index")
def reset(place: Place | None = None) -> None:
    """Write anew what the search reads, while people work. It is kept by the database itself, and needs it seldom."""
    from pegbar.search import actions

    with err.status("Reading…") as progress:
        state = with_database(place, lambda db: actions.reset(db, lambda name: progress.update(f"Reading {name}…")))
    _show(state)
