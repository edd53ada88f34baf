"""Stage `heads`: valence and arousal from an encoder's rows, by voices that know different artists."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.regressors.affect_head import AffectHeadSettings
from models.training.learning.affect import Array, fit_head
from models.training.recipe import FOLDS, HEAD, HeadPlan
from models.training.splits import assign
from pipelines.training.clips import Clip, folds_of
from pipelines.training.encoded import load_rows
from pipelines.training.encoders import FINAL
from schemas.errors import DataError, FailureKind, Stage

log = logging.getLogger(__name__)

CONTEXTS = AffectHeadSettings().contexts


def fit_heads(clips: Sequence[Clip], work: Path, *, plan: HeadPlan = HEAD) -> None:
    """Write `heads/K.npz` for every encoder, from the rated clips that it has heard.

    Raises DataError(bad_input) where no clip has valence and arousal.
    """
    if not any(clip.affect for clip in clips):
        raise DataError(FailureKind.BAD_INPUT, Stage.INPUT, "no clip has valence and arousal")
    folds = folds_of(clips)
    for number in (*range(FOLDS), FINAL):
        if not _path(number, work).exists():
            heard = [clip for clip, fold in zip(clips, folds, strict=True) if fold != number and clip.affect]
            _fit(number, heard, work, plan)


def load_head(number: int, work: Path) -> dict[str, Array]:
    """Weights of an encoder's head."""
    with np.load(_path(number, work)) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _fit(number: int, clips: Sequence[Clip], work: Path, plan: HeadPlan) -> None:
    means = np.stack([rows.mean(axis=0) for rows in load_rows(number, clips, work)])
    affect = np.array([clip.affect for clip in clips], np.float64)
    draws = np.stack([_drawn(clips, seed, plan.share) for seed in plan.seeds])
    head = fit_head((means, affect), draws, widths=plan.widths, strengths=plan.strengths)
    log.info("head %d: width %g, strength %g, error %.3f", number, head.width, head.strength, head.error)
    path = _path(number, work)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".part").open("wb") as file:
        np.savez(file, **head.arrays)  # type: ignore[arg-type]
    path.with_suffix(".part").replace(path)


def _drawn(clips: Sequence[Clip], seed: int, share: float) -> NDArray[np.bool_]:
    """Clips of the groups that a voice knows: [clips]."""
    shares = {"known": share, "left": 1.0 - share}
    places = assign(
        [clip.group for clip in clips], [clip.stratum for clip in clips], seed=seed, shares=shares
    )
    return np.array([place == "known" for place in places])


def _path(number: int, work: Path) -> Path:
    return work / "heads" / f"{number}.npz"
