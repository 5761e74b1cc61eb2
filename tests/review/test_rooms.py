"""Review rooms: what tabs on two nodes say to each other, who is in a room, and who may be."""

import json
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import psutil
import psycopg
import pytest
import requests
import websocket
from hypothesis import given
from hypothesis import strategies as st

from pegbar.review.rooms.messages import Assembly, encoded, pieces
from pegbar.review.rooms.state import DEFAULTS, change, merged, shown
from tests import factories
from tests.accounts.people import artist, signed_in
from tests.client import Client, unique
from tests.review.rooms import PEOPLE, ROOM, Tab
from tests.server import Server

Open = Callable[..., Tab]


@pytest.fixture(scope="module")
def nodes(server: Server) -> Iterator[tuple[Server, Server]]:
    """Two nodes on one database."""
    key, files = (server.folder / "secret.key").read_text(), str(server.folder / "previews")
    with Server(None, DATABASE_URL=server.database_url, SECRET_KEY=key, PREVIEW_FOLDER=files) as second:
        yield server, second


@pytest.fixture
def tab(nodes: tuple[Server, Server]) -> Iterator[Open]:
    """Opens tabs, on the first node unless another is named."""
    opened: list[Tab] = []

    def open_tab(who: Client, node: int = 0, **options: Any) -> Tab:
        opened.append(Tab(nodes[node].url, who, **options))
        return opened[-1]

    yield open_tab
    for one in opened:
        one.close()


@pytest.fixture(scope="module")
def people(admin: Client) -> dict[str, Client]:
    return {role: factories.hire(admin, role) for role in ("supervisor", "user", "client", "vendor", "manager")}


@pytest.fixture(scope="module")
def show(admin: Client, people: dict[str, Client]) -> dict[str, Any]:
    return factories.production(admin, *(people[role] for role in ("supervisor", "user", "client", "vendor")))


@pytest.fixture
def playlist(admin: Client, show: dict[str, Any]) -> str:
    return new_playlist(admin, show)


def new_playlist(admin: Client, show: dict[str, Any], **more: Any) -> str:
    row = {"name": unique("Dailies"), "project_id": show["id"], **more}
    return str(admin.ok_post("/data/playlists", row)["id"])


def polling_session(node: Server) -> str:
    opened = requests.get(f"{node.url}/socket.io/?EIO=4&transport=polling", timeout=20)
    return str(json.loads(opened.text[1:])["sid"])


def names(heard: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in heard]


def test_a_room_is_opened_joined_changed_and_left(
    tab: Open, admin: Client, people: dict[str, Client], playlist: str
) -> None:
    one, two = tab(admin), tab(people["user"], 1)
    one.say("open-playlist", playlist, user_id=admin.id)
    assert one.until(PEOPLE) == [(PEOPLE, {"people": [], "playlist_id": playlist, "id": playlist})]
    state = {"current_frame": 12, "is_playing": True, "local_id": "tab#1", "speed": 2, "room_seq": 4, "people": ["x"]}
    one.say("join", playlist, user_id=admin.id, **state)
    joined = one.until(ROOM)
    assert joined[0] == (PEOPLE, {"people": [admin.id], "playlist_id": playlist, "id": playlist})
    begun = {"user_id": admin.id, "current_frame": 12, "is_playing": True, "local_id": "tab#1", "speed": 2}
    assert joined[1][1] == {**DEFAULTS, **begun, "playlist_id": playlist, "people": [admin.id]}

    # Who comes later gets what the room looks at, whatever they send, and so do all.
    both = [admin.id, people["user"].id]
    seen = two.enter(playlist, current_frame=99)
    assert (seen["current_frame"], seen["people"], "only_newcomer" in seen) == (12, both, False)
    assert one.until(ROOM)[-1][1] == seen

    # An update leaves out fields: they are reset, but for the frame, the comparison and the speed.
    update = {"user_id": two.who.id, "local_id": "b#7", "comparing": {"enable": True, "x": 1}, "speed": True}
    two.say(ROOM, playlist, True, **update, handle_in=3)
    for hearer in (one, two):
        after = hearer.until(ROOM, local_id="b#7")[-1][1]
        assert (after["only_newcomer"], after["is_playing"], after["current_frame"]) == (True, False, 12)
        assert (after["speed"], after["comparing"], after["handle_in"]) == (2, {"enable": True}, 3)
        assert after.keys() == {*DEFAULTS, "playlist_id", "people", "only_newcomer"}

    two.say("leave", playlist, user_id=two.who.id)
    for hearer in (one, two):  # who left still listens
        assert hearer.until(PEOPLE)[-1][1]["people"] == [admin.id]
    one.say("leave", playlist)
    assert two.until(PEOPLE)[-1][1]["people"] == []
    assert two.enter(playlist)["current_frame"] == 0, "an empty room keeps nothing"


def test_what_is_said_is_passed_on_verbatim_and_in_order(
    tab: Open, admin: Client, people: dict[str, Client], playlist: str
) -> None:
    one, two = tab(admin), tab(people["supervisor"], 1, transport="polling")
    one.enter(playlist)
    two.enter(playlist)
    line = {"type": "PSStroke", "points": [[n, n / 3] for n in range(4000)], "text": "ä\u0000🎬"}
    said: list[tuple[str, dict[str, Any]]] = [
        ("add-annotation", {"data": {"local_id": "a#1", "user_id": admin.id, "time": 1.5, "obj": line, "laser": True}}),
        ("update-annotation", {"data": {"local_id": "a#2", "time": 1.5, "obj": {"id": "o"}}}),
        ("remove-annotation", {"data": {"local_id": "a#3", "time": 1.5, "obj": {"id": "o"}}}),
        ("change-version", {"local_id": "a", "preview_file_id": None}),
        ("panzoom-changed", {"local_id": "a", "data": {"x": 0.1, "y": -3, "zoom": 2}}),
        ("panzoom-changed", {"local_id": "a", "data": {"x": 0.1, "y": -3, "zoom": 2}}),
        ("comparison-panzoom-changed", {"local_id": "a", "data": {"x": 0, "y": 0, "zoom": 1}}),
    ]
    for event, payload in said:
        one.say(event, playlist, **payload)
    one.say(ROOM, playlist, local_id="last")
    expected = [(event, {"playlist_id": playlist, **payload}) for event, payload in said]
    for hearer in (one, two):
        heard = hearer.until(ROOM, local_id="last")
        assert [message for message in heard if message[0] not in (PEOPLE, ROOM)] == expected


def test_who_says_too_much_is_slowed_and_nothing_is_lost(tab: Open, admin: Client, playlist: str) -> None:
    one, two = tab(admin), tab(admin, 1)
    one.enter(playlist)
    two.enter(playlist)
    for number in range(600):
        one.mark(playlist, number)
    said = [payload["mark"] for name, payload in two.until("change-version", mark=599) if name == "change-version"]
    assert said == list(range(600))


def test_two_tabs_of_a_person_are_one_of_the_people_until_both_are_closed(
    tab: Open, admin: Client, people: dict[str, Client], playlist: str
) -> None:
    watcher, here, there = tab(admin), tab(people["user"]), tab(people["user"], 1)
    watcher.say("open-playlist", playlist)
    here.enter(playlist)
    there.enter(playlist)
    user = [people["user"].id]
    assert watcher.until(ROOM, people=user)
    here.close()
    # Not a word was said: only the socket tells.
    assert watcher.until(PEOPLE)[-1][1]["people"] == user
    there.say(ROOM, playlist, local_id="still")
    assert watcher.until(ROOM, local_id="still")[-1][1]["people"] == user
    there.close()
    assert watcher.until(PEOPLE, people=[])


def test_who_joins_an_empty_room_together_sees_the_same(
    tab: Open, admin: Client, people: dict[str, Client], show: dict[str, Any]
) -> None:
    tabs = [tab(admin), tab(people["user"], 1), tab(people["supervisor"])]
    for number in range(5):
        playlist = new_playlist(admin, show)
        for one in tabs:
            one.say("open-playlist", playlist)
            one.until(PEOPLE, id=playlist)
        with ThreadPoolExecutor() as together:
            for frame, one in enumerate(tabs, 1):
                together.submit(one.say, "join", playlist, current_frame=frame)
        everybody = {one.who.id for one in tabs}
        seen = []
        for one in tabs:
            state: dict[str, Any] = {"people": []}
            while set(state["people"]) != everybody:
                state = one.until(ROOM, playlist_id=playlist)[-1][1]
            seen.append(state)
        assert seen[0] == seen[1] == seen[2], number
        assert seen[0]["current_frame"] in (1, 2, 3)


def test_people_of_a_node_that_is_killed_leave_and_no_others(
    tab: Open, server: Server, admin: Client, people: dict[str, Client], playlist: str
) -> None:
    key, files = (server.folder / "secret.key").read_text(), str(server.folder / "previews")
    with Server(None, DATABASE_URL=server.database_url, SECRET_KEY=key, PREVIEW_FOLDER=files) as third:
        here, there = tab(admin), tab(people["supervisor"], 1)
        here.enter(playlist, current_frame=7)
        there.enter(playlist)
        lost = Tab(third.url, people["user"])
        lost.enter(playlist)
        here.until(ROOM, people=[admin.id, there.who.id, lost.who.id])
        assert third.process is not None
        root = psutil.Process(third.process.pid)
        for process in [root, *root.children(recursive=True)]:
            process.send_signal(signal.SIGKILL)
        third.process.wait(20)
    for hearer in (here, there):
        hearer.until(PEOPLE, people=[admin.id, there.who.id])
    there.say(ROOM, playlist, local_id="on")
    assert here.until(ROOM, local_id="on")[-1][1]["current_frame"] == 7
    lost.close()


def test_rooms_go_on_after_the_database_forgot_them(
    tab: Open, server: Server, admin: Client, people: dict[str, Client], playlist: str
) -> None:
    here, there = tab(admin), tab(people["supervisor"], 1)
    here.enter(playlist, current_frame=7, speed=2)
    there.enter(playlist)
    both = [admin.id, there.who.id]
    here.until(ROOM, people=both)
    # As after a crash: what is not logged is empty, and every connection is lost.
    with psycopg.connect(server.database_url, autocommit=True) as database:
        database.execute("TRUNCATE pegbar.review_room, pegbar.review_presence")
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pegbar events'"
        )
    for hearer in (here, there):
        state = hearer.until(ROOM)[-1][1]
        while set(state["people"]) != set(both):
            state = hearer.until(ROOM)[-1][1]
        assert (state["current_frame"], state["speed"]) == (7, 2)
    there.say(ROOM, playlist, local_id="on")
    assert here.until(ROOM, local_id="on")[-1][1]["current_frame"] == 7


def test_only_readers_of_a_playlist_enter(
    tab: Open, admin: Client, people: dict[str, Client], show: dict[str, Any], playlist: str
) -> None:
    tabs = {role: tab(people[role]) for role in ("user", "client", "vendor", "manager")}  # the manager is in no team
    shown_to_clients = new_playlist(admin, show, for_client=True)

    for one in tabs.values():
        for room in (playlist, shown_to_clients):
            one.say("open-playlist", room)
            one.say("join", room)
        one.answered()
    boss = tab(admin)
    expected = {playlist: {"user"}, shown_to_clients: {"user", "client"}}
    for room, roles in expected.items():
        assert set(boss.enter(room)["people"]) == {admin.id, *(people[role].id for role in roles)}
    # And who was refused hears nothing of what was said.
    for one in tabs.values():
        one.answered()
    heard = {role: {payload["playlist_id"] for _, payload in list(one.heard.queue)} for role, one in tabs.items()}
    both = {playlist, shown_to_clients}
    assert heard == {"user": both, "client": {shown_to_clients}, "vendor": set(), "manager": set()}


def test_who_may_not_see_the_playlist_any_more_is_taken_out(tab: Open, admin: Client, show: dict[str, Any]) -> None:
    room = new_playlist(admin, show, for_client=True)
    artists = [signed_in(admin, artist(admin)[1]) for _ in range(2)]
    client, boss, near = factories.hire(admin, "client"), tab(admin, 1), tab(admin)
    for member in (*artists, client):
        factories.join(admin, show["id"], member)
    removed, signed_out, outsider = tab(artists[0]), tab(artists[1]), tab(client)
    for one in (boss, near, removed, signed_out, outsider):
        one.enter(room)
    boss.until(ROOM, people=[admin.id, *(member.id for member in (*artists, client))])

    def goes(one: Tab, number: int) -> None:
        """Somebody goes from the people, hears nothing more and is not heard."""
        while one.who.id in boss.until(PEOPLE)[-1][1]["people"]:
            pass
        one.forget()
        if one.client.connected:
            one.mark(room, -number)
            one.answered()
        boss.mark(room, number)
        for hearer in (boss, near):
            said = [payload for name, payload in hearer.until("change-version", mark=number) if "mark" in payload]
            assert -number not in [payload["mark"] for payload in said]
        if one.client.connected:
            one.answered()
        assert one.heard.empty()

    admin.ok_delete(f"/data/projects/{show['id']}/team/{removed.who.id}")
    goes(removed, 1)
    signed_out.who.get("/auth/logout")
    goes(signed_out, 2)
    assert signed_out.gone.get(timeout=20)
    admin.ok_put(f"/data/playlists/{room}", {"for_client": False})
    goes(outsider, 3)
    admin.ok_delete(f"/data/playlists/{room}")
    near.forget()
    boss.mark(room, 4)
    boss.answered()
    near.enter(new_playlist(admin, show))  # said after it, on the same node
    near.say("open-playlist", room)
    near.answered()
    assert near.heard.empty()


def test_nobody_speaks_in_a_room_that_they_did_not_open(
    tab: Open, nodes: tuple[Server, Server], admin: Client, people: dict[str, Client], playlist: str
) -> None:
    boss, stranger, member = tab(admin), tab(people["user"]), tab(people["supervisor"])
    boss.enter(playlist)
    member.say("join", playlist)  # one of the people, but listening to nothing
    boss.until(PEOPLE, people=[admin.id, member.who.id])
    for one in (stranger, member):
        one.mark(playlist, 1)
        one.say(ROOM, playlist, current_frame=50)
        one.answered()
    assert member.heard.empty()
    member.say("open-playlist", playlist)
    boss.until(PEOPLE)
    member.say("close-playlist", playlist)
    member.mark(playlist, 2)
    member.answered()
    boss.say(ROOM, playlist, local_id="end")
    heard = boss.until(ROOM, local_id="end")
    assert "change-version" not in names(heard)
    assert heard[-1][1]["current_frame"] == 0


def test_what_is_malformed_is_ignored(tab: Open, nodes: tuple[Server, Server], admin: Client, playlist: str) -> None:
    one = tab(admin)
    one.enter(playlist, current_frame=5)
    before = nodes[0].text()
    for event in ("open-playlist", "join", "leave", "close-playlist", ROOM, "add-annotation", "panzoom-changed", "x"):
        for arguments in (
            (),
            (None,),
            ("text",),
            ([playlist],),
            ({},),
            ({"playlist_id": None},),
            ({"playlist_id": "temp"},),
            ({"playlist_id": 3},),
            ({"playlist_id": "'; DROP TABLE playlist"},),
            ({"playlist_id": admin.id, "data": {}},),
        ):
            one.raw(event, *arguments)
    worse = [float("nan"), float("inf"), b"bytes", "\u0000", "\ud800", "x" * 10_000]
    for value in worse:
        one.say(ROOM, playlist, local_id=value)
        one.say("panzoom-changed", playlist, data=value)
    for packet in ("2/events,", "2/events,[]", "2/events,{}", "2/events,[1]", "5", "9/events", "x", '2/events,["'):
        one.client.eio.send(packet)
    one.say(ROOM, playlist, local_id="end")
    heard = one.until(ROOM, local_id="end")
    assert (names(heard).count(ROOM), heard[-1][1]["current_frame"]) == (1, 5)
    # What is JSON is passed on, whatever it holds.
    passed = [payload["data"] for name, payload in heard if name == "panzoom-changed"]
    assert passed == worse[3:]
    # What is no packet at all ends its connection.
    address = nodes[0].url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
    for frame in ("x", ""):
        alien = websocket.create_connection(address, timeout=20)
        alien.recv()
        alien.send(frame)
        while alien.recv():
            pass
    requests.post(f"{nodes[0].url}/socket.io/?EIO=4&transport=polling&sid={polling_session(nodes[0])}", "x", timeout=20)
    added = nodes[0].text()[len(before) :]
    for fault in ("handler error", "raised an exception", "client said", "review room"):
        assert fault not in added, "nothing of it is worth a line in the log"


def test_preview_accounts_only_look(tab: Open, admin: Client, show: dict[str, Any], server: Server) -> None:
    room = new_playlist(admin, show, for_client=True)
    boss, guest = tab(admin), factories.hire(admin, "client")
    factories.join(admin, show["id"], guest)
    with psycopg.connect(server.database_url) as connection:
        connection.execute(
            "UPDATE person SET preview_project_id = %s, preview_opened_at = '2020-01-01',"
            " preview_open_until = '2100-01-01' WHERE id = %s",
            (show["id"], guest.id),
        )
    boss.enter(room)
    looking = tab(guest)
    looking.enter(room)
    boss.until(PEOPLE, people=[admin.id, guest.id])
    looking.mark(room, 1)
    looking.say(ROOM, room, current_frame=9)
    looking.answered()
    boss.mark(room, 2)
    assert [payload["mark"] for name, payload in looking.until("change-version") if name == "change-version"] == [2]
    looking.say("leave", room)
    boss.until(PEOPLE, people=[admin.id])


def test_the_server_of_rooms_has_a_name(server: Server, admin: Client) -> None:
    assert admin.ok_get("/rooms") == admin.ok_post("/rooms") == {"name": "Pegbar Review rooms"}
    assert requests.get(f"{server.api}/rooms", timeout=20).status_code == 401


# Pure rules

_VALUES = st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text("ab#", max_size=9) | st.floats(0, 9)
_COMPARISONS = _VALUES | st.dictionaries(st.sampled_from([*DEFAULTS["comparing"], "x"]), _VALUES)
_PAYLOADS = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys([*DEFAULTS, "people", "room_seq"], _VALUES), "comparing": _COMPARISONS}
)


@given(_PAYLOADS, _PAYLOADS)
def test_a_state_after_an_update(first: dict[str, Any], sent: dict[str, Any]) -> None:
    """The specification, read a second time."""
    room_id = UUID(int=7)
    begun, changed = change(first), change(sent)
    assert begun is not None
    assert changed is not None
    before = shown(room_id, begun, ["somebody"])
    after = shown(room_id, merged(begun, changed), ["somebody"])
    assert after.keys() == {*DEFAULTS, "playlist_id", "people"}
    assert (after["people"], after["playlist_id"]) == (["somebody"], str(room_id))
    for key in DEFAULTS:
        if key == "current_frame":
            expected = sent.get(key, before[key])
        elif key == "speed":
            number = type(sent.get(key)) in (int, float)
            expected = sent[key] if number else before[key]
        elif key == "comparing":
            is_object = isinstance(sent.get(key), dict)
            expected = {k: v for k, v in sent[key].items() if k != "x"} if is_object else before[key]
        else:
            expected = sent[key] if key in sent else DEFAULTS[key]
        assert after[key] == expected, key


@given(st.lists(st.tuples(st.sampled_from(["x", "ä", "🎬", "\0", ":"]), st.integers(0, 20_000)), max_size=4))
def test_messages_are_put_together_as_they_were(sizes: list[tuple[str, int]]) -> None:
    room_id, assembly = UUID(int=9), Assembly()
    texts, heard = [character * size for character, size in sizes], []
    for text in texts:
        encoded_text = encoded("change-version", {"text": text})
        assert encoded_text is not None
        for number, piece in enumerate(pieces(room_id, encoded_text)):
            notification = f"{number}:{piece}"
            assert len(notification.encode()) < 8000
            heard.append(assembly.add(notification))
    assert [message.payload["text"] for message in heard if message is not None] == texts
    assert all(message.room_id == room_id for message in heard if message is not None)
