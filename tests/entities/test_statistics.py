"""Statistics by episode. Source: spec shots, `episodes/stats` and `episodes/retake-stats`."""

from tests.client import Client
from tests.entities.shows import Show
from tests.factories import hire, named, task


def test_what_hangs_below_an_episode_counts_once_for_each_task(admin: Client) -> None:
    show = Show(admin, is_client_stats_visible=False)
    vendor, client, artist = (show.join(hire(admin, role)) for role in ("vendor", "client", "user"))
    episode = show.episode()
    sequence = show.sequence(episode)
    shot, other = show.shot(sequence, nb_frames=10), show.shot(sequence)
    path = f"{show.path}/episodes"
    assert artist.ok_get(f"{path}/stats") == {}
    first = task(admin, shot, "Layout", nb_drawings=3, assignees=[vendor.id])
    task(admin, shot, "Animation")
    task(admin, other, "Layout")
    task(admin, show.shot(show.sequence(), nb_frames=1000), "Layout")
    layout, status = first["task_type_id"], first["task_status_id"]
    told = artist.ok_get(f"{path}/stats")
    assert told.keys() == {"all", episode["id"]}
    assert told[episode["id"]] == told["all"]
    cell = told["all"]["all"][status]
    assert (cell["name"], cell["count"], cell["frames"], cell["drawings"]) == ("todo", 3, 20, 3)
    assert told["all"][layout][status]["frames"] == 10
    mine = vendor.ok_get(f"{path}/stats")["all"]
    assert mine.keys() == {"all", layout}
    assert mine["all"][status]["count"] == 1
    assert client.get(f"{path}/stats").status_code == 403
    admin.ok_put(show.path, {"is_client_stats_visible": True})
    assert client.ok_get(f"{path}/stats") == told
    assert client.get(f"{path}/retake-stats").status_code == 403


def test_takes_go_from_retake_to_done_and_have_an_end(admin: Client) -> None:
    show = Show(admin)
    episode = show.episode()
    path = f"{show.path}/episodes/retake-stats"
    zero = {"count": 0, "frames": 0, "drawings": 0}
    nothing = {"max_retake_count": 0, "evolution": {}, "done": zero, "retake": zero, "other": zero}
    assert admin.ok_get(path) == {"all": {"all": nothing}}
    row = task(admin, show.shot(show.sequence(episode), nb_frames=10), "Layout", retake_count=2)
    done = named(admin, "task-status", "Done")["id"]
    admin.ok_put(f"/data/tasks/{row['id']}", {"task_status_id": done})
    told = admin.ok_get(path)
    one = {**zero, "count": 1, "frames": 10}
    assert told["all"]["all"] == {**nothing, "max_retake_count": 2, "done": one}
    shown = told[episode["id"]][row["task_type_id"]]
    assert shown["evolution"] == {take: {**dict.fromkeys(("done", "other"), zero), "retake": one} for take in "12"}
    admin.ok_put(f"/data/tasks/{row['id']}", {"retake_count": 2**31 - 1})
    shown = admin.ok_get(path)[episode["id"]]["all"]
    assert (shown["max_retake_count"], len(shown["evolution"])) == (2**31 - 1, 1000)
