"""What strangers, monitoring and administrators read of the instance."""

import requests

from tests.client import Client, sign_in
from tests.factories import hire
from tests.server import ADMIN, Server

PARTS = {"database-up", "key-value-store-up", "event-stream-up", "job-queue-up", "indexer-up"}


def test_strangers_read_what_the_instance_is(anonymous: Client) -> None:
    assert {"api", "version"} <= anonymous.ok_get("/").keys()
    assert anonymous.call("HEAD", "").status_code == 200
    config = anonymous.ok_get("/config")
    assert (config["default_locale"], config["enforce_2fa"], config["preview_accounts_enabled"]) == (
        "en_US",
        False,
        True,
    )
    assert config["indexer_configured"] is (anonymous.get("/data/search").status_code != 404), "what the UI offers"
    status = anonymous.ok_get("/status")
    assert status["indexer-up"] is config["indexer_configured"]
    assert PARTS | {"name", "version"} == status.keys()
    assert status["database-up"] is True
    assert status["event-stream-up"] is True
    assert "database-up: up" in anonymous.get("/status.txt").text.splitlines()
    influx = anonymous.ok_get("/status/influx")
    assert influx["database-up"] == 1
    assert isinstance(influx["time"], float)
    resources = anonymous.ok_get("/status/resources")
    assert resources["memory"]["total"] > 0
    assert set(resources["cpu"]["loadavg"]) == {"last 1 min", "last 5 min", "last 10 min"}


def test_only_administrators_send_test_events_and_read_figures(admin: Client, anonymous: Client) -> None:
    assert admin.ok_get("/status/test-event") == {"success": True}
    assert admin.ok_get("/stats").keys() == {
        "number_of_video_previews",
        "number_of_picture_previews",
        "number_of_model_previews",
        "number_of_comments",
    }
    manager = hire(admin, "manager")
    for path in ("/status/test-event", "/stats"):
        assert manager.get(path).status_code == 403
        assert anonymous.get(path).status_code == 401


def test_metrics_and_the_settings_check_are_off_unless_asked_for(anonymous: Client) -> None:
    assert anonymous.get("/metrics").status_code == 404
    assert anonymous.get("/admin/config/check").status_code == 404


def test_metrics_count_requests_by_route_and_the_settings_check_needs_its_token() -> None:
    with Server(None, "--workers", "2", PROMETHEUS_METRICS_ENABLED="true", ADMIN_TOKEN="s3cret") as server:
        admin = sign_in(server.api, *ADMIN)
        for _ in range(10):  # either worker counts; either answers for both
            requests.get(f"{server.api}/data/persons/{admin.id}", headers=admin.http.headers, timeout=60)
        requests.get(f"{server.api}/data/persons/{admin.id}", timeout=60)
        text = requests.get(f"{server.api}/metrics", timeout=60).text
        route = 'method="GET",path="/data/persons/{instance_id:str}"'
        for prefix in ("pegbar", "zou"):
            assert f'{prefix}_http_request_total{{{route},status="200"}} 10.0' in text
            assert f'{prefix}_http_request_total{{{route},status="401"}} 1.0' in text
            assert f'{prefix}_http_request_duration_seconds_count{{{route},status="200"}} 10.0' in text
            assert f'{prefix}_http_request_inflight{{method="GET",path="/metrics"}} 1.0' in text
            assert f"{prefix}_info{{version=" in text
        check = f"{server.api}/admin/config/check"
        assert requests.get(check, timeout=60).status_code == 403
        assert requests.get(check, headers={"Authorization": "Bearer sécret".encode()}, timeout=60).status_code == 403
        values = requests.get(check, headers={"Authorization": "Bearer s3cret"}, timeout=60).json()
        assert values["default_locale"] == {"env": "en_US", "redis": "en_US"}
        assert values["active_users"] == 1


def test_the_token_of_the_settings_check_is_not_guessed_for_long() -> None:
    with Server(None, ADMIN_TOKEN="s3cret", PEGBAR_LOGIN_RATE_LIMIT="3") as server:
        path, right = f"{server.api}/admin/config/check", {"Authorization": "Bearer s3cret"}
        guesses = [requests.get(path, headers={"Authorization": f"Bearer {n}"}, timeout=60) for n in range(3)]
        assert [answer.status_code for answer in guesses] == [403] * 3
        assert requests.get(path, headers=right, timeout=60).status_code == 429
        assert requests.get(path, headers={**right, "X-Real-IP": "192.0.2.1"}, timeout=60).status_code == 200
