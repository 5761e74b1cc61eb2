"""The feed of news and its statistics, as each role."""

import itertools
from typing import Any

from tests import factories
from tests.client import Client
from tests.tasks.test_comments import say, status


def feed(who: Client, path: str, **query: Any) -> list[str]:
    return [row["comment_id"] for row in who.ok_get(path, params=query)["data"]]


def test_news_are_told_in_pages_by_every_filter_with_their_statistics(admin: Client) -> None:
    artist = factories.hire(admin)
    show = factories.production(admin, artist)
    sequence = factories.entity(admin, show["id"], "Sequence", parent_id=None)
    shot = factories.entity(admin, show["id"], "Shot", parent_id=sequence["id"])
    asset = factories.entity(admin, show["id"])
    anim, model = factories.task(admin, shot, "Animation", assignees=[artist.id]), factories.task(admin, asset)
    wip, done = status(admin, "Work In Progress"), status(admin, "Done")
    days = (f"2024-01-0{n}T12:00:00" for n in itertools.count(1))
    a = say(admin, anim, wip, created_at=next(days))["id"]
    b = say(admin, anim, wip, created_at=next(days))["id"]
    c = say(admin, model, done, created_at=next(days))["id"]
    d = say(admin, model, done, person_id=artist.id, created_at=next(days))["id"]
    path = f"/data/projects/{show['id']}/news"
    whole = artist.ok_get(path)
    assert [row["comment_id"] for row in whole["data"]] == [d, c, b, a]
    assert whole["stats"] == {wip: 1, done: 1}, "changes only"
    assert [row["full_entity_name"] for row in whole["data"][2:]] == [f"{sequence['name']} / {shot['name']}"] * 2
    for query, expected in (
        ({"task_type_id": anim["task_type_id"]}, [b, a]),
        ({"task_status_id": done}, [d, c]),
        ({"person_id": artist.id}, [d]),
        ({"after": "2024-01-02T12:00:00"}, [d, c]),
        ({"before": "2024-01-02"}, [a]),
        ({"only_preview": "true"}, []),
        ({"episode_id": sequence["id"]}, []),
    ):
        assert feed(artist, path, **query) == expected, query
    second = artist.ok_get(path, params={"limit": 3, "page": 2, "task_status_id": done})
    assert (second["data"], second["total"], second["nb_pages"], second["stats"]) == ([], 2, 1, {done: 1})
    assert artist.call("GET", path, json={"limit": 1}).json()["nb_pages"] == 4, "a JSON body tells the same"
    answer = artist.get(path)
    assert answer.headers["server-timing"].startswith('db;desc="2 '), "the caller, then one statement"


def test_news_are_closed_to_clients_and_narrowed_for_vendors_by_their_role_on_each_production(admin: Client) -> None:
    guest, other = factories.hire(admin, "user"), factories.hire(admin, "user")
    shows = [factories.production(admin, other) for _ in range(3)]
    for show, role in zip(shows, ("client", "vendor", None), strict=True):
        factories.join(admin, show["id"], guest, role)
    elsewhere = factories.production(admin)
    wip = status(admin, "Work In Progress")
    comments = {}
    for show in [*shows, elsewhere]:
        mine = factories.task(admin, factories.entity(admin, show["id"]), assignees=[guest.id])
        free = factories.task(admin, factories.entity(admin, show["id"]))
        comments[show["id"]] = [say(admin, row, wip)["id"] for row in (mine, free)]
    admin.ok_delete(f"/data/projects/{elsewhere['id']}/team/{guest.id}")
    of_client, of_vendor, of_artist = (comments[show["id"]] for show in shows)
    everywhere = "/data/projects/news"
    expected = {of_vendor[0], *of_artist}
    assert set(feed(guest, everywhere)) == expected
    assert set(feed(guest, everywhere, project_id=shows[2]["id"])) == set(of_artist)
    for none_of_his in (shows[0], elsewhere):
        assert set(feed(guest, everywhere, project_id=none_of_his["id"])) == expected, "it narrows nothing"
    assert guest.get(everywhere, params={"project_id": "x"}).status_code == 400
    client, vendor, artist = (f"/data/projects/{show['id']}/news" for show in shows)
    assert guest.get(client).status_code == 403
    assert feed(guest, vendor) == [of_vendor[0]]
    for path, comment_id, code in (
        (client, of_client[0], 403),
        (vendor, of_vendor[0], 200),
        (vendor, of_vendor[1], 403),
        (artist, of_artist[1], 200),
    ):
        (item,) = [row for row in admin.ok_get(path)["data"] if row["comment_id"] == comment_id]
        assert guest.get(f"{path}/{item['id']}").status_code == code
    assert guest.get(f"{artist}/none").status_code == 404
