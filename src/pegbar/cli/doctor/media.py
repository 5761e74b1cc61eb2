"""Pictures and movies: the programs and libraries that make them."""

import platform
from importlib.util import find_spec

from pegbar.cli.doctor.checks import Findings, Visit, check, fault, note, skip, warning

AREA = "Pictures and movies"


@check("ffmpeg", about="the program that makes movies", area=AREA)
def ffmpeg_works(visit: Visit) -> Findings:
    """One that can be used, and the encoder that is set."""
    import subprocess

    from pegbar.core.errors import Unavailable
    from pegbar.media.movies.encoding import ffmpeg

    try:
        path = ffmpeg()
    except Unavailable as error:
        yield fault(error.message, mend="apt-get install ffmpeg, or pip install imageio-ffmpeg, or set PEGBAR_FFMPEG")
        return
    listed = subprocess.run(
        [path, "-hide_banner", "-encoders"], capture_output=True, text=True, timeout=20, check=False
    )
    encoder = visit.settings.movie_encoder
    if f" {encoder} " not in listed.stdout:
        yield warning(
            f"{path} lacks the encoder {encoder}; libx264 is used.",
            mend="Set PEGBAR_FFMPEG to one that has it, or PEGBAR_MOVIE_ENCODER=libx264",
        )
    yield note(path)


@check("OpenColorIO", about="the colour configuration that EXR and film scans are shown by", area=AREA)
def colour(visit: Visit) -> Findings:
    """It can be read, with the display, view and spaces that are set."""
    if find_spec("OpenImageIO") is None:
        yield fault("OpenImageIO is not installed: no picture can be made.", mend="pip install OpenImageIO")
        return
    import OpenImageIO as oiio  # noqa: N813

    from pegbar.media.render import Unreadable
    from pegbar.media.render.colour import Display

    now = visit.settings
    names = {
        "display": now.ocio_display,
        "view": now.ocio_view,
        "linear": now.ocio_linear_space,
        "log": now.ocio_log_space,
    }
    config = now.ocio_config or "ocio://default"
    try:
        shown = Display(oiio, {"config": config, **names})
        for which in ("linear", "log"):
            if names[which] and shown.config.getColorSpaceIndex(shown.config.resolve(names[which])) < 0:
                raise Unreadable(f"the colour configuration has no colour space {names[which]!r}")
    except Unreadable as error:
        yield fault(
            f"{error}.", mend="Correct PEGBAR_OCIO_CONFIG (OCIO), PEGBAR_OCIO_DISPLAY, PEGBAR_OCIO_VIEW and their like"
        )
        return
    yield note(config)


@check("Photos", about="HEIC, AVIF and camera raw", area=AREA)
def photos(visit: Visit) -> Findings:
    """They are taken when the extra is installed."""
    lacking = [
        name for name, module in (("pillow-heif", "pillow_heif"), ("rawpy", "rawpy")) if find_spec(module) is None
    ]
    if lacking:
        yield skip(f"Not taken: {' and '.join(lacking)} not installed (pip install 'pegbar[photos]').")


@check("Editorial", about="cuts of other programs (AAF, FCP XML)", area=AREA)
def editorial(visit: Visit) -> Findings:
    """OpenTimelineIO is there."""
    if find_spec("opentimelineio") is None:
        yield skip("OpenTimelineIO is not installed: EDL and CSV only.")


@check("Confinement", about="whether programs that read uploads are locked in", area=AREA)
def confinement(visit: Visit) -> Findings:
    """The kernel has Landlock."""
    import ctypes

    if platform.system() != "Linux":
        yield skip("Only Linux has it; limits of memory and time hold everywhere.")
        return
    create_ruleset, tell_version = 444, 1
    version = ctypes.CDLL(None).syscall(create_ruleset, None, 0, tell_version)
    if version <= 0:
        yield warning(
            "The kernel has no Landlock: a hostile upload that takes over a decoder could read files.",
            mend="Linux 5.13 or newer, with landlock in its lsm= list and allowed by the container's seccomp profile",
        )
    else:
        yield note(f"Landlock {version}.")
