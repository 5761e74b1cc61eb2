"""What somebody typed, as queries on the words of documents. Pure.

A document's words are apart by where they stand (core/data/migrations/versions/search.sql): those of its name and of
what is above it as they are, those of its description after `~`, those of its metadata after `=`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

#: Longer queries are cut: nobody types them, and each word costs.
MOST_CHARACTERS, MOST_WORDS = 200, 10
#: Words from here on may have an error, and from here on two.
_ONE_ERROR, _TWO_ERRORS = 4, 8
#: So many words stand for one that was typed.
_MOST_ALIKE = 30

NAME, DESCRIPTION, METADATA = "", "~", "="
EVERYWHERE = (NAME, DESCRIPTION, METADATA)


@dataclass(frozen=True)
class Typed:
    """A query: its words as PostgreSQL splits them (`search_words`), and its letters and digits (`search_key`)."""

    words: tuple[str, ...]
    key: str

    @classmethod
    def of(cls, words: str, key: str) -> "Typed":
        """The words of a text, at most so many of them."""
        return cls(tuple(dict.fromkeys(words.split()))[:MOST_WORDS], key)

    @property
    def readings(self) -> tuple[tuple[str, ...], ...]:
        """The words, and where letters and a number stand apart (`sh 10`), also these as one."""
        joined: list[str] = []
        for word in self.words:
            if joined and word.isdecimal() and not joined[-1][-1:].isdecimal():
                joined[-1] += word
            else:
                joined.append(word)
        return tuple(dict.fromkeys((self.words, tuple(joined))))

    def exact(self) -> str:
        """All words, as they are, in the name or above it."""
        return _any(_all(_quoted(word) for word in reading) for reading in self.readings)

    def begun(self, places: Sequence[str]) -> str:
        """Words that begin with each of those typed, in any of these places."""
        return _any(_all(_begun(word, places) for word in reading) for reading in self.readings)

    def alike(self, places: Sequence[str], similar: Mapping[str, Sequence[str]]) -> str:
        """The same, or with other words for some."""
        return _all(_begun(word, places, similar.get(word, ())) for word in self.words)

    def some(self, place: str, similar: Mapping[str, Sequence[str]]) -> str:
        """Any of the words, or of those for them, in a place: what tells where something was found."""
        words = dict.fromkeys(word for reading in self.readings for word in reading)
        return _any(_begun(word, (place,), similar.get(word, ())) for word in words)

    @property
    def uncertain(self) -> tuple[str, ...]:
        """The words that may be part of others, or mistyped: those with letters."""
        return tuple(word for word in self.words if len(word) >= _ONE_ERROR - 1 and not any(map(str.isdecimal, word)))


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _any(queries: Iterable[str]) -> str:
    return f"({' | '.join(queries)})"


def _all(queries: Iterable[str]) -> str:
    return f"({' & '.join(queries)})"


def _begun(word: str, places: Sequence[str], others: Sequence[str] = ()) -> str:
    # `sh0` is on the way to `sh010`, whose word is `sh10`.
    begins = {word, word[:-1]} if word[-1] == "0" and word[:-1] and not word[-2].isdecimal() else {word}
    options = [f"{_quoted(place + begin)}:*" for place in places for begin in sorted(begins)]
    options += [_quoted(place + other) for place in places for other in others]
    return _any(options)


def parts(typed: str, known: Iterable[str]) -> list[str]:
    """The words that hold what was typed, but do not begin with it; short ones first."""
    return sorted((word for word in known if typed in word[1:]), key=_short_first)[:_MOST_ALIKE]


def mistyped(typed: str, known: Iterable[str]) -> list[str]:
    """The words that differ from what was typed by an error or, long ones, two; the nearest first."""
    most = 0 if len(typed) < _ONE_ERROR else 1 if len(typed) < _TWO_ERRORS else 2
    near = [(errors, word) for word in known if (errors := distance(typed, word, most)) <= most]
    return [word for _, word in sorted(near)][:_MOST_ALIKE]


def _short_first(word: str) -> tuple[int, str]:
    return len(word), word


def distance(one: str, other: str, most: int) -> int:
    """Letters to add, leave out, replace or swap with their neighbour; `most` + 1 for more than `most`."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, against in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return min(last[-1], most + 1)
