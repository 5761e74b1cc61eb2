"""What two people do to the same entities at the same moment: nothing is lost, doubled, or counted wrong."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.client import Client
from tests.entities.shows import Show
from tests.factories import named, task


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """The results of calls made from a thread each."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def colleague(admin: Client) -> Client:
    """The same person on a connection of their own."""
    return Client(admin.api, admin.token, admin.person)


def test_two_people_make_the_same_shot(admin: Client) -> None:
    show = Show(admin)
    sequence = show.sequence()
    people = [colleague(admin) for _ in range(4)]
    for body in ({"name": "SH010", "sequence_id": sequence["id"]}, {"name": "SH010"}):
        answers = at_once(*[lambda who=who, body=body: who.post(f"{show.path}/shots", body) for who in people])
        assert [answer.status_code for answer in answers] == [201] * 4
        assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(admin.ok_get(f"{show.path}/shots")) == 2


def test_two_people_add_to_one_casting(admin: Client) -> None:
    show = Show(admin)
    episode = show.episode()
    shot = show.shot(show.sequence(episode))
    assets = [show.asset() for _ in range(4)]
    path = f"{show.path}/entities/casting/assets"
    body = {"entity_ids": [shot["id"]], "nb_occurences": 1}
    answers = at_once(*[lambda asset=asset: colleague(admin).put(f"{path}/{asset['id']}", body) for asset in assets])
    assert [answer.status_code for answer in answers] == [200] * 4
    for of in (shot, episode):
        assert set(show.casting(of)) == {asset["id"] for asset in assets}
        assert show.read(of)["nb_entities_out"] == 4


def test_two_people_replace_one_casting(admin: Client) -> None:
    show = Show(admin)
    episode = show.episode()
    shot = show.shot(show.sequence(episode))
    pairs = [[show.asset() for _ in range(2)] for _ in range(3)]
    at_once(*[lambda pair=pair: Show.cast(show_of(show, colleague(admin)), shot, *pair) for pair in pairs])
    left = set(show.casting(shot))
    assert left in [{asset["id"] for asset in pair} for pair in pairs]
    assert show.read(shot)["nb_entities_out"] == 2
    assert set(show.casting(episode)) == left
    assert show.read(episode)["nb_entities_out"] == 2


def show_of(show: Show, who: Client) -> Show:
    """A production as somebody else sees it."""
    other = Show.__new__(Show)
    other.__dict__ = {**show.__dict__, "admin": who}
    return other


def test_one_takes_an_asset_out_of_a_shot_while_another_casts_it(admin: Client) -> None:
    show = Show(admin)
    episode = show.episode()
    sequence = show.sequence(episode)
    one, other, asset = show.shot(sequence), show.shot(sequence), show.asset()
    for _ in range(4):
        show.cast(one, asset)
        show.cast(other)
        at_once(
            lambda: show_of(show, colleague(admin)).cast(one),
            lambda: show_of(show, colleague(admin)).cast(other, asset),
        )
        assert show.casting(other) == [asset["id"]]
        assert show.casting(episode) == [asset["id"]]
        assert show.read(episode)["nb_entities_out"] == 1


def test_an_asset_gets_ready_while_it_is_cast_and_tasks_are_made(admin: Client) -> None:
    show = Show(admin)
    layout = named(admin, "task-types", "Layout", for_entity="Shot")["id"]
    admin.ok_post(f"{show.path}/settings/task-types", {"task_type_id": layout, "priority": 1})
    shots, asset = [show.shot() for _ in range(3)], show.asset()
    results = at_once(
        *[lambda shot=shot: task(colleague(admin), shot, "Layout") for shot in shots],
        *[lambda shot=shot: show_of(show, colleague(admin)).cast(shot, asset) for shot in shots],
        lambda: colleague(admin).ok_put(f"/data/entities/{asset['id']}", {"ready_for": layout}),
    )
    for row in results[: len(shots)]:
        assert admin.ok_get(f"/data/tasks/{row['id']}")["nb_assets_ready"] == 1


def test_two_people_rename_shots_to_one_name(admin: Client) -> None:
    show = Show(admin)
    sequence = show.sequence()
    shots = [show.shot(sequence) for _ in range(3)]
    answers = at_once(
        *[lambda shot=shot: colleague(admin).put(f"/data/shots/{shot['id']}", {"name": "SH999"}) for shot in shots]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 400, 400]


def test_two_people_delete_one_shot(admin: Client) -> None:
    show = Show(admin)
    shot, asset = show.shot(show.sequence()), show.asset()
    show.cast(shot, asset)
    task(admin, shot, "Layout")
    answers = at_once(
        *[lambda: colleague(admin).delete(f"/data/shots/{shot['id']}?force=true") for _ in range(3)],
        lambda: colleague(admin).delete(f"/data/assets/{asset['id']}?force=true"),
    )
    assert sorted(answer.status_code for answer in answers[:3]) == [204, 404, 404]
    assert answers[3].status_code == 204


def test_one_makes_shots_in_a_sequence_that_another_deletes(admin: Client) -> None:
    show = Show(admin)
    sequence = show.sequence()
    body = {"name": "SH010", "sequence_id": sequence["id"]}
    answers = at_once(
        *[lambda n=n: colleague(admin).post(f"{show.path}/shots", {**body, "name": f"SH{n}"}) for n in range(4)],
        lambda: colleague(admin).delete(f"/data/sequences/{sequence['id']}?force=true"),
        *[lambda n=n: colleague(admin).post(f"{show.path}/shots", {**body, "name": f"SH{n}"}) for n in range(4, 8)],
    )
    assert answers[4].status_code == 204
    assert {answer.status_code for answer in answers[:4] + answers[5:]} <= {201, 400, 404}
    assert admin.ok_get(f"{show.path}/shots") == []
