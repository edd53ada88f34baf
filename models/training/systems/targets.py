"""What a net learns of every track: tag labels, soft shares, or valence and arousal on the 2 Hz clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.registry import Role
from models.regressors.targets import TARGETS, target_names
from models.training.data.form import DataSet, EmotionTarget, LabelledTrack, antonym_targets, tag_matrix
from models.training.data.splits import hold_out
from models.training.data.tables import bad_data
from models.training.systems.plan import MemberPlan

Floats = NDArray[np.float32]
STEP_S = 0.5
VALIDATION_SHARE = 0.2


def targets_of(tracks: Sequence[LabelledTrack], data: DataSet, plan: MemberPlan) -> dict[str, Floats]:
    """Target of each track that has one, by id: labels [tags], shares [2], one rating for the whole track
    [targets], or a curve [steps, targets] at 2 Hz from 0 s on, NaN where it has no value."""
    settings: Any = plan.settings
    if plan.role is Role.TAGGER:
        return _by_id(tracks, tag_matrix(tracks, data.tags))
    if plan.role is Role.ANTONYM:
        pair = next(pair for pair in data.pairs if pair.name == settings.pair)
        return _by_id(*antonym_targets(tracks, pair))
    columns = [TARGETS["both"].index(name) for name in target_names(settings.target)]
    rated = ((track.track_id, _rating(track)) for track in tracks)
    return {track_id: rating[..., columns] for track_id, rating in rated if rating is not None}


def on_steps(target: Floats, steps: int) -> Floats:
    """A rating [targets] or a curve [n, targets] on so many steps: [steps, targets]."""
    if target.ndim == 1:
        return np.tile(target, (steps, 1))
    missing = max(0, steps - len(target))
    return np.pad(target[:steps], [(0, missing), (0, 0)], constant_values=np.nan)


def on_the_clock(curve: EmotionTarget) -> Floats:
    """A rated curve at 2 Hz from 0 s on: [steps, 2], each value until the next, NaN before the first."""
    end_s = curve.start_s + curve.step_s * len(curve.values)
    times_s = np.arange(0.0, end_s - 1e-9, STEP_S)
    places = np.floor((times_s - curve.start_s) / curve.step_s + 1e-6).astype(np.int64)
    inside = (places >= 0) & (places < len(curve.values))
    values = np.full((len(times_s), curve.values.shape[1]), np.nan, np.float32)
    values[inside] = curve.values[places[inside]]
    return values


def split(data: DataSet, *, seed: int) -> dict[str, tuple[LabelledTrack, ...]]:
    """Tracks by part: the official split where there is one, else a fifth of the groups for validation.

    An official split without validation gives a fifth of its train part; test is never looked at.
    DataError(bad_input) where a part would be empty.
    """
    test = tuple(track for track in data.tracks if track.split == "test")
    held = tuple(track for track in data.tracks if track.split == "validation")
    train = tuple(track for track in data.tracks if track.split not in ("test", "validation"))
    if not held and train:
        parts = hold_out(train, VALIDATION_SHARE, seed=seed)
        train, held = parts["train"], parts["validation"]
    for name, tracks in (("train", train), ("validation", held)):
        if not tracks:
            raise bad_data(f"{data.name}: {len(data.tracks)} tracks leave none for {name}")
    return {"train": train, "validation": held, "test": test}


def check_validation(targets: Mapping[str, Floats], plan: MemberPlan, tags: Sequence[str]) -> None:
    """Refuse targets that cannot be measured by: none at all, or no tag that some have and some have not."""
    if not targets:
        raise bad_data(f"{plan.name}: no track of a part has both features and a target")
    if plan.role is Role.TAGGER:
        shares = np.stack(list(targets.values())).mean(axis=0)
        if not ((shares > 0.0) & (shares < 1.0)).any():
            raise bad_data(f"none of the {len(tags)} tags divides the {len(targets)} validation tracks")


def _rating(track: LabelledTrack) -> Floats | None:
    if track.curve is not None:
        return on_the_clock(track.curve)
    return None if track.static is None else np.array(track.static, np.float32)


def _by_id(tracks: Sequence[LabelledTrack], targets: Floats) -> dict[str, Floats]:
    return {track.track_id: target for track, target in zip(tracks, targets, strict=True)}
