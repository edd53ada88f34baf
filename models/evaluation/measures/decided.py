"""Precision, recall and F of decisions: per tag, macro (mean over tags) and micro (all decisions as one)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class DecisionMeasures:
    """Precision, recall and F, 0 where they are not defined, as the official evaluation counts them.

    Per tag [tags]; macro the mean over the tags; micro of all decisions taken together.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    micro: tuple[float, float, float]

    def figures(self) -> dict[str, float]:
        """Keys precision_macro ... f1_micro."""
        names = ("precision", "recall", "f1")
        macro = (self.precision, self.recall, self.f1)
        return {
            **{f"{name}_macro": float(values.mean()) for name, values in zip(names, macro, strict=True)},
            **{f"{name}_micro": value for name, value in zip(names, self.micro, strict=True)},
        }


def measure_decisions(labels: NDArray[np.bool_], decided: NDArray[np.bool_]) -> DecisionMeasures:
    """Measures of decisions against labels, both [items, tags]."""
    hits = (labels & decided).sum(axis=0).astype(np.float64)
    given, there = decided.sum(axis=0).astype(np.float64), labels.sum(axis=0).astype(np.float64)
    micro = tuple(float(value) for value in precision_recall_f(hits.sum(), given.sum(), there.sum()))
    return DecisionMeasures(*precision_recall_f(hits, given, there), micro=(micro[0], micro[1], micro[2]))


def precision_recall_f(
    hits: NDArray[np.float64] | np.float64,
    given: NDArray[np.float64] | np.float64,
    there: NDArray[np.float64] | np.float64,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Precision, recall and F from counts of any one shape: right decisions, decisions, labels."""
    # hits <= given and hits <= there, so where a divisor is 0 its dividend is too.
    precision = np.asarray(hits / np.maximum(given, 1.0))
    recall = np.asarray(hits / np.maximum(there, 1.0))
    return precision, recall, np.asarray(2.0 * hits / np.maximum(given + there, 1.0))
