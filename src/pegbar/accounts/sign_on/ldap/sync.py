"""The people of a directory come over: made, changed, switched off. Source: spec operations, "LDAP sync".

The directory is read first, and whole or not at all. Then its people are settled a batch at a time, each batch in a
transaction and each of its people in a savepoint, so that one who cannot come over holds up nobody. A dry run does the
same in one transaction and takes it back: it tells what would come because it came.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import ARRAY, Text, cast, func, select, update

from pegbar.accounts.administration import OPERATOR
from pegbar.accounts.people.rules import is_protected
from pegbar.accounts.resources import persons
from pegbar.accounts.shapes import FULL_NAME
from pegbar.accounts.sign_on.ldap import searches
from pegbar.accounts.sign_on.ldap.connection import connected, of_service
from pegbar.accounts.sign_on.ldap.entries import Entry, digest_of, is_excluded, same_uid
from pegbar.accounts.sign_on.ldap.outcomes import BindRefused, DirectoryAway
from pegbar.accounts.sign_on.ldap.people import identity_of, settle_in, taken_back
from pegbar.accounts.sign_on.ldap.photos import PHOTO, NewPhoto
from pegbar.accounts.sign_on.persons import Settled
from pegbar.accounts.sign_on.providers import Ldap, sign_on
from pegbar.accounts.sign_on.tables import directory_person
from pegbar.accounts.tables import department, department_link, person
from pegbar.core.data.database import Database, Transaction
from pegbar.core.data.parameters import param
from pegbar.core.errors import ApiError, BadRequest, CannotRun, Conflict

log = structlog.get_logger()

#: People settled in a transaction.
_BATCH = 100
What = Literal["new", "changed", "on", "off", "left out"]

_DEPARTMENTS = (
    select(func.coalesce(func.array_agg(func.lower(department.c.name)), cast([], ARRAY(Text))))
    .select_from(department_link.join(department, department.c.id == department_link.c.department_id))
    .where(department_link.c.person_id == person.c.id)
    .scalar_subquery()
)
_PERSONS = (
    select(
        person.c.id,
        person.c.ldap_uid,
        person.c.desktop_login,
        func.lower(person.c.email).label("email"),
        FULL_NAME,
        person.c.first_name,
        person.c.last_name,
        person.c.role,
        _DEPARTMENTS.label("departments"),
        person.c.active.is_not(False).label("active"),
        person.c.is_generated_from_ldap.is_(True).label("from_directory"),
        directory_person.c.directory,
        directory_person.c.photo_digest,
    )
    .select_from(person.outerjoin(directory_person, directory_person.c.person_id == person.c.id))
    .where(person.c.is_bot.is_not(True), person.c.is_guest.is_not(True), person.c.preview_project_id.is_(None))
    .order_by(person.c.created_at, person.c.id)
)


class TooMany(CannotRun):
    """A run would switch off more people than the studio's settings think right."""


@dataclass(frozen=True)
class Line:
    """What becomes of somebody."""

    what: What
    name: str
    login: str
    detail: str = ""


@dataclass
class Report:
    """What a run did, or would do."""

    directory: str
    #: People of the directory who are meant to come over.
    seen: int = 0
    lines: list[Line] = field(default_factory=list)
    photos: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind, and how many are as they were."""
        counted = Counter[str](line.what for line in self.lines)
        touched = sum(number for what, number in counted.items() if what != "off")
        return {**counted, "unchanged": max(self.seen - touched, 0), "photos": self.photos, "seen": self.seen}


@dataclass
class Outcome:
    """What a transaction did."""

    lines: list[Line] = field(default_factory=list)
    #: Who is whom here.
    people: dict[UUID, "Member"] = field(default_factory=dict)


@dataclass
class Member:
    """Somebody in the directory, with their groups and who they are here, if anybody."""

    entry: Entry
    groups: tuple[str, ...]
    row: asyncpg.Record | None = None

    @property
    def name(self) -> str:
        """What people call them."""
        return f"{self.entry.first_name} {self.entry.last_name}".strip()


@dataclass
class Plan:
    """Who is to be settled, and who is gone."""

    members: list[Member]
    gone: list[asyncpg.Record]
    #: How many people of the directory are active here.
    active: int

    @property
    def switched_off(self) -> int:
        """How many lose their access."""
        inactive = sum(not member.entry.active for member in self.members if member.row and member.row["active"])
        return len(self.gone) + inactive


async def run(db: Database, directory: Ldap, *, dry_run: bool = False, force: bool = False) -> Report:
    """Bring the people of a directory over. Raises DirectoryAway; TooMany, before anything is written."""
    members = await asyncio.to_thread(read, directory)
    planned = plan(directory, members, await db.rows(_PERSONS))
    if not force:
        _check(directory, planned)
    report = Report(directory.name, seen=len(planned.members))
    if dry_run:
        outcome = await taken_back(db, lambda tx: _settle_all(tx, directory, planned, {}))
        report.lines = outcome.lines
        report.photos = sum(_has_new_photo(member) for member in outcome.people.values())
        return report
    people: dict[UUID, Member] = {}
    for part in _parts(planned):
        outcome = await db.write(None, partial(_settle_all, directory=directory, planned=part, before=people))
        report.lines += outcome.lines
        people |= outcome.people
    report.photos = await _show_photos(db, directory, people)
    return report


def read(directory: Ldap) -> list[Member]:
    """All people of the directory who are meant to come over. Blocking. Raises DirectoryAway."""
    if not directory.user:
        raise DirectoryAway("nobody is named who may read it: set LDAP_USER and LDAP_PASSWORD (user and password)")
    try:
        with connected(directory, of_service(directory)) as connection:
            groups = searches.groups(connection, directory)
            entries = list(searches.people(connection, directory, groups))
    except BindRefused as refused:
        raise DirectoryAway(f"it refuses {of_service(directory).name} (LDAP_USER): {refused}") from None
    if not entries:
        raise DirectoryAway(f"nobody was found below {directory.base_dn}: is that where its people are?")
    return [Member(entry, groups.of(entry)) for entry in entries]


def plan(directory: Ldap, members: Sequence[Member], rows: Sequence[asyncpg.Record]) -> Plan:
    """Who everybody is here: by uid, else by login, else by any address; and who is gone."""
    by_uid = {same_uid(row["ldap_uid"]): row for row in reversed(rows) if row["ldap_uid"]}
    by_login = {row["desktop_login"]: row for row in reversed(rows) if row["desktop_login"]}
    by_email = {row["email"]: row for row in reversed(rows) if row["email"]}
    kept = [member for member in members if not is_excluded(directory, member.entry.login)]
    uids = frozenset(same_uid(member.entry.uid) for member in kept)

    def is_free(row: asyncpg.Record | None) -> bool:
        # Who is somebody's by their id is not another's for having the same address.
        return row is not None and (not row["ldap_uid"] or same_uid(row["ldap_uid"]) not in uids)

    for member in kept:
        entry = member.entry
        by_name = (by_login.get(entry.login), *(by_email.get(email) for email in entry.emails))
        member.row = by_uid.get(same_uid(entry.uid)) if entry.uid else None
        member.row = member.row or next(filter(is_free, by_name), None)
    there = {member.row["id"] for member in kept if member.row is not None}
    home = [row for row in rows if row["from_directory"] and row["active"] and _is_home(directory, row)]
    gone = [row for row in home if row["id"] not in there and not is_excluded(directory, row["desktop_login"] or "")]
    return Plan(
        sorted(kept, key=lambda member: member.row is None),  # who is here before who is new
        [row for row in gone if not is_protected(row["email"])],
        active=len(home),
    )


def _is_home(directory: Ldap, row: asyncpg.Record) -> bool:
    """Whether somebody came from this directory: from the first one, where nobody noted which."""
    home: str | None = row["directory"]
    return home == directory.name or (home is None and sign_on().ldap[:1] == (directory,))


def _check(directory: Ldap, planned: Plan) -> None:
    """Refuse to switch off many: rather is the directory, or its setting, not what it was."""
    allowed = max(planned.active * directory.most_switched_off / 100, 1)  # one may always go
    if planned.switched_off <= allowed:
        return
    names = ", ".join(row["full_name"] for row in planned.gone[:5])
    whom = f" ({names}{'…' if len(planned.gone) > 5 else ''})" if names else ""
    raise TooMany(
        f"The directory {directory.name} would switch off {planned.switched_off} of {planned.active} people"
        f"{whom}, which is more than {directory.most_switched_off:g} %. Nothing was changed. If that is right, run it "
        "with --force."
    )


def _parts(planned: Plan) -> list[Plan]:
    """The plan a transaction at a time: who goes before who comes, so that seats are free."""
    gone, members = planned.gone, planned.members
    parts = [replace(planned, gone=gone[at : at + _BATCH], members=[]) for at in range(0, len(gone), _BATCH)]
    return parts + [
        replace(planned, gone=[], members=members[at : at + _BATCH]) for at in range(0, len(members), _BATCH)
    ]


async def _settle_all(tx: Transaction, directory: Ldap, planned: Plan, before: Mapping[UUID, Member]) -> Outcome:
    """Switch off who is gone, settle all others; what became of whom. `before` are those settled already."""
    outcome = Outcome()
    for row in planned.gone:
        await persons.update(tx, OPERATOR, row["id"], {"active": False})
        outcome.lines.append(Line("off", row["full_name"], row["desktop_login"] or "", "not in the directory any more"))
    for member in planned.members:
        if member.row is None and not member.entry.active:
            continue
        if _is_settled(directory, member):
            assert member.row is not None
            outcome.people[member.row["id"]] = member
            continue
        try:
            async with tx.attempt():
                settled = await _settle(tx, directory, member)
                other = before.get(settled.person["id"]) or outcome.people.get(settled.person["id"])
                if other is not None:
                    raise Conflict(f"{settled.person['email']} is {other.entry.login} already.")
        except ApiError as refused:
            outcome.lines.append(Line("left out", member.name, member.entry.login, refused.message))
        else:
            outcome.people[settled.person["id"]] = member
            if (line := _line_of(settled, member)) is not None:
                outcome.lines.append(line)
    return outcome


def _is_settled(directory: Ldap, member: Member) -> bool:
    """Whether nothing of somebody differs, which saves looking again; in doubt they are settled."""
    entry, row = member.entry, member.row
    if row is None or row["directory"] != directory.name or same_uid(row["ldap_uid"] or "") != same_uid(entry.uid):
        return False
    standing = directory.mapping.standing_of(member.groups)
    managed = {name.lower() for name in standing.managed}
    kept = {name for name in row["departments"] if name not in managed}
    return bool(row["from_directory"]) and (
        (row["first_name"], row["last_name"], row["desktop_login"], row["email"], row["active"]),
        standing.role or row["role"],
        kept | {name.lower() for name in standing.departments},
    ) == (
        (entry.first_name, entry.last_name, entry.login, entry.emails[0], entry.active),
        row["role"],
        set(row["departments"]),
    )


async def _settle(tx: Transaction, directory: Ldap, member: Member) -> Settled:
    """The person that somebody is. Raises ApiError."""
    subject, row = member.entry.uid, member.row
    if row is not None and row["ldap_uid"] and same_uid(row["ldap_uid"]) == same_uid(subject):
        subject = row["ldap_uid"]  # as it is kept here
    settled = await settle_in(tx, directory, identity_of(directory, member.entry, member.groups, subject=subject))
    if settled.created != (row is None) or (row is not None and settled.person["id"] != row["id"]):
        raise Conflict(f"{settled.person['email']} is somebody else in the directory.")
    return settled


def _line_of(settled: Settled, member: Member) -> Line | None:
    """What became of somebody; None for nothing."""
    name, login = member.name, member.entry.login
    shown = {column: change for column, change in settled.changes.items() if change[0] != change[1]}
    unknown = f"no department {', '.join(settled.unknown_departments)} here" if settled.unknown_departments else ""
    if settled.created:
        departments = " + ".join(shown.get("departments", ((), ()))[1])
        told = [settled.person["email"], settled.person["role"], departments, unknown]
        return Line("new", name, login, ", ".join(part for part in told if part))
    what: What = "changed"
    if "active" in shown:
        what = "on" if shown["active"][1] else "off"
    told = [f"{column}: {_joined(before)} → {_joined(after)}" for column, (before, after) in shown.items()]
    told += ["bound to the directory"] if settled.bound and not told else []
    return Line(what, name, login, ", ".join([*told, unknown] if unknown else told)) if told else None


def _joined(value: Any) -> str:
    if isinstance(value, tuple):
        return " + ".join(value) or "none"
    return "–" if value in (None, "") else str(value)


# Photos


def _has_new_photo(member: Member) -> bool:
    before = "" if member.row is None else member.row["photo_digest"] or ""
    return bool(member.entry.photo) and member.entry.active and member.entry.photo != before


_DIGEST = (
    update(directory_person)
    .where(directory_person.c.person_id == param("person_id"))
    .values(photo_digest=param("digest", Text))
)


async def _show_photos(db: Database, directory: Ldap, people: Mapping[UUID, Member]) -> int:
    """Make avatars of the photos that are new; how many. What is no picture is left, and not looked at again."""
    shown = 0
    for person_id, member in people.items():
        if not _has_new_photo(member):
            continue
        try:
            content = await asyncio.to_thread(_photo_of, directory, member.entry.dn)
            shown += await _show(db, person_id, content)
        except (DirectoryAway, BindRefused, ApiError) as error:
            log.warning("photos wait for the next run", directory=directory.name, reason=str(error))
            break
        async with db.transaction() as tx:
            await tx.execute(_DIGEST, person_id=person_id, digest=digest_of(content))
    return shown


async def _show(db: Database, person_id: UUID, content: bytes) -> bool:
    """Show somebody with a photo; whether it is a picture."""
    if not content:
        return False
    try:
        await PHOTO.run(NewPhoto(db, person_id, content))
    except BadRequest as refused:
        log.warning("a photo cannot be shown", person=str(person_id), reason=refused.message)
        return False
    return True


def _photo_of(directory: Ldap, dn: str) -> bytes:
    with connected(directory, of_service(directory)) as connection:
        return searches.photo(connection, dn)
