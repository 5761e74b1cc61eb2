"""Who is behind a request: the token, then one statement for the person and what they are to the place asked about.

Source: spec accounts, "Tokens" (order of the checks) and "Named access checks" (the facts about a place).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from http.cookies import CookieError, SimpleCookie
from typing import Any
from uuid import UUID

import asyncpg
from litestar import Request
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Executable,
    Integer,
    Select,
    Text,
    TextualSelect,
    all_,
    any_,
    bindparam,
    column,
    exists,
    false,
    func,
    literal,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql import visitors
from sqlalchemy.sql.expression import FromClause

from pegbar.accounts import standing, tokens
from pegbar.accounts.tables import department_link, person, revoked_token, session_floor
from pegbar.core.data.compiled import planned_once
from pegbar.core.data.database import Database, Reader
from pegbar.core.data.parameters import about_caller, param
from pegbar.core.data.schema import Uuid, utc_now
from pegbar.core.errors import Forbidden, NotFound, TokenError, Unauthorized
from pegbar.core.http.access import Caller, Place, PlaceKind, Rule, Token, TokenType
from pegbar.core.http.routing import Foreseen
from pegbar.core.live.sockets import Audience
from pegbar.entities.tables import entity
from pegbar.productions.tables import project
from pegbar.studio.tables import task_type
from pegbar.tasks.tables import task

ACCESS_COOKIE = "access_token_cookie"
REFRESH_COOKIE = "refresh_token_cookie"
_EPOCH = datetime(1970, 1, 1)
#: The departments of a caller whose row is only being read.
_DEPARTMENTS = "(ARRAY(SELECT department_id FROM department_link WHERE person_id = :caller_id))"
#: Guesses that are kept.
_MOST_ROLES = 50_000
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

_KEY = param("key")
_THINGS = {"project": project, "entity": entity, "task": task}


def _someone() -> list[ColumnElement[Any]]:
    departments = select(department_link.c.department_id).where(department_link.c.person_id == person.c.id)
    family = param("family", ARRAY(Text))
    revoked = exists().where(revoked_token.c.jti == any_(family))
    too_old = exists().where(
        session_floor.c.person_id == person.c.id,
        func.coalesce(session_floor.c.kept != all_(family), true()),
        session_floor.c.not_before > func.to_timestamp(bindparam("issued")).op("AT TIME ZONE")(literal("UTC")),
    )
    return [
        person.c.id,
        person.c.role,
        person.c.active,
        person.c.is_bot,
        person.c.jti,
        person.c.email,
        func.concat_ws(" ", func.nullif(person.c.first_name, ""), func.nullif(person.c.last_name, "")).label(
            "full_name"
        ),
        person.c.timezone,
        person.c.locale,
        person.c.preview_project_id,
        person.c.preview_opened_at,
        person.c.preview_open_until,
        func.array(departments.scalar_subquery(), type_=ARRAY(Uuid)).label("departments"),
        revoked.label("revoked"),
        too_old.label("too_old"),
    ]


def _beside(place: Place) -> tuple[FromClause, ColumnElement[bool]]:
    """The person beside the row that the place's parameter names and the thing it belongs to; whether it is there."""
    thing = _THINGS.get(place.kind)
    if place.lookup is None:
        assert thing is not None
        return person.outerjoin(thing, thing.c.id == _KEY), thing.c.id.is_not(None)
    there = place.lookup.add_columns(true().label("is_there")).limit(1).subquery("there").lateral()
    source: FromClause = person.outerjoin(there, true())
    if thing is not None:
        source = source.outerjoin(thing, thing.c.id == there.c.place_id)
    return source, there.c.is_there


def _facts(kind: PlaceKind, source: FromClause) -> tuple[FromClause, dict[str, ColumnElement[Any]]]:
    """What the person is to a thing, and the tables that tell it."""
    who = standing.PERSON
    project_id = {"project": project.c.id, "entity": entity.c.project_id, "task": task.c.project_id}[kind]
    facts: dict[str, ColumnElement[Any]] = {"project_id": project_id}
    if kind == "task":
        source = source.outerjoin(entity, entity.c.id == task.c.entity_id)
        source = source.outerjoin(task_type, task_type.c.id == task.c.task_type_id)
        facts["assigned_to_task"] = standing.assigned(who, task.c.id)
        facts["task_department_id"] = task_type.c.department_id
    source, here = standing.joined_team(source, who, project_id)
    facts |= {"in_team": here.in_team, "role_here": here.role}
    if kind in ("entity", "task"):
        facts["assigned_to_entity"] = standing.assigned_on(who, entity.c.id)
        facts["reaches_entity"] = here.reaches(entity.c.id)
        facts["created_entity"] = func.coalesce(entity.c.created_by == who.id, false())
    return source, facts


@lru_cache(1024)
def _statement(place: Place, along: Select[Any] | TextualSelect | None) -> Select[Any]:
    """The caller, what they are to a place, and what is read along with that."""
    once = along is not None and bool(along.get_execution_options().get("planned_once"))
    statement = _of_caller(place, along)
    return planned_once(statement) if once else statement


def _of_caller(place: Place, along: Select[Any] | TextualSelect | None) -> Select[Any]:
    columns = _someone()
    if along is not None:
        columns.append(along.scalar_subquery().label("along"))
    is_about_all = not place.parameter or (place.kind == "studio" and place.lookup is None)
    if is_about_all or place.in_query:
        columns.append(func.array(standing.roles(standing.PERSON).scalar_subquery(), type_=ARRAY(Text)).label("roles"))
    if is_about_all:
        return select(*columns).where(person.c.id == param("sub", Uuid))
    source, there = _beside(place)
    if place.kind != "studio":
        source, facts = _facts(place.kind, source)
        columns += [value.label(name) for name, value in facts.items()]
        # A production that is being deleted is gone, with all that is still in it.
        there &= ~standing.is_going(facts["project_id"])
    columns.append(there.label("is_there"))
    return select(*columns).select_from(source).where(person.c.id == param("sub", Uuid))


#: Keys, each with its place among all.
_KEYS = (
    text("SELECT place, key FROM unnest(CAST(:places AS int[]), CAST(:keys AS uuid[])) AS key_of (place, key)")
    .columns(column("place", Integer), column("key", Uuid))
    .subquery("key_of")
)


@lru_cache(1024)
def _at_many(place: Place) -> Executable:
    """What `_statement` selects, for each of many keys: rows with their `place` among them."""

    def of_row(part: Any, **_: Any) -> Any:
        return literal_column("key_of.key", Uuid) if isinstance(part, BindParameter) and part.key == "key" else None

    statement: Any = _statement(place, None)
    one = visitors.replacement_traverse(statement, {}, of_row)  # type: ignore[call-overload]
    return select(_KEYS.c.place, one.lateral("one")).select_from(_KEYS)


_IN_TEAM = standing.in_team(standing.somebody_written("p"), standing.written("i"))
_AUDIENCE = text(
    f"""
    SELECT s.socket, p.role,
           ARRAY(SELECT i FROM unnest(:projects ::uuid[]) AS i
                  WHERE {standing.as_text(_IN_TEAM)}) AS projects
      FROM unnest(:sockets ::text[], :persons ::uuid[], :jtis ::text[], :refresh_jtis ::text[], :issued ::float8[],
                  :of_sessions ::bool[])
           AS s (socket, person_id, jti, refresh_jti, issued, of_session)
      JOIN person p ON p.id = s.person_id AND p.active IS NOT FALSE
     WHERE NOT EXISTS (SELECT 1 FROM pegbar.revoked_token r WHERE r.jti IN (s.jti, s.refresh_jti))
       AND (s.of_session OR p.jti = s.jti)
       AND NOT EXISTS (SELECT 1 FROM pegbar.session_floor f
                        WHERE s.of_session AND f.person_id = p.id
                          AND f.not_before > to_timestamp(s.issued) AT TIME ZONE 'UTC'
                          AND (f.kept IS NULL OR f.kept NOT IN (s.jti, coalesce(s.refresh_jti, s.jti))))
       AND (p.preview_project_id IS NULL
            OR (p.preview_open_until >= now() AT TIME ZONE 'UTC'
                AND s.issued >= floor(extract(epoch FROM p.preview_opened_at))))
    """  # noqa: S608 - a rule of ours
)

_FACTS = (
    "project_id",
    "in_team",
    "role_here",
    "reaches_entity",
    "created_entity",
    "assigned_to_entity",
    "assigned_to_task",
    "task_department_id",
)


class RequestCallers:
    """Resolves the callers of HTTP requests."""

    def __init__(self, db: Database) -> None:
        self._db = db
        #: The role that somebody had at their last request for an answer that may be foreseen. A guess: each answer is
        #: used only where the statement that reads it reads the same role.
        self._roles: dict[tuple[UUID, Foreseen], str] = {}

    def identify(self, request: Request[Any, Any, Any], expected: TokenType = "access") -> Token:
        """The verified token of a request. Raises TokenError or Unauthorized."""
        return tokens.verify(*read_token(request.headers, expected), expected)

    def token_of(self, headers: Any, offered: str | None) -> Token:
        """The verified token of a socket: of its handshake's headers, else the one it gives."""
        try:
            return tokens.verify(*read_token(headers, "access"))
        except TokenError as error:
            if offered is None or error.status != 401:
                raise
        return tokens.verify(offered)

    async def audience(self, sockets: dict[str, Token], projects: Sequence[UUID]) -> Audience:
        """The sockets whose tokens and accounts are still good, and which of these productions each may see."""
        now = int(datetime.now(UTC).timestamp())
        alive = {socket: token for socket, token in sockets.items() if token.exp is None or token.exp > now}
        rows = await self._db.rows(
            _AUDIENCE,
            sockets=list(alive),
            persons=[token.sub for token in alive.values()],
            jtis=[token.jti for token in alive.values()],
            refresh_jtis=[token.refresh_jti for token in alive.values()],
            issued=[float(token.iat) for token in alive.values()],
            of_sessions=[token.identity_type == "person" for token in alive.values()],
            projects=list(projects),
        )
        return Audience(
            admins=frozenset(row["socket"] for row in rows if row["role"] == "admin"),
            projects={row["socket"]: frozenset(row["projects"]) for row in rows},
        )

    async def resolve(
        self,
        token: Token,
        rule: Rule,
        key: UUID | None,
        method: str = "GET",
        along: Select[Any] | Foreseen | None = None,
        *,
        db: Reader | None = None,
    ) -> Caller:
        """The caller with the facts about the rule's place, and what the route wants along with them.

        They are read from `db`, where that is a transaction under way. Raises 401, 403 or 404 as the specification
        orders them.
        """
        looked_up = _is_looked_up(rule.place)
        foreseen: Foreseen | None = None
        role: str | None = None
        beside: Select[Any] | TextualSelect | None = None
        if isinstance(along, Foreseen):
            foreseen = along
            role = self._roles.get((token.sub, foreseen))
            beside = None if role is None else foreseen.along(role, _DEPARTMENTS)
            about_caller.set({"caller_id": token.sub, "caller_role": role})
        elif looked_up or not rule.place.parameter:  # else it is about the place, and none is named
            beside = along
        params = {**_of_token(token), "key": key} if looked_up else _of_token(token)
        row = await (db or self._db).row(_statement(rule.place, beside), **params)
        if foreseen is not None and row is not None and self._role_now(row, token, foreseen) != role:
            beside = None  # it was read for another role
        return _resolved(row, token, rule, key, method, along=beside)

    def _role_now(self, row: asyncpg.Record, token: Token, foreseen: Foreseen) -> str | None:
        """The caller's role, kept for the next time; None when a team gives them one of its own."""
        role: str | None = row["role"]
        if row.get("role_here", role) != role:
            role = None
        if len(self._roles) >= _MOST_ROLES:
            self._roles.clear()
        if role is None:
            self._roles.pop((token.sub, foreseen), None)
        else:
            self._roles[token.sub, foreseen] = role
        return role

    async def resolve_many(
        self, token: Token, rule: Rule, keys: Sequence[UUID | None], method: str, *, db: Reader
    ) -> list[Caller]:
        """What `resolve` tells, for each of these places of a rule: one statement, however many they are."""
        if not _is_looked_up(rule.place):
            row = await db.row(_statement(rule.place, None), **_of_token(token))
            return [_resolved(row, token, rule, key, method) for key in keys]
        rows = await db.rows(_at_many(rule.place), **_of_token(token), places=list(range(len(keys))), keys=keys)
        by_place = {row["place"]: row for row in rows}
        return [_resolved(by_place.get(place), token, rule, key, method) for place, key in enumerate(keys)]


def _is_looked_up(place: Place) -> bool:
    """Whether the statement reads what the person is to one thing."""
    return bool(place.parameter) and (place.kind != "studio" or place.lookup is not None)


def _of_token(token: Token) -> dict[str, Any]:
    return {"sub": token.sub, "family": token.family, "issued": float(token.iat)}


def _resolved(
    row: asyncpg.Record | None,
    token: Token,
    rule: Rule,
    key: UUID | None,
    method: str,
    *,
    along: object | None = None,
) -> Caller:
    place = rule.place
    _check_account(row, token)
    assert row is not None
    _check_preview_account(row, token, method)
    if token.requires_2fa_setup and not rule.during_setup:
        raise Forbidden("A second factor must be set up before anything else.", two_factor_authentication_required=True)
    facts: dict[str, Any] = {"subject_id": key}
    if along is not None:
        facts["along"] = row["along"]
    if _is_looked_up(place):
        if not row["is_there"] and not (place.in_query and place.kind == "project" and row["role"] == "admin"):
            raise NotFound(f"There is nothing with the id {key}.")
        facts |= {name: value for name in _FACTS if (value := row.get(name)) is not None}
    return _caller(row, token, facts)


def _caller(row: asyncpg.Record, token: Token, facts: dict[str, Any]) -> Caller:
    return Caller(
        id=row["id"],
        role=row["role"],
        token=token,
        is_bot=row["is_bot"],
        email=row["email"],
        full_name=row["full_name"],
        timezone=row["timezone"],
        locale=row["locale"],
        departments=frozenset(row["departments"] or ()),
        roles=frozenset(row.get("roles", ())),
        preview_project_id=row["preview_project_id"],
        **facts,
    )


def read_token(headers: Any, expected: TokenType) -> tuple[str]:
    """The raw token of a request's headers: the cookie, unless it is unusable and the header has one."""
    cookie = _cookie(headers.get("cookie", ""), ACCESS_COOKIE if expected == "access" else REFRESH_COOKIE)
    header = headers.get("authorization", "")
    words = header.split()
    bearer = words[1] if len(words) == 2 and words[0] == "Bearer" else None
    if cookie:
        if bearer:
            try:
                tokens.verify(cookie, expected)
            except (TokenError, Unauthorized):
                return (bearer,)
        return (cookie,)
    if not words or words[0] != "Bearer":
        raise TokenError("Missing JWT in cookies or headers (Authorization: Bearer <token>)")
    if bearer is None:
        raise TokenError("Bad Authorization header. Expected 'Authorization: Bearer <token>'", status=422)
    return (bearer,)


def _cookie(header: str, name: str) -> str | None:
    if name not in header:
        return None
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return morsel.value if morsel is not None else None


def _check_account(row: asyncpg.Record | None, token: Token) -> None:
    """The order of the checks is the specification's: revoked, known, active; then whether all sessions were ended."""
    if row is not None and row["revoked"]:
        raise TokenError("Token has been revoked")
    if token.identity_type in ("bot", "person_api"):
        if row is None or row["jti"] != token.jti:
            raise TokenError("Token has been revoked")
    elif token.identity_type != "person":
        raise TokenError("Token has been revoked")
    if row is None:
        raise Unauthorized("This account does not exist any more.")
    if row["active"] is False:
        raise Unauthorized("This account is inactive.")
    if row["too_old"] and token.identity_type == "person":
        raise TokenError("Token has been revoked")


def _check_preview_account(row: asyncpg.Record, token: Token, method: str) -> None:
    """Spec accounts, "Kinds of persons": a preview account reads, while its window is open."""
    if row["preview_project_id"] is None:
        return
    opened, until = row["preview_opened_at"], row["preview_open_until"]
    if opened is None or until is None or until < utc_now():
        raise Unauthorized("This preview is closed.")
    if token.iat < int((opened - _EPOCH).total_seconds()):
        raise TokenError("Token has been revoked")
    if method not in _READING:
        raise Forbidden("A preview account can only read.")
