"""Answers that a process keeps for as long as the database says that what they are made of is as it was."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class Kept(Generic[_Value]):
    """Values by key, each with the state that was read before it was made (core/data/marks.py).

    So a value may be newer than its state, but never older. It is given for that state only: whoever wants it has
    read the state of now. Those that nobody wanted for longest go when all take more than `most` bytes.
    """

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        #: By key: the state, the value and its bytes.
        self._values: OrderedDict[Hashable, tuple[str, _Value, int]] = OrderedDict()

    def get(self, key: Hashable, state: str) -> _Value | None:
        """The value of a key, if it is of this state."""
        known, value, _ = self._values.get(key, ("", None, 0))
        if value is None or known != state:
            return None
        self._values.move_to_end(key)
        return value

    def put(self, key: Hashable, state: str, value: _Value, size: int) -> None:
        """Keep a value of `size` bytes in the place of what was kept."""
        self._size -= self._values.pop(key, ("", None, 0))[2]
        self._values[key] = (state, value, size)
        self._size += size
        while self._size > self._most:
            self._size -= self._values.popitem(last=False)[1][2]
