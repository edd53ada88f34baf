"""Stage `heads`: valence and arousal from an encoder's rows, by heads that know different artists."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.regressors.affect_head import AffectHeadSettings
from models.training.learning.affect import Array, Head, curve_of, fit_head
from models.training.recipe import FOLDS, HEADS, HeadPlan
from models.training.splits import assign
from pipelines.training.clips import PLAIN, Clip, folds_of
from pipelines.training.encoded import load_rows
from pipelines.training.encoders import FINAL
from schemas.errors import DataError, FailureKind, Stage

log = logging.getLogger(__name__)

CONTEXTS = AffectHeadSettings().contexts


def fit_heads(clips: Sequence[Clip], work: Path, *, plan: HeadPlan = HEADS) -> None:
    """Write `heads/K-SEED.npz` for every encoder and seed, each from rated clips that the encoder has heard.

    Raises DataError(bad_input) where no clip has valence and arousal.
    """
    if not any(clip.affect for clip in clips):
        raise DataError(FailureKind.BAD_INPUT, Stage.INPUT, "no clip has valence and arousal")
    folds = folds_of(clips)
    for number in (*range(FOLDS), FINAL):
        missing = [seed for seed in plan.seeds if not _path(number, seed, work).exists()]
        if missing:
            heard = [clip for clip, fold in zip(clips, folds, strict=True) if fold != number and clip.affect]
            means = np.stack([rows.mean(axis=0) for rows in load_rows(number, heard, work, variant=PLAIN)])
            for seed in missing:
                _keep(_fit(heard, means, plan, seed), _path(number, seed, work))


def _fit(clips: Sequence[Clip], means: NDArray[np.float32], plan: HeadPlan, seed: int) -> Head:
    """A head from its share of the groups."""
    shares = {"known": plan.share, "left": 1.0 - plan.share}
    places = assign(
        [clip.group for clip in clips], [clip.stratum for clip in clips], seed=seed, shares=shares
    )
    known = np.array([place == "known" for place in places])
    affect = np.array([clip.affect for clip in clips], np.float64)
    return fit_head(means[known], affect[known], widths=plan.widths, strengths=plan.strengths)


def _path(number: int, seed: int, work: Path) -> Path:
    return work / "heads" / f"{number}-{seed}.npz"


def _keep(head: Head, path: Path) -> None:
    log.info("head %s: width %g, strength %g, error %.3f", path.stem, head.width, head.strength, head.error)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".part").open("wb") as file:
        np.savez(file, **head.arrays)  # type: ignore[arg-type]
    path.with_suffix(".part").replace(path)


def load_heads(number: int, work: Path, *, plan: HeadPlan = HEADS) -> list[dict[str, Array]]:
    """Weights of an encoder's heads, in the order of the seeds."""
    heads = []
    for seed in plan.seeds:
        with np.load(_path(number, seed, work)) as arrays:
            heads.append({name: arrays[name] for name in arrays.files})
    return heads


def curves_of(heads: Sequence[dict[str, Array]], rows: NDArray[np.floating]) -> NDArray[np.float64]:
    """Curves of a track by every head: rows [steps, values] -> [heads, steps, 2]."""
    return np.stack([curve_of(head, rows, contexts=CONTEXTS) for head in heads])
