"""Runs the program that makes pictures, as the server does."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import OpenImageIO as oiio

from pegbar.core.work import programs
from pegbar.core.work.confined import Limits
from pegbar.media import render

LIMITS = Limits(memory=8 * 2**30, processor=120, longest=120, file_size=2**32)
COLOUR = {"config": "ocio://default"}


def make(source: Path, *outputs: tuple[str, int, int], max_pixels: int = 10**8, hdr: bool = False, **more: Any) -> Any:
    """What the program answers, and the pictures it made."""
    paths = [source.with_name(f"out-{i}") for i in range(len(outputs))]
    asked = [
        {"path": str(path), "fit": fit, "width": width, "height": height}
        for path, (fit, width, height) in zip(paths, outputs, strict=True)
    ]
    request = {"source": str(source), "outputs": asked, "max_pixels": max_pixels, "hdr": hdr}
    request |= {"colour": COLOUR, **more}
    folder = source.parent
    done = asyncio.run(programs.run(render.PROGRAM, json.dumps(request), folder=folder, limits=LIMITS))
    assert done.output, done.complaint
    answer = json.loads(done.output.splitlines()[-1])
    return answer, [oiio.ImageBuf(str(path)) for path in paths if path.exists()]


#: Runs a command and writes its exit code and its peak memory after what it says. A process of its own, and a small
#: one: the peak of a process counts that of the one it was forked from.
MEASURING = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print("", code, memory, sep="\\n", end="")
"""


def measured(source: Path, fit: str, **request: int) -> tuple[int, dict[str, Any], int]:
    """The exit code of the program, what it says, and the most memory it took, in bytes."""
    outputs = [{"path": str(source.with_name("out")), "fit": fit, "width": 150, "height": 100}]
    asked = {"source": str(source), "outputs": outputs, "hdr": False, "max_pixels": 2**27, "colour": COLOUR}
    asked |= request
    command = programs.command(render.PROGRAM, json.dumps(asked))
    measuring = subprocess.run([sys.executable, "-I", "-c", MEASURING, *command], stdout=subprocess.PIPE, check=True)
    said, code, memory = measuring.stdout.decode().rsplit("\n", 2)
    return int(code), json.loads(said) if said else {}, int(memory) * 1024


def seen(source: Path, at: tuple[int, int] | None = None, size: tuple[int, int] = (60, 40), **request: Any) -> Any:
    """The colour of a picture's thumbnail in eight bits: in its middle, or there."""
    answer, pictures = make(source, ("contain", *size), **request)
    assert "unreadable" not in answer, answer
    x, y = at or (size[0] // 2, size[1] // 2)
    *colour, alpha = pictures[0].getpixel(x, y)  # multiplied, as it is read
    return [*(round(value / (alpha or 1) * 255) for value in colour), round(alpha * 255)]


def refusal(source: Path, **request: Any) -> str:
    """Why a picture cannot be read."""
    answer, pictures = make(source, ("contain", 60, 40), **request)
    assert pictures == []
    return str(answer["unreadable"])
