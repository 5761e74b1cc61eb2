"""A search, rank after rank until a page is full. Source: spec review, "POST /data/search"."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Executable

from pegbar.core.data.database import Json, Reader
from pegbar.core.http.access import Caller
from pegbar.search import queries, words
from pegbar.search.frequencies import FREQUENCIES
from pegbar.search.shapes import ENTITIES, INDEXES, NO_PRODUCTION, Seen, of_types
from pegbar.search.words import DESCRIPTION, METADATA, NAME, Query, Typed


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
        self._frequent: Mapping[str, int] = {}
        self._found: dict[str, dict[UUID, None]] = {kind: {} for kind in kinds}
        #: By kind and place: the words that there are, by their beginnings.
        self._begun: dict[str, dict[str, dict[str, list[str]]]] = defaultdict(lambda: defaultdict(dict))
        #: By kind and place: the words that are like those typed, by these.
        self._similar: dict[str, dict[str, dict[str, list[str]]]] = defaultdict(lambda: defaultdict(dict))
        #: The words by which more was found, by kind.
        self.others: dict[str, words.Others] = {}

    @property
    def page(self) -> dict[str, list[UUID]]:
        """The ids of the page."""
        return {kind: list(ids)[self._wanted.offset : self._most] for kind, ids in self._found.items()}

    async def run(self) -> None:
        """Find what fills a page of each kind, as far as there is so much."""
        self._frequent = await FREQUENCIES.documents(self._db)
        await self._look_first()
        await self._look_on({kind: self._typed.begun(kind, self._begun[kind]) for kind in self._unfilled})
        uncertain = list(self._typed.uncertain)
        if (unfilled := self._unfilled) and uncertain:
            for row in await self._db.rows(queries.similar, kinds=unfilled, words=uncertain):
                self._similar[row["kind"]][row["place"]][row["typed"]] = row["words"]
            await self._look_for_parts()
            await self._look_for_errors()

    @property
    def _unfilled(self) -> list[str]:
        """The kinds of which a page is not full yet."""
        return [kind for kind, ids in self._found.items() if len(ids) < self._most]

    async def _look_first(self) -> None:
        """Find what has all words in its name or place, or is named so from its first letter on."""
        kinds = list(self._found)
        exact = [self._typed.exact(kind) for kind in kinds]
        scoped = [INDEXES[kind].group.scoped for kind in kinds]
        one = self._wanted.project_id is not None
        projects = queries.searched(is_admin=self._caller.is_admin, one=one) if any(scoped) else None
        statement = queries.first_found(projects, self._seen.source, *self._seen.narrow)
        about = {
            "kinds": kinds,
            "queries": [words.any_of(query.text() for query in of_kind) for of_kind in exact],
            "name_queries": [words.any_of(query.text(":A") for query in of_kind) for of_kind in exact],
            "documents": [sum(map(self._documents, of_kind)) for of_kind in exact],
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

    async def _look_for_parts(self) -> None:
        """Find more by words that hold those typed."""
        alike = {kind: words.that_hold(self._known_like(kind)) for kind in self._unfilled}
        await self._look_alike({kind: others for kind, others in alike.items() if others})

    async def _look_for_errors(self) -> None:
        """Where nothing was found at all, find something by words that those typed may be errors for."""
        for kind in list(self._found):
            group = INDEXES[kind].group
            if not any(ids for other, ids in self._found.items() if INDEXES[other].group is group):
                others = words.that_are_like(self._known_like(kind))
                await self._look_alike({kind: others} if others else {})

    def _known_like(self, kind: str) -> words.Others:
        """For each word that was typed those of a kind that are like it, wherever they stand."""
        known: dict[str, list[str]] = defaultdict(list)
        for by_typed in self._similar[kind].values():
            for typed, others in by_typed.items():
                known[typed] += others
        return known

    async def _look_alike(self, others: Mapping[str, words.Others]) -> None:
        self.others |= others
        queries_by_kind = {}
        for kind, alike in others.items():
            places = {place: set().union(*known.values()) for place, known in self._similar[kind].items()}
            queries_by_kind[kind] = self._typed.alike(kind, alike, self._begun[kind], places)
        await self._look_on(queries_by_kind)

    async def _look_on(self, queries_by_kind: Mapping[str, list[Query]]) -> None:
        """Find more of kinds, by one query after the other."""
        left = [kind for kind, of_kind in queries_by_kind.items() if of_kind]
        while left and self._project_ids:
            by_kind = [(kind, query) for kind in left for query in queries_by_kind[kind]]
            enough = [self._most - len(self._found[kind]) for kind in left]
            statement = queries.then_found(self._seen.source, self._seen.seeing, *self._seen.narrow)
            about = {
                "kinds": left,
                "enough": enough,
                "query_kinds": [kind for kind, _ in by_kind],
                "queries": [query.text() for _, query in by_kind],
                "starts": [query.start for _, query in by_kind],
                "ends": [query.end for _, query in by_kind],
                "documents": [self._documents(query) for _, query in by_kind],
                "project_ids": self._project_ids,
                "known_ids": [row_id for kind in left for row_id in self._found[kind]],
            }
            rows = await self._rows(statement, about)
            for row in rows:
                self._add(row["kind"], [row["id"]])
            # What two queries found came twice: there may be more.
            counts = Counter(row["kind"] for row in rows)
            left = [
                kind
                for kind, count in zip(left, enough, strict=True)
                if counts[kind] == count and len(self._found[kind]) < self._most
            ]

    def _documents(self, query: Query) -> int:
        return query.documents(self._frequent)

    async def _rows(self, statement: Executable, about: dict[str, Any]) -> list[Any]:
        shared = {"most": self._most, "entity_type_ids": self._wanted.entity_type_ids, **_keys(self._typed)}
        return await self._db.rows(statement, **queries.known_to(statement, about | shared))

    def _add(self, kind: str, row_ids: Iterable[UUID]) -> None:
        ids = self._found[kind]
        for row_id in row_ids:
            if len(ids) < self._most:
                ids.setdefault(row_id)


def _keys(typed: Typed) -> dict[str, str]:
    return {"key": typed.key, "key_end": typed.key + words.LAST}
