"""Hooks: how a lower domain lets higher ones take part in what it does, without knowing them.

# productions/hooks.py
PROJECT_CREATED: Hook[NewProject] = Hook("a production was created")

# entities/episodes.py
@PROJECT_CREATED.register()
async def first_episode(project: NewProject) -> None: ...

# productions/actions.py
await PROJECT_CREATED.run(NewProject(tx, caller, project_id))
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")
Reaction = Callable[[T], Awaitable[None]]


class Hook(Generic[T]):
    """A moment in a lower domain, and the reactions of higher domains to it, run in the same transaction."""

    def __init__(self, moment: str) -> None:
        self.moment = moment
        self._reactions: list[tuple[int, Reaction[T]]] = []

    def register(self, order: int = 0) -> Callable[[Reaction[T]], Reaction[T]]:
        """Add a reaction. Lower orders run first; equal ones in the order they were registered."""

        def add(reaction: Reaction[T]) -> Reaction[T]:
            self._reactions.append((order, reaction))
            self._reactions.sort(key=lambda each: each[0])
            return reaction

        return add

    async def run(self, subject: T) -> None:
        """Run every reaction, one after the other."""
        for _, reaction in self._reactions:
            await reaction(subject)
