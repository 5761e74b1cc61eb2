"""The ffmpeg command that encodes some movies of a playlist into one. Nothing here runs anything.

Source: spec review, "Build jobs", Movie content.
"""

from collections.abc import Sequence
from pathlib import Path

from pegbar.media.movies.command import Encoding, in_canvas, opened, running, written
from pegbar.review.builds.plan import Part, Target


def command(ffmpeg: str, parts: Sequence[Part], target: Target, output: Path, encoding: Encoding) -> list[str]:
    """The command that shows the parts one after the other, in one size and rate, each with its sound or silence.

    Each takes whole frames, and its sound is as long as they are.
    """
    arguments, graph, segments = running(ffmpeg), [], ""
    for part in parts:
        arguments += opened(part.source, part.probe, encoding)
    titled = len(parts)
    for place, part in enumerate(parts):
        frames = part.frames(target.rate)
        filters = [
            *in_canvas(part.probe, target.rate, target.canvas),
            *("tpad=stop=-1:stop_mode=clone", f"trim=end_frame={frames}"),
        ]
        shown = f"[{place}:V:0]{','.join(filters)}"
        if part.title is not None:
            arguments += ["-protocol_whitelist", "file", "-f", "png_pipe", "-i", f"file:{part.title}"]
            shown += f"[p{place}];[p{place}][{titled}:v:0]overlay=x=W/50:y=H-h-H/50,format=yuv420p"
            titled += 1
        graph += [f"{shown}[v{place}]", f"{_sound(part, place, float(frames / target.rate))}[a{place}]"]
        segments += f"[v{place}][a{place}]"
    graph.append(f"{segments}concat=n={len(parts)}:v=1:a=1[v][a]")
    return [
        *arguments,
        *("-filter_complex", ";".join(graph), "-map", "[v]", "-map", "[a]"),
        *written(encoding, target.bitrate, output),
    ]


def _sound(part: Part, place: int, seconds: float) -> str:
    if part.probe.audio is None:
        return f"anullsrc=r=44100:cl=stereo,atrim=end={seconds:.6f}"
    same = "aformat=sample_fmts=fltp:sample_rates=44100:channel_layouts=stereo"
    return f"[{place}:a:{part.probe.audio}]aresample=async=1:first_pts=0,{same},apad,atrim=end={seconds:.6f}"
