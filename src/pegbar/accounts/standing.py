"""Who stands where: what a person is on a production, and what they may therefore see.

The one place that reads the roles of teams and the state of productions. Every rule is an SQL expression about `Who`
somebody is (the caller of a request, a row of `person`, a name in a text statement) and the columns of the rows in
question; `as_text` writes one into a text statement. Source: spec accounts, "Role model", "Named access checks".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    any_,
    case,
    false,
    func,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.sql.expression import FromClause

from pegbar.accounts.tables import department_link, person
from pegbar.core.data.parameters import CALLER_ID, CALLER_ROLE
from pegbar.core.data.wire import JsonText, Wire, json_text, word
from pegbar.core.http.access import Caller
from pegbar.entities.tables import CONCEPT_NAME, FOLDER_NAME, entity
from pegbar.productions.tables import project, project_person_link, project_removal, team_addition
from pegbar.studio.tables import entity_type, project_status
from pegbar.tasks.tables import task, task_person_link

Expression = ColumnElement[Any]
_DIALECT = asyncpg_dialect()  # type: ignore[no-untyped-call]


_ADMIN, _CLIENT, _VENDOR, _ARTIST = (word(role) for role in ("admin", "client", "vendor", "user"))
_OPEN = word("Open")
#: What administrators' listings of productions take for open. Source: spec projects, "Open".
_OPEN_TO_ADMINS = (word("Active"), word("open"), _OPEN)


@dataclass(frozen=True)
class Who:
    """The person that a rule is about, in SQL: their id and their role in the studio."""

    id: Expression
    role: Expression

    @property
    def is_admin(self) -> ColumnElement[bool]:
        """A studio manager is one on every production, whatever its team says."""
        return self.role == _ADMIN


#: The caller of a request.
CALLER = Who(CALLER_ID, CALLER_ROLE)


def somebody(row: FromClause) -> Who:
    """The person of a row of `person`, or of an alias of it."""
    return Who(row.c.id, row.c.role)


PERSON = somebody(person)


def written(sql: str) -> Expression:
    """A column or parameter as a text statement writes it: `t.project_id`, `:caller_id`."""
    return literal_column(sql)


def somebody_written(alias: str) -> Who:
    """The person whose row a text statement calls `alias`."""
    return Who(written(f"{alias}.id"), written(f"{alias}.role"))


def as_text(rule: ColumnElement[Any] | Select[Any]) -> str:
    """A rule, or a list of ids, in parentheses: for a text statement."""
    compiled = rule.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True})
    return f"({compiled})"


def _there_is(table: FromClause, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """EXISTS over one table; whatever else the conditions name is the statement's around it, however far out."""
    return select(literal_column("1")).select_from(table).where(*conditions).correlate_except(table).exists()


# Productions


def is_open(row: FromClause = project, *, to_admins: bool = False) -> ColumnElement[bool]:
    """The production of a row of `project` is open; studio managers' listings know more names for it."""
    return is_open_state(row.c.project_status_id, to_admins=to_admins)


def is_open_state(status_id: Expression, *, to_admins: bool = False) -> ColumnElement[bool]:
    """A production with this status is open."""
    named = project_status.c.name.in_(_OPEN_TO_ADMINS) if to_admins else project_status.c.name == _OPEN
    return status_id.in_(select(project_status.c.id).where(named).correlate_except(project_status))


#: The joined row of `project_status` is that of open productions.
IS_OPEN_STATUS: ColumnElement[bool] = project_status.c.name == _OPEN
#: The id of that status.
open_status = select(project_status.c.id).where(IS_OPEN_STATUS).order_by(project_status.c.created_at).limit(1)


def open_projects() -> Select[Any]:
    """The ids of the open productions."""
    row = project.alias()
    return select(row.c.id).where(is_open(row)).correlate_except(row)


def is_going(project_id: Expression) -> ColumnElement[bool]:
    """The production is being deleted: gone for everybody, with all that is still in it."""
    return _there_is(project_removal, project_removal.c.project_id == project_id)


# Roles


@dataclass(frozen=True)
class Standing:
    """What somebody is on one production, in SQL. Outside its team their role is the studio's."""

    who: Who
    in_team: ColumnElement[bool]
    role: ColumnElement[str]

    def has_role(self, *roles: str) -> ColumnElement[bool]:
        """Their role there is one of these; that alone puts nobody in the team."""
        return self.role.in_([word(role) for role in roles])

    @property
    def sees_production(self) -> ColumnElement[bool]:
        """Studio managers, and the team."""
        return or_(self.who.is_admin, self.in_team)

    def leads(self, *roles: str) -> ColumnElement[bool]:
        """Studio managers, and who has one of these roles in the team."""
        return or_(self.who.is_admin, self.in_team & self.has_role(*roles))

    def reaches(self, entity_id: Expression) -> ColumnElement[bool]:
        """An entity is within reach: everyone's but a vendor's without a task on it; concepts are not for clients."""
        return case(
            (self.role == _VENDOR, assigned_on(self.who, entity_id)),
            (self.role == _CLIENT, ~is_concept(entity_id)),
            else_=true(),
        )


def _own_role(team: FromClause, who: Who) -> ColumnElement[str]:
    return func.coalesce(func.nullif(team.c.role, _ADMIN), who.role, type_=Text)


def by_team(team: FromClause, who: Who) -> Standing:
    """The standing of somebody whose row of the team is joined, if they are in it (an outer join)."""
    role = case((who.is_admin, who.role), else_=_own_role(team, who))
    return Standing(who, team.c.person_id.is_not(None), role)


def on(who: Who, project_id: Expression) -> Standing:
    """Somebody's standing on a production, looked up where it is needed."""
    return Standing(who, in_team(who, project_id), role_here(who, project_id))


def role_here(who: Who, project_id: Expression) -> ColumnElement[str]:
    """Somebody's role on a production: the team's, when it sets one, else the studio's."""
    team = project_person_link.alias()
    own = select(func.nullif(team.c.role, _ADMIN)).where(is_member(team, who, project_id)).correlate_except(team)
    return case((who.is_admin, who.role), else_=func.coalesce(own.scalar_subquery(), who.role, type_=Text))


def in_team(who: Who, project_id: Expression) -> ColumnElement[bool]:
    """Somebody is in the team of a production, whatever their role."""
    team = project_person_link.alias()
    return _there_is(team, is_member(team, who, project_id))


def team_rows(name: str) -> FromClause:
    """Rows of teams under a name of their own, to be joined by `is_member`."""
    return project_person_link.alias(name)


def is_member(team: FromClause, who: Who, project_id: Expression) -> ColumnElement[bool]:
    """A row of a team is somebody's in a production's."""
    return (team.c.project_id == project_id) & (team.c.person_id == who.id)


def team_join(name: str, who: Who, project_id: Expression) -> str:
    """The same as text: joins somebody's row of the team of a production, if there is one, under a name."""
    return f"LEFT JOIN {project_person_link.name} {name} ON {as_text(is_member(team_rows(name), who, project_id))}"


def joined_team(source: FromClause, who: Who, project_id: Expression) -> tuple[FromClause, Standing]:
    """Rows with somebody's place in the team of their production, and what that makes them."""
    team = project_person_link.alias()
    return source.outerjoin(team, is_member(team, who, project_id)), by_team(team, who)


def teams(who: Who, *roles: str, without: tuple[str, ...] = (), only_open: bool = False) -> Select[Any]:
    """The ids of the productions whose team holds somebody: in one of these roles, or in any but some."""
    team = project_person_link.alias()
    ids = select(team.c.project_id).where(team.c.person_id == who.id).correlate_except(team)
    if roles:
        ids = ids.where(_own_role(team, who).in_([word(role) for role in roles]))
    if without:
        ids = ids.where(_own_role(team, who).not_in([word(role) for role in without]))
    return ids.where(team.c.project_id.in_(open_projects())) if only_open else ids


def roles(who: Who) -> Select[Any]:
    """The roles that teams give somebody."""
    team = project_person_link.alias()
    return select(_own_role(team, who)).distinct().where(team.c.person_id == who.id).correlate_except(team)


def explicit_roles(who: Who) -> Select[Any]:
    """The productions whose team gives somebody a role of its own, and which: as it is stored."""
    team = project_person_link.alias()
    stored = select(team.c.project_id, team.c.role).where(team.c.person_id == who.id, team.c.role.is_not(None))
    return stored.correlate_except(team)


def members(project_id: Expression) -> Select[Any]:
    """The ids of the persons of a team."""
    team = project_person_link.alias()
    return select(team.c.person_id).where(team.c.project_id == project_id).correlate_except(team)


def shares_team_with(
    who: Who, person_id: Expression, *roles: str, without: tuple[str, ...] = (), only_open: bool = False
) -> ColumnElement[bool]:
    """Somebody shares a team with a person, having one of these roles there (any, without roles)."""
    theirs = project_person_link.alias()
    shared = teams(who, *roles, without=without, only_open=only_open)
    mates = select(theirs.c.person_id).where(theirs.c.project_id.in_(shared)).correlate_except(theirs)
    return person_id.in_(mates)


def knows_salary_of(who: Who, person_id: Expression) -> ColumnElement[bool]:
    """Somebody manages a production into whose team others than themselves put the person; or is the person.

    Else a manager would read anybody's salary by adding them.
    """
    theirs, addition = project_person_link.alias(), team_addition.alias()
    by_themselves = _there_is(
        addition,
        addition.c.project_id == theirs.c.project_id,
        addition.c.person_id == theirs.c.person_id,
        addition.c.added_by == who.id,
    )
    led = select(theirs.c.person_id).where(theirs.c.project_id.in_(teams(who, "manager")), ~by_themselves)
    return or_(who.is_admin, person_id == who.id, person_id.in_(led.correlate_except(theirs)))


# Tasks and entities


def assigned(who: Who, task_id: Expression) -> ColumnElement[bool]:
    """Somebody is assigned to a task."""
    own = task_person_link.alias()
    return _there_is(own, own.c.task_id == task_id, own.c.person_id == who.id)


def assigned_on(who: Who, entity_id: Expression) -> ColumnElement[bool]:
    """Somebody has a task on an entity."""
    own, other = task_person_link.alias(), task.alias("own_task")
    on_it: Select[Any] = select(literal_column("1")).where(
        other.c.entity_id == entity_id, own.c.task_id == other.c.id, own.c.person_id == who.id
    )
    return on_it.correlate_except(own, other).exists()


def is_concept(entity_id: Expression) -> ColumnElement[bool]:
    """An entity is a concept, or a folder of concepts."""
    sketch = entity.alias()
    types = select(entity_type.c.id).where(entity_type.c.name.in_([word(CONCEPT_NAME), word(FOLDER_NAME)]))
    return _there_is(sketch, sketch.c.id == entity_id, sketch.c.entity_type_id.in_(types.correlate_except(entity_type)))


def assigned_entities(who: Who) -> Select[Any]:
    """The ids of the entities that somebody has a task on."""
    own, other = task_person_link.alias(), task.alias("own_tasks")
    ids = select(other.c.entity_id).join(own, own.c.task_id == other.c.id).where(own.c.person_id == who.id)
    return ids.correlate_except(own, other)


def covers_department(who: Who, department_id: Expression) -> ColumnElement[bool]:
    """Somebody has no department at all, or has this one."""
    own = department_link.alias()
    any_of_them = _there_is(own, own.c.person_id == who.id)
    return or_(~any_of_them, _there_is(own, own.c.person_id == who.id, own.c.department_id == department_id))


# What is said


@dataclass(frozen=True)
class Said:
    """A comment that a rule is about, in SQL: who said it, on which production, and whether it is for clients."""

    author_id: Expression
    project_id: Expression
    for_client: Expression

    @property
    def by_client(self) -> ColumnElement[bool]:
        """It was said by a client of its production."""
        author = person.alias()
        is_client = role_here(somebody(author), self.project_id) == _CLIENT
        return _there_is(author, author.c.id == self.author_id, is_client)

    @property
    def isolated(self) -> ColumnElement[bool]:
        """The clients of its production do not see each other's words."""
        row = project.alias()
        return _there_is(row, row.c.id == self.project_id, row.c.is_clients_isolated.is_(True))


def hears(role: str, who: Who, comment: Said, by_client: ColumnElement[bool] | None = None) -> ColumnElement[bool]:
    """Somebody of this role on the production is shown a comment. `by_client`: whether a client said it, if known.

    Managers and supervisors are shown all; artists and vendors all but those of clients; clients those meant for them,
    their own, and those that clients said, unless they are isolated. Source: spec accounts, "comment access".
    """
    if role in ("admin", "manager", "supervisor"):
        return true()
    of_client = comment.by_client if by_client is None else by_client
    if role == "client":
        own = func.coalesce(comment.author_id == who.id, false())
        return or_(func.coalesce(comment.for_client, false()), own, of_client & ~comment.isolated)
    return ~of_client


def sees_comment(
    here: Standing, comment: Said, entity_id: Expression, by_client: ColumnElement[bool] | None = None
) -> ColumnElement[bool]:
    """Somebody may be shown a comment on a task of an entity: in the team, within reach, and by their role there."""
    return case(
        (here.who.is_admin, true()),
        (~here.in_team, false()),
        (here.role == _CLIENT, hears("client", here.who, comment, by_client)),
        (here.role == _ARTIST, hears("user", here.who, comment, by_client)),
        (here.role == _VENDOR, hears("vendor", here.who, comment, by_client) & assigned_on(here.who, entity_id)),
        else_=true(),
    )


# Lists over many productions


class Narrowing:
    """Which rows of a production somebody lists: those of their teams, less for some roles they have there.

        scope = Narrowing(task.c.project_id, vendor=ASSIGNED)

    The condition of a role holds where the caller has that role on the row's production. Studio managers list all.
    """

    def __init__(self, project_id: Expression, *, only_open: bool = True, **by_role: ColumnElement[bool]) -> None:
        self._project_id, self._only_open, self._by_role = project_id, only_open, by_role
        self._conditions: dict[tuple[frozenset[str], bool, bool], ColumnElement[bool]] = {}

    def __call__(self, caller: Caller, *, first: bool = False) -> ColumnElement[bool] | None:
        """The condition for this caller; None for all rows.

        `first`: the caller's productions are looked up once, before the rows, rather than joined to them. So a
        statement of many narrowed tables is planned as the same one without conditions is.
        """
        if caller.is_admin:
            return None
        special = frozenset(self._by_role) & caller.roles
        known = special, bool(special) and special == caller.roles, first
        if known not in self._conditions:
            self._conditions[known] = self._condition(*known)
        return self._conditions[known]

    def _condition(self, special: frozenset[str], alone: bool, first: bool) -> ColumnElement[bool]:
        roles = sorted(special)
        conditions: list[ColumnElement[bool]] = [self._where(first, role) & self._by_role[role] for role in roles]
        if not alone:  # else they have no other role anywhere, and one condition is easier to find rows by than two
            conditions.insert(0, self._where(first, without=tuple(roles)))
        return or_(*conditions)

    def _where(self, first: bool, *roles: str, without: tuple[str, ...] = ()) -> ColumnElement[bool]:
        theirs = teams(CALLER, *roles, without=without, only_open=self._only_open)
        return self._project_id == any_(func.array(theirs.scalar_subquery())) if first else self._project_id.in_(theirs)


class Shapes:
    """What rows of a production look like to somebody, by their role there.

    `Shapes(task.c.project_id, TASK, client=TASK_FOR_CLIENTS)`: the first is everybody else's. Where a role is told keys
    that it has not, `whole` has them too: what rows of several productions are then made of.
    """

    def __init__(self, project_id: Expression, wire: Wire, whole: Wire | None = None, **by_role: Wire) -> None:
        self._project_id, self._wire, self._whole, self._by_role = project_id, wire, whole or wire, by_role
        self._mixed: dict[tuple[str, ...], Wire] = {}

    @property
    def keys(self) -> frozenset[str]:
        """All keys that somebody is told."""
        return frozenset(self._whole)

    def one(self, caller: Caller) -> Wire:
        """The keys of a row of the production that the request is about."""
        return self._by_role.get(caller.role_here, self._wire)

    def listed(self, caller: Caller) -> Wire:
        """The keys of rows of all the caller's productions."""
        if caller.is_admin:
            return self._wire
        special = tuple(sorted(self._by_role.keys() & caller.roles))
        if special not in self._mixed:
            self._mixed[special] = self._by_row(special) if special else self._wire
        return self._mixed[special]

    def _by_row(self, special: tuple[str, ...]) -> Wire:
        wires = [(self._project_id.in_(teams(CALLER, role)), self._by_role[role]) for role in special]
        return Wire({key: self._value(key, wires) for key in self._whole})

    def _value(self, key: str, wires: Sequence[tuple[ColumnElement[bool], Wire]]) -> ColumnElement[Any]:
        whole = self._whole[key]
        other = [(here, json_text(wire[key])) for here, wire in wires if wire[key] is not whole]
        return case(*other, else_=json_text(whole)).cast(JsonText()) if other else whole

    def told(self, caller: Caller) -> dict[str, "Told"]:
        """What the caller is told of rows of all their productions, as values that statements compare and sort by.

        A key that none of their roles is told is missing; where one of several roles is told nothing, it is hidden.
        """
        special = () if caller.is_admin else tuple(sorted(self._by_role.keys() & caller.roles))
        others = bool(caller.roles - set(special)) or not special
        told: dict[str, Told] = {}
        for key, whole in self._whole.items():
            by_role = {role: self._by_role[role][key] for role in special}
            blanks = [
                role for role, value in by_role.items() if value is not whole and isinstance(value.type, JsonText)
            ]
            if len(blanks) == len(special) and special and not others:
                continue
            shown = {role: value for role, value in by_role.items() if role not in blanks and value is not whole}
            told[key] = Told(self._shown(whole, shown, others), self._hidden(blanks))
        return told

    def _shown(self, whole: ColumnElement[Any], shown: dict[str, ColumnElement[Any]], others: bool) -> Expression:
        if not shown:
            return whole
        if not others and len(shown) == 1:
            return next(iter(shown.values()))
        cases = [(self._project_id.in_(teams(CALLER, role)), value) for role, value in shown.items()]
        return case(*cases, else_=whole)

    def _hidden(self, blanks: Sequence[str]) -> ColumnElement[bool] | None:
        return self._project_id.in_(teams(CALLER, *blanks)) if blanks else None


@dataclass(frozen=True)
class Told:
    """What fills a key, and the condition on rows that tell nothing of it."""

    value: Expression
    hidden: ColumnElement[bool] | None = None
