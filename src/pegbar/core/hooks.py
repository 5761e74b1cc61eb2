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

from pegbar.core.data.unnest import AboutRows

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


#: What a statement answered: by the name of what answered, and by the key of the moment.
Answers = Mapping[str, Mapping[Any, Sequence[Any]]]


@dataclass(frozen=True)
class Clause(Generic[T]):
    """What a higher domain adds to a statement, and what it does with the rows of its own.

    `expressions` are common table expressions, that find the moments as rows of `moment`; `rows` selects records from
    them, of which the first value is the key of their moment. A clause without rows only writes. `react` gets the
    records of one moment; `settle` those of all that came with the statement.
    """

    name: str
    expressions: str
    rows: str = ""
    react: Callable[[T, Sequence[Any]], None] | None = None
    settle: Callable[["Transaction", Sequence[Any]], None] | None = None


class StatementHook(Generic[T]):
    """A moment that is one statement of a lower domain: what higher ones write with it takes no round trip more.

    The statement takes any number of such moments.

    # tasks/hooks.py
    COMMENT_ADDED: StatementHook[CommentAdded] = StatementHook("…", key="comment_id", types={"comment_id": Uuid, …})

    # notifications/telling.py
    COMMENT_ADDED.add(Clause("notified", "notified AS (INSERT … FROM moment …)", "SELECT ROW(…) FROM notified", …))

    # tasks/comments/posting.py
    _POST = COMMENT_ADDED.statement("posted AS (INSERT INTO comment … FROM moment)", {"text": Text})
    answers = await _POST.run(tx, moments, text=[…])
    for moment in moments:
        COMMENT_ADDED.tell(moment, answers)
    """

    def __init__(self, moment: str, *, key: str, types: Mapping[str, Any]) -> None:
        self.moment = moment
        self.key = key  #: what tells moments of one statement apart
        #: The columns of `moment`, with their types: attributes of the moment.
        self.types = types
        self.clauses: list[Clause[T]] = []

    def add(self, clause: Clause[T]) -> None:
        """Add a clause to the statements of this moment."""
        self.clauses.append(clause)

    def statement(self, expressions: str, types: Mapping[str, Any] | None = None, **rows: str) -> "SharedStatement[T]":
        """A statement of common table expressions. Clauses are added at its first use.

        `types` are columns of `moment` besides those of the hook; each of `rows` selects records as a clause does.
        """
        return SharedStatement(self, expressions, types or {}, rows)

    def tell(self, moment: T, answers: Answers) -> None:
        """Have the clauses react to what they wrote with a moment."""
        for clause in self.clauses:
            if clause.react is not None:
                clause.react(moment, answers[clause.name].get(getattr(moment, self.key), ()))


class SharedStatement(Generic[T]):
    """A statement with the clauses of its hook."""

    def __init__(
        self, hook: StatementHook[T], expressions: str, types: Mapping[str, Any], rows: Mapping[str, str]
    ) -> None:
        self._hook, self._expressions, self._types, self._rows = hook, expressions, types, rows

    @cached_property
    def _statement(self) -> AboutRows:
        return AboutRows({**self._hook.types, **self._types}, self._written)

    def _written(self, moments: str) -> str:
        clauses = self._hook.clauses
        moment = f"moment AS ({moments})"
        expressions = ", ".join([moment, self._expressions, *(clause.expressions for clause in clauses)])
        rows = {**self._rows, **{clause.name: clause.rows for clause in clauses if clause.rows}}
        columns = ", ".join(f"ARRAY({selected}) AS {name}" for name, selected in rows.items())
        return f"WITH {expressions} SELECT {columns}"

    async def run(self, tx: "Transaction", moments: Sequence[T], **columns: Sequence[Any]) -> Answers:
        """Run it once for all these moments, with the values of the statement's own columns; what it answered."""
        shared = {name: [getattr(moment, name) for moment in moments] for name in self._hook.types}
        statement, params = self._statement.of({**shared, **columns})
        row = await tx.row(statement, **params)
        assert row is not None
        for clause in self._hook.clauses:
            if clause.settle is not None:
                clause.settle(tx, row[clause.name])
        return {name: _by_key(records) for name, records in row.items()}


def _by_key(records: Sequence[Any]) -> dict[Any, list[Any]]:
    """Records by their first value."""
    by_key: dict[Any, list[Any]] = {}
    for record in records:
        by_key.setdefault(record[0], []).append(record)
    return by_key
