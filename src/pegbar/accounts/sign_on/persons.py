"""Who somebody is here that a provider or a directory vouches for: found, bound, made, changed. One place for all.

    settled = await settle(tx, provider, Identity(protocol="oidc", issuer=…, subject=…, email=…, …))

Source: spec accounts, 6 ("Binding rule") and "Worth fixing": the user limit counts here too.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import ARRAY, Executable, Text, and_, any_, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.elements import ColumnElement

from pegbar.accounts.administration import OPERATOR
from pegbar.accounts.people import profile, queries
from pegbar.accounts.people.rules import is_protected
from pegbar.accounts.resources import persons
from pegbar.accounts.sign_on.providers import Protocol, Provider
from pegbar.accounts.sign_on.refusals import SignOnRefused
from pegbar.accounts.sign_on.tables import identity_link
from pegbar.accounts.tables import department, department_link, person
from pegbar.core.data.database import Transaction
from pegbar.core.data.parameters import param, sql
from pegbar.core.data.schema import utc_now
from pegbar.core.errors import BadRequest
from pegbar.studio.tables import studio

log = structlog.get_logger()

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST = {"first_name": 80, "last_name": 80, "phone": 30, "desktop_login": 80}
#: The longest subject that a provider's standard allows.
_LONGEST_SUBJECT = 255


@dataclass(frozen=True)
class Identity:
    """Somebody as a provider describes them. None: it says nothing of that, and nothing is changed."""

    protocol: Protocol
    #: Which provider, for good: the `iss` of OIDC, the entity id of SAML.
    issuer: str = ""
    #: Whom it means, for good: the `sub` of OIDC, the `ldap_uid` of a directory. Empty: the address tells.
    subject: str = ""
    email: str | None = None
    #: Whether the provider vouches for the address; only such a one finds, makes or changes an account.
    email_verified: bool = True
    #: Further addresses that may be theirs here.
    other_emails: tuple[str, ...] = ()
    first_name: str | None = None
    last_name: str | None = None
    phone: str | None = None
    country: str | None = None
    studio_id: str | None = None
    #: Departments by id or name: exactly these.
    departments: tuple[str, ...] | None = None
    #: Groups, for the studio's mapping.
    groups: tuple[str, ...] | None = None
    desktop_login: str | None = None
    #: Only directories say it: single sign-on switches nobody on or off.
    active: bool | None = None


@dataclass
class Settled:
    """What became of an identity."""

    #: The person's row, as it is now.
    person: asyncpg.Record
    created: bool = False
    #: Whether the identity is new to the person.
    bound: bool = False
    #: What changed, by column (and `departments`, by name), as (before, after).
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    #: Departments that are named and not there.
    unknown_departments: tuple[str, ...] = ()


# Statements

#: The columns that hold an identity's issuer and subject, as other servers on the database know it.
_COLUMNS = {
    "oidc": (person.c.oidc_issuer, person.c.oidc_subject),
    "saml": (person.c.saml_issuer, person.c.saml_subject),
}
_ISSUER, _SUBJECT = param("issuer", Text), param("subject", Text)
_EMAILS = param("emails", ARRAY(Text))
_LOWER = func.lower(person.c.email)
_A_HUMAN = and_(person.c.is_bot.is_not(True), person.c.is_guest.is_not(True), person.c.preview_project_id.is_(None))

#: Sign-ins of the same person come one after the other: none of them finds half of what another does.
_HOLD = sql("SELECT pg_advisory_xact_lock(hashtextextended('pegbar.sign-on ' || :key_of, 0))", key_of=Text)


def _linked(protocol: str, subject: ColumnElement[bool]) -> ColumnElement[bool]:
    links = select(identity_link.c.person_id).where(
        identity_link.c.protocol == protocol, identity_link.c.issuer == _ISSUER, subject
    )
    return person.c.id.in_(links)


def _by_subject(protocol: str) -> Executable:
    issuer, subject = _COLUMNS[protocol]
    theirs = or_(and_(issuer == _ISSUER, subject == _SUBJECT), _linked(protocol, identity_link.c.subject == _SUBJECT))
    return select(person).where(_A_HUMAN, theirs).order_by(person.c.created_at, person.c.id).with_for_update()


def _bound_otherwise(protocol: str) -> Executable:
    """Whether the issuer means the person by another subject."""
    issuer, subject = _COLUMNS[protocol]
    others = or_(and_(issuer == _ISSUER, subject != _SUBJECT), _linked(protocol, identity_link.c.subject != _SUBJECT))
    return select(func.count()).where(person.c.id == param("person_id"), others)


_BY_SUBJECT = {protocol: _by_subject(protocol) for protocol in _COLUMNS}
_BOUND_OTHERWISE = {protocol: _bound_otherwise(protocol) for protocol in _COLUMNS}
_BY_UID = select(person).where(_A_HUMAN, person.c.ldap_uid == _SUBJECT).with_for_update()
_BY_LOGIN = (
    select(person)
    .where(_A_HUMAN, person.c.desktop_login == param("login", Text))
    .order_by(person.c.created_at, person.c.id)
    .limit(1)
    .with_for_update()
)
#: Whoever has the first of the addresses that somebody has; also those who are nobody to sign in.
_BY_EMAIL = (
    select(person, _A_HUMAN.label("is_human"))
    .where(person.c.is_bot.is_not(True), any_(_EMAILS) == _LOWER)
    .order_by(func.array_position(_EMAILS, _LOWER), person.c.created_at, person.c.id)
    .limit(1)
    .with_for_update(of=person)
)
_BY_ID = select(person).where(person.c.id == param("person_id"))
_BIND = (
    insert(identity_link)
    .values(
        protocol=param("protocol", Text),
        issuer=_ISSUER,
        subject=_SUBJECT,
        person_id=param("person_id"),
        bound_at=param("now"),
    )
    .on_conflict_do_update(
        index_elements=["protocol", "issuer", "subject"],
        set_={"person_id": param("person_id"), "bound_at": param("now")},
    )
)
_UNBIND = delete(identity_link).where(identity_link.c.person_id == param("person_id"))
_HAS_STUDIO = select(studio.c.id).where(studio.c.id == param("studio_id"))
_THEIR_DEPARTMENTS = (
    select(department.c.id, department.c.name)
    .join(department_link, department_link.c.department_id == department.c.id)
    .where(department_link.c.person_id == param("person_id"))
)
_NAMES = param("names", ARRAY(Text))
_DEPARTMENTS = select(department.c.id, department.c.name).where(
    or_(func.lower(department.c.name) == any_(_NAMES), func.cast(department.c.id, Text) == any_(_NAMES))
)


# What happens


async def settle(tx: Transaction, provider: Provider, identity: Identity) -> Settled:
    """The person that an identity is, found or made, bound and up to date. Raises SignOnRefused.

    Somebody is who the subject is bound to; else who has the address, who is then bound to the subject; else somebody
    new. Nobody finds a protected account, a bot, a guest or a preview account by its address.
    """
    identity = _clean(identity)
    key = identity.email or identity.subject
    await tx.execute(_HOLD, key_of=key.lower())
    row = await _bound(tx, identity)
    binds = row is None and bool(identity.subject)
    if row is None:
        row = await _found(tx, provider, identity)
    values = await _values(tx, provider, identity, row)
    grants = await _departments(tx, provider, identity, None if row is None else row["id"])
    try:
        if row is None:
            person_id = await _make(tx, provider, values, grants)
        else:
            person_id = row["id"]
            await _change(tx, person_id, values, grants)
    except BadRequest as error:
        raise SignOnRefused(error.message) from None
    if binds:
        await _bind(tx, person_id, identity)
    after = await tx.row(_BY_ID, person_id=person_id)
    assert after is not None
    changes = {name: (None if row is None else row[name], after[name]) for name in values}
    if grants.change:
        changes["departments"] = (grants.before, grants.after)
    return Settled(after, row is None, binds, changes, grants.unknown)


async def forget(tx: Transaction, person_id: UUID) -> None:
    """Bind somebody to no identity: the next sign-in finds them by their address again."""
    await tx.execute(_UNBIND, person_id=person_id)
    await tx.update(person, person_id, **{column.name: None for columns in _COLUMNS.values() for column in columns})


def _clean(identity: Identity) -> Identity:
    """The identity as it can be stored. Raises SignOnRefused for a subject or an issuer that cannot."""
    if _CONTROL.search(identity.subject + identity.issuer) or len(identity.subject) > _LONGEST_SUBJECT:
        raise SignOnRefused("The provider names this person in a way that cannot be kept.")
    texts: dict[str, Any] = {}
    for name, longest in _LONGEST.items():
        value: str | None = getattr(identity, name)
        texts[name] = None if value is None else _CONTROL.sub("", _storable(value)).strip()[:longest]
    emails = [_address(value) for value in (identity.email, *identity.other_emails) if value]
    first = _address(identity.email) if identity.email else None
    others = tuple(value for value in emails if value is not None and value != first)
    return replace(identity, **texts, email=first, other_emails=others)


def _storable(value: str) -> str:
    return value.encode(errors="replace").decode()


def _address(value: str) -> str | None:
    try:
        return profile.email_of(value)
    except BadRequest:
        return None


async def _bound(tx: Transaction, identity: Identity) -> asyncpg.Record | None:
    """Whom the provider means by the subject."""
    if not identity.subject:
        return None
    if identity.protocol == "ldap":
        return await tx.row(_BY_UID, subject=identity.subject)
    return await tx.row(_BY_SUBJECT[identity.protocol], issuer=identity.issuer, subject=identity.subject)


async def _found(tx: Transaction, provider: Provider, identity: Identity) -> asyncpg.Record | None:
    """Whoever has the address, and may be bound; None when nobody has it."""
    if identity.protocol == "ldap" and identity.desktop_login:
        row = await tx.row(_BY_LOGIN, login=identity.desktop_login)
        if row is not None:
            return await _bindable(tx, provider, identity, row)
    if identity.email is None:
        raise SignOnRefused(f"{provider.title} tells no e-mail address of yours, or none that is valid.")
    if not identity.email_verified:
        raise SignOnRefused(f"{provider.title} has not verified your e-mail address {identity.email}.")
    if not _is_of_studio(provider, identity.email):
        raise SignOnRefused(f"{identity.email} is no address of this studio.")
    row = await tx.row(_BY_EMAIL, emails=[identity.email, *identity.other_emails])
    if row is not None and not row["is_human"]:
        raise SignOnRefused(f"The account of {row['email']} is not one that signs in with {provider.title}.")
    return None if row is None else await _bindable(tx, provider, identity, row)


def _is_of_studio(provider: Provider, email: str) -> bool:
    """Whether the provider speaks for an address."""
    domains = {domain.lower().lstrip("@") for domain in provider.email_domains}
    return not domains or email.rpartition("@")[2] in domains


async def _bindable(tx: Transaction, provider: Provider, identity: Identity, row: asyncpg.Record) -> asyncpg.Record:
    """The row, when this identity may be theirs. Raises SignOnRefused."""
    if is_protected(row["email"]):
        raise SignOnRefused(f"The account of {row['email']} is protected: it signs in with its password alone.")
    if not identity.subject or identity.protocol == "ldap":  # an entry that was made anew has another uid
        return row
    who = {"issuer": identity.issuer, "subject": identity.subject}
    if await tx.value(_BOUND_OTHERWISE[identity.protocol], person_id=row["id"], **who):
        raise SignOnRefused(
            f"The account of {row['email']} belongs to somebody else at {provider.title}. If that is you, whoever runs "
            f"this server frees it: pegbar sso forget {row['email']}"
        )
    return row


async def _values(
    tx: Transaction, provider: Provider, identity: Identity, row: asyncpg.Record | None
) -> dict[str, Any]:
    """The columns that the identity gives other values, or all that it gives somebody new."""
    values: dict[str, Any] = {name: getattr(identity, name) for name in _LONGEST}
    values["active"] = identity.active
    protected = row is not None and is_protected(row["email"])
    if provider.mapping and (identity.groups is not None or row is None):
        values["role"] = provider.mapping.standing_of(identity.groups or ()).role
    if protected:
        values.pop("role", None)
        values["active"] = None
    values = {name: value for name, value in values.items() if value is not None}
    if identity.country is not None and (identity.country == "" or _is_country(identity.country)):
        values["country"] = profile.country_of(identity.country)
    if (studio_id := await _studio(tx, identity.studio_id)) is not None:
        values["studio_id"] = studio_id
    if row is None:
        return {"first_name": "", "last_name": "", **values, "email": identity.email}
    if await _takes_address(tx, provider, identity, row):
        values["email"] = identity.email
    if identity.protocol == "ldap":
        values["is_generated_from_ldap"] = True
    return {name: value for name, value in values.items() if value != row[name]}


def _is_country(value: str) -> bool:
    return re.fullmatch("[A-Za-z]{2}", value.strip()) is not None


async def _studio(tx: Transaction, value: str | None) -> UUID | None:
    try:
        studio_id = UUID(value or "")
    except ValueError:
        return None
    known: UUID | None = await tx.value(_HAS_STUDIO, studio_id=studio_id)
    return known


async def _takes_address(tx: Transaction, provider: Provider, identity: Identity, row: asyncpg.Record) -> bool:
    """Whether somebody's address becomes the one that the provider says."""
    email = identity.email
    if email is None or not identity.email_verified or email == (row["email"] or "").lower():
        return False
    if is_protected(email) or is_protected(row["email"]) or not _is_of_studio(provider, email):
        return False
    if await tx.value(queries.address_taken, email=email, person_id=row["id"]):
        log.warning("somebody else has the e-mail address that a provider says", provider=provider.name, email=email)
        return False
    return True


@dataclass(frozen=True)
class _Departments:
    """The departments of somebody before and after, by name."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    ids: tuple[UUID, ...]
    unknown: tuple[str, ...] = ()

    @property
    def change(self) -> bool:
        return self.before != self.after


async def _departments(tx: Transaction, provider: Provider, identity: Identity, person_id: UUID | None) -> _Departments:
    """What the identity and its groups make of somebody's departments."""
    rows = [] if person_id is None else await tx.rows(_THEIR_DEPARTMENTS, person_id=person_id)
    before = tuple(sorted(row["name"] for row in rows))
    unchanged = _Departments(before, before, ())
    kept: list[asyncpg.Record] = []
    if identity.departments is not None:
        named: Iterable[str] = identity.departments
    elif provider.mapping and identity.groups is not None:
        standing = provider.mapping.standing_of(identity.groups)
        managed = {name.lower() for name in standing.managed}
        kept = [row for row in rows if row["name"].lower() not in managed]
        named = standing.departments
    else:
        return unchanged
    names = [name.strip().lower() for name in named if name.strip()]
    known = await tx.rows(_DEPARTMENTS, names=names) if names else []
    told = {row["name"].lower() for row in known} | {str(row["id"]) for row in known}
    after = {row["id"]: row["name"] for row in (*kept, *known)}
    unknown = tuple(sorted(set(names) - told))
    if unknown:
        log.warning("a provider names departments that are not here", provider=provider.name, departments=unknown)
    return _Departments(before, tuple(sorted(after.values())), tuple(after), unknown)


async def _make(tx: Transaction, provider: Provider, values: dict[str, Any], grants: _Departments) -> UUID:
    if not provider.create:
        raise SignOnRefused(f"Nobody here has the e-mail address {values['email']}. A studio manager adds people.")
    return await persons.create(tx, OPERATOR, _document(values, grants))


async def _change(tx: Transaction, person_id: UUID, values: dict[str, Any], grants: _Departments) -> None:
    if values or grants.change:
        await persons.update(tx, OPERATOR, person_id, _document(values, grants))


def _document(values: Mapping[str, Any], grants: _Departments) -> dict[str, Any]:
    """The values as a request would bring them."""
    document = {name: str(value) if isinstance(value, UUID) else value for name, value in values.items()}
    if grants.change:
        document["departments"] = [str(department_id) for department_id in grants.ids]
    return document


async def _bind(tx: Transaction, person_id: UUID, identity: Identity) -> None:
    """Keep whom the provider means by the subject."""
    if identity.protocol == "ldap":
        await tx.update(person, person_id, ldap_uid=identity.subject, is_generated_from_ldap=True)
        return
    who = {"issuer": identity.issuer, "subject": identity.subject}
    await tx.execute(_BIND, protocol=identity.protocol, person_id=person_id, now=utc_now(), **who)
    issuer, subject = _COLUMNS[identity.protocol]
    await tx.update(person, person_id, **{issuer.name: identity.issuer, subject.name: identity.subject})
