"""Gazu's casting."""

from typing import Any

import gazu

from tests.client import unique
from tests.gazu.conftest import Show, ids


def cast(rows: list[dict[str, Any]]) -> dict[str, int]:
    """How often each asset is cast."""
    return {row["asset_id"]: row["nb_occurences"] for row in rows}


def test_casting_of_a_shot(show: Show) -> None:
    shot = gazu.shot.new_shot(show.project, show.sequence, unique("SH"))
    asset, prop = show.asset["id"], show.prop["id"]
    wanted = [{"asset_id": asset, "nb_occurences": 1}, {"asset_id": prop, "nb_occurences": 4}]
    gazu.casting.update_shot_casting(show.project, shot, wanted)
    assert cast(gazu.casting.get_shot_casting(shot)) == {asset: 1, prop: 4}
    assert cast(gazu.casting.get_sequence_casting(show.sequence)[shot["id"]]) == {asset: 1, prop: 4}
    for everything in (
        gazu.casting.get_sequence_shots_casting(show.project, show.sequence),
        gazu.casting.get_episode_shots_casting(show.project, show.episode),
        gazu.casting.get_project_shots_casting(show.project),
    ):
        assert cast(everything[shot["id"]]) == {asset: 1, prop: 4}
    assert shot["name"] in [row["shot_name"] for row in gazu.casting.get_asset_cast_in(show.asset)]
    links = gazu.casting.all_entity_links_for_project(show.project)
    paged = gazu.casting.all_entity_links_for_project(show.project, page=1, limit=1)
    assert len(paged["data"]) == 1
    (link,) = [item for item in links if (item["entity_in_id"], item["entity_out_id"]) == (shot["id"], prop)]
    gazu.casting.delete_entity_link(link)
    assert cast(gazu.casting.get_shot_casting(shot)) == {asset: 1}
    gazu.shot.remove_shot(shot, force=True)


def test_casting_of_assets_and_episodes(show: Show) -> None:
    asset, prop = show.asset["id"], show.prop["id"]
    gazu.casting.update_asset_casting(show.project, show.prop, [{"asset_id": asset, "nb_occurences": 2}])
    assert cast(gazu.casting.get_asset_casting(show.prop)) == {asset: 2}
    by_asset = gazu.casting.get_asset_type_casting(show.project, show.prop_type)
    assert cast(by_asset[prop]) == {asset: 2}
    gazu.casting.update_episode_casting(show.project, show.episode, [{"asset_id": prop, "nb_occurences": 1}])
    assert prop in cast(gazu.casting.get_episode_casting(show.episode))
    assert prop in cast(gazu.casting.get_episodes_casting(show.project)[show.episode["id"]])
    gazu.casting.update_episode_casting(show.project, show.episode, [])


def test_one_asset_is_cast_in_many_shots(show: Show) -> None:
    shots = [gazu.shot.new_shot(show.project, show.sequence, unique("SH")) for _ in range(2)]
    gazu.casting.cast_asset(show.project, shots, show.prop, nb_occurences=3, label="fixed")
    for shot in shots:
        (row,) = gazu.casting.get_shot_casting(shot)
        assert (row["asset_id"], row["nb_occurences"], row["label"]) == (show.prop["id"], 3, "fixed")
    gazu.casting.uncast_asset(show.project, shots, show.prop)
    assert [gazu.casting.get_shot_casting(shot) for shot in shots] == [[], []]
    gazu.entity.remove_entities(show.project, shots, force=True)
    assert not set(ids(shots)) & set(ids(gazu.shot.all_shots_for_project(show.project)))
