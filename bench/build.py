"""The movie of a playlist: the time from the request to the answer, beside ffmpeg alone on the same files.

Joined as they are: beside its concat demuxer, which copies. Encoded in one size: beside one command with its concat
filter, which has all movies open at once.
"""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from pegbar.media.movies.command import Encoding
from pegbar.media.movies.encoding import encoding_wanted, ffmpeg
from tests import factories
from tests.client import Client, sign_in
from tests.media.publishing import comment_on, place, upload
from tests.server import ADMIN, Server

#: By turns, so that both meet the machine in the same moods.
ROUNDS = 2
SHOTS, SECONDS, SIZE, RATE = 60, 4, (1920, 1080), 24
#: So many differ.
FILMS = 4
#: The least work an encoder takes: what is measured is what is around it.
PRESET = "ultrafast"


def measure() -> None:
    """Print the best time of each, and their ratio (1.2 is the most that is right)."""
    settings = {"PEGBAR_POSTGRES_OPTIONS": "", "MOVIE_ENCODING_PRESET": PRESET, "DEBUG": "false"}
    with tempfile.TemporaryDirectory() as name, Server(None, **settings) as server:
        folder = Path(name)
        admin = sign_in(server.api, *ADMIN)
        show = factories.production(admin, fps=str(RATE), resolution=f"{SIZE[0]}x{SIZE[1]}")
        movies, entries = [], []
        for number in range(SHOTS):
            path = folder / f"{number}.mp4"
            if number < FILMS:
                _film(path, number)
            else:
                shutil.copyfile(folder / f"{number % FILMS}.mp4", path)
            task = factories.task(admin, factories.entity(admin, show["id"], "Shot"), "Animation")
            preview = place(admin, task["id"], comment_on(admin, admin, task["id"])["id"])
            answer = upload(admin, preview["id"], path.read_bytes(), "a.mp4", normalize="false")
            assert answer.json()["status"] == "ready", answer.text
            movies.append(path)
            entries.append({"entity_id": task["entity_id"], "preview_file_id": preview["id"]})
        (folder / "list").write_text("".join(f"file {path}\n" for path in movies))
        size = sum(path.stat().st_size for path in movies) / 2**20
        print(f"{SHOTS} movies of {SECONDS} s, {SIZE[0]}x{SIZE[1]}, {size:.0f} MB")
        for title, query, command in (
            ("joined", {}, _copied(folder)),
            ("encoded", {"full": "true"}, _filtered(movies, folder)),
        ):
            _report(admin, show, entries, title, query, command)


def _film(path: Path, number: int) -> None:
    picture = f"testsrc2=s={SIZE[0]}x{SIZE[1]}:r={RATE}:d={SECONDS},hue=h={number * 90}"
    sources = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", f"sine=f={200 + number}:d={SECONDS}"]
    look = ["-preset", PRESET, "-pix_fmt", "yuv420p", "-g", "2", "-c:a", "aac", "-ac", "2", "-ar", "44100"]
    subprocess.run([ffmpeg(), "-v", "error", *sources, *look, path], check=True)


def _copied(folder: Path) -> list[str]:
    listed = ["-f", "concat", "-safe", "0", "-i", str(folder / "list")]
    return [*listed, "-c", "copy", "-movflags", "+faststart"]


def _filtered(movies: list[Path], folder: Path) -> list[str]:
    inputs = [word for path in movies for word in ("-i", str(path))]
    look = f"scale={SIZE[0]}:{SIZE[1]}:force_original_aspect_ratio=decrease,setsar=1,fps={RATE}"
    graph = "".join(f"[{place}:v]{look}[v{place}];" for place in range(len(movies)))
    graph += "".join(f"[v{place}][{place}:a]" for place in range(len(movies)))
    graph += f"concat=n={len(movies)}:v=1:a=1[v][a]"
    wanted: Encoding = encoding_wanted()
    return [*inputs, "-filter_complex", graph, "-map", "[v]", "-map", "[a]", "-c:v", "libx264", "-preset", PRESET,
            "-g", "2", "-sc_threshold", "0", "-b:v", "28M", "-maxrate", "28M", "-bufsize", "56M", "-threads",
            str(wanted.threads), "-c:a", "aac", "-ac", "2", "-ar", "44100", "-movflags", "+faststart"]  # fmt: skip


def _report(
    admin: Client,
    show: dict[str, Any],
    entries: list[dict[str, str]],
    title: str,
    query: dict[str, str],
    command: list[str],
) -> None:
    bare, whole = [], []
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(ROUNDS):
            output = Path(scratch) / f"{number}.mp4"
            begun = time.perf_counter()
            # In a session of its own, as builds run: the scheduler shares processors out by session.
            bare_run = [ffmpeg(), "-v", "error", "-y", *command, str(output)]
            subprocess.run(bare_run, check=True, stderr=subprocess.DEVNULL, start_new_session=True)
            bare.append(time.perf_counter() - begun)
            output.unlink()
            body = {"name": f"{title} {number}", "project_id": show["id"], "shots": entries}
            playlist = admin.ok_post("/data/playlists", body)
            begun = time.perf_counter()
            job = admin.ok_get(f"/data/playlists/{playlist['id']}/build/mp4", params=query, timeout=3600)
            whole.append(time.perf_counter() - begun)
            assert (job["status"], job["message"]) == ("succeeded", None), job
    print(f"  {title}: {min(whole):.2f} s; ffmpeg alone {min(bare):.2f} s; ratio {min(whole) / min(bare):.2f}", end="")
    begun = time.perf_counter()
    assert admin.ok_get(f"/data/playlists/{playlist['id']}/build/mp4", params=query)["status"] == "succeeded"
    print(f"; once more, unchanged: {(time.perf_counter() - begun) * 1000:.0f} ms", flush=True)
