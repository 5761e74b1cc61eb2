"""A search, rank after rank until a page is full. Source: spec review, "POST /data/search"."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pegbar.core.data.database import Json, Reader
from pegbar.core.http.access import Caller
from pegbar.search import queries, words
from pegbar.search.shapes import ENTITIES, INDEXES, NO_PRODUCTION, Group, Seen, of_types
from pegbar.search.words import DESCRIPTION, METADATA, NAME, Typed

#: So many productions are asked for in the index of words; of more, it is quicker to look at the rows.
_MOST_SCOPES = 6
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
        self._project_ids: list[UUID] = []
        self._begun: dict[str, dict[str, dict[str, list[str]]]] | None = None
        self._similar: dict[str, dict[str, list[str]]] | None = None
        #: The words by which more was found, by kind.
        self._others: dict[str, words.Others] = {}

    async def run(self) -> Json:
        """The rows by index, as a JSON object."""
        await self._read()
        groups: dict[Group, list[str]] = defaultdict(list)
        for name in self._wanted.names:
            groups[INDEXES[name].group].append(name)
        ids: dict[str, list[UUID]] = {}
        if self._typed.words:
            for group, kinds in groups.items():
                ids |= await self._ids(group, kinds)
        shown = [f'"{name}":'.encode() + await self._rows(name, ids.get(name, [])) for name in self._wanted.names]
        return Json(b"{" + b",".join(shown) + b"}")

    async def _read(self) -> None:
        one = self._wanted.project_id is not None
        about = {"project_id": self._wanted.project_id} if one else {}
        statement = queries.typed(is_admin=self._caller.is_admin, one=one)
        row = await self._db.row(statement, query=self._wanted.cleaned, **about)
        assert row is not None
        self._typed, self._project_ids = Typed.of(row["words"], row["key"]), row["project_ids"]

    async def _ids(self, group: Group, kinds: list[str]) -> dict[str, list[UUID]]:
        """What is found of each kind, in its order."""
        project_ids = self._project_ids if group.scoped else [NO_PRODUCTION]
        if not project_ids:
            return {}
        seen = group.seen(self._caller)
        if group is ENTITIES and self._wanted.entity_type_ids is not None:
            seen = of_types(seen)
        finding = _Finding(self._db, self._wanted, seen, project_ids, kinds)
        await finding.look_first(self._typed)
        for kind in finding.unfilled:
            known = (await self._words_begun()).get(kind, {})
            await finding.look_on(kind, self._typed.begun(kind, known))
        for kind in finding.unfilled:
            if others := await self._words_like(kind, also_mistyped=not finding.anything):
                self._others[kind] = others
                await finding.look_on(kind, self._typed.alike(kind, others))
        return finding.page

    async def _words_begun(self) -> dict[str, dict[str, dict[str, list[str]]]]:
        """By kind, place and beginning: the words that there are."""
        if self._begun is None:
            self._begun = defaultdict(lambda: defaultdict(dict))
            beginnings = list(self._typed.beginnings)
            for row in await self._db.rows(queries.begun, kinds=self._wanted.names, beginnings=beginnings):
                if row["words"]:
                    self._begun[row["kind"]][row["place"]][row["beginning"]] = row["words"]
        return self._begun

    async def _words_like(self, kind: str, *, also_mistyped: bool) -> dict[str, list[str]]:
        """Words of a kind that hold those typed and, where nothing was found, words that they may be errors for."""
        if self._similar is None:
            self._similar = defaultdict(dict)
            if uncertain := list(self._typed.uncertain):
                for row in await self._db.rows(queries.similar, kinds=self._wanted.names, words=uncertain):
                    self._similar[row["kind"]][row["typed"]] = row["words"]
        alike = {}
        for typed, known in self._similar[kind].items():
            others = words.parts(typed, known)
            if also_mistyped and not others:
                others = words.mistyped(typed, known)
            if others:
                alike[typed] = others
        return alike

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

    def __init__(self, db: Reader, wanted: Wanted, seen: Seen, project_ids: list[UUID], kinds: list[str]) -> None:
        self._db, self._seen, self._project_ids = db, seen, project_ids
        self._most, self._offset = wanted.offset + wanted.limit, wanted.offset
        self._entity_type_ids = wanted.entity_type_ids
        self._found: dict[str, dict[UUID, None]] = {kind: {} for kind in kinds}

    @property
    def unfilled(self) -> list[str]:
        """The kinds of which a page is not full yet."""
        return [kind for kind, ids in self._found.items() if len(ids) < self._most]

    @property
    def anything(self) -> bool:
        """Whether anything was found."""
        return any(self._found.values())

    @property
    def page(self) -> dict[str, list[UUID]]:
        """The ids of the page."""
        return {kind: list(ids)[self._offset : self._most] for kind, ids in self._found.items()}

    async def look_first(self, typed: Typed) -> None:
        """Find what has all words in its name or place, or is named so from its first letter on."""
        kinds = list(self._found)
        statement = queries.first_found(self._seen.source, *self._seen.narrow)
        about = {"kinds": kinds, "queries": [typed.exact(kind) for kind in kinds], **self._about(), **_keys(typed)}
        for row in await self._db.rows(statement, **queries.known_to(statement, about)):
            self._add(row["kind"], row["id"])

    async def look_on(self, kind: str, queries_in_turn: list[str]) -> None:
        """Find more of a kind, by one query after the other."""
        if queries_in_turn:
            statement = queries.then_found(self._seen.source, self._seen.seeing, *self._seen.narrow)
            # What two queries find comes twice.
            about = {"queries": queries_in_turn, "known_ids": list(self._found[kind]), "enough": self._most * 4}
            about |= {"kind": kind, **self._about()}
            for row in await self._db.rows(statement, **queries.known_to(statement, about)):
                self._add(kind, row["id"])

    def _add(self, kind: str, row_id: UUID) -> None:
        ids = self._found[kind]
        if len(ids) < self._most:
            ids.setdefault(row_id)

    def _about(self) -> dict[str, Any]:
        few = len(self._project_ids) <= _MOST_SCOPES
        scope = " | ".join(f"'@{project_id}'" for project_id in self._project_ids) if few else ""
        scoped = {"project_ids": self._project_ids, "scope": scope, "entity_type_ids": self._entity_type_ids}
        return {"most": self._most, **scoped}


def _keys(typed: Typed) -> dict[str, str]:
    return {"key": typed.key, "key_end": typed.key + _LAST}
