"""Gazu signed in as the administrator, and one production that all its tests share."""

from dataclasses import dataclass
from typing import Any

import gazu
import pytest
from gazu.client import KitsuClient

from tests.accounts.people import artist as artist_with_password
from tests.accounts.people import signed_in as log_in
from tests.client import Client, unique
from tests.server import ADMIN, Server

Row = dict[str, Any]


@pytest.fixture(scope="package", autouse=True)
def signed_in(server: Server) -> Row:
    """Gazu's own client is the administrator's: functions need no `client`."""
    gazu.set_host(server.api)
    gazu.set_event_host(server.url)
    answer: Row = gazu.log_in(*ADMIN)
    return dict(answer["user"])


def ids(rows: list[Row]) -> list[str]:
    """Their ids, in their order."""
    return [row["id"] for row in rows]


def placed(instances: dict[str, list[Row]]) -> dict[str, list[str]]:
    """The ids of asset instances, by what they are listed under."""
    return {key: ids(rows) for key, rows in instances.items()}


@dataclass
class Show:
    """A TV show with one of everything. Tests make what they change or remove themselves."""

    project: Row
    episode: Row
    sequence: Row
    shot: Row
    character: Row  #: the type of the asset
    prop_type: Row
    asset: Row
    prop: Row  #: another asset, a prop
    task: Row  #: animation of the shot, to do
    artist: Client  #: in the team, assigned to the task


def made_show(admin: Client) -> Show:
    project = gazu.project.new_project(unique("Gazu"), production_type="tvshow")
    artist = log_in(admin, artist_with_password(admin)[1])
    gazu.project.add_person_to_team(project, artist.person)
    episode = gazu.shot.new_episode(project, "E01")
    sequence = gazu.shot.new_sequence(project, "SQ01", episode=episode)
    shot = gazu.shot.new_shot(project, sequence, "SH010", nb_frames=48, data={"frame_in": 1001})
    character, prop = (gazu.asset.get_asset_type_by_name(name) for name in ("Character", "Prop"))
    asset = gazu.asset.new_asset(project, character, "Lama")
    cactus = gazu.asset.new_asset(project, prop, "Cactus")
    kinds = ("Asset", "Shot", "Edit", "Concept")
    for task_type in gazu.task.all_task_types():
        if task_type["for_entity"] in kinds:
            gazu.project.add_task_type(project, task_type, task_type["priority"])
    animation = gazu.task.get_task_type_by_name("Animation", for_entity="Shot")
    task = gazu.task.new_task(shot, animation, assignees=[artist.person])
    return Show(project, episode, sequence, shot, character, prop, asset, cactus, task, artist)


@pytest.fixture(scope="package")
def show(admin: Client, signed_in: Row) -> Show:
    return made_show(admin)


@pytest.fixture(scope="package")
def desk(admin: Client, signed_in: Row) -> Show:
    """Another show, to which the tests of what an artist sees add more."""
    return made_show(admin)


@pytest.fixture(scope="package")
def as_artist(server: Server, desk: Show) -> KitsuClient:
    """The client of the artist of that show."""
    client = gazu.client.create_client(server.api)
    gazu.client.set_tokens({"access_token": desk.artist.token}, client=client)
    return client
