"""What somebody typed, as queries on the words of documents. Pure.

A document's words are told apart by its kind and by where they stand (core/data/migrations/versions/search.sql): each
follows the capital of the kind and, in descriptions, `~`, in metadata `=`; those of the name and of what is above it
follow the capital alone.
"""

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

#: Longer queries are cut: nobody types them, and each word costs.
MOST_CHARACTERS, MOST_WORDS = 200, 10
#: Words from here on may have an error, and from here on two.
_ONE_ERROR, _TWO_ERRORS = 4, 8
#: So many words stand for one that was typed, when they hold it or are like it, and when they begin with it.
_MOST_ALIKE, MOST_BEGUN = 30, 100

#: After all words that begin alike.
LAST = "\U0010ffff"

NAME, DESCRIPTION, METADATA = "", "~", "="
EVERYWHERE = (NAME, DESCRIPTION, METADATA)

#: As pegbar.search_words and pegbar.search_key have them.
_SIGNS = re.compile(r"[\x01-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+")
_LETTERS_AFTER_DIGITS, _LEADING_ZEROS = re.compile(r"([0-9])([^0-9 ])"), re.compile(r"(^|[^0-9])0+([0-9])")

#: The capitals of the kinds.
CODES = {
    "shots": "S",
    "assets": "A",
    "comments": "C",
    "sequences": "Q",
    "episodes": "E",
    "edits": "D",
    "persons": "P",
    "projects": "R",
    "playlists": "L",
}

#: Words of documents that stand for one that was typed.
Others = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Query:
    """A query on the words of documents: any of the words of each term, and any word that has a beginning.

    Of what it finds, that comes first which has the first words of a range.
    """

    terms: tuple[tuple[str, ...], ...]
    start: str = ""
    end: str = ""
    beginning: str = ""

    def text(self, weight: str = "") -> str:
        """As PostgreSQL reads it; with a weight, only of words that have it."""
        terms = [any_of(_quoted(word) + weight for word in term) for term in self.terms]
        return " & ".join([*terms, f"{_quoted(self.beginning)}:*{weight}"] if self.beginning else terms)

    def documents(self, frequencies: Mapping[str, int]) -> int:
        """At most so many documents have these words, going by the frequent ones."""
        counts = [sum(frequencies.get(word, 0) for word in term) for term in self.terms]
        if self.beginning:
            counts.append(sum(count for word, count in frequencies.items() if word.startswith(self.beginning)))
        return min(counts)


@dataclass(frozen=True)
class Typed:
    """A query: its words as PostgreSQL splits them (`search_words`), and its letters and digits (`search_key`)."""

    words: tuple[str, ...]
    key: str

    @classmethod
    def of(cls, words: str, key: str) -> "Typed":
        """The words of a text, at most so many of them."""
        return cls(tuple(dict.fromkeys(words.split()))[:MOST_WORDS], key)

    @classmethod
    def of_ascii(cls, text: str) -> "Typed":
        """A text of ASCII characters alone, as PostgreSQL would split it: letters of others fold by its tables."""
        words = _SIGNS.sub(" ", lowered := text.lower())
        words = _LETTERS_AFTER_DIGITS.sub(r"\1 \2", words)
        words = _LEADING_ZEROS.sub(r"\1\2", words)
        return cls.of(" ".join(word[:60] for word in words.split(" ")), _SIGNS.sub("", lowered)[:160])

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

    @property
    def beginnings(self) -> tuple[str, ...]:
        """The words, and what the one begins with that is being typed: the last."""
        words = dict.fromkeys(word for reading in self.readings for word in reading)
        return tuple(words | dict.fromkeys(begin for reading in self.readings for begin in _beginnings(reading[-1])))

    @property
    def uncertain(self) -> tuple[str, ...]:
        """The words that may be part of others, or mistyped: those with letters."""
        return tuple(word for word in self.words if len(word) >= _ONE_ERROR - 1 and not any(map(str.isdecimal, word)))

    def exact(self, kind: str) -> list[Query]:
        """All words, as they are, in the name or above it: one of these."""
        return [Query(tuple((CODES[kind] + word,) for word in reading)) for reading in self.readings]

    def begun(self, kind: str, known: Mapping[str, Others]) -> list[Query]:
        """What has words that begin with the last one, by place; the other words first in the name as well.

        The first of these words is asked for alone, since often it finds enough; all others at once, and where there
        are more than are known, what begins so.
        `known` are the words of the kind that begin with `beginnings`, in order, by place.
        """
        queries: dict[Query, None] = {}
        for place, around in ((NAME, (NAME,)), *((place, EVERYWHERE) for place in EVERYWHERE)):
            for *others, last in self.readings:
                there = [[p for p in around if _is_known(word, known.get(p, {}))] for word in others]
                if not all(there) or (place == NAME and around == EVERYWHERE and not others):
                    continue
                rest = [_in(kind, (word,), places) for word, places in zip(others, there, strict=True)]
                begun = [word for begin in _beginnings(last) for word in known.get(place, {}).get(begin, ())]
                first, more = begun[:1], begun[1:MOST_BEGUN]
                if first:
                    queries[Query((*rest, _in(kind, first, (place,))))] = None
                if more:
                    any_of_them = _in(kind, more, (place,))
                    queries[Query((*rest, any_of_them), any_of_them[0], any_of_them[-1])] = None
                for begin in _beginnings(last) if len(begun) >= MOST_BEGUN else ():
                    beginning = CODES[kind] + place + begin
                    queries[Query(tuple(rest), beginning, beginning + LAST, beginning)] = None
        return list(queries)

    def alike(
        self, kind: str, others: Others, known: Mapping[str, Others], alike: Mapping[str, Container[str]]
    ) -> list[Query]:
        """All words or others for them, in the name or above it, then anywhere.

        `known` as for `begun`; `alike` are the words of the kind that are like those typed, by place.
        """
        queries: dict[Query, None] = {}
        for places in ((NAME,), EVERYWHERE):
            terms = [
                tuple(
                    CODES[kind] + place + word
                    for word in (typed, *others.get(typed, ()))
                    for place in places
                    if word in alike.get(place, ()) or _is_known(word, known.get(place, {}))
                )
                for typed in self.words
            ]
            if all(terms):
                queries[Query(tuple(terms))] = None
        return list(queries)

    def some(self, kind: str, place: str, others: Others) -> str:
        """Any of the words, or of those for them, in a place: what tells where something was found."""
        words = [_quoted(CODES[kind] + place + other) for typed in self.words for other in others.get(typed, ())]
        return any_of([*(f"{_quoted(CODES[kind] + place + begin)}:*" for begin in self.beginnings), *words])


def _is_known(word: str, known: Others) -> bool:
    """Whether there is a word, by the words that begin with it."""
    return word in known.get(word, ())[:1]


def _beginnings(word: str) -> list[str]:
    if len(word) > 1 and word[-1] == "0" and not word[-2].isdecimal():
        return [word, *(word[:-1] + digit for digit in "123456789")]  # `sh0` is on the way to `sh010`, which is `sh10`
    return [word]


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def any_of(queries: Iterable[str]) -> str:
    """A query for what fits any of some."""
    return f"({' | '.join(queries)})"


def _in(kind: str, words: Iterable[str], places: Sequence[str]) -> tuple[str, ...]:
    return tuple(CODES[kind] + place + word for word in words for place in places)


def parts(typed: str, known: Iterable[str]) -> list[str]:
    """The words that hold what was typed: those that begin with it first, then short ones."""
    holding = {word for word in known if typed in word and word != typed}
    return sorted(holding, key=lambda word: (not word.startswith(typed), len(word), word))[:_MOST_ALIKE]


def mistyped(typed: str, known: Iterable[str]) -> list[str]:
    """The words that differ from what was typed by an error or, long ones, two; the nearest first."""
    most = 0 if len(typed) < _ONE_ERROR else 1 if len(typed) < _TWO_ERRORS else 2
    near = {(errors, word) for word in set(known) if 0 < (errors := distance(typed, word, most)) <= most}
    return [word for _, word in sorted(near)][:_MOST_ALIKE]


def that_hold(known: Others) -> Others:
    """For each word that was typed those of documents that hold it."""
    return _chosen(parts, known)


def that_are_like(known: Others) -> Others:
    """The same; where none holds a word, those that it may be an error for."""
    return _chosen(lambda typed, others: parts(typed, others) or mistyped(typed, others), known)


def _chosen(choose: Callable[[str, Sequence[str]], list[str]], known: Others) -> Others:
    chosen = {typed: choose(typed, others) for typed, others in known.items()}
    return {typed: others for typed, others in chosen.items() if others}


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
