"""Splits of labelled tracks: official ones, seeded ones that keep groups whole, folds and folds by index."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.curves import quadrant
from models.training.data.form import SPLITS, DataSet, LabelledTrack
from models.training.data.tables import bad_data
from models.training.splits import SHARES, assign

Key = Callable[[LabelledTrack], str]
_LEAST_IN_PART = 4


def by_stratum(track: LabelledTrack) -> str:
    """The stratum of its set: a genre or a quadrant."""
    return track.stratum


def by_quadrant(track: LabelledTrack) -> str:
    """The quadrant of its static valence and arousal, Q1 to Q4; "" without them."""
    return quadrant(*track.static) if track.static else ""


def official(data: DataSet) -> dict[str, tuple[LabelledTrack, ...]]:
    """Tracks by official split; DataError(bad_input) where the set has none."""
    parts = {split: tuple(track for track in data.tracks if track.split == split) for split in SPLITS}
    if sum(map(len, parts.values())) < len(data.tracks) or not parts["train"]:
        raise bad_data(f"{data.name} has no official split of all its tracks; divide it by group")
    return {split: tracks for split, tracks in parts.items() if tracks}


def divide(
    tracks: Sequence[LabelledTrack],
    *,
    seed: int,
    shares: Mapping[str, float] = SHARES,
    stratum: Key = by_stratum,
) -> dict[str, tuple[LabelledTrack, ...]]:
    """Tracks by seeded split, each with its `split` set: groups whole, every stratum by its share."""
    strata = _common([stratum(track) for track in tracks], parts=round(1.0 / min(shares.values())))
    places = assign([track.group for track in tracks], strata, seed=seed, shares=shares)
    placed = [replace(track, split=place) for track, place in zip(tracks, places, strict=True)]
    return {split: tuple(track for track in placed if track.split == split) for split in shares}


def hold_out(
    tracks: Sequence[LabelledTrack], share: float, *, seed: int, whole_groups: bool = True
) -> dict[str, tuple[LabelledTrack, ...]]:
    """A share of the tracks as validation, the rest as train, both balanced over the strata.

    With whole groups the share is met as nearly as they allow, without them exactly: the 124 of 619 songs of
    the GRU ensemble, by genre and not by artist, are share .2 without whole groups.
    """
    if not 0.0 < share < 1.0:
        raise bad_data(f"validation share {share:g} is not between 0 and 1")
    if whole_groups:
        return divide(tracks, seed=seed, shares={"train": 1.0 - share, "validation": share})
    held = _draw(tracks, round(share * len(tracks)), seed=seed)
    placed = [
        replace(track, split="validation" if place in held else "train") for place, track in enumerate(tracks)
    ]
    return {
        split: tuple(track for track in placed if track.split == split) for split in ("train", "validation")
    }


def folds(
    tracks: Sequence[LabelledTrack], k: int, seed: int, *, stratum: Key = by_stratum
) -> NDArray[np.int64]:
    """Fold of every track: [tracks] int64 in [0, k); groups stay whole, strata are spread evenly."""
    groups = [track.group for track in tracks]
    if not 2 <= k <= len(set(groups)):
        raise bad_data(f"{len(set(groups))} groups cannot make {k} folds")
    strata = _common([stratum(track) for track in tracks], parts=k)
    places = assign(groups, strata, seed=seed, shares={str(fold): 1.0 / k for fold in range(k)})
    return np.array(list(map(int, places)), np.int64)


def modulo_folds(tracks: Sequence[LabelledTrack], k: int = 11) -> NDArray[np.int64]:
    """Fold of every track by its index, modulo k: [tracks] int64 (Coutinho et al. 2015, eleven folds)."""
    if not 2 <= k <= len(tracks):
        raise bad_data(f"{len(tracks)} tracks cannot make {k} folds")
    return np.arange(len(tracks), dtype=np.int64) % k


def _common(strata: Sequence[str], *, parts: int) -> list[str]:
    """Strata, with those that have few tracks for each part taken together.

    Alone, small ones would lie in the first parts, where the ties of `assign` go.
    """
    counts = Counter(strata)
    return [name if counts[name] >= _LEAST_IN_PART * parts else "" for name in strata]


def _draw(tracks: Sequence[LabelledTrack], count: int, *, seed: int) -> set[int]:
    """Places of `count` tracks, of each stratum its share, whatever order the tracks come in."""
    rng = np.random.default_rng(seed)
    order = sorted(range(len(tracks)), key=lambda place: tracks[place].track_id)
    members: dict[str, list[int]] = defaultdict(list)
    for place in rng.permutation(order).tolist():
        members[tracks[place].stratum].append(place)
    # Each track's rank within its stratum, as a part of it: the least ones give every stratum its share.
    ranks = sorted(
        ((rank + 0.5) / len(places), name, place)
        for name, places in members.items()
        for rank, place in enumerate(places)
    )
    return {place for _, _, place in ranks[:count]}
