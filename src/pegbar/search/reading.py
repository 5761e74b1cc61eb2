"""A search, rank after rank until a page is full. Source: spec review, "POST /data/search"."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pegbar.core.data.database import Database, Json
from pegbar.core.http.access import Caller
from pegbar.search import queries, words
from pegbar.search.shapes import INDEXES, NO_PRODUCTION, Group, Seen
from pegbar.search.words import DESCRIPTION, EVERYWHERE, METADATA, NAME, Typed

#: Above so many productions times kinds, those of all productions are looked at within the index.
_MOST_SCOPES = 60
#: After all keys that begin alike.
_LAST = "\U0010ffff"

Similar = Mapping[str, Sequence[str]]
_NONE: Similar = {}


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

    def __init__(self, db: Database, caller: Caller, wanted: Wanted) -> None:
        self._db, self._caller, self._wanted = db, caller, wanted
        self._typed = Typed((), "")
        self._project_ids: list[UUID] = []
        self._known: dict[str, list[str]] | None = None
        self._similar: dict[str, list[str]] = {}

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
        finding = _Finding(self._db, self._wanted, group.seen(self._caller), project_ids, kinds)
        typed = self._typed
        await finding.look_first(typed)
        if finding.unfilled:
            await finding.look_on(
                typed, typed.begun((NAME,)), typed.begun(EVERYWHERE), typed.begun((NAME, DESCRIPTION))
            )
        if finding.unfilled and (similar := await self._alike(also_mistyped=not finding.anything)):
            self._similar |= similar
            await finding.look_on(
                typed,
                typed.alike((NAME,), similar),
                typed.alike(EVERYWHERE, similar),
                typed.alike((NAME, DESCRIPTION), similar),
            )
        return finding.page

    async def _alike(self, *, also_mistyped: bool) -> dict[str, list[str]]:
        """Words that hold those typed and, where these find nothing, words that they may be errors for."""
        uncertain = self._typed.uncertain
        if self._known is None:
            rows = await self._db.rows(queries.similar, words=list(uncertain)) if uncertain else []
            self._known = {row["typed"]: row["words"] for row in rows}
        alike = {}
        for word, known in self._known.items():
            others = words.parts(word, known)
            if also_mistyped and not others:
                others = words.mistyped(word, known)
            if others:
                alike[word] = others
        return alike

    async def _rows(self, name: str, ids: list[UUID]) -> Json:
        if not ids:
            return Json(b"[]")
        index = INDEXES[name]
        some = {
            "some_name": self._typed.some(NAME, self._similar),
            "some_description": self._typed.some(DESCRIPTION, self._similar),
            "some_metadata": self._typed.some(METADATA, self._similar),
        }
        about = {"ids": ids, **_keys(self._typed), **some}
        statement = queries.shown(index.wire(self._caller), index.source)
        return await self._db.json(statement, **queries.known_to(statement, about))


class _Finding:
    """The ids found so far, of kinds that are narrowed alike."""

    def __init__(self, db: Database, wanted: Wanted, seen: Seen, project_ids: list[UUID], kinds: list[str]) -> None:
        self._db, self._seen, self._project_ids = db, seen, project_ids
        self._most, self._offset = wanted.offset + wanted.limit, wanted.offset
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
        exact = typed.exact()
        await self._add(queries.first_found(self._seen.source, *self._seen.narrow), typed, exact=exact)

    async def look_on(self, typed: Typed, names: str, anywhere: str, without_metadata: str) -> None:
        """Find more by these queries."""
        statement = queries.then_found(self._seen.source, self._seen.anywhere, *self._seen.narrow)
        await self._add(statement, typed, begun=names, anywhere=anywhere, without_metadata=without_metadata)

    async def _add(self, statement: Any, typed: Typed, **about: str) -> None:
        kinds = self.unfilled
        params = {"kinds": kinds, "project_ids": self._project_ids, "most": self._most, "scope": self._scope(kinds)}
        params |= {**_keys(typed), **about}
        for row in await self._db.rows(statement, **queries.known_to(statement, params)):
            ids = self._found[row["kind"]]
            if len(ids) < self._most:
                ids.setdefault(row["id"])

    def _scope(self, kinds: list[str]) -> str:
        if len(kinds) * len(self._project_ids) > _MOST_SCOPES:
            return " | ".join(f"'@{kind}'" for kind in kinds)
        return " | ".join(f"'@{kind}/{project_id}'" for kind in kinds for project_id in self._project_ids)


def _keys(typed: Typed) -> dict[str, str]:
    return {"key": typed.key, "key_end": typed.key + _LAST}
