"""Fusion and decisions: members' scores of a track to calibrated scores, tags without opposites, ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.bundle import Decisions
from models.quality import Quality

EDGE = 1e-6  # scores are kept this far from 0 and 1, where the logit ends


@dataclass(frozen=True, slots=True)
class TagDecision:
    """Result of one track, each [tags]: scores in [0, 1], tagged or not, rank from 1, disagreement.

    `contradicts` has the index of the opposite tag where both of a pair were above their thresholds, whether
    the tag has kept its decision or lost it; of several, that with the largest margin.
    """

    score: NDArray[np.float64]
    raw_score: NDArray[np.float64]
    tagged: NDArray[np.bool_]
    rank: NDArray[np.int64]
    disagreement: NDArray[np.float64]
    contradicts: tuple[int | None, ...]


def fuse(member_scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Plain mean and standard deviation over members, the fusion of Amiriparian et al. (2019).

    [members, tags] -> raw score [tags] and disagreement [tags], both rounded to single precision, as tables
    keep them: what is decided on a table's raw scores later is what would have been decided at once.
    """
    return _single(member_scores.mean(axis=0)), _single(member_scores.std(axis=0))


def _single(values: NDArray[np.floating]) -> NDArray[np.float64]:
    return values.astype(np.float32).astype(np.float64)


def safe_logit(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logit of scores that may reach 0 or 1: any shape."""
    return np.asarray(logit(np.clip(scores.astype(np.float64), EDGE, 1.0 - EDGE)), np.float64)


def platt(
    scores: NDArray[np.floating], scale: NDArray[np.float64], bias: NDArray[np.float64]
) -> NDArray[np.float64]:
    """sigmoid(scale * logit(score) + bias) per tag (Platt, 1999): [..., tags] -> [..., tags]."""
    return np.asarray(expit(scale * safe_logit(scores) + bias), np.float64)


def calibrate(raw_score: NDArray[np.float64], decisions: Decisions) -> NDArray[np.float64]:
    """Raw fused scores to calibrated ones, by the bundle's scale and bias: [..., tags] -> [..., tags]."""
    return platt(raw_score, decisions.scale, decisions.bias)


def decide(
    member_scores: NDArray[np.float64], decisions: Decisions, quality: Quality | None = None
) -> TagDecision:
    """Decision on one track from its members' scores [members, tags]: they are fused and decided on."""
    return decide_fused(*fuse(member_scores), decisions, quality)


def decide_fused(
    raw_score: NDArray[np.float64],
    disagreement: NDArray[np.float64],
    decisions: Decisions,
    quality: Quality | None = None,
) -> TagDecision:
    """Decision on one track from its fused scores [tags] and their disagreement [tags].

    Tagged is strictly above the threshold, but for tags that are not decided (`quality.undecided`) and for
    those that lose to their opposite: see `resolve`. Scores and ranks know nothing of either.
    """
    known = quality or Quality()
    score = calibrate(raw_score, decisions)
    rank = np.empty(len(score), np.int64)
    rank[np.argsort(-score, kind="stable")] = np.arange(1, len(score) + 1)
    above = score > decisions.threshold
    above[list(known.undecided)] = False
    margin = safe_logit(score) - safe_logit(decisions.threshold)
    tagged, contradicts = resolve(above, margin, known.opposites)
    return TagDecision(score, raw_score, tagged, rank, disagreement, contradicts)


def resolve(
    above: NDArray[np.bool_], margin: NDArray[np.float64], opposites: Sequence[tuple[int, int]]
) -> tuple[NDArray[np.bool_], tuple[int | None, ...]]:
    """Decisions without opposites: where both tags of a pair are above, the larger margin stays.

    `above` [tags] is what is above its threshold, `margin` [tags] by how much, in logits. On a tie the first
    of the pair stays. Every pair is looked at as if it were the only one, and all losers go together: a tag
    that loses in one pair still beats its opposite in another. The tags left, and for each tag the opposite
    that it contradicts: of several, that with the largest margin, of equal ones the first.
    """
    tagged = above.copy()
    against: dict[int, int] = {}
    for first, second in opposites:
        if not (above[first] and above[second]):
            continue
        tagged[second if margin[first] >= margin[second] else first] = False
        for tag, other in ((first, second), (second, first)):
            if tag not in against or margin[other] > margin[against[tag]]:
                against[tag] = other
    return tagged, tuple(against.get(tag) for tag in range(len(above)))
