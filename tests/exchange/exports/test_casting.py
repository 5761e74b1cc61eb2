"""The breakdown as a sheet. Spec exchange, "casting.csv"."""

from typing import Any

import pytest

from tests import factories
from tests.client import Client
from tests.entities.shows import Show
from tests.exchange.exports.sheets import sheet

HEAD = ["Parent", "Name", "Asset Type", "Asset", "Occurences", "Label"]


def cast(show: Show, production_type: str) -> dict[str, Any]:
    """Shots, an episode and assets that cast assets."""
    episode = show.episode("E01") if production_type == "tvshow" else None
    sequence = show.sequence(episode, "SQ01")
    shot = show.shot(sequence, name="SH010")
    lake, boat, hero = (
        show.asset(kind, name=name) for kind, name in (("FX", "Lake"), ("Prop", "Boat;"), ("Prop", "Élise"))
    )
    own = show.asset("Prop", name="Wagon", episode_id=episode["id"] if episode else None)
    for into, assets, count in ((shot, (boat, hero), 3), (lake, (boat,), 1), (own, (hero,), 1)):
        parts = [{"asset_id": asset["id"], "nb_occurences": count, "label": "animate"} for asset in assets]
        show.admin.ok_put(f"{show.path}/entities/{into['id']}/casting", parts)
    return {"episode": episode, "shot": shot, "lake": lake, "boat": boat, "own": own}


@pytest.fixture(scope="module")
def series(admin: Client) -> tuple[Show, dict[str, Any]]:
    show = Show(admin, production_type="tvshow")
    return show, cast(show, "tvshow")


def test_the_breakdown_of_a_series(admin: Client, series: tuple[Show, dict[str, Any]]) -> None:
    show, rows = series
    path = f"projects/{show.id}/casting.csv"
    main = ["MP", "FX", "Lake", "Prop", "Boat;", "1", "animate"]
    own = ["E01", "Prop", "Wagon", "Prop", "Élise", "1", "animate"]
    shots = [["E01", "SQ01", "SH010", "Prop", name, "3", "animate"] for name in ("Boat;", "Élise")]
    of_episode = [["Episode", "E01", "Prop", name, "1", "animate"] for name in ("Boat;", "Élise")]
    head = ["Episode", *HEAD]
    assert sheet(admin, path) == [head, own, main]
    assert sheet(admin, path, episode_id=rows["episode"]["id"]) == [head, own, main]
    assert sheet(admin, path, episode_id=show.id) == [head, main]  # of no such episode, and the main pack
    assert sheet(admin, path, episode_id="main") == [head, main]
    assert sheet(admin, path, episode_id="main", is_shot_casting="true") == [head, main]
    assert sheet(admin, path, is_shot_casting="true") == [head, *shots]
    assert sheet(admin, path, is_shot_casting="true", episode_id=rows["episode"]["id"]) == [head, *shots]
    assert sheet(admin, path, is_shot_casting="true", episode_id=show.id) == [head]
    assert sheet(admin, path, episode_id="all") == [HEAD, *of_episode]


def test_the_breakdown_of_a_film(admin: Client) -> None:
    show = Show(admin)
    cast(show, "short")
    path = f"projects/{show.id}/casting.csv"
    assets = [
        ["FX", "Lake", "Prop", "Boat;", "1", "animate"],
        ["Prop", "Wagon", "Prop", "Élise", "1", "animate"],
    ]
    assert sheet(admin, path) == [HEAD, *assets]
    # Worth fixing 9: without the column of the episode.
    assert sheet(admin, path, episode_id="main") == [HEAD, *assets]
    shots = [["SQ01", "SH010", "Prop", name, "3", "animate"] for name in ("Boat;", "Élise")]
    assert sheet(admin, path, is_shot_casting="true") == [HEAD, *shots]
    # Films have no episodes: none narrows them.
    assert sheet(admin, path, is_shot_casting="TRUE", episode_id=show.id) == [HEAD, *shots]
    assert sheet(admin, path, episode_id="all") == [HEAD]


def test_canceled_assets_are_in_it_and_those_of_other_productions_only_when_shared(admin: Client) -> None:
    member = factories.hire(admin, "user")
    show, other = Show(admin, member), Show(admin)
    shot = show.shot(show.sequence(name="SQ"), name="SH")
    mine, shared = show.asset("Prop", name="Mine"), other.asset("Prop", name="Shared")
    admin.ok_put(f"/data/entities/{shared['id']}", {"is_shared": True})
    show.cast(shot, mine, shared)
    admin.ok_put(f"/data/entities/{mine['id']}", {"canceled": True})

    def cast_in(who: Client) -> list[str]:
        return [row[3] for row in sheet(who, f"projects/{show.id}/casting.csv", is_shot_casting="true")[1:]]

    assert cast_in(member) == ["Mine", "Shared"]
    admin.ok_put(f"/data/entities/{shared['id']}", {"is_shared": False})
    assert cast_in(member) == ["Mine"]
    assert cast_in(admin) == ["Mine", "Shared"]
