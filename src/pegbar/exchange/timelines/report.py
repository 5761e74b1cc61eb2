"""The difference between a cut and the shots that are there, for people to read before they import it. Pure."""

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

import msgspec

from pegbar.exchange.timelines.plan import Cutting, KnownShot, Plan

Difference = Literal["unchanged", "moved", "trimmed"]


class FrameNumbers(msgspec.Struct, frozen=True):
    """The frames of a shot in its cut, as they are stored."""

    frame_in: int | None
    frame_out: int | None
    nb_frames: int | None


class Line(msgspec.Struct):
    """A shot: its clip and where that is in the file, its frames before and after."""

    sequence: str
    shot: str
    shot_id: UUID | None = None
    canceled: bool = False
    clip: str | None = None
    place: str | None = None
    before: FrameNumbers | None = None
    after: FrameNumbers | None = None


class Problem(msgspec.Struct):
    """A clip that cannot be imported."""

    clip: str
    place: str
    message: str


class Report(msgspec.Struct):
    """What an import would do.

    `moved` shots are as long as before, `trimmed` ones longer or shorter. `left` are named by a clip of another
    production or episode, `gone` by none: an import changes neither.
    """

    new: list[Line] = []
    moved: list[Line] = []
    trimmed: list[Line] = []
    unchanged: list[Line] = []
    left: list[Line] = []
    gone: list[Line] = []
    errors: list[Problem] = []
    warnings: list[str] = []


def difference(before: FrameNumbers, after: FrameNumbers) -> Difference:
    """What becomes of a shot with these frames."""
    if before == after:
        return "unchanged"
    if before.nb_frames != after.nb_frames or None in (before.frame_in, before.frame_out):
        return "trimmed"
    return "moved" if _span(before) == _span(after) else "trimmed"


def _span(frames: FrameNumbers) -> int:
    assert frames.frame_in is not None
    assert frames.frame_out is not None
    return frames.frame_out - frames.frame_in


def _frames_of(shot: KnownShot) -> FrameNumbers:
    return FrameNumbers(shot.frame_in, shot.frame_out, shot.nb_frames)


def _line(cutting: Cutting) -> Line:
    clip, shot = cutting.clip, cutting.shot
    before = None if shot is None else _frames_of(shot)
    nb_frames = clip.nb_frames if clip.nb_frames is not None else 0 if before is None else before.nb_frames
    return Line(
        sequence=cutting.sequence,
        shot=cutting.name,
        shot_id=None if shot is None else shot.id,
        canceled=shot is not None and shot.canceled,
        clip=clip.full_name,
        place=clip.place,
        before=before,
        after=FrameNumbers(clip.frame_in, clip.frame_out, nb_frames),
    )


def report(plan: Plan, shots: Iterable[KnownShot]) -> Report:
    """The difference that a plan makes to these shots."""
    answer = Report(new=[_line(cutting) for cutting in plan.creations.values()], warnings=list(plan.warnings))
    lists = {"unchanged": answer.unchanged, "moved": answer.moved, "trimmed": answer.trimmed}
    for cutting in plan.changes.values():
        line = _line(cutting)
        assert line.before is not None
        assert line.after is not None
        lists[difference(line.before, line.after)].append(line)
    for cutting in plan.left.values():
        line = _line(cutting)
        line.after = line.before
        answer.left.append(line)
    for shot in shots:
        if not shot.canceled and shot.id not in plan.changes and shot.id not in plan.left:
            answer.gone.append(Line(shot.sequence, shot.name, shot.id, before=_frames_of(shot)))
    answer.errors = [Problem(fault.clip.full_name, fault.clip.place, fault.message) for fault in plan.faults]
    return answer
