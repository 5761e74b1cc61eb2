"""Moving from a ShotGrid site when something is wrong: with the site, with the rights, or with the command."""

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pegbar.exchange.shotgrid.site import client, downloads
from tests.client import Client
from tests.exchange.shotgrid.fake_site import KEY, SCRIPT
from tests.exchange.shotgrid.mover import Mover, total
from tests.exchange.shotgrid.studio import SEQUENCES, SHOTS
from tests.server import FAST, Server


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "waits", lambda _: 0.0)
    monkeypatch.setattr(downloads, "waits", lambda _: 0.0)


def test_a_run_that_breaks_off_goes_on_where_it_was(mover: Mover) -> None:
    site = mover.studio.site
    # The site goes down again and again, a little later each time.
    for kind, come in (("Sequence", ""), ("Task", "Shot"), ("Reply", "Note"), ("Attachment", "Note"), ("Version", "")):
        site.away_at, searched = kind, len(site.searches)
        done = mover.run("--full" if kind == "Attachment" else "--no-files")
        assert done.returncode == 1, kind
        assert "Run the same command again" in done.stderr
        if come:
            assert come in {entity_type for entity_type, _ in site.searches[searched:]}
    site.away_at = ""
    mover.report()
    assert len(mover.entities("shots")) == SHOTS
    assert len(mover.tasks()) == SHOTS + 2
    comments = mover.comments(mover.tasks()[0]["id"])
    assert [row["text"] for row in reversed(comments)] == ["Take 1", "Take 2", "Slower at the end", "Nice"]
    assert [len(row["attachment_files"]) for row in reversed(comments)] == [0, 0, 1, 0]
    assert total(mover.report("--full"), "created", "changed") == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_is_taken_up_again(small_mover: Mover, number: int) -> None:
    mover, site = small_mover, small_mover.studio.site
    # A run of tests in the background ignores ctrl-C, and so would what it starts.
    listens = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import pegbar.cli as c; c.main()"
    )
    command = [sys.executable, "-c", listens, "import", "shotgrid", "--data", str(mover.server.folder)]
    options = ["--url", site.url, "--script", SCRIPT, "--project", mover.studio.name]
    held = site.hold("Task")
    process = subprocess.Popen(
        [*command, *options],
        env={**os.environ, **FAST, "PEGBAR_SHOTGRID_KEY": KEY},
        stderr=subprocess.PIPE,
        cwd="/",
    )
    held.reached.wait(120)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    held.release.set()
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert (b"it goes on from here" in err) == (number == signal.SIGINT), err
    assert len(mover.entities("shots")) == SEQUENCES
    searched = len(site.searches)
    assert mover.report()["Tasks"]["created"] == SEQUENCES + 2
    read = [document for kind, document in site.searches[searched:] if kind == "Shot" and "code" in document["fields"]]
    assert [["updated_at", "greater_than"] in [test[:2] for test in document["filters"]] for document in read] == [True]


def test_a_busy_site_and_tokens_that_end_only_take_longer(small_mover: Mover) -> None:
    site = small_mover.studio.site
    site.too_many_every, site.calls_per_token, site.breaks_of_files = 3, 5, 1
    report = small_mover.report()
    assert report["Shots"]["created"] == SEQUENCES
    assert report["Files"]["created"] == 2


def test_files_that_cannot_be_had_are_told_and_fetched_later(small_mover: Mover, admin: Client) -> None:
    mover, site = small_mover, small_mover.studio.site
    name = f"take_{mover.studio.first}.mov"
    movie = site.files.pop(name)
    notes = f"notes_{mover.studio.first}.pdf"
    site.files[notes] = (b"<html>Sign in</html>", "text/html")
    report = mover.report()
    assert "the address answers 403" in [reason["reason"] for reason in report["Files"]["reasons"]]
    assert [reason["reason"] for reason in report["Attachments"]["reasons"]] == [
        f"what comes is a web page, not {notes}"
    ]
    site.files[name] = movie
    site.files[notes] = (b"%PDF-1.4", "application/pdf")
    report = mover.report()
    assert (report["Files"]["created"], report["Attachments"]["created"]) == (1, 1)


def test_a_movie_that_cannot_be_one_is_told_once_and_taken_when_it_is_mended(small_mover: Mover) -> None:
    mover, studio = small_mover, small_mover.studio
    studio.site.rows["Version"][studio.id(1)]["sg_uploaded_movie"] = studio.site.file(
        "take.blorp", b"whatever", "application/octet-stream"
    )
    reasons = {reason["reason"] for reason in mover.report()["Files"]["reasons"]}
    assert any("'blorp' are not taken" in reason for reason in reasons), reasons
    assert mover.report()["Files"]["skipped"] == 0
    movie = studio.site.file("mended.mov", studio.movie, "video/quicktime")
    studio.site.change("Version", studio.id(1), sg_uploaded_movie=movie)
    assert mover.report()["Files"]["created"] == 1


def test_files_may_come_later(small_mover: Mover) -> None:
    report = small_mover.report("--no-files")
    assert "Files" not in report
    assert "Attachments" not in report or total({"kinds": [report["Attachments"]]}, "created") == 0
    report = small_mover.report()
    assert (report["Files"]["created"], report["Attachments"]["created"]) == (2, 1)


def test_fields_and_kinds_that_may_not_be_read_are_left_out_and_told(small_mover: Mover) -> None:
    site = small_mover.studio.site
    site.hidden_fields = {"Shot": {"sg_head", "assets"}, "Task": {"est_in_mins"}}
    site.forbidden_types = {"Note", "ProjectUserConnection"}
    site.missing_types = {"Episode", "Scene", "Reply"}
    report = small_mover.report()
    remarks = " ".join(report["remarks"])
    assert "may not read these fields of Shot: assets, sg_head" in remarks
    assert "Notes are left out: The script may not read Note" in remarks
    assert report["Shots"]["created"] == SEQUENCES
    assert small_mover.tasks()[0]["estimation"] == 0


def test_the_mapping_file_decides(small_mover: Mover, admin: Client) -> None:
    mover = small_mover
    path = mover.folder / "mapping.toml"
    done = mover.run("--write-mapping", str(path))
    assert done.returncode == 0, done.stderr
    document = tomllib.loads(path.read_text())
    assert document["statuses"] == {"wtg": "todo", "ip": "wip", "rev": "wfa", "fin": "done", "hldx": "hldx"}
    assert document["steps"]["Shot"]["Anm"] == "Animation"
    assert mover.projects == [], "writing it does nothing else"
    mover.report("--mapping", str(path))
    text = path.read_text().replace('"ip" = "wip"', '"ip" = "retake"').replace('= "Complexity"', '= "How Hard"')
    path.write_text(text)
    report = mover.report("--mapping", str(path))
    assert report["Tasks"]["changed"] == SEQUENCES - 1, "another mapping compares everything again"
    statuses = {row["id"]: row["short_name"] for row in admin.ok_get("/data/task-status")}
    assert [statuses[mover.tasks()[number]["task_status_id"]] for number in (0, 1)] == ["wfa", "retake"]


def test_a_wrong_key_is_told_and_never_shown(small_mover: Mover) -> None:
    done = small_mover.run("--key", "a-wrong-key")
    assert done.returncode == 1
    assert "Admin > Scripts" in done.stderr
    assert "a-wrong-key" not in done.stderr + done.stdout
    missing = small_mover.run(PEGBAR_SHOTGRID_KEY="")
    assert missing.returncode == 1
    assert "PEGBAR_SHOTGRID_KEY" in missing.stderr


def test_the_key_comes_from_a_file(small_mover: Mover, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    file.chmod(0o644)
    done = small_mover.run("--key-file", str(file), "--dry-run", PEGBAR_SHOTGRID_KEY="")
    assert done.returncode == 0, done.stderr
    assert "chmod 600" in done.stderr
    assert KEY not in done.stderr + done.stdout
    assert small_mover.run("--key-file", str(file), "--key", KEY).returncode == 1


def test_an_unknown_production_is_told_with_those_that_there_are(small_mover: Mover) -> None:
    done = small_mover.run(project="No Such Show")
    assert done.returncode == 1
    assert "no production 'No Such Show'" in done.stderr
    assert small_mover.studio.name in done.stderr


def test_a_production_of_the_name_that_is_not_from_there_is_not_touched(
    small_mover: Mover, admin: Client, server: Server
) -> None:
    admin.ok_post("/data/projects", {"name": small_mover.studio.name})
    done = small_mover.run()
    assert done.returncode == 1
    assert "not from ShotGrid" in done.stderr
    assert small_mover.entities("shots") == {}


def test_somebody_who_is_no_administrator_brings_nothing_over(small_mover: Mover) -> None:
    done = small_mover.run("--as", "nobody@studio.example")
    assert done.returncode == 1
    assert "no active administrator" in done.stderr
