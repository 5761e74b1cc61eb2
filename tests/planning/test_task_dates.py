"""From when to when people have tasks. Spec tasks, GET /data/persons/task-dates."""

from typing import Any

from tests.client import Client
from tests.factories import entity, hire, production, task

NOBODY = "00000000-0000-4000-8000-000000000000"
PATH = "/data/persons/task-dates"


def test_dates_of_people_and_what_keeps_them_busy_elsewhere(admin: Client) -> None:
    lead, ben, eve = hire(admin, "supervisor"), hire(admin), hire(admin)
    mine, other, third = production(admin, lead, ben), production(admin, ben, eve), production(admin, ben)

    def plan(show: dict[str, Any], whom: Client, start: str | None, due: str | None) -> None:
        dates = {"start_date": start, "due_date": due}
        task(admin, entity(admin, show["id"]), assignees=[whom.id], **dates)

    plan(mine, ben, "2031-01-06", "2031-01-10")
    plan(mine, ben, "2031-02-03", None)
    for start, due in [("2031-03-05", "2031-03-08"), ("2031-03-01", "2031-03-05"), ("2031-04-01", "2031-04-02")]:
        plan(other, ben, start, due)
    plan(third, ben, "2031-03-02", "2031-03-03")
    plan(other, eve, "2031-05-01", None)
    row = {"person_id": ben.id, "min_date": "2031-01-06T00:00:00", "max_date": "2031-01-10T00:00:00"}
    assert lead.ok_get(PATH, params={"project_id": mine["id"]}) == [{**row, "busy_periods": []}]
    periods = [("2031-03-01 00:00:00", "2031-03-08 00:00:00"), ("2031-04-01 00:00:00", "2031-04-02 00:00:00")]
    busy = [{"start_date": start, "end_date": end} for start, end in periods]
    own = [item for item in lead.ok_get(PATH) if item["person_id"] in (ben.id, eve.id)]
    assert own == [{**row, "busy_periods": busy}]  # nothing known of Eve but a start elsewhere
    everybody = {item["person_id"]: item for item in admin.ok_get(PATH, params={"project_id": ""})}
    assert everybody[ben.id] == {**row, "max_date": "2031-04-02T00:00:00", "busy_periods": []}
    assert everybody[eve.id]["max_date"] is None


def test_who_may_ask_for_dates(admin: Client) -> None:
    artist, lead = hire(admin), hire(admin, "supervisor")
    show = production(admin, artist)["id"]
    assert admin.ok_get(PATH, params={"project_id": NOBODY}) == []
    for caller, params, status in [
        (artist, {}, 403),
        (artist, {"project_id": show}, 403),
        (lead, {"project_id": show}, 403),
        (lead, {"project_id": NOBODY}, 404),
        (lead, {"project_id": "x"}, 400),
        (lead, {}, 200),
    ]:
        assert caller.get(PATH, params=params).status_code == status
