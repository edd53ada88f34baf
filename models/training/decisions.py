"""From the students' raw scores to the bundle's calibration and thresholds, with their provenance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.calibration import Platt, TagCount, choose_thresholds, fit_platt


@dataclass(frozen=True, slots=True)
class Tracks:
    """Tracks of all splits: `split` [tracks] names, fused `raw` scores and the `teacher`'s probabilities,
    both [tracks, tags]."""

    split: NDArray[np.str_]
    raw: NDArray[np.floating]
    teacher: NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Decided:
    """Calibration and thresholds [tags], and what is said of each."""

    platt: Platt
    thresholds: NDArray[np.float64]
    calibration_provenance: str
    threshold_provenance: str

    def fields(self) -> dict[str, Any]:
        """What bundle.json holds of it."""
        return {
            "calibration": {
                "method": "platt",
                "scale": self.platt.scale.tolist(),
                "bias": self.platt.bias.tolist(),
                "provenance": self.calibration_provenance,
            },
            "thresholds": {"values": self.thresholds.tolist(), "provenance": self.threshold_provenance},
        }


def decide(tracks: Tracks, floor: NDArray[np.float64], wanted: TagCount) -> Decided:
    """Calibrate on the validation tracks; choose thresholds, `floor` [tags] at least, on all but test."""
    validation, seen = tracks.split == "validation", tracks.split != "test"
    platt = fit_platt(tracks.raw[validation], tracks.teacher[validation])
    scores = platt(tracks.raw[seen])
    thresholds, rate = choose_thresholds(scores, floor, wanted)
    median = float(np.median((scores > thresholds).sum(axis=1)))
    return Decided(
        platt, thresholds, _of_platt(int(validation.sum())), _of_thresholds(int(seen.sum()), rate, median)
    )


def _of_platt(tracks: int) -> str:
    return (
        f"Platt per tag on the {tracks} validation clips of 4Q and Emotify: from the mean of the taggers' "
        "track scores to the teacher's probability, which is itself Platt-calibrated on the labels of the "
        "MTG-Jamendo split-0 validation tracks; penalty log(scale)^2"
    )


def _of_thresholds(tracks: int, rate: float, median: float) -> str:
    return (
        "per tag the higher of two: the teacher's threshold with the best F on the labels of the MTG-Jamendo "
        f"split-0 validation tracks, and the lowest that at most {rate:.3f} of the {tracks} train and "
        f"validation clips of 4Q and Emotify are strictly above; the median of these clips has {median:g} "
        "tags; no test clip was used"
    )
