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


def decide(tracks: Tracks, teachers: NDArray[np.float64], wanted: TagCount) -> Decided:
    """Calibrate on the validation tracks; choose thresholds on all tracks but test.

    `teachers` are the teacher's thresholds [tags]. Students are less sure than the teacher, so their scores
    lie nearer to each other and the same numbers would tag next to nothing: the thresholds found here give a
    tag the rate that the teacher gives it.
    """
    validation, seen = tracks.split == "validation", tracks.split != "test"
    platt = fit_platt(tracks.raw[validation], tracks.teacher[validation])
    scores = platt(tracks.raw[seen])
    rates = (tracks.teacher[seen] > teachers).mean(axis=0)
    thresholds, highest = choose_thresholds(scores, rates, wanted)
    median = float(np.median((scores > thresholds).sum(axis=1)))
    provenance = _of_thresholds(int(seen.sum()), highest, median)
    return Decided(platt, thresholds, _of_platt(int(validation.sum())), provenance)


def _of_platt(tracks: int) -> str:
    return (
        f"Platt per tag on the {tracks} validation clips of 4Q and Emotify: from the mean of the taggers' "
        "track scores to the teacher's probability, which is itself Platt-calibrated on the labels of the "
        "MTG-Jamendo split-0 validation tracks; penalty log(scale)^2"
    )


def _of_thresholds(tracks: int, highest: float, median: float) -> str:
    return (
        f"per tag the one that as large a share of the {tracks} train and validation clips of 4Q and Emotify "
        f"is strictly above as the teacher tags, but no more than {highest:.3f} of them; the teacher tags "
        "where its probability is above its threshold with the best F on the labels of the MTG-Jamendo "
        f"split-0 validation tracks; the median of these clips has {median:g} tags; no test clip was used"
    )
