"""Losses of the schedules, and the measures on validation that pick the best epoch and stand in the card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.registry import Role
from models.regressors.targets import target_names
from models.training.metrics import macro, pearson
from models.training.systems.plan import MemberPlan
from models.training.systems.targets import on_steps

Floats = NDArray[np.float32]
_LEAST = 1e-7


def loss_of(plan: MemberPlan, model: Any) -> Callable[[Any, Any], Any]:
    """(output, target) -> the schedule's loss as a scalar; targets that are NaN do not count.

    Where targets are standardised, errors are in units of their deviation on the training fold.
    """
    import keras
    import tensorflow as tf

    name = plan.schedule.loss
    if name in ("binary_crossentropy", "categorical_crossentropy"):
        entropy = getattr(keras.losses, name)
        return lambda output, target: tf.reduce_mean(entropy(target, output))
    scale = model.get_layer("rescale").scale if plan.schedule.standardised else 1.0

    def squares(output: Any, target: Any) -> Any:
        known = tf.math.is_finite(target)
        errors = tf.where(known, output - tf.where(known, target, 0.0), 0.0) / scale
        total = tf.reduce_sum(tf.square(errors))
        if name == "sum_of_squares":
            return total
        return total / tf.maximum(tf.reduce_sum(tf.cast(known, tf.float32)), 1.0)

    return squares


def monitored(plan: MemberPlan, outputs: Sequence[Floats], targets: Sequence[Floats], model: Any) -> float:
    """The schedule's measure of outputs of whole validation tracks, as its name says."""
    if plan.role is Role.TAGGER:
        return macro(np.stack(targets) > 0.5, np.stack(outputs))["roc_auc"]
    return validation_loss(plan, outputs, targets, model)


def validation_loss(
    plan: MemberPlan, outputs: Sequence[Floats], targets: Sequence[Floats], model: Any
) -> float:
    """The schedule's loss of outputs of whole validation tracks; a sum of squares is over all of them."""
    if plan.role is Role.TAGGER:
        scores, labels = np.clip(np.stack(outputs), _LEAST, 1.0 - _LEAST), np.stack(targets)
        return float(-np.mean(labels * np.log(scores) + (1.0 - labels) * np.log1p(-scores)))
    if plan.role is Role.ANTONYM:
        return _cross_entropy(np.stack(outputs), np.stack(targets))
    scale = np.asarray(model.get_layer("rescale").scale) if plan.schedule.standardised else 1.0
    squares = np.square((np.concatenate(outputs) - rated(outputs, targets)) / scale)
    return float(np.nansum(squares) if plan.schedule.loss == "sum_of_squares" else np.nanmean(squares))


def measures(plan: MemberPlan, outputs: Sequence[Floats], targets: Sequence[Floats]) -> dict[str, float]:
    """What the card says of outputs of whole validation tracks."""
    if plan.role is Role.TAGGER:
        found = macro(np.stack(targets) > 0.5, np.stack(outputs))
        return {"ROC-AUC macro": found["roc_auc"], "PR-AUC macro": found["pr_auc"]}
    if plan.role is Role.ANTONYM:
        shares, truth = np.stack(outputs), np.stack(targets)
        decided = truth[:, 0] != truth[:, 1]
        right = (shares[:, 0] > 0.5) == (truth[:, 0] > 0.5)
        return {
            "cross-entropy": _cross_entropy(shares, truth),
            "accuracy": float(right[decided].mean()) if decided.any() else float("nan"),
        }
    found_all: dict[str, float] = {}
    predicted, truth = np.concatenate(outputs), rated(outputs, targets)
    settings: Any = plan.settings
    for column, name in enumerate(target_names(settings.target)):
        known = np.isfinite(truth[:, column])
        a, b = truth[known, column], predicted[known, column]
        found_all[f"{name} RMSE"] = float(np.sqrt(np.mean(np.square(a - b))))
        found_all[f"{name} r"] = pearson(a, b)
    return found_all


def rated(outputs: Sequence[Floats], targets: Sequence[Floats]) -> Floats:
    """Targets on the steps of the outputs, one track after the other: [steps, targets], NaN for no rating."""
    pairs = zip(outputs, targets, strict=True)
    return np.concatenate([on_steps(target, len(output)) for output, target in pairs])


def _cross_entropy(shares: Floats, truth: Floats) -> float:
    return float(-np.mean(np.sum(truth * np.log(np.maximum(shares, _LEAST)), axis=1)))
