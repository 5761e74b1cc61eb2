"""The reviewed tables of who may use which route. README.md tells how to read and write them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
_NOT_AREAS = {"callers", "words", "bodies"}
_SOURCES = {"", "docs", "fixed", "issue", "crud"}
_NOTHING = " find nothing"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
#: Who has no account to speak of: 401 wherever an account is needed.
STRANGERS = frozenset({"anonymous", "inactive"})


@dataclass(frozen=True)
class Described:
    """A line of callers.txt; roles are empty where there is none."""

    name: str
    role: str
    team_role: str


@dataclass(frozen=True)
class Line:
    """A route, asked in one way, and the callers who may."""

    method: str
    path: str
    asked: str  #: a query string with its question mark or a JSON body, or empty: as the route is asked at first
    allowed: frozenset[str]
    refusal: int  #: the status for everybody else who has an account
    empty_for: frozenset[str]  #: who is answered, but with nothing
    at: str  #: file and line number

    @property
    def route(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def title(self) -> str:
        return f"{self.route} {self.asked}".strip()

    @property
    def is_public(self) -> bool:
        return allowed_words()["anyone"] == self.allowed

    @property
    def answered(self) -> frozenset[str]:
        """Who is not refused."""
        return self.allowed | self.empty_for

    def expects(self, caller: str) -> set[int] | None:
        """The statuses of a refusal, or None for a caller who may."""
        if self.is_public:
            return None
        if caller in STRANGERS:
            return {self.refusal if self.refusal == 405 else 404} if not self.allowed else {401}
        if not self.allowed:
            return {self.refusal}
        if caller == "preview" and self.method != "GET":
            return {403}
        if caller in self.answered:
            return None
        # Another's row is not there; of some tables a bot has no rows of its own, and hears that first.
        return {403, self.refusal} if caller == "bot" else {self.refusal}


def _rows(name: str) -> list[tuple[int, str]]:
    """The lines of a table that say something, with their numbers."""
    text = (FOLDER / f"{name}.txt").read_text()
    return [(n, row) for n, row in enumerate(text.splitlines(), 1) if row.strip() and not row.startswith("#")]


@cache
def callers() -> tuple[Described, ...]:
    """Everybody of callers.txt."""
    rows = [[cell.strip() for cell in row.split("|")] for _, row in _rows("callers")]
    return tuple(Described(*row[:3]) for row in rows)


@cache
def allowed_words() -> dict[str, frozenset[str]]:
    """Whom each word means."""
    names = {caller.name for caller in callers()}
    words = {name: frozenset({name}) for name in names}
    for number, row in _rows("words"):
        word, _, meant = (cell.strip() for cell in row.partition("|"))
        assert word not in words, f"words.txt:{number}: {word!r} is said twice"
        assert set(meant.split()) <= names, (
            f"words.txt:{number}: {set(meant.split()) - names} are nobody of callers.txt"
        )
        words[word] = frozenset(meant.split())
    return words


def _whom(said: str, at: str) -> frozenset[str]:
    """The callers that words with commas mean, less those after a `but`."""
    words = allowed_words()
    sets = []
    for part in said.partition(" but ")[::2]:
        named = [word.strip() for word in part.split(",") if word.strip()]
        assert set(named) <= words.keys(), f"{at}: {set(named) - words.keys()} are no words of words.txt"
        sets.append(frozenset[str]().union(*[words[word] for word in named]))
    return sets[0] - sets[1]


def who(cell: str, at: str) -> tuple[frozenset[str], int, frozenset[str]]:
    """The callers that a cell allows, the status for the others, and who is answered with nothing."""
    said, *more = (part.strip() for part in cell.split(";"))
    refusal, empty_for = 403, frozenset[str]()
    for part in more:
        if part in ("others 404", "others 405"):
            refusal = int(part.removeprefix("others "))
        else:
            assert part.endswith(_NOTHING), f"{at}: {part!r}"
            empty_for = _whom(part.removesuffix(_NOTHING), at)
    return _whom(said, at), refusal, empty_for


def _cells(row: str, at: str) -> tuple[str, frozenset[str], int, frozenset[str]]:
    cells = [cell.strip() for cell in row.split("|")]
    assert len(cells) in (2, 3), f"{at}: a line is: route | who | source"
    assert cells[2:] == [] or cells[2] in _SOURCES, f"{at}: no such source: {cells[2]!r}"
    return cells[0], *who(cells[1], at)


@cache
def lines() -> tuple[Line, ...]:
    """All lines of all areas."""
    read: list[Line] = []
    for file in sorted(FOLDER.glob("*.txt")):
        if file.stem in _NOT_AREAS:
            continue
        method = path = ""
        for number, row in _rows(file.stem):
            at = f"{file.name}:{number}"
            asked, allowed, refusal, empty_for = _cells(row, at)
            if not row.startswith(" "):
                method, _, path = (part.strip() for part in asked.partition(" "))
                assert method in METHODS, f"{at}: a line begins with one of {METHODS}"
                asked = ""
            assert not asked or asked[0] in "?{[", f"{at}: an indented line is a query string or a JSON body"
            read.append(Line(method, path, asked, allowed, refusal, empty_for, at))
    return tuple(read)


@cache
def bodies() -> dict[str, str]:
    """What goes with a route: JSON, `?query` or `file=name`."""
    sent: dict[str, str] = {}
    for number, row in _rows("bodies"):
        route, _, what = (part.strip() for part in row.partition(" | "))
        assert what, f"bodies.txt:{number}: a line is: route | what is sent"
        assert route not in sent, f"bodies.txt:{number}: {route} is there twice"
        sent[route] = what
    return sent
