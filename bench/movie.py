"""A movie: the time from the upload to its answer, beside the bare ffmpeg command that makes the same.

Seconds of a clock and of processors, those of all that the server starts: the latter tell more on a machine that others
use, but not what waits for what.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path

import msgspec
import psutil

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
            files = {"file": ("source.mp4", source.read_bytes())}
            begun, before = time.perf_counter(), _processor(server)
            answer = admin.post(f"/pictures/preview-files/{preview['id']}", files=files, timeout=900)
            whole.append((time.perf_counter() - begun, _processor(server) - before))
            assert answer.json()["status"] == "ready", answer.text
    for what, of_bare, of_whole in zip(
        ("clock", "processors"), zip(*bare, strict=True), zip(*whole, strict=True), strict=True
    ):
        took, alone = min(of_whole), min(of_bare)
        print(f"a movie of {seconds} s, 1080p, by the {what}: {took:.1f} s; ffmpeg alone {alone:.1f} s;", end=" ")
        print(f"ratio {took / alone:.2f}")


def _bare(source: Path, folder: Path) -> tuple[float, float]:
    """Seconds of a clock, and of processors."""
    what = msgspec.convert(probe.probe(str(source)), Probe)
    arguments = command(ffmpeg(), source, folder, what, planned(what, WISHES, Options()), encoding_wanted())
    begun, before = time.perf_counter(), os.times()
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - begun, spent


def _processor(server: Server) -> float:
    """Seconds of processors that the server took so far, with the programs that it ran to their end."""
    assert server.process is not None
    root = psutil.Process(server.process.pid)
    return sum(sum(process.cpu_times()[:4]) for process in (root, *root.children(recursive=True)))
