"""People from a spreadsheet. Source: spec exchange, "POST /import/csv/persons" and "Worth fixing" 16."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, any_, func, select

from pegbar.accounts import sessions, shapes
from pegbar.accounts.people import profile, rules
from pegbar.accounts.resources import persons
from pegbar.accounts.tables import department, department_link, person
from pegbar.config import FALSE, TRUE
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text
from pegbar.core.data.values import accept
from pegbar.core.data.wire import json_object
from pegbar.core.errors import ApiError
from pegbar.core.http.access import Caller
from pegbar.exchange.csv_input import Row, RowRefused
from pegbar.studio.tables import studio

_LABELS: Mapping[str, Mapping[str, str]] = {
    "Role": {
        "Artist": "user",
        "Studio Manager": "admin",
        "Supervisor": "supervisor",
        "Production Manager": "manager",
        "Client": "client",
        "Vendor": "vendor",
    },
    "Contract Type": {
        label: label.lower()
        for label in ("Open-ended", "Fixed-term", "Short-term", "Freelance", "Apprentice", "Internship")
    },
    "Position": {label: label.lower() for label in ("Supervisor", "Lead", "Artist")},
    "Seniority": {label: label.lower() for label in ("Senior", "Mid", "Junior")},
}

_EMAILS = param("emails", ARRAY(Text))
_KNOWN = (
    select(person.c.id, func.lower(person.c.email).label("email"), person.c.active, person.c.is_guest)
    .where(func.lower(person.c.email) == any_(_EMAILS), person.c.is_bot.is_not(True))
    .order_by(person.c.id)
    .with_for_update()
)
_DEPARTMENTS = select(department.c.name, department.c.id)
_STUDIOS = select(studio.c.name, studio.c.id)

_IDS = func.unnest(param("ids")).table_valued("id", with_ordinality="n").render_derived("persons")
_IN_ORDER = select(json_object(shapes.SAFE)).select_from(_IDS.join(person, person.c.id == _IDS.c.id)).order_by(_IDS.c.n)


@dataclass
class Entry:
    """A person of the sheet, who may be known already."""

    person_id: UUID
    email: str
    known: bool
    active: bool
    activated: bool = False  #: by the import
    values: dict[str, Any] = field(default_factory=dict)
    departments: list[UUID] | None = None

    @property
    def written(self) -> bool:
        """Whether the import changes them."""
        return bool(self.values) or self.departments is not None


class Import:
    """The import of one sheet."""

    def __init__(self, tx: Transaction, caller: Caller, *, update: bool) -> None:
        self.tx, self.caller, self.update = tx, caller, update
        self.entries: dict[str, Entry] = {}
        self.done: list[UUID] = []
        self._departments: dict[str, UUID] = {}
        self._studios: dict[str, UUID] = {}
        self._seats = 0

    async def run(self, rows: Sequence[Row]) -> ApiError | None:
        """Take the rows in order, up to the first that is refused, and write them; that row's refusal."""
        await self._look_up(rows)
        refused = None
        for row in rows:
            try:
                self._take(row)
            except ApiError as error:
                refused = RowRefused(error.message, row.line_number, len(self.done))
                break
        await self._write()
        return refused

    async def _look_up(self, rows: Sequence[Row]) -> None:
        emails = [row.cells.get("Email", "").strip().lower() for row in rows]
        known = await self.tx.rows(_KNOWN, emails=[email for email in emails if "\0" not in email])
        for person_row in known:
            active = person_row["active"] is not False and not person_row["is_guest"]
            self.entries[person_row["email"]] = Entry(person_row["id"], person_row["email"], known=True, active=active)
        self._seats = await rules.free_seats(self.tx)
        self._departments = dict(await self._names(_DEPARTMENTS))
        self._studios = dict(await self._names(_STUDIOS))

    async def _names(self, statement: Any) -> list[tuple[str, UUID]]:
        return [(row["name"], row["id"]) for row in await self.tx.rows(statement)]

    def _take(self, row: Row) -> None:
        values, departments = self._read(row)
        email = values["email"]
        entry = self.entries.get(email)
        if entry is None:
            self._seat(values.get("active", True), before=False)
            entry = Entry(uuid4(), email, known=False, active=values.get("active", True))
            entry.values, entry.departments = {"id": entry.person_id, **values}, departments
            self.entries[email] = entry
        elif self.update:
            self._check_protected(entry, values)
            active = values.get("active", entry.active)
            self._seat(active, before=entry.active)
            entry.activated |= active and not entry.active
            entry.active = active
            entry.values |= values
            entry.departments = departments if departments is not None else entry.departments
        self.done.append(entry.person_id)

    def _check_protected(self, entry: Entry, values: Mapping[str, Any]) -> None:
        if entry.person_id == self.caller.id or not rules.is_protected(entry.email):
            return
        if values.get("active") is False or "role" in values:
            raise ApiError(f"{entry.email} is protected: nobody else can deactivate it or change its role.", status=400)

    def _seat(self, after: bool, *, before: bool) -> None:
        if after and not before:
            if self._seats <= 0:
                raise ApiError("User limit reached.", status=400)
            self._seats -= 1

    def _read(self, row: Row) -> tuple[dict[str, Any], list[UUID] | None]:
        """The columns of a row and the departments it names. Raises ApiError."""
        values: dict[str, Any] = {
            "first_name": row.need("First Name"),
            "last_name": row.need("Last Name"),
            "email": profile.email_of(row.need("Email")),
        }
        readers: Mapping[str, tuple[str, Callable[[str], Any]]] = {
            "Phone": ("phone", str),
            "Role": ("role", lambda text: _code("Role", text)),
            "Studio": ("studio_id", lambda text: _named(self._studios, "studio", text)),
            "Country": ("country", profile.country_of),
            "Contract Type": ("contract_type", lambda text: _code("Contract Type", text)),
            "Position": ("position", lambda text: _code("Position", text)),
            "Seniority": ("seniority", lambda text: _code("Seniority", text)),
            "Daily Salary": ("daily_salary", _whole_number),
            "Active": ("active", _yes_or_no),
        }
        for name, (column, read) in readers.items():
            text = row.value(name)
            if text is not None:
                values[column] = read(text)
        checked = {name: accept(person.c[name], value) for name, value in values.items()}
        names = row.value("Departments")
        if names is None:
            return checked, None
        ids = [_named(self._departments, "department", name.strip()) for name in names.split(",") if name.strip()]
        return checked, list(dict.fromkeys(ids))

    async def _write(self) -> None:
        written = [entry for entry in self.entries.values() if entry.written]
        await self._hire([entry for entry in written if not entry.known])
        for entry in written:
            if entry.known:
                await self.tx.update(person, entry.person_id, **entry.values)
                if entry.activated:
                    await sessions.end_sessions(self.tx, entry.person_id)
            if entry.known and entry.departments is not None:
                await self.tx.delete(department_link, person_id=entry.person_id)
            self.tx.emit(persons.events["update" if entry.known else "new"], person_id=entry.person_id)
        links = [
            {"person_id": entry.person_id, "department_id": department_id}
            for entry in written
            for department_id in entry.departments or ()
        ]
        await self.tx.insert_many(department_link, links)

    async def _hire(self, entries: Sequence[Entry]) -> None:
        """Insert the new ones, those with the same columns given in one statement."""
        by_columns: dict[frozenset[str], list[dict[str, Any]]] = {}
        for entry in entries:
            by_columns.setdefault(frozenset(entry.values), []).append(entry.values)
        for rows in by_columns.values():
            await self.tx.insert_many(person, rows)


def _code(column: str, text: str) -> str:
    labels = _LABELS[column]
    known = {label.lower(): code for label, code in labels.items()} | {code: code for code in labels.values()}
    code = known.get(text.strip().lower())
    if code is None:
        raise ApiError(f"{column}: {text!r} is not one of {', '.join(labels)}.", status=400)
    return code


def _named(known: Mapping[str, UUID], what: str, name: str) -> UUID:
    if name not in known:
        raise ApiError(f"There is no {what} named {name}.", status=400)
    return known[name]


def _whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ApiError(f"Daily Salary: {text!r} is not a whole number.", status=400) from None


def _yes_or_no(text: str) -> bool:
    word = text.strip().lower()
    if word not in TRUE | FALSE:
        raise ApiError(f"Active: {text!r} is neither true nor false.", status=400)
    return word in TRUE


async def import_people(db: Database, caller: Caller, rows: Sequence[Row], *, update: bool) -> Json:
    """Add the people of a sheet, and with `update` change those known; their records, one for each row.

    Raises RowRefused after the rows before it are stored.
    """

    async def work(tx: Transaction) -> tuple[list[UUID], ApiError | None]:
        sheet = Import(tx, caller, update=update)
        refused = await sheet.run(rows)
        return sheet.done, refused

    done, refused = await db.write(caller.id, work)
    if refused is not None:
        raise refused
    return await db.json(_IN_ORDER, ids=done)
