"""Gazu's context: the same lists of a production, whole or narrowed to what one works on."""

import gazu
import pytest
from gazu.client import KitsuClient

from tests.client import unique
from tests.gazu.conftest import Row, Show, ids


@pytest.fixture(scope="module")
def work(desk: Show, as_artist: KitsuClient) -> dict[str, Row]:
    """Things of the shared production on which the artist has a task each."""
    scene = gazu.scene.new_scene(desk.project, desk.sequence, unique("SC"))
    made = {"asset": desk.prop, "scene": scene, "sequence": desk.sequence}
    for kind, entity in made.items():
        task_type = gazu.task.new_task_type(unique(kind), for_entity=kind.capitalize())
        gazu.task.new_task(entity, task_type, assignees=[desk.artist.person])
    return {**made, "shot": desk.shot}


def test_lists_are_whole_or_one_s_own(desk: Show, work: dict[str, Row], as_artist: KitsuClient) -> None:
    project, sequence = desk.project, desk.sequence
    lonely = gazu.shot.new_sequence(project, unique("SQ"), episode=desk.episode)
    assert project["id"] in ids(gazu.context.all_open_projects())
    assert ids(gazu.context.all_open_projects(user_context=True, client=as_artist)) == [project["id"]]
    assert {desk.asset["id"], desk.prop["id"]} <= set(ids(gazu.context.all_assets_for_project(project)))
    assert work["scene"]["id"] in ids(gazu.context.all_scenes_for_project(project))
    assert sequence["id"] in ids(gazu.context.all_sequences_for_episode(desk.episode))
    of_type = desk.prop_type
    lists = {
        of_type["id"]: lambda **who: gazu.context.all_asset_types_for_project(project, **who),
        desk.prop["id"]: lambda **who: gazu.context.all_assets_for_asset_type_and_project(project, of_type, **who),
        sequence["id"]: lambda **who: gazu.context.all_sequences_for_project(project, **who),
        desk.episode["id"]: lambda **who: gazu.context.all_episodes_for_project(project, **who),
        desk.shot["id"]: lambda **who: gazu.context.all_shots_for_sequence(sequence, **who),
        work["scene"]["id"]: lambda **who: gazu.context.all_scenes_for_sequence(sequence, **who),
    }
    for expected, listed in lists.items():
        assert expected in ids(listed())
        assert expected in ids(listed(user_context=True, client=as_artist))
        assert listed(user_context=True) == []
    assert lonely["id"] in ids(gazu.context.all_sequences_for_project(project))
    assert lonely["id"] not in ids(gazu.context.all_sequences_for_project(project, user_context=True, client=as_artist))


def test_task_types_are_all_or_one_s_own(desk: Show, work: dict[str, Row], as_artist: KitsuClient) -> None:
    types = {
        "asset": lambda **who: gazu.context.all_task_types_for_asset(work["asset"], **who),
        "shot": lambda **who: gazu.context.all_task_types_for_shot(work["shot"], **who),
        "scene": lambda **who: gazu.context.all_task_types_for_scene(work["scene"], **who),
        "sequence": lambda **who: gazu.context.all_task_types_for_sequence(work["sequence"], **who),
    }
    for kind, listed in types.items():
        (own,) = listed(user_context=True, client=as_artist)
        # Those of a sequence as a whole are the types of its shots' tasks.
        assert (own["id"] in ids(listed())) is (kind != "sequence")
        assert listed(user_context=True) == []
    assert desk.task["task_type_id"] in ids(types["sequence"]())
