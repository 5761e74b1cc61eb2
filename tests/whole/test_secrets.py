"""Planted secrets: no answer to anybody holds what they may not see (tests/whole/who_may_see.py).

Every GET that the server declares is called as each kind of caller, with ids of their production, of others, and of
both mixed. A new route, table or column is in it by itself.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Any

import bcrypt
import jwt
import psycopg
import pytest
import socketio

from pegbar.app import load_domains
from pegbar.core.data.resource import Resource
from pegbar.search.shapes import INDEXES
from tests.client import Client, sign_in
from tests.core.listener import Feed, Listener
from tests.server import Server
from tests.whole.asking import GETS, LEFT_OUT, Asked, Asking, Leak, Onlooker, meant, oracles, paths, what
from tests.whole.planted_shows import (
    FOREIGN,
    ISOLATED,
    REMOVED,
    SHOWS,
    STONE,
    VIEWED,
    WOOD,
    plant_show,
    plant_studio,
    tie,
)
from tests.whole.planting import DAY, STUDIO, Secret, World
from tests.whole.who_may_see import NOBODYS, Standing, may_see, rules_of

_KEY = "a key that only this test and its server know"
_PASSWORD = "a long enough password"
_HASH = bcrypt.hashpw(_PASSWORD.encode(), bcrypt.gensalt(4))

#: Callers by kind: the role in the studio, and in the teams they are in.
KINDS: dict[str, Standing] = {
    "studio manager": Standing("admin"),
    "manager": Standing("manager", {VIEWED: "manager"}),
    "manager of another production": Standing("manager", {FOREIGN: "manager"}),
    "manager in no team": Standing("manager"),
    "manager, vendor here": Standing("manager", {VIEWED: "vendor"}),
    "manager, client here": Standing("manager", {VIEWED: "client"}),
    "manager, artist here": Standing("manager", {VIEWED: "user"}),
    "artist, manager here": Standing("user", {VIEWED: "manager"}),
    "supervisor of another department": Standing("supervisor", {VIEWED: "supervisor"}, STONE),
    "artist": Standing("user", {VIEWED: "user"}),
    "artist outside": Standing("user"),
    "left": Standing("user"),
    "client": Standing("client", {VIEWED: "client"}),
    "isolated client": Standing("client", {ISOLATED: "client"}),
    "preview account": Standing("client", {VIEWED: "client"}),
    "guest": Standing("client"),
    "vendor": Standing("vendor", {VIEWED: "vendor"}),
    "bot": Standing("user", {VIEWED: "user"}),
    # Nobody, as far as the server is concerned:
    "anonymous": Standing(),
    "inactive": Standing(),
    "expired": Standing(),
    "revoked": Standing(),
}
#: Whose token ended: they are in the team otherwise.
_ENDED = ("inactive", "expired", "revoked")


#: The tables of which the search finds rows.
SEARCHED = ("entity", "project", "person", "playlist", "comment")
FOUND_BY = {
    *("entity.name", "entity.description", "entity.data", "project.name", "project.code", "project.description"),
    *("person.first_name", "person.last_name", "playlist.name", "comment.text", "comment.replies", "comment.checklist"),
}
#: Onlookers who see what another one sees, or may not search.
NO_OTHERS = ("studio manager", "bot", "manager in no team", "artist outside", "preview account")

#: Tables that no route answers, not even to studio managers; nor does one answer the rows of links.
UNSERVED = {"preview_file_storage_state", "stored_file"}


def assert_none(leaks: Mapping[Leak, str]) -> None:
    """Nothing leaks; else who is told what, where, with an example."""
    lines = [f"{' | '.join(leak)}: {leaks[leak]}" for leak in sorted(leaks)]
    assert not lines, "LEAKS\n" + "\n".join(lines)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(SECRET_KEY=_KEY) as running:
        yield running


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    with psycopg.connect(server.database_url, autocommit=True) as connection:
        yield planted_world(connection)


def planted_world(connection: psycopg.Connection) -> World:
    """All productions, one of them under removal: its team is gone, most of its rows are there."""
    planted = World(connection)
    plant_studio(planted)
    for place in SHOWS:
        plant_show(planted, place)
    tie(planted, VIEWED, FOREIGN)
    tie(planted, FOREIGN, VIEWED)
    removal = {"project_id": planted.id(REMOVED, "project"), "project_name": "gone", "doing": "tasks"}
    # Worked on in the future: the job that goes on with abandoned removals leaves it alone.
    planted.link("pegbar.project_removal", **removal, requested_at=DAY, updated_at="2131-01-06", total=1, removed=0)
    connection.execute("DELETE FROM project_person_link WHERE project_id = %s", [removal["project_id"]])
    return planted


def _hire(world: World, name: str, standing: Standing) -> str:
    """A person of a kind, in their teams, with what the server keeps for them in their own and other productions."""
    email = f"{'.'.join(name.replace(',', '').split())}@people.example"
    more: dict[str, Any] = {"is_bot": name == "bot", "is_guest": name == "guest"}
    if name == "preview account":
        until = world.connection.execute("SELECT now() AT TIME ZONE 'UTC' + interval '1 hour'").fetchone()
        more |= {"preview_project_id": world.id(VIEWED, "project"), "preview_opened_at": "2020-01-01"}
        more |= {"preview_open_until": until[0] if until else None}
    role = standing.role or "manager"
    person = world.plant(STUDIO, "person", f"~{name}", role=role, email=email, password=_HASH, totp_secret=None,
                         login_failed_attemps=0, last_login_failed=None, **more)  # fmt: skip
    world.forget(person)
    teams = {VIEWED: "manager"} if name in _ENDED else standing.teams
    for place, role_here in teams.items():
        link = {"project_id": world.id(place, "project"), "person_id": person, "role": role_here}
        world.forget(world.plant(place, "project_person_link", f"~{name}", **link))
    department = world.id(STUDIO, "department", standing.department)
    world.link("department_link", person_id=person, department_id=department)
    _belongings(world, name, person, [FOREIGN, REMOVED] if name == "left" else list(teams))
    return email


def _belongings(world: World, name: str, person: Any, places: list[str]) -> None:
    for place in places:
        if name not in ("guest", "manager, vendor here"):
            world.link("task_person_link", task_id=world.id(place, "task", "reached"), person_id=person)
        for label in ("reached", "apart"):
            world.link("chat_participant", chat_id=world.id(place, "chat", label), person_id=person)
            of_task = {"task_id": world.id(place, "task", label), "person_id": person}
            world.forget(world.plant(place, "subscription", f"~{name} {label}", task_type_id=None, **of_task))
        for label in ("internal", "clients", "by a client", "apart"):
            about = {"comment_id": world.id(place, "comment", label), "type": "comment", "person_id": person}
            task = world.id(place, "task", "apart" if label == "apart" else "reached")
            author = world.id(place, "person", "client" if label == "by a client" else "crew")
            row = world.plant(place, "notification", f"~{name} {label}", author_id=author, task_id=task, **about)
            world.forget(row)


def _minted(person_id: Any, **claims: Any) -> str:
    now = time.time()
    known = {"sub": str(person_id), "iat": now, "nbf": int(now), "jti": f"of {person_id}", "type": "access"}
    return jwt.encode({**known, "identity_type": "person", **claims}, _KEY, algorithm="HS256")


@pytest.fixture(scope="module")
def onlookers(server: Server, world: World) -> dict[str, Onlooker]:
    return hired(server, world)


def hired(server: Server, world: World) -> dict[str, Onlooker]:
    """Everybody, signed in."""
    made = {}
    for name, standing in KINDS.items():
        who = made[name] = Onlooker(name, standing, refused=standing.role is None)
        if name == "anonymous":
            continue
        email = _hire(world, name, standing)
        who.person_id = str(world.id(STUDIO, "person", f"~{name}"))
        if name == "expired":
            who.token = _minted(who.person_id, exp=int(time.time()) - 60)
        elif name == "guest":
            who.token = _minted(who.person_id)
        elif name == "bot":
            who.token = _minted(who.person_id, identity_type="bot", jti="of a bot")
            world.connection.execute("UPDATE person SET jti = 'of a bot' WHERE id = %s", [who.person_id])
        else:
            who.token = sign_in(server.api, email, _PASSWORD).token
    Client(server.api, made["revoked"].token).ok_get("/auth/logout")
    world.connection.execute("UPDATE person SET active = false WHERE id = %s", [made["inactive"].person_id])
    return made


class Answers:
    """What each onlooker was answered, asked once."""

    def __init__(self, server: Server, world: World, onlookers: dict[str, Onlooker]) -> None:
        self._server, self._world, self._onlookers = server, world, onlookers
        self._done: dict[str, Asked] = {}

    def to(self, name: str) -> Asked:
        if name not in self._done:
            self._done[name] = Asking(self._server.api, self._world, self._onlookers[name]).everything()
        return self._done[name]


@pytest.fixture(scope="module")
def answers(server: Server, world: World, onlookers: dict[str, Onlooker]) -> Answers:
    return Answers(server, world, onlookers)


def test_the_table_says_who_sees_each_secret(world: World) -> None:
    special = ("person", "day_off", "login_log", "desktop_login_log")
    assert all(rules_of(secret) for secret in world.secrets.values() if secret.table not in special)


@pytest.mark.parametrize("name", KINDS)
def test_nobody_is_answered_what_they_may_not_see(answers: Answers, name: str) -> None:
    done = answers.to(name)
    assert not done.faults
    assert_none({(name, *leak): example for leak, example in done.leaks.items()})


def test_what_is_planted_is_answered_to_studio_managers(world: World, answers: Answers) -> None:
    """Else no answer could show anything, whatever the server did."""
    planted = {(secret.table, secret.column) for secret in world.secrets.values()}
    shown = {(world.secrets[mark].table, world.secrets[mark].column) for mark in answers.to("studio manager").seen}
    hidden = {each for each in planted - shown if each[0] not in UNSERVED and not each[0].endswith("_link")}
    assert hidden == {each for each in NOBODYS if each[0] == "person"}


def test_filters_do_not_tell_what_columns_hide(server: Server, world: World, onlookers: dict[str, Onlooker]) -> None:
    found: dict[Leak, str] = {}
    for name, who in onlookers.items():
        asking = Asking(server.api, world, who)
        for operation, path, secret in [] if who.refused else oracles(world, who):
            status, answer = asking.get(path)
            way = f"a filter of {operation.path}"
            if status == 200 and str(secret.row).encode() in answer and not meant(way, who, secret):
                found[name, way, what(secret, who)] = f"{path} finds {secret}"
    assert_none(found)


def test_search_neither_shows_nor_finds_what_is_hidden(
    server: Server, world: World, onlookers: dict[str, Onlooker]
) -> None:
    """A row that one may see is not found either by what one may not see of it."""
    found: dict[Leak, str] = {}
    boss = Client(server.api, onlookers["studio manager"].token)
    words = {mark: secret for mark, secret in world.secrets.items() if secret.table in SEARCHED and mark[:2] == "qz"}
    # Of all columns, these are what rows are found by; in productions that are open.
    known = {mark: secret for mark, secret in words.items() if _finds(boss, mark, secret)}
    assert {f"{secret.table}.{secret.column}" for secret in known.values()} == FOUND_BY
    open_to_boss = {secret.place for secret in known.values() if secret.table != "person"}
    assert open_to_boss == {VIEWED, FOREIGN, ISOLATED}
    for name, who in onlookers.items():
        client = Client(server.api, who.token)
        for mark, secret in {} if who.refused or who.name in NO_OTHERS else words.items():
            asked = secret.place == who.home or secret.label in ("", "apart", "Shot", "internal", "crew")
            hidden = not may_see(who.standing, secret) and (mark in known or secret.place == REMOVED)
            if asked and hidden and _finds(client, mark, secret):
                found[name, "/data/search", what(secret, who)] = f"{mark} finds {secret}"
        asking = Asking(server.api, world, who)
        for query in () if who.refused else ("qz", *(f"qz{digit}" for digit in "0123456789abcdefghijklmnopqrstuvwxyz")):
            body = {"query": f"{query:<3}", "index_names": list(INDEXES), "limit": 100}
            asking.judge("/data/search", "", client.post("/data/search", body).content)
        found |= {(name, *leak): example for leak, example in asking.done.leaks.items()}
    assert_none(found)


def _finds(who: Client, mark: str, secret: Secret) -> bool:
    """Whether somebody finds a row by a mark in it."""
    entities = ["assets", "shots", "sequences", "edits", "episodes"]
    names = entities if secret.table == "entity" else [f"{secret.table}s"]
    answer = who.post("/data/search", {"query": mark, "index_names": names, "limit": 20})
    assert answer.status_code == 200, (mark, answer.text)
    return f'"id":"{secret.row}"' in answer.text


#: Those who differ in what queries tell them, and what they ask for: the other kinds of entities follow the same rules,
#: and tables of the studio alone have no secrets.
_ASK_QUERIES = ("manager, client here", "artist", "client", "vendor")
_QUERIED = {
    *(
        "tasks",
        "entities",
        "shots",
        "concepts",
        "comments",
        "preview-files",
        "working-files",
        "time-spents",
        "projects",
    ),
    *("persons", "playlists", "metadata-descriptors", "departments", "news", "notifications", "entity-links"),
}
#: Fields of a query, at most.
_FIELDS = 100


def test_queries_tell_nothing_that_is_hidden(server: Server, world: World, onlookers: dict[str, Onlooker]) -> None:
    """All fields of all things, and of all that they are related to."""
    found: dict[Leak, str] = {}
    rows: dict[str, int] = {}
    for name in _ASK_QUERIES:
        client = Client(server.api, onlookers[name].token)
        asking = Asking(server.api, world, onlookers[name])
        offered = _QUERIED & set(client.ok_get("/open/v1/query"))
        things = {thing: client.ok_get(f"/open/v1/query/{thing}") for thing in sorted(offered)}
        for thing, told in things.items():
            fields = [field["name"] for field in told["fields"]]
            for step in told["relations"]:
                below = things.get(step["thing"], {"fields": []})["fields"]
                fields += [f"{step['name']}.{field['name']}" for field in below] if step["thing"] else [step["name"]]
            for start in range(0, len(fields), _FIELDS):
                query = {"fields": fields[start : start + _FIELDS], "limit": 1000}
                answer = client.post(f"/open/v1/query/{thing}", query)
                assert answer.status_code == 200, answer.text
                asking.judge(f"/open/v1/query/{thing}", "", answer.content)
                rows[thing] = rows.get(thing, 0) + len(answer.json()["data"])
        found |= {(name, *leak): example for leak, example in asking.done.leaks.items()}
    assert {thing for thing, number in rows.items() if number} >= {"tasks", "shots", "comments", "persons", "projects"}
    assert_none(found)


def test_headers_alone_tell_nothing(server: Server, world: World, onlookers: dict[str, Onlooker]) -> None:
    leaks = {}
    for name in ("artist outside", "client", "vendor"):
        asking = Asking(server.api, world, onlookers[name])
        for operation in GETS:
            if operation.path not in LEFT_OUT:
                for path in paths(world, operation, FOREIGN, full=False):
                    asking.judge(operation.path, path, asking.get(path, "HEAD")[1])
        leaks |= asking.done.leaks
    assert not leaks


def test_a_validator_of_somebody_else_opens_nothing(
    server: Server, world: World, onlookers: dict[str, Onlooker]
) -> None:
    admin = Asking(server.api, world, onlookers["studio manager"])
    boards = [
        operation.path for operation in GETS if operation.path.endswith("/with-tasks") and "{" not in operation.path
    ]
    show, tags = world.id(VIEWED, "project"), {}
    for board in boards:
        path = f"{board}?project_id={show}"
        found = re.search(rb"(?i)^etag: (.*)$", admin.get(path)[1], re.MULTILINE)
        if found:
            tags[path] = found[1].decode().strip()
    assert tags
    for who in onlookers.values():
        asking = Asking(server.api, world, who)
        # Others may be answered the same as a studio manager, and then are told so.
        if who.standing.role != "admin" and who.standing.teams.get(VIEWED) in (None, "client", "vendor"):
            answers = [asking.get(path, **{"If-None-Match": tag})[0] for path, tag in tags.items()]
            assert 304 not in answers, who.name


def _changes(admin: Client, world: World) -> None:
    """Something happens to every kind of row, here and in the foreign production."""
    changed = {operation.returns.table.name: operation.path for operation in load_domains()
               if operation.method == "PUT" and operation.path.endswith("/{instance_id:str}")
               and isinstance(operation.returns, Resource)}  # fmt: skip
    for place in (VIEWED, FOREIGN):
        for table, path in changed.items():
            for label, row_id in list(world.rows[place].get(table, {}).items()):
                if not label.startswith("~"):
                    admin.put(path.replace("{instance_id:str}", str(row_id)), {})
        asset = world.id(place, "entity", "apart")
        value = world.mark("word", "entity", "data", place, "apart", asset, "department")
        admin.ok_put(f"/data/entities/{asset}", {"data": {"f_department": value}})
        for label, of in {"internal": "reached", "apart": "apart", "of a concept": "Concept"}.items():
            task = world.id(place, "task", of)
            said = world.mark("word", "comment", "text", place, label, task)
            status = str(world.id(STUDIO, "task_status"))
            admin.ok_post(f"/actions/tasks/{task}/comment", {"task_status_id": status, "comment": said})


def test_sockets_and_feeds_tell_nothing_else(server: Server, world: World, onlookers: dict[str, Onlooker]) -> None:
    listening: dict[str, tuple[Listener, Feed]] = {}
    for name, who in onlookers.items():
        if who.refused:
            with pytest.raises(socketio.exceptions.ConnectionError):
                Listener(server.url, who.token)
        else:
            feed = Feed(Client(server.api, who.token))
            listening[name] = Listener(server.url, who.token), feed
    admin = Client(server.api, onlookers["studio manager"].token)
    _changes(admin, world)
    last = str(world.id(STUDIO, "department", WOOD))
    admin.ok_put(f"/data/departments/{last}", {})
    leaks: dict[Leak, str] = {}
    for name, (listener, feed) in listening.items():
        with listener:
            heard = listener.wait_for("department_id", last, timeout=60)
        standing = onlookers[name].standing
        hears = bool(standing.teams.keys() & {VIEWED, FOREIGN}) or standing.role == "admin"
        assert ("asset:update" in [event for event, _ in heard]) == hears, name
        asking = Asking(server.api, world, onlookers[name])
        asking.judge("the sockets", "", json.dumps(heard).encode())
        asking.judge("the feed", "", json.dumps(feed.read()).encode())
        for query in ("", *(f"&project_id={world.id(place, 'project')}" for place in (VIEWED, FOREIGN))):
            path = f"/data/events/last?limit=1000{query}"
            asking.judge("the log after changes", path, asking.get(path)[1])
        leaks |= {(name, *leak): example for leak, example in asking.done.leaks.items()}
    assert_none(leaks)
