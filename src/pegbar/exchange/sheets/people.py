"""People from a spreadsheet. Source: spec exchange, "POST /import/csv/persons" and "Worth fixing" 16."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, any_, func, select

from pegbar.accounts import sessions, shapes
from pegbar.accounts.people import profile, rules
from pegbar.accounts.resources import persons
from pegbar.accounts.tables import department, department_link, person
from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import Text
from pegbar.core.data.values import accept
from pegbar.core.data.wire import json_object
from pegbar.core.errors import ApiError
from pegbar.exchange.sheets.columns import (
    Blank,
    Column,
    Reader,
    Row,
    code_of,
    listed,
    named,
    whole_number,
    yes_or_no,
)
from pegbar.exchange.sheets.importing import Sheet, Taken
from pegbar.exchange.sheets.reports import Outcome
from pegbar.studio.tables import studio

_ROLES = {
    "Artist": "user",
    "Studio Manager": "admin",
    "Supervisor": "supervisor",
    "Production Manager": "manager",
    "Client": "client",
    "Vendor": "vendor",
}
_CONTRACTS = ("Open-ended", "Fixed-term", "Short-term", "Freelance", "Apprentice", "Internship")
_POSITIONS = ("Supervisor", "Lead", "Artist")
_SENIORITIES = ("Senior", "Mid", "Junior")

_EMAILS = param("emails", ARRAY(Text))
_KNOWN = (
    select(person, func.lower(person.c.email).label("address"))
    .where(func.lower(person.c.email) == any_(_EMAILS), person.c.is_bot.is_not(True))
    .order_by(person.c.id)
)
_KNOWN_AND_HELD = _KNOWN.with_for_update()
_DEPARTMENTS = select(department.c.name, department.c.id)
_STUDIOS = select(studio.c.name, studio.c.id)
_PERSONS = param("person_ids")
_DEPARTMENTS_OF = select(department_link.c.person_id, department_link.c.department_id).where(
    department_link.c.person_id == any_(_PERSONS)
)

_IDS = func.unnest(param("ids")).table_valued("id", with_ordinality="n").render_derived("persons")
_IN_ORDER = select(json_object(shapes.SAFE)).select_from(_IDS.join(person, person.c.id == _IDS.c.id)).order_by(_IDS.c.n)


@dataclass
class Entry:
    """A person of the sheet, who may be known already."""

    person_id: UUID
    email: str
    known: bool
    active: bool
    before: Mapping[str, Any] = field(default_factory=dict)
    departments_before: frozenset[UUID] = frozenset()
    activated: bool = False  #: by the import
    values: dict[str, Any] = field(default_factory=dict)
    departments: list[UUID] | None = None

    @property
    def written(self) -> bool:
        """Whether the import writes them."""
        return bool(self.values) or self.departments is not None

    def differs(self, values: Mapping[str, Any], departments: list[UUID] | None) -> bool:
        """Whether these would change what is known of them."""
        now = {**self.before, **self.values}
        member_of = self.departments_before if self.departments is None else frozenset(self.departments)
        return any(now.get(name) != value for name, value in values.items() if name != "email") or (
            departments is not None and frozenset(departments) != member_of
        )


class People(Sheet):
    """A sheet of people. Blank optional cells change nothing."""

    async def columns(self, tx: Transaction, header: Sequence[str]) -> Sequence[Column]:
        """Names and addresses must be there, all else may be."""
        departments = await _ids_by_name(tx, _DEPARTMENTS)
        studios = await _ids_by_name(tx, _STUDIOS)

        def column(name: str, key: str, read: Reader = str) -> Column:
            return Column(name, lambda text: accept(person.c[key], read(text)), key=key)

        return [
            Column("First Name", _text("first_name"), Blank.TAKEN, required=True, key="first_name"),
            Column("Last Name", _text("last_name"), Blank.TAKEN, required=True, key="last_name"),
            Column("Email", profile.email_of, Blank.TAKEN, required=True, key="email"),
            column("Phone", "phone"),
            column("Role", "role", code_of(_ROLES)),
            column("Studio", "studio_id", named(studios, "studio")),
            column("Country", "country", profile.country_of),
            column("Contract Type", "contract_type", _lower_case(_CONTRACTS)),
            column("Position", "position", _lower_case(_POSITIONS)),
            column("Seniority", "seniority", _lower_case(_SENIORITIES)),
            column("Daily Salary", "daily_salary", whole_number),
            column("Active", "active", yes_or_no),
            Column("Departments", listed(named(departments, "department")), key="departments"),
        ]

    async def look_up(self, tx: Transaction, rows: Sequence[Row]) -> None:
        """Who is known of them, and how many seats are left."""
        self._entries: dict[str, Entry] = {}
        known = _KNOWN if self.dry else _KNOWN_AND_HELD
        for row in await tx.rows(known, emails=[row.values["email"] for row in rows]):
            active = row["active"] is not False and not row["is_guest"]
            self._entries[row["address"]] = Entry(
                row["id"], row["address"], known=True, active=active, before=dict(row)
            )
        departments: dict[UUID, set[UUID]] = {}
        for person_id, department_id in await tx.rows(
            _DEPARTMENTS_OF, person_ids=[entry.person_id for entry in self._entries.values()]
        ):
            departments.setdefault(person_id, set()).add(department_id)
        for entry in self._entries.values():
            entry.departments_before = frozenset(departments.get(entry.person_id, ()))
        self._seats = await rules.free_seats(tx)

    def take(self, row: Row) -> Taken:
        """Somebody new is hired; somebody known is changed if that is wanted."""
        values = dict(row.values)
        departments = values.pop("departments", None)
        email, active = values["email"], values.get("active", True)
        entry = self._entries.get(email)
        if entry is None:
            self._seat(active, before=False)
            entry = self._entries[email] = Entry(uuid4(), email, known=False, active=active)
            entry.values, entry.departments = {"id": entry.person_id, **values}, departments
            return Taken(Outcome.CREATED, email, entry.person_id)
        if not self.update:
            return Taken(Outcome.LEFT, email, entry.person_id)
        self._check_protected(entry, values)
        outcome = Outcome.CHANGED if entry.differs(values, departments) else Outcome.LEFT
        active = values.get("active", entry.active)
        self._seat(active, before=entry.active)
        entry.activated |= active and not entry.active
        entry.active = active
        entry.values |= values
        entry.departments = departments if departments is not None else entry.departments
        return Taken(outcome, email, entry.person_id)

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

    async def write(self, tx: Transaction) -> None:
        """Hire and change them, with their departments."""
        written = [entry for entry in self._entries.values() if entry.written]
        await _hire(tx, [entry for entry in written if not entry.known])
        for entry in written:
            if entry.known:
                await tx.update(person, entry.person_id, **entry.values)
                if entry.activated:
                    await sessions.end_sessions(tx, entry.person_id)
            if entry.known and entry.departments is not None:
                await tx.delete(department_link, person_id=entry.person_id)
            tx.emit(persons.events["update" if entry.known else "new"], person_id=entry.person_id)
        links = [
            {"person_id": entry.person_id, "department_id": department_id}
            for entry in written
            for department_id in entry.departments or ()
        ]
        await tx.insert_many(department_link, links)

    async def answer(self, db: Database, row_ids: Sequence[UUID | None]) -> Json:
        """Their records, one for each row."""
        return await db.json(_IN_ORDER, ids=list(row_ids))


async def _ids_by_name(tx: Transaction, statement: Any) -> dict[str, UUID]:
    return {row["name"]: row["id"] for row in await tx.rows(statement)}


def _text(key: str) -> Reader:
    return lambda text: accept(person.c[key], text)


def _lower_case(labels: Sequence[str]) -> Reader:
    """Reads a label whose code is itself in lower case."""
    return code_of({label: label.lower() for label in labels})


async def _hire(tx: Transaction, entries: Sequence[Entry]) -> None:
    """Insert the new ones, those with the same columns given in one statement."""
    by_columns: dict[frozenset[str], list[dict[str, Any]]] = {}
    for entry in entries:
        by_columns.setdefault(frozenset(entry.values), []).append(entry.values)
    for rows in by_columns.values():
        await tx.insert_many(person, rows)
