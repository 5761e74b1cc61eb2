"""The ffmpeg command that makes everything of a movie: decoded once, each output with its own filters.

No output waits for the end of the movie, as a sheet of all its frames would: ffmpeg holds back what is ahead of the
others, and with it the decoder that all of them wait for. So the small frames are written as they come, and a second
command, which has nothing but them to read, lays them out.

Source: spec media, "Movie pipeline" and "Tile". Nothing here runs anything.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pegbar.media.movies.plan import TILE_HEIGHT, Plan, Probe, Size, Version, fitted
from pegbar.media.movies.probe import CONTAINERS
from pegbar.media.pictures import DERIVED, ORIGINAL, Variant
from pegbar.media.render import fit, preview_box

#: The sheet of frames. Movies are named by their prefix, the other pictures by theirs (`stills`).
TILE_SHEET = "tiles.png"
#: The small frames that it is laid out of.
_TILE_FRAMES = "tiles.nut"
#: In half the time of the usual level, and larger by a few percent. Threads are for many frames.
_PNG = ["-c:v", "png", "-compression_level", "4", "-threads", "1"]
#: How a picture is made smaller: without a loss of colours that nobody sees in a movie.
_SHARP = ":flags=lanczos+accurate_rnd+full_chroma_int+full_chroma_inp"
#: From this width or height on, a movie that does not say how its colours are coded has those of high definition.
_HIGH_DEFINITION = (1280, 577)
#: What browsers know: they guess otherwise, each in its own way.
_COLOURS = ["-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"]
#: Nothing of the upload but its pictures and sounds: no places, no chapters, no track of time codes.
_BARE = ["-map_metadata", "-1", "-map_chapters", "-1", "-write_tmcd", "0", "-movflags", "+faststart", "-f", "mp4"]


@dataclass(frozen=True)
class Encoding:
    """How movies are encoded: the settings."""

    encoder: str = "libx264"
    preset: str = "medium"
    vbv_factor: float = 2.0
    crf: int = 0
    threads: int = 2


def command(ffmpeg: str, source: Path, folder: Path, probe: Probe, plan: Plan, encoding: Encoding) -> list[str]:
    """The command that writes the versions of a movie, its first frame and small copies of all into a folder.

    What is derived of the first frame is made by it too: a program of its own took as long as a second of the movie.
    """
    arguments = [*_reading(ffmpeg, source, probe, encoding)]
    if plan.versions and probe.audio is None:
        arguments += ["-f", "lavfi", "-i", "anullsrc=r=44100:cl=stereo"]
    for version in plan.versions:
        arguments += _movie(probe, plan, version, encoding, folder / version.prefix)
    first = ["trim=end_frame=1", *_ahead(probe), *_still(probe, plan.canvas)]
    for variant, path in stills(folder).items():
        arguments += _picture([*first, *_fitted(variant, plan.canvas)], path)
    small = ["-map", "0:V:0", "-vf", ",".join(_small(probe, plan)), "-c:v", "huffyuv", "-f", "nut"]
    return [*arguments, *small, str(folder / _TILE_FRAMES)]


def sheet_command(ffmpeg: str, folder: Path, plan: Plan) -> list[str]:
    """The command that lays out the small frames in the folder of a `command`."""
    small = ["-protocol_whitelist", "file", "-format_whitelist", "nut", "-i", f"file:{folder / _TILE_FRAMES}"]
    return [*running(ffmpeg), *small, *_picture([_sheet(plan)], folder / TILE_SHEET)]


def stills(folder: Path) -> dict[Variant, Path]:
    """The pictures of the first frame, where a command writes them."""
    return {variant: folder / f"{variant.prefix}.png" for variant in (ORIGINAL, *DERIVED)}


def _fitted(variant: Variant, size: Size) -> list[str]:
    """The filters that make a variant of a picture of that size; what it does not fill can be seen through."""
    if variant.fit == "none":
        return []
    box = preview_box(*size) if variant.fit == "preview" else (variant.width, variant.height)
    width, height = fit(*size, *box)
    pad = f"pad={box[0]}:{box[1]}:(ow-iw)/2:(oh-ih)/2:color=black@0"
    return [f"scale={width}:{height}{_SHARP}", "format=rgba", pad, "setsar=1"]


def tile_command(ffmpeg: str, source: Path, folder: Path, probe: Probe, plan: Plan, encoding: Encoding) -> list[str]:
    """The command that writes the sheet of frames alone."""
    return [
        *_reading(ffmpeg, source, probe, encoding),
        *_picture([*_small(probe, plan), _sheet(plan)], folder / TILE_SHEET),
    ]


def _reading(ffmpeg: str, source: Path, probe: Probe, encoding: Encoding) -> list[str]:
    # Each output has filters of its own, with as many threads as there are processors unless told otherwise.
    return [*running(ffmpeg), "-filter_threads", str(encoding.threads), *opened(source, probe, encoding)]


def running(ffmpeg: str) -> list[str]:
    """The start of every command: silent but for errors, and for its progress."""
    return [ffmpeg, *("-nostdin", "-hide_banner", "-v", "error", "-y", "-progress", "pipe:1", "-stats_period", "0.5")]


def opened(source: Path, probe: Probe, encoding: Encoding) -> list[str]:
    """A movie as an input of a command."""
    return [
        *("-protocol_whitelist", "file", "-format_whitelist", CONTAINERS, "-threads", str(encoding.threads)),
        *(("-c:v", probe.decoder) if probe.decoder else ()),
        *("-i", f"file:{source}"),
    ]


def _ahead(probe: Probe) -> list[str]:
    """What comes before all else: what can be seen through is seen over black."""
    return ["premultiply=inplace=1"] if probe.alpha else []


def _steady(probe: Probe, rate: Fraction) -> list[str]:
    """Frames at the constant rate. The first one also stands for the time before it, if that is a frame or more."""
    late = probe.delay * rate >= 1
    constant = f"fps={rate.numerator}/{rate.denominator}"
    return [f"{constant}:start_time=0"] if late else ["setpts=PTS-STARTPTS", constant]


def _scale(probe: Probe, size: Size, more: str = "") -> str:
    scale = f"scale={size[0]}:{size[1]}{more}"
    if probe.is_rgb or probe.has_matrix:
        return scale
    high = probe.width >= _HIGH_DEFINITION[0] or probe.height >= _HIGH_DEFINITION[1]
    return f"{scale}:in_color_matrix={'bt709' if high else 'bt601'}"


def _pad(size: Size, canvas: Size) -> list[str]:
    bars = [] if size == canvas else [f"pad={canvas[0]}:{canvas[1]}:(ow-iw)/2:(oh-ih)/2"]
    return [*bars, "setsar=1"]


def _still(probe: Probe, canvas: Size) -> list[str]:
    """A frame as a picture in a canvas."""
    size = canvas if canvas == probe.seen else fitted(probe.seen, canvas)
    return [_scale(probe, size), "format=rgb24", *_pad(size, canvas)]


def _small(probe: Probe, plan: Plan) -> list[str]:
    """The frames of a sheet, each in a small copy of the canvas."""
    tiles = plan.tiles
    inside = fitted(probe.seen, plan.canvas)
    width = max(min(round(tiles.width * inside[0] / plan.canvas[0]), tiles.width), 1)
    height = max(min(round(TILE_HEIGHT * inside[1] / plan.canvas[1]), TILE_HEIGHT), 1)
    kept = [f"select='not(mod(n,{tiles.every}))'"] if tiles.every > 1 else []
    return [
        *_steady(probe, plan.rate),
        *kept,
        *_ahead(probe),
        _scale(probe, (width, height), ":flags=area"),
        "format=rgb24",
        *_pad((width, height), (tiles.width, TILE_HEIGHT)),
    ]


def _sheet(plan: Plan) -> str:
    """Small frames side by side."""
    return f"tile=8x{plan.tiles.rows}"


def _picture(filters: list[str], path: Path) -> list[str]:
    """One picture as PNG."""
    return ["-map", "0:V:0", "-vf", ",".join(filters), "-frames:v", "1", *_PNG, "-f", "image2", str(path)]


def _movie(probe: Probe, plan: Plan, version: Version, encoding: Encoding, path: Path) -> list[str]:
    sound = "1:a:0" if probe.audio is None else f"0:a:{probe.audio}"
    return [
        *("-map", "0:V:0", "-map", sound, "-vf", ",".join(in_canvas(probe, plan.rate, version.size))),
        *("-af", f"aresample=async=1:first_pts=0,apad,atrim=end={plan.duration:.6f}"),
        *written(encoding, version.bitrate, path),
    ]


def in_canvas(probe: Probe, rate: Fraction, canvas: Size) -> list[str]:
    """The filters that show a movie at a rate, in a canvas that it fills as far as its shape allows."""
    size = fitted(probe.seen, canvas)
    return [
        *_steady(probe, rate),
        *_ahead(probe),
        _scale(probe, size, ":out_color_matrix=bt709:out_range=tv"),
        *_pad(size, canvas),
        "format=yuv420p",
    ]


def written(encoding: Encoding, bitrate: int, path: Path) -> list[str]:
    """How a movie is encoded and where it goes."""
    return [
        *_encoder(encoding, bitrate),
        *(*_COLOURS, "-c:a", "aac", "-ac", "2", "-ar", "44100", "-max_muxing_queue_size", "1024", *_BARE, str(path)),
    ]


def _encoder(encoding: Encoding, bitrate: int) -> list[str]:
    """The encoder with its rate: the bitrate, or a quality under it. Key frames are dense, so that players find all."""
    arguments = ["-c:v", encoding.encoder, "-g", "2", "-threads", str(encoding.threads)]
    cap = []
    if encoding.vbv_factor:
        cap = ["-maxrate", f"{bitrate}M", "-bufsize", f"{bitrate * encoding.vbv_factor:g}M"]
    if encoding.encoder == "libx264":
        arguments += ["-preset", encoding.preset, "-sc_threshold", "0"]
        return [*arguments, *(("-crf", str(encoding.crf)) if encoding.crf else ("-b:v", f"{bitrate}M")), *cap]
    if encoding.crf and encoding.encoder == "h264_nvenc":
        return [*arguments, "-rc", "vbr", "-cq", str(encoding.crf), "-b:v", "0", *cap]
    return [*arguments, "-b:v", f"{bitrate}M", *cap]
