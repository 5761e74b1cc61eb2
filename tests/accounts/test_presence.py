"""Desktop logins and the presence sheet."""

import csv
import io

from tests.client import Client, unique
from tests.factories import hire


def test_desktop_logins_are_kept_and_make_the_last_presence(admin: Client) -> None:
    ida = hire(admin)
    path = f"/data/persons/{ida.id}/desktop-login-logs"
    ida.ok_post(path, {"date": "2025-03-09T08:30:00"})
    last = ida.ok_post(path, {"date": "2025-03-10"})
    assert (last["date"], last["type"]) == ("2025-03-10T00:00:00", "DesktopLoginLog")
    ida.ok_post(path, {"date": "2025-02-01"})
    assert admin.ok_get(f"/data/persons/{ida.id}")["last_presence"] == "2025-03-10"
    dates = [row["date"][:10] for row in hire(admin, "manager").ok_get(path)]
    assert dates == ["2025-03-10", "2025-03-09", "2025-02-01"]
    refused = ida.post(path, {"date": "monday"})
    assert (refused.status_code, refused.json()["data"]["errors"][0]["field"]) == (400, "date")
    other = hire(admin, "supervisor")
    assert other.get(path).status_code == 403
    assert other.post(path, {}).status_code == 403


def test_a_desktop_login_of_nobody_is_404(admin: Client) -> None:
    path = "/data/persons/00000000-0000-4000-8000-000000000000/desktop-login-logs"
    assert admin.post(path, {}).status_code == 404
    assert admin.get(path).status_code == 404


def test_the_presence_sheet_marks_the_days_of_a_month(admin: Client) -> None:
    name = unique("Vik")
    ida = hire(admin, last_name=name)
    for day in ("2024-02-29T23:59:59", "2024-02-01", "2024-02-01T10:00:00", "2024-03-01", "2024-01-31"):
        ida.ok_post(f"/data/persons/{ida.id}/desktop-login-logs", {"date": day})
    answer = admin.get("/data/persons/presence-logs/2024-2")
    assert answer.headers["content-type"].startswith("text/csv")
    assert "\r\n" in answer.text
    rows = list(csv.reader(io.StringIO(answer.text), delimiter=";"))
    assert rows[0] == ["2024", *(str(day) for day in range(1, 30))]
    (line,) = [row for row in rows if row[0] == f"Bo {name}"]
    assert [day for day, mark in enumerate(line) if mark == "X"] == [1, 29]
    for wrong in ("march", "2024-13", "2024-0", "9999-12"):
        assert admin.get(f"/data/persons/presence-logs/{wrong}").status_code == 400
    assert ida.get("/data/persons/presence-logs/2024-02").status_code == 403
