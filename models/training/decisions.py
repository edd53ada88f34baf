"""From the students' raw scores to the bundle's calibration, thresholds and grades, with their provenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.calibration import Platt, TagCount, choose_thresholds, fit_platt, rate_limit

# Least ROC-AUC of a tag on the true labels of MTG-Jamendo for grades A, B and C; below the last it is D.
_GRADES = {"A": 0.80, "B": 0.72, "C": 0.65}
WORST = "D"
# Least correlation with the teacher for a grade to stand as it is; below, it is one lower.
_AGREEMENT = 0.8


@dataclass(frozen=True, slots=True)
class Tracks:
    """Clips and what is said of each, all [clips, tags]: the fused `raw` scores of an encoder that had not
    heard the clip, and the `teacher`'s probabilities; `source` [clips] is the set of each."""

    raw: NDArray[np.floating]
    teacher: NDArray[np.floating]
    source: NDArray[np.str_]

    @property
    def sets(self) -> str:
        """Which clips they are, in words."""
        return " and ".join(np.unique(self.source).tolist())


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


def decide(
    tracks: Tracks, teachers: NDArray[np.float64], wanted: TagCount, *, on: NDArray[np.bool_]
) -> Decided:
    """Calibrate and choose thresholds on clips that the scores' encoders had not heard.

    `teachers` are the teacher's thresholds [tags]. A student is less sure than its teacher: the thresholds
    found here give a tag the rate that the teacher gives it, within `wanted`. `on` [tags] are the tags that
    are decided by default: how many tags a clip has is counted over these.
    """
    platt = fit_platt(tracks.raw, tracks.teacher)
    scores = platt(tracks.raw)
    rates = (tracks.teacher > teachers).mean(axis=0)
    thresholds, highest = choose_thresholds(scores, rates, wanted, on=on)
    for source in np.unique(tracks.source):
        of_set = scores[tracks.source == source]
        thresholds = np.maximum(thresholds, rate_limit(of_set, np.full(scores.shape[1], wanted.set_rate)))
    median = float(np.median((scores > thresholds)[:, on].sum(axis=1)))
    provenance = _of_thresholds(tracks, (highest, wanted.set_rate), median)
    return Decided(platt, thresholds, _of_platt(tracks), provenance)


def grades(roc_auc: Sequence[float], agreement: Sequence[float]) -> list[str]:
    """Grade of each tag, A to D, from ROC-AUC on true labels and correlation with the teacher: [tags]."""
    return [_grade(area, r) for area, r in zip(roc_auc, agreement, strict=True)]


def _grade(area: float, agreement: float) -> str:
    letters = [*_GRADES, WORST]
    place = next((place for place, least in enumerate(_GRADES.values()) if area >= least), len(_GRADES))
    return letters[min(place + (agreement < _AGREEMENT), len(letters) - 1)]


def grade_provenance() -> str:
    """How `grades` grades, in words."""
    limits = ", ".join(f"{letter} from {least:.2f}" for letter, least in _GRADES.items())
    return (
        "by the teacher's ROC-AUC on the labels of the validation and test tracks of MTG-Jamendo split-0: "
        f"{limits}, else {WORST}; one grade lower where student and teacher correlate by less than "
        f"{_AGREEMENT:g} on clips that the student had not heard; {WORST} is off by default"
    )


def _of_platt(tracks: Tracks) -> str:
    return (
        f"Platt per tag on {len(tracks.raw)} clips of {tracks.sets}, each heard by an encoder that was not "
        "trained on its artist: from the mean of the taggers' scores to the teacher's probability, which is "
        "itself Platt-calibrated on the labels of the MTG-Jamendo split-0 validation tracks; penalty "
        "log(scale)^2"
    )


def _of_thresholds(tracks: Tracks, highest: tuple[float, float], median: float) -> str:
    return (
        f"per tag the one that as large a share of {len(tracks.raw)} clips of {tracks.sets} is strictly "
        f"above as the teacher tags, but no more than {highest[0]:.3f} of them and {highest[1]:g} of "
        "each set; the teacher tags where its "
        "probability is above its threshold with the best F on the labels of the MTG-Jamendo split-0 "
        f"validation tracks; the median of these clips has {median:g} tags; each clip's scores are of an "
        "encoder that was not trained on its artist"
    )
