"""Hooks: how a lower domain lets higher ones take part in what it does, without knowing them.

# productions/hooks.py
PROJECT_CREATED: Hook[NewProject] = Hook("a production was created")

# entities/episodes.py
@PROJECT_CREATED.register()
async def first_episode(project: NewProject) -> None: ...

# productions/actions.py
await PROJECT_CREATED.run(NewProject(tx, caller, project_id))
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import asyncpg
from sqlalchemy import BindParameter, TextClause, bindparam, text

if TYPE_CHECKING:
    from pegbar.core.data.database import Transaction

T = TypeVar("T")
Reaction = Callable[[T], Awaitable[None]]


class Hook(Generic[T]):
    """A moment in a lower domain, and the reactions of higher domains to it, run in the same transaction."""

    def __init__(self, moment: str) -> None:
        self.moment = moment
        self._reactions: list[Reaction[T]] = []

    def register(self) -> Callable[[Reaction[T]], Reaction[T]]:
        """Add a reaction. None may need another to have run before it."""

        def add(reaction: Reaction[T]) -> Reaction[T]:
            self._reactions.append(reaction)
            return reaction

        return add

    async def run(self, subject: T) -> None:
        """Run every reaction, one after the other."""
        for reaction in self._reactions:
            await reaction(subject)


@dataclass(frozen=True)
class Clause(Generic[T]):
    """What a higher domain adds to a statement, and what it does with the rows of its own.

    `expressions` are common table expressions; `rows` selects one column from them, which is read as `name`. A clause
    without rows only writes.
    """

    name: str
    expressions: str
    rows: str = ""
    react: Callable[[T, Sequence[Any]], None] | None = None


class StatementHook(Generic[T]):
    """A moment that is one statement of a lower domain: what higher ones write with it takes no round trip more.

    # tasks/hooks.py
    COMMENT_ADDED: StatementHook[CommentAdded] = StatementHook("a comment comes to a task", {"task_id": Uuid, …})

    # notifications/telling.py
    COMMENT_ADDED.add(Clause("notified", "notified AS (INSERT … :task_id …)", "SELECT id FROM notified", announce))

    # tasks/comments/posting.py
    _POST = COMMENT_ADDED.statement("posted AS (INSERT INTO comment …)", bindparam("text", type_=Text))
    row = await _POST.run(tx, moment, text=…)
    COMMENT_ADDED.tell(moment, row)
    """

    def __init__(self, moment: str, types: Mapping[str, Any]) -> None:
        self.moment = moment
        #: The parameters that every part of a statement may name, with their types: attributes of the moment.
        self.types = types
        self.clauses: list[Clause[T]] = []

    def add(self, clause: Clause[T]) -> None:
        """Add a clause to the statements of this moment."""
        self.clauses.append(clause)

    def statement(self, expressions: str, *parameters: BindParameter[Any], columns: str = "") -> "SharedStatement[T]":
        """A statement of common table expressions, that selects `columns`. Clauses are added at its first use."""
        return SharedStatement(self, expressions, columns, parameters)

    def tell(self, moment: T, row: asyncpg.Record) -> None:
        """Have the clauses react to what they wrote."""
        for clause in self.clauses:
            if clause.react is not None:
                clause.react(moment, row[clause.name])


class SharedStatement(Generic[T]):
    """A statement with the clauses of its hook."""

    def __init__(
        self, hook: StatementHook[T], expressions: str, columns: str, parameters: Sequence[BindParameter[Any]]
    ) -> None:
        self._hook, self._expressions, self._columns, self._parameters = hook, expressions, columns, parameters

    @cached_property
    def _whole(self) -> tuple[TextClause, list[str]]:
        """The statement, and which of the hook's parameters it names."""
        clauses = self._hook.clauses
        expressions = ", ".join([self._expressions, *(clause.expressions for clause in clauses)])
        columns = [f"ARRAY({clause.rows}) AS {clause.name}" for clause in clauses if clause.rows]
        if self._columns:
            columns.insert(0, self._columns)
        statement = text(f"WITH {expressions} SELECT {', '.join(columns)}")
        named = statement.compile().params
        shared = [name for name in self._hook.types if name in named]
        types = [bindparam(name, type_=self._hook.types[name]) for name in shared]
        return statement.bindparams(*types, *self._parameters), shared

    async def run(self, tx: "Transaction", moment: T, **params: Any) -> asyncpg.Record:
        """Run it; its row, with the rows of each clause under its name."""
        statement, shared = self._whole
        row = await tx.row(statement, **{name: getattr(moment, name) for name in shared}, **params)
        assert row is not None
        return row
