"""Fusion and decisions: members' scores of a track to calibrated scores, tags and ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.bundle import Decisions

EDGE = 1e-6  # scores are kept this far from 0 and 1, where the logit ends


@dataclass(frozen=True, slots=True)
class TagDecision:
    """Result of one track, each [tags]: scores in [0, 1], tagged or not, rank from 1, disagreement."""

    score: NDArray[np.float64]
    raw_score: NDArray[np.float64]
    tagged: NDArray[np.bool_]
    rank: NDArray[np.int64]
    disagreement: NDArray[np.float64]


def fuse(member_scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Plain mean and standard deviation over members, the fusion of Amiriparian et al. (2019).

    [members, tags] -> raw score [tags] and disagreement [tags].
    """
    return member_scores.mean(axis=0), member_scores.std(axis=0)


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


def decide(member_scores: NDArray[np.float64], decisions: Decisions) -> TagDecision:
    """Decision on one track from its members' scores [members, tags]; tagged is strictly above."""
    raw_score, disagreement = fuse(member_scores)
    score = calibrate(raw_score, decisions)
    rank = np.empty(len(score), np.int64)
    rank[np.argsort(-score, kind="stable")] = np.arange(1, len(score) + 1)
    return TagDecision(score, raw_score, score > decisions.threshold, rank, disagreement)
