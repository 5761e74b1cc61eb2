"""`pegbar demo`: a small production, to look at and to try things on."""

from typing import Annotated, Any

from cyclopts import Parameter
from rich.box import SIMPLE_HEAD
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from pegbar.cli import UserError, app, err, out
from pegbar.cli.place import Place, with_database

#: The command's own connections: one holds its turn, one works. The API opens others.
_CONNECTIONS = 2


@app.command
def demo(
    place: Place | None = None,
    *,
    passwords: Annotated[
        bool, Parameter(negative=(), help="Give its people new passwords and print them: without, none can sign in.")
    ] = False,
    remove: Annotated[bool, Parameter(negative=(), help="Take the production and its people away again.")] = False,
) -> None:
    """Make a small production to look at: a short of 6 sequences, 40 shots and 30 assets, in the middle of its work.

    It has tasks in all states, comments, castings, pictures, movies, hours, a schedule, playlists and a team with every
    role but administrators, who are your own. The studio's task types and statuses are used as they are, none is
    added. Run again, it makes no second one.
    """
    if remove and passwords:
        raise UserError("Give either --remove or --passwords.")
    if remove:
        with_database(place, _remove, size=_CONNECTIONS)
    else:
        with_database(place, lambda db: _make(db, passwords=passwords), size=_CONNECTIONS)


async def _make(db: Any, *, passwords: bool) -> None:
    from pegbar.demo import production
    from pegbar.demo.actions import make_demo

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("", total=None)
        outcome = await make_demo(db, lambda what: progress.update(task, description=what))
    if outcome.made:
        out.print(f"The production {outcome.name} is there. Take it away again: pegbar demo --remove", markup=False)
    else:
        out.print(f"The demo is there already, as {outcome.name}. Take it away: pegbar demo --remove", markup=False)
    if not passwords:
        return
    people = await db.write(None, production.let_in)
    table = Table("Sign in as", "Password", "Role", "Name", box=SIMPLE_HEAD)
    for member, password in people:
        table.add_row(member.email, password, member.role, f"{member.first_name} {member.last_name}")
    out.print(table)
    out.print("The passwords are shown this once.")


async def _remove(db: Any) -> None:
    from pegbar.demo.actions import remove_demo

    name, removed, staying = await remove_demo(db)
    if name is None and not removed and not staying:
        out.print("There is no demo.")
        return
    what = f"The production {name} and {removed} people are" if name else f"{removed} people of the demo are"
    out.print(f"{what} taken away. What is left of a large one goes in a job: pegbar jobs removals", markup=False)
    for email in staying:
        out.print(f"{email} stays: others have them in their team.", markup=False)
