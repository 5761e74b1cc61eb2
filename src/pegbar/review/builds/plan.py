"""What the movie of a playlist is made of, and how: names, sizes, the digest. Nothing here reads or runs anything.

Source: spec review, "Build jobs" and the operations beneath it.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from pegbar.core.slugs import slug
from pegbar.core.storage import Address
from pegbar.media.movies.command import Encoding
from pegbar.media.movies.plan import Probe, Size, Wishes, canvas_of, even, rate_of

#: Goes up when the same inputs make another movie than before.
_WAY = 1
_BOTH_SIDES = re.compile(r"\d{3,4}x\d{3,4}")
_SEPARATORS, _UNSAFE = re.compile(r"[/\\]"), re.compile(r'[\x00-\x1f\x7f:*?"<>|]|[\ud800-\udfff]')
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Options:
    """How somebody wants the movie of a playlist."""

    full: bool = False
    titles: bool = False

    @property
    def encodes(self) -> bool:
        """Whether pictures change, so that joining does not do."""
        return self.full or self.titles


@dataclass(frozen=True)
class Piece:
    """A movie of a playlist: the preview, what people call it, the stored version and what tells it from others."""

    preview_id: UUID
    name: str
    address: Address
    etag: str


@dataclass(frozen=True)
class Look:
    """What the production says of the movie, for when it is encoded."""

    fps: str | None
    resolution: str | None
    bitrate: int


@dataclass(frozen=True)
class Target:
    """How the movie is encoded: size, rate, Mbit/s."""

    canvas: Size
    rate: Fraction
    bitrate: int


@dataclass(frozen=True)
class Part:
    """A movie of a playlist at hand: the file, what it is, the picture of its title if it has one."""

    source: Path
    probe: Probe
    title: Path | None = None

    def frames(self, rate: Fraction) -> int:
        """How many frames it takes at a rate."""
        return max(round(self.probe.length * rate), 1)


def target_of(look: Look, first: Probe) -> Target:
    """How a movie is encoded: in the size and rate of the production, else in those of its first part."""
    if look.resolution and _BOTH_SIDES.fullmatch(look.resolution):
        canvas = canvas_of(Wishes(project_resolution=look.resolution), first.seen)
    else:
        canvas = even(first.seen[0]), even(first.seen[1])
    return Target(canvas, rate_of(look.fps) or first.own_rate, look.bitrate)


def digest_of(pieces: Sequence[Piece], options: Options, look: Look, encoding: Encoding) -> str:
    """What tells a movie from others: equal when it would be made the same again."""
    document: dict[str, Any] = {
        "way": _WAY,
        "pieces": [
            [piece.preview_id, piece.address.prefix, piece.etag, piece.name if options.titles else None]
            for piece in pieces
        ],
        "options": options,
        # Movies that can be joined as they are may turn out to be encoded: the look counts for them too.
        "look": look,
        "encoding": [encoding.encoder, encoding.preset, encoding.vbv_factor, encoding.crf],
    }
    return hashlib.sha256(msgspec.json.encode(document)).hexdigest()


def context_of(facts: Mapping[str, Any]) -> str:
    """Where a playlist belongs, for names of files: the production and, of a series, the episode or the pack."""
    project = slug(facts["project_name"] or "") or "production"
    if facts["production_type"] != "tvshow":
        return project
    if facts["episode_name"]:
        return f"{project}_{slug(facts['episode_name'])}"
    if facts["is_for_all"]:
        return f"{project}_all_{'assets' if facts['for_entity'] == 'asset' else 'shots'}"
    return f"{project}_main_pack"


def file_name(facts: Mapping[str, Any], extension: str, built_at: datetime | None = None) -> str:
    """The name of a playlist's movie or archive."""
    moment = built_at.strftime("%Y%m%d_%H%M%S_") if built_at else ""
    return f"{moment}{context_of(facts)}_{slug(facts['name'] or '') or 'playlist'}.{extension}"


def archived_name(name: str, index: int, taken: Collection[str]) -> str:
    """The name of the file of that index (from 1) in an archive: a name and no path, other than all that are `taken`.

    Compared without regard to case, as some disks do.
    """
    stem, _, extension = _UNSAFE.sub("_", _SEPARATORS.sub("_", name)).rpartition(".")
    stem, extension = (stem, f".{extension[:20]}") if stem else (extension, "")
    plain = f"{stem[:_LONGEST_NAME].strip('. ') or 'file'}{extension.rstrip('. ')}"
    candidate, other = plain, index
    while candidate.lower() in taken:
        candidate, other = f"{other:04}_{plain}", other + 1
    return candidate
