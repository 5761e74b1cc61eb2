"""Several people change a playlist at once, and nobody's entry is lost."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pegbar.review.merging import added, couple_of, merged
from tests import factories
from tests.client import Client
from tests.review.test_playlists import new_playlist

Entry = dict[str, Any]
_IDS = [str(UUID(int=n)) for n in range(1, 6)]
entries = st.lists(
    st.builds(
        lambda of, preview: {"entity_id": of, "preview_file_id": preview},
        st.sampled_from(_IDS[:3]),
        st.sampled_from([None, *_IDS[3:]]),
    ),
    max_size=8,
)


@pytest.fixture(scope="module")
def manager(admin: Client) -> Client:
    return factories.hire(admin, "manager")


@pytest.fixture(scope="module")
def show(admin: Client, manager: Client) -> dict[str, Any]:
    return factories.production(admin, manager)


@pytest.fixture(scope="module")
def shots(admin: Client, show: dict[str, Any]) -> list[str]:
    return [factories.entity(admin, show["id"], "Shot")["id"] for _ in range(12)]


def listed(rows: Sequence[Entry]) -> list[str]:
    return [entry["entity_id"] for entry in rows]


def of(*entity_ids: str) -> list[Entry]:
    return [{"entity_id": entity_id, "preview_file_id": None} for entity_id in entity_ids]


def test_a_list_sent_with_its_version_keeps_what_others_added_since(
    admin: Client, manager: Client, show: dict[str, Any], shots: list[str]
) -> None:
    one, two, three, four = shots[:4]
    made = new_playlist(admin, show, shots=of(one, two))
    path = f"/data/playlists/{made['id']}"
    mine = manager.ok_get(path)
    admin.ok_post(f"/actions/playlists/{made['id']}/add-entity", {"entity_id": three})
    saved = manager.ok_put(path, {**mine, "shots": of(two, one)})
    assert listed(saved["shots"]) == [two, three, one]
    # Seen, it goes like any other; without a version the list is what was sent.
    assert listed(manager.ok_put(path, {**saved, "shots": of(one)})["shots"]) == [one]
    admin.ok_post(f"/actions/playlists/{made['id']}/add-entity", {"entity_id": four})
    assert listed(manager.ok_put(path, {"shots": of(two)})["shots"]) == [two]


def test_the_version_stands_wherever_the_list_does(
    admin: Client, manager: Client, show: dict[str, Any], shots: list[str]
) -> None:
    made = new_playlist(admin, show, shots=of(shots[0]))
    assert made["shots_version"] == 0
    version = admin.ok_post(f"/actions/playlists/{made['id']}/add-entity", {"entity_id": shots[1]})["shots_version"]
    assert version > 0
    (row,) = manager.ok_get("/data/playlists", params={"name": made["name"]})
    read = manager.ok_get(f"/data/projects/{show['id']}/playlists/{made['id']}")
    assert row["shots_version"] == read["shots_version"] == version


def test_a_script_takes_out_what_its_own_stale_copy_added(
    admin: Client, manager: Client, show: dict[str, Any], shots: list[str]
) -> None:
    made = new_playlist(admin, show, shots=of(shots[0]))
    path = f"/data/playlists/{made['id']}"
    copy = manager.ok_get(path)
    manager.ok_put(path, {**copy, "shots": of(*shots[:2])})
    assert listed(manager.ok_put(path, {**copy, "shots": of(shots[0])})["shots"]) == [shots[0]]
    # What it added one by one is in no copy of its own.
    manager.ok_post(f"/actions/playlists/{made['id']}/add-entity", {"entity_id": shots[2]})
    assert listed(manager.ok_put(path, copy)["shots"]) == [shots[0], shots[2]]


def test_a_version_that_is_none_changes_nothing(admin: Client, show: dict[str, Any], shots: list[str]) -> None:
    made = new_playlist(admin, show, shots=of(shots[0]))
    path = f"/data/playlists/{made['id']}"
    admin.ok_post(f"/actions/playlists/{made['id']}/add-entity", {"entity_id": shots[1]})
    for version in (None, "x", 2**80, [1]):
        assert listed(admin.ok_put(path, {"shots": of(shots[2]), "shots_version": version})["shots"]) == [shots[2]]
    malformed: list[Any] = ["none", {"a": 1}, [1], [[]]]
    for nonsense in malformed:
        assert admin.put(path, {"shots": nonsense, "shots_version": 0}).status_code == 400


def test_two_who_add_and_reorder_at_once_lose_nothing(
    admin: Client, manager: Client, show: dict[str, Any], shots: list[str]
) -> None:
    made = new_playlist(admin, show, shots=of(*shots[:4]))
    path = f"/data/playlists/{made['id']}"

    def add(entity_id: str) -> None:
        Client(admin.api, admin.token).ok_post(f"/actions/playlists/{made['id']}/add-entity", {"entity_id": entity_id})

    def reorder(times: int) -> None:
        who = Client(manager.api, manager.token)
        for _ in range(times):
            read = who.ok_get(path)
            who.ok_put(path, {"shots": read["shots"][::-1], "shots_version": read["shots_version"]})

    with ThreadPoolExecutor(3) as pool:
        work = [pool.submit(reorder, 8), *(pool.submit(add, entity_id) for entity_id in shots[4:])]
        for done in work:
            done.result()
    assert sorted(listed(admin.ok_get(path)["shots"])) == sorted(shots)


@given(sent=entries, stored=entries, more=entries)
def test_merging_keeps_the_order_of_both_and_adds_only_the_unseen(
    sent: list[Entry], stored: list[Entry], more: list[Entry]
) -> None:
    unseen = {couple_of(entry) for entry in more}
    whole = merged(sent, stored, unseen)
    mine = {couple_of(entry) for entry in sent}
    kept = [entry for entry in stored if couple_of(entry) in unseen - mine]
    assert [entry for entry in whole if couple_of(entry) in mine] == sent
    assert sorted(map(repr, (entry for entry in whole if couple_of(entry) not in mine))) == sorted(map(repr, kept))


@given(before=entries, after=entries)
def test_an_entity_in_another_preview_is_no_addition(before: list[Entry], after: list[Entry]) -> None:
    new = added(before, after)
    assert set(new) <= {couple_of(entry) for entry in after} - {couple_of(entry) for entry in before}
    for entity_id in _IDS[:3]:
        growth = listed(after).count(entity_id) - listed(before).count(entity_id)
        assert len([couple for couple in new if str(couple[0]) == entity_id]) <= max(growth, 0)
    assert added(before, before) == []
