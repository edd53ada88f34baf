"""Which tags of an own set become columns, and what is to be said of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from models.training.data.form import LabelledTrack

_NAMED = 12


def tag_columns(tracks: Sequence[LabelledTrack], min_tracks: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tags of at least so many tracks, alphabetically, and notes: the tags that are left out, those that no
    validation track has, and those that only their case tells apart."""
    counts = Counter(tag for track in tracks for tag in track.tags)
    tags = tuple(tag for tag in sorted(counts) if counts[tag] >= min_tracks)
    few = [f"{tag} ({counts[tag]})" for tag in sorted(counts) if counts[tag] < min_tracks]
    said = {
        f"{len(few)} of {len(counts)} tags have fewer than {min_tracks} tracks and are left out": few,
        "tags that no validation track has, and that the bundle never gives": _unheard(tracks, tags),
        "tags that differ in case only": _alike(counts),
    }
    return tags, tuple(f"{text}: {shortened(names)}" for text, names in said.items() if names)


def shortened(names: Sequence[str]) -> str:
    """The first names of a list, and how many more there are."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def _unheard(tracks: Sequence[LabelledTrack], tags: Sequence[str]) -> list[str]:
    held = [track.tags for track in tracks if track.split == "validation"]
    # Without validation tracks, training holds some out, and nothing is known of these here.
    return [tag for tag in tags if held and not any(tag in given for given in held)]


def _alike(tags: Iterable[str]) -> list[str]:
    ordered = sorted(tags, key=lambda tag: (tag.casefold(), tag))
    return [f"{one} and {other}" for one, other in pairwise(ordered) if one.casefold() == other.casefold()]
