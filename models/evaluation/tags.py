"""Tags against labels by the official protocol: areas, decisions, calibration, intervals, tag by tag.

MediaEval 2019, Emotion and Theme Recognition in Music: ROC-AUC, PR-AUC (average precision), precision, recall
and F, macro and micro. A tag without a positive track has no area: it is left out of those means and named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.evaluation.measures.bootstrap import Draws, bootstrap_tags
from models.evaluation.measures.decided import DecisionMeasures, measure_decisions
from models.evaluation.measures.ranking import areas, rank
from models.evaluation.measures.reliability import calibration_errors, reliability
from models.evaluation.measures.thresholds import (
    between_thresholds,
    cross_fitted_f1,
    decide,
    official_thresholds,
)
from models.evaluation.reading.threshold_files import Thresholds

CROSS_FIT_SEED = 7
OFFICIAL_RULE = "per tag the best F on these very labels, decided strictly above (MediaEval 2019)"
VALIDATION_RULE = "per tag the best F on validation, halfway to the next score below, decided strictly above"
FIXED_RULE = "one threshold for every tag, decided strictly above"


@dataclass(frozen=True, slots=True)
class Scored:
    """Fused scores and labels of one list of tracks, both [tracks, tags]."""

    tags: tuple[str, ...]
    scores: NDArray[np.float64]
    labels: NDArray[np.bool_]


def tune_official(scored: Scored) -> Thresholds:
    """The official thresholds, tuned on the labels that they will be measured against."""
    values = official_thresholds(scored.labels, scored.scores)
    return Thresholds("official", values, OFFICIAL_RULE, {"tracks": len(scored.labels)})


def tune_validation(scored: Scored, *, tuned_on: Mapping[str, Any]) -> Thresholds:
    """Thresholds for other tracks, tuned on validation's; `tuned_on` is their provenance."""
    values = between_thresholds(scored.labels, scored.scores)
    facts = {**tuned_on, "tracks": len(scored.labels)}
    return Thresholds("validation", values, VALIDATION_RULE, facts)


def fixed(value: float, tags: int) -> Thresholds:
    """One threshold for all of so many tags."""
    return Thresholds("fixed", np.full(tags, value), f"{FIXED_RULE}: {value:g}", {})


def popularity_scores(train_labels: NDArray[np.bool_], tracks: int) -> NDArray[np.float64]:
    """The task's baseline: 1 for the tag that most training tracks have, else 0: [tracks, tags].

    Its decisions are its scores: measure it with the fixed threshold .5.
    """
    scores = np.zeros((tracks, train_labels.shape[1]))
    scores[:, int(np.argmax(train_labels.sum(axis=0)))] = 1.0
    return scores


def evaluate_tags(scored: Scored, thresholds: Thresholds, *, how: Draws | None = None) -> dict[str, Any]:
    """Every measure, ready for JSON: the macro and micro ones at the top, NaN as None.

    `f1_macro_cross_fitted` is the F of the official rule tuned on the other half of the tracks, over
    ten ways to halve them. `how` gives
    the bootstrap; no intervals without it.
    """
    labels, scores = scored.labels, scored.scores
    decided = decide(scores, thresholds.values)
    measured = measure_decisions(labels, decided)
    roc, pr = areas(rank(labels, scores))
    bare = [tag for tag, positives in zip(scored.tags, labels.sum(axis=0), strict=True) if not positives]
    return {
        **_overall(scored, measured, roc, pr),
        "f1_macro_cross_fitted": cross_fitted_f1(labels, scores, seed=CROSS_FIT_SEED),
        "tuned_on_these_labels": thresholds.tuned_on_these_labels,
        "tracks": len(labels),
        "tags_without_positive": bare,
        "thresholds": thresholds.record(scored.tags),
        "calibration": _calibration(scored),
        "bootstrap": _bootstrap(scored, decided, how) if how and how.draws else None,
        "tags": _rows(scored, thresholds, measured, roc, pr),
    }


def member_areas(
    members: Sequence[str], scores: NDArray[np.float64], labels: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Macro areas of every member alone: scores [members, tracks, tags], labels [tracks, tags]."""
    found = [areas(rank(labels, each)) for each in scores]
    return [
        {"member": name, "roc_auc_macro": _mean(roc), "pr_auc_macro": _mean(pr)}
        for name, (roc, pr) in zip(members, found, strict=True)
    ]


def _overall(
    scored: Scored, measured: DecisionMeasures, roc: NDArray[np.float64], pr: NDArray[np.float64]
) -> dict[str, float | None]:
    """The macro measures, then the micro ones: areas of all decisions ranked as one."""
    micro_roc, micro_pr = areas(rank(scored.labels.reshape(-1, 1), scored.scores.reshape(-1, 1)))
    figures = measured.figures()
    names = ("precision", "recall", "f1")
    return {
        "roc_auc_macro": _mean(roc),
        "pr_auc_macro": _mean(pr),
        **{f"{name}_macro": figures[f"{name}_macro"] for name in names},
        "roc_auc_micro": _number(micro_roc[0]),
        "pr_auc_micro": _number(micro_pr[0]),
        **{f"{name}_micro": figures[f"{name}_micro"] for name in names},
    }


def _rows(
    scored: Scored,
    thresholds: Thresholds,
    measured: DecisionMeasures,
    roc: NDArray[np.float64],
    pr: NDArray[np.float64],
) -> list[dict[str, Any]]:
    columns = {
        "positives": scored.labels.sum(axis=0).tolist(),
        "roc_auc": [_number(value) for value in roc],
        "pr_auc": [_number(value) for value in pr],
        "precision": measured.precision.tolist(),
        "recall": measured.recall.tolist(),
        "f1": measured.f1.tolist(),
        "threshold": thresholds.values.tolist(),
    }
    places = range(len(scored.tags))
    return [
        {"tag": scored.tags[place], **{name: values[place] for name, values in columns.items()}}
        for place in places
    ]


def _calibration(scored: Scored) -> dict[str, Any] | None:
    """Bins of all decisions and expected errors; None for scores that are no probabilities."""
    if scored.scores.min() < 0.0 or scored.scores.max() > 1.0:
        return None
    bins = reliability(scored.labels, scored.scores)
    by_tag = calibration_errors(scored.labels, scored.scores)
    return {
        "error": bins.error,
        "error_macro": float(by_tag.mean()),
        "by_tag": dict(zip(scored.tags, by_tag.tolist(), strict=True)),
        "bins": bins.rows(),
    }


def _bootstrap(scored: Scored, decided: NDArray[np.bool_], how: Draws) -> dict[str, Any]:
    found = bootstrap_tags(scored.labels, scored.scores, decided, how=how)
    return {
        "draws": how.draws,
        "seed": how.seed,
        "level": how.level,
        "over": "tracks, with the thresholds as they are",
        "intervals": {name: list(interval) for name, interval in found.items()},
    }


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(np.nanmean(values)) if np.isfinite(values).any() else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
