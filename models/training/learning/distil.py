"""Tagger students: the loss against the teacher's scores, and the measure that picks their best epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.decisions import EDGE, safe_logit
from models.ensemble import compiled
from models.training.learning.chunks import (
    ChunkSource,
    Drawn,
    Grid,
    Recording,
    mean_embedding,
    stack,
    track_chunks,
)
from models.training.metrics import pearson_columns

CROSS_ENTROPY_WEIGHT = 1.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean and deviation of the teacher's logits over chunks: [tags] float32 each."""

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]


def spread_of(source: ChunkSource, *, epochs: int = 2) -> Spread:
    """Spread of the teacher's logits over the chunks of the first epochs."""
    scores = [targets[0] for epoch in range(epochs) for _, targets in source.epoch(epoch)]
    logits = safe_logit(np.concatenate(scores))
    return Spread(
        logits.mean(axis=0).astype(np.float32), logits.std(axis=0).astype(np.float32) + np.float32(1e-3)
    )


def distillation_loss(spread: Spread) -> Callable[[Any, Any], Any]:
    """Squared error of the standardised logits plus soft cross-entropy, both means over chunks and tags.

    The first weighs all tags alike and so learns every tag's order of tracks, the rare ones' too; the second
    keeps the scores probabilities.
    """
    import tensorflow as tf

    def logit(scores: Any) -> Any:
        clipped = tf.clip_by_value(scores, EDGE, 1.0 - EDGE)
        return tf.math.log(clipped) - tf.math.log1p(-clipped)

    def loss(scores: Any, targets: Any) -> Any:
        mine, theirs = logit(scores), logit(targets)
        squares = tf.reduce_mean(tf.square((mine - theirs) / spread.deviation))
        entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=mine)
        return squares + CROSS_ENTROPY_WEIGHT * tf.reduce_mean(entropy)

    return loss


def start_at_mean(model: Any, spread: Spread) -> None:
    """Set the last layer so that an untrained model says every tag's mean."""
    layer = model.get_layer("scores")
    kernel, _ = layer.get_weights()
    layer.set_weights([kernel * spread.deviation, spread.mean])


def score_recordings(
    forward: Callable[[Any, Any], Any], recordings: Sequence[Recording], grid: Grid, *, batch: int = 16
) -> NDArray[np.float64]:
    """Track scores [recordings, tags]: the scores of a track's chunks, averaged by their length."""
    chunks: list[Drawn] = []
    shares: list[tuple[int, float]] = []
    for place, recording in enumerate(recordings):
        drawn, weights = track_chunks(recording, grid)
        chunks += drawn
        shares += [(place, float(weight)) for weight in weights]
    rows = [
        np.asarray(forward(*stack(chunks[first : first + batch], grid)))
        for first in range(0, len(chunks), batch)
    ]
    scores = np.concatenate(rows)
    tracks = np.zeros((len(recordings), scores.shape[1]))
    for (place, share), row in zip(shares, scores, strict=True):
        tracks[place] += share * row
    return tracks


def teacher_tracks(
    recordings: Sequence[Recording], teach: Callable[[NDArray[np.float32]], NDArray[np.floating]]
) -> NDArray[np.floating]:
    """The teacher's scores of whole tracks: [recordings, tags]."""
    return teach(np.stack([mean_embedding(rec.summed, 0, rec.total_samples) for rec in recordings]))


def agreement(
    recordings: Sequence[Recording], truth: NDArray[np.floating], grid: Grid
) -> Callable[[Any], float]:
    """Measure of a model: mean over tags of its logits' correlation with `truth` [recordings, tags]."""
    goal = safe_logit(truth)
    held: dict[int, Any] = {}

    def score(model: Any) -> float:
        forward = held.setdefault(id(model), compiled(model))
        return float(
            np.nanmean(pearson_columns(safe_logit(score_recordings(forward, recordings, grid)), goal))
        )

    return score
