"""What a cut would change of the shots that are there. Pure. Source: spec exchange, "EDL / OTIO import", Match."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from pegbar.exchange.timelines.naming import Convention, key
from pegbar.exchange.timelines.reading.shapes import ReadClip, ReadName

#: Characters of the name of an entity.
_LONGEST_NAME = 160


@dataclass(frozen=True)
class Scope:
    """Where the shots of a cut are: a production, or an episode of it, and how clips are named there."""

    project_name: str
    episode_name: str
    convention: Convention
    match_case: bool

    @property
    def names(self) -> dict[str, str]:
        """The names that all its clips have in common."""
        return {"project_name": self.project_name, "episode_name": self.episode_name}

    def key(self, name: str) -> str:
        """What names have in common that are the same here."""
        return key(name, match_case=self.match_case)

    def clip_name(self, sequence: str, shot: str) -> str:
        """The name of the clip of a shot."""
        return self.convention.filled({**self.names, "sequence_name": sequence, "shot_name": shot})

    @property
    def pattern(self) -> str:
        """The regular expression that reads names."""
        return self.convention.pattern(self.names)

    def is_ours(self, told: ReadName) -> bool:
        """Whether a name is that of a shot here: nothing of it is left, and it names no other production or episode."""
        same_project = told.project is None or self.key(told.project) == self.key(self.project_name)
        same_episode = told.episode is None or self.key(told.episode) == self.key(self.episode_name)
        return told.wholly and same_project and same_episode


@dataclass(frozen=True)
class KnownShot:
    """A shot that is there; its frames are None where it has none."""

    id: UUID
    name: str
    sequence: str
    frame_in: int | None = None
    frame_out: int | None = None
    nb_frames: int | None = None
    canceled: bool = False


@dataclass
class Cutting:
    """What a clip says of a shot; `shot` is None for one that is not there yet."""

    clip: ReadClip
    sequence: str
    name: str
    shot: KnownShot | None = None


@dataclass(frozen=True)
class Fault:
    """A clip that cannot be taken, and why."""

    clip: ReadClip
    message: str

    @property
    def text(self) -> str:
        """The whole of it, for an answer that tells one."""
        return f"The clip {self.clip.full_name!r} ({self.clip.place}): {self.message}."


class _Refused(Exception):
    """A clip tells no shot."""


@dataclass
class Plan:
    """What a cut changes: shots to change and to make, in their order; those that it names and leaves alone."""

    changes: dict[UUID, Cutting] = field(default_factory=dict)
    creations: dict[tuple[str, str], Cutting] = field(default_factory=dict)
    left: dict[UUID, Cutting] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class _Planner:
    def __init__(self, scope: Scope, shots: Iterable[KnownShot], sequences: Iterable[str]) -> None:
        self.scope, self.plan = scope, Plan()
        self.sequences = {scope.key(name): name for name in reversed(list(sequences))}
        self.by_place: dict[tuple[str, str], KnownShot] = {}
        #: The shots whose clip would have a name; more than one where names run into each other.
        self.by_clip: dict[str, list[KnownShot]] = {}
        for shot in shots:
            self.by_place.setdefault((scope.key(shot.sequence), scope.key(shot.name)), shot)
            self.by_clip.setdefault(scope.key(scope.clip_name(shot.sequence, shot.name)), []).append(shot)

    def take(self, clip: ReadClip) -> None:
        """Plan for a clip. Raises _Refused."""
        if clip.fault:
            raise _Refused(clip.fault)
        shot = self._named(clip)
        if shot is not None:
            self._change(Cutting(clip, shot.sequence, shot.name, shot))
            return
        told = self._told(clip)
        place = (self.scope.key(told.sequence), self.scope.key(told.shot))
        shot = self.by_place.get(place)
        if shot is None:
            self._create(place, Cutting(clip, self.sequences.setdefault(place[0], told.sequence), told.shot))
        elif self.scope.is_ours(told):
            self._change(Cutting(clip, shot.sequence, shot.name, shot))
        else:
            self.plan.left.setdefault(shot.id, Cutting(clip, shot.sequence, shot.name, shot))

    def _named(self, clip: ReadClip) -> KnownShot | None:
        """The shot that has the clip's name, with or without its extension."""
        for name in dict.fromkeys((clip.full_name, clip.name)):
            shots = self.by_clip.get(self.scope.key(name), ())
            if len(shots) > 1:
                places = ", ".join(f"{shot.name} of {shot.sequence}" for shot in shots[:3])
                raise _Refused(f"by the naming convention it may be any of {places}")
            if shots:
                return shots[0]
        return None

    def _told(self, clip: ReadClip) -> ReadName:
        told = clip.told
        if told is None:
            raise _Refused(f"its name does not follow the naming convention {self.scope.convention.text!r}")
        for what, name in (("sequence", told.sequence), ("shot", told.shot)):
            if not name:
                raise _Refused(f"its name tells no {what}")
            if len(name) > _LONGEST_NAME:
                raise _Refused(f"the name of its {what} has more than {_LONGEST_NAME} characters")
        return told

    def _change(self, cutting: Cutting) -> None:
        assert cutting.shot is not None
        self._warn(self.plan.changes.get(cutting.shot.id), cutting)
        self.plan.changes[cutting.shot.id] = cutting
        self.plan.left.pop(cutting.shot.id, None)

    def _create(self, place: tuple[str, str], cutting: Cutting) -> None:
        self._warn(self.plan.creations.get(place), cutting)
        self.plan.creations[place] = cutting

    def _warn(self, before: Cutting | None, cutting: Cutting) -> None:
        if before is not None:
            self.plan.warnings.append(
                f"{cutting.sequence} / {cutting.name} is in the cut more than once: "
                f"{before.clip.place} and {cutting.clip.place}. The last one counts."
            )


def plan_of(
    clips: Sequence[ReadClip], scope: Scope, shots: Iterable[KnownShot], sequences: Iterable[str], *, whole: bool
) -> Plan:
    """What the clips of a cut change, in their order: up to the first fault, or with `whole` around all of them.

    A shot that occurs more than once is there once, as its last clip has it.
    """
    planner = _Planner(scope, shots, sequences)
    for clip in clips:
        try:
            planner.take(clip)
        except _Refused as refused:
            planner.plan.faults.append(Fault(clip, str(refused)))
            if not whole:
                break
    return planner.plan
