"""The regular routes of a kind of entity, driven by a declaration. Source: spec entities and spec shots, "Operations".

    EPISODES = Regular(
        EPISODE, lists=rules.lists_production, rows=…, page=Page(…), board=Board(…), creates=Creation(NewEpisode), …
    )

declares the list, the page, the board, the tasks, and how an episode is made and removed: paths, summaries, access,
events and OpenAPI. What is peculiar to a kind is in the `routes.py` of its folder.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request
from sqlalchemy import ColumnElement, Executable

from pegbar.core.data.database import Database, Json, Transaction
from pegbar.core.data.wire import Wire
from pegbar.core.http.access import Caller, Rule, manager_of, member_of, not_vendor
from pegbar.core.http.routing import Foreseen, delete, found, get, post
from pegbar.entities import actions, boards, events, removal, rules
from pegbar.entities.actions import NewEntity
from pegbar.entities.boards import Board
from pegbar.entities.kinds import KINDS, Kind
from pegbar.entities.listing import BELOW, IN_PROJECT, Listed, criteria, entities_listed
from pegbar.entities.queries import OWN_ASSIGNED_TASKS, OWN_TASKS, one_of_kind
from pegbar.entities.scopes import ASSIGNED, of_callers
from pegbar.entities.shapes import row_of_kind
from pegbar.entities.task_shapes import DETAILED, TASK_TYPE, audience, audience_of, detailed, types_of
from pegbar.productions import changes

AnyRequest = Request[Any, Any, Any]

_members, _managers = member_of("project_id"), manager_of("project_id")


@dataclass(frozen=True, eq=False)
class Lists:
    """`GET /data/shots`: entities of a production; any column filters."""

    rows: Listed
    paths: tuple[str, ...] = ("",)  #: behind `/data/shots`
    of_parent: bool = False  #: whether the query string may name the parent instead of the production


@dataclass(frozen=True, eq=False)
class Page:
    """`GET /data/shots/{shot_id}`: an entity alone, as an audience sees it."""

    statement: Callable[[str], Executable]
    summary: str
    wire: Wire | None = None
    of_board: bool = False  #: whether the statement is that of the board, which takes the production


@dataclass(frozen=True, eq=False)
class Below:
    """The tasks of what is below an entity: a condition on `task`."""

    tasks: ColumnElement[bool]
    text: str  #: where these tasks are, for the documentation


@dataclass(frozen=True, eq=False)
class Creation:
    """`POST /data/projects/{project_id}/shots`: makes an entity, unless there is one of its name."""

    body: type[NewEntity]
    access: Rule = _managers
    make: Callable[[Transaction, UUID, Any], Awaitable[UUID]] | None = None  #: in place of `create_once`


@dataclass(frozen=True, eq=False)
class Removes:
    """`DELETE /data/shots/{shot_id}`."""

    remove: Callable[[Transaction, UUID, bool], Awaitable[None]]
    what: str  #: becomes of it without and with `force`, for the documentation
    takes: tuple[str, ...] = ()  #: the kinds of what goes with it
    cancels: bool = False  #: whether it may be canceled instead


async def _remove_or_cancel(tx: Transaction, entity_id: UUID, force: bool) -> None:
    await removal.remove_or_cancel(tx, [entity_id], [entity_id] if force else [])


async def _remove_if_unused(tx: Transaction, entity_id: UUID, force: bool) -> None:
    if force:
        await removal.remove_entities(tx, [entity_id])
    else:
        await removal.remove_if_unused(tx, entity_id)


OR_CANCELS = Removes(_remove_or_cancel, "without `force` one that has tasks is canceled", cancels=True)


def only_unused(what: str, *takes: str) -> Removes:
    """Removes with `force` what is in it too, else only one to which nothing is linked."""
    text = f"with `force` {what} too, else only one to which nothing is linked"
    return Removes(_remove_if_unused, text, takes)


@dataclass(frozen=True, eq=False)
class Regular:
    """The declaration of a kind's regular routes; those of a part that is None are peculiar to the kind, or missing."""

    name: str
    sees: Rule  #: who sees one of them
    page: Page
    board: Board | None = None
    lists: Lists | None = None
    lister: Rule = rules.lists_production  #: who has the list and the board
    everywhere: bool = False  #: whether without a production they hold those of all the caller's
    assigned: bool = False  #: whether `assigned_to` narrows them to the caller's own
    in_project: Listed | None = None  #: `GET /data/projects/{project_id}/shots`
    project_lister: Rule = _members
    below: Below | None = None  #: of sequences and episodes, whose work is mostly in what they hold
    relations: bool = True  #: whether `relations` adds the assignees to its tasks
    creates: Creation | None = None
    removes: Removes | None = None

    def __post_init__(self) -> None:
        _declare_lists(self)
        _declare_page(self)
        _declare_board(self)
        _declare_tasks(self)
        _declare_creation(self)
        _declare_removal(self)

    @property
    def kind(self) -> Kind:
        """What statements and events know of it."""
        return KINDS[self.name]

    @property
    def many(self) -> str:
        """The path of all, such as `/data/shots`."""
        return f"/data/{self.kind.plural}"

    @property
    def one(self) -> str:
        """The path of one, such as `/data/shots/{shot_id:uuid}`."""
        return f"{self.many}/{{{self.kind.key}:uuid}}"

    def id_in(self, request: AnyRequest) -> UUID:
        """The id in a path of one."""
        entity_id: UUID = request.path_params[self.kind.key]
        return entity_id

    def narrowed(self, request: AnyRequest, caller: Caller) -> tuple[list[ColumnElement[bool]], bool]:
        """What the list and the board are narrowed to, and whether that is to the caller's own."""
        conditions = of_callers(caller) if self.everywhere and not request.query_params.get("project_id") else []
        own = self.assigned and "assigned_to" in request.query_params
        return [*conditions, ASSIGNED] if own else conditions, own


def _declare_lists(regular: Regular) -> None:
    kind, lists, in_project = regular.kind, regular.lists, regular.in_project
    title = kind.plural.capitalize()
    if lists is not None:
        _declare_list(regular, lists, title)
    if in_project is None:
        return

    async def project_list(project_id: UUID, db: Database, caller: Caller) -> Json:
        return await entities_listed(db, caller, in_project, IN_PROJECT, project_id=project_id)

    get(
        f"/data/projects/{{project_id:uuid}}/{kind.plural}",
        access=regular.project_lister,
        returns=[in_project.wire],
        summary=f"{title} of a production, by name.",
    )(project_list)


def _declare_list(regular: Regular, lists: Lists, title: str) -> None:
    parent = KINDS[regular.kind.parent] if lists.of_parent and regular.kind.parent else None

    async def every(request: AnyRequest, db: Database, caller: Caller) -> Json:
        parent_id = request.query_params.get(parent.key) if parent else None
        if parent_id and caller.project_id is not None:
            places = {"parent_id": UUID(parent_id), "project_id": caller.project_id}
            chosen = criteria(request, "project_id", "entity_type_id")
            return await entities_listed(db, caller, lists.rows, BELOW, IN_PROJECT, criteria=chosen, **places)
        conditions, _ = regular.narrowed(request, caller)
        return await entities_listed(db, caller, lists.rows, *conditions, criteria=criteria(request, "entity_type_id"))

    whose = f" or {parent.one}" if parent else ", else of all the caller's" if regular.everywhere else ""
    summary = f"{title} of a production{whose}, by name; any column filters."
    access = rules.lists_below(parent.name) if parent else regular.lister
    for path in lists.paths:
        get(f"{regular.many}{path}", access=access, returns=[lists.rows.wire], summary=summary)(every)
        summary = f"The same as `{regular.many}`."


def _declare_page(regular: Regular) -> None:
    page = regular.page

    async def one(request: AnyRequest, db: Database, caller: Caller) -> Json:
        statement = page.statement(audience(caller))
        about: dict[str, Any] = {"entity_id": regular.id_in(request)}
        if page.of_board:
            about["project_id"] = caller.project_id
        return found(await db.json_row(statement, **about))

    # The statement of a board takes the production, which is not known before.
    foreseen = Foreseen(lambda role: page.statement(audience_of(role)), key="entity_id") if not page.of_board else None
    get(regular.one, access=regular.sees, foreseen=foreseen, returns=page.wire, summary=page.summary)(one)


def _declare_board(regular: Regular) -> None:
    board = regular.board
    if board is None:
        return

    async def with_tasks(request: AnyRequest, db: Database, caller: Caller) -> Any:
        conditions, about = boards.in_episode(request, board.in_episode)
        narrowed, own = regular.narrowed(request, caller)
        return await boards.answer(request, db, caller, board, *conditions, *narrowed, own=own, **about)

    encodings = "; compact, streamed and cached on demand" if board.fields else ""
    get(
        f"{regular.many}/with-tasks",
        access=regular.lister,
        along=changes.STATE if board.fields else None,
        summary=f"{regular.kind.plural.capitalize()} with their tasks{encodings}.",
    )(with_tasks)


class WithRelations(msgspec.Struct):
    """`relations=true` adds the assignees."""

    relations: bool = False


def _declare_tasks(regular: Regular) -> None:
    kind, below = regular.kind, regular.below

    async def own(request: AnyRequest, db: Database, caller: Caller, *, relations: bool = False) -> Json:
        """Its tasks, without studio fields for clients; of a sequence or an episode, a vendor gets their own."""
        assigned = below is not None and caller.role_here == "vendor"
        which = OWN_ASSIGNED_TASKS if assigned else OWN_TASKS
        statement = detailed(which, caller.role_here == "client", relations)
        return await db.json(statement, entity_id=regular.id_in(request))

    async def with_relations(request: AnyRequest, query: WithRelations, db: Database, caller: Caller) -> Json:
        return await own(request, db, caller, relations=query.relations)

    async def plain(request: AnyRequest, db: Database, caller: Caller) -> Json:
        return await own(request, db, caller)

    async def task_types(request: AnyRequest, db: Database) -> Json:
        return await db.json(types_of(below.tasks if below else OWN_TASKS), entity_id=regular.id_in(request))

    itself, where = (" itself", below.text) if below else ("", f"of {kind.one}")
    get(
        f"{regular.one}/tasks",
        access=regular.sees,
        returns=[DETAILED],
        summary=f"Tasks of {kind.one}{itself}.",
    )(with_relations if regular.relations else plain)
    get(
        f"{regular.one}/task-types",
        access=regular.sees,
        returns=[TASK_TYPE],
        summary=f"Types of the tasks {where}.",
    )(task_types)
    if below is not None:
        _declare_tasks_below(regular, below)


def _declare_tasks_below(regular: Regular, below: Below) -> None:
    async def tasks_below(request: AnyRequest, query: WithRelations, db: Database, caller: Caller) -> Json:
        statement = detailed(below.tasks, caller.role_here == "client", query.relations)
        return await db.json(statement, entity_id=regular.id_in(request))

    get(
        f"{regular.one}/shot-tasks",
        access=rules.belongs(regular.name, regular.kind.key) & not_vendor,
        returns=[DETAILED],
        summary=f"Tasks {below.text}.",
    )(tasks_below)


def _declare_creation(regular: Regular) -> None:
    kind, creation = regular.kind, regular.creates
    if creation is None:
        return

    async def create(project_id: UUID, body: Any, tx: Transaction) -> Json:
        if creation.make is None:
            entity_id, _ = await actions.create_once(tx, kind.name, project_id, body)
        else:
            entity_id = await creation.make(tx, project_id, body)
        return found(await tx.json_row(one_of_kind(kind.name), entity_id=entity_id))

    create.__annotations__["body"] = creation.body  # routes read what they need from there
    place = KINDS[kind.parent].subject if kind.parent and kind.named == "parent" else "production"
    post(
        f"/data/projects/{{project_id:uuid}}/{kind.plural}",
        access=creation.access,
        events=[events.NEW[kind.name]],
        returns=row_of_kind(kind.name),
        summary=f"Make {kind.one}, unless the {place} has one of that name: that one is answered, unchanged.",
    )(create)


class Forced(msgspec.Struct):
    """`force=true` removes for good, with everything that belongs to the entity."""

    force: bool = False


def _declare_removal(regular: Regular) -> None:
    kind, removes = regular.kind, regular.removes
    if removes is None:
        return

    async def remove(request: AnyRequest, query: Forced, tx: Transaction) -> None:
        await removes.remove(tx, regular.id_in(request), query.force)

    delete(
        regular.one,
        access=rules.removes(rules.the(kind.name, kind.key)),
        events=[
            *([events.UPDATE[kind.name]] if removes.cancels else []),
            *[events.DELETE[name] for name in (*removes.takes, kind.name)],
        ],
        errors=() if removes.cancels else (400,),
        summary=f"Remove {kind.one}; {removes.what}.",
    )(remove)
