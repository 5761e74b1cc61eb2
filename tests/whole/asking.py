"""Every GET that the server declares, with ids of planted rows in path and query, and what is found in the answers."""

import http.client
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from itertools import product
from typing import Any
from urllib.parse import urlsplit

from pegbar.app import load_domains
from pegbar.core.http.routing import Operation
from tests.whole.planted_shows import FOREIGN, ISOLATED, REMOVED, STONE, VIEWED, WOOD
from tests.whole.planting import STUDIO, Secret, World, marks_in
from tests.whole.who_may_see import MEANT, Standing, may_see

GETS = [operation for operation in load_domains() if operation.method == "GET"]
#: Signing out ends the onlooker; uploads are their own alone (tests/media/test_resumable_uploads.py).
LEFT_OUT = {"/auth/logout", "/uploads/{upload_id:uuid}", "/console/assets/{name:str}"}
#: Share links show one playlist, whoever asks: tests/review/test_sharing_reach.py tries every id there.
LEFT_OUT |= {operation.path for operation in GETS if operation.path.startswith("/shared/")}
#: A workbook is packed, so that nothing is seen in it; it is made of the lines of the CSV, which is looked at.
LEFT_OUT |= {operation.path for operation in GETS if operation.path.endswith(".xlsx")}
_PARAMETER = re.compile(r"\{(\w+):(\w+)\}")
#: What paths take besides ids.
_PLAIN = {"year": "2031", "month": "1", "week": "2", "day": "2031-01-06", "date": "2031-01-06", "month_date": "2031-01",
          "file_name": "pose.txt", "extension": "png", "provider_name": "keycloak", "thing": "tasks",
          "consumer_name": "farm", "moment": "2100-01-01"}  # fmt: skip
#: The rows that a parameter may name, where the parameter does not have the name of the table.
_ROWS: dict[str, tuple[str, ...]] = {
    **{f"{kind.lower()}_id": ("entity", kind) for kind in ("Shot", "Sequence", "Episode", "Scene", "Edit", "Concept")},
    "asset_id": ("entity", "reached", "apart", "shared"),
    "entity_id": ("entity", "reached", "apart", "Shot", "Concept", "ConceptFolder"),
    "asset_type_id": ("entity_type", "asset"),
    "entry_id": ("budget_entry", ""),
    "filter_group_id": ("search_filter_group", "own", "shared"),
    "temporal_entity_id": ("entity", "Shot"),
    "file_id": ("working_file",),
    "delivery_id": ("webhook_delivery", ""),
    "version_id": ("production_schedule_version", ""),
    "task_id": ("task", "reached", "apart", "Concept"),
    "task_type_id": ("task_type", WOOD, STONE),
    "department_id": ("department", WOOD, STONE),
}
#: Ids that query strings take, when a route declares them, and those that routes get which read it themselves.
_ASKED = ("project_id", "episode_id", "parent_id", "person_id", "id", "sequence_id", "entity_id", "task_type_id")
_READ = _ASKED[:5]
#: Those that are worth asking about one's own production.
_NARROWING = ("project_id", "episode_id")
_BOARDS = ("compact=true", "stream=true")
#: Who may see everything, and who differs from another only in being refused more.
_ASKED_LITTLE = ("studio manager", "bot")
_TABLES = {"attachment-files": "attachment_file", "preview-background-files": "preview_background_file",
           "preview-files": "preview_file", "persons": "person", "organisations": "organisation",
           "projects": "project", "playlists": "playlist", "chats": "chat", "{thing:str}": "task"}  # fmt: skip


@dataclass
class Onlooker:
    """Somebody who asks: what they are, and the token that says who."""

    name: str
    standing: Standing
    token: str | None = None
    #: Callers whose token is good for nothing are asked less.
    refused: bool = False
    person_id: str = ""

    @property
    def home(self) -> str:
        """The production they know best."""
        return next(iter(self.standing.teams), VIEWED)

    @property
    def abroad(self) -> str:
        return FOREIGN if self.home != FOREIGN else VIEWED


@dataclass
class Asked:
    """What came of the requests of one onlooker."""

    leaks: dict[tuple[str, str], str] = field(default_factory=dict)  #: by route and what was shown: an example
    seen: set[str] = field(default_factory=set)  #: marks met
    faults: list[str] = field(default_factory=list)
    requests: int = 0
    answered: set[str] = field(default_factory=set)  #: routes that answered 200


def _named(world: World, place: str, table: str) -> dict[str, Any]:
    return world.rows[place].get(table) or world.rows[STUDIO].get(table) or {}


def _table_of(operation: Operation, parameter: str) -> str:
    if parameter != "instance_id":
        return parameter.removesuffix("_id")
    table = getattr(getattr(operation.returns, "table", None), "name", None)
    words = operation.path.split("/")
    return table or next(_TABLES[word] for word in words if word in _TABLES)


def _choices(world: World, operation: Operation, parameter: str, place: str) -> list[str]:
    """The values that a parameter of a path may take."""
    if parameter in _PLAIN:
        short = parameter == "day" and "{month:" in operation.path
        return ["6" if short else _PLAIN[parameter]]
    table, *labels = _ROWS.get(parameter, (_table_of(operation, parameter),))
    rows = _named(world, place, table)
    assert rows, f"nothing is planted for {parameter} of {operation.path}"
    # Callers' own rows are asked about by listing them.
    return [str(rows[label]) for label in labels or rows if label in rows and not label.startswith("~")]


def _filled(operation: Operation, values: Iterable[str]) -> str:
    rest = iter(values)
    return _PARAMETER.sub(lambda _: next(rest), operation.path)


def paths(world: World, operation: Operation, place: str, *, full: bool) -> Iterator[str]:
    """The paths of a route about a production: with its first rows, and if `full` with each other one too."""
    names = [name for name, _ in _PARAMETER.findall(operation.path)]
    choices = [_choices(world, operation, name, place) for name in names]
    first = [values[0] for values in choices]
    yield _filled(operation, first)
    if not full:
        return
    if {"comment_id", "chat_message_id"} & set(names):
        for values in product(*choices):
            yield _filled(operation, values)
        return
    for at, values in enumerate(choices):
        for value in values[1:]:
            yield _filled(operation, [*first[:at], value, *first[at + 1 :]])


def mixed(world: World, operation: Operation, here: str, there: str) -> Iterator[str]:
    """The paths of a route with its first row of one production and the others of another."""
    names = [name for name, _ in _PARAMETER.findall(operation.path)]
    if sum(name.endswith("_id") for name in names) > 1:
        for one, other in ((here, there), (there, here)):
            places = [one, *[other] * (len(names) - 1)]
            yield _filled(
                operation,
                [_choices(world, operation, name, place)[0] for name, place in zip(names, places, strict=True)],
            )


def queries(world: World, operation: Operation, places: list[str], *, in_path: bool) -> Iterator[str]:
    """Query strings of a route: flags, then ids of each production."""
    generic = operation.handler.__module__ == "pegbar.core.data.resource"
    known = set(operation.query.__struct_fields__) if operation.query is not None else set()
    reads_all = "request" in operation.parameters
    if "relations" in known or reads_all:
        yield "relations=true"
    if operation.path.endswith("/with-tasks"):
        yield from (f"project_id={world.id(places[0], 'project')}&{flag}" for flag in _BOARDS)
    if generic:
        if not in_path:
            yield "page=1&limit=1000&relations=true"
        return
    place_of = operation.access.place
    while place_of is not None:
        if place_of.in_query:
            known.add(place_of.parameter)
        place_of = place_of.otherwise
    for place in places:
        for name in _ASKED if place != places[0] else _NARROWING:
            if name in known or (reads_all and name in (_NARROWING if in_path else _READ)):
                yield f"{name}={_asked_id(world, name, place)}"
        if not in_path and "episode_id" in known and "project_id" in known:
            yield f"project_id={world.id(place, 'project')}&episode_id={_asked_id(world, 'episode_id', FOREIGN)}"


def _asked_id(world: World, name: str, place: str) -> Any:
    labels = {"episode_id": "Episode", "sequence_id": "Sequence", "parent_id": "Sequence", "entity_id": "apart"}
    if name == "person_id":
        return world.id(place, "person", "crew")
    if name == "task_type_id":
        return world.id(STUDIO, "task_type", STONE)
    return world.id(place, "project") if name == "project_id" else world.id(place, "entity", labels.get(name, "apart"))


def requests_of(world: World, who: Onlooker) -> Iterator[tuple[Operation, str]]:
    """All that an onlooker asks: each route and path with its query string."""
    for operation in GETS:
        if operation.path in LEFT_OUT:
            continue
        has_path = bool(_PARAMETER.search(operation.path))
        about_shows = has_path and not all(
            _table_is_of_studio(world, operation, name) for name, _ in _PARAMETER.findall(operation.path)
        )
        asked = list(dict.fromkeys(_requests(world, who, operation, has_path, about_shows)))
        yield from ((operation, path) for path in asked)


def _table_is_of_studio(world: World, operation: Operation, parameter: str) -> bool:
    if parameter in _PLAIN:
        return True
    table = _ROWS.get(parameter, (_table_of(operation, parameter),))[0]
    return table not in world.rows[VIEWED]


def _requests(world: World, who: Onlooker, operation: Operation, has_path: bool, about_shows: bool) -> Iterator[str]:
    full = (bool(who.standing.teams) and who.name not in _ASKED_LITTLE) or who.standing.role == "admin"
    home = list(paths(world, operation, who.home, full=full and not who.refused))
    yield from home
    if who.refused or who.name in _ASKED_LITTLE:
        return
    places = [who.home, who.abroad]
    if who.name.startswith("left"):
        places.append(REMOVED)
    if about_shows:
        for place in places[1:]:
            yield from paths(world, operation, place, full=False)
        yield from mixed(world, operation, *places[:2])
    if not has_path or full:
        for query in queries(world, operation, places, in_path=has_path):
            yield f"{home[0]}?{query}"


class Asking:
    """One onlooker's connection."""

    def __init__(self, api: str, world: World, who: Onlooker) -> None:
        self.world, self.who, self.done = world, who, Asked()
        parts = urlsplit(api)
        assert parts.hostname is not None
        self._root = parts.path
        self._http = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        self._headers = {"Authorization": f"Bearer {who.token}"} if who.token else {}

    def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
        """The status and all bytes of an answer, headers included."""
        self._http.request(method, self._root + path, headers={**self._headers, **headers})
        answer = self._http.getresponse()
        body = answer.read()
        self.done.requests += 1
        return answer.status, body + b"\n" + str(answer.headers).encode()

    def everything(self) -> Asked:
        """Ask all there is to ask."""
        for operation, path in requests_of(self.world, self.who):
            status, answer = self.get(path)
            if status >= 500:
                self.done.faults.append(f"{self.who.name}: GET {path}: {status} {answer[:300]!r}")
            if status == 200:
                self.done.answered.add(operation.path)
            self.judge(operation.path, path, answer)
        self._http.close()
        return self.done

    def judge(self, route: str, path: str, answer: bytes) -> None:
        """Note the marks that this onlooker must not see. What they sent themselves is no news to them."""
        for mark in marks_in(answer):
            secret = self.world.secrets.get(mark)
            if secret is None:
                continue
            self.done.seen.add(mark)
            if mark not in path and not may_see(self.who.standing, secret) and not meant(route, self.who, secret):
                self.done.leaks.setdefault((route, what(secret, self.who)), f"{path} shows {secret} ({mark})")


def meant(route: str, who: Onlooker, secret: Secret) -> bool:
    """Whether it is said that this shows what others must not."""
    roles = {who.standing.role, *who.standing.teams.values()}
    return any(route == path and fnmatch(str(secret), shown) and roles & to for path, shown, to, _ in MEANT)


def what(secret: Secret, who: Onlooker) -> str:
    """What was shown, in words that several rows share."""
    part = f"/{secret.part}" if secret.part else ""
    label = f":{secret.label}" if secret.label in ("Concept", "ConceptFolder", "shared") else ""
    where = secret.place if secret.place == STUDIO else "own" if secret.place in who.standing.teams else secret.place
    if secret.place == ISOLATED and where != "own":
        where = FOREIGN
    return f"{secret.table}{label}.{secret.column}{part} ({where})"


def oracles(world: World, who: Onlooker) -> Iterator[tuple[Operation, str, Secret]]:
    """Lists filtered on what the caller must not see of rows that they may know: the row must not be in the answer."""
    lists = {
        getattr(getattr(operation.returns, "table", None), "name", ""): operation
        for operation in GETS
        if not _PARAMETER.search(operation.path)
    }
    tried = set()
    for mark, secret in world.secrets.items():
        operation = lists.get(secret.table)
        column = (secret.table, secret.column, secret.place)
        row = world.secrets.get(str(secret.row))
        if operation is None or row is None or column in tried or secret.part or may_see(who.standing, secret):
            continue
        if may_see(who.standing, row):
            tried.add(column)
            yield operation, f"{operation.path}?{secret.column}={mark}", secret


#: Who, on which route, was shown what.
Leak = tuple[str, str, str]
