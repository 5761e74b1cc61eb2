"""A movie: the time from the upload to its answer, beside the bare ffmpeg command that makes the same."""

import subprocess
import tempfile
import time
from pathlib import Path

import msgspec

from pegbar.media.movies import probe
from pegbar.media.movies.command import command
from pegbar.media.movies.encoding import encoding_wanted, ffmpeg
from pegbar.media.movies.plan import Options, Probe, Wishes, planned
from tests import factories
from tests.client import sign_in
from tests.media.publishing import comment_on, place
from tests.server import ADMIN, Server

#: By turns, so that both meet the machine in the same moods.
ROUNDS = 2
WISHES = Wishes(project_fps="24", project_resolution="1920x1080")
PICTURE = "testsrc2=s=1920x1080:r=24:d={seconds},noise=alls=8:allf=t"


def measure(seconds: int = 10) -> None:
    """Print the best time of each, and their ratio (1.05 is the aim)."""
    with tempfile.TemporaryDirectory() as folder, Server(None, MOVIE_ENCODING_PRESET="medium") as server:
        source = Path(folder) / "source.mp4"
        made = ["-f", "lavfi", "-i", PICTURE.format(seconds=seconds), "-f", "lavfi", "-i", f"sine=d={seconds}"]
        subprocess.run([ffmpeg(), "-v", "error", *made, "-preset", "veryfast", source], check=True)
        admin = sign_in(server.api, *ADMIN)
        show = factories.production(admin, fps=WISHES.project_fps, resolution=WISHES.project_resolution)
        task = factories.task(admin, factories.entity(admin, show["id"], "Shot"), "Animation")
        bare, whole = [], []
        for _ in range(ROUNDS):
            bare.append(_bare(source, Path(folder)))
            preview = place(admin, task["id"], comment_on(admin, admin, task["id"])["id"])
            begun = time.perf_counter()
            files = {"file": ("source.mp4", source.read_bytes())}
            answer = admin.post(f"/pictures/preview-files/{preview['id']}", files=files, timeout=900)
            whole.append(time.perf_counter() - begun)
            assert answer.json()["status"] == "ready", answer.text
    print(f"a movie of {seconds} s, 1080p: {min(whole):.1f} s; ffmpeg alone {min(bare):.1f} s;", end=" ")
    print(f"ratio {min(whole) / min(bare):.2f}")


def _bare(source: Path, folder: Path) -> float:
    what = msgspec.convert(probe.probe(str(source)), Probe)
    arguments = command(ffmpeg(), source, folder, what, planned(what, WISHES, Options()), encoding_wanted())
    begun = time.perf_counter()
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun
