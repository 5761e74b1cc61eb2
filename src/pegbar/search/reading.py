"""A search, rank after rank until a page is full. Source: spec review, "POST /data/search"."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Executable

from pegbar.core.data.database import Json, Reader
from pegbar.core.http.access import Caller
from pegbar.search import queries, words
from pegbar.search.shapes import ENTITIES, INDEXES, NO_PRODUCTION, Seen, of_types
from pegbar.search.words import DESCRIPTION, METADATA, NAME, Typed

#: After all keys that begin alike.
_LAST = "\U0010ffff"


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for."""

    text: str
    index_names: Sequence[str]
    limit: int
    offset: int = 0
    project_id: UUID | None = None
    entity_type_ids: Sequence[UUID] | None = None

    @property
    def names(self) -> list[str]:
        """The indexes that there are, once each."""
        return [name for name in dict.fromkeys(self.index_names) if name in INDEXES]

    @property
    def cleaned(self) -> str:
        """What PostgreSQL takes of the text."""
        return self.text[: words.MOST_CHARACTERS].replace("\0", " ")


class Search:
    """One search of a caller."""

    def __init__(self, db: Reader, caller: Caller, wanted: Wanted) -> None:
        self._db, self._caller, self._wanted = db, caller, wanted
        self._typed = Typed((), "")
        #: The words by which more was found, by kind.
        self._others: dict[str, words.Others] = {}

    async def run(self) -> Json:
        """The rows by index, as a JSON object."""
        self._typed = await self._read()
        ids: dict[str, list[UUID]] = {}
        if self._typed.words:
            for seen, kinds in self._kinds_by_seen().items():
                finding = _Finding(self._db, self._caller, self._wanted, seen, kinds, self._typed)
                await finding.run()
                ids |= finding.page
                self._others |= finding.others
        shown = [f'"{name}":'.encode() + await self._rows(name, ids.get(name, [])) for name in self._wanted.names]
        return Json(b"{" + b",".join(shown) + b"}")

    async def _read(self) -> Typed:
        text = self._wanted.cleaned
        if text.isascii():
            return Typed.of_ascii(text)
        row = await self._db.row(queries.typed, query=text)
        assert row is not None
        return Typed.of(row["words"], row["key"])

    def _kinds_by_seen(self) -> dict[Seen, list[str]]:
        """The kinds that are narrowed alike, and so found by the same statements."""
        kinds: dict[Seen, list[str]] = defaultdict(list)
        for name in self._wanted.names:
            group = INDEXES[name].group
            seen = group.seen(self._caller)
            if group is ENTITIES and self._wanted.entity_type_ids is not None:
                seen = of_types(seen)
            kinds[seen].append(name)
        return kinds

    async def _rows(self, name: str, ids: list[UUID]) -> Json:
        if not ids:
            return Json(b"[]")
        index, others = INDEXES[name], self._others.get(name, {})
        some = {
            "some_name": self._typed.some(name, NAME, others),
            "some_description": self._typed.some(name, DESCRIPTION, others),
            "some_metadata": self._typed.some(name, METADATA, others),
        }
        about = {"ids": ids, **_keys(self._typed), **some}
        statement = queries.shown(index.wire(self._caller), index.source)
        return await self._db.json(statement, **queries.known_to(statement, about))


class _Finding:
    """The ids found so far, of kinds that are narrowed alike."""

    def __init__(self, db: Reader, caller: Caller, wanted: Wanted, seen: Seen, kinds: list[str], typed: Typed) -> None:
        self._db, self._caller, self._wanted, self._seen, self._typed = db, caller, wanted, seen, typed
        self._most = wanted.offset + wanted.limit
        self._project_ids: list[UUID] = []
        self._found: dict[str, dict[UUID, None]] = {kind: {} for kind in kinds}
        #: By kind and place: the words that there are, by their beginnings.
        self._begun: dict[str, dict[str, dict[str, list[str]]]] = defaultdict(lambda: defaultdict(dict))
        #: The words by which more was found, by kind.
        self.others: dict[str, words.Others] = {}

    @property
    def page(self) -> dict[str, list[UUID]]:
        """The ids of the page."""
        return {kind: list(ids)[self._wanted.offset : self._most] for kind, ids in self._found.items()}

    async def run(self) -> None:
        """Find what fills a page of each kind, as far as there is so much."""
        await self._look_first()
        await self._look_on({kind: self._typed.begun(kind, self._begun[kind]) for kind in self._unfilled})
        uncertain = list(self._typed.uncertain)
        if (unfilled := self._unfilled) and uncertain:
            known: dict[str, dict[str, list[str]]] = defaultdict(dict)
            for row in await self._db.rows(queries.similar, kinds=unfilled, words=uncertain):
                known[row["kind"]][row["typed"]] = row["words"]
            await self._look_for_parts(known)
            await self._look_for_errors(known)

    @property
    def _unfilled(self) -> list[str]:
        """The kinds of which a page is not full yet."""
        return [kind for kind, ids in self._found.items() if len(ids) < self._most]

    async def _look_first(self) -> None:
        """Find what has all words in its name or place, or is named so from its first letter on."""
        kinds = list(self._found)
        scoped = [INDEXES[kind].group.scoped for kind in kinds]
        one = self._wanted.project_id is not None
        projects = queries.searched(is_admin=self._caller.is_admin, one=one) if any(scoped) else None
        statement = queries.first_found(projects, self._seen.source, *self._seen.narrow)
        about = {
            "kinds": kinds,
            "queries": [self._typed.exact(kind) for kind in kinds],
            "beginnings": list(self._typed.beginnings),
            "project_id": self._wanted.project_id,
            "beside_ids": [] if all(scoped) else [NO_PRODUCTION],
        }
        for row in await self._rows(statement, about):
            if row["kind"] is None:
                self._project_ids = row["ids"]
            elif row["place"] is None:
                self._add(row["kind"], row["ids"])
            elif row["words"]:
                self._begun[row["kind"]][row["place"]][row["beginning"]] = row["words"]

    async def _look_for_parts(self, known: Mapping[str, words.Others]) -> None:
        """Find more by words that hold those typed."""
        alike = {kind: words.that_hold(known.get(kind, {})) for kind in self._unfilled}
        await self._look_alike({kind: others for kind, others in alike.items() if others})

    async def _look_for_errors(self, known: Mapping[str, words.Others]) -> None:
        """Where nothing was found at all, find something by words that those typed may be errors for."""
        for kind in list(self._found):
            group = INDEXES[kind].group
            if not any(ids for other, ids in self._found.items() if INDEXES[other].group is group):
                others = words.that_are_like(known.get(kind, {}))
                await self._look_alike({kind: others} if others else {})

    async def _look_alike(self, others: Mapping[str, words.Others]) -> None:
        self.others |= others
        await self._look_on({kind: self._typed.alike(kind, alike) for kind, alike in others.items()})

    async def _look_on(self, queries_by_kind: Mapping[str, list[str]]) -> None:
        """Find more of kinds, by one query after the other."""
        by_kind = [(kind, query) for kind, of_kind in queries_by_kind.items() for query in of_kind]
        if by_kind and self._project_ids:
            statement = queries.then_found(self._seen.source, self._seen.seeing, *self._seen.narrow)
            about = {
                "query_kinds": [kind for kind, _ in by_kind],
                "queries": [query for _, query in by_kind],
                "kinds": list(queries_by_kind),
                "project_ids": self._project_ids,
                "known_ids": [row_id for kind in queries_by_kind for row_id in self._found[kind]],
                "enough": self._most * 4,  # what two queries find comes twice
            }
            for row in await self._rows(statement, about):
                self._add(row["kind"], [row["id"]])

    async def _rows(self, statement: Executable, about: dict[str, Any]) -> list[Any]:
        shared = {"most": self._most, "entity_type_ids": self._wanted.entity_type_ids, **_keys(self._typed)}
        return await self._db.rows(statement, **queries.known_to(statement, about | shared))

    def _add(self, kind: str, row_ids: Iterable[UUID]) -> None:
        ids = self._found[kind]
        for row_id in row_ids:
            if len(ids) < self._most:
                ids.setdefault(row_id)


def _keys(typed: Typed) -> dict[str, str]:
    return {"key": typed.key, "key_end": typed.key + _LAST}
