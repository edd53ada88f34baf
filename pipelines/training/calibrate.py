"""Stage `calibrate`: decisions and figures, of clips that the encoder asked had not heard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.training.calibration import TagCount
from models.training.decisions import WORST, Tracks, decide, grade_provenance, grades
from models.training.learning.affect import curves_of
from models.training.recipe import FOLDS, OPPOSITES
from models.training.reporting.measure import Predicted, agreement, measure
from models.training.teaching.heads import choose_strength, fit_ridge
from models.training.teaching.teacher import load_teacher
from pipelines.training.clips import PLAIN, Clip, folds_of
from pipelines.training.encoded import load_rows
from pipelines.training.figures import keep_figures, load_figures
from pipelines.training.heads import CONTEXTS, load_head
from pipelines.training.prepare import load_clip
from pipelines.training.teacher import ARRAYS, FIGURES

DECIDED, MEASURED, PREDICTED = "decided.json", "measured.json", "predicted.npz"
_SETS = {"moods4q": "4Q", "emotify": "Emotify", "own": "our own"}


def calibrate(clips: Sequence[Clip], work: Path) -> None:
    """Write decided.json, measured.json and predicted.npz into `work`, from the rows and heads there."""
    teacher, folds = load_teacher(work / ARRAYS), folds_of(clips)
    about = load_figures(work / FIGURES)
    means = np.stack([_heard_mean(clip, work) for clip in clips])
    known = teacher.probabilities(means)
    summaries, curves, spreads = _unheard(clips, folds, work)
    members = teacher.heads.each(summaries)
    raw = members.mean(axis=0)
    tracks = Tracks(raw, known, np.array([_SETS[clip.source] for clip in clips]))
    r = agreement(raw, known)
    graded = grades(about["roc_auc"]["both"], r.tolist())
    on = np.array([grade != WORST for grade in graded])
    decided = decide(tracks, teacher.floor, TagCount(), on=on)
    predicted = Predicted(
        fold=folds,
        source=np.array([clip.source for clip in clips]),
        stratum=np.array([clip.stratum.rpartition(":")[2] for clip in clips]),
        members=members,
        scores=decided.platt(raw),
        teacher=known,
        thresholds=decided.thresholds,
        teachers=teacher.floor,
        on=on,
        affect=curves,
        spread=spreads,
        truth=np.array([clip.affect or (np.nan, np.nan) for clip in clips]),
        ridge=_ridge(means, clips, folds),
    )
    _save(predicted, work / PREDICTED)
    quality = {
        "grades": graded,
        "off": [tag for tag, kept in zip(teacher.tags, on, strict=True) if not kept],
        "opposites": [list(pair) for pair in OPPOSITES],
        "provenance": grade_provenance(),
    }
    keep_figures({**decided.fields(), "quality": quality}, work / DECIDED)
    words = [clip.words for clip in clips]
    figures = measure(predicted, teacher.tags, words)
    keep_figures({**figures, "clips": Counter(_SETS[clip.source] for clip in clips)}, work / MEASURED)


def load_predicted(work: Path) -> Predicted:
    """What `calibrate` kept of every clip."""
    with np.load(work / PREDICTED) as arrays:
        return Predicted(**{name: arrays[name] for name in arrays.files})


def _heard_mean(clip: Clip, work: Path) -> NDArray[np.float64]:
    name = f"heard.{PLAIN}"
    mean: NDArray[np.float64] = load_clip(clip.clip_id, work, name)[name].mean(axis=0, dtype=np.float64)
    return mean


def _unheard(
    clips: Sequence[Clip], folds: NDArray[np.int64], work: Path
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of every clip by the encoder and heads of its fold: mean row [clips, values], mean of every head's
    curve [heads, clips, 2], and mean spread of the heads along it [clips, 2]."""
    summaries: dict[int, NDArray[np.float64]] = {}
    curves: dict[int, NDArray[np.float64]] = {}
    spreads: dict[int, NDArray[np.float64]] = {}
    for number in range(FOLDS):
        places = np.flatnonzero(folds == number).tolist()
        head = load_head(number, work)
        own = [clips[place] for place in places]
        for place, rows in zip(places, load_rows(number, own, work), strict=True):
            along = curves_of(head, rows, contexts=CONTEXTS)
            summaries[place] = rows.mean(axis=0, dtype=np.float64)
            curves[place], spreads[place] = along.mean(axis=1), along.std(axis=0).mean(axis=0)
    order = range(len(clips))
    return (
        np.stack([summaries[place] for place in order]),
        np.stack([curves[place] for place in order], axis=1),
        np.stack([spreads[place] for place in order]),
    )


def _ridge(
    means: NDArray[np.float64], clips: Sequence[Clip], folds: NDArray[np.int64]
) -> NDArray[np.float64]:
    """What a user would do with YAMNet itself, on the same folds: ridge on its mean embeddings [clips, 2];
    its strength is chosen on the fold after the one that is left out."""
    truth = np.array([clip.affect or (np.nan, np.nan) for clip in clips])
    rated = np.isfinite(truth).all(axis=1)
    predicted = np.full(truth.shape, np.nan)
    for number in range(FOLDS):
        beside = (number + 1) % FOLDS
        learnt, held = rated & (folds != number) & (folds != beside), rated & (folds == beside)
        if not learnt.any() or not held.any():
            continue
        strength = choose_strength((means[learnt], truth[learnt]), (means[held], truth[held]))
        both = learnt | held
        predicted[folds == number] = fit_ridge(means[both], truth[both], strength=strength)(
            means[folds == number]
        )
    return predicted


def _save(predicted: Predicted, path: Path) -> None:
    np.savez(path, **{name: getattr(predicted, name) for name in Predicted.__slots__})
