"""`pegbar user`: accounts, for whoever runs the server."""

import secrets
import sys
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeVar

from cyclopts import App, Parameter
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pegbar.cli import UserError, app, out
from pegbar.cli.place import Place, with_database

user = App(name="user", help="Make and change the accounts of people and bots.")
app.command(user)

Role = Literal["admin", "manager", "supervisor", "user", "client", "vendor"]
T = TypeVar("T")
Password = Annotated[str | None, Parameter(help="Their password; generated and printed when not given.")]
FromInput = Annotated[
    bool, Parameter(negative=(), help="Read the password from the standard input, out of sight of other users.")
]


def _in_transaction(place: Place | None, work: Callable[[Any], Awaitable[T]]) -> T:
    async def run(database: Any) -> T:
        async with database.transaction() as tx:
            return await work(tx)

    return with_database(place, run)


def _password(password: str | None, *, from_input: bool) -> tuple[str, str]:
    """The password to set, and what to tell of it."""
    if from_input:
        password = sys.stdin.readline().rstrip("\n")
        if not password:
            raise UserError("The standard input holds no password.")
    if password is not None:
        return password, ""
    generated = secrets.token_urlsafe(12)
    return generated, f" Their password, shown this once: {generated}"


@user.command
def create(
    email: str,
    /,
    place: Place | None = None,
    *,
    first_name: Annotated[str | None, Parameter(help="First name; from the e-mail address when not given.")] = None,
    last_name: Annotated[str, Parameter(help="Last name.")] = "",
    role: Annotated[Role, Parameter(help="What they may do in the studio.")] = "user",
    password: Password = None,
    password_stdin: FromInput = False,
) -> None:
    """Make an account for a person."""
    from pegbar.accounts import administration

    chosen, note = _password(password, from_input=password_stdin)
    first = first_name or email.partition("@")[0]
    _in_transaction(
        place,
        lambda tx: administration.create_user(
            tx, email=email, first_name=first, last_name=last_name, role=role, password=chosen
        ),
    )
    out.print(f"{email} can sign in, as {role}.{note}", markup=False)


@user.command
def promote(
    email: str,
    /,
    place: Place | None = None,
    *,
    role: Annotated[Role, Parameter(help="The role to give.")] = "admin",
) -> None:
    """Give somebody a role: studio manager (admin) unless told otherwise."""
    from pegbar.accounts import administration

    changed = _in_transaction(place, lambda tx: administration.give_role(tx, email, role))
    out.print(f"{email} is {role} now." if changed else f"{email} was {role} already.", markup=False)


@user.command
def reset_password(
    email: str,
    /,
    place: Place | None = None,
    *,
    password: Password = None,
    password_stdin: FromInput = False,
    disable_2fa: Annotated[
        bool, Parameter(name="--disable-2fa", negative=(), help="Remove their second factors too, when lost.")
    ] = False,
) -> None:
    """Give somebody a new password. Their sessions end; a lockout does too."""
    from pegbar.accounts import administration

    chosen, note = _password(password, from_input=password_stdin)
    _in_transaction(place, lambda tx: administration.reset_password(tx, email, chosen, disable_2fa=disable_2fa))
    out.print(f"{email} has a new password.{note}", markup=False)


@user.command(name="list")
def list_users(
    place: Place | None = None, *, json: Annotated[bool, Parameter(negative=(), help="As JSON.")] = False
) -> None:
    """List the accounts."""
    from pegbar.accounts import administration

    rows = with_database(place, administration.everybody)
    if json:
        import msgspec

        out.print(msgspec.json.encode([dict(row) for row in rows]).decode(), markup=False)
        return
    if not rows:
        out.print("No user yet. Make one: pegbar user create EMAIL --role admin")
        return
    table = Table("Name", "E-mail", "Role", "", box=SIMPLE_HEAD)
    for row in rows:
        notes = [
            "inactive" if row["active"] is False else "",
            "bot" if row["is_bot"] else "",
            "guest" if row["is_guest"] else "",
            "second factor" if row["second_factor"] else "",
        ]
        table.add_row(row["full_name"], row["email"] or "", row["role"], ", ".join(note for note in notes if note))
    out.print(table)


@user.command
def create_bot(
    name: str,
    /,
    place: Place | None = None,
    *,
    role: Annotated[Role, Parameter(help="What it may do in the studio.")] = "user",
    email: Annotated[str | None, Parameter(help="An e-mail address for it.")] = None,
    expires: Annotated[datetime | None, Parameter(help="Last day of its token, as YYYY-MM-DD.")] = None,
) -> None:
    """Make a bot for scripts and farms; its token, printed this once, goes into `Authorization: Bearer …`."""
    from pegbar.accounts import administration

    until: date | None = None if expires is None else expires.date()
    token = _in_transaction(
        place, lambda tx: administration.create_bot(tx, name=name, email=email, role=role, until=until)
    )
    out.print(token, markup=False)
