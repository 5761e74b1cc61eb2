"""Who is calling, and what they may do.

A `Rule` says who may use a route. It names the `Place` where it applies (the production, entity or task of a path
parameter, or of a row) and tests the `Caller` there. The caller and the facts about that place come from one
statement (accounts/callers.py). Source of the vocabulary: spec accounts, "Role model" and "Named access checks".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Column, Select, Table, select

from pegbar.core.data.parameters import param
from pegbar.core.errors import Forbidden

PlaceKind = Literal["studio", "project", "entity", "task"]
TokenType = Literal["access", "refresh"]


class Token(msgspec.Struct, frozen=True):
    """The claims of a verified access or refresh token."""

    sub: UUID
    jti: str
    type: str
    identity_type: str
    iat: float
    exp: int | None = None
    refresh_jti: str | None = None
    requires_2fa_setup: bool = False
    skip_2fa_setup: bool = False

    @property
    def family(self) -> list[str]:
        """The token ids whose revocation ends this token."""
        return [self.jti] if self.refresh_jti is None else [self.jti, self.refresh_jti]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The person or bot behind a request, and what they are to the place the request is about."""

    id: UUID
    role: str
    token: Token
    is_bot: bool = False
    email: str | None = None
    full_name: str = ""
    timezone: str | None = None
    locale: str | None = None
    departments: frozenset[UUID] = frozenset()
    preview_project_id: UUID | None = None

    #: The roles that teams give them, for lists over many productions.
    roles: frozenset[str] = frozenset()

    #: What the route asked for along with the caller (`Operation.along`), as JSON text.
    along: str | None = None

    # About the place of the rule.
    subject_id: UUID | None = None
    project_id: UUID | None = None
    in_team: bool = False
    #: Their role on the production in question; the studio's outside its team, and where there is no production.
    role_here: str = ""
    reaches_entity: bool = True  #: false for a vendor without a task on the entity, for a client of a concept
    created_entity: bool = False
    assigned_to_entity: bool = False
    assigned_to_task: bool = False
    task_department_id: UUID | None = None

    def __post_init__(self) -> None:
        if not self.role_here:
            msgspec.structs.force_setattr(self, "role_here", self.role)

    @property
    def is_admin(self) -> bool:
        """A studio manager; the role is never given for one production only."""
        return self.role == "admin"

    @property
    def is_member(self) -> bool:
        """An administrator, or in the team of the production."""
        return self.is_admin or self.in_team

    @property
    def is_staff(self) -> bool:
        """Of the studio's people on the production in question: in its team, neither vendor nor client."""
        return self.is_member and self.role_here not in ("vendor", "client")

    @property
    def manages(self) -> bool:
        """A project manager of the production in question."""
        return self.is_admin or (self.in_team and self.role_here == "manager")

    @property
    def supervises(self) -> bool:
        """A project manager or supervisor of the production in question."""
        return self.is_admin or (self.in_team and self.role_here in ("manager", "supervisor"))

    def covers_department(self, department_id: UUID | None) -> bool:
        """Has no department at all, or has this one."""
        return not self.departments or department_id in self.departments


@dataclass(frozen=True)
class Place:
    """What a rule is about: the `kind` of thing, and the path parameter that names it.

    With `lookup` the parameter names a row of another table, and the statement (with a parameter `key`) selects the id
    of the project, entity or task the row belongs to.
    """

    kind: PlaceKind = "studio"
    parameter: str = ""
    lookup: Select[Any] | None = None
    in_body: bool = False  #: the parameter is a key of the JSON body

    def renamed(self, parameter: str) -> "Place":
        """The same place, named by another parameter."""
        return replace(self, parameter=parameter)

    in_query: bool = False  #: the parameter is one of the query string
    otherwise: "Place | None" = None  #: the place when the query string has no such parameter; else the studio


STUDIO = Place()


def at(kind: PlaceKind, parameter: str) -> Place:
    """The project, entity or task that a path parameter names."""
    return Place(kind, parameter)


def in_query(kind: PlaceKind, parameter: str, otherwise: Place | None = None) -> Place:
    """The project, entity or task that a parameter of the query string names, else `otherwise`, else the studio.

    An administrator may name a production that does not exist: the listing is empty.
    """
    return Place(kind, parameter, in_query=True, otherwise=otherwise)


def of_row(kind: PlaceKind, column: Column[Any], parameter: str = "instance_id") -> Place:
    """The project, entity or task that a column of the row named by a path parameter refers to."""
    table = column.table
    assert isinstance(table, Table)
    return Place(kind, parameter, select(column.label("place_id")).where(table.c.id == param("key", table.c.id.type)))


@dataclass(frozen=True)
class Rule:
    """Who may use a route. `text` is what the documentation says of it."""

    text: str
    test: Callable[[Caller], bool]
    place: Place = STUDIO
    public: bool = False
    #: The tokens that pass: API tokens of bots have no session to end or password to change.
    bots: bool = True
    #: Reachable while a second factor is still to be set up.
    during_setup: bool = False
    #: The kind of token that opens the route.
    opened_by: TokenType = "access"
    #: The handler refuses some of those who pass, for reasons that lie in the row or the body.
    narrowed: bool = False
    #: What the answer is for those who see nothing of a list, in place of a refusal.
    empty: "Empty | None" = None
    #: The rule about what the path names, when that may be of several kinds: by its parameters. It may raise NotFound.
    chosen: Callable[[Mapping[str, Any]], "Rule"] | None = None
    #: The rule that holds instead when what it is about is not there any more.
    gone: "Rule | None" = None

    def further(self, text: str) -> "Rule":
        """The same rule, which the handler narrows as `text` says."""
        return replace(self, text=f"{self.text}; {text}", narrowed=True)

    def else_empty(self, whose: "Rule", answer: bytes = b"[]") -> "Rule":
        """The same rule; of those whom it refuses, `whose` rule they pass get the empty answer (JSON).

        For lists that the web UI loads unasked: it takes their refusal for a failure of the page.
        """
        return replace(self, text=f"{self.text}; an empty answer for {whose.text}", empty=Empty(whose, answer))

    def empty_answer(self, caller: Caller) -> bytes | None:
        """The empty answer for a caller who does not pass but may ask; None for anybody else."""
        if self.empty is None or self._is_unwelcome_bot(caller):
            return None
        return self.empty.answer if self.empty.whose.test(caller) and not self.test(caller) else None

    def _is_unwelcome_bot(self, caller: Caller) -> bool:
        return not self.bots and caller.token.identity_type == "bot"

    def check(self, caller: Caller) -> None:
        """Raise Forbidden unless the caller passes."""
        if self._is_unwelcome_bot(caller):
            raise Forbidden("A bot cannot do this.")
        if not self.test(caller):
            raise Forbidden(f"Access needs: {self.text}.")

    def __or__(self, other: "Rule") -> "Rule":
        """Either rule; both are about the same place, or one is about the studio."""
        place = self.place if self.place.kind != "studio" else other.place
        return Rule(f"{self.text}, or {other.text}", lambda caller: self.test(caller) or other.test(caller), place)

    def __and__(self, other: "Rule") -> "Rule":
        """Both rules; both are about the same place, or one is about the studio."""
        place = self.place if self.place.kind != "studio" else other.place
        return Rule(f"{self.text}, and {other.text}", lambda caller: self.test(caller) and other.test(caller), place)


@dataclass(frozen=True)
class Empty:
    """The answer to those who may ask for a list and see nothing of it, and the rule that tells who they are."""

    whose: Rule
    answer: bytes


def _project(where: str | Column[Any] | Place) -> Place:
    if isinstance(where, Place):
        return where
    return at("project", where) if isinstance(where, str) else of_row("project", where)


anyone = Rule("anyone", lambda _: True, public=True)
authenticated = Rule("anyone signed in", lambda _: True)
admin = Rule("studio manager", lambda caller: caller.is_admin)
global_manager = Rule("studio or production manager", lambda caller: caller.role in ("admin", "manager"))
supervisors_up = Rule("at least supervisor", lambda caller: caller.role in ("admin", "manager", "supervisor"))
not_vendor = Rule("anyone but vendors", lambda caller: caller.role_here != "vendor")
not_client = Rule("anyone but clients", lambda caller: caller.role_here != "client")
client_here = Rule("clients of the team", lambda caller: caller.in_team and caller.role_here == "client")
vendor_here = Rule("vendors of the team", lambda caller: caller.in_team and caller.role_here == "vendor")
person_identity = Rule("a person, not a bot", lambda _: True, bots=False)


def member_of(where: str | Column[Any] | Place) -> Rule:
    """In the team of the production (a path parameter, or a column of the row)."""
    return Rule("member of the production", lambda caller: caller.is_member, _project(where))


def staff_of(where: str | Column[Any] | Place, kind: PlaceKind = "project") -> Rule:
    """The studio's people in the team of the production of a project, entity or task."""
    return Rule("member of the production, neither vendor nor client", lambda caller: caller.is_staff, _on(kind, where))


def manager_of(where: str | Column[Any] | Place) -> Rule:
    """Project manager of the production."""
    return Rule("manager of the production", lambda caller: caller.manages, _project(where))


def supervisor_of(where: str | Column[Any] | Place) -> Rule:
    """Manager or supervisor of the production."""
    return Rule("manager or supervisor of the production", lambda caller: caller.supervises, _project(where))


def _on(kind: PlaceKind, where: str | Column[Any] | Place) -> Place:
    if isinstance(where, Place):
        return where
    return at(kind, where) if isinstance(where, str) else of_row(kind, where)


def entity_access(where: str | Column[Any] | Place) -> Rule:
    """Member of the entity's production and, for a vendor, with a task on it."""
    return Rule(
        "member of the production; vendors only with a task on the entity, clients no concepts",
        lambda caller: caller.is_member and caller.reaches_entity,
        _on("entity", where),
    )


def task_access(where: str | Column[Any] | Place) -> Rule:
    """Member of the task's production and, for a vendor, with a task on its entity."""
    return Rule(
        "member of the production; vendors only with a task on the entity, clients no concepts",
        lambda caller: caller.is_member and caller.reaches_entity,
        _on("task", where),
    )


def may_act_on_task(caller: Caller) -> bool:
    """Spec accounts, "task action"."""
    if caller.is_admin:
        return True
    if not caller.in_team:
        return False
    return (
        caller.role_here == "manager"
        or (caller.role_here == "client" and caller.reaches_entity)
        or caller.assigned_to_task
        or (caller.role_here == "supervisor" and caller.covers_department(caller.task_department_id))
        or caller.created_entity
    )


def task_action(where: str | Column[Any] | Place) -> Rule:
    """May post on the task."""
    return Rule(
        "manager, client, assignee, supervisor of the task's department or creator of its entity",
        may_act_on_task,
        _on("task", where),
    )


def self_or(rule: Rule, parameter: str = "person_id") -> Rule:
    """The person whom the path parameter names, or whoever passes `rule`."""
    return Rule(
        f"the person concerned, or {rule.text}",
        lambda caller: caller.subject_id == caller.id or rule.test(caller),
        Place("studio", parameter),
    )


def require(passes: bool, message: str) -> None:
    """Raise Forbidden with this message unless `passes`: for rules that depend on the body."""
    if not passes:
        raise Forbidden(message)
