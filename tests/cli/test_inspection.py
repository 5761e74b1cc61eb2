"""`pegbar routes`, `pegbar config`, `pegbar jobs`."""

from pathlib import Path

import msgspec
import pytest

from pegbar import config
from pegbar.environment import InvalidSetting
from tests.command import pegbar
from tests.server import Server

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"
EVENTS = DOCUMENT.with_name("events.md")


def test_routes_tell_method_path_access_and_events() -> None:
    rows = msgspec.json.decode(pegbar("routes", "--json").stdout)
    by_route = {(row["method"], row["path"]): row for row in rows}
    assert by_route["POST", "/data/departments"] == {
        "method": "POST",
        "path": "/data/departments",
        "access": "studio manager",
        "events": ["department:new"],
    }
    assert by_route["POST", "/auth/login"]["access"] == "anyone"
    assert "/data/departments" in pegbar("routes").stdout


def test_the_documentation_of_the_settings_is_current() -> None:
    assert DOCUMENT.read_text() == config.documentation(), "run: pegbar config --markdown > docs/configuration.md"
    assert pegbar("config", "--markdown").stdout == DOCUMENT.read_text()


def test_the_documentation_of_the_events_is_current() -> None:
    assert EVENTS.read_text() == pegbar("events", "--markdown").stdout, "run: pegbar events --markdown > docs/events.md"


def test_secrets_are_not_shown() -> None:
    done = pegbar("config", SECRET_KEY="a-very-secret-key", MAIL_PASSWORD="hunter2", PEGBAR_PORT="8123")
    assert done.returncode == 0
    assert "8123" in done.stdout
    assert "a-very-secret-key" not in done.stdout
    assert "hunter2" not in done.stdout


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"PEGBAR_PORT": "many"}, "PEGBAR_PORT='many' is not a number"),
        ({"PEGBAR_PORT": "0"}, "PEGBAR_PORT=0 is below 1"),
        ({"LOGLEVEL": "loud"}, "LOGLEVEL='loud' is not one of"),
        ({"ENFORCE_2FA": "perhaps"}, "ENFORCE_2FA='perhaps' is neither true nor false"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        config.load(environment)


def test_settings_take_kitsus_names() -> None:
    environment = {"DB_HOST": "db", "DB_PASSWORD": "p@ss/word", "LOGLEVEL": "DEBUG"}
    loaded = config.load({**environment, "CORS_ALLOWED_ORIGINS": "https://a; https://b"})
    assert loaded.external_database == "postgresql://postgres:p%40ss%2Fword@db:5432/zoudb"
    assert loaded.log_level == "debug"
    assert loaded.cors_allowed_origins == ["https://a", "https://b"]
    for url in ("postgres://h/d", "postgresql+psycopg://h/d", "postgresql://h/d"):
        assert config.load({"DATABASE_URL": url}).external_database == "postgresql://h/d"
    assert config.load({"THUMBNAIL_FOLDER": "/p"}).storage_folder == Path("/p")


def test_jobs_are_listed(server: Server) -> None:
    done = pegbar("jobs", "list", "--json", "--data", str(server.folder))
    assert done.returncode == 0, done.stderr
    assert isinstance(msgspec.json.decode(done.stdout or "[]") if done.stdout.startswith("[") else [], list)
